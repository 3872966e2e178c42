// A backend for notes in Express that knows its users by Latchkey's access tokens.
// docs:verify
import { latchkey, requireRole, requireUser, webhook } from '@latchkey/express'
import express from 'express'

const notes = []
const app = express()
app.use(latchkey({ issuer: process.env.LATCHKEY_URL, audience: process.env.LATCHKEY_AUDIENCE }))

app.get('/', (_req, res) => res.json({ notes: notes.length })) // public

app.get('/api/me', requireUser(), (req, res) => {
  res.json({ id: req.user.id, team: req.user.team ?? '', role: req.user.role ?? '' })
})
// docs:end

app.get('/api/notes', requireUser(), (req, res) => res.json(notes.filter((note) => note.author === req.user.id)))

// docs:author
app.post('/api/notes', requireUser(), express.json(), (req, res) => {
  if (typeof req.body?.text !== 'string') return res.status(400).json({ error: 'a note needs a text' })
  const note = { author: req.user.id, team: req.user.team ?? '', text: req.body.text } // never from the body
  notes.push(note)
  res.status(201).json(note)
})
// docs:end

// docs:role
app.delete('/api/teams/:team/notes', requireRole('admin', { team: (req) => req.params.team }), (req, res) => {
  notes.splice(0, notes.length, ...notes.filter((note) => note.team !== req.params.team))
  res.sendStatus(204)
})
// docs:end

// docs:webhook
const events = webhook(process.env.WEBHOOK_SECRET, {
  // Two accounts of one person became one.
  'user.merged': ({ data }) => {
    for (const note of notes) if (note.author === data.from) note.author = data.into
  },
})
app.post('/webhooks', events)
// docs:end

const port = process.env.PORT ?? 8305
app.listen(port, '127.0.0.1', () => console.log(`listening on http://localhost:${port}`))

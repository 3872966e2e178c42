import { latchkey, requireRole, requireUser } from '@latchkey/express'
import express from 'express'

export const app = express()
app.use(express.json())
app.use(latchkey({ issuer: 'https://auth.example.com', audience: 'https://api.example.com' }))

app.post('/notes', requireUser(), (req, res) => {
  res.json({ author: req.user?.id, text: req.body.text })
})
app.delete('/teams/:team/notes', requireRole('admin', { team: (req) => String(req.params['team']) }), (_req, res) => {
  res.sendStatus(204)
})

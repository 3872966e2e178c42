import { verifier } from './verify.mjs'

// requireUser is a middleware: app.use(requireUser({ issuer, audience })).
export function requireUser(options) {
  const userOf = verifier(options)
  return async (req, res, next) => {
    try {
      req.user = await userOf(req.headers.authorization)
    } catch {
      res.statusCode = 401
      res.setHeader('WWW-Authenticate', 'Bearer')
      return res.end()
    }
    next()
  }
}

// createNote takes the author from req.user and never from req.body.
export function createNote(req, res) {
  res.setHeader('Content-Type', 'application/json')
  res.end(JSON.stringify({ author: req.user.id, text: req.body.text }))
}

// Usage: node run.mysql.js URL <FILE: runs the statements of a file.
import { readFileSync } from 'node:fs'
import mysql from 'mysql2/promise'

const db = await mysql.createConnection({ uri: process.argv[2], multipleStatements: true })
await db.query(readFileSync(0, 'utf8'))
await db.end()

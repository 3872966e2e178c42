// Usage: node dump.mysql.js URL: the rows of all tables as INSERT statements.
import mysql from 'mysql2/promise'

const db = await mysql.createConnection({ uri: process.argv[2], dateStrings: true, supportBigNumbers: true, bigNumberStrings: true })
const [tables] = await db.query('SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE() ORDER BY table_name')
console.log('SET FOREIGN_KEY_CHECKS = 0;')
for (const { name } of tables) {
  const [rows] = await db.query({ sql: 'SELECT * FROM ??', rowsAsArray: true }, [name])
  for (const row of rows) console.log(mysql.format('INSERT INTO ?? VALUES (?);', [name, row]))
}
console.log('SET FOREIGN_KEY_CHECKS = 1;')
await db.end()

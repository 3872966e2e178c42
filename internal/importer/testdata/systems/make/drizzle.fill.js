// Usage: node drizzle.fill.js postgres|mysql|sqlite URL
import { DrizzleAdapter } from '@auth/drizzle-adapter'
import { fill } from './people.js'

const [engine, url] = process.argv.slice(2)
let db, end
if (engine === 'postgres') {
  const { default: pg } = await import('pg')
  const pool = new pg.Pool({ connectionString: url })
  db = (await import('drizzle-orm/node-postgres')).drizzle(pool)
  end = () => pool.end()
} else if (engine === 'mysql') {
  const pool = (await import('mysql2/promise')).createPool(url)
  db = (await import('drizzle-orm/mysql2')).drizzle(pool)
  end = () => pool.end()
} else {
  const { createClient } = await import('@libsql/client')
  const file = createClient({ url: 'file:' + url })
  db = (await import('drizzle-orm/libsql')).drizzle(file)
  end = () => file.close()
}
await fill(DrizzleAdapter(db))
await end()

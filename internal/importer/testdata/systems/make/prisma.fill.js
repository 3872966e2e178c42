// Usage: node prisma.fill.js postgres|sqlite URL
import { PrismaAdapter } from '@auth/prisma-adapter'
import { PrismaClient } from '@prisma/client'
import { fill } from './people.js'

const [engine, url] = process.argv.slice(2)
let adapter
if (engine === 'postgres') {
  const { PrismaPg } = await import('@prisma/adapter-pg')
  adapter = new PrismaPg({ connectionString: url })
} else {
  const { PrismaLibSQL } = await import('@prisma/adapter-libsql')
  adapter = new PrismaLibSQL({ url: 'file:' + url })
}
const prisma = new PrismaClient({ adapter })
await fill(PrismaAdapter(prisma), false) // the schema has no model for passkeys
await prisma.$disconnect()

// Better Auth with the plugins whose tables the import reads or counts. ENGINE and URL
// say where.
import { betterAuth } from 'better-auth'
import { admin, organization, siwe, twoFactor } from 'better-auth/plugins'
import { verifyMessage } from 'viem'

const { ENGINE, URL: url } = process.env
let database
if (ENGINE === 'postgres') database = new (await import('pg')).default.Pool({ connectionString: url })
else if (ENGINE === 'mysql') database = (await import('mysql2/promise')).createPool({ uri: url, timezone: 'Z' })
else {
  const { LibsqlDialect } = await import('@libsql/kysely-libsql')
  database = { dialect: new LibsqlDialect({ url: 'file:' + url }), type: 'sqlite' }
}

export const auth = betterAuth({
  database,
  baseURL: 'http://localhost:3000',
  secret: 'a secret of at least 32 characters, of no one',
  emailAndPassword: { enabled: true },
  telemetry: { enabled: false },
  rateLimit: { enabled: false },
  plugins: [
    organization(),
    admin(),
    twoFactor(),
    siwe({
      domain: 'localhost',
      getNonce: async () => 'aVeryRandomNonce1',
      verifyMessage: ({ message, signature, address }) => verifyMessage({ message, signature, address }),
    }),
  ],
})

export const end = () => database.end?.()

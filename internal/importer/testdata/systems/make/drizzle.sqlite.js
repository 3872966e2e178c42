// The tables of @auth/drizzle-adapter, by the definitions that it falls back to itself.
import { defineTables } from './node_modules/@auth/drizzle-adapter/lib/sqlite.js'

export const { usersTable, accountsTable, sessionsTable, verificationTokensTable, authenticatorsTable } = defineTables()

interface Row {
  id: string
  email?: string | null | undefined
}

/** users is the table of users that an application has of its own. */
export const users = {
  rows: new Map<string, Row>(),
  passwords: new Map<string, { id: string; name: string; password: string }>(),

  save: (row: Row) => void users.rows.set(row.id, row),
  merge: (from: string, into: string) => void (users.rows.delete(from) && users.save({ id: into })),
  check: async (email: string, password: string) => {
    const user = users.passwords.get(email)
    return user?.password === password ? user : undefined
  },
}

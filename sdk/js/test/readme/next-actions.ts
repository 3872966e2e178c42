'use server'

import { auth } from './next.js'

export async function deleteProject(id: string): Promise<string> {
  const { user, team } = await auth.protect({ role: 'admin' })
  return `${user.id} of ${team?.id} deletes ${id}`
}

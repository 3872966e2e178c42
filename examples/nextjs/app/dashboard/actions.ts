'use server'

import { revalidatePath } from 'next/cache'
import { auth, signOut } from '@/auth'
import { reports } from '@/lib/store'

// Anyone can call a server action, without its page, so each one checks.
export async function addReport(form: FormData) {
  const { user, team } = await auth.protect({ onboarded: true })
  reports.add({ author: user.id, team: team?.id, title: String(form.get('title') ?? '').slice(0, 100) })
  revalidatePath('/dashboard')
}

// docs:role
export async function deleteReport(id: string) {
  const { team } = await auth.protect({ role: 'admin' })
  reports.delete(team!.id, id)
  revalidatePath('/dashboard')
}
// docs:end

export async function leave() {
  await signOut({ redirectTo: '/' })
}

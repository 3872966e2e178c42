import { createAdmin } from '@latchkey/server'
import { redirect } from 'next/navigation'
import { auth } from '@/auth'

const admin = () => createAdmin({ issuer: process.env.AUTH_LATCHKEY_ISSUER!, apiKey: process.env.LATCHKEY_USERS_KEY! })

// docs:onboarding
async function complete(form: FormData) {
  'use server'
  const { user } = await auth.protect()
  const company = String(form.get('company') ?? '').trim()
  if (!company) return
  await admin().users.update(user.id, { onboarded: true, app_metadata: { company } })
  await auth.refresh()
  redirect('/dashboard')
}
// docs:end

export default async function Signup() {
  const { user } = await auth.protect()
  if (user.onboarded) redirect('/dashboard')
  return (
    <>
      <h1>Welcome, {user.name ?? user.username}</h1>
      <form action={complete}>
        <label>
          Your company <input name="company" required maxLength={100} />
        </label>{' '}
        <button type="submit">Complete onboarding</button>
      </form>
    </>
  )
}

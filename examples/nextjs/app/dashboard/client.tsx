'use client'

import { useSession, useStepUp, useTeam } from '@latchkey/react'
import { useRouter } from 'next/navigation'

// docs:session
// The session that the browser has, and a button to update it.
export function Claims() {
  const { data, status, update } = useSession()
  const router = useRouter()
  return (
    <p>
      <output aria-label="Session">
        {status}: {data?.user.wallets.length ?? 0} wallets
      </output>{' '}
      <button type="button" onClick={() => update().then(() => router.refresh())}>
        Update
      </button>
    </p>
  )
}
// docs:end

export function TeamSwitch({ teams }: { teams: { id: string; name: string }[] }) {
  const { id, role, switchTo } = useTeam()
  return (
    <>
      <p>{id ? `Active in ${teams.find((team) => team.id === id)?.name ?? id} as ${role}` : 'No team'}</p>
      {teams
        .filter((team) => team.id !== id)
        .map((team) => (
          <button key={team.id} type="button" onClick={() => switchTo(team.id)}>
            Switch to {team.name}
          </button>
        ))}
    </>
  )
}

export function StepUp() {
  const { recentlyVerified, stepUp } = useStepUp()
  return recentlyVerified ? (
    <a href="/dashboard/billing">Billing</a>
  ) : (
    <button type="button" onClick={() => stepUp({ redirectTo: '/dashboard/billing' })}>
      Verify it’s you for billing
    </button>
  )
}

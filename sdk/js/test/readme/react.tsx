'use client'

import { SignedIn, SignedOut, SignInButton, UserButton, useSession, useTeam } from '@latchkey/react'

export function Header() {
  const { data: session, status, update } = useSession()
  const { role, switchTo } = useTeam()
  return (
    <header>
      <SignedOut>
        <SignInButton provider="google">Sign in with Google</SignInButton>
      </SignedOut>
      <SignedIn>
        {status}: {session?.user.name} {role}
        <button type="button" onClick={() => void update()}>
          Update
        </button>
        <button type="button" onClick={() => switchTo('019aa0c0-7c2e-7f6a-9c3b-2a4f5b6c7d8e')}>
          Acme
        </button>
        <UserButton accountUrl="https://auth.example.com/account" />
      </SignedIn>
    </header>
  )
}

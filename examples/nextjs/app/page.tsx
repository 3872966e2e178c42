import { SignedOut, SignInButton } from '@latchkey/react'
import { signIn } from '@/auth'

// A public page: it works while Latchkey is away.
export default function Home() {
  return (
    <>
      <h1>On-chain analytics for your team</h1>
      <SignedOut>
        <p>
          <SignInButton provider="google" redirectTo="/dashboard">
            Sign in with Google
          </SignInButton>
          {' · '}
          <SignInButton provider="github" redirectTo="/dashboard">
            Sign in with GitHub
          </SignInButton>
          {' · '}
          <SignInButton provider="wallet" redirectTo="/dashboard">
            Sign in with a wallet
          </SignInButton>
        </p>
        <form
          action={async () => {
            'use server'
            await signIn(undefined, { redirectTo: '/dashboard' })
          }}
        >
          <button type="submit">All sign-in methods</button>
        </form>
      </SignedOut>
    </>
  )
}

import { LatchkeyProvider, SignedIn, SignedOut, SignInButton, UserButton } from '@latchkey/react'
import Link from 'next/link'
import type { ReactNode } from 'react'
import { auth } from '@/auth'
import './style.css'

export const metadata = { title: 'Chainview' }

export default async function Layout({ children }: { children: ReactNode }) {
  return (
    <html lang="en">
      <body>
        <LatchkeyProvider session={await auth()}>
          <header>
            <Link href="/">Chainview</Link>
            <nav>
              <SignedIn>
                <Link href="/dashboard">Dashboard</Link>
                <UserButton accountUrl={`${process.env.AUTH_LATCHKEY_ISSUER}/account`} />
              </SignedIn>
              <SignedOut>
                <SignInButton>Sign in</SignInButton>
              </SignedOut>
            </nav>
          </header>
          <main>{children}</main>
        </LatchkeyProvider>
      </body>
    </html>
  )
}

import type { AnchorHTMLAttributes, FormEvent, ReactNode } from 'react'
import { type SignInOptions, signIn, signInUrl, signOut } from './actions.js'
import { useSession } from './provider.js'
import { hasRole, type Role, type Session } from './session.js'

// SignedIn shows its children to people who are signed in and, with role, have at least this role.
export function SignedIn({ role, children }: { role?: Role; children: ReactNode }) {
  const { data } = useSession()
  return data && (!role || hasRole(data, role)) ? children : null
}

// SignedOut shows its children to people who are not signed in.
export function SignedOut({ children }: { children: ReactNode }) {
  return useSession().status === 'unauthenticated' ? children : null
}

export interface SignInButtonProps extends SignInOptions, Omit<AnchorHTMLAttributes<HTMLAnchorElement>, 'href' | 'onClick'> {
  /** google, github, ... Left out: the person chooses. */
  provider?: string
}

// SignInButton is a link to sign in, and back to this page. It works without JavaScript.
export function SignInButton({ provider, redirectTo, callbackUrl, team, prompt, loginHint, children = 'Sign in', ...rest }: SignInButtonProps) {
  const all = Object.entries({ redirectTo, callbackUrl, team, prompt, loginHint }).filter(([, value]) => value !== undefined)
  const options = Object.fromEntries(all) as SignInOptions
  return (
    <a
      {...rest}
      href={signInUrl(provider, options)}
      onClick={(event) => {
        if (event.metaKey || event.ctrlKey || event.shiftKey || event.button) return
        event.preventDefault()
        signIn(provider, options)
      }}
    >
      {children}
    </a>
  )
}

export interface UserButtonProps {
  /** The account page of Latchkey, such as https://auth.example.com/account. */
  accountUrl?: string
  /** Where to go on after signing out. Default: /. */
  redirectTo?: string
  labels?: { account?: string; signOut?: string }
  className?: string
  /** More items of the menu. */
  children?: ReactNode
}

// UserButton shows who is signed in, with a menu to open the account page and to sign out. It
// has no style: `data-latchkey` names its parts.
export function UserButton({ accountUrl, redirectTo = '/', labels, className, children }: UserButtonProps) {
  const { data } = useSession()
  if (!data) return null
  const submit = (event: FormEvent) => {
    event.preventDefault()
    void signOut({ redirectTo })
  }
  return (
    <details className={className} data-latchkey="user-button">
      <summary>
        {data.user.image && <img src={data.user.image} alt="" width={24} height={24} referrerPolicy="no-referrer" />} {nameOf(data)}
      </summary>
      <div data-latchkey="user-menu">
        {data.user.email && <p>{data.user.email}</p>}
        {accountUrl && <a href={accountUrl}>{labels?.account ?? 'Manage account'}</a>}
        {children}
        <form onSubmit={submit}>
          <button type="submit">{labels?.signOut ?? 'Sign out'}</button>
        </form>
      </div>
    </details>
  )
}

function nameOf({ user }: Session): string {
  return user.name || user.username || user.email || user.id
}

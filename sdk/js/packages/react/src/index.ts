'use client'

export { getSession, type SignInOptions, signIn, signOut } from './actions.js'
export { SignedIn, SignedOut, SignInButton, type SignInButtonProps, UserButton, type UserButtonProps } from './components.js'
export { type StepUp, type TeamState, useStepUp, useTeam } from './hooks.js'
export { LatchkeyProvider, type LatchkeyProviderProps, type SessionState, type Status, useSession } from './provider.js'
export { hasRole, type Role, type Session, type User, type Wallet } from './session.js'

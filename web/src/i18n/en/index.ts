import { account, addresses, devices, duplicates, history, invitations, linkRequests, merge, recovery, ways } from './account'
import { audit, filters, operator, policy, sessions, team } from './admin'
import { common, docs, email, home, shell, signIn, stepUp, wallet } from './pages'
import type { details, reasons } from './reasons'
import { words } from './words'

// Each area belongs to a page or a shared component; a new page adds a file and
// names its areas here and in every other language.
export const en = {
  messages: {
    common,
    shell,
    home,
    signIn,
    email,
    wallet,
    stepUp,
    docs,
    account,
    ways,
    addresses,
    duplicates,
    linkRequests,
    devices,
    merge,
    recovery,
    history,
    invitations,
    sessions,
    filters,
    team,
    policy,
    audit,
    operator,
    // Of the audit trail: ./later adds them, so that the sign-in page loads without.
    details: {} as typeof details,
    reasons: {} as typeof reasons,
  },
  words,
} as const

import type { Catalogue } from '../translate'
import { account, addresses, devices, duplicates, history, invitations, linkRequests, merge, recovery, ways } from './account'
import { audit, filters, operator, policy, sessions, team } from './admin'
import { common, docs, email, home, shell, signIn, stepUp, wallet } from './pages'
import { details, reasons } from './reasons'
import { words } from './words'

export const de: Catalogue = {
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
    details,
    reasons,
  },
  words,
}

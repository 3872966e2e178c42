import type { account, addresses, checkUp, devices, duplicates, invitations, leaving, linkRequests, methods, recovery } from './account'
import type { apps, clients, consent, device, signOut } from './apps'
import type { audit } from './audit'
import { common, done, email, list, shell, signIn, walletFault } from './first'
import type { history } from './history'
import type { home } from './home'
import type { hooks } from './hooks'
import type { keys } from './keys'
import type { merge } from './merge'
import type { operator } from './operator'
import type { details, reasons } from './reasons'
import type { filters, sessions } from './sessions'
import type { docs, stepUp } from './step-up'
import type { policy, team } from './team'
import type { wallet } from './wallet'
import type { wallets } from './wallets'
import type { webhooks } from './webhooks'
import { words } from './words'

// An area of texts that comes with the page that needs it: a file of ./later adds it.
const later = <T>(): T => ({}) as T

// Each area belongs to a page or a shared component; a new page adds a file and
// names its areas here and in every other language.
export const en = {
  messages: {
    common,
    shell,
    list,
    done,
    signIn,
    email,
    walletFault,
    wallet: later<typeof wallet>(),
    stepUp: later<typeof stepUp>(),
    docs: later<typeof docs>(),
    home: later<typeof home>(),
    account: later<typeof account>(),
    checkUp: later<typeof checkUp>(),
    methods: later<typeof methods>(),
    addresses: later<typeof addresses>(),
    duplicates: later<typeof duplicates>(),
    leaving: later<typeof leaving>(),
    linkRequests: later<typeof linkRequests>(),
    devices: later<typeof devices>(),
    merge: later<typeof merge>(),
    recovery: later<typeof recovery>(),
    history: later<typeof history>(),
    invitations: later<typeof invitations>(),
    sessions: later<typeof sessions>(),
    filters: later<typeof filters>(),
    team: later<typeof team>(),
    policy: later<typeof policy>(),
    audit: later<typeof audit>(),
    keys: later<typeof keys>(),
    operator: later<typeof operator>(),
    consent: later<typeof consent>(),
    device: later<typeof device>(),
    apps: later<typeof apps>(),
    signOut: later<typeof signOut>(),
    clients: later<typeof clients>(),
    webhooks: later<typeof webhooks>(),
    hooks: later<typeof hooks>(),
    wallets: later<typeof wallets>(),
    details: later<typeof details>(),
    reasons: later<typeof reasons>(),
  },
  words,
} as const

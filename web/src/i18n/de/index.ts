import type { Catalogue } from '../translate'
import { account, addresses, checkUp, devices, duplicates, invitations, leaving, linkRequests, methods, recovery } from './account'
import { apps, clients, consent, device, signOut } from './apps'
import { audit } from './audit'
import { common, done, email, list, shell, signIn, walletFault } from './first'
import { history } from './history'
import { home } from './home'
import { hooks } from './hooks'
import { keys } from './keys'
import { merge } from './merge'
import { operator } from './operator'
import { details, reasons } from './reasons'
import { filters, sessions } from './sessions'
import { docs, stepUp } from './step-up'
import { policy, team } from './team'
import { wallet } from './wallet'
import { wallets } from './wallets'
import { webhooks } from './webhooks'
import { words } from './words'

export const de: Catalogue = {
  messages: {
    common,
    shell,
    list,
    done,
    signIn,
    email,
    walletFault,
    wallet,
    stepUp,
    docs,
    home,
    account,
    checkUp,
    methods,
    addresses,
    duplicates,
    leaving,
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
    keys,
    operator,
    consent,
    device,
    apps,
    signOut,
    clients,
    webhooks,
    hooks,
    wallets,
    details,
    reasons,
  },
  words,
}

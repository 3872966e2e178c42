import { providerName } from '../../auth/providers'
import { en } from '../../i18n/en'
import type { Key, Translate } from '../../i18n/translate'
import { what } from '../account/history-words'
import { readID } from '../sessions/filters'
import '../../i18n/en/later/audit'

export type AuditChosen = {
  action: string
  user: string
  actor: string
  team: string
  /** Of an input of the type datetime-local: in the reader's zone. */
  from: string
  to: string
  ip: string
}

export const noAuditFilter: AuditChosen = { action: '', user: '', actor: '', team: '', from: '', to: '', ip: '' }

const isAction = (key: string) => key.includes('.')

// actions are all that this version of the app can say in words.
export const actions = [...Object.keys(en.messages.history), ...Object.keys(en.messages.audit)].filter(isAction).sort()

// auditWhat says an event in words.
export function auditWhat(t: Translate, event: { action: string; data: Record<string, unknown> }): string {
  if (isAction(event.action) && Object.hasOwn(en.messages.audit, event.action)) return (t as (key: Key) => string)(`audit.${event.action}` as Key)
  const { provider, client } = event.data
  return what(t, {
    action: event.action as never,
    ...(typeof provider === 'string' ? { provider } : {}),
    ...(typeof client === 'string' ? { application: client } : {}),
  })
}

const present = (data: Record<string, unknown>) => Object.entries(data).filter(([, value]) => value !== null && value !== '')
const plain = (key: string) => key.replaceAll('_', ' ')
const raw = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value))
const bounded = (text: string, longest: number) => (text.length > longest ? text.slice(0, longest) + '…' : text)

// details are what something holds, as text and bounded.
export function details(data: Record<string, unknown>): [string, string][] {
  return present(data).map(([key, value]) => [plain(key), bounded(raw(value), 120)])
}

// eventDetails are what an event holds besides, in words. What this version of the
// app has no words for stays as it is.
export function eventDetails(t: Translate, data: Record<string, unknown>): [string, string][] {
  return present(data).map(([key, value]) => [
    known(t, `${key}_${typeof value}`) ?? known(t, key) ?? plain(key),
    bounded(inWords(t, key, value, typeof data['role'] === 'string'), 300),
  ])
}

function known(t: Translate, key: string): string | undefined {
  return Object.hasOwn(en.messages.details, key) ? (t as (key: Key) => string)(`details.${key}` as Key) : undefined
}

const roles = ['owner', 'admin', 'member'] as const

function inWords(t: Translate, key: string, value: unknown, ofRoles: boolean): string {
  if (typeof value === 'boolean') return t(value ? 'details.is_true' : 'details.is_false')
  if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return value.map((one) => inWords(t, key, one, ofRoles)).join(', ')
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return eventDetails(t, value as Record<string, unknown>)
      .map((of) => of.join(': '))
      .join(', ')
  if (typeof value !== 'string') return raw(value)
  // "before" is a role if the event has a role, otherwise a name or a policy.
  const role = key === 'role' || (key === 'before' && ofRoles) ? roles.find((one) => one === value) : undefined
  if (role) return t(`common.${role}`)
  if (['provider', 'providers', 'required_providers', 'any_of'].includes(key)) return providerName(t, value)
  return known(t, `${key}_${value}`) ?? value
}

const ids = ['user', 'actor', 'team'] as const

// unreadable tells of what is typed so far that it asks for nothing yet. What is
// asked for then is more than was meant: nothing is done with it.
export function unreadable(chosen: AuditChosen): boolean {
  return ids.some((field) => chosen[field].trim() !== '' && !readID(chosen[field])) || chosen.ip.trim().length === 1
}

// toAuditQuery is what the API takes; times in UTC.
export function toAuditQuery(chosen: AuditChosen): { action?: string; user_id?: string; actor_id?: string; team_id?: string; from?: string; to?: string; ip?: string } {
  const time = (local: string) => {
    const at = new Date(local)
    return local && !Number.isNaN(at.getTime()) ? at.toISOString() : undefined
  }
  const [from, to, user, actor, team, ip] = [time(chosen.from), time(chosen.to), readID(chosen.user), readID(chosen.actor), readID(chosen.team), chosen.ip.trim()]
  return {
    ...(chosen.action ? { action: chosen.action } : {}),
    ...(user ? { user_id: user } : {}),
    ...(actor ? { actor_id: actor } : {}),
    ...(team ? { team_id: team } : {}),
    ...(from ? { from } : {}),
    ...(to ? { to } : {}),
    ...(ip.length >= 2 ? { ip } : {}),
  }
}

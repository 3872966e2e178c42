interface Expiring {
  status: string
  expires_at: string
  idle_expires_at: string
}

// A timer takes no more.
const longest = 2 ** 31 - 1
const again = 30_000

// untilOneExpires is the number of milliseconds until the first active session
// expires, of which there is no event. If one should have expired already, this
// clock differs from the service's: then it waits longer each time, because looking
// is a use of the viewer's own session, which should be able to expire.
export function untilOneExpires(sessions: Expiring[], now: number = Date.now()): number | undefined {
  const ends = sessions.filter(({ status }) => status === 'active').flatMap((session) => [Date.parse(session.expires_at), Date.parse(session.idle_expires_at)])
  if (ends.length === 0) return undefined
  const left = Math.min(...ends) - now
  return Math.min(left < 0 ? Math.max(again, -left) : left + 1_000, longest)
}

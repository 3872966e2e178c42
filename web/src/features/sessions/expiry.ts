interface Expiring {
  status: string
  expires_at: string
  idle_expires_at: string
}

// A timer takes no more.
const longest = 2 ** 31 - 1
const again = 30_000

// untilOneExpires is in how many milliseconds the first of the active sessions
// has expired by itself, of which nobody tells. Where one should have already, the
// clock here is not the service's: then it is ever longer. To look is a use of the
// session of whoever looks, which should end for want of any.
export function untilOneExpires(sessions: Expiring[], now: number = Date.now()): number | undefined {
  const ends = sessions.filter(({ status }) => status === 'active').flatMap((session) => [Date.parse(session.expires_at), Date.parse(session.idle_expires_at)])
  if (ends.length === 0) return undefined
  const left = Math.min(...ends) - now
  return Math.min(left < 0 ? Math.max(again, -left) : left + 1_000, longest)
}

const steps: [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
]

// relativeTime is how people say it, to the nearest, in units of which there are
// two at least: "1 day" might be nearly two. No weeks, as what is promised here is
// promised in days. The service rounds last use to the minute, so anything nearer
// is just now.
export function relativeTime(then: Date, now: Date, locale: string, justNow: string): string {
  const seconds = (then.getTime() - now.getTime()) / 1000
  if (!Number.isFinite(seconds)) return ''
  const [unit, size] = steps.find(([name, s]) => Math.abs(seconds) >= (name === 'minute' ? s : 2 * s)) ?? [undefined, 1]
  if (unit === undefined) return justNow
  return new Intl.RelativeTimeFormat(locale, { numeric: 'always' }).format(Math.round(seconds / size), unit)
}

// exactTime is in the reader's zone, and names it.
export function exactTime(then: Date, locale: string, timeZone?: string): string {
  if (Number.isNaN(then.getTime())) return ''
  return new Intl.DateTimeFormat(locale, { dateStyle: 'full', timeStyle: 'long', ...(timeZone ? { timeZone } : {}) }).format(then)
}

// daysLeft counts begun days, so that the last one is a day and not none.
export function daysLeft(until: Date, now: Date): number {
  return Math.max(0, Math.ceil((until.getTime() - now.getTime()) / 86_400_000))
}

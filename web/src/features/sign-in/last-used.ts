// The sign-in method that this browser used last: the provider's name and nothing of
// the person.
const storageKey = 'latchkey-last-used'

export function rememberUsed(provider: string): void {
  try {
    localStorage.setItem(storageKey, provider)
  } catch {
    // Storage may be forbidden; then nothing is marked.
  }
}

export function lastUsed(): string | undefined {
  try {
    return localStorage.getItem(storageKey) ?? undefined
  } catch {
    return undefined
  }
}

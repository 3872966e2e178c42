// AuthErrorCode is the reason why a request was refused.
export type AuthErrorCode =
  | 'unauthenticated' // 401: no session, or one that has ended
  | 'forbidden' // 403: not in the team, or without the role
  | 'policy_unsatisfied' // 403: the team's policy does not admit this session now
  | 'onboarding_required' // 403
  | 'reauth_required' // 403: the person has to verify that it is them
  | 'invalid_answer' // 400: the response of Latchkey does not belong to a sign-in of this browser
  | 'denied' // 400: the person, or Latchkey, refused
  | 'unavailable' // 503: Latchkey, or the store of revocations, does not answer
  | 'configuration' // 500

const statuses: Record<AuthErrorCode, number> = {
  unauthenticated: 401,
  forbidden: 403,
  policy_unsatisfied: 403,
  onboarding_required: 403,
  reauth_required: 403,
  invalid_answer: 400,
  denied: 400,
  unavailable: 503,
  configuration: 500,
}

// AuthError says why a request was refused. If a route handler throws one, Next.js answers
// with its status if that is 401 or 403: by `digest`, which an error page of the
// application also gets in production.
export class AuthError extends Error {
  // Next.js loads this module once for each bundle, and errors cross between them.
  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Error && value.name === 'AuthError' && 'code' in value && 'status' in value
  }

  readonly code: AuthErrorCode
  readonly status: number
  readonly digest: string

  constructor(code: AuthErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'AuthError'
    this.code = code
    this.status = statuses[code]
    this.digest = this.status === 401 || this.status === 403 ? `NEXT_HTTP_ERROR_FALLBACK;${this.status}` : `latchkey_${code}`
  }
}

// unavailable returns the error of a request that Latchkey did not answer.
export function unavailable(message: string, cause?: unknown): AuthError {
  return new AuthError('unavailable', message, { cause })
}

// isUnavailable reports whether an error is `unavailable`.
export function isUnavailable(error: unknown): error is AuthError {
  return error instanceof AuthError && error.code === 'unavailable'
}

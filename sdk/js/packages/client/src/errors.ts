import type { components } from './schema.gen.js'

/** A code of the service: `code` in its responses. */
export type ServiceErrorCode = components['schemas']['ErrorCode']

/**
 * The codes of this library, where the service did not respond with one:
 *
 * - `network_error`: there was no response.
 * - `timeout`: the response took too long.
 * - `unexpected_response`: something else responded, such as a proxy.
 * - `invalid_webhook`: a webhook is not from Latchkey, or too old.
 * - `api_key_refused`: the application's own API key is wrong, has ended or lacks a scope.
 */
export type LibraryErrorCode = 'network_error' | 'timeout' | 'unexpected_response' | 'invalid_webhook' | 'api_key_refused'

/** Why a call was refused. A newer service can have codes that are not listed here. */
export type LatchkeyErrorCode = ServiceErrorCode | LibraryErrorCode | (string & {})

/** The fields of a LatchkeyError. */
export interface LatchkeyErrorInit {
  code: LatchkeyErrorCode
  status: number
  requestId?: string | undefined
  field?: string | undefined
  ticket?: string | undefined
  ticketKind?: 'merge' | 'link' | undefined
  rule?: string | undefined
  missing?: string[] | undefined
  retryAfter?: number | undefined
  appCode?: string | undefined
  answered?: boolean | undefined
  cause?: unknown
}

/** LatchkeyError is what every function of these libraries throws. */
export class LatchkeyError extends Error {
  override readonly name = 'LatchkeyError'
  /** The reason, for programs. */
  readonly code: LatchkeyErrorCode
  /** The HTTP status; 0 if there was no response. */
  readonly status: number
  /** The request in the log of the service. */
  readonly requestId: string | undefined
  /** The field of the request that is invalid. */
  readonly field: string | undefined
  /** With `identity_taken` and `email_taken`: a ticket for this browser, to merge or link accounts. */
  readonly ticket: string | undefined
  readonly ticketKind: 'merge' | 'link' | undefined
  /** With `policy_unsatisfied`: the rule of the team's policy. */
  readonly rule: string | undefined
  /** With `policy_unsatisfied`: the providers to step up with. */
  readonly missing: string[] | undefined
  /** Seconds after which to try again. */
  readonly retryAfter: number | undefined
  /** With `denied_by_app`: the code that the application's hook answered. */
  readonly appCode: string | undefined
  /** Whether it is a response to a call of the application, and not about a request to the application. */
  readonly answered: boolean

  constructor(message: string, init: LatchkeyErrorInit) {
    super(message, init.cause === undefined ? undefined : { cause: init.cause })
    this.code = init.code
    this.status = init.status
    this.requestId = init.requestId
    this.field = init.field
    this.ticket = init.ticket
    this.ticketKind = init.ticketKind
    this.rule = init.rule
    this.missing = init.missing
    this.retryAfter = init.retryAfter
    this.appCode = init.appCode
    this.answered = init.answered ?? false
  }
}

type Refusal = Partial<components['schemas']['Problem'] & components['schemas']['OAuthError']>

/** errorOf reads what came instead of a success: a problem document, an error of RFC 6749, or something else. */
export function errorOf(body: unknown, response: Response): LatchkeyError {
  const { status, headers } = response
  const seconds = Number(headers.get('retry-after') ?? Number.NaN)
  const header = Number.isFinite(seconds) ? seconds : undefined
  const refusal: Refusal = typeof body === 'object' && body !== null ? body : {}
  if (typeof refusal.code !== 'string') {
    return new LatchkeyError(`unexpected response with status ${status}`, { code: 'unexpected_response', status, retryAfter: header, answered: true })
  }
  return new LatchkeyError(refusal.detail ?? refusal.error_description ?? refusal.title ?? refusal.code, {
    code: refusal.code,
    status,
    requestId: refusal.request_id,
    field: refusal.field,
    ticket: refusal.ticket,
    ticketKind: refusal.ticket_kind,
    rule: refusal.rule,
    missing: refusal.missing,
    retryAfter: refusal.retry_after ?? header,
    appCode: refusal.app_code,
    answered: true,
  })
}

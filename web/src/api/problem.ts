import type { ProblemDocument } from './types'

// Codes of the app itself, for answers that are no problem document.
export const OFFLINE = 'offline'
export const UNEXPECTED = 'unexpected_answer'

// Problem is a refusal of the service, as an error to throw.
export class Problem extends Error {
  readonly code: string
  readonly status: number
  readonly requestId: string | undefined
  readonly field: string | undefined
  readonly ticket: string | undefined
  readonly ticketKind: 'merge' | 'link' | undefined
  readonly retryAfter: number | undefined
  readonly rule: string | undefined
  readonly missing: string[] | undefined
  readonly ended: ProblemDocument['ended']

  constructor(document: Partial<ProblemDocument> & { code: string; status: number }) {
    super(document.detail ?? document.title ?? document.code)
    this.name = 'Problem'
    this.code = document.code
    this.status = document.status
    this.requestId = document.request_id
    this.field = document.field
    this.ticket = document.ticket
    this.ticketKind = document.ticket_kind
    this.retryAfter = document.retry_after
    this.rule = document.rule
    this.missing = document.missing
    this.ended = document.ended
  }
}

export function isProblem(error: unknown, code?: string): error is Problem {
  return error instanceof Problem && (code === undefined || error.code === code)
}

// mergeTicket is what a refused link lets its person redeem: both accounts are
// proven to be theirs.
export function mergeTicket(error: unknown): string | undefined {
  return isProblem(error) && error.ticketKind === 'merge' ? error.ticket : undefined
}

// toProblem reads what came instead of a success. A proxy in between may answer
// with a page of its own; that is no document of ours and its text is not shown.
export function toProblem(body: unknown, response: Response): Problem {
  if (typeof body === 'object' && body !== null && 'code' in body && typeof body.code === 'string') {
    return new Problem({ ...(body as ProblemDocument), status: response.status })
  }
  return new Problem({ code: UNEXPECTED, status: response.status })
}

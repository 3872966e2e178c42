package siwe

import (
	"errors"
	"time"
)

// ErrorKind classifies an [Error].
type ErrorKind uint8

// The kinds of refusal. The zero value is none of them, so that a kind that was
// not set is not mistaken for one.
const (
	// Malformed: the input is not an EIP-4361 message or not a signature.
	// Sending it again does not help.
	Malformed ErrorKind = iota + 1
	// Rejected: well-formed, but not proof of what was expected.
	Rejected
	// Unavailable: nothing was decided, because no RPC endpoint of the message's
	// chain answered. The same input may pass later.
	Unavailable
)

func (k ErrorKind) String() string {
	switch k {
	case Malformed:
		return "malformed"
	case Rejected:
		return "rejected"
	case Unavailable:
		return "unavailable"
	}
	return "unknown"
}

// The fields that an [Error] can name: those of EIP-4361, and the two inputs of
// [Verify].
const (
	FieldMessage        = "message"
	FieldSignature      = "signature"
	FieldScheme         = "scheme"
	FieldDomain         = "domain"
	FieldAddress        = "address"
	FieldStatement      = "statement"
	FieldURI            = "uri"
	FieldVersion        = "version"
	FieldChainID        = "chain_id"
	FieldNonce          = "nonce"
	FieldIssuedAt       = "issued_at"
	FieldExpirationTime = "expiration_time"
	FieldNotBefore      = "not_before"
	FieldRequestID      = "request_id"
	FieldResources      = "resources"
)

// Error is the only type of error that [Parse], [Build] and [Verify] return.
// Reason is written for people. It never repeats the input, so it is safe to log
// and to show.
type Error struct {
	Field  string // one of the Field constants
	Kind   ErrorKind
	Reason string
	// RetryAfter is when to try again. It is set with Unavailable only.
	RetryAfter time.Duration
	// Err is the cause, if there is one: a caller's nonce check, an RPC, or
	// [ErrDisagreement].
	Err error
}

func (e *Error) Error() string {
	s := "siwe: " + e.Field + ": " + e.Reason
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// retryAfter is the RetryAfter of Unavailable. For as long, a failed RPC endpoint
// is asked last.
const retryAfter = 5 * time.Second

func malformed(field, reason string) *Error {
	return &Error{Field: field, Kind: Malformed, Reason: reason}
}

func rejected(field, reason string) *Error {
	return &Error{Field: field, Kind: Rejected, Reason: reason}
}

// asError returns a *Error that a caller's hook returned as it is, and wraps any
// other error as the given refusal.
func asError(err error, wrap Error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	wrap.Err = err
	return &wrap
}

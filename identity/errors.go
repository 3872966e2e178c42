package identity

import (
	"errors"
	"fmt"
	"time"
)

// Code names a refusal. It is part of the HTTP contract (the `code` of a
// problem, RFC 9457); which status goes with it is decided in package api.
type Code string

// The refusals of the domain.
const (
	CodeInvalidRequest        Code = "invalid_request"
	CodeInvalidEmail          Code = "invalid_email"
	CodeInvalidReturnTo       Code = "invalid_return_to"
	CodeInvalidState          Code = "invalid_state"
	CodeInvalidMessage        Code = "invalid_message"
	CodeInvalidProof          Code = "invalid_proof"
	CodeProofUsed             Code = "proof_used"
	CodeProofTooOld           Code = "proof_too_old"
	CodeAccessDenied          Code = "access_denied"
	CodeUnauthenticated       Code = "unauthenticated"
	CodeReauthRequired        Code = "reauth_required"
	CodeForbidden             Code = "forbidden"
	CodeOriginNotAllowed      Code = "origin_not_allowed"
	CodePolicyUnsatisfied     Code = "policy_unsatisfied"
	CodeRecoveryRestricted    Code = "recovery_restricted"
	CodeOperatorRequired      Code = "operator_required"
	CodeUserDisabled          Code = "user_disabled"
	CodeDeletionPending       Code = "deletion_pending"
	CodeSignUpClosed          Code = "sign_up_closed"
	CodeDomainNotAllowed      Code = "domain_not_allowed"
	CodeDeniedByApp           Code = "denied_by_app"
	CodeNotFound              Code = "not_found"
	CodeIdentityTaken         Code = "identity_taken"
	CodeEmailTaken            Code = "email_taken"
	CodeIdentityMismatch      Code = "identity_mismatch"
	CodeExternalIDTaken       Code = "external_id_taken"
	CodeLastOwner             Code = "last_owner"
	CodeTeamSessionRequired   Code = "team_session_required"
	CodeInsufficientScope     Code = "insufficient_scope"
	CodeKeyEnded              Code = "key_ended"
	CodeEventsExpired         Code = "events_expired"
	CodeWebhookDisabled       Code = "webhook_disabled"
	CodeTooManyWebhooks       Code = "too_many_webhooks"
	CodeTooManyKeys           Code = "too_many_keys"
	CodeProviderTaken         Code = "provider_taken"
	CodeInvalidGrant          Code = "invalid_grant"
	CodeInvalidClient         Code = "invalid_client"
	CodeUnauthorizedClient    Code = "unauthorized_client"
	CodeClientNotFound        Code = "client_not_found"
	CodeInvalidRedirectURI    Code = "invalid_redirect_uri"
	CodeInvalidClientDocument Code = "invalid_client_document"
	CodeInvalidClientMetadata Code = "invalid_client_metadata"
	CodeClientUnavailable     Code = "client_unavailable"
	CodeInvalidScope          Code = "invalid_scope"
	CodeInvalidTarget         Code = "invalid_target"
	CodeUnsupportedGrant      Code = "unsupported_grant_type"
	CodePending               Code = "authorization_pending"
	CodeSlowDown              Code = "slow_down"
	CodeExpiredToken          Code = "expired_token"
	CodeUserCodeUnknown       Code = "user_code_unknown"
	CodeTicketInvalid         Code = "ticket_invalid"
	CodeMergeChanged          Code = "merge_changed"
	CodeSessionsChanged       Code = "sessions_changed"
	CodeMergeMovedOn          Code = "merge_moved_on"
	CodeMergeRefused          Code = "merge_refused"
	CodeGrantRefused          Code = "grant_refused"
	CodeOperatorMerge         Code = "operator_merge"
	CodeLastIdentity          Code = "last_identity"
	CodeNoVerifiedAddress     Code = "no_verified_address"
	CodeAlreadyMember         Code = "already_member"
	CodeAlreadyInvited        Code = "already_invited"
	CodeInvitationClosed      Code = "invitation_closed"
	CodeProviderDisabled      Code = "provider_not_configured"
	CodeProviderFailed        Code = "provider_failed"
	CodeProviderUnavailable   Code = "provider_unavailable"
	CodeUnavailable           Code = "unavailable"
)

// Error is a refusal with a reason a person can act on. Detail is shown to
// clients: it never names another user and holds no secret.
type Error struct {
	Code       Code
	Detail     string
	Field      string        // the field of the request at fault, if one is
	Ticket     string        // what the client may redeem, if the refusal gives it something
	TicketKind string        // "merge" or "link"
	RetryAfter time.Duration // when to try again, if that may help
	Rule       string        // the rule of a team's policy that is not satisfied
	AppCode    string        // why a hook of the application denied it, by its own code
	Missing    []string      // the providers that would satisfy it
	Ending     *Ending       // how the session ended, for who has its cookie
	Err        error         // the cause, for logs only
}

// Ending is when a session ended, and why.
type Ending struct {
	At     time.Time
	Reason string
}

// NewError returns a refusal.
func NewError(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Detail: fmt.Sprintf(format, args...)}
}

// WithField names the field of the request that is at fault.
func (e *Error) WithField(field string) *Error { e.Field = field; return e }

// Wrap keeps the cause for the logs.
func (e *Error) Wrap(err error) *Error { e.Err = err; return e }

// Error returns the code, the detail and the cause, for logs.
func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %s: %v", e.Code, e.Detail, e.Err)
	}
	return fmt.Sprintf("%s: %s", e.Code, e.Detail)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// ErrorCode returns the code of err, or "" if it is no refusal.
func ErrorCode(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// ErrNotFound is returned by stores when there is no such row, or none that the
// caller has access to.
var ErrNotFound = errors.New("not found")

// ErrRaced is returned when a row that a transaction read changed before it was
// locked. Stores run the transaction again.
var ErrRaced = errors.New("changed meanwhile")

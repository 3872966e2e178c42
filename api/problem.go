package api

import (
	"context"
	"errors"
	"math"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/latchkey/latchkey/api/contract"
	"github.com/latchkey/latchkey/identity"
)

// Codes that only HTTP has.
const (
	codeInternal         identity.Code = "internal"
	codeMethodNotAllowed identity.Code = "method_not_allowed"
	codeBeginByPost      identity.Code = "begin_by_post"
	codeTooLarge         identity.Code = "body_too_large"
	codeMediaType        identity.Code = "unsupported_media_type"
	codeRequestTimeout   identity.Code = "request_timeout"
)

// statuses is the only table from codes to HTTP.
var statuses = map[identity.Code]struct {
	status int
	title  string
}{
	identity.CodeInvalidRequest:        {400, "Invalid request"},
	identity.CodeInvalidEmail:          {400, "Invalid e-mail address"},
	identity.CodeInvalidReturnTo:       {400, "Invalid return_to"},
	identity.CodeInvalidState:          {400, "Invalid state"},
	identity.CodeInvalidMessage:        {400, "Invalid message"},
	identity.CodeUnauthorizedClient:    {400, "Client not allowed"},
	identity.CodeClientNotFound:        {400, "Unknown application"},
	identity.CodeInvalidRedirectURI:    {400, "Invalid redirect URI"},
	identity.CodeInvalidClientDocument: {400, "Unusable application document"},
	identity.CodeInvalidClientMetadata: {400, "Invalid client metadata"},
	identity.CodeInvalidScope:          {400, "Invalid scope"},
	identity.CodeInvalidTarget:         {400, "Invalid resource"},
	identity.CodeUnsupportedGrant:      {400, "Unsupported grant type"},
	identity.CodePending:               {400, "Not decided yet"},
	identity.CodeSlowDown:              {400, "Asked too often"},
	identity.CodeExpiredToken:          {400, "Expired"},
	identity.CodeInvalidProof:          {401, "Invalid proof"},
	identity.CodeInvalidGrant:          {401, "Invalid grant"},
	identity.CodeInvalidClient:         {401, "Unknown client"},
	identity.CodeProofUsed:             {401, "Proof already used"},
	identity.CodeTicketInvalid:         {401, "Ticket invalid"},
	identity.CodeUnauthenticated:       {401, "Not signed in"},
	identity.CodeAccessDenied:          {403, "Access denied"},
	identity.CodeProofTooOld:           {403, "Sign-in too old"},
	identity.CodeReauthRequired:        {403, "Recent sign-in required"},
	identity.CodeForbidden:             {403, "Forbidden"},
	identity.CodeOriginNotAllowed:      {403, "Origin not allowed"},
	identity.CodePolicyUnsatisfied:     {403, "The team's policy is not satisfied"},
	identity.CodeRecoveryRestricted:    {403, "Add a sign-in method first"},
	identity.CodeOperatorRequired:      {403, "Operators only"},
	identity.CodeUserDisabled:          {403, "Account disabled"},
	identity.CodeDeletionPending:       {403, "Account is being deleted"},
	identity.CodeSignUpClosed:          {403, "Sign-up is closed"},
	identity.CodeDomainNotAllowed:      {403, "Domain not allowed"},
	identity.CodeDeniedByApp:           {403, "Denied by the application"},
	identity.CodeIdentityMismatch:      {403, "Identity belongs to another account"},
	identity.CodeOperatorMerge:         {403, "Merge involves an operator"},
	identity.CodeInsufficientScope:     {403, "Scope missing"},
	identity.CodeTeamSessionRequired:   {403, "Team session required"},
	identity.CodeNotFound:              {404, "Not found"},
	identity.CodeUserCodeUnknown:       {404, "Unknown code"},
	identity.CodeProviderDisabled:      {404, "Provider not configured"},
	codeMethodNotAllowed:               {405, "Method not allowed"},
	codeBeginByPost:                    {405, "Use POST"},
	codeRequestTimeout:                 {408, "Request timeout"},
	identity.CodeIdentityTaken:         {409, "Identity belongs to another account"},
	identity.CodeEmailTaken:            {409, "Address belongs to another account"},
	identity.CodeExternalIDTaken:       {409, "External id belongs to another user"},
	identity.CodeLastOwner:             {409, "Last owner"},
	identity.CodeMergeChanged:          {409, "Preview out of date"},
	identity.CodeSessionsChanged:       {409, "Sessions have changed"},
	identity.CodeMergeMovedOn:          {409, "Changed since"},
	identity.CodeMergeRefused:          {409, "Merge refused"},
	identity.CodeGrantRefused:          {409, "Grant refused"},
	identity.CodeLastIdentity:          {409, "Last usable identity"},
	identity.CodeKeyEnded:              {409, "Key ended"},
	identity.CodeTooManyKeys:           {409, "Too many keys"},
	identity.CodeProviderTaken:         {409, "Provider belongs to another key"},
	identity.CodeAlreadyMember:         {409, "Already a member"},
	identity.CodeNoVerifiedAddress:     {409, "No verified address"},
	identity.CodeAlreadyInvited:        {409, "Already invited"},
	identity.CodeInvitationClosed:      {409, "Invitation closed"},
	identity.CodeWebhookDisabled:       {409, "Webhook disabled"},
	identity.CodeTooManyWebhooks:       {409, "Too many webhooks"},
	identity.CodeEventsExpired:         {410, "Events deleted"},
	codeTooLarge:                       {413, "Body too large"},
	codeMediaType:                      {415, "Unsupported media type"},
	codeRateLimited:                    {429, "Too many requests"},
	codeInternal:                       {500, "Internal error"},
	identity.CodeProviderFailed:        {502, "Provider failed"},
	identity.CodeClientUnavailable:     {503, "Application unavailable"},
	identity.CodeProviderUnavailable:   {503, "Provider unavailable"},
	identity.CodeUnavailable:           {503, "Service unavailable"},
}

var (
	errMethodNotAllowed = identity.NewError(codeMethodNotAllowed, "this path does not support this method")
	errTooLarge         = identity.NewError(codeTooLarge, "a body can have at most %d bytes", maxBodyBytes)
	errFormOnly         = identity.NewError(codeMediaType, "send application/x-www-form-urlencoded")
	errMediaType        = identity.NewError(codeMediaType, "send application/json")
)

// databaseRetry is how soon to ask again when the database does not answer.
const databaseRetry = 5 * time.Second

func errInvalidRequest(detail string) *identity.Error {
	return identity.NewError(identity.CodeInvalidRequest, "%s", detail)
}

func errRequestTimeout(err error) *identity.Error {
	return identity.NewError(codeRequestTimeout, "the body did not arrive in time").Wrap(err)
}

// refusal turns any error into one with a code. What it does not know is an
// internal error, whose cause stays in the log.
func refusal(err error) *identity.Error {
	var e *identity.Error
	var down interface{ Unavailable() bool }
	switch {
	case errors.As(err, &e):
		return e
	case errors.Is(err, identity.ErrNotFound):
		return identity.NewError(identity.CodeNotFound, "not found: it does not exist, or you don't have access").Wrap(err)
	case errors.As(err, &down) && down.Unavailable(), errors.Is(err, context.DeadlineExceeded):
		e = identity.NewError(identity.CodeUnavailable, "Latchkey cannot reach its database; try again shortly").Wrap(err)
		e.RetryAfter = databaseRetry
		return e
	case errors.Is(err, context.Canceled):
		return errRequestTimeout(err) // the client went away and does not read this
	}
	return identity.NewError(codeInternal, "something went wrong; find the request id in the log").Wrap(err)
}

// fail ends the request with a problem document (RFC 9457).
func (s *Server) fail(c *gin.Context, err error) {
	info := requestInfoOf(c)
	info.err = err
	c.Abort()
	if c.Writer.Written() {
		return
	}
	e := refusal(err)
	p := problem(e, info.id)
	if p.RetryAfter != nil {
		c.Header("Retry-After", strconv.Itoa(*p.RetryAfter))
	}
	if op := info.operation; op != nil && op.oauth2 {
		p.Status = oauthStatus(e.Code, p.Status)
	}
	if challenge := challengeFor(c, e.Code, p.Status); challenge != "" {
		c.Header("WWW-Authenticate", challenge)
	}
	if op := info.operation; op != nil && op.oauth {
		c.JSON(p.Status, oauthError(e, p))
		return
	}
	if wantsPage(c) {
		s.problemPage(c, p)
		return
	}
	c.Header("Content-Type", "application/problem+json")
	c.JSON(p.Status, p)
}

func problem(e *identity.Error, requestID string) contract.Problem {
	known, ok := statuses[e.Code]
	if !ok {
		known = statuses[codeInternal]
	}
	p := contract.Problem{
		Type: "about:blank", Title: known.title, Status: known.status,
		Code: string(e.Code), Detail: e.Detail, RequestId: requestID,
		Field: optional(e.Field), Ticket: optional(e.Ticket), Rule: optional(e.Rule), AppCode: optional(e.AppCode),
	}
	if e.Ending != nil {
		p.Ended = &contract.SessionEnding{At: e.Ending.At, Reason: e.Ending.Reason}
	}
	if len(e.Missing) > 0 {
		p.Missing = &e.Missing
	}
	if e.TicketKind != "" {
		kind := contract.ProblemTicketKind(e.TicketKind)
		p.TicketKind = &kind
	}
	if e.RetryAfter > 0 {
		seconds := int(math.Ceil(e.RetryAfter.Seconds()))
		p.RetryAfter = &seconds
	}
	return p
}

// optional is nil for the zero value.
func optional[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

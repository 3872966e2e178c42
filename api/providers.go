package api

import (
	"context"
	"crypto/hmac"
	"net/http"
	"net/url"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/latchkey/latchkey/api/contract"
	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/method"
	"github.com/latchkey/latchkey/identity/method/oauth"
	"github.com/latchkey/latchkey/web"
)

// StartProvider sends the browser to a provider to sign in. Any page can make a
// browser ask for this address, so it begins nothing that acts on the signed-in
// user (CVE-2015-9284), and asks first where a session would be replaced.
func (s *Server) StartProvider(ctx context.Context, r contract.StartProviderRequestObject) (contract.StartProviderResponseObject, error) {
	c := ctx.(*gin.Context)
	p, err := s.provider(r.Provider)
	if err != nil {
		return nil, err
	}
	if purpose := r.Params.Purpose; purpose != nil && *purpose != contract.PurposeSignIn {
		c.Header("Allow", http.MethodPost)
		return nil, errBeginByPost()
	}
	returnTo, err := s.checkReturnTo(ctx, value(r.Params.ReturnTo))
	if err != nil {
		return nil, err
	}
	if c.GetHeader("Sec-Fetch-Site") == "cross-site" && requestInfoOf(ctx).principal != nil {
		ask := confirmSignIn(r.Provider, returnTo)
		return contract.StartProvider302Response{Headers: contract.StartProvider302ResponseHeaders{Location: &ask}}, nil
	}
	to, err := s.authorizeURL(c, p, trip{
		purpose: identity.PurposeSignIn, options: options(r.Params.LinkTicket, r.Params.WithoutAddress), returnTo: returnTo, hint: value(r.Params.LoginHint),
	})
	if err != nil {
		return nil, err
	}
	return contract.StartProvider302Response{Headers: contract.StartProvider302ResponseHeaders{Location: &to}}, nil
}

// BeginProvider answers where to send the browser, for every purpose. That it is
// a page of ours that asks is checked by the middleware for all writes.
func (s *Server) BeginProvider(ctx context.Context, r contract.BeginProviderRequestObject) (contract.BeginProviderResponseObject, error) {
	p, err := s.provider(r.Provider)
	if err != nil {
		return nil, err
	}
	returnTo, err := s.checkReturnTo(ctx, value(r.Body.ReturnTo))
	if err != nil {
		return nil, err
	}
	t := trip{purpose: identity.Purpose(r.Body.Purpose), returnTo: returnTo, hint: value(r.Body.LoginHint)}
	if t.purpose == identity.PurposeSignIn {
		t.options = options(r.Body.LinkTicket, r.Body.WithoutAddress)
	}
	to, err := s.authorizeURL(ctx.(*gin.Context), p, t)
	if err != nil {
		return nil, err
	}
	return contract.BeginProvider200JSONResponse{Url: to}, nil
}

// checkReturnTo returns where the round trip may end, and keeps it for the page
// that tells a refusal.
func (s *Server) checkReturnTo(ctx context.Context, raw string) (string, error) {
	to, err := s.returnTo.Check(raw)
	if err == nil {
		requestInfoOf(ctx).returnTo = to
	}
	return to, err
}

// trip is what a round trip through a provider is asked for with.
type trip struct {
	purpose  identity.Purpose
	options  method.SignInOptions
	returnTo string // checked
	hint     string
}

// authorizeURL begins an attempt in this browser and returns the provider's address
// for it. The attempt's token is the `state`.
func (s *Server) authorizeURL(c *gin.Context, p method.Redirect, t trip) (string, error) {
	browser := s.cookies.flowOrNew(c)
	attempt, err := method.Begin(method.ByRedirect, p.Name(), t.purpose, s.requester(c, browser), s.Now())
	if err != nil {
		return "", err
	}
	attempt.Options, attempt.ReturnTo = t.options, t.returnTo
	token, err := s.Attempts.Seal(attempt)
	if err != nil {
		return "", err
	}
	s.cookies.keepFlow(c, browser)
	flow := s.Attempts.Flow(attempt, token, browser, s.callbackURL(p.Name()))
	flow.LoginHint = t.hint
	began := time.Now()
	to, err := p.AuthCodeURL(c, flow)
	if err != nil { // mostly no request is sent: times of nothing would hide the others
		s.observeProvider(c, p.Name(), began, err)
	}
	return to, err
}

// options are what a sign-in is begun with.
func options(forTicket, withoutAddress *bool) method.SignInOptions {
	var o method.SignInOptions
	if value(forTicket) {
		o |= method.ForLinkTicket
	}
	if value(withoutAddress) {
		o |= method.WithoutAddress
	}
	return o
}

// confirmSignIn is the page that asks a signed-in person whether to sign in by
// the provider: a click there comes from this site.
func confirmSignIn(name, returnTo string) string {
	return "/sign-in?" + url.Values{"confirm": {name}, "return_to": {web.OriginalReturnTo(returnTo)}}.Encode()
}

func errBeginByPost() *identity.Error {
	return identity.NewError(codeBeginByPost, "begin linking and step-up with POST to this path, from a page of this service or an allowed origin")
}

// FinishProvider takes the browser back. A state that cannot be opened is
// answered here; otherwise every result is passed on to return_to.
func (s *Server) FinishProvider(ctx context.Context, r contract.FinishProviderRequestObject) (contract.FinishProviderResponseObject, error) {
	c := ctx.(*gin.Context)
	p, err := s.provider(r.Provider)
	if err != nil {
		return nil, err
	}
	token, by := value(r.Params.State), s.requester(c, s.cookies.flowOf(c))
	attempt, err := s.Attempts.Open(method.ByRedirect, token, r.Provider, by, s.Now())
	if err != nil {
		return nil, err
	}
	// Burned before the provider is asked: a callback that is repeated must not
	// send the code a second time.
	err = s.Linking.Burn(ctx, attempt.SingleUse(token))
	switch {
	case identity.ErrorCode(err) == identity.CodeProofUsed && s.completed(c, token):
		err = nil // the back button
	case identity.ErrorCode(err) == identity.CodeProofUsed:
		err = identity.NewError(identity.CodeInvalidState, "this sign-in attempt was already used: start again").Wrap(err)
	case err == nil:
		err = s.finish(c, p, attempt, r, by)
	}
	to := s.endAt(ctx, attempt.ReturnTo, err)
	return contract.FinishProvider302Response{Headers: contract.FinishProvider302ResponseHeaders{Location: &to}}, nil
}

// endAt returns return_to, with the refusal if there is one.
func (s *Server) endAt(ctx context.Context, returnTo string, err error) string {
	if err == nil {
		return returnTo
	}
	info, e := requestInfoOf(ctx), refusal(err)
	info.err = err
	q := url.Values{"error": {string(e.Code)}}
	if e.Ticket != "" {
		q.Set("ticket", e.Ticket)
	}
	if statuses[e.Code].status >= http.StatusInternalServerError {
		q.Set("request_id", info.id) // for who runs the service to find it
	}
	return method.WithQuery(returnTo, q)
}

// completed reports whether the session in hand is the one that the round trip
// made, or proved, in this browser.
func (s *Server) completed(c *gin.Context, token string) bool {
	done, err := c.Request.Cookie(s.cookies.completed())
	p := requestInfoOf(c).principal
	return err == nil && p != nil && hmac.Equal([]byte(done.Value), []byte(s.Attempts.Receipt(token, p.Session.ID.String())))
}

func (s *Server) finish(c *gin.Context, p method.Redirect, attempt method.Attempt, r contract.FinishProviderRequestObject, by method.Requester) error {
	if code := value(r.Params.Error); code != "" {
		return oauth.AuthorizationError(r.Provider, code)
	}
	if value(r.Params.Code) == "" {
		return identity.NewError(identity.CodeInvalidProof, "the provider sent no code: start again")
	}
	flow := s.Attempts.Flow(attempt, value(r.Params.State), s.cookies.flowOf(c), s.callbackURL(r.Provider))
	began := time.Now()
	proof, err := p.Prove(c, flow, method.Callback{Code: *r.Params.Code, Issuer: value(r.Params.Iss)})
	s.observeProvider(c, r.Provider, began, err)
	if err != nil {
		s.Metrics.Proof(r.Provider, string(refusal(err).Code))
		return err
	}
	proof.Purpose = attempt.Purpose
	result, err := s.apply(c, proof, by, false, attempt.Options)
	if err == nil {
		receipt := s.Attempts.Receipt(flow.State, result.Session.ID.String())
		s.cookies.set(c, s.cookies.completed(), receipt, attempt.ExpiresAt.Sub(s.Now()))
	}
	return err
}

// observeProvider notes how a provider answered, unless the client went away meanwhile.
func (s *Server) observeProvider(c *gin.Context, name string, began time.Time, err error) {
	outcome := "ok"
	if err != nil {
		if c.Request.Context().Err() != nil {
			return
		}
		switch refusal(err).Code {
		case identity.CodeProviderUnavailable:
			outcome = "unavailable"
		case identity.CodeProviderFailed, codeInternal:
			outcome = "failed"
		default:
			outcome = "refused"
		}
	}
	s.Metrics.Provider(name, outcome, time.Since(began))
}

func (s *Server) provider(name string) (method.Redirect, error) {
	p, ok := s.Methods.Redirect(name)
	if !ok {
		return nil, errNotConfigured()
	}
	return p, nil
}

func errNotConfigured() *identity.Error {
	return identity.NewError(identity.CodeProviderDisabled, "this sign-in method is not configured")
}

// callbackURL is built from the public URL, never from what the request says of
// its host.
func (s *Server) callbackURL(name string) string {
	return origin(s.Config.PublicURL) + "/v1/auth/" + name + "/callback"
}

// value is what a pointer points to, or the zero value.
func value[T any](p *T) T {
	var zero T
	if p == nil {
		return zero
	}
	return *p
}

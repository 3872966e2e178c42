package api

import (
	"context"
	"net/url"

	"github.com/gin-gonic/gin"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/provider"
	"github.com/latchkey/latchkey/identity/session"
)

// StartProvider sends the browser to a provider, with a state that is bound to
// this browser, provider and purpose.
func (s *Server) StartProvider(ctx context.Context, r StartProviderRequestObject) (StartProviderResponseObject, error) {
	c := ctx.(*gin.Context)
	p, err := s.provider(r.Provider)
	if err != nil {
		return nil, err
	}
	st := provider.State{Provider: r.Provider, Purpose: identity.PurposeSignIn}
	if r.Params.Purpose != nil {
		st.Purpose = identity.Purpose(*r.Params.Purpose)
	}
	if r.Params.ReturnTo != nil {
		st.ReturnTo = *r.Params.ReturnTo
	}
	if st.ReturnTo, err = s.returnTo.Check(st.ReturnTo); err != nil {
		return nil, err
	}
	callOf(ctx).returnTo = st.ReturnTo
	binding := provider.Binding{Session: sessionBinding(ctx)}
	if st.Purpose.NeedsSession() && binding.Session == "" {
		return nil, session.ErrUnauthenticated()
	}
	binding.Browser = s.cookies.ensureFlow(c)
	token, err := s.States.Issue(st, binding, s.Now())
	if err != nil {
		return nil, err
	}
	to, err := p.AuthCodeURL(ctx, s.States.Flow(token, binding.Browser, s.callbackURL(r.Provider)))
	if err != nil {
		return nil, err
	}
	return StartProvider302Response{Headers: StartProvider302ResponseHeaders{Location: &to}}, nil
}

// FinishProvider takes the browser back. A state that is not this browser's is
// answered here; from then on refusals are told at return_to. A provider's
// outage is answered here too, so that it is not mistaken for a decision.
func (s *Server) FinishProvider(ctx context.Context, r FinishProviderRequestObject) (FinishProviderResponseObject, error) {
	c := ctx.(*gin.Context)
	p, err := s.provider(r.Provider)
	if err != nil {
		return nil, err
	}
	token, flow := value(r.Params.State), s.cookies.flowOf(c)
	binding := provider.Binding{Browser: flow, Session: sessionBinding(ctx)}
	st, err := s.States.Open(token, r.Provider, binding, s.Now())
	if err != nil {
		return nil, err
	}
	callOf(ctx).returnTo = st.ReturnTo
	// Burned before the provider is asked: a callback that is repeated must not
	// send the code a second time.
	err = s.Linking.Burn(ctx, identity.SingleUse{Hash: identity.HashSecret(token), ExpiresAt: st.ExpiresAt})
	if identity.ErrorCode(err) == identity.CodeProofUsed {
		return nil, identity.NewError(identity.CodeInvalidState, "this round trip is over: start again").Wrap(err)
	}
	if err != nil {
		return nil, err
	}
	err = s.finish(c, p, st, r, flow)
	to := st.ReturnTo
	if err != nil {
		e := refusal(err)
		if statuses[e.Code].status >= 500 {
			return nil, err
		}
		callOf(ctx).err = err
		q := url.Values{"error": {string(e.Code)}}
		if e.Ticket != "" {
			q.Set("ticket", e.Ticket)
		}
		to = provider.WithQuery(to, q)
	}
	return FinishProvider302Response{Headers: FinishProvider302ResponseHeaders{Location: &to}}, nil
}

func (s *Server) finish(c *gin.Context, p provider.Provider, st provider.State, r FinishProviderRequestObject, flow string) error {
	if code := value(r.Params.Error); code != "" {
		return provider.AuthorizationError(r.Provider, code)
	}
	if value(r.Params.Code) == "" {
		return identity.NewError(identity.CodeInvalidProof, "the provider sent no code: start again")
	}
	proof, err := p.Prove(c, s.States.Flow(value(r.Params.State), flow, s.callbackURL(r.Provider)),
		provider.Callback{Code: *r.Params.Code, Issuer: value(r.Params.Iss)})
	if err != nil {
		s.Metrics.proofs.WithLabelValues(r.Provider, string(refusal(err).Code)).Inc()
		return err
	}
	proof.Purpose = st.Purpose
	_, err = s.apply(c, proof, flow, false)
	return err
}

func (s *Server) provider(name string) (provider.Provider, error) {
	p, ok := s.Providers[name]
	if !ok {
		return nil, errNotConfigured()
	}
	return p, nil
}

func errNotConfigured() *identity.Error {
	return identity.NewError(identity.CodeProviderDisabled, "this way in is not configured here")
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

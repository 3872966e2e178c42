package api

import (
	"context"
	"net/url"

	"github.com/gin-gonic/gin"

	"github.com/latchkey/latchkey/api/contract"
	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/authserver"
	"github.com/latchkey/latchkey/identity/client"
)

const (
	authorizePath = "/oauth2/authorize"
	signInPage    = "/sign-in"
	consentPage   = "/consent"
)

// Authorize decides about an authorization request and sends the browser on.
func (s *Server) Authorize(ctx context.Context, r contract.AuthorizeRequestObject) (contract.AuthorizeResponseObject, error) {
	info := requestInfoOf(ctx)
	var o authserver.Outcome
	var err error
	if sealed := value(r.Params.Continue); sealed != "" {
		o, err = s.AuthServer.Continue(ctx, sealed, info.principal, info.origin)
	} else {
		// As it came: what the application sent is refused in the redirect, where it can be.
		o, err = s.AuthServer.Authorize(ctx, present(ctx.(*gin.Context).Request.URL.Query()), info.principal, info.origin)
	}
	if err != nil {
		return nil, err
	}
	to := o.Redirect
	switch {
	case o.SignIn != "":
		q := url.Values{"return_to": {continuation(o.SignIn)}}
		if o.LoginHint != "" {
			q.Set("login_hint", o.LoginHint)
		}
		to = signInPage + "?" + q.Encode()
	case o.Consent != "":
		to = consentPage + "?" + url.Values{"request": {o.Consent}}.Encode()
	}
	return contract.Authorize302Response{Headers: contract.Authorize302ResponseHeaders{Location: &to}}, nil
}

// continuation is where a request goes on that was sealed.
func continuation(sealed string) string {
	return authorizePath + "?" + url.Values{"continue": {sealed}}.Encode()
}

// AuthorizeByForm sends a browser that posts the parameters to the same request with
// GET. Cookies of a post from another site are not sent, those of the GET are.
func (s *Server) AuthorizeByForm(ctx context.Context, _ contract.AuthorizeByFormRequestObject) (contract.AuthorizeByFormResponseObject, error) {
	to := authorizePath + "?" + requestInfoOf(ctx).form.Encode()
	return contract.AuthorizeByForm303Response{Headers: contract.AuthorizeByForm303ResponseHeaders{Location: &to}}, nil
}

// present drops parameters without a value (RFC 6749, section 3.1).
func present(form url.Values) url.Values {
	out := make(url.Values, len(form))
	for name, values := range form {
		for _, v := range values {
			if v != "" {
				out.Add(name, v)
			}
		}
	}
	return out
}

// GetConsent returns what an application asks for.
func (s *Server) GetConsent(ctx context.Context, r contract.GetConsentRequestObject) (contract.GetConsentResponseObject, error) {
	q, err := s.AuthServer.Question(ctx, r.Params.Request, *requestInfoOf(ctx).principal)
	if err != nil {
		return nil, err
	}
	out := contract.GetConsent200JSONResponse{RedirectHost: shownHost(q.RedirectURI), Scopes: append([]string{}, q.Scopes...), Resources: append([]string{}, q.Resources...)}
	out.Client.Id, out.Client.Name = q.Client.ID, q.Client.Name
	switch {
	case client.RegisteredItself(q.Client.ID):
		out.Client.SelfRegistered = new(true)
	case q.Client.DocumentHash != nil: // the logo of one that anybody can publish would be anybody's
		out.Client.DocumentHost = optional(shownHost(q.Client.ID))
	default:
		out.Client.LogoUri = optional(q.Client.LogoURI)
	}
	if q.TeamID != nil {
		out.Team = &struct {
			Id   identity.ID `json:"id"`
			Name string      `json:"name"`
		}{*q.TeamID, q.TeamName}
	}
	return out, nil
}

// shownHost is where an answer goes, for people: the host of a web address, or the
// scheme of a native app.
func shownHost(uri string) string {
	u, err := url.Parse(uri)
	switch {
	case err != nil:
		return ""
	case u.Host == "":
		return u.Scheme
	}
	return u.Host
}

// DecideConsent takes the person's answer. That it is a page of ours that sends it is
// checked by the middleware for all writes.
func (s *Server) DecideConsent(ctx context.Context, r contract.DecideConsentRequestObject) (contract.DecideConsentResponseObject, error) {
	allow := r.Body.Decision == contract.DecideConsentJSONBodyDecisionAllow
	proceed, redirect, err := s.AuthServer.Decide(ctx, r.Body.Request, *requestInfoOf(ctx).principal, s.actor(ctx), allow)
	if err != nil {
		return nil, err
	}
	if proceed != "" {
		redirect = continuation(proceed)
	}
	return contract.DecideConsent200JSONResponse{Url: redirect}, nil
}

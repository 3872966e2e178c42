package authserver

import (
	"context"
	"errors"
	"net/url"
	"slices"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/client"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/token"
)

// LogoutOutcome is what becomes of a logout that an application asks for (OpenID Connect
// RP-Initiated Logout 1.0).
type LogoutOutcome struct {
	// Ask reports that nothing has ended: the person has to be asked first.
	Ask bool
	// SignOut reports that the browser's session is to end.
	SignOut bool
	// Redirect is where the browser goes then; "" for a page of ours.
	Redirect string
}

// Logout decides about a logout. p is who is signed in in the browser, or nil. An ID
// token of the session in hand speaks for the person; otherwise another site could sign
// people out, so they are asked. It ends the application's own session that the ID token
// is of. An address to return to that is not registered is an error to be shown here:
// the browser is never sent there.
func (s *Service) Logout(ctx context.Context, form url.Values, p *session.Principal, from identity.RequestOrigin) (LogoutOutcome, error) {
	var hint *token.IDTokenHint
	if raw := form.Get("id_token_hint"); raw != "" {
		h, err := s.tokens.ReadIDTokenHint(ctx, raw)
		if err != nil {
			return LogoutOutcome{}, err
		}
		hint = &h
	}
	out := LogoutOutcome{}
	c, err := s.logoutClient(ctx, form.Get("client_id"), hint)
	if err != nil {
		return LogoutOutcome{}, err
	}
	if uri := form.Get("post_logout_redirect_uri"); uri != "" {
		if !c.AllowsPostLogout(uri) {
			return LogoutOutcome{}, identity.NewError(identity.CodeInvalidRedirectURI, "the post_logout_redirect_uri is not registered for the application").WithField("post_logout_redirect_uri")
		}
		out.Redirect = uri
		if state := form.Get("state"); state != "" {
			out.Redirect = withQuery(uri, url.Values{"state": {state}})
		}
	}
	if hint == nil {
		out.Ask = p != nil
		return out, nil
	}
	own, err := s.endHinted(ctx, c, *hint, p, from)
	out.SignOut, out.Ask = own, p != nil && !own
	return out, err
}

// logoutClient returns the client that asks: the zero one if none is named.
func (s *Service) logoutClient(ctx context.Context, id string, hint *token.IDTokenHint) (client.Client, error) {
	switch {
	case hint != nil && id != "" && !slices.Contains(hint.Audience, id):
		return client.Client{}, identity.NewError(identity.CodeInvalidRequest, "the ID token is for another application").WithField("client_id")
	case hint != nil:
		id = hint.Audience[0]
	case id == "":
		return client.Client{}, nil
	}
	return s.registered(ctx, id)
}

// endHinted ends the application's session that an ID token is of, and reports whether
// the browser's session is the one that it was made in.
func (s *Service) endHinted(ctx context.Context, c client.Client, hint token.IDTokenHint, p *session.Principal, from identity.RequestOrigin) (own bool, err error) {
	err = s.store.InTx(ctx, func(ctx context.Context) error {
		own = false
		cur, err := s.store.LockSession(ctx, hint.SessionID)
		if errors.Is(err, identity.ErrNotFound) { // long gone: it says nothing of the session in hand
			return nil
		}
		if err != nil || cur.Kind != session.KindApplication || *cur.ClientID != c.ID {
			return err
		}
		own = p != nil && cur.ParentID != nil && *cur.ParentID == p.Session.ID
		return s.end(ctx, cur, "logged_out_by_application", from)
	})
	return own, err
}

package authserver

import (
	"bytes"
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/client"
	"github.com/latchkey/latchkey/identity/session"
)

// Outcome is where a browser goes with an authorization request. One field is set.
type Outcome struct {
	Redirect string // to the application, with the answer
	// SignIn is what Continue takes once the person has signed in.
	SignIn    string
	LoginHint string // with SignIn
	Consent   string // what the consent page asks about, see Consent
}

// Authorize decides about an authorization request. p is who is signed in in the
// browser, or nil. It changes nothing: what the code gives is made, and judged once
// more, when it is exchanged. An unknown client, or a redirect URI that is none of its
// own, is an error to be shown here: the browser is never sent there (RFC 6749,
// section 4.1.2.1).
func (s *Service) Authorize(ctx context.Context, form url.Values, p *session.Principal, from identity.RequestOrigin) (Outcome, error) {
	t := trip{Since: s.now().UnixMicro()}
	if p == nil && s.documents.Takes(form.Get("client_id")) {
		return s.signInFirst(t, form)
	}
	c, err := s.client(ctx, form.Get("client_id"), p, true)
	if err != nil {
		return Outcome{}, err
	}
	return s.begin(ctx, c, t, form, p, from)
}

// signInFirst keeps a request of a client that describes itself. Its document is fetched
// for people who are signed in only, so that no stranger can have this service ask around.
// Nor is anybody sent on to one before that: who agreed to it is not known.
func (s *Service) signInFirst(t trip, form url.Values) (Outcome, error) {
	if slices.Contains(strings.Fields(form.Get("prompt")), promptNone) {
		return Outcome{}, errUnknownClient()
	}
	t.Form = url.Values{}
	for _, name := range parameters {
		if form.Has(name) {
			t.Form[name] = form[name]
		}
	}
	sealed, err := s.sealer.SealText(useTrip, t)
	if err == nil && len(sealed) > identity.MaxSealedText {
		err = identity.NewError(identity.CodeInvalidRequest, "the request is too long")
	}
	return Outcome{SignIn: sealed, LoginHint: shortHint(form)}, err
}

// begin reads a request of a client and decides about it.
func (s *Service) begin(ctx context.Context, c client.Client, t trip, form url.Values, p *session.Principal, from identity.RequestOrigin) (Outcome, error) {
	if uri := form.Get("redirect_uri"); uri == "" || !c.AllowsRedirect(uri) {
		return Outcome{}, identity.NewError(identity.CodeInvalidRedirectURI, "the redirect_uri of this request is not registered for the application").WithField("redirect_uri")
	}
	r, refusal := Parse(c, form)
	if refusal != nil {
		return s.sendRefusal(ctx, c, r, p, refusal)
	}
	if hint := form.Get("id_token_hint"); hint != "" {
		h, err := s.tokens.ReadIDTokenHint(ctx, hint)
		if identity.ErrorCode(err) == identity.CodeInvalidRequest {
			return s.sendRefusal(ctx, c, r, p, refuse("invalid_request", "id_token_hint is not an ID token of this service"))
		}
		if err != nil {
			return Outcome{}, err
		}
		r.Subject = h.Subject
	}
	t.Request, t.Form = r, nil
	return s.proceed(ctx, c, t, p, from)
}

// Continue is Authorize for a request that was on its way through our pages. What it
// was sealed with is as it was, but the client may have changed since. CodeInvalidState
// after an hour, or where the client may no longer ask for it.
func (s *Service) Continue(ctx context.Context, sealed string, p *session.Principal, from identity.RequestOrigin) (Outcome, error) {
	var t trip
	if !s.sealer.OpenText(useTrip, sealed, &t) || s.late(t) {
		return Outcome{}, errTripOver()
	}
	if t.Form != nil {
		if p == nil {
			return Outcome{SignIn: sealed, LoginHint: shortHint(t.Form)}, nil
		}
		c, err := s.client(ctx, t.Form.Get("client_id"), p, true)
		if err != nil {
			return Outcome{}, err
		}
		return s.begin(ctx, c, t, t.Form, p, from)
	}
	c, err := s.clientOf(ctx, t, p)
	if err != nil {
		return Outcome{}, err
	}
	return s.proceed(ctx, c, t, p, from)
}

func (s *Service) late(t trip) bool { return s.now().Sub(t.begunAt()) > tripLifetime }

// clientOf returns the client of a request that was on its way, which is over where it
// took too long, or the client may no longer ask for it.
func (s *Service) clientOf(ctx context.Context, t trip, p *session.Principal) (client.Client, error) {
	if s.late(t) {
		return client.Client{}, errTripOver()
	}
	c, err := s.client(ctx, t.ClientID, p, false)
	if err == nil && !(c.AllowsRedirect(t.RedirectURI) && c.Has(client.GrantCode) && stillFor(c, t.Scopes, t.Resources, t.TeamID)) {
		err = errTripOver()
	}
	return c, err
}

func errTripOver() error {
	return identity.NewError(identity.CodeInvalidState, "this request has expired or was changed: go back to the application and start again")
}

// client returns a client that a browser names: for people who are signed in, as it
// describes itself now, where it does. begins is for a request that begins.
func (s *Service) client(ctx context.Context, id string, p *session.Principal, begins bool) (client.Client, error) {
	if p == nil || !s.documents.Takes(id) {
		return s.registered(ctx, id)
	}
	d, err := s.documents.Get(ctx, id, p.User.ID, begins)
	if err != nil {
		return client.Client{}, err
	}
	known, err := s.store.Resources(ctx)
	return d.Client(known), err
}

// registered returns a client that is known here: one that describes itself from when a
// person first agreed to it, as it was when one last did.
func (s *Service) registered(ctx context.Context, id string) (client.Client, error) {
	c, err := s.store.Client(ctx, id)
	if id == "" || errors.Is(err, identity.ErrNotFound) || err == nil && !s.taken(c) {
		return client.Client{}, errUnknownClient()
	}
	return c, err
}

func errUnknownClient() error {
	return identity.NewError(identity.CodeClientNotFound, "the application that sent you here is not registered").WithField("client_id")
}

// taken reports whether a client that is known here is still taken.
func (s *Service) taken(c client.Client) bool {
	return c.DocumentHash == nil || s.documents.Takes(c.ID)
}

// sendRefusal sends a refusal to the application. Anyone can publish one that describes itself
// and have it refused something: there it goes to people who have agreed to it, and others
// are shown it here, or an address of ours would lead wherever a stranger wants (RFC 9700,
// section 4.11.2).
func (s *Service) sendRefusal(ctx context.Context, c client.Client, r Request, p *session.Principal, refusal *Refusal) (Outcome, error) {
	if c.DocumentHash == nil {
		return s.refused(r, refusal), nil
	}
	if p != nil {
		switch _, err := s.store.ClientGrant(ctx, p.User.ID, c.ID, r.TeamID); {
		case err == nil:
			return s.refused(r, refusal), nil
		case !errors.Is(err, identity.ErrNotFound):
			return Outcome{}, err
		}
	}
	return Outcome{}, identity.NewError(identity.CodeInvalidRequest, "the application that sent you here asked for something it cannot have: %s", refusal.Description)
}

func (s *Service) refused(r Request, refusal *Refusal) Outcome {
	return Outcome{Redirect: r.Answer(s.issuer, url.Values{"error": {refusal.Code}, "error_description": {refusal.Description}})}
}

func (s *Service) proceed(ctx context.Context, c client.Client, t trip, p *session.Principal, from identity.RequestOrigin) (Outcome, error) {
	f := facts{now: s.now(), trusted: c.Trusted, assured: c.Assured(t.RedirectURI)}
	var g *client.Grant
	if p != nil && p.Session.Restricted {
		if t.asks(promptNone) {
			return s.sendRefusal(ctx, c, t.Request, p, refuse("interaction_required", "the person has to add a sign-in method first"))
		}
		return Outcome{}, identity.NewError(identity.CodeRecoveryRestricted, "you signed in with a recovery code: add a sign-in method first")
	}
	if p != nil {
		f.user, f.session, f.authenticatedAt = p.User.ID, p.Session.ID, p.Session.AuthenticatedAt
		var err error
		if g, err = s.grant(ctx, c, t.Request, p.User.ID); err != nil {
			return Outcome{}, err
		}
		f.covered = g != nil
		if err := s.asPresent(ctx, c, &t.Request, p.User.ID); err != nil {
			return Outcome{}, err
		}
	}
	next, refusal := t.next(f)
	if refusal != nil {
		return s.sendRefusal(ctx, c, t.Request, p, refusal)
	}
	if next == stepSignIn {
		sealed, err := s.sealer.SealText(useTrip, t)
		return Outcome{SignIn: sealed, LoginHint: t.LoginHint}, err
	}
	// What the team says comes before the person is asked for anything.
	if t.TeamID != nil {
		if refusal, err := s.judgeTeam(ctx, *p, from, *t.TeamID); err != nil || refusal != nil {
			if err != nil {
				return Outcome{}, err
			}
			return s.sendRefusal(ctx, c, t.Request, p, refusal)
		}
	}
	if next == stepConsent {
		sealed, err := s.sealer.SealText(useConsent, consent{Trip: t, UserID: f.user, SessionID: f.session, Document: c.DocumentHash})
		return Outcome{Consent: sealed}, err
	}
	issued := code{
		SessionID: identity.NewID(), ClientID: c.ID, RedirectURI: t.RedirectURI, Challenge: t.Challenge, Nonce: t.Nonce, Scopes: t.Scopes,
		Resources: t.Resources, UserID: f.user, ParentID: f.session, TeamID: t.TeamID, Document: c.DocumentHash, From: from, ExpiresAt: f.now.Add(codeLifetime).UnixMicro(),
	}
	if g != nil {
		issued.GrantID = &g.ID
	}
	sealed, err := s.sealer.SealText(useCode, issued)
	if err != nil {
		return Outcome{}, err
	}
	return Outcome{Redirect: t.Answer(s.issuer, url.Values{"code": {sealed}})}, nil
}

// asPresent names who is signed in by their present id where the hint has a former one
// that the client knows: no sign-in would ever be by that.
func (s *Service) asPresent(ctx context.Context, c client.Client, r *Request, user identity.ID) error {
	if r.Subject == "" || r.Subject == user.String() {
		return nil
	}
	former, err := s.store.FormerSubjects(ctx, c.ID, user)
	if slices.ContainsFunc(former, func(id identity.ID) bool { return id.String() == r.Subject }) {
		r.Subject = user.String()
	}
	return err
}

// grant returns what the person agreed to before, if that covers the request.
func (s *Service) grant(ctx context.Context, c client.Client, r Request, user identity.ID) (*client.Grant, error) {
	g, err := s.store.ClientGrant(ctx, user, c.ID, r.TeamID)
	if errors.Is(err, identity.ErrNotFound) || err == nil && !g.Covers(c, r.Scopes, r.Resources) {
		return nil, nil
	}
	return &g, err
}

// judgeTeam says why a person may not act in a team; nil if they may.
func (s *Service) judgeTeam(ctx context.Context, p session.Principal, from identity.RequestOrigin, id identity.ID) (*Refusal, error) {
	err := s.sessions.RequireIn(ctx, p, from, id, false)
	var e *identity.Error
	switch {
	case errors.Is(err, identity.ErrNotFound):
		return refuse("access_denied", "the person is not in this team"), nil
	case errors.As(err, &e) && e.Code == identity.CodePolicyUnsatisfied:
		return refuse("access_denied", "the team's policy does not admit this session: "+e.Rule), nil
	}
	return nil, err
}

// Question is what the consent page asks.
type Question struct {
	Client      client.Client
	RedirectURI string // where the answer goes
	Scopes      []string
	Resources   []string
	TeamID      *identity.ID
	TeamName    string
}

// Question reads what a request asks a person to agree to. CodeInvalidState for
// another's, and as Continue.
func (s *Service) Question(ctx context.Context, sealed string, p session.Principal) (Question, error) {
	_, c, q, err := s.openConsent(ctx, sealed, p)
	if err != nil {
		return Question{}, err
	}
	q.Client = c
	if q.TeamID != nil {
		q.TeamName, err = s.store.TeamName(ctx, *q.TeamID)
	}
	return q, err
}

func (s *Service) openConsent(ctx context.Context, sealed string, p session.Principal) (consent, client.Client, Question, error) {
	var asked consent
	if !s.sealer.OpenText(useConsent, sealed, &asked) || asked.UserID != p.User.ID || asked.SessionID != p.Session.ID {
		return consent{}, client.Client{}, Question{}, errTripOver()
	}
	t := asked.Trip
	c, err := s.clientOf(ctx, t, &p)
	if err == nil && !bytes.Equal(c.DocumentHash, asked.Document) {
		err = errTripOver() // it is not what the person was shown
	}
	return asked, c, Question{RedirectURI: t.RedirectURI, Scopes: t.Scopes, Resources: t.Resources, TeamID: t.TeamID}, err
}

// Decide takes the person's answer to a question and returns what goes on: a request to
// Continue after an agreement, or where the application learns of the refusal.
func (s *Service) Decide(ctx context.Context, sealed string, p session.Principal, actor identity.Actor, allow bool) (proceed, redirect string, err error) {
	asked, c, q, err := s.openConsent(ctx, sealed, p)
	if err != nil {
		return "", "", err
	}
	t := asked.Trip
	if !allow {
		return "", s.refused(t.Request, refuse("access_denied", "the person does not agree")).Redirect, nil
	}
	agreed := client.Consent{ClientID: c.ID, TeamID: q.TeamID, Scopes: q.Scopes, Resources: q.Resources}
	if c.DocumentHash != nil {
		agreed.Document = &c
	}
	if _, err = s.consents.Agree(ctx, actor, agreed); err != nil {
		return "", "", err
	}
	t.Agreed = &p.Session.ID
	proceed, err = s.sealer.SealText(useTrip, t)
	return proceed, "", err
}

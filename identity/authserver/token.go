package authserver

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/apikey"
	"github.com/latchkey/latchkey/identity/client"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/token"
)

// Credentials are how a caller of a token endpoint says who it is: by HTTP Basic or in
// the form (RFC 6749, section 2.3.1).
type Credentials struct{ ID, Secret string }

// Tokens are an answer of the token endpoint (RFC 6749, section 5.1).
type Tokens struct {
	Access    string
	ExpiresIn time.Duration
	Refresh   string
	ID        string
	Scopes    []string
}

// Client returns the client that credentials are of: CodeInvalidClient if there is
// none, or the secret is not its own.
func (s *Service) Client(ctx context.Context, by Credentials) (client.Client, error) {
	if by.ID == "" {
		return client.Client{}, errInvalidClient("the client is not named")
	}
	c, err := s.store.Client(ctx, by.ID)
	if errors.Is(err, identity.ErrNotFound) {
		return client.Client{}, errInvalidClient("unknown client, or not its secret")
	}
	if err != nil {
		return client.Client{}, err
	}
	switch {
	case !s.taken(c):
		return client.Client{}, errInvalidClient("unknown client, or not its secret")
	case c.Kind == client.Public && by.Secret != "":
		return client.Client{}, errInvalidClient("a public client has no secret")
	case c.Kind != client.Public && !c.VerifySecret(by.Secret, s.now()):
		return client.Client{}, errInvalidClient("unknown client, or not its secret")
	}
	return c, nil
}

func errInvalidClient(detail string) error {
	return identity.NewError(identity.CodeInvalidClient, "%s", detail)
}

func errInvalidGrant() error {
	return identity.NewError(identity.CodeInvalidGrant, "the code is invalid or expired, or was issued for another client, redirect_uri or code_challenge")
}

// dropFor bounds how long a session is ended for a caller who may have gone.
const dropFor = 5 * time.Second

var verifierShape = regexp.MustCompile(`^[A-Za-z0-9._~-]{43,128}$`)

// matches reports whether a code was made for this client and redirect URI, and for the
// one who has the verifier (RFC 7636, section 4.6).
func (c code) matches(by client.Client, form url.Values) bool {
	verifier := form.Get("code_verifier")
	sum := sha256.Sum256([]byte(verifier))
	challenge := base64.RawURLEncoding.EncodeToString(sum[:])
	return c.ClientID == by.ID && c.RedirectURI == form.Get("redirect_uri") && verifierShape.MatchString(verifier) &&
		subtle.ConstantTimeCompare([]byte(challenge), []byte(c.Challenge)) == 1
}

// Exchange gives tokens for a code (RFC 6749, section 4.1.3). What it says of client,
// redirect URI and verifier must match, which else uses nothing up. The code is used up
// in the transaction that makes the session; a second use, at any time, ends that
// session (OAuth 2.1, section 4.1.2).
func (s *Service) Exchange(ctx context.Context, c client.Client, form url.Values, from identity.RequestOrigin) (Tokens, error) {
	for _, name := range []string{"code", "redirect_uri"} {
		if form.Get(name) == "" {
			return Tokens{}, missing(name)
		}
	}
	var asked code
	if !c.Has(client.GrantCode) {
		return Tokens{}, errUnauthorizedClient()
	}
	if !s.sealer.OpenText(useCode, form.Get("code"), &asked) || !asked.matches(c, form) {
		return Tokens{}, errInvalidGrant()
	}
	return s.redeem(ctx, c, asked, form, from, func(context.Context) error { return nil })
}

// redeem makes the session that a code is for, and gives its tokens. use runs in the
// transaction that does, once nothing refuses it.
func (s *Service) redeem(ctx context.Context, c client.Client, asked code, form url.Values, from identity.RequestOrigin, use func(ctx context.Context) error) (Tokens, error) {
	audience, err := s.audience(asked.Resources, form)
	if err != nil {
		return Tokens{}, err
	}
	if err := s.canSign(ctx, c, asked.Scopes); err != nil {
		return Tokens{}, err
	}
	var p session.Principal
	var refresh string
	used := false
	err = s.store.InTx(ctx, func(ctx context.Context) (err error) {
		used, refresh = false, ""
		// Two uses wait for each other here, and so does a suspension.
		users, err := s.store.LockUsers(ctx, asked.UserID)
		if err != nil {
			return err
		}
		made, err := s.store.LockSession(ctx, asked.SessionID)
		if err == nil {
			used = true
			return s.replayed(ctx, c, made, from)
		}
		if !errors.Is(err, identity.ErrNotFound) {
			return err
		}
		if len(users) != 1 || !users[0].Active() || s.now().UnixMicro() >= asked.ExpiresAt {
			return errInvalidGrant()
		}
		// As it is now: what changes or deletes the client waits, and then finds the session.
		live, err := s.store.HoldClient(ctx, c.ID)
		if errors.Is(err, identity.ErrNotFound) {
			return errInvalidGrant()
		}
		if err != nil {
			return err
		}
		if !stillFor(live, asked.Scopes, asked.Resources, asked.TeamID) {
			return errInvalidGrant()
		}
		if err := s.stillAgreed(ctx, live, asked); err != nil {
			return err
		}
		if err := use(ctx); err != nil {
			return err
		}
		p, err = s.sessions.IssueApplication(ctx, session.NewApplication{
			ID: asked.SessionID, UserID: asked.UserID, Parent: asked.ParentID, ClientID: live.ID, Client: live.Name, GrantID: asked.GrantID, TeamID: asked.TeamID,
			Offline: slices.Contains(asked.Scopes, client.ScopeOffline), Scopes: asked.Scopes, Resources: asked.Resources, From: asked.From,
		})
		if errors.Is(err, identity.ErrNotFound) || identity.ErrorCode(err) == identity.CodeUnauthenticated || identity.ErrorCode(err) == identity.CodePolicyUnsatisfied {
			return errInvalidGrant()
		}
		if err != nil {
			return err
		}
		if live.Has(client.GrantRefresh) {
			if refresh, err = s.tokens.NewApplicationFamily(ctx, p, from); err != nil {
				return err
			}
		}
		return s.store.NoteSubject(ctx, c.ID, asked.UserID, s.now())
	})
	if err != nil {
		return Tokens{}, err
	}
	if used { // and what it ended has been written
		return Tokens{}, errInvalidGrant()
	}
	out, err := s.tokensOf(ctx, c, p, asked.Scopes, audience, asked.Nonce, refresh)
	if err != nil {
		return Tokens{}, errors.Join(err, s.drop(ctx, p.Session.ID, from))
	}
	return out, nil
}

// drop ends a session whose tokens could not be given: the code is used up, and the
// person would see a session that no one has. It ends also where the caller has gone.
func (s *Service) drop(ctx context.Context, id identity.ID, from identity.RequestOrigin) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), dropFor)
	defer cancel()
	return s.store.InTx(ctx, func(ctx context.Context) error {
		cur, err := s.store.LockSession(ctx, id)
		if errors.Is(err, identity.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		return s.end(ctx, cur, "not_signed", from)
	})
}

// end ends a session of an application, if it has not ended yet, and writes it to the
// history of its user. It runs in the caller's transaction, which holds the session.
func (s *Service) end(ctx context.Context, cur session.Session, reason string, from identity.RequestOrigin) error {
	now := s.now()
	ended, err := s.store.EndSessions(ctx, cur.UserID, session.SessionSelector{Only: &cur.ID}, reason, now)
	if err != nil || len(ended) == 0 {
		return err
	}
	return s.store.RecordEvents(ctx, identity.Event{
		ID: identity.NewID(), At: now, Action: identity.ActionSessionEnded, UserID: &cur.UserID, SessionID: &cur.ID, IP: from.IP, UserAgent: from.UserAgent,
		Data: identity.Metadata{"ended_session_id": cur.ID, "client_id": *cur.ClientID, "kind": session.KindApplication, "reason": reason},
	})
}

// replayed ends the session that a code made when the code comes back.
func (s *Service) replayed(ctx context.Context, c client.Client, made session.Session, from identity.RequestOrigin) error {
	if err := s.end(ctx, made, "code_replayed", from); err != nil {
		return err
	}
	return s.store.RecordEvents(ctx, identity.Event{
		ID: identity.NewID(), At: s.now(), Action: identity.ActionCodeReplayed, UserID: &made.UserID, SessionID: &made.ID,
		IP: from.IP, UserAgent: from.UserAgent, Data: identity.Metadata{"client_id": c.ID, "ended_session_id": made.ID},
	})
}

// stillAgreed refuses a code whose ground has gone since: the grant was revoked, also of a
// client that is trusted by now, or the client is no longer trusted.
func (s *Service) stillAgreed(ctx context.Context, c client.Client, asked code) error {
	if asked.GrantID == nil {
		if !c.Trusted {
			return errInvalidGrant()
		}
		return nil
	}
	if c.DocumentHash != nil {
		c.DocumentHash = asked.Document // another person may have agreed to another since
	}
	g, err := s.store.ClientGrantByID(ctx, *asked.GrantID)
	if errors.Is(err, identity.ErrNotFound) || err == nil && (g.RevokedAt != nil || !c.Trusted && !g.Covers(c, asked.Scopes, asked.Resources)) {
		return errInvalidGrant()
	}
	if err != nil {
		return err
	}
	return s.consents.Used(ctx, g)
}

// audience returns who an access token is for: a resource of those that were granted,
// the first if none is named, or this service (RFC 8707, section 2.2).
func (s *Service) audience(granted []string, form url.Values) (string, error) {
	named := slices.DeleteFunc(slices.Clone(form["resource"]), func(uri string) bool { return uri == "" })
	switch {
	case len(named) > 1:
		return "", identity.NewError(identity.CodeInvalidTarget, "an access token is for one resource").WithField("resource")
	case len(named) == 1:
		uri, ok := client.FindResource(granted, named[0])
		if !ok {
			return "", identity.NewError(identity.CodeInvalidTarget, "this resource was not granted").WithField("resource")
		}
		return uri, nil
	case len(granted) > 0:
		return granted[0], nil
	}
	return s.issuer, nil
}

// Refresh gives tokens for a refresh token (RFC 6749, section 6), by the rules of
// token.Service.Refresh. scope may only narrow what was granted. CodeInvalidGrant, which
// uses nothing up, where the client may no longer have all of it.
func (s *Service) Refresh(ctx context.Context, c client.Client, form url.Values, from identity.RequestOrigin) (Tokens, error) {
	raw := form.Get("refresh_token")
	if raw == "" {
		return Tokens{}, missing("refresh_token")
	}
	if !c.Has(client.GrantRefresh) {
		return Tokens{}, errUnauthorizedClient()
	}
	if err := s.canSign(ctx, c, c.Scopes); err != nil {
		return Tokens{}, err
	}
	var scopes []string
	var audience string
	p, next, err := s.tokens.RefreshApplication(ctx, raw, c.ID, s.origin(c, form, from), func(p session.Principal) (err error) {
		var team *identity.ID
		if p.Team != nil {
			team = &p.Team.TeamID
		}
		if !stillFor(c, p.Session.Scopes, p.Session.Resources, team) {
			return identity.NewError(identity.CodeInvalidGrant, "the client may no longer have what this refresh token was issued for: sign in again")
		}
		if scopes, err = narrowed(p.Session.Scopes, form.Get("scope")); err != nil {
			return err
		}
		audience, err = s.audience(p.Session.Resources, form)
		return err
	})
	if err != nil {
		return Tokens{}, err
	}
	return s.tokensOf(ctx, c, p, scopes, audience, "", next)
}

func narrowed(granted []string, asked string) ([]string, error) {
	words := strings.Fields(asked)
	if len(words) == 0 {
		return granted, nil
	}
	if slices.ContainsFunc(words, func(w string) bool { return !slices.Contains(granted, w) }) {
		return nil, identity.NewError(identity.CodeInvalidScope, "the scope is more than was granted").WithField("scope")
	}
	return identity.Words(nil).With(words), nil
}

// origin returns where the person is. A public client runs on their device; a
// confidential one says where they are, or does not.
func (s *Service) origin(c client.Client, form url.Values, from identity.RequestOrigin) identity.RequestOrigin {
	if c.Kind == client.Confidential {
		return identity.RequestOrigin{IP: form.Get("client_ip"), UserAgent: from.UserAgent}
	}
	return from
}

// ClientCredentials gives a team's API key an access token (RFC 6749, section 4.4). The
// key is both client and secret.
func (s *Service) ClientCredentials(ctx context.Context, by Credentials, form url.Values) (Tokens, error) {
	if !apikey.Looks(by.Secret) {
		return Tokens{}, errInvalidClient("client_credentials is for API keys of teams: the key is the client_secret")
	}
	k, err := s.keys.Authenticate(ctx, by.Secret)
	if identity.ErrorCode(err) == identity.CodeUnauthenticated {
		return Tokens{}, errInvalidClient("this API key is unknown, expired or revoked")
	}
	if err != nil {
		return Tokens{}, err
	}
	if by.ID != k.ID.String() && strings.TrimPrefix(by.ID, "lk_") != k.Prefix {
		return Tokens{}, errInvalidClient("the client_id is not that of the API key")
	}
	if k.TeamID == nil || k.Role == nil {
		return Tokens{}, errUnauthorizedClient()
	}
	if form.Get("scope") != "" {
		return Tokens{}, identity.NewError(identity.CodeInvalidScope, "an API key has its role, and no scopes").WithField("scope")
	}
	if slices.ContainsFunc(form["resource"], func(uri string) bool { return uri != "" && uri != s.issuer }) {
		return Tokens{}, identity.NewError(identity.CodeInvalidTarget, "an API key has no resources").WithField("resource")
	}
	access, err := s.tokens.SignMachine(ctx, k, s.issuer)
	return Tokens{Access: access, ExpiresIn: token.AccessLifetime}, err
}

// Revoke ends the session of a token of the client (RFC 7009). What is no token of it
// is no error.
func (s *Service) Revoke(ctx context.Context, c client.Client, raw string, from identity.RequestOrigin) error {
	if raw == "" {
		return missing("token")
	}
	id, clientID, ok, err := s.tokens.ApplicationSession(ctx, raw)
	if err != nil || !ok || clientID != c.ID {
		return err
	}
	return s.store.InTx(ctx, func(ctx context.Context) error {
		cur, err := s.store.LockSession(ctx, id)
		if errors.Is(err, identity.ErrNotFound) || err == nil && cur.Kind != session.KindApplication {
			return nil
		}
		if err != nil {
			return err
		}
		return s.end(ctx, cur, "revoked_by_application", from)
	})
}

func missing(name string) error {
	return identity.NewError(identity.CodeInvalidRequest, "%s is missing", name).WithField(name)
}

func errUnauthorizedClient() error {
	return identity.NewError(identity.CodeUnauthorizedClient, "the client cannot use this grant")
}

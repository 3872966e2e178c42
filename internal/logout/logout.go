// Package logout tells applications that their sessions have ended (OpenID Connect
// Back-Channel Logout 1.0). What is to be notified waits in the outbox from the commit that
// ended the session.
package logout

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/method/oauth"
	"github.com/latchkey/latchkey/identity/token"
	"github.com/latchkey/latchkey/internal/outbox"
)

const (
	// Lifetime is how long a logout token is valid.
	Lifetime = 2 * time.Minute
	// Timeout bounds one attempt.
	Timeout = 5 * time.Second
	// Parallel is how many attempts run at a time, and perHost how many of them at one
	// application: one that hangs leaves the others room.
	Parallel = 16
	perHost  = 2
	// After an attempt that failed, the other tasks of its application wait too, so that
	// a long queue does not become a long row of timeouts.
	firstPause = 2 * time.Second
	maxPause   = 5 * time.Minute

	tokenType = "logout+jwt" //nolint:gosec // the type of a token, and none
	event     = "http://schemas.openid.net/event/backchannel-logout"
	userAgent = "Latchkey (+https://github.com/latchkey/latchkey)"
)

// Signer signs tokens by the deployment's keys.
type Signer interface {
	SignJWT(ctx context.Context, alg token.Alg, typ string, claims map[string]any) (string, error)
}

// Sender sends logout tokens. Its Handle is an outbox.Handler.
type Sender struct {
	signer  Signer
	issuer  string
	allowed func(u *url.URL) bool
	client  *http.Client
	now     identity.Clock

	mu    sync.Mutex
	lines map[string]*line // by the URI that they lead to
}

// line is what is known of an application's receiver.
type line struct {
	busy     int
	failures int
	until    time.Time // nothing is sent before
}

// NewSender returns a sender. Receivers are reached over https at public addresses;
// allowed reports which others the operator lets it reach, over http too.
func NewSender(signer Signer, issuer string, allowed func(u *url.URL) bool, now identity.Clock) *Sender {
	return &Sender{signer: signer, issuer: issuer, allowed: allowed, client: noRedirects(oauth.NewHTTPClient(Timeout)), now: now, lines: map[string]*line{}}
}

// noRedirects keeps a token where it was meant to go.
func noRedirects(c *http.Client) *http.Client {
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return c
}

// Handle sends one logout token, signed now. It is an outbox.Handler.
func (s *Sender) Handle(ctx context.Context, t identity.Task) error {
	var l identity.Logout
	if err := json.Unmarshal(t.Payload, &l); err != nil {
		return outbox.Permanent(err)
	}
	u, err := url.Parse(l.URI)
	if err != nil {
		return outbox.Permanent(errors.New("the logout URI cannot be read"))
	}
	client := s.client
	switch allowed := s.allowed(u); {
	case allowed:
		client = noRedirects(oauth.NewHTTPClient(Timeout, u))
		defer client.CloseIdleConnections()
	case u.Scheme != "https":
		return outbox.Permanent(fmt.Errorf("client %s: %s is not https, and its host is not in LATCHKEY_BACKCHANNEL_ALLOWED_HOSTS", l.ClientID, u.Redacted()))
	}
	if wait := s.enter(l.URI); wait > 0 {
		return outbox.Postpone(wait)
	}
	failed := true
	defer func() { s.leave(l.URI, failed) }()
	if err := s.send(ctx, client, l); err != nil {
		return fmt.Errorf("telling client %s of a logout: %w", l.ClientID, err)
	}
	failed = false
	return nil
}

// enter takes a turn at a receiver, or returns how long to wait for one.
func (s *Sender) enter(uri string) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.lines[uri]
	if l == nil {
		l = &line{}
		s.lines[uri] = l
	}
	if wait := l.until.Sub(s.now()); wait > 0 {
		return wait
	}
	if l.busy >= perHost || l.failures > 0 && l.busy > 0 { // one at a time finds out whether it is back
		return firstPause
	}
	l.busy++
	return 0
}

func (s *Sender) leave(uri string, failed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.lines[uri]
	l.busy--
	if failed {
		l.failures++
		l.until = s.now().Add(min(firstPause<<min(l.failures-1, 10), maxPause))
		return
	}
	if l.failures, l.until = 0, (time.Time{}); l.busy == 0 {
		delete(s.lines, uri)
	}
}

func (s *Sender) send(ctx context.Context, client *http.Client, l identity.Logout) error {
	now := s.now()
	claims := map[string]any{
		"iss": s.issuer, "sub": l.Subject.String(), "aud": l.ClientID, "iat": now.Unix(), "exp": now.Add(Lifetime).Unix(), "jti": identity.NewID().String(),
		"events": map[string]any{event: map[string]any{}},
	}
	if l.Session != nil {
		claims["sid"] = l.Session.String()
	}
	signed, err := s.signer.SignJWT(ctx, token.Alg(l.Alg), tokenType, claims)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.URI, strings.NewReader(url.Values{"logout_token": {signed}}.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("User-Agent", userAgent)
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	_, _ = io.CopyN(io.Discard, res.Body, 4<<10) // so that the connection can be used again
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return fmt.Errorf("the answer is %s", res.Status)
	}
	return nil
}

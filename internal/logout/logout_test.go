package logout_test

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/client"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/token"
	"github.com/latchkey/latchkey/internal/logout"
	"github.com/latchkey/latchkey/internal/outbox"
	"github.com/latchkey/latchkey/internal/testkit/apptest"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

const issuer = "https://id.example.com"

type signer struct{ ed25519.PrivateKey }

func (s signer) SignJWT(_ context.Context, alg token.Alg, typ string, claims map[string]any) (string, error) {
	t := jwt.NewWithClaims(jwt.SigningMethodEdDSA, jwt.MapClaims(claims))
	t.Header["typ"], t.Header["wanted"] = typ, string(alg)
	return t.SignedString(s.PrivateKey)
}

// application is a receiver of logout tokens.
type application struct {
	*httptest.Server
	client.Client
	status atomic.Int32
	hits   atomic.Int32
	hold   chan struct{} // requests wait until it is closed

	mu       sync.Mutex
	notified []jwt.MapClaims
}

func (a *application) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.hits.Add(1)
	if a.hold != nil {
		select {
		case <-a.hold:
		case <-r.Context().Done():
		}
	}
	if status := int(a.status.Load()); status != 0 {
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(status)
		return
	}
	claims := jwt.MapClaims{}
	t, _, err := jwt.NewParser().ParseUnverified(r.PostFormValue("logout_token"), claims)
	if err != nil || t.Header["typ"] != "logout+jwt" || r.Method != http.MethodPost || t.Header["wanted"] != a.IDTokenAlg {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.notified = append(a.notified, claims)
}

func (a *application) tokens() []jwt.MapClaims {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]jwt.MapClaims{}, a.notified...)
}

type world struct {
	*storagetest.Database
	worker *outbox.Worker
}

func (w *world) application(t *testing.T, hold chan struct{}) *application {
	t.Helper()
	a := &application{hold: hold}
	a.Server = httptest.NewServer(a)
	t.Cleanup(a.Close)
	a.Client = w.OAuthClient(t, func(c *client.Client) { c.BackchannelURI, c.IDTokenAlg = a.URL+"/logout?x=1", "ES256" })
	return a
}

func (w *world) in(t *testing.T, user identity.ID, c client.Client, edit ...func(s *session.Session)) session.Session {
	t.Helper()
	return w.Session(t, user, append([]func(s *session.Session){func(s *session.Session) {
		s.Kind, s.Application = session.KindApplication, session.Application{ClientID: &c.ID}
	}}, edit...)...)
}

func (w *world) end(t *testing.T, user identity.ID, only *identity.ID) {
	t.Helper()
	w.Do(t, func(ctx context.Context) error {
		_, err := w.EndSessions(ctx, user, session.SessionSelector{Only: only}, "test", w.Clock.Now())
		return err
	})
}

func each(t *testing.T, test func(t *testing.T, w *world)) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		_, key, err := ed25519.GenerateKey(nil)
		if err != nil {
			t.Fatal(err)
		}
		sender := logout.NewSender(signer{key}, issuer, func(u *url.URL) bool { return u.Scheme == "http" }, d.Clock.Now)
		w := &world{Database: d, worker: outbox.NewWorker(d.DB, map[identity.TaskKind]outbox.Handler{identity.TaskLogout: sender.Handle},
			slog.New(slog.DiscardHandler), d.Clock.Now, outbox.InParallel(logout.Parallel))}
		d.OnLogout(w.worker.Wake)
		ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
		var running sync.WaitGroup
		running.Go(func() { w.worker.Run(ctx) })
		t.Cleanup(func() { cancel(); running.Wait() })
		test(t, w)
	})
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	if !apptest.Eventually(is) {
		t.Fatalf("never: %s", what)
	}
}

// A session that ends is notified by its id, with what the specification asks for; all of
// a person's at once by one token that names only them.
func TestWhatApplicationsAreTold(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		app, silent := w.application(t, nil), w.OAuthClient(t)
		u, other := w.User(t).ID, w.User(t).ID
		first, second := w.in(t, u, app.Client), w.in(t, u, app.Client)
		theirs := w.in(t, other, app.Client)
		w.in(t, u, silent)
		w.Session(t, u)

		undone := errors.New("undone")
		err := w.InTx(t.Context(), func(ctx context.Context) error {
			if _, err := w.EndSessions(ctx, u, session.SessionSelector{}, "test", w.Clock.Now()); err != nil {
				return err
			}
			return undone
		})
		if !errors.Is(err, undone) || w.Count(t, "outbox") != 0 {
			t.Fatalf("what did not happen is notified: %v", err)
		}
		w.end(t, u, &first.ID)
		eventually(t, "the first", func() bool { return len(app.tokens()) == 1 && w.Count(t, "outbox") == 0 })
		got := app.tokens()[0]
		now := float64(w.Clock.Now().Unix())
		if got["jti"] == "" || got["jti"] == nil {
			t.Error("no jti")
		}
		delete(got, "jti")
		storagetest.Same(t, got, jwt.MapClaims{
			"iss": issuer, "aud": app.ID, "sub": u.String(), "sid": first.ID.String(), "iat": now, "exp": now + 120,
			"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
		})
		third := w.in(t, u, app.Client, func(s *session.Session) { s.ParentID, s.Offline = nil, true })
		w.end(t, u, nil)
		eventually(t, "all", func() bool { return len(app.tokens()) == 2 && w.Count(t, "outbox") == 0 })
		if got := app.tokens()[1]; got["sub"] != u.String() || got["sid"] != nil {
			t.Errorf("all of them are notified as %v (%s and %s)", got, second.ID, third.ID)
		}
		w.end(t, other, nil)
		eventually(t, "the other's", func() bool { return len(app.tokens()) == 3 })
		if got := app.tokens()[2]; got["sid"] != theirs.ID.String() {
			t.Errorf("one alone is notified as %v", got)
		}

		// Two of three by their browser: each is named, for one goes on.
		browser := w.Session(t, u)
		w.in(t, u, app.Client)
		for range 2 {
			w.in(t, u, app.Client, func(s *session.Session) { s.ParentID = &browser.ID })
		}
		w.end(t, u, &browser.ID)
		eventually(t, "two", func() bool { return len(app.tokens()) == 5 && w.Count(t, "outbox") == 0 })
		for _, got := range app.tokens()[3:] {
			if got["sid"] == nil {
				t.Errorf("one of several is notified as %v", got)
			}
		}
	})
}

// One that hangs holds up no other, however much waits for it; one that fails is tried
// again, until it answers or the task has expired.
func TestReceiversThatHangOrFail(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		hold := make(chan struct{})
		hangs, fine, broken := w.application(t, hold), w.application(t, nil), w.application(t, nil)
		broken.status.Store(http.StatusInternalServerError)
		for range 40 {
			u := w.User(t).ID
			w.in(t, u, hangs.Client)
			w.end(t, u, nil)
		}
		eventually(t, "two attempts", func() bool { return hangs.hits.Load() == 2 })
		u := w.User(t).ID
		w.in(t, u, fine.Client)
		w.in(t, u, broken.Client)
		w.end(t, u, nil)
		eventually(t, "the one that works", func() bool { return len(fine.tokens()) == 1 })
		if n := hangs.hits.Load(); n != 2 {
			t.Errorf("%d attempts at one that hangs", n)
		}
		close(hold)
		eventually(t, "what waited", func() bool {
			w.Clock.Advance(2 * time.Second)
			w.worker.Wake()
			return len(hangs.tokens()) == 40
		})

		eventually(t, "another attempt", func() bool {
			w.Clock.Advance(time.Minute)
			w.worker.Wake()
			return broken.hits.Load() >= 2
		})
		broken.status.Store(0)
		eventually(t, "the one that failed", func() bool {
			w.Clock.Advance(time.Minute)
			w.worker.Wake()
			return len(broken.tokens()) == 1 && w.Count(t, "outbox") == 0
		})
		broken.status.Store(http.StatusInternalServerError)
		w.in(t, u, broken.Client)
		w.end(t, u, nil)
		hits := broken.hits.Load()
		eventually(t, "an attempt", func() bool { return broken.hits.Load() > hits })
		w.Clock.Advance(25 * time.Hour)
		w.worker.Wake()
		eventually(t, "the end of the task", func() bool { return w.Count(t, "outbox") == 0 })
	})
}

// A token goes only where it was meant to: not to private addresses that are not
// listed, not in the clear, and not where the receiver sends it on to.
func TestWhereTokensGo(t *testing.T) {
	t.Parallel()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	clock := storagetest.NewClock()
	a := &application{}
	plain, tls := httptest.NewServer(a), httptest.NewTLSServer(a)
	defer plain.Close()
	defer tls.Close()
	send := func(uri string, allowed bool) error {
		payload, err := json.Marshal(identity.Logout{ClientID: "c", URI: uri, Alg: "RS256", Subject: identity.NewID()})
		if err != nil {
			t.Fatal(err)
		}
		s := logout.NewSender(signer{key}, issuer, func(*url.URL) bool { return allowed }, clock.Now)
		return s.Handle(t.Context(), identity.Task{ID: identity.NewID(), Kind: identity.TaskLogout, Payload: payload})
	}
	if err := send(plain.URL, false); !outbox.IsPermanent(err) {
		t.Errorf("http: %v", err)
	}
	if err := send(tls.URL, false); err == nil || !strings.Contains(err.Error(), "not public") {
		t.Errorf("a private address: %v", err)
	}
	if err := send("https://localhost:1/", false); err == nil || !strings.Contains(err.Error(), "not public") {
		t.Errorf("a private name: %v", err)
	}
	for _, uri := range []string{"file:///etc/passwd", "gopher://127.0.0.1/", "https:", "://"} {
		if err := send(uri, false); err == nil {
			t.Errorf("%s is no error", uri)
		}
	}
	if n := a.hits.Load(); n != 0 {
		t.Fatalf("%d requests reached a private receiver", n)
	}
	for _, status := range []int32{http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect} {
		a.status.Store(status)
		before := a.hits.Load()
		if err := send(plain.URL, true); err == nil || outbox.IsPermanent(err) || a.hits.Load() != before+1 {
			t.Errorf("%d: %v, %d requests", status, err, a.hits.Load()-before)
		}
	}
}

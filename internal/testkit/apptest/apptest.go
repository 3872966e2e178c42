// Package apptest runs the whole service in a test: the real router and real
// HTTP on SQLite and on PostgreSQL, with people who have browsers and wallets.
// Every answer is checked against the specification, and every test ends by
// checking what must always hold.
package apptest

import (
	"bytes"
	"context"
	"database/sql"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/latchkey/latchkey/api"
	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/internal/app"
	"github.com/latchkey/latchkey/internal/config"
	"github.com/latchkey/latchkey/internal/logging"
	"github.com/latchkey/latchkey/internal/metrics"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
	"github.com/latchkey/latchkey/internal/tracing/otlp"
	"github.com/latchkey/latchkey/storage"
)

// App is one running service with a database of its own.
type App struct {
	T       *testing.T
	URL     string // public URL
	DB      *storage.DB
	Log     *Log
	Config  config.Config
	Metrics *metrics.Metrics
	Traces  *otlp.Traces // nil unless the variables turn them on
	Addr    string       // where it listens; URL may be another name for it

	service   *app.App
	server    *httptest.Server
	transport http.RoundTripper

	sqlOnce sync.Once
	sql     *sql.DB
	direct  string // the database's own URL, where Config's leads through a proxy

	idle func()

	mu     sync.Mutex
	offset time.Duration
	frozen time.Time
}

// Each runs a test against the service on each engine, in parallel. env adds
// variables in the form NAME=value; the stand-ins for the providers are on.
func Each(t *testing.T, test func(t *testing.T, a *App), env ...string) {
	t.Helper()
	t.Parallel()
	for _, engine := range storagetest.Engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			test(t, Start(t, engine, env...))
		})
	}
}

// SQLite runs a test whose subject is above the storage, on SQLite alone.
func SQLite(t *testing.T, env ...string) *App {
	t.Helper()
	return Start(t, "sqlite", env...)
}

// DatabaseURL returns a database of the engine with the newest schema and nothing
// in it.
func DatabaseURL(t testing.TB, engine string) string {
	t.Helper()
	return storagetest.Migrated(t, engine)
}

// Start starts the service.
func Start(t *testing.T, engine string, env ...string) *App {
	t.Helper()
	return StartAt(t, DatabaseURL(t, engine), env...)
}

// StartAt starts the service on a database, which may be in use by another: a
// second replica. Replicas share LATCHKEY_PUBLIC_URL; each browser reaches the
// one it was made by.
func StartAt(t *testing.T, databaseURL string, env ...string) *App {
	t.Helper()
	return StartServer(t, databaseURL, func(*http.Server) {}, env...)
}

// StartServer is StartAt with other limits of the HTTP server. With an https
// LATCHKEY_PUBLIC_URL the service runs as in production behind a proxy that
// ends TLS: no stand-ins, and browsers that take it for https.
func StartServer(t *testing.T, databaseURL string, bend func(*http.Server), env ...string) *App {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(append([]string{
		"LATCHKEY_DATABASE_URL=" + databaseURL,
		"LATCHKEY_PUBLIC_URL=http://localhost:" + port,
		"LATCHKEY_SECRET=a secret that is long enough for tests",
		"LATCHKEY_SIWE_CHAINS=1,10",
		"LATCHKEY_LOG_LEVEL=debug",
		"LATCHKEY_RATE_LIMITS=100000", // counted, but out of the way
	}, env...), !slices.ContainsFunc(env, func(e string) bool { return strings.HasPrefix(e, "LATCHKEY_PUBLIC_URL=https:") }))
	if err != nil {
		t.Fatal(err)
	}
	traces, err := otlp.FromEnvironment(variables(env), "test", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	var options []storage.Option
	if traces != nil {
		options = append(options, storage.Traced())
	}
	db, err := storage.Open(t.Context(), withSmallPool(t, databaseURL), options...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	a := &App{T: t, URL: cfg.PublicURL.String(), DB: db, Log: &Log{}, Config: cfg, Metrics: metrics.New(), Traces: traces, server: server}
	a.Addr = server.Listener.Addr().String()
	pooled := &http.Transport{MaxIdleConnsPerHost: 64}
	a.transport = rewire{to: a.Addr, next: pooled}
	handler, err := app.New(app.Parts{
		Version: "test", Config: cfg, DB: db, Metrics: a.Metrics, Tracer: traces.Tracer(), Now: a.Now, Context: t.Context(),
		Log: logging.New(a.Log, config.LogJSON, slog.LevelDebug),
	})
	if err != nil {
		t.Fatal(err)
	}
	a.service = handler
	// Otherwise the first key is created during the test.
	if _, err := app.Keyring(cfg, db, slog.New(slog.DiscardHandler), a.Now).JWKS(t.Context()); err != nil {
		t.Fatal(err)
	}
	server.Config = api.NewHTTPServer("", handler, slog.New(slog.DiscardHandler))
	bend(server.Config)
	server.Start()
	working, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	var work sync.WaitGroup
	work.Go(func() { handler.Run(working) })
	a.idle = func() { stop(); work.Wait() }
	t.Cleanup(func() {
		a.CheckInvariants()
		pooled.CloseIdleConnections()
		server.Close()
		a.idle()
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		_ = traces.Close(context.WithoutCancel(t.Context()))
	})
	return a
}

// variables looks names up in an environment of the form NAME=value.
func variables(env []string) func(string) string {
	return func(name string) string {
		for _, pair := range env {
			if key, value, _ := strings.Cut(pair, "="); key == name {
				return value
			}
		}
		return ""
	}
}

// CountFigures counts what metrics show, as the service does now and then.
func (a *App) CountFigures() {
	a.T.Helper()
	if err := a.service.CountFigures(a.T.Context()); err != nil {
		a.T.Fatal(err)
	}
}

// withSmallPool lets requests that come all at once share connections: each is a process
// of PostgreSQL, which takes longer to start than the request.
func withSmallPool(t *testing.T, databaseURL string) string {
	t.Helper()
	u, err := url.Parse(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	if q := u.Query(); strings.HasPrefix(u.Scheme, "postgres") && !q.Has("pool_max_conns") {
		q.Set("pool_max_conns", "5")
		u.RawQuery = q.Encode()
	}
	return u.String()
}

// StopWork ends what the service does in the background, such as sending mail. It
// still answers.
func (a *App) StopWork() { a.idle() }

// Now is the service's clock: the wall's, moved by Advance.
func (a *App) Now() time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.frozen.IsZero() {
		return a.frozen.Add(a.offset)
	}
	return identity.SystemClock().Add(a.offset)
}

// Freeze stops the service's clock, so that a test meets a moment exactly;
// Advance still moves it.
func (a *App) Freeze() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.frozen = identity.SystemClock()
}

func (a *App) publicURL() *url.URL { return &a.Config.PublicURL }

// rewire sends everything that is meant for the service to where it listens,
// whatever name and scheme it goes by.
type rewire struct {
	to   string
	next http.RoundTripper
}

func (r rewire) RoundTrip(req *http.Request) (*http.Response, error) {
	out := req.Clone(req.Context())
	if out.Host == "" {
		out.Host = req.URL.Host
	}
	out.URL.Scheme, out.URL.Host = "http", r.to
	return r.next.RoundTrip(out)
}

// Advance moves the service's clock forward.
func (a *App) Advance(d time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.offset += d
}

// Log is what the service logged.
type Log struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if os.Getenv("LATCHKEY_TEST_LOG") != "" {
		_, _ = os.Stderr.Write(p)
	}
	return l.buf.Write(p)
}

func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// Errors returns the lines of level ERROR.
func (l *Log) Errors() string {
	var out strings.Builder
	for line := range strings.Lines(l.String()) {
		if strings.Contains(line, `"level":"ERROR"`) {
			out.WriteString(line)
		}
	}
	return out.String()
}

// CheckInvariants asserts what holds after every test, whatever it did.
func (a *App) CheckInvariants() {
	a.T.Helper()
	violations, err := a.DB.Violations(context.WithoutCancel(a.T.Context()))
	if err != nil {
		a.T.Errorf("checking invariants: %v", err)
	}
	for _, v := range violations {
		a.T.Errorf("invariant violated: %s", v)
	}
	a.service.Remembered.Each(func(hash [32]byte, p session.Principal) {
		// Each replica writes for itself when and where it saw a session last.
		p.Session.LastSeenAt, p.Session.IdleExpiresAt, p.Session.LongestPause = time.Time{}, time.Time{}, 0
		kept, err := a.DB.PrincipalByToken(context.WithoutCancel(a.T.Context()), hash[:])
		kept.Session.LastSeenAt, kept.Session.IdleExpiresAt, kept.Session.LongestPause = time.Time{}, time.Time{}, 0
		kept.Session.IP = p.Session.IP
		if err != nil || !reflect.DeepEqual(kept, p) {
			a.T.Errorf("a check is answered from memory with\n%+v %+v\nbut kept is\n%+v %+v, %v", p.User, p.Team, kept.User, kept.Team, err)
		}
	})
}

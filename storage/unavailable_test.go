package storage_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
	"github.com/latchkey/latchkey/storage"
)

// A database that is down is said to be unavailable by every kind of call,
// never "not found", and serves again when it is up: no restart.
func TestDatabaseDownAndUpAgain(t *testing.T) {
	t.Parallel()
	d := storagetest.Open(t, storagetest.Postgres)
	u := d.User(t)
	s := d.Session(t, u.ID)
	cable := plug(t, d.URL)
	db := storagetest.Connect(t, cable.url)

	calls := map[string]func(ctx context.Context) error{
		"read":     func(ctx context.Context) error { _, err := db.User(ctx, u.ID); return err },
		"hot read": func(ctx context.Context) error { _, err := db.PrincipalByToken(ctx, s.TokenHash); return err },
		"transaction": func(ctx context.Context) error {
			return db.InTx(ctx, func(ctx context.Context) error { return db.UpdateUser(ctx, u) })
		},
		"touch": func(ctx context.Context) error {
			_, err := db.TouchSession(ctx, session.Use{Session: s.ID, Was: s.LastSeenAt, At: d.Clock.Now(), IdleExpires: s.IdleExpiresAt})
			return err
		},
		"uses": func(ctx context.Context) error {
			use := session.Use{Session: s.ID, At: d.Clock.Now(), IdleExpires: s.IdleExpiresAt, Proven: s.AuthenticatedAt}
			left, err := db.WriteUses(ctx, []session.Use{use})
			if err != nil && !slices.Equal(left, []session.Use{use}) {
				t.Errorf("after %v %+v is left", err, left)
			}
			return err
		},
		"ping":   db.Ping,
		"status": func(ctx context.Context) error { _, err := db.MigrationStatus(ctx); return err },
	}
	for range 2 {
		for name, call := range calls {
			eventually(t, name, call) // pooled connections may be broken ones
		}
		cable.pull()
		for name, call := range calls {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			if err := call(ctx); !isUnavailable(err) || errors.Is(err, identity.ErrNotFound) {
				t.Errorf("%s while down: %v", name, err)
			}
			cancel()
		}
		cable.plugIn()
	}

	// Pulled in the middle of a transaction: unavailable, and nothing of it is there.
	err := db.InTx(t.Context(), func(ctx context.Context) error {
		changed := u
		changed.DisplayName = "changed"
		if err := db.UpdateUser(ctx, changed); err != nil {
			return err
		}
		cable.pull()
		_, err := db.User(ctx, u.ID)
		return err
	})
	if !isUnavailable(err) {
		t.Errorf("pulled in a transaction: %v", err)
	}
	cable.plugIn()
	eventually(t, "after a broken transaction", func(ctx context.Context) error {
		got, err := db.User(ctx, u.ID)
		if err == nil && got.DisplayName != u.DisplayName {
			t.Error("half a transaction was kept")
		}
		return err
	})
}

func TestNothingListens(t *testing.T) {
	t.Parallel()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := storage.Open(t.Context(), "postgres://u:secret@"+address+"/x?sslmode=disable")
	if err != nil {
		t.Fatalf("a database that is down stops the start: %v", err)
	}
	defer func() { _ = db.Close() }()
	if err := db.Ping(t.Context()); !isUnavailable(err) {
		t.Errorf("ping: %v", err)
	}
	if _, err := db.Migrate(t.Context()); !isUnavailable(err) {
		t.Errorf("migrate: %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "latchkey.db", "sqlite://", "mysql://h/d", "postgres://u:secret@h:port/d"} {
		if db, err := storage.Open(t.Context(), bad); err == nil {
			_ = db.Close()
			t.Errorf("opened %q", bad)
		}
	}
}

func isUnavailable(err error) bool {
	var u interface{ Unavailable() bool }
	return errors.As(err, &u) && u.Unavailable()
}

// eventually calls until it works; each call that finds a broken connection
// throws it away.
func eventually(t *testing.T, name string, call func(ctx context.Context) error) {
	t.Helper()
	var err error
	for range 30 {
		if err = call(t.Context()); err == nil {
			return
		}
		if !isUnavailable(err) {
			break
		}
	}
	t.Errorf("%s while up: %v", name, err)
}

// cable is a TCP proxy that can be pulled: what is open breaks, and what comes
// is cut at once.
type cable struct {
	url  string
	mu   sync.Mutex
	down bool
	open map[net.Conn]bool
}

func plug(t *testing.T, databaseURL string) *cable {
	t.Helper()
	config, err := pgconn.ParseConfig(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	u := url.URL{
		Scheme: "postgres", Host: l.Addr().String(), Path: "/" + config.Database, RawQuery: "sslmode=disable",
		User: url.UserPassword(config.User, config.Password),
	}
	c := &cable{url: u.String(), open: map[net.Conn]bool{}}
	network, address := pgconn.NetworkAddress(config.Host, config.Port)
	ctx := context.WithoutCancel(t.Context())
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := (&net.Dialer{}).DialContext(ctx, network, address)
			if err != nil {
				_ = client.Close()
				continue
			}
			if c.keep(client, server) {
				go func() { _, _ = io.Copy(server, client); _ = server.Close() }()
				go func() { _, _ = io.Copy(client, server); _ = client.Close() }()
			}
		}
	}()
	t.Cleanup(c.pull)
	return c
}

func (c *cable) keep(conns ...net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range conns {
		if c.down {
			_ = conn.Close()
		} else {
			c.open[conn] = true
		}
	}
	return !c.down
}

func (c *cable) pull() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.down = true
	for conn := range c.open {
		_ = conn.Close()
		delete(c.open, conn)
	}
}

func (c *cable) plugIn() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.down = false
}

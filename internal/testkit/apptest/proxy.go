package apptest

import (
	"cmp"
	"context"
	"io"
	"net"
	"net/url"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

// Cable is a TCP proxy in front of PostgreSQL that can be pulled and plugged in
// again, or lose all that is sent for a while.
type Cable struct {
	t        *testing.T
	listener net.Listener
	network  string
	address  string
	stall    sync.RWMutex // held by those who pass something on

	mu    sync.Mutex
	off   bool
	conns map[net.Conn]bool
}

// StartOnCable starts the service on a PostgreSQL that the test can take away.
func StartOnCable(t *testing.T, env ...string) (*App, *Cable) {
	t.Helper()
	databaseURL := DatabaseURL(t, "postgres")
	config, err := pgconn.ParseConfig(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	c := &Cable{t: t, conns: map[net.Conn]bool{}}
	c.network, c.address = pgconn.NetworkAddress(config.Host, config.Port)
	if c.listener, err = (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.listener.Close() })
	go c.accept(context.WithoutCancel(t.Context()))

	_, port, err := net.SplitHostPort(c.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	through := url.URL{Scheme: "postgres", Host: "127.0.0.1:" + port, Path: "/" + config.Database, RawQuery: "sslmode=disable"}
	through.User = url.UserPassword(config.User, config.Password)
	a := StartAt(t, through.String(), env...)
	a.direct = databaseURL
	t.Cleanup(func() { // before the invariants are checked
		c.Plug()
		Eventually(func() bool { // each broken connection in the pool fails once
			for range 5 {
				if a.DB.Ping(context.Background()) != nil {
					return false
				}
			}
			return true
		})
	})
	return a, c
}

func (c *Cable) accept(ctx context.Context) {
	for {
		client, err := c.listener.Accept()
		if err != nil {
			return
		}
		server, err := (&net.Dialer{}).DialContext(ctx, c.network, c.address)
		c.mu.Lock()
		if err != nil || c.off {
			c.mu.Unlock()
			_ = client.Close()
			if err == nil {
				_ = server.Close()
			}
			continue
		}
		c.conns[client], c.conns[server] = true, true
		c.mu.Unlock()
		for _, pair := range [][2]net.Conn{{client, server}, {server, client}} {
			go func() {
				_, _ = io.Copy(stalling{pair[0], &c.stall}, pair[1])
				_, _ = pair[0].Close(), pair[1].Close()
				c.mu.Lock()
				delete(c.conns, pair[0])
				c.mu.Unlock()
			}()
		}
	}
}

// DatabaseURL leads to the database past the cable.
func (a *App) DatabaseURL() string { return cmp.Or(a.direct, string(a.Config.DatabaseURL)) }

// Stall holds back all that is sent either way, and breaks nothing: it looks like a
// slow database. The returned function lets everything through.
func (c *Cable) Stall() (resume func()) {
	c.stall.Lock()
	resume = sync.OnceFunc(c.stall.Unlock)
	c.t.Cleanup(resume)
	return resume
}

type stalling struct {
	net.Conn
	stall *sync.RWMutex
}

func (s stalling) Write(p []byte) (int, error) {
	s.stall.RLock()
	defer s.stall.RUnlock()
	return s.Conn.Write(p)
}

// Pull breaks every connection and lets no new one through.
func (c *Cable) Pull() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.off = true
	for conn := range c.conns {
		_ = conn.Close()
	}
	clear(c.conns)
}

// Plug lets connections through again.
func (c *Cable) Plug() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.off = false
}

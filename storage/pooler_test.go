//go:build unix

package storage_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/latchkey/latchkey/internal/testkit/storagetest"
	"github.com/latchkey/latchkey/internal/testkit/testpg"
	"github.com/latchkey/latchkey/storage"
)

// pooled returns a URL through the pooler to a new database of the server.
func pooled(t *testing.T, server *testpg.Server, pooler, name string) string {
	t.Helper()
	db, err := sql.Open("pgx", testpg.URLOf(server))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.ExecContext(t.Context(), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	name, _, _ = strings.Cut(name, " ")
	return strings.Replace(pooler, "/postgres?", "/"+name+"?", 1)
}

// Five replicas start at once on an empty database through a pooler that gives
// each transaction another connection: every migration runs once, and again
// after that.
func TestMigrateAtOnceThroughAPooler(t *testing.T) {
	t.Parallel()
	server := testpg.NewServer(t)
	pooler := server.Pooler(t, "transaction")
	for _, name := range []string{"first", "second"} {
		databaseURL := pooled(t, server, pooler, name)
		replicas := make([]*storage.DB, 5)
		for i := range replicas {
			replicas[i] = storagetest.Connect(t, databaseURL)
		}
		migrateTogether(t, replicas)
		for range status(t, replicas[0], true) {
			if _, err := replicas[1].MigrateDown(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		migrateTogether(t, replicas)
	}
}

// All of the storage works through a pooler in transaction mode, with what people
// write into such URLs.
func TestThroughAPooler(t *testing.T) {
	t.Parallel()
	server := testpg.NewServer(t)
	pooler := server.Pooler(t, "transaction")
	template := pooled(t, server, pooler, "template")
	db := storagetest.Connect(t, template)
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, query := range map[string]string{
		"plain":             "",
		"no statements":     "&statement_cache_capacity=0",
		"exec":              "&default_query_exec_mode=exec",
		"cache_describe":    "&default_query_exec_mode=cache_describe",
		"simple protocol":   "&default_query_exec_mode=simple_protocol",
		"Prisma":            "&pgbouncer=true&connection_limit=7&pool_timeout=10&schema=public",
		"JDBC":              "&prepareThreshold=0",
		"libpq":             "&keepalives=1&keepalives_idle=30&gssencmode=disable",
		"a pool of its own": "&pool_max_conns=4",
	} {
		t.Run(name, func(t *testing.T) {
			d := storagetest.OpenURL(t, storagetest.Postgres, template+query)
			u := d.User(t)
			s := d.Session(t, u.ID)
			i := d.Wallet(t, u.ID)
			var wg sync.WaitGroup
			for range 40 {
				wg.Go(func() {
					if _, err := d.PrincipalByToken(t.Context(), s.TokenHash); err != nil {
						t.Errorf("a check: %v", err)
					}
					if err := d.InTx(t.Context(), func(ctx context.Context) error {
						_, _, err := d.IdentityOwner(ctx, i.Provider, i.Subject)
						return err
					}); err != nil {
						t.Errorf("in a transaction: %v", err)
					}
					if _, err := d.DB.User(t.Context(), u.ID); err != nil {
						t.Errorf("a read: %v", err)
					}
				})
			}
			wg.Wait()
		})
	}
}

// Through a pooler nothing is remembered; with a direct URL beside it, it is.
func TestWatchBesideAPooler(t *testing.T) {
	t.Parallel()
	server := testpg.NewServer(t)
	pooler := server.Pooler(t, "transaction")
	direct := testpg.URLOf(server)
	for name, options := range map[string][]storage.Option{"pooled": nil, "direct": {storage.Direct(direct)}} {
		t.Run(name, func(t *testing.T) {
			db, err := storage.Open(t.Context(), pooler, options...)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = db.Close() }()
			watching, stop := context.WithCancel(t.Context())
			l := &listener{}
			var wg sync.WaitGroup
			wg.Go(func() { db.Watch(watching, l, slog.New(slog.DiscardHandler)) })
			defer wg.Wait()
			defer stop()
			if options == nil {
				time.Sleep(500 * time.Millisecond)
				if l.isTrusted() {
					t.Error("trusted through a pooler")
				}
				return
			}
			until(t, "listening", l.isTrusted)
		})
	}
}

// A pooler refuses the bounds when connecting, so that each transaction sets them.
func TestBoundsHoldThroughAPooler(t *testing.T) {
	t.Parallel()
	server := testpg.NewServer(t)
	for name, databaseURL := range map[string]string{
		"direct":   testpg.URLOf(server),
		"refused":  server.Pooler(t, "transaction"),
		"ignored":  server.Pooler(t, "transaction", "ignore_startup_parameters = lock_timeout,statement_timeout,idle_in_transaction_session_timeout,tcp_user_timeout"),
		"by hand":  testpg.URLOf(server) + "&lock_timeout=5000",
		"a schema": testpg.URLOf(server) + "&schema=public",
	} {
		t.Run(name, func(t *testing.T) {
			db := storagetest.Connect(t, databaseURL)
			for range 2 { // the first connection finds the pooler
				var got string
				err := db.InTx(t.Context(), func(ctx context.Context) (err error) {
					got, err = db.Setting(ctx, "lock_timeout")
					return err
				})
				if err != nil || got != "5s" {
					t.Errorf("lock_timeout is %q, %v", got, err)
				}
			}
		})
	}
}

// The suite's own: what a URL cannot mean is refused, without the password.
func TestURLsOfOthers(t *testing.T) {
	t.Parallel()
	for query, good := range map[string]bool{
		"pgbouncer=true&schema=latchkey": true, "pool_max_conns=0": false, "default_query_exec_mode=no": false,
	} {
		u := url.URL{Scheme: "postgres", User: url.UserPassword("u", "hunter2"), Host: "127.0.0.1:1", Path: "/x", RawQuery: query}
		db, err := storage.Open(t.Context(), u.String())
		if (err == nil) != good || err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", query, err)
		}
		if err == nil {
			err = errors.Join(db.Close())
		}
		if good && err != nil {
			t.Errorf("%s: %v", query, err)
		}
	}
}

// The whole suite, each part on a database of its own.
func TestSuiteThroughAPooler(t *testing.T) {
	t.Parallel()
	server := testpg.NewServer(t)
	pooler := server.Pooler(t, "transaction", "server_idle_timeout = 1")
	direct := testpg.URLOf(server)
	template := storagetest.Connect(t, pooled(t, server, direct, "template"))
	if _, err := template.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := template.Close(); err != nil {
		t.Fatal(err)
	}
	var n atomic.Int64
	conforms(t, func(t *testing.T) *storagetest.Database {
		name := fmt.Sprintf("part%d", n.Add(1))
		return storagetest.OpenURL(t, storagetest.Postgres,
			pooled(t, server, pooler, name+" TEMPLATE template")+"&default_query_exec_mode=simple_protocol")
	})
}

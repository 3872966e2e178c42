//go:build unix

package storage_test

import (
	"bufio"
	"context"
	"database/sql/driver"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
	"github.com/latchkey/latchkey/internal/testkit/testpg"
	"github.com/latchkey/latchkey/storage"
)

// frozenVariable makes this test binary a replica that holds a team's row: its
// value is the database and the team.
const frozenVariable = "LATCHKEY_TEST_FROZEN"

func holdTeam() {
	databaseURL, id, _ := strings.Cut(os.Getenv(frozenVariable), " ")
	db, err := storage.Open(context.Background(), databaseURL)
	if err != nil {
		panic(err)
	}
	err = db.InTx(context.Background(), func(ctx context.Context) error {
		if _, err := db.LockTeam(ctx, uuid.MustParse(id)); err != nil {
			return err
		}
		fmt.Println("held")
		_, _ = io.Copy(io.Discard, os.Stdin) // until the test is gone
		return nil
	})
	panic(fmt.Sprint("no longer: ", err))
}

// A replica is stopped inside a transaction that holds a row. Those who want the
// row get an error after a while, everything else goes on, and the row comes back
// though the replica never does.
func TestFrozenReplica(t *testing.T) {
	t.Parallel()
	d := storagetest.Open(t, storagetest.Postgres)
	u := d.User(t)
	tm, s := d.Team(t, u.ID), d.Session(t, u.ID)
	// The real bounds, but for the waiting.
	databaseURL := d.URL + "&lock_timeout=3000&idle_in_transaction_session_timeout=7000&pool_max_conns=8"
	if !strings.Contains(d.URL, "?") {
		databaseURL = strings.Replace(databaseURL, "&", "?", 1)
	}

	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), os.Args[0])
	cmd.Env = append(os.Environ(), frozenVariable+"="+databaseURL+" "+tm.ID.String())
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = stdin.Close()
	})
	if line, err := bufio.NewReader(stdout).ReadString('\n'); line != "held\n" {
		t.Fatalf("%q, %v", line, err)
	}
	if err := cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}

	db := storagetest.Connect(t, databaseURL)
	lock := func() error {
		return db.InTx(t.Context(), func(ctx context.Context) error { _, err := db.LockTeam(ctx, tm.ID); return err })
	}
	var waiting sync.WaitGroup
	var refused atomic.Int64
	for range 8 { // as many as there are connections
		waiting.Go(func() {
			if err := lock(); isUnavailable(err) {
				refused.Add(1)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
	for range 100 {
		started := time.Now()
		if _, err := db.PrincipalByToken(t.Context(), s.TokenHash); err != nil {
			t.Errorf("a check meanwhile: %v", err)
		}
		if took := time.Since(started); took > 2*time.Second {
			t.Errorf("a check took %s meanwhile", took)
		}
	}
	waiting.Wait()
	if refused.Load() == 0 || db.Outages().Locked == 0 {
		t.Errorf("of 8 who waited %d were refused: %+v", refused.Load(), db.Outages())
	}
	deadline := time.Now().Add(20 * time.Second)
	for err = lock(); err != nil && time.Now().Before(deadline); err = lock() {
		if !isUnavailable(err) {
			t.Fatal(err)
		}
	}
	if err != nil {
		t.Errorf("the row never came back: %v", err)
	}
}

// A transaction that goes on for too long is broken off, and gives its connection
// back.
func TestTransactionTakesTooLong(t *testing.T) {
	t.Parallel()
	d := storagetest.Open(t, storagetest.Postgres)
	if err := storage.WithTxTimeout(d.DB, 300*time.Millisecond, func(ctx context.Context) error {
		_, err := d.Setting(ctx, "lock_timeout")
		if err == nil {
			<-ctx.Done()
			_, err = d.Setting(ctx, "lock_timeout")
		}
		return err
	}); !isUnavailable(err) || d.Outages().TooLong != 1 {
		t.Errorf("%v, %+v", err, d.Outages())
	}
	if err := d.InTx(t.Context(), func(context.Context) error { return nil }); err != nil {
		t.Error(err)
	}
}

// The synchronous standby is gone: a write is not acknowledged, and its caller does
// not wait for ever.
func TestStandbyLost(t *testing.T) {
	t.Parallel()
	primary, standby := testpg.NewPair(t)
	db := storagetest.Connect(t, testpg.URLOf(primary))
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	write := func() error {
		return db.InTx(t.Context(), func(ctx context.Context) error {
			now := time.Now().UTC()
			return db.InsertTeam(ctx, team.Team{ID: identity.NewID(), Name: "n", CreatedAt: now, UpdatedAt: now})
		})
	}
	if err := write(); err != nil {
		t.Fatal(err)
	}
	standby.Stop("QUIT")
	started := time.Now()
	err := write()
	if took := time.Since(started); !isUnavailable(err) || took > 40*time.Second || db.Outages().TooLong == 0 {
		t.Errorf("after %s: %v, %+v", took, err, db.Outages())
	}
	standby.Start()
	eventually(t, "with the standby again", func(context.Context) error { return write() })
}

// A server that is read-only is not ready, and a connection that met that is not
// used again.
func TestReadOnly(t *testing.T) {
	t.Parallel()
	server := testpg.NewServer(t)
	databaseURL := testpg.URLOf(server)
	databaseURL = strings.Replace(databaseURL, "&target_session_attrs=read-write", "", 1) + "&pool_max_conns=4"
	if _, err := storagetest.Connect(t, databaseURL).Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	server.Execute("ALTER SYSTEM SET default_transaction_read_only = on")
	server.Execute("SELECT pg_reload_conf()")
	db := storagetest.Connect(t, databaseURL)
	until(t, "read-only", func() bool { return db.Ready(t.Context()) != nil })
	if err := db.Ready(t.Context()); !isUnavailable(err) {
		t.Errorf("ready: %v", err)
	}
	write := func(context.Context) error {
		return db.InTx(t.Context(), func(ctx context.Context) error {
			now := time.Now().UTC()
			return db.InsertTeam(ctx, team.Team{ID: identity.NewID(), Name: "n", CreatedAt: now, UpdatedAt: now})
		})
	}
	before := db.Opened()
	for range 3 {
		if err := write(t.Context()); !isUnavailable(err) {
			t.Errorf("a write: %v", err)
		}
	}
	if opened := db.Opened() - before; opened < 2 || db.Outages().ReadOnly != 3 {
		t.Errorf("%d connections were opened for 3 refused writes: %+v", opened, db.Outages())
	}
	server.Execute("ALTER SYSTEM RESET default_transaction_read_only")
	server.Execute("SELECT pg_reload_conf()")
	until(t, "writable again", func() bool { return write(t.Context()) == nil })
	if err := db.Ready(t.Context()); err != nil {
		t.Errorf("ready again: %v", err)
	}
}

// The disk of the database is full: a change is refused as a whole, reading goes on,
// and the replica is not ready, until there is room again.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	for _, engine := range storagetest.Engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			d, full := bounded(t, engine)
			u := d.User(t)
			d.Wallet(t, u.ID)
			ready := func() error { return d.Ready(t.Context()) }
			if err := ready(); err != nil {
				t.Fatal(err)
			}
			// write makes a team and burns secrets, more than the pages at hand have room for.
			write := func() error {
				return d.InTx(t.Context(), func(ctx context.Context) error {
					now := d.Clock.Now()
					id := identity.NewID()
					if err := d.InsertTeam(ctx, team.Team{ID: id, Name: "n", CreatedAt: now, UpdatedAt: now}); err != nil {
						return err
					}
					if err := d.InsertMemberships(ctx, []team.Membership{{TeamID: id, UserID: u.ID, Role: team.RoleOwner, CreatedAt: now}}); err != nil {
						return err
					}
					for range 500 {
						_, hash := identity.NewSecret()
						if err := d.BurnSecret(ctx, identity.SingleUse{Hash: hash, ExpiresAt: now.Add(time.Hour)}); err != nil {
							return err
						}
					}
					return nil
				})
			}
			if err := write(); err != nil {
				t.Fatal(err)
			}
			full(true)
			rows := func() [3]int {
				return [3]int{d.Count(t, "teams"), d.Count(t, "memberships"), d.Count(t, "burned_secrets")}
			}
			before := rows()
			if err := ready(); err != nil {
				t.Errorf("before a change met it: %v", err)
			}
			for n := range 2 {
				if err := write(); !isUnavailable(err) || d.Outages().Full == 0 {
					t.Errorf("a change: %v, %+v", err, d.Outages())
				}
				for range 2 { // no change comes between
					if err := ready(); !isUnavailable(err) {
						t.Errorf("ready %d: %v", n, err)
					}
				}
			}
			if now := rows(); now != before {
				t.Errorf("teams, memberships and secrets were %v and are %v", before, now)
			}
			if got, err := d.DB.User(t.Context(), u.ID); err != nil || got.ID != u.ID {
				t.Errorf("reading: %v", err)
			}
			full(false)
			if err := ready(); err != nil {
				t.Errorf("with room again: %v", err)
			}
			if now := rows(); now != before {
				t.Errorf("being ready left %v, want %v", now, before)
			}
			if err := write(); err != nil {
				t.Errorf("with room again: %v", err)
			}
			if violations, err := d.Violations(t.Context()); err != nil || len(violations) > 0 {
				t.Errorf("%v, %v", violations, err)
			}
		})
	}
}

// bounded is a database whose disk can be made full, and larger again.
func bounded(t *testing.T, engine string) (d *storagetest.Database, full func(bool)) {
	t.Helper()
	if engine == storagetest.SQLite {
		var writer *keptConnector
		url := storagetest.Migrated(t, engine)
		db, err := storage.Open(t.Context(), url, storage.WithConnectorWrapper(func(c driver.Connector) driver.Connector {
			if writer != nil {
				return c
			}
			writer = &keptConnector{Connector: c} // it is opened first
			return writer
		}))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		return &storagetest.Database{DB: db, Engine: engine, URL: url, SQL: storagetest.ConnectSQL(t, url), Clock: storagetest.NewClock()}, func(is bool) {
			pages := 1 << 30
			if is {
				pages = 1 // below any size, so as many as there are
			}
			if _, err := writer.conn.(driver.ExecerContext).ExecContext(t.Context(), fmt.Sprintf("PRAGMA max_page_count = %d", pages), nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	server := testpg.NewServer(t, "autovacuum = off")
	url := testpg.URLOf(server)
	if _, err := storagetest.Connect(t, url).Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	d = storagetest.OpenURL(t, engine, url)
	return d, func(is bool) {
		if !is {
			server.LimitFiles(0)
			return
		}
		server.LimitFiles(17<<20 + 1)
		// In the order of the index, so that the table is what reaches the limit.
		err := d.Exec("INSERT INTO burned_secrets SELECT decode(lpad(to_hex(n), 64, '0'), 'hex'), now() FROM generate_series(1, 1000000) AS n")
		if err != nil && strings.Contains(err.Error(), "File too large") {
			t.Skip("this PostgreSQL (16 or later) does not report a limit of files as a full disk")
		}
		if err == nil || !strings.Contains(err.Error(), "53100") {
			t.Fatalf("filling the disk: %v", err)
		}
	}
}

// keptConnector keeps the connection that it opened last.
type keptConnector struct {
	driver.Connector
	conn driver.Conn
}

func (k *keptConnector) Connect(ctx context.Context) (conn driver.Conn, err error) {
	k.conn, err = k.Connector.Connect(ctx)
	return k.conn, err
}

// The server has no connection left: a call waits for one of its own replica.
func TestServerIsFull(t *testing.T) {
	t.Parallel()
	server := testpg.NewServer(t, "max_connections = 8", "superuser_reserved_connections = 0")
	databaseURL := testpg.URLOf(server)
	db := storagetest.Connect(t, databaseURL)
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	var calls sync.WaitGroup
	for range 60 {
		calls.Go(func() {
			for range 5 {
				if err := db.InTx(t.Context(), func(ctx context.Context) error { _, err := db.Setting(ctx, "lock_timeout"); return err }); err != nil {
					t.Error(err)
				}
				if _, err := db.PrincipalByToken(t.Context(), []byte("x")); isUnavailable(err) {
					t.Error(err)
				}
			}
		})
	}
	calls.Wait()
}

// The password changes while connections are open: the next ones are opened with
// the new one.
func TestPasswordChanges(t *testing.T) {
	t.Parallel()
	server := testpg.NewServer(t)
	server.Execute("CREATE ROLE app LOGIN PASSWORD 'first'")
	server.RequirePassword("app")
	var password atomic.Value
	password.Store("first")
	current := func() (string, error) {
		u, err := url.Parse(testpg.URLOf(server))
		if err != nil {
			return "", err
		}
		u.User = url.UserPassword("app", password.Load().(string))
		return u.String(), nil
	}
	databaseURL, err := current()
	if err != nil {
		t.Fatal(err)
	}
	db, err := storage.Open(t.Context(), databaseURL, storage.Reread(current, current))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	for _, next := range []string{"first", "second", "third"} {
		server.Execute("ALTER ROLE app PASSWORD '" + next + "'")
		password.Store(next)
		server.Execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app'")
		if next == "third" {
			db.Reload()
		}
		eventually(t, next, db.Ping)
	}
	server.Execute("ALTER ROLE app PASSWORD 'nobody knows'")
	server.Execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app'")
	until(t, "refused", func() bool { return isUnavailable(db.Ping(t.Context())) })
}

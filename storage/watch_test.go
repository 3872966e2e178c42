package storage_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/internal/testkit/pgwire"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
	"github.com/latchkey/latchkey/storage"
)

// listener records the changes that it receives.
type listener struct {
	mu      sync.Mutex
	ids     []identity.ID
	all     int // how often everything was forgotten
	trusted time.Time
	proofs  int // signs of life
	inTime  int // those that came before their trust had ended
}

func (l *listener) Forget(ids ...identity.ID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ids = append(l.ids, ids...)
}

func (l *listener) ForgetAll() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all++
}

func (l *listener) Trust(since time.Time, d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.trusted = since.Add(d)
	if d > 0 {
		l.proofs++
	}
	if l.trusted.After(time.Now()) {
		l.inTime++
	}
}

func (l *listener) proven() (all, inTime int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.proofs, l.inTime
}

func (l *listener) received(id identity.ID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Contains(l.ids, id)
}

func (l *listener) isTrusted() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Now().Before(l.trusted)
}

func (l *listener) forgotAll() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all
}

// watch connects one more replica, and waits until it hears.
func watch(t *testing.T, url string) (*storage.DB, *listener) {
	t.Helper()
	db := storagetest.Connect(t, url)
	l := listen(t, db)
	until(t, "listening", l.isTrusted)
	return db, l
}

func listen(t *testing.T, db *storage.DB) *listener {
	t.Helper()
	l := &listener{}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var watching sync.WaitGroup
	watching.Go(func() { db.Watch(ctx, l, slog.New(slog.DiscardHandler)) })
	t.Cleanup(func() {
		cancel()
		watching.Wait()
		if l.isTrusted() {
			t.Error("trusted without a listener")
		}
	})
	return l
}

func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: never", what)
		}
	}
}

func signOut(db *storage.DB, user identity.ID, fail error) error {
	return db.InTx(context.Background(), func(ctx context.Context) error {
		if _, err := db.EndSessions(ctx, user, session.SessionSelector{}, "test", time.Now()); err != nil {
			return err
		}
		return fail
	})
}

func TestChangesAreHeardEverywhere(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		here, l := watch(t, d.URL)
		_, elsewhere := watch(t, d.URL)
		undone, ended := d.User(t), d.User(t)
		d.Session(t, undone.ID)
		d.Session(t, ended.ID)

		if err := signOut(here, undone.ID, errors.New("no")); err == nil {
			t.Fatal("committed")
		}
		before := elsewhere.forgotAll()
		if err := signOut(here, ended.ID, nil); err != nil {
			t.Fatal(err)
		}
		if !l.received(ended.ID) {
			t.Error("the replica that made the change has not heard of it when it is made")
		}
		until(t, "heard elsewhere", func() bool {
			return elsewhere.received(ended.ID) || d.Engine == storagetest.SQLite && elsewhere.forgotAll() > before
		})
		if elsewhere.received(undone.ID) {
			t.Error("heard of a change that was rolled back")
		}
	})
}

// A database that answers later than the lease is never trusted; a longer lease is, and
// what changes is heard through it.
func TestLeaseOfADistantDatabase(t *testing.T) {
	t.Parallel()
	d := storagetest.Open(t, storagetest.Postgres)
	_, far, err := pgwire.Listen(d.URL, pgwire.Watcher{Done: func(string) { time.Sleep(storage.DefaultLease + time.Millisecond) }})
	if err != nil {
		t.Fatal(err)
	}
	ordinary := listen(t, storagetest.Connect(t, far))
	patient := listen(t, storagetest.Connect(t, far, storage.Lease(10*time.Second)))
	until(t, "trusted by the long lease", patient.isTrusted)
	until(t, "signs of life", func() bool { n, _ := ordinary.proven(); return n > 2 })
	if _, inTime := ordinary.proven(); inTime > 0 {
		t.Errorf("%d signs of life count that came too late", inTime)
	}
	ended := d.User(t)
	d.Session(t, ended.ID)
	if err := signOut(d.DB, ended.ID, nil); err != nil {
		t.Fatal(err)
	}
	until(t, "heard from afar", func() bool { return patient.received(ended.ID) })
}

func TestAChangeOfVeryMany(t *testing.T) {
	t.Parallel()
	d := storagetest.Open(t, storagetest.Postgres)
	_, elsewhere := watch(t, d.URL)
	before := elsewhere.forgotAll()
	d.Do(t, func(ctx context.Context) error {
		for range 300 { // more than one notification holds
			if err := d.DeleteMembership(ctx, identity.NewID(), identity.NewID()); err != nil {
				return err
			}
		}
		return nil
	})
	until(t, "everything is forgotten", func() bool { return elsewhere.forgotAll() > before })
}

// A replica that cannot hear answers from memory no more, and when it hears
// again has forgotten what it may have missed.
func TestDeafIsNotTrusted(t *testing.T) {
	t.Parallel()
	d := storagetest.Open(t, storagetest.Postgres)
	cable := plug(t, d.URL)
	_, l := watch(t, cable.url)
	u := d.User(t)
	d.Session(t, u.ID)
	for name, deafen := range map[string]func() (again func()){
		"cable pulled": func() func() { cable.pull(); return cable.plugIn },
		"connection ended": func() func() {
			if _, err := d.SQL.ExecContext(t.Context(),
				"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%pg_backend_pid()' AND pid <> pg_backend_pid()"); err != nil {
				t.Fatal(err)
			}
			return func() {}
		},
	} {
		before := l.forgotAll()
		again := deafen()
		if name == "cable pulled" {
			until(t, name, func() bool { return !l.isTrusted() })
			if err := signOut(d.DB, u.ID, nil); err != nil { // unheard
				t.Fatal(err)
			}
		}
		again()
		until(t, name+": heard again", func() bool { return l.forgotAll() > before && l.isTrusted() })
	}
}

package storage_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
	"github.com/latchkey/latchkey/linking"
	"github.com/latchkey/latchkey/storage"
)

func testTransactions(t *testing.T, d *storagetest.Database) {
	insert := func(ctx context.Context) (identity.ID, error) {
		tm := team.Team{ID: identity.NewID(), Name: "n", CreatedAt: d.Clock.Now(), UpdatedAt: d.Clock.Now()}
		return tm.ID, d.InsertTeam(ctx, tm)
	}
	d.Unsound() // teams without owners
	left := func(t *testing.T, want int) {
		t.Helper()
		if got := d.Count(t, "teams"); got != want {
			t.Errorf("%d teams are there, want %d", got, want)
		}
	}

	t.Run("an error leaves nothing", func(t *testing.T) {
		before := d.Count(t, "teams")
		err := d.InTx(t.Context(), func(ctx context.Context) error { _, err := insert(ctx); return errors.Join(err, errTest) })
		if !errors.Is(err, errTest) {
			t.Errorf("error is %v", err)
		}
		left(t, before)
		d.Do(t, func(ctx context.Context) error { _, err := insert(ctx); return err })
		left(t, before+1)
	})

	t.Run("uncommitted writes are invisible to others", func(t *testing.T) {
		u := d.User(t)
		d.Do(t, func(ctx context.Context) error {
			changed := u
			changed.DisplayName = "changed"
			if err := d.UpdateUser(ctx, changed); err != nil {
				return err
			}
			storagetest.Same(t, must[identity.User](t)(d.DB.User(ctx, u.ID)).DisplayName, "changed")
			storagetest.Same(t, must[identity.User](t)(d.DB.User(t.Context(), u.ID)).DisplayName, u.DisplayName)
			return nil
		})
		storagetest.Same(t, must[identity.User](t)(d.DB.User(t.Context(), u.ID)).DisplayName, "changed")
	})

	t.Run("a nested one joins the outer", func(t *testing.T) {
		before := d.Count(t, "teams")
		for _, innerErr := range []error{nil, errTest} {
			_ = d.InTx(t.Context(), func(ctx context.Context) error {
				if _, err := insert(ctx); err != nil {
					return err
				}
				err := d.InTx(ctx, func(ctx context.Context) error { _, err := insert(ctx); return errors.Join(err, innerErr) })
				if !errors.Is(err, innerErr) {
					t.Errorf("inner error is %v", err)
				}
				return errTest
			})
			left(t, before)
		}
		d.Do(t, func(ctx context.Context) error {
			return d.InTx(ctx, func(ctx context.Context) error { _, err := insert(ctx); return err })
		})
		left(t, before+1)
	})

	t.Run("a lost race runs again, and leaves nothing of the rounds it lost", func(t *testing.T) {
		for _, lost := range []error{&storage.ErrConflict{Constraint: "c"}, fmt.Errorf("wrapped: %w", &storage.ErrConflict{}), identity.ErrRaced} {
			before, runs := d.Count(t, "teams"), 0
			d.Do(t, func(ctx context.Context) error {
				runs++
				if _, err := insert(ctx); err != nil {
					return err
				}
				if runs < 4 {
					return lost
				}
				return nil
			})
			storagetest.Same(t, runs, 4)
			left(t, before+1)
		}
	})

	t.Run("a race that is always lost ends", func(t *testing.T) {
		before, runs := d.Count(t, "teams"), 0
		err := d.InTx(t.Context(), func(ctx context.Context) error {
			runs++
			_, err := insert(ctx)
			return errors.Join(err, &storage.ErrConflict{Constraint: "c"})
		})
		var conflict *storage.ErrConflict
		if !unavailable(err) || !errors.As(err, &conflict) || runs < 3 || runs > 50 {
			t.Errorf("after %d runs: %v", runs, err)
		}
		left(t, before)
	})

	t.Run("any other error does not run again", func(t *testing.T) {
		for _, err := range []error{errTest, identity.ErrNotFound, identity.NewError(identity.CodeForbidden, "no"), context.Canceled} {
			runs := 0
			got := d.InTx(t.Context(), func(context.Context) error { runs++; return err })
			if got != err || runs != 1 { //nolint:errorlint // the very one
				t.Errorf("%v came back as %v after %d runs", err, got, runs)
			}
		}
	})

	t.Run("a panic rolls back and gives the connection back", func(t *testing.T) {
		before := d.Count(t, "teams")
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		for range 30 { // more than there are connections
			func() {
				defer func() {
					if got := recover(); got != "oops" {
						t.Errorf("the panic became %v", got)
					}
				}()
				_ = d.InTx(ctx, func(ctx context.Context) error {
					if _, err := insert(ctx); err != nil {
						t.Error(err)
					}
					panic("oops")
				})
			}()
		}
		if err := d.InTx(ctx, func(ctx context.Context) error { _, err := insert(ctx); return err }); err != nil {
			t.Fatalf("no connection is left: %v", err)
		}
		left(t, before+1)
	})

	t.Run("a cancelled request leaves nothing", func(t *testing.T) { testCancelled(t, d, insert) })
	t.Run("a change outside a transaction is refused", func(t *testing.T) { testOutside(t, d) })
}

func testCancelled(t *testing.T, d *storagetest.Database, insert func(ctx context.Context) (identity.ID, error)) {
	before := d.Count(t, "teams")
	ctx, cancel := context.WithCancel(t.Context())
	err := d.InTx(ctx, func(ctx context.Context) error {
		_, err := insert(ctx)
		cancel()
		return err
	})
	if err == nil {
		t.Error("committed though cancelled")
	}
	ran := false
	if err := d.InTx(ctx, func(context.Context) error { ran = true; return nil }); err == nil || ran {
		t.Errorf("ran: %v, %v", ran, err)
	}
	// Cancelled while it waits to run again: it does not.
	ctx, cancel = context.WithCancel(t.Context())
	runs := 0
	err = d.InTx(ctx, func(context.Context) error { runs++; cancel(); return identity.ErrRaced })
	if err == nil || runs != 1 {
		t.Errorf("%d runs, %v", runs, err)
	}
	d.Do(t, func(ctx context.Context) error { _, err := insert(ctx); return err })
	if got := d.Count(t, "teams"); got != before+1 {
		t.Errorf("%d teams are there, want %d", got, before+1)
	}
}

func testOutside(t *testing.T, d *storagetest.Database) {
	u := d.User(t)
	s := d.Session(t, u.ID)
	var over context.Context
	d.Do(t, func(ctx context.Context) error { over = ctx; return nil })
	tables := []string{"users", "emails", "identities", "sessions", "teams", "memberships", "invitations", "burned_secrets", "tickets", "audit_events"}
	counts := func() (out []int) {
		for _, table := range tables {
			out = append(out, d.Count(t, table))
		}
		return out
	}
	before := counts()
	for name, change := range map[string]func(ctx context.Context) error{
		"InsertUser":  func(ctx context.Context) error { return d.InsertUser(ctx, identity.User{ID: identity.NewID()}) },
		"UpdateUser":  func(ctx context.Context) error { return d.UpdateUser(ctx, u) },
		"InsertEmail": func(ctx context.Context) error { return d.InsertEmail(ctx, identity.Email{Address: "x", UserID: u.ID}) },
		"InsertIdentity": func(ctx context.Context) error {
			return d.InsertIdentity(ctx, identity.Identity{ID: identity.NewID(), UserID: u.ID, Provider: "p"})
		},
		"InsertSession": func(ctx context.Context) error { return d.InsertSession(ctx, s) },
		"UpdateSession": func(ctx context.Context) error { return d.UpdateSession(ctx, s) },
		"EndSessions": func(ctx context.Context) error {
			_, err := d.EndSessions(ctx, u.ID, session.SessionSelector{}, "r", d.Clock.Now())
			return err
		},
		"InsertTeam":       func(ctx context.Context) error { return d.InsertTeam(ctx, team.Team{ID: identity.NewID(), Name: "n"}) },
		"DeleteMembership": func(ctx context.Context) error { return d.DeleteMembership(ctx, u.ID, u.ID) },
		"BurnSecret":       func(ctx context.Context) error { return d.BurnSecret(ctx, identity.SingleUse{Hash: hash()}) },
		"InsertTicket":     func(ctx context.Context) error { return d.InsertTicket(ctx, linking.Ticket{TokenHash: hash()}) },
		"RecordEvents":     func(ctx context.Context) error { return d.RecordEvents(ctx, identity.Event{ID: identity.NewID()}) },
	} {
		for where, ctx := range map[string]context.Context{"none": t.Context(), "one that is over": over} {
			func() {
				var err error
				defer func() {
					reason := recover()
					switch {
					case reason == nil && err == nil:
						t.Errorf("%s works outside a transaction (%s)", name, where)
					case ctx != over && !strings.Contains(fmt.Sprint(reason), "call it in DB.InTx"):
						t.Errorf("%s outside a transaction does not explain itself: %v, %v", name, reason, err)
					}
				}()
				err = change(ctx)
			}()
		}
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("AfterCommit forgets what it is given outside a transaction")
			}
		}()
		d.AfterCommit(t.Context(), func() {})
	}()
	storagetest.Same(t, counts(), before)
	storagetest.Same(t, lock(t, d, s.ID), s)
}

func unavailable(err error) bool {
	var u interface{ Unavailable() bool }
	return errors.As(err, &u) && u.Unavailable()
}

// A server whose default is another isolation changes nothing, by whichever path a
// transaction begins.
func TestTransactionsSayTheirIsolation(t *testing.T) {
	t.Parallel()
	if !slices.Contains(storagetest.Engines(), storagetest.Postgres) {
		t.Skip("only on PostgreSQL")
	}
	d := storagetest.Open(t, storagetest.Postgres)
	u := d.User(t)
	there, err := url.Parse(d.URL)
	if err != nil {
		t.Fatal(err)
	}
	there.RawQuery += "&options=-c%20default_transaction_isolation%3Dserializable"
	db := storagetest.Connect(t, there.String())
	const isolation = "transaction_isolation"
	if got, err := db.Setting(t.Context(), isolation); err != nil || got != "serializable" {
		t.Fatalf("the default is %q, %v", got, err)
	}
	for name, before := range map[string]func(ctx context.Context) error{
		"bun": func(context.Context) error { return nil },
		"a prepared statement": func(ctx context.Context) error {
			_, err := db.PrincipalByToken(ctx, hash())
			if errors.Is(err, identity.ErrNotFound) {
				err = nil
			}
			return err
		},
		"a lock": func(ctx context.Context) error { _, err := db.LockUsers(ctx, u.ID); return err },
	} {
		err := db.InTx(t.Context(), func(ctx context.Context) error {
			if err := before(ctx); err != nil {
				return err
			}
			got, err := db.Setting(ctx, isolation)
			if got != "read committed" {
				t.Errorf("after %s, the isolation is %q", name, got)
			}
			return err
		})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

package storage_test

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/identity/teamsession"
	"github.com/latchkey/latchkey/internal/testkit"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

// crowd is how many work at once where a lock or a constraint must hold.
const crowd = 100

// testLocks lets a crowd count in one row: each reads it under the lock and
// writes one more. A lock that does not hold loses counts.
func testLocks(t *testing.T, d *storagetest.Database) {
	t.Run("a team", func(t *testing.T) {
		owner := d.User(t)
		tm := d.Team(t, owner.ID)
		tm.Name = "0"
		d.Do(t, func(ctx context.Context) error { return d.UpdateTeam(ctx, tm) })
		var turn atomic.Int32
		count(t, d, func(ctx context.Context) error {
			var got team.Team
			var err error
			if turn.Add(1)%2 == 0 {
				got, err = d.LockTeam(ctx, tm.ID)
			} else if err = d.HoldTeam(ctx, tm.ID); err == nil {
				var as team.TeamWithRole
				as, err = d.TeamFor(ctx, tm.ID, owner.ID)
				got = as.Team
			}
			if err != nil {
				return err
			}
			got.Name = more(got.Name)
			return d.UpdateTeam(ctx, got)
		})
		d.Do(t, func(ctx context.Context) error {
			got, err := d.LockTeam(ctx, tm.ID)
			storagetest.Same(t, got.Name, strconv.Itoa(crowd))
			return err
		})
	})

	t.Run("a user, by id and by identity", func(t *testing.T) {
		u := d.User(t, func(u *identity.User) { u.DisplayName = "0" })
		i := d.Identity(t, u.ID, "google", storagetest.Word())
		var turn atomic.Int32
		count(t, d, func(ctx context.Context) error {
			var got identity.User
			var err error
			switch turn.Add(1) % 3 {
			case 0:
				var locked []identity.User
				if locked, err = d.LockUsers(ctx, u.ID); err == nil {
					got = locked[0]
				}
			case 1:
				_, got, err = d.IdentityOwner(ctx, i.Provider, i.Subject)
			default:
				got, _, err = d.LockWithIdentities(ctx, u.ID)
			}
			if err != nil {
				return err
			}
			got.DisplayName = more(got.DisplayName)
			return d.UpdateUser(ctx, got)
		})
		storagetest.Same(t, must[identity.User](t)(d.DB.User(t.Context(), u.ID)).DisplayName, strconv.Itoa(crowd))
	})

	t.Run("a session", func(t *testing.T) {
		owner := d.User(t)
		tm := d.Team(t, owner.ID)
		s := d.Session(t, owner.ID, func(s *session.Session) { s.Methods = session.Methods{"0"} })
		var turn atomic.Int32
		count(t, d, func(ctx context.Context) error {
			got, err := session.Session{}, error(nil)
			if turn.Add(1)%2 == 0 {
				got, err = d.LockSession(ctx, s.ID)
			} else {
				var e teamsession.Entry
				e, err = d.LockEntry(ctx, s.ID, tm.ID)
				got = e.Session
			}
			if err != nil {
				return err
			}
			got.Methods = session.Methods{more(got.Methods[0])}
			return d.UpdateSession(ctx, got)
		})
		storagetest.Same(t, lock(t, d, s.ID).Methods, []string{strconv.Itoa(crowd)})
	})

	// Users are always locked in one order, so two transactions that name them in
	// opposite orders wait for each other instead of standing in each other's way.
	t.Run("users named in opposite orders", func(t *testing.T) {
		a, b := d.User(t), d.User(t)
		var runs atomic.Int32
		testkit.Together(crowd, func(n int) {
			first, second := a.ID, b.ID
			if n%2 == 0 {
				first, second = second, first
			}
			err := d.InTx(t.Context(), func(ctx context.Context) error {
				runs.Add(1)
				_, err := d.LockUsers(ctx, first, second)
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
		storagetest.Same(t, runs.Load(), crowd) // a deadlock would be run again
	})

	t.Run("a locked user can be referred to", func(t *testing.T) {
		if d.Engine == storagetest.SQLite {
			return // one writer at a time, by nature
		}
		u := d.User(t)
		d.Do(t, func(ctx context.Context) error {
			if _, err := d.LockUsers(ctx, u.ID); err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
			defer cancel()
			return d.InTx(ctx, func(ctx context.Context) error {
				return d.Claim(ctx, identity.Email{Address: storagetest.Word(), UserID: u.ID, VerifiedAt: d.Clock.Now()})
			})
		})
	})
}

func count(t *testing.T, d *storagetest.Database, one func(ctx context.Context) error) {
	t.Helper()
	testkit.Together(crowd, func(int) {
		if err := d.InTx(t.Context(), one); err != nil {
			t.Error(err)
		}
	})
}

func more(n string) string {
	i, err := strconv.Atoi(n)
	if err != nil {
		panic(fmt.Sprintf("not a number: %q", n))
	}
	return strconv.Itoa(i + 1)
}

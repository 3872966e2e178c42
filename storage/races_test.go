package storage_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/internal/testkit"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
	"github.com/latchkey/latchkey/storage"
)

// testRaces lets a crowd do the same thing at once, from two replicas.
func testRaces(t *testing.T, d *storagetest.Database) {
	replicas := []*storage.DB{d.DB, storagetest.Connect(t, d.URL)}
	// once runs do in a transaction of each of the crowd, and tells how often it
	// said that it was the one.
	once := func(t *testing.T, do func(ctx context.Context, db *storage.DB) (bool, error)) int32 {
		t.Helper()
		var won atomic.Int32
		testkit.Together(crowd, func(n int) {
			var first bool
			db := replicas[n%len(replicas)]
			err := db.InTx(t.Context(), func(ctx context.Context) (err error) {
				first, err = do(ctx, db)
				return err
			})
			if identity.ErrorCode(err) == identity.CodeProofUsed {
				return
			}
			if err != nil {
				t.Error(err)
			}
			if first {
				won.Add(1)
			}
		})
		return won.Load()
	}

	t.Run("the first sign-in of one identity", func(t *testing.T) {
		subject, users := storagetest.Word(), d.Count(t, "users")
		var mu sync.Mutex
		owners := map[identity.ID]bool{}
		now := d.Clock.Now()
		made := once(t, func(ctx context.Context, db *storage.DB) (bool, error) {
			_, owner, err := db.IdentityOwner(ctx, "google", subject)
			if err == nil {
				mu.Lock()
				defer mu.Unlock()
				owners[owner.ID] = true
				return false, nil
			}
			if !errors.Is(err, identity.ErrNotFound) {
				return false, err
			}
			u := identity.User{ID: identity.NewID(), Status: identity.StatusActive, CreatedAt: now, UpdatedAt: now}
			if err := db.InsertUser(ctx, u); err != nil {
				return false, err
			}
			i := identity.Identity{ID: identity.NewID(), UserID: u.ID, Provider: "google", Subject: subject, CreatedAt: now, LastUsedAt: now}
			return true, db.InsertIdentity(ctx, i)
		})
		storagetest.Same(t, []int{int(made), len(owners), d.Count(t, "users") - users}, []int{1, 1, 1})
	})

	t.Run("a secret", func(t *testing.T) {
		s := identity.SingleUse{Hash: hash(), ExpiresAt: d.Clock.Now()}
		storagetest.Same(t, once(t, func(ctx context.Context, db *storage.DB) (bool, error) { return true, db.BurnSecret(ctx, s) }), 1)
	})

	t.Run("a membership", func(t *testing.T) {
		tm, u := d.Team(t, d.User(t).ID), d.User(t)
		m := team.Membership{TeamID: tm.ID, UserID: u.ID, Role: team.RoleMember, CreatedAt: d.Clock.Now()}
		storagetest.Same(t, once(t, func(ctx context.Context, db *storage.DB) (bool, error) { return db.InsertMembership(ctx, m) }), 1)
	})

	t.Run("an invitation", func(t *testing.T) {
		u := d.User(t)
		i := d.Invite(t, d.Team(t, u.ID).ID, u.ID)
		again := func() team.Invitation {
			next := i
			next.ID, next.CreatedAt, next.ExpiresAt = identity.NewID(), i.ExpiresAt, i.ExpiresAt.Add(time.Hour)
			return next
		}
		storagetest.Same(t, once(t, func(ctx context.Context, db *storage.DB) (bool, error) { return db.InsertInvitation(ctx, again()) }), 1)
	})

	t.Run("the end of a session", func(t *testing.T) {
		s := d.Session(t, d.User(t).ID)
		storagetest.Same(t, once(t, func(ctx context.Context, db *storage.DB) (bool, error) {
			ended, err := db.EndSessions(ctx, s.UserID, session.SessionSelector{Only: &s.ID}, "over", d.Clock.Now())
			return len(ended) == 1, err
		}), 1)
	})

	t.Run("an address claimed by many", func(t *testing.T) {
		address, now := storagetest.Word(), d.Clock.Now()
		users := make([]identity.User, 10)
		for i := range users {
			users[i] = d.User(t)
		}
		var turn atomic.Int32
		storagetest.Same(t, once(t, func(ctx context.Context, db *storage.DB) (bool, error) {
			_, err := db.EmailOwner(ctx, address)
			if !errors.Is(err, identity.ErrNotFound) {
				return false, err
			}
			u := users[int(turn.Add(1))%len(users)]
			on := &storagetest.Database{DB: db}
			if err := on.Claim(ctx, identity.Email{Address: address, UserID: u.ID, VerifiedAt: now}); err != nil {
				return false, err
			}
			return true, db.SetPrimaryEmailIfNone(ctx, u.ID, address, now)
		}), 1)
	})
}

package storagetest

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/emailproof"
)

// Challenge makes an open challenge for signing in.
func (d *Database) Challenge(t *testing.T, address string, edit ...func(c *emailproof.Challenge)) emailproof.Challenge {
	t.Helper()
	now := d.Clock.Now()
	_, browser := identity.NewSecret()
	_, token := identity.NewSecret()
	c := emailproof.Challenge{
		ID: identity.NewID(), Address: address, Purpose: identity.PurposeSignIn, BrowserHash: browser,
		TokenHash: token, CodeHash: identity.HashSecret("code"), CreatedAt: now, ExpiresAt: now.Add(emailproof.Lifetime),
	}
	for _, e := range edit {
		e(&c)
	}
	d.Do(t, func(ctx context.Context) error { return d.InsertChallenge(ctx, c) })
	return c
}

func testChallenges(t *testing.T, d *Database) {
	now := d.Clock.Now()
	tick := time.Microsecond
	find := func(c emailproof.Challenge) emailproof.Challenge {
		t.Helper()
		return must[emailproof.Challenge](t)(d.ChallengeByToken(t.Context(), c.TokenHash))
	}
	open := func(address string, at time.Time) []identity.ID {
		t.Helper()
		rows := must[[]emailproof.Challenge](t)(d.OpenChallenges(t.Context(), address, at))
		return idsOf(rows, func(c emailproof.Challenge) identity.ID { return c.ID })
	}

	t.Run("every field comes back, by the token and by the browser", func(t *testing.T) {
		u := d.User(t)
		s := d.Session(t, u.ID)
		replaced := now.Add(tick)
		full := d.Challenge(t, Word()+"@example.com", func(c *emailproof.Challenge) {
			c.Purpose, c.UserID, c.SessionID, c.WrongCodes, c.ReplacedAt = identity.PurposeLink, &u.ID, &s.ID, 3, &replaced
		})
		Same(t, find(full), full)
		Same(t, must[emailproof.Challenge](t)(d.NewestChallenge(t.Context(), full.BrowserHash)), full)
		newer := d.Challenge(t, Word()+"@example.com", func(c *emailproof.Challenge) {
			c.BrowserHash, c.CreatedAt = full.BrowserHash, now.Add(tick)
		})
		Same(t, must[emailproof.Challenge](t)(d.NewestChallenge(t.Context(), full.BrowserHash)), newer)
		_, unknown := identity.NewSecret()
		_, err := d.ChallengeByToken(t.Context(), unknown)
		WantNotFound(t, "a token of nothing", err)
		_, err = d.NewestChallenge(t.Context(), unknown)
		WantNotFound(t, "a browser that asked for nothing", err)
	})

	t.Run("open are those not expired, replaced or burned", func(t *testing.T) {
		address := Word() + "@example.com"
		a, b, gone := d.Challenge(t, address), d.Challenge(t, address), d.Challenge(t, address)
		d.Challenge(t, Word()+"@example.com")
		d.Do(t, func(ctx context.Context) error {
			_, err := d.BurnSecret(ctx, identity.SingleUse{Hash: gone.TokenHash, ExpiresAt: gone.ExpiresAt})
			return err
		})
		Same(t, open(address, now), []identity.ID{a.ID, b.ID})
		Same(t, open(address, a.ExpiresAt.Add(-tick)), []identity.ID{a.ID, b.ID})
		Same(t, open(address, a.ExpiresAt), []identity.ID{})
		d.Do(t, func(ctx context.Context) error { return d.ReplaceChallenges(ctx, a, now) })
		Same(t, open(address, now), []identity.ID{b.ID})
		Same(t, find(a).ReplacedAt, now)
		// Another purpose of the same browser stays.
		other := d.Challenge(t, address, func(c *emailproof.Challenge) { c.BrowserHash = b.BrowserHash })
		d.Do(t, func(ctx context.Context) error {
			like := b
			like.Purpose = identity.PurposeLink
			return d.ReplaceChallenges(ctx, like, now)
		})
		Same(t, open(address, now), []identity.ID{b.ID, other.ID})
	})

	t.Run("wrong codes and challenges are counted by address and time", func(t *testing.T) {
		address := Word() + "@example.com"
		a, b := d.Challenge(t, address), d.Challenge(t, address, func(c *emailproof.Challenge) { c.CreatedAt = now.Add(-time.Hour) })
		d.Do(t, func(ctx context.Context) error { return d.AddWrongCode(ctx, a.ID, b.ID) })
		d.Do(t, func(ctx context.Context) error { return d.AddWrongCode(ctx, a.ID) })
		for since, want := range map[time.Time][2]int{now: {0, 0}, now.Add(-tick): {1, 2}, now.Add(-time.Hour): {1, 2}, now.Add(-time.Hour - tick): {2, 3}} {
			Same(t, must[int](t)(d.CountChallenges(t.Context(), address, since)), want[0])
			Same(t, must[int](t)(d.CountWrongCodes(t.Context(), address, since)), want[1])
		}
		Same(t, must[int](t)(d.CountWrongCodes(t.Context(), Word()+"@example.com", now)), 0)
	})

	t.Run("transactions about one address wait for each other", func(t *testing.T) {
		address := Word() + "@example.com"
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				d.Do(t, func(ctx context.Context) error {
					if err := d.LockAddress(ctx, address); err != nil {
						return err
					}
					n, err := d.CountChallenges(ctx, address, now.Add(-time.Hour))
					if err != nil || n >= 3 {
						return err
					}
					_, token := identity.NewSecret()
					return d.InsertChallenge(ctx, emailproof.Challenge{
						ID: identity.NewID(), Address: address, Purpose: identity.PurposeSignIn, BrowserHash: token, TokenHash: token,
						CodeHash: token, CreatedAt: now, ExpiresAt: now.Add(time.Hour),
					})
				})
			})
		}
		wg.Wait()
		Same(t, must[int](t)(d.CountChallenges(t.Context(), address, now.Add(-time.Hour))), 3)
	})

	t.Run("they are swept a day after they expired", func(t *testing.T) {
		kept := d.Challenge(t, Word()+"@example.com", func(c *emailproof.Challenge) { c.ExpiresAt = now.Add(-emailproof.Keep) })
		gone := d.Challenge(t, Word()+"@example.com", func(c *emailproof.Challenge) { c.ExpiresAt = now.Add(-emailproof.Keep - tick) })
		if _, err := d.Sweep(t.Context(), now, now.Add(-time.Hour)); err != nil {
			t.Fatal(err)
		}
		find(kept)
		_, err := d.ChallengeByToken(t.Context(), gone.TokenHash)
		WantNotFound(t, "a challenge of long ago", err)
	})
}

package storage_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/method/email"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

func testChallenges(t *testing.T, d *storagetest.Database) {
	now := d.Clock.Now()
	tick := time.Microsecond
	find := func(c email.Challenge) email.Challenge {
		t.Helper()
		return must[email.Challenge](t)(d.ChallengeByToken(t.Context(), c.TokenHash))
	}
	open := func(of email.Challenge, at time.Time) []identity.ID {
		t.Helper()
		rows := must[[]email.Challenge](t)(d.OpenChallenges(t.Context(), of.Address, of.BrowserHash, at))
		return idsOf(rows, func(c email.Challenge) identity.ID { return c.ID })
	}

	t.Run("every field comes back, by the token and by the browser", func(t *testing.T) {
		u := d.User(t)
		s := d.Session(t, u.ID)
		replaced := now.Add(tick)
		full := d.Challenge(t, storagetest.Word()+"@example.com", func(c *email.Challenge) {
			c.Purpose, c.UserID, c.SessionID, c.WrongCodes, c.ReplacedAt = identity.PurposeLink, &u.ID, &s.ID, 3, &replaced
			c.Known, c.HasCode, c.MailID = true, false, &s.ID
		})
		storagetest.Same(t, find(full), full)
		storagetest.Same(t, must[email.Challenge](t)(d.NewestChallenge(t.Context(), full.BrowserHash)), full)
		newer := d.Challenge(t, storagetest.Word()+"@example.com", func(c *email.Challenge) {
			c.BrowserHash, c.CreatedAt = full.BrowserHash, now.Add(tick)
		})
		storagetest.Same(t, must[email.Challenge](t)(d.NewestChallenge(t.Context(), full.BrowserHash)), newer)
		_, unknown := identity.NewSecret()
		_, err := d.ChallengeByToken(t.Context(), unknown)
		storagetest.WantNotFound(t, "a token of nothing", err)
		_, err = d.NewestChallenge(t.Context(), unknown)
		storagetest.WantNotFound(t, "a browser that asked for nothing", err)
	})

	t.Run("open are those of the browser that are not expired, replaced or burned", func(t *testing.T) {
		address := storagetest.Word() + "@example.com"
		b := d.Challenge(t, address)
		same := func(c *email.Challenge) { c.BrowserHash = b.BrowserHash }
		a := d.Challenge(t, address, same, func(c *email.Challenge) { c.CreatedAt = now.Add(-tick) })
		gone := d.Challenge(t, address, same)
		d.Challenge(t, storagetest.Word()+"@example.com", same)
		another := d.Challenge(t, address)
		d.Do(t, func(ctx context.Context) error {
			return d.BurnSecret(ctx, identity.SingleUse{Hash: gone.TokenHash, ExpiresAt: gone.ExpiresAt})
		})
		storagetest.Same(t, open(b, now), []identity.ID{a.ID, b.ID})
		storagetest.Same(t, open(b, a.ExpiresAt.Add(-tick)), []identity.ID{a.ID, b.ID})
		storagetest.Same(t, open(b, a.ExpiresAt), []identity.ID{})
		storagetest.Same(t, open(another, now), []identity.ID{another.ID})
		d.Do(t, func(ctx context.Context) error {
			like := b
			like.Purpose = identity.PurposeLink
			return d.ReplaceChallenges(ctx, like, now)
		})
		storagetest.Same(t, open(b, now), []identity.ID{a.ID, b.ID}) // another purpose
		d.Do(t, func(ctx context.Context) error { return d.ReplaceChallenges(ctx, a, now) })
		storagetest.Same(t, open(b, now), []identity.ID{})
		storagetest.Same(t, find(a).ReplacedAt, now)
		storagetest.Same(t, open(another, now), []identity.ID{another.ID})
	})

	t.Run("wrong codes are counted by address, kind of browser and time", func(t *testing.T) {
		address := storagetest.Word() + "@example.com"
		a, b := d.Challenge(t, address), d.Challenge(t, address, func(c *email.Challenge) { c.CreatedAt = now.Add(-time.Hour) })
		known := d.Challenge(t, address, func(c *email.Challenge) { c.Known = true })
		for _, id := range []identity.ID{a.ID, b.ID, a.ID, known.ID, known.ID, known.ID} {
			d.Do(t, func(ctx context.Context) error { return d.AddWrongCode(ctx, id) })
		}
		count := func(known bool, since time.Time) int {
			return must[int](t)(d.CountWrongCodes(t.Context(), address, known, since))
		}
		for since, want := range map[time.Time]int{now: 0, now.Add(-tick): 2, now.Add(-time.Hour): 2, now.Add(-time.Hour - tick): 3} {
			storagetest.Same(t, count(false, since), want)
		}
		storagetest.Same(t, count(true, now.Add(-tick)), 3)
		storagetest.Same(t, must[int](t)(d.CountWrongCodes(t.Context(), storagetest.Word()+"@example.com", false, now)), 0)
	})

	t.Run("mails are found by mailbox and time", func(t *testing.T) {
		_, mailbox := identity.NewSecret()
		_, token := identity.NewSecret()
		old := d.ProofMail(t, mailbox, func(m *email.Mail) { m.LeavesAt = now.Add(-time.Hour) })
		shared := d.ProofMail(t, mailbox, func(m *email.Mail) { m.TokenHash, m.LeavesAt = token, now.Add(time.Minute) })
		known := d.ProofMail(t, mailbox, func(m *email.Mail) { m.Known = true })
		_, other := identity.NewSecret()
		d.ProofMail(t, other)
		mails := func(since time.Time) []email.Mail {
			return must[[]email.Mail](t)(d.Mails(t.Context(), [][]byte{mailbox}, since))
		}
		storagetest.Same(t, mails(now.Add(-time.Hour)), []email.Mail{known, shared})
		storagetest.Same(t, mails(now.Add(-time.Hour-tick)), []email.Mail{old, known, shared})
	})

	t.Run("a shared link finds what a browser waited for", func(t *testing.T) {
		_, mailbox := identity.NewSecret()
		_, token := identity.NewSecret()
		m := d.ProofMail(t, mailbox, func(m *email.Mail) { m.TokenHash = token })
		waits := func(c *email.Challenge) { c.MailID, c.HasCode = &m.ID, false }
		address := storagetest.Word() + "@example.com"
		mine := d.Challenge(t, address, waits)
		newer := d.Challenge(t, address, waits, func(c *email.Challenge) {
			c.BrowserHash, c.CreatedAt = mine.BrowserHash, now.Add(tick)
		})
		d.Challenge(t, address, func(c *email.Challenge) { c.BrowserHash, c.CreatedAt = mine.BrowserHash, now.Add(2*tick) })
		theirs := d.Challenge(t, address, waits)
		never := d.Challenge(t, address)
		storagetest.Same(t, must[email.Challenge](t)(d.ChallengeBySharedToken(t.Context(), token, mine.BrowserHash)), newer)
		storagetest.Same(t, must[email.Challenge](t)(d.ChallengeBySharedToken(t.Context(), token, theirs.BrowserHash)), theirs)
		_, err := d.ChallengeBySharedToken(t.Context(), token, never.BrowserHash)
		storagetest.WantNotFound(t, "a browser that did not wait", err)
		_, err = d.ChallengeBySharedToken(t.Context(), never.TokenHash, never.BrowserHash)
		storagetest.WantNotFound(t, "the token of one challenge", err)
	})

	t.Run("an address is one user's", func(t *testing.T) {
		u, other := d.User(t), d.User(t)
		e := d.Email(t, u.ID, storagetest.Word()+"@example.com")
		storagetest.Same(t, must[bool](t)(d.HasEmail(t.Context(), u.ID, e.Address)), true)
		storagetest.Same(t, must[bool](t)(d.HasEmail(t.Context(), other.ID, e.Address)), false)
		storagetest.Same(t, must[bool](t)(d.HasEmail(t.Context(), u.ID, "x"+e.Address)), false)
	})

	t.Run("transactions about one address wait for each other", func(t *testing.T) {
		address := storagetest.Word() + "@example.com"
		_, mailbox := identity.NewSecret()
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				d.Do(t, func(ctx context.Context) error {
					if err := d.LockAddress(ctx, address); err != nil {
						return err
					}
					mails, err := d.Mails(ctx, [][]byte{mailbox}, now.Add(-time.Hour))
					if err != nil || len(mails) >= 3 {
						return err
					}
					return d.InsertMail(ctx, email.Mail{ID: identity.NewID(), Mailbox: mailbox, LeavesAt: now})
				})
			})
		}
		wg.Wait()
		storagetest.Same(t, len(must[[]email.Mail](t)(d.Mails(t.Context(), [][]byte{mailbox}, now.Add(-time.Hour)))), 3)
	})

	t.Run("they are swept a day after they expired", func(t *testing.T) {
		kept := d.Challenge(t, storagetest.Word()+"@example.com", func(c *email.Challenge) { c.ExpiresAt = now.Add(-email.Keep) })
		gone := d.Challenge(t, storagetest.Word()+"@example.com", func(c *email.Challenge) { c.ExpiresAt = now.Add(-email.Keep - tick) })
		_, mailbox := identity.NewSecret()
		keptMail := d.ProofMail(t, mailbox, func(m *email.Mail) { m.LeavesAt = now.Add(-email.Keep) })
		d.ProofMail(t, mailbox, func(m *email.Mail) { m.LeavesAt = now.Add(-email.Keep - tick) })
		if _, err := d.Sweep(t.Context(), now, now.Add(-time.Hour)); err != nil {
			t.Fatal(err)
		}
		find(kept)
		storagetest.Same(t, must[[]email.Mail](t)(d.Mails(t.Context(), [][]byte{mailbox}, time.Time{})), []email.Mail{keptMail})
		_, err := d.ChallengeByToken(t.Context(), gone.TokenHash)
		storagetest.WantNotFound(t, "a challenge of long ago", err)
	})
}

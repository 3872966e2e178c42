package storage_test

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
	"github.com/latchkey/latchkey/storage"
)

func TestWriteUses(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		testWriteUses(t, d, d.DB)
		if d.Engine == storagetest.Postgres { // as through a pooler
			separator := "?"
			if strings.Contains(d.URL, "?") {
				separator = "&"
			}
			testWriteUses(t, d, storagetest.Connect(t, d.URL+separator+"pgbouncer=true"))
		}
	})
}

func testWriteUses(t *testing.T, d *storagetest.Database, db *storage.DB) {
	t.Helper()
	write := func(uses ...session.Use) {
		t.Helper()
		if left, err := db.WriteUses(t.Context(), uses); err != nil || len(left) > 0 {
			t.Errorf("left %+v, %v", left, err)
		}
	}
	one, other, ended := d.Session(t, d.User(t).ID), d.Session(t, d.User(t).ID), d.Session(t, d.User(t).ID)
	end(t, d, ended.UserID, session.SessionSelector{}, d.Clock.Now())
	wasEnded := lock(t, d, ended.ID)
	of := func(s session.Session, after, pause time.Duration) session.Use {
		return session.Use{
			Session: s.ID, Was: s.LastSeenAt, At: s.LastSeenAt.Add(after), IdleExpires: s.IdleExpiresAt.Add(after),
			Proven: s.AuthenticatedAt, Pause: pause, IP: "2001:db8::1",
		}
	}
	used := func(s session.Session, u session.Use) session.Session {
		s.LastSeenAt, s.IdleExpiresAt, s.LongestPause, s.IP = u.At, u.IdleExpires, u.Pause, u.IP
		return s
	}
	first, second := of(one, time.Minute, time.Minute), of(other, time.Second, time.Second)
	second.IP = ""
	write(first, second, of(ended, time.Hour, time.Hour), session.Use{Session: identity.NewID(), At: first.At, IdleExpires: first.At, Proven: first.At})
	wantOther := used(other, second)
	wantOther.IP = other.IP
	storagetest.Same(t, lock(t, d, one.ID), used(one, first))
	storagetest.Same(t, lock(t, d, other.ID), wantOther)
	storagetest.Same(t, lock(t, d, ended.ID), wasEnded)

	// What is late moves nothing back, but its pause was one.
	late := of(one, 2*time.Second, time.Hour)
	late.IP = "192.0.2.77"
	write(late)
	want := used(one, first)
	want.LongestPause = time.Hour
	storagetest.Same(t, lock(t, d, one.ID), want)
	// Until a proof: then only the time counts.
	before := of(one, time.Hour, 2*time.Hour)
	want.AuthenticatedAt, want.LongestPause = want.AuthenticatedAt.Add(time.Second), 0
	d.Do(t, func(ctx context.Context) error { return d.UpdateSession(ctx, want) })
	write(before)
	wantAfter := used(want, before)
	wantAfter.LongestPause = 0
	storagetest.Same(t, lock(t, d, one.ID), wantAfter)

	// Found by the network it was used in.
	found := slices.ContainsFunc(must[[]session.Listed](t)(d.Sessions(t.Context(), session.Filter{IDs: []identity.ID{one.ID}, Network: netip.MustParsePrefix("2001:db8::/64")}, d.Clock.Now(), identity.Page{Limit: 9})),
		func(l session.Listed) bool { return l.ID == one.ID })
	storagetest.Same(t, found, true)

	// More than go together.
	many := make([]session.Use, 2001)
	for i := range many {
		many[i] = of(one, time.Hour, 0)
		many[i].Session = identity.NewID()
	}
	many[2000] = of(other, 2*time.Hour, time.Second)
	write(many...)
	storagetest.Same(t, lock(t, d, other.ID).LastSeenAt, many[2000].At)
}

// A session whose row is held is left for the next time; the rest is written.
func TestWriteUsesWaitsForNoRow(t *testing.T) {
	t.Parallel()
	d := storagetest.Open(t, storagetest.Postgres)
	u := d.User(t)
	held, free := d.Session(t, u.ID), d.Session(t, u.ID)
	at := d.Clock.Now().Add(time.Minute)
	use := func(s session.Session) session.Use {
		return session.Use{Session: s.ID, At: at, IdleExpires: at.Add(time.Hour), Proven: s.AuthenticatedAt, Pause: time.Minute}
	}
	var left []session.Use
	d.Do(t, func(ctx context.Context) error {
		s, err := d.LockSession(ctx, held.ID)
		if err != nil {
			return err
		}
		if left, err = d.WriteUses(t.Context(), []session.Use{use(held), use(free)}); err != nil {
			return err
		}
		// As a link does, which proves nothing new: it is later than the use, whose
		// pause counts all the same.
		s.LastSeenAt = at.Add(time.Second)
		return d.UpdateSession(ctx, s)
	})
	storagetest.Same(t, left, []session.Use{use(held)})
	storagetest.Same(t, lock(t, d, free.ID).LastSeenAt, at)
	if left, err := d.WriteUses(t.Context(), left); err != nil || len(left) > 0 {
		t.Errorf("left %+v, %v", left, err)
	}
	got := lock(t, d, held.ID)
	storagetest.Same(t, []any{got.LastSeenAt, got.LongestPause}, []any{at.Add(time.Second), time.Minute})
}

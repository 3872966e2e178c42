package email

import (
	"testing"
	"time"
)

func TestSchedule(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	single := func(n int, known bool) (out []Mail) {
		for range n {
			out = append(out, Mail{Known: known, LeavesAt: now.Add(-30 * time.Minute)})
		}
		return out
	}
	shared := func(ages ...time.Duration) (out []Mail) {
		for _, age := range ages {
			out = append(out, Mail{TokenHash: []byte{1}, LeavesAt: now.Add(-age)})
		}
		return out
	}
	all := func(parts ...[]Mail) (out []Mail) {
		for _, p := range parts {
			out = append(out, p...)
		}
		return out
	}
	full := single(StrangerMails, false)
	old := 40 * time.Minute
	for _, c := range []struct {
		what           string
		recent         []Mail
		known, crowded bool
		inShare        bool // of known browsers
		shared, joins  bool
		wait           time.Duration
	}{
		{what: "the first mail"},
		{what: "the first to a known browser", known: true, inShare: true},
		{what: "the last of the strangers' share", recent: single(StrangerMails-1, false)},
		{what: "past the strangers' share", recent: full, shared: true},
		{what: "a known browser past the strangers' share", recent: full, known: true, inShare: true},
		{what: "a known browser past all of it", recent: all(full, single(KnownMails-1, true), shared(-time.Minute)), known: true, inShare: true},
		{what: "a stranger past the known share", recent: single(KnownMails, true)},
		{what: "a known browser past its share", recent: single(KnownMails, true), known: true},
		{what: "a known browser past both", recent: all(full, single(KnownMails, true)), known: true, shared: true},
		{what: "a network that crowds", crowded: true, shared: true},
		{what: "a known browser in a network that crowds", known: true, crowded: true, inShare: true},
		{what: "while a shared mail waits", recent: all(full, shared(old, -30*time.Second)), shared: true, joins: true, wait: 30 * time.Second},
		{what: "as a shared mail leaves", recent: all(full, shared(0)), shared: true, wait: MinWait},
		{what: "soon after a shared mail", recent: all(full, shared(20*time.Second)), shared: true, wait: MinWait - 20*time.Second},
		{what: "in any order", recent: all(full, shared(20*time.Second, 10*time.Minute)), shared: true, wait: MinWait - 20*time.Second},
		{what: "long after a shared mail", recent: all(full, shared(old)), shared: true},
		{what: "after many shared mails", recent: shared(old, old, old, old, time.Minute), crowded: true, shared: true, wait: MaxWait - time.Minute},
		{what: "shared mails are strangers' mails", recent: all(single(StrangerMails-1, false), shared(old)), shared: true},
	} {
		got := schedule(c.recent, c.known, c.crowded, now)
		if got.known != c.inShare || got.shared != c.shared || (got.join != nil) != c.joins || !got.leavesAt.Equal(now.Add(c.wait)) {
			t.Errorf("%s: %+v, after %s", c.what, got, got.leavesAt.Sub(now))
		}
	}
}

// However many ask, a mailbox gets a bounded amount, and who asks at any time gets
// a mail within MaxWait.
func TestMailboxIsNotFlooded(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	var sent []Mail
	perHour := map[int]int{}
	for now := start; now.Before(start.Add(24 * time.Hour)); now = now.Add(7 * time.Second) {
		var recent []Mail
		for _, m := range sent {
			if m.LeavesAt.After(now.Add(-mailWindow)) {
				recent = append(recent, m)
			}
		}
		how := schedule(recent, false, false, now)
		if how.leavesAt.Before(now) || how.leavesAt.After(now.Add(MaxWait)) {
			t.Fatalf("a mail asked for at %s leaves at %s", now, how.leavesAt)
		}
		if how.join != nil {
			continue
		}
		m := Mail{LeavesAt: how.leavesAt}
		if how.shared {
			m.TokenHash = []byte{1}
		}
		sent = append(sent, m)
		perHour[int(how.leavesAt.Sub(start)/time.Hour)]++
	}
	for hour, n := range perHour {
		if n > 25 || hour > 0 && n > 12 {
			t.Errorf("%d mails in hour %d", n, hour)
		}
	}
}

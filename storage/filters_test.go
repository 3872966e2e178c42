package storage_test

import (
	"context"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/revocation"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/identity/teamsession"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

func testSessionFilters(t *testing.T, d *storagetest.Database) {
	t.Run("network", func(t *testing.T) { testNetworks(t, d) })
	t.Run("device and age", func(t *testing.T) { testDeviceAndAge(t, d) })
	t.Run("counting and ending are of what is listed", func(t *testing.T) { testFilteredEnding(t, d) })
	t.Run("sessions of before are found, too", func(t *testing.T) {
		s := d.Session(t, d.User(t).ID, func(s *session.Session) { s.IP, s.UserAgent = "2001:db8::9", firefox })
		odd := d.Session(t, s.UserID, func(s *session.Session) { s.IP, s.UserAgent = "nowhere", "" })
		if err := d.Exec("UPDATE sessions SET ip_key = NULL, device = NULL WHERE user_id = ?", s.UserID.String()); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		f := session.Filter{UserID: &s.UserID, Network: netip.MustParsePrefix("2001:db8::/64"), Device: "firefox"}
		storagetest.Same(t, matching(t, d, f), []identity.ID{s.ID})
		storagetest.Same(t, matching(t, d, session.Filter{UserID: &s.UserID, Device: "Unknown"}), []identity.ID{odd.ID})
	})
}

// matching lists sessions, and asserts that as many are counted.
func matching(t *testing.T, d *storagetest.Database, f session.Filter) []identity.ID {
	t.Helper()
	rows := must[[]session.Listed](t)(d.DB.Sessions(t.Context(), f, d.Clock.Now(), identity.Page{Limit: 99}))
	storagetest.Same(t, must[int](t)(d.CountSessions(t.Context(), f, d.Clock.Now())), len(rows))
	return idsOf(rows, func(l session.Listed) identity.ID { return l.ID })
}

func testNetworks(t *testing.T, d *storagetest.Database) {
	u := d.User(t)
	tm := d.Team(t, u.ID)
	addresses := []string{
		"0.0.0.0", "10.0.0.0", "10.255.255.255", "11.0.0.0", "192.0.2.127", "192.0.2.128", "255.255.255.255", "::ffff:10.1.2.3",
		"::", "::1", "::fffe:ffff:ffff", "::1:0:0:0", "2001:db8::", "2001:db8:ffff::1", "2001:db9::", "fe80::1%eth0", "ffff::", "", "unknown",
	}
	of := map[identity.ID]string{}
	for _, a := range addresses {
		s := d.Session(t, u.ID, func(s *session.Session) { s.IP = a })
		of[s.ID] = a
		d.TeamSession(t, tm.ID, s)
	}
	for _, cidr := range []string{
		"0.0.0.0/0", "10.0.0.0/8", "10.1.2.3/32", "192.0.2.128/25", "::/0", "::/1", "::/80", "::/128", "::1/128", "2001:db8::/32", "2000::/3", "fe80::/10", "203.0.113.0/24", "255.255.255.255/32",
	} {
		n := netip.MustParsePrefix(cidr)
		var want []string // as a policy sees it
		for _, a := range addresses {
			if ip, err := netip.ParseAddr(a); err == nil && n.Contains(ip.Unmap().WithZone("")) {
				want = append(want, a)
			}
		}
		var got []string
		for _, id := range matching(t, d, session.Filter{UserID: &u.ID, Network: n}) {
			got = append([]string{of[id]}, got...)
		}
		if !slices.Equal(got, want) {
			t.Errorf("in %s: %q, want %q", n, got, want)
		}
		inTeam := must[[]teamsession.Listed](t)(d.DB.TeamSessions(t.Context(), tm.ID, session.Filter{Network: n}, d.Clock.Now(), identity.Page{Limit: 99}))
		if len(inTeam) != len(want) {
			t.Errorf("%d team sessions in %s, want %d", len(inTeam), n, len(want))
		}
	}
	// A use from elsewhere moves it; one from nowhere does not.
	s := d.Session(t, u.ID, func(s *session.Session) { s.IP = "198.51.100.1" })
	use := session.Use{Session: s.ID, Was: s.LastSeenAt, At: s.LastSeenAt.Add(time.Minute), IdleExpires: s.IdleExpiresAt}
	there := session.Filter{UserID: &u.ID, Network: netip.MustParsePrefix("203.0.113.0/24")}
	for _, ip := range []string{"", "203.0.113.5"} {
		storagetest.Same(t, len(matching(t, d, there)), 0)
		use.IP = ip
		if !must[bool](t)(d.TouchSession(t.Context(), use)) {
			t.Error("not touched")
		}
		use.Was, use.At = use.At, use.At.Add(time.Minute)
	}
	storagetest.Same(t, matching(t, d, there), []identity.ID{s.ID})
	storagetest.Same(t, lock(t, d, s.ID).IP, "203.0.113.5")
}

func testDeviceAndAge(t *testing.T, d *storagetest.Database) {
	u := d.User(t)
	now := d.Clock.Now()
	tm := d.Team(t, u.ID)
	var ids, inTeam []identity.ID
	for n, agent := range []string{firefox, "curl/8.5.0", "", "\xffweird\x00"} {
		s := d.Session(t, u.ID, func(s *session.Session) {
			s.UserAgent, s.CreatedAt = lookable(agent), now.Add(-time.Duration(n)*time.Hour)
		})
		ts := teamsession.Session{ID: identity.NewID(), TeamID: tm.ID, SessionID: s.ID, UserID: u.ID, CreatedAt: s.CreatedAt.Add(time.Minute)}
		d.Do(t, func(ctx context.Context) error { return d.InsertTeamSession(ctx, ts) })
		ids, inTeam = append(ids, s.ID), append(inTeam, ts.ID)
	}
	find := func(f session.Filter, want ...identity.ID) {
		t.Helper()
		f.UserID = &u.ID
		newest := append([]identity.ID{}, want...)
		slices.Reverse(newest)
		storagetest.Same(t, matching(t, d, f), newest)
	}
	find(session.Filter{Device: "firefox on LINUX"}, ids[0])
	find(session.Filter{Device: "CURL"}, ids[1])
	for _, none := range []string{"%", "_irefox", "!", "'", `\`, "\x00", "\u212aurl", "firefox  on"} {
		find(session.Filter{Device: none})
	}
	find(session.Filter{OlderThan: time.Hour}, ids[1:]...)
	find(session.Filter{OlderThan: time.Hour + time.Microsecond}, ids[2:]...)
	find(session.Filter{NewerThan: time.Hour}, ids[0])
	find(session.Filter{NewerThan: time.Hour + time.Microsecond}, ids[:2]...)
	find(session.Filter{OlderThan: time.Hour, NewerThan: 3 * time.Hour}, ids[1], ids[2])
	find(session.Filter{AsOf: now.Add(-time.Hour)}, ids[1:]...)
	find(session.Filter{AsOf: now.Add(-time.Hour), NewerThan: 2 * time.Hour}, ids[1], ids[2])
	find(session.Filter{AsOf: now.Add(-time.Hour), OlderThan: 2 * time.Hour}, ids[3])
	// A team session is as old as itself.
	rows := must[[]teamsession.Listed](t)(d.DB.TeamSessions(t.Context(), tm.ID, session.Filter{OlderThan: time.Hour}, now, identity.Page{Limit: 9}))
	storagetest.Same(t, idsOf(rows, func(l teamsession.Listed) identity.ID { return l.ID }), []identity.ID{inTeam[3], inTeam[2]})
}

func testFilteredEnding(t *testing.T, d *storagetest.Database) {
	owner, member := d.User(t), d.User(t)
	tm := d.Team(t, owner.ID)
	d.Member(t, tm.ID, member.ID, team.RoleMember)
	at := func(s *session.Session) { s.IP = "100.64.7.7" }
	a, b, elsewhere := d.Session(t, owner.ID, at), d.Session(t, member.ID, at), d.Session(t, member.ID)
	for _, s := range []session.Session{a, b, elsewhere} {
		d.TeamSession(t, tm.ID, s)
	}
	f := session.Filter{Network: netip.MustParsePrefix("100.64.7.0/24"), Status: session.StatusActive}
	now := d.Clock.Now()
	count := func(f session.Filter) int { return must[int](t)(d.CountTeamSessions(t.Context(), tm.ID, f, now)) }
	owners, others := f, f
	owners.Owners, others.Owners = new(true), new(false)
	storagetest.Same(t, []int{count(f), count(owners), count(others)}, []int{2, 1, 1})
	f.NotUserID = &owner.ID
	storagetest.Same(t, []any{count(f), matching(t, d, f)}, []any{1, []identity.ID{b.ID}})
	var ended []revocation.Ended
	d.Do(t, func(ctx context.Context) (err error) {
		ended, err = d.EndMatchingSessions(ctx, f, revocation.End{Reason: "r", By: &owner.ID, At: now})
		return err
	})
	storagetest.Same(t, ended, []revocation.Ended{{ID: b.ID, UserID: member.ID}})
	if got := lock(t, d, b.ID); got.EndedAt == nil || *got.EndReason != "r" || lock(t, d, a.ID).EndedAt != nil || lock(t, d, elsewhere.ID).EndedAt != nil {
		t.Errorf("ended %+v", got)
	}
	storagetest.Same(t, count(session.Filter{Status: session.StatusRevoked}), 1) // the team session in it, too
	d.Do(t, func(ctx context.Context) (err error) {
		ended, err = d.EndMatchingSessions(ctx, f, revocation.End{Reason: "again", By: &owner.ID, At: now})
		return err
	})
	storagetest.Same(t, len(ended), 0)
}

// lookable is text that can be stored.
func lookable(s string) string {
	return string(slices.DeleteFunc([]rune(s), func(r rune) bool { return r == 0 || r == '\ufffd' }))
}

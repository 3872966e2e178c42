package storage_test

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/identity/teamsession"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

// testRefused lists team sessions at random by the status that policies at random
// give them, and compares with what the policy itself says of each.
func testRefused(t *testing.T, d *storagetest.Database) {
	owner, member := d.User(t), d.User(t)
	tm := d.Team(t, owner.ID)
	d.Member(t, tm.ID, member.ID, team.RoleMember)
	now := d.Clock.Now()
	just := func(limit time.Duration) time.Duration {
		return oneOf(0, limit-time.Microsecond, limit, limit+time.Microsecond)
	}
	for range 80 {
		s := d.Session(t, oneOf(owner.ID, member.ID), func(s *session.Session) {
			s.IP = oneOf("192.0.2.7", "192.0.2.200", "::ffff:192.0.2.9", "2001:db8::1", "2001:db8::1%eth0", "2001:db9::1", "", "unknown")
			s.Methods = oneOf(session.Methods{"google"}, session.Methods{"google", "siwe"}, session.Methods{"siwe", "googlex"}, session.Methods{"x_siwe"})
			s.CreatedAt, s.LastSeenAt, s.LongestPause = now.Add(-just(time.Hour)), now.Add(-just(time.Minute)), just(time.Minute)
			s.ExpiresAt = now.Add(oneOf(time.Hour, time.Hour, time.Hour, 0))
		})
		ts := d.TeamSession(t, tm.ID, s)
		switch oneOf("glass", "ended", "", "") {
		case "glass":
			d.Do(t, func(ctx context.Context) error {
				return d.SetBreakGlass(ctx, ts.ID, now.Add(oneOf(-time.Hour, 0, time.Microsecond)))
			})
		case "ended":
			ts.EndedAt, ts.EndReason, ts.EndedBy = &now, new("r"), &owner.ID
			d.Do(t, func(ctx context.Context) error { return d.EndTeamSession(ctx, ts) })
		}
	}
	list := func(f session.Filter) []teamsession.Listed {
		return must[[]teamsession.Listed](t)(d.DB.TeamSessions(t.Context(), tm.ID, f, now, identity.Page{Limit: 99}))
	}
	all := list(session.Filter{})
	statuses := []session.Status{session.StatusActive, session.StatusRefused, session.StatusExpired, session.StatusRevoked}
	for range 60 {
		p := team.Policy{
			MaxAge: oneOf(0, 0, time.Hour), Idle: oneOf(0, 0, time.Minute), RequiredProviders: oneOf(nil, nil, []string{"google"}, []string{"siwe", "google"}),
			AllowedNetworks: oneOf(nil, nil, networks("192.0.2.0/25"), networks("2001:db8::/32", "192.0.2.0/24"), networks("::/0")),
			Unreadable:      oneOf(false, false, false, false, false, true),
		}
		want := map[session.Status][]identity.ID{}
		for _, l := range all {
			status := l.Status(now)
			if status == session.StatusActive && refuses(p, l, now) {
				status = session.StatusRefused
			}
			want[status] = append(want[status], l.ID)
		}
		for _, status := range statuses {
			f := session.Filter{Status: status, Policy: &p}
			got := idsOf(list(f), func(l teamsession.Listed) identity.ID { return l.ID })
			if len(want[status]) == 0 {
				want[status] = []identity.ID{}
			}
			storagetest.Same(t, got, want[status])
			storagetest.Same(t, must[int](t)(d.CountTeamSessions(t.Context(), tm.ID, f, now)), len(got))
		}
	}
	storagetest.Same(t, len(list(session.Filter{Status: session.StatusRefused})), 0)
	storagetest.Same(t, len(must[[]session.Listed](t)(d.DB.Sessions(t.Context(), session.Filter{Status: session.StatusRefused}, now, identity.Page{Limit: 9}))), 0)
}

// refuses is what a policy says of a team session, by where it was last seen.
func refuses(p team.Policy, l teamsession.Listed, now time.Time) bool {
	if l.BreakGlassUntil != nil && now.Before(*l.BreakGlassUntil) && l.Role != nil && *l.Role == team.RoleOwner {
		return false
	}
	at, _ := netip.ParseAddr(l.Behind.IP) // in no network, where it is none
	facts := team.Facts{Methods: l.Behind.Methods, SignedInAt: l.Behind.CreatedAt, LastSeenAt: l.Behind.LastSeenAt, LongestPause: l.Behind.LongestPause}
	return p.Check(facts, at, now) != nil
}

func networks(cidrs ...string) (out []netip.Prefix) {
	for _, c := range cidrs {
		out = append(out, netip.MustParsePrefix(c))
	}
	return out
}

// oneOf picks at random.
func oneOf[T any](all ...T) T { return all[rand.N(len(all))] }

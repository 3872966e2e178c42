package storage_test

import (
	"bytes"
	"context"
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

func testTeamSessions(t *testing.T, d *storagetest.Database) {
	t.Run("every field comes back, open and ended", func(t *testing.T) {
		u := d.User(t)
		tm, s := d.Team(t, u.ID), d.Session(t, u.ID)
		_, err := d.OpenTeamSession(t.Context(), s.ID, tm.ID)
		storagetest.WantNotFound(t, "none yet", err)
		ts := d.TeamSession(t, tm.ID, s)
		storagetest.Same(t, must[teamsession.Listed](t)(d.ListedTeamSession(t.Context(), ts.ID)).Session, ts)
		storagetest.Same(t, must[teamsession.Session](t)(d.OpenTeamSession(t.Context(), s.ID, tm.ID)), ts)

		at := d.Clock.Now().Add(time.Microsecond)
		ts.EndedAt, ts.EndReason, ts.EndedBy = &at, new("revoked"), &u.ID
		d.Do(t, func(ctx context.Context) error { return d.EndTeamSession(ctx, ts) })
		storagetest.Same(t, must[teamsession.Listed](t)(d.ListedTeamSession(t.Context(), ts.ID)).Session, ts)
		_, err = d.OpenTeamSession(t.Context(), s.ID, tm.ID)
		storagetest.WantNotFound(t, "an ended one", err)
		_, err = d.ListedTeamSession(t.Context(), identity.NewID())
		storagetest.WantNotFound(t, "no id listed", err)
	})

	t.Run("an entry is the session held, the policy and the open team session", func(t *testing.T) {
		u := d.User(t)
		tm, s := d.Team(t, u.ID), d.Session(t, u.ID)
		entry := func(of identity.ID) (e teamsession.Entry, err error) {
			err = d.InTx(t.Context(), func(ctx context.Context) error { e, err = d.LockEntry(ctx, of, tm.ID); return err })
			return e, err
		}
		storagetest.Same(t, must[teamsession.Entry](t)(entry(s.ID)), teamsession.Entry{Session: s})
		ts, policy := d.TeamSession(t, tm.ID, s), team.Policy{Exclusive: true}
		d.Do(t, func(ctx context.Context) error { return d.SetTeamPolicy(ctx, tm.ID, policy, u.ID, d.Clock.Now()) })
		storagetest.Same(t, must[teamsession.Entry](t)(entry(s.ID)), teamsession.Entry{Session: s, Policy: policy, Open: &ts})
		_, err := entry(identity.NewID())
		storagetest.WantNotFound(t, "no session", err)
	})

	t.Run("ending is for one user or all, and leaves what has ended", func(t *testing.T) {
		a, b := d.User(t), d.User(t)
		tm, other := d.Team(t, a.ID), d.Team(t, a.ID)
		d.Member(t, tm.ID, b.ID, team.RoleMember)
		sa, sb := d.Session(t, a.ID), d.Session(t, b.ID)
		ta, tb, elsewhere := d.TeamSession(t, tm.ID, sa), d.TeamSession(t, tm.ID, sb), d.TeamSession(t, other.ID, sa)
		first, second := d.Clock.Now(), d.Clock.Now().Add(time.Hour)
		d.Do(t, func(ctx context.Context) error { return d.EndTeamSessions(ctx, tm.ID, &b.ID, a.ID, "one", first) })
		d.Do(t, func(ctx context.Context) error { return d.EndTeamSessions(ctx, tm.ID, nil, a.ID, "all", second) })
		tb.EndedAt, tb.EndReason, tb.EndedBy = &first, new("one"), &a.ID
		ta.EndedAt, ta.EndReason, ta.EndedBy = &second, new("all"), &a.ID
		for _, want := range []teamsession.Session{ta, tb, elsewhere} {
			storagetest.Same(t, must[teamsession.Listed](t)(d.ListedTeamSession(t.Context(), want.ID)).Session, want)
		}
	})

	t.Run("a list shows the session, the user and their role", func(t *testing.T) {
		owner := d.User(t)
		tm := d.Team(t, owner.ID)
		u := d.User(t, func(u *identity.User) { u.DisplayName = "Grace" })
		address := d.Email(t, u.ID, storagetest.Word()+"@example.com").Address
		d.Do(t, func(ctx context.Context) error { return d.SetPrimaryEmail(ctx, u.ID, address, u.UpdatedAt) })
		d.Member(t, tm.ID, u.ID, team.RoleAdmin)
		s := d.Session(t, u.ID, func(s *session.Session) { s.Methods = session.Methods{"github", "siwe"} })
		ts := d.TeamSession(t, tm.ID, s)
		behind := s
		behind.TokenHash = nil // a list never holds anything of a token
		want := teamsession.Listed{
			Session: ts, Summary: identity.Summary{DisplayName: "Grace", PrimaryEmail: &address}, Behind: behind, Role: new(team.RoleAdmin),
		}
		storagetest.Same(t, must[teamsession.Listed](t)(d.ListedTeamSession(t.Context(), ts.ID)), want)
		list := must[[]teamsession.Listed](t)(d.DB.TeamSessions(t.Context(), tm.ID, session.Filter{}, d.Clock.Now(), identity.Page{Limit: 9}))
		storagetest.Same(t, list, []teamsession.Listed{want})

		now := d.Clock.Now()
		d.Do(t, func(ctx context.Context) error {
			if err := d.DeleteMembership(ctx, tm.ID, u.ID); err != nil {
				return err
			}
			return d.EndTeamSessions(ctx, tm.ID, &u.ID, owner.ID, "removed", now)
		})
		want.EndedAt, want.EndReason, want.EndedBy, want.Role = &now, new("removed"), &owner.ID, nil
		storagetest.Same(t, must[teamsession.Listed](t)(d.ListedTeamSession(t.Context(), ts.ID)), want)
	})

	t.Run("matching ones end by one call", func(t *testing.T) { testTeamEnding(t, d) })
	t.Run("what decides about a session in a team", func(t *testing.T) { testTeamAccess(t, d) })
	t.Run("the addresses of the other owners", func(t *testing.T) { testOwnerAddresses(t, d) })
	t.Run("filters and status at the very instant", func(t *testing.T) { testTeamSessionFilter(t, d) })
	t.Run("what a policy refuses", func(t *testing.T) { testRefused(t, d) })
}

func testTeamSessionFilter(t *testing.T, d *storagetest.Database) {
	now, owner := d.Clock.Now(), d.User(t)
	tm := d.Team(t, owner.ID)
	var github, siwe []identity.ID
	for n, idle := range []time.Duration{-time.Microsecond, 0, time.Microsecond} {
		for m, ended := range []string{"no", "team session", "session behind"} {
			method := []string{"github", "siwe"}[(n+m)%2]
			s := d.Session(t, owner.ID, func(s *session.Session) {
				s.IdleExpiresAt, s.Methods = now.Add(idle), session.Methods{"x" + method, method, method + "x"}
			})
			ts := d.TeamSession(t, tm.ID, s)
			switch ended {
			case "team session":
				ts.EndedAt, ts.EndReason, ts.EndedBy = &now, new("r"), &owner.ID
				d.Do(t, func(ctx context.Context) error { return d.EndTeamSession(ctx, ts) })
			case "session behind":
				end(t, d, owner.ID, session.SessionSelector{Only: &s.ID}, now)
			}
			if method == "siwe" {
				siwe = append([]identity.ID{ts.ID}, siwe...)
			} else {
				github = append([]identity.ID{ts.ID}, github...)
			}
		}
	}
	list := func(f session.Filter) []teamsession.Listed {
		return must[[]teamsession.Listed](t)(d.DB.TeamSessions(t.Context(), tm.ID, f, now, identity.Page{Limit: 99}))
	}
	ids := func(f session.Filter) []identity.ID {
		return idsOf(list(f), func(l teamsession.Listed) identity.ID { return l.ID })
	}
	counts := map[session.Status]int{session.StatusActive: 1, session.StatusExpired: 2, session.StatusRevoked: 6}
	for status, want := range counts {
		rows := list(session.Filter{Status: status})
		storagetest.Same(t, len(rows), want)
		for _, r := range rows {
			storagetest.Same(t, r.Status(now), status)
		}
	}
	storagetest.Same(t, ids(session.Filter{Provider: "github"}), github)
	storagetest.Same(t, ids(session.Filter{Provider: "siwe", UserID: &owner.ID}), siwe)
	// A provider is one whole word, and never a pattern.
	for _, none := range []string{"git", "hub", "%", "g_thub", "github siwe", "!", "'", "?", "\x00", "\xff", `\`} {
		storagetest.Same(t, len(list(session.Filter{Provider: none})), 0)
	}
	storagetest.Same(t, len(list(session.Filter{UserID: new(identity.NewID())})), 0)
}

func testTeamEnding(t *testing.T, d *storagetest.Database) {
	owner, member := d.User(t), d.User(t)
	tm, other := d.Team(t, owner.ID), d.Team(t, owner.ID)
	d.Member(t, tm.ID, member.ID, team.RoleMember)
	d.Member(t, other.ID, member.ID, team.RoleMember)
	now := d.Clock.Now()
	var mine []identity.ID
	for range 3 {
		mine = append(mine, d.TeamSession(t, tm.ID, d.Session(t, member.ID)).ID)
	}
	owners, elsewhere := d.TeamSession(t, tm.ID, d.Session(t, owner.ID)).ID, d.TeamSession(t, other.ID, d.Session(t, member.ID)).ID
	expired := d.TeamSession(t, tm.ID, d.Session(t, member.ID, func(s *session.Session) { s.ExpiresAt = now })).ID
	ending := func(f session.Filter) (ids []identity.ID) {
		d.Do(t, func(ctx context.Context) (err error) {
			gone, err := d.EndMatchingTeamSessions(ctx, tm.ID, f, revocation.End{Reason: "r", By: &owner.ID, At: now})
			for _, g := range gone {
				if ids = append(ids, g.ID); g.UserID != member.ID {
					t.Errorf("%v is said to be of %v", g.ID, g.UserID)
				}
			}
			return err
		})
		slices.SortFunc(ids, func(a, b identity.ID) int { return bytes.Compare(a[:], b[:]) })
		return ids
	}
	storagetest.Same(t, ending(session.Filter{IDs: []identity.ID{}}), []identity.ID(nil))
	storagetest.Same(t, ending(session.Filter{IDs: []identity.ID{elsewhere}}), []identity.ID(nil))
	storagetest.Same(t, ending(session.Filter{IDs: mine[:1]}), mine[:1])
	storagetest.Same(t, ending(session.Filter{UserID: &member.ID, Except: &mine[1], Status: session.StatusActive}), mine[2:])
	storagetest.Same(t, ending(session.Filter{UserID: &member.ID}), []identity.ID{mine[1], expired})
	ts := must[teamsession.Listed](t)(d.ListedTeamSession(t.Context(), mine[0])).Session
	storagetest.Same(t, []any{ts.EndedAt, ts.EndReason, ts.EndedBy}, []any{now, "r", owner.ID})
	for _, id := range []identity.ID{owners, elsewhere} {
		if ts := must[teamsession.Listed](t)(d.ListedTeamSession(t.Context(), id)).Session; ts.EndedAt != nil {
			t.Error("ended what did not match")
		}
	}
}

func testTeamAccess(t *testing.T, d *storagetest.Database) {
	u := d.User(t)
	tm, s := d.Team(t, u.ID), d.Session(t, u.ID)
	ask := func() session.ActiveTeamSession {
		return must[session.ActiveTeamSession](t)(d.TeamAccess(t.Context(), tm.ID, u.ID, s.ID))
	}
	want := session.ActiveTeamSession{TeamID: tm.ID, Role: team.RoleOwner}
	storagetest.Same(t, ask(), want)
	ts, until := d.TeamSession(t, tm.ID, s), d.Clock.Now().Add(time.Hour)
	want.ID, want.CreatedAt, want.Policy, want.BreakGlassUntil = ts.ID, ts.CreatedAt, policies()[0], &until
	d.Do(t, func(ctx context.Context) error {
		if err := d.SetTeamPolicy(ctx, tm.ID, want.Policy, u.ID, d.Clock.Now()); err != nil {
			return err
		}
		return d.SetBreakGlass(ctx, ts.ID, until)
	})
	storagetest.Same(t, ask(), want)
	ended := d.Clock.Now()
	ts.EndedAt, ts.EndReason = &ended, new("r")
	d.Do(t, func(ctx context.Context) error { return d.EndTeamSession(ctx, ts) })
	want.ID, want.CreatedAt, want.BreakGlassUntil = identity.ID{}, time.Time{}, nil
	storagetest.Same(t, ask(), want)

	_, err := d.TeamAccess(t.Context(), tm.ID, d.User(t).ID, s.ID)
	storagetest.WantNotFound(t, "no member", err)
	deleted := d.Clock.Now()
	tm.DeletedAt = &deleted
	d.Do(t, func(ctx context.Context) error { return d.UpdateTeam(ctx, tm) })
	_, err = d.TeamAccess(t.Context(), tm.ID, u.ID, s.ID)
	storagetest.WantNotFound(t, "a deleted team", err)
}

func testOwnerAddresses(t *testing.T, d *storagetest.Database) {
	me, other, admin, disabled := d.User(t), d.User(t), d.User(t), d.User(t, func(u *identity.User) { u.Status = identity.StatusDisabled })
	tm := d.Team(t, me.ID)
	d.Member(t, tm.ID, other.ID, team.RoleOwner)
	d.Member(t, tm.ID, disabled.ID, team.RoleOwner)
	d.Member(t, tm.ID, admin.ID, team.RoleAdmin)
	for _, u := range []identity.User{me, admin, disabled} {
		d.Email(t, u.ID, storagetest.Word()+"@example.com")
	}
	want := []string{d.Email(t, other.ID, "a"+storagetest.Word()+"@example.com").Address, d.Email(t, other.ID, "b"+storagetest.Word()+"@example.com").Address}
	storagetest.Same(t, must[[]string](t)(d.OwnerAddresses(t.Context(), tm.ID, me.ID)), want)
}

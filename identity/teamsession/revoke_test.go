package teamsession_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/revocation"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/identity/teamsession"
	"github.com/latchkey/latchkey/internal/testkit/sessiontest"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

// one picks at random.
func one[T any](of ...T) T { return of[rand.N(len(of))] }

func randomFilter(users []identity.ID) session.Filter {
	f := session.Filter{
		Provider: one("", "", "google", "siwe"), Device: one("", "", "firefox", "curl"), Status: one("", session.StatusActive, session.StatusExpired, session.StatusRevoked, session.StatusRefused),
		OlderThan: one(0, 0, 30*time.Minute), NewerThan: one(0, 0, 90*time.Minute),
		Network: one(netip.Prefix{}, netip.Prefix{}, netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")),
	}
	if one(true, false, false) {
		f.UserID = new(one(users...))
	}
	if one(true, false, false) {
		f.NotUserID = new(one(users...))
	}
	return f
}

// Whatever the filter, the policy and the actor: the dry run lists exactly
// what the real call then ends, and changes nothing itself.
func TestTheDryRunIsTheRealCall(t *testing.T) {
	sessiontest.Each(t, func(t *testing.T, f *sessiontest.Fixture) {
		owner, admin, member := f.User(t), f.User(t), f.User(t)
		users := []identity.ID{owner.ID, admin.ID, member.ID}
		tm := f.Team(t, owner.ID)
		f.Member(t, tm.ID, admin.ID, team.RoleAdmin)
		f.Member(t, tm.ID, member.ID, team.RoleMember)
		boss, _ := f.SignIn(t, owner.ID)
		deputy, _ := f.SignIn(t, admin.ID)
		open := func() (ids []identity.ID) {
			for _, status := range []session.Status{session.StatusActive, session.StatusExpired} {
				rows, err := f.DB.TeamSessions(t.Context(), tm.ID, session.Filter{Status: status}, f.Clock.Now(), identity.Page{Limit: 999})
				if err != nil {
					t.Fatal(err)
				}
				for _, r := range rows {
					ids = append(ids, r.ID)
				}
			}
			return ids
		}
		for range 30 {
			for range 6 {
				s := f.Database.Session(t, one(users...), func(s *session.Session) {
					s.IP, s.UserAgent = one("192.0.2.7", "2001:db8::1", ""), one("curl/8", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "")
					s.Methods = one(session.Methods{"google"}, session.Methods{"google", "siwe"})
					s.ExpiresAt = f.Clock.Now().Add(one(time.Hour, 0))
				})
				ts := f.TeamSession(t, tm.ID, s)
				if err := f.Exec("UPDATE team_sessions SET created_at = ? WHERE id = ?", f.Clock.Now().Add(-one(0, time.Hour, 2*time.Hour)), ts.ID.String()); err != nil {
					t.Fatal(err)
				}
			}
			by, filter := one(boss, deputy), randomFilter(users)
			policy := team.Policy{RequiredProviders: one(nil, []string{"siwe"}), Exclusive: one(true, false)}
			call := func(dryRun bool) (revocation.Result[teamsession.Listed], error) {
				return f.InTeams.RevokeMatching(t.Context(), sessiontest.Actor(by), tm.ID, session.Revocation{Filter: filter, DryRun: dryRun})
			}
			if one(true, false, false) {
				call = func(dryRun bool) (revocation.Result[teamsession.Listed], error) {
					out, err := f.InTeams.SetPolicy(t.Context(), sessiontest.Actor(boss), tm.ID, policy, dryRun)
					return out.Result, err
				}
			}
			before := open()
			dry, err := call(true)
			if err != nil || !slices.Equal(open(), before) {
				t.Fatalf("a dry run: %v, %+v", err, filter)
			}
			real, err := call(false)
			if err != nil {
				t.Fatal(err)
			}
			storagetest.Same(t, []any{real.Count, real.Skipped, real.IDs, len(real.Sessions)}, []any{dry.Count, dry.Skipped, dry.IDs, len(dry.Sessions)})
			gone := before
			for _, id := range open() {
				gone = slices.DeleteFunc(gone, func(g identity.ID) bool { return g == id })
			}
			slices.SortFunc(gone, func(a, b identity.ID) int { return slices.Compare(b[:], a[:]) })
			if !slices.Equal(gone, real.IDs) {
				t.Fatalf("%+v by %v: ended %v, said %v", filter, by.UserID == owner.ID, gone, real.IDs)
			}
		}
	})
}

// An admin ends no owner's session, by whatever filter; a member ends none.
func TestRevokingRespectsRoles(t *testing.T) {
	sessiontest.Each(t, func(t *testing.T, f *sessiontest.Fixture) {
		owner, admin, member := f.User(t), f.User(t), f.User(t)
		tm, other := f.Team(t, owner.ID), f.Team(t, owner.ID)
		f.Member(t, tm.ID, admin.ID, team.RoleAdmin)
		f.Member(t, tm.ID, member.ID, team.RoleMember)
		sessions := map[identity.ID]session.Session{}
		for _, u := range []identity.User{owner, admin, member} {
			sessions[u.ID], _ = f.SignIn(t, u.ID)
			f.TeamSession(t, tm.ID, sessions[u.ID])
		}
		elsewhere := f.TeamSession(t, other.ID, sessions[owner.ID])
		by := func(u identity.User, filter session.Filter) (revocation.Result[teamsession.Listed], error) {
			return f.InTeams.RevokeMatching(t.Context(), sessiontest.Actor(sessions[u.ID]), tm.ID, session.Revocation{Filter: filter})
		}
		_, err := by(member, session.Filter{UserID: &member.ID})
		storagetest.WantCode(t, "a member", err, identity.CodeForbidden)
		_, err = f.InTeams.RevokeMatching(t.Context(), sessiontest.Actor(sessions[admin.ID]), other.ID, session.Revocation{})
		storagetest.WantNotFound(t, "a stranger", err)
		e, err := by(admin, session.Filter{UserID: &owner.ID})
		storagetest.Same(t, []any{e.Count, e.Skipped, err}, []any{0, 1, nil})
		e, err = by(admin, session.Filter{NotUserID: &admin.ID})
		storagetest.Same(t, []any{e.Count, e.Skipped, e.Sessions[0].UserID, err}, []any{1, 1, member.ID, nil})
		e, err = by(owner, session.Filter{})
		storagetest.Same(t, []any{e.Count, e.Skipped, err}, []any{2, 0, nil})
		if ts, err := f.ListedTeamSession(t.Context(), elsewhere.ID); err != nil || ts.EndedAt != nil {
			t.Errorf("another team's: %+v, %v", ts, err)
		}
	})
}

// statements counts the calls of a store, in place of their statements.
type statements struct {
	teamsession.Store
	calls int
}

func (s *statements) EndMatchingTeamSessions(ctx context.Context, id identity.ID, f session.Filter, e revocation.End) ([]revocation.Ended, error) {
	s.calls++
	return s.Store.EndMatchingTeamSessions(ctx, id, f, e)
}

func (s *statements) RecordEvents(ctx context.Context, events ...identity.Event) error {
	s.calls++
	return s.Store.RecordEvents(ctx, events...)
}

// As many as end in one transaction: one call ends them, one records them.
func TestManyEndAtOnce(t *testing.T) {
	sessiontest.Each(t, func(t *testing.T, f *sessiontest.Fixture) {
		owner := f.User(t)
		tm := f.Team(t, owner.ID)
		boss, _ := f.SignIn(t, owner.ID)
		const n = 1000
		var members []identity.ID
		for range 200 {
			members = append(members, f.User(t).ID)
		}
		f.Do(t, func(ctx context.Context) error {
			for i := range n { // each member has one, and the owner the others
				user := owner.ID
				if i < len(members) {
					user = members[i]
				}
				s := session.Session{
					ID: identity.NewID(), UserID: user, Methods: session.Methods{"google"}, CreatedAt: f.Clock.Now(), AuthenticatedAt: f.Clock.Now(),
					LastSeenAt: f.Clock.Now(), IdleExpiresAt: f.Clock.Now().Add(time.Hour), ExpiresAt: f.Clock.Now().Add(time.Hour),
				}
				_, s.TokenHash = identity.NewSecret()
				err := errors.Join(f.InsertSession(ctx, s), f.InsertTeamSession(ctx, teamsession.Session{
					ID: identity.NewID(), TeamID: tm.ID, SessionID: s.ID, UserID: user, CreatedAt: f.Clock.Now(),
				}))
				if err != nil {
					return err
				}
			}
			return nil
		})
		store := &statements{Store: f.DB}
		service := teamsession.NewService(store, f.Service, f.Clock.Now)
		dry, err := service.SetPolicy(t.Context(), sessiontest.Actor(boss), tm.ID, team.Policy{MaxAge: time.Hour, RequiredProviders: []string{"siwe"}}, true)
		storagetest.Same(t, []any{dry.Count, len(dry.IDs), len(dry.Sessions), store.calls, err}, []any{n, 1000, 100, 0, nil})
		e, err := service.RevokeMatching(t.Context(), sessiontest.Actor(boss), tm.ID, session.Revocation{})
		storagetest.Same(t, []any{e.Count, len(e.IDs), len(e.Sessions), store.calls, err}, []any{n, 1000, 100, 2, nil})
		// One for each user, of at most 500 ids.
		for where, want := range map[string]int{
			"": len(members) + 2,
			" AND user_id = '" + owner.ID.String() + "'":   2,
			" AND user_id = '" + members[7].String() + "'": 1,
		} {
			if got := f.Count(t, "audit_events WHERE action = 'team_session.revoked'"+where); got != want {
				t.Errorf("%d events%s, want %d", got, where, want)
			}
		}
	})
}

package linking_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/internal/testkit"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
	"github.com/latchkey/latchkey/linking"
)

// leaver deletes users on a replica after a grace.
func leaver(d *storagetest.Database, replica *watched, grace time.Duration) *linking.Service {
	sessions := session.NewService(replica, nil, session.Limits{Idle: time.Hour, Lifetime: time.Hour}, d.Clock.Now)
	return linking.NewService(replica, sessions, linking.Options{
		Policy: linking.PolicyAuto, Usable: func(string) bool { return true }, UndoFor: undoFor, Grace: grace,
		ErasedKeys: identity.Secrets{"a secret that is long enough for this"}.Keys("erased values"),
	}, d.Clock.Now)
}

// TestLeavingRaces deletes a while something else happens to a, on two replicas, with
// a grace and without: nothing works for a user who is leaving, and nothing is left of
// one who has.
func TestLeavingRaces(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		replicas := []*watched{{DB: d.DB}, {DB: storagetest.Connect(t, d.URL)}}
		for name, rival := range rivals {
			for n := range 4 {
				s := newScene(t, d, replicas)
				g := []time.Duration{0, grace}[n%2]
				service := leaver(d, replicas[0], g)
				actor := s.actor(s.owner)
				actor.UserID, actor.Origin = s.a.User.ID, identity.RequestOrigin{IP: "192.0.2.77", UserAgent: "agent"}
				var left, lost error
				testkit.Together(2, func(n int) {
					if n == 0 {
						_, left = service.Leave(t.Context(), actor, s.a.User.ID, linking.Leaving{})
					} else {
						lost = rival.run(s)
					}
				})
				what := fmt.Sprintf("%s, grace %s (%v, %v)", name, g, left, lost)
				switch {
				case left == nil:
					s.gone(what, g == 0)
				case errors.Is(left, identity.ErrNotFound) || identity.ErrorCode(left) == identity.CodeLastOwner:
				default:
					t.Errorf("%s: leaving failed", what)
				}
				if lost != nil && !errors.Is(lost, identity.ErrNotFound) && identity.ErrorCode(lost) == "" {
					t.Errorf("%s: failed", what)
				}
				s.sound(what)
			}
		}
	})
}

// gone checks what must be so of a, who has left.
func (s *scene) gone(what string, erased bool) {
	s.t.Helper()
	id := s.a.User.ID.String()
	keys := "audit_keys WHERE replace('%s', '-', '') = lower(hex(owner))"
	if s.Engine == storagetest.Postgres {
		keys = "audit_keys WHERE replace('%s', '-', '') = encode(owner, 'hex')"
	}
	for where, of := range map[string]bool{
		"users WHERE status = 'active' AND id = '%s'":                                    true,
		"sessions WHERE ended_at IS NULL AND NOT restricted AND user_id = '%s'":          true,
		"team_sessions WHERE ended_at IS NULL AND user_id = '%s'":                        true,
		"invitations WHERE closed_at IS NULL AND invited_by = '%s'":                      true,
		"sessions WHERE user_id = '%s'":                                                  erased,
		"identities WHERE user_id = '%s'":                                                erased,
		"emails WHERE user_id = '%s'":                                                    erased,
		"memberships WHERE user_id = '%s'":                                               erased,
		"vouchers WHERE address NOT LIKE 'erased:%%' AND address <> '' AND user_id='%s'": erased,
		keys: erased,
	} {
		if !of {
			continue
		}
		if n := s.Count(s.t, fmt.Sprintf(where, id)); n != 0 {
			s.t.Errorf("%s: %d %s", what, n, where)
		}
	}
	for name, token := range map[string]string{"before": s.token, "the rival": s.result.Token} {
		p, err := s.sessions.Authenticate(s.t.Context(), token, identity.RequestOrigin{})
		if err == nil && p.User.ID == s.a.User.ID && (erased || !p.Leaving) {
			s.t.Errorf("%s: a token of %s works", what, name)
		}
	}
}

// sound checks what must be so after every race.
func (s *scene) sound(what string) {
	s.t.Helper()
	if violations, err := s.Violations(s.t.Context()); err != nil || len(violations) > 0 {
		s.t.Errorf("%s: %v, %v", what, violations, err)
	}
	for _, w := range s.watched {
		if len(w.deadlocks) > 0 {
			s.t.Errorf("%s: deadlocks: %v", what, w.deadlocks)
		}
		w.deadlocks = nil
	}
}

// Of two owners who leave at once only one does, and no user inherits a team while they
// leave themselves.
func TestOwnersLeaveAtOnce(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		replicas := []*watched{{DB: d.DB}, {DB: storagetest.Connect(t, d.URL)}}
		for n := range 8 {
			owners := []identity.User{d.User(t), d.User(t)}
			crew := d.Team(t, owners[0].ID)
			fates := map[identity.ID]linking.TeamFate{}
			if role := team.RoleOwner; n%2 == 0 {
				d.Member(t, crew.ID, owners[1].ID, role)
			} else {
				d.Member(t, crew.ID, owners[1].ID, team.RoleMember)
				fates[crew.ID] = linking.TeamFate{TransferTo: &owners[1].ID}
			}
			var errs [2]error
			testkit.Together(2, func(i int) {
				actor := identity.Actor{UserID: owners[i].ID, RecentlyVerified: true}
				l := linking.Leaving{}
				if i == 0 {
					l.Teams = fates
				}
				_, errs[i] = leaver(d, replicas[i], []time.Duration{0, grace}[n/2%2]).Leave(t.Context(), actor, owners[i].ID, l)
			})
			if (errs[0] == nil) == (errs[1] == nil) {
				t.Errorf("%d: one must have lost: %v", n, errs)
			}
			for _, err := range errs {
				if code := identity.ErrorCode(err); err != nil && code != identity.CodeLastOwner && code != identity.CodeInvalidRequest {
					t.Errorf("%d: %v", n, err)
				}
			}
			if violations, err := d.Violations(t.Context()); err != nil || len(violations) > 0 {
				t.Errorf("%d: %v, %v", n, violations, err)
			}
		}
	})
}

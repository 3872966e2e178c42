package token_test

import (
	"context"
	"encoding/base64"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/identity/teamsession"
	"github.com/latchkey/latchkey/identity/token"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
	"github.com/latchkey/latchkey/storage"
)

const grace = time.Hour

// line is a member's session in a team, and the refresh token that it was given.
type line struct {
	*storagetest.Database
	t        *testing.T
	service  *token.Service
	team     team.Team
	entered  teamsession.Session
	session  session.Session
	raw      string // the first token
	familyID identity.ID
}

// refreshes returns a service whose client may have refresh tokens, or may not any more.
func refreshes(d *storagetest.Database, store token.RefreshStore, sessions token.Sessions, offline bool) *token.Service {
	return token.NewService(store, newKeyring(d.DB, d), sessions, inTeams(d), identity.Secrets{secret}, token.Options{Issuer: issuer, RefreshGrace: grace, Clients: token.Clients{
		{ID: "web", Audience: "https://api.example.com", Offline: offline}, {ID: "other", Audience: "https://other.example.com", Offline: true},
	}}, d.Clock.Now)
}

func sessionsOf(d *storagetest.Database) *session.Service {
	return session.NewService(d.DB, nil, session.Limits{Idle: 12 * time.Hour, Lifetime: 24 * time.Hour}, d.Clock.Now)
}

func inTeams(d *storagetest.Database) *teamsession.Service {
	return teamsession.NewService(d.DB, sessionsOf(d), d.Clock.Now)
}

func newLine(t *testing.T, d *storagetest.Database, inTeam bool) *line {
	t.Helper()
	l := &line{Database: d, t: t, service: refreshes(d, d.DB, sessionsOf(d), true)}
	l.team = d.Team(t, d.User(t).ID)
	u := d.User(t)
	d.Member(t, l.team.ID, u.ID, team.RoleAdmin)
	l.session = d.Session(t, u.ID, func(s *session.Session) { s.IdleExpiresAt = s.ExpiresAt })
	l.entered = d.TeamSession(t, l.team.ID, l.session)
	p, err := d.PrincipalBySession(t.Context(), l.session.ID, nil)
	if err != nil {
		t.Fatal(err)
	}
	ask := token.Ask{ClientID: "web", Offline: true}
	if inTeam {
		ask.TeamID = &l.team.ID
	}
	g, err := l.service.Issue(t.Context(), p, ask, identity.RequestOrigin{})
	if err != nil {
		t.Fatal(err)
	}
	l.raw = g.RefreshToken
	raw, err := base64.RawURLEncoding.DecodeString(l.raw[len("lkr_"):])
	if err != nil {
		t.Fatal(err)
	}
	copy(l.familyID[:], raw)
	return l
}

func (l *line) family() token.Family {
	l.t.Helper()
	f, err := l.RefreshFamily(l.t.Context(), l.familyID)
	if err != nil {
		l.t.Fatal(err)
	}
	return f
}

// use refreshes and must succeed.
func (l *line) use(raw string) string {
	l.t.Helper()
	g, err := l.service.Refresh(l.t.Context(), raw, "web", identity.RequestOrigin{})
	if err != nil {
		l.t.Fatal(err)
	}
	return g.RefreshToken
}

func (l *line) exec(query string, args ...any) {
	l.t.Helper()
	if err := l.Exec(query, args...); err != nil {
		l.t.Fatal(err)
	}
}

func (l *line) setRole(role team.Role) {
	l.t.Helper()
	l.exec("UPDATE memberships SET role = ? WHERE team_id = ? AND user_id = ?", role, l.team.ID.String(), l.session.UserID.String())
}

func (l *line) audited(action identity.Action) bool {
	l.t.Helper()
	return l.Count(l.t, "audit_events WHERE action = '"+string(action)+"' AND session_id = '"+l.session.ID.String()+"'") > 0
}

// same asserts that a token gives the successor that it gave before.
func (l *line) same(raw, want string) {
	l.t.Helper()
	if got := l.use(raw); got != want {
		l.t.Errorf("another successor")
	}
}

// Every rule of refreshing by one row: what happened, the token that comes back,
// the answer, and what ends by it.
func TestRefreshRules(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		d.Unsound() // users are disabled and merged around the services that do it
		for _, rule := range []struct {
			name   string
			team   bool
			before func(l *line) (raw string)
			client string        // "web" by default
			code   identity.Code // "" gives a successor
			ends   string        // why the family ends; "" if it goes on
			reused bool          // it counts as theft: the session ends, audited as that
		}{
			{name: "the newest token works", before: func(l *line) string { return l.use(l.use(l.raw)) }},
			{name: "the answer was lost", before: func(l *line) string {
				next := l.use(l.raw)
				l.Clock.Advance(12 * time.Second)
				l.same(l.raw, next)
				l.Clock.Advance(grace - 12*time.Second)
				l.same(l.raw, next)
				return next
			}},
			{name: "the answer to a later one was lost", before: func(l *line) string {
				second := l.use(l.raw)
				third := l.use(second)
				l.Clock.Advance(grace)
				l.same(second, third)
				return second
			}},
			{name: "after the grace", code: identity.CodeInvalidGrant, ends: "retried_too_late", before: func(l *line) string {
				l.use(l.raw)
				l.Clock.Advance(grace + time.Microsecond)
				return l.raw
			}},
			{name: "a use of the successor", before: func(l *line) string {
				next := l.use(l.raw)
				l.Clock.Advance(grace + time.Microsecond) // it is for retries only
				return next
			}},
			{name: "reused at once", code: identity.CodeInvalidGrant, ends: "reused", reused: true, before: func(l *line) string {
				l.use(l.use(l.raw))
				return l.raw
			}},
			{name: "reused after the grace", code: identity.CodeInvalidGrant, ends: "reused", reused: true, before: func(l *line) string {
				l.use(l.use(l.raw))
				l.Clock.Advance(grace + time.Microsecond)
				return l.raw
			}},
			{name: "long ago", code: identity.CodeInvalidGrant, ends: "reused", reused: true, before: func(l *line) string {
				l.use(l.use(l.use(l.raw)))
				return l.raw
			}},

			{name: "not a token", code: identity.CodeInvalidGrant, before: func(*line) string { return "lkr_x" }},
			{name: "not ours", code: identity.CodeInvalidGrant, before: func(l *line) string { return l.raw[:len(l.raw)-2] + flipped(l.raw[len(l.raw)-2:]) }},
			{name: "a number of its own", code: identity.CodeInvalidGrant, before: func(l *line) string {
				raw, _ := base64.RawURLEncoding.DecodeString(l.raw[len("lkr_"):])
				raw[len(l.familyID)+3]++
				return "lkr_" + base64.RawURLEncoding.EncodeToString(raw)
			}},
			{name: "another family's seed", code: identity.CodeInvalidGrant, before: func(l *line) string {
				l.exec("UPDATE refresh_families SET seed = ? WHERE id = ?", make([]byte, 32), l.familyID.String())
				return l.raw
			}},
			{name: "another client", client: "other", code: identity.CodeInvalidGrant, before: func(l *line) string { return l.raw }},
			{name: "no such client", client: "unknown", code: identity.CodeInvalidClient, before: func(l *line) string { return l.raw }},
			{name: "a family that is over", code: identity.CodeInvalidGrant, ends: "before", before: func(l *line) string {
				l.exec("UPDATE refresh_families SET ended_at = ?, end_reason = 'before' WHERE id = ?", l.Clock.Now(), l.familyID.String())
				return l.raw
			}},

			{name: "the session ended", code: identity.CodeInvalidGrant, ends: "session_ended", before: func(l *line) string {
				l.Do(l.t, func(ctx context.Context) error {
					_, err := l.EndSessions(ctx, l.session.UserID, session.SessionSelector{Only: &l.session.ID}, "signed_out", l.Clock.Now())
					return err
				})
				return l.raw
			}},
			{name: "the session ended, by a retry", code: identity.CodeInvalidGrant, ends: "session_ended", before: func(l *line) string {
				l.use(l.raw)
				l.exec("UPDATE sessions SET ended_at = ?, end_reason = 'x' WHERE id = ?", l.Clock.Now(), l.session.ID.String())
				return l.raw
			}},
			{name: "the session is too old", code: identity.CodeInvalidGrant, ends: "session_ended", before: func(l *line) string {
				l.exec("UPDATE sessions SET expires_at = ? WHERE id = ?", l.Clock.Now(), l.session.ID.String())
				return l.raw
			}},
			{name: "the session was not used", code: identity.CodeInvalidGrant, ends: "session_ended", before: func(l *line) string {
				l.exec("UPDATE sessions SET idle_expires_at = ? WHERE id = ?", l.Clock.Now(), l.session.ID.String())
				return l.raw
			}},
			{name: "the session is restricted", code: identity.CodeInvalidGrant, ends: "not_allowed_any_more", before: func(l *line) string {
				l.exec("UPDATE sessions SET restricted = ? WHERE id = ?", true, l.session.ID.String())
				return l.raw
			}},
			{name: "the user is disabled", code: identity.CodeInvalidGrant, ends: "session_ended", before: func(l *line) string {
				l.exec("UPDATE users SET status = 'disabled' WHERE id = ?", l.session.UserID.String())
				return l.raw
			}},
			{name: "the user was merged", code: identity.CodeInvalidGrant, ends: "session_ended", before: func(l *line) string {
				l.exec("UPDATE users SET status = 'merged', merged_into = ? WHERE id = ?", l.User(l.t).ID.String(), l.session.UserID.String())
				return l.raw
			}},
			{name: "the session is another's", code: identity.CodeInvalidGrant, ends: "not_allowed_any_more", before: func(l *line) string {
				l.exec("UPDATE refresh_families SET user_id = ? WHERE id = ?", l.User(l.t).ID.String(), l.familyID.String())
				return l.raw
			}},
			{name: "the client may not any more", code: identity.CodeInvalidGrant, ends: "not_allowed_any_more", before: func(l *line) string {
				l.service = refreshes(l.Database, l.DB, sessionsOf(l.Database), false)
				return l.raw
			}},

			{name: "in a team", team: true, before: func(l *line) string { return l.use(l.raw) }},
			{name: "promoted", team: true, before: func(l *line) string {
				l.setRole(team.RoleOwner)
				return l.raw
			}},
			{name: "demoted", team: true, code: identity.CodeInvalidGrant, ends: "demoted", before: func(l *line) string {
				l.setRole(team.RoleMember)
				return l.raw
			}},
			{name: "demoted, by a retry", team: true, code: identity.CodeInvalidGrant, ends: "demoted", before: func(l *line) string {
				l.use(l.raw)
				l.setRole(team.RoleMember)
				return l.raw
			}},
			{name: "promoted and demoted", team: true, code: identity.CodeInvalidGrant, ends: "demoted", before: func(l *line) string {
				l.setRole(team.RoleOwner)
				next := l.use(l.raw)
				l.setRole(team.RoleAdmin)
				return next
			}},
			{name: "promoted, learned by a retry, and demoted", team: true, code: identity.CodeInvalidGrant, ends: "demoted", before: func(l *line) string {
				next := l.use(l.raw)
				l.setRole(team.RoleOwner)
				l.same(l.raw, next)
				l.setRole(team.RoleAdmin)
				return next
			}},
			{name: "demoted elsewhere", before: func(l *line) string {
				l.setRole(team.RoleMember)
				return l.raw
			}},
			{name: "removed", team: true, code: identity.CodeInvalidGrant, ends: "session_ended", before: func(l *line) string {
				l.exec("DELETE FROM memberships WHERE team_id = ? AND user_id = ?", l.team.ID.String(), l.session.UserID.String())
				return l.raw
			}},
			{name: "the team session ended", team: true, code: identity.CodeInvalidGrant, ends: "session_ended", before: func(l *line) string {
				l.exec("UPDATE team_sessions SET ended_at = ?, end_reason = 'revoked' WHERE id = ?", l.Clock.Now(), l.entered.ID.String())
				return l.raw
			}},
			{name: "the team's policy does not admit it now", team: true, code: identity.CodePolicyUnsatisfied, before: func(l *line) string {
				l.Do(l.t, func(ctx context.Context) error {
					return l.SetTeamPolicy(ctx, l.team.ID, team.Policy{RequiredProviders: []string{"google"}}, l.session.UserID, l.Clock.Now())
				})
				return l.raw
			}},
		} {
			t.Run(rule.name, func(t *testing.T) {
				l := newLine(t, d, rule.team)
				raw := rule.before(l)
				if rule.client == "" {
					rule.client = "web"
				}
				before := l.family()
				g, err := l.service.Refresh(t.Context(), raw, rule.client, identity.RequestOrigin{})
				if got := identity.ErrorCode(err); got != rule.code || (g.RefreshToken == "") != (rule.code != "") || (g.AccessToken == "") != (rule.code != "") {
					t.Errorf("%q %v, want %q", got, err, rule.code)
				}
				f, end := l.family(), ""
				if f.EndReason != nil {
					end = *f.EndReason
				}
				if end != rule.ends {
					t.Errorf("the family ended by %q, want %q", end, rule.ends)
				}
				if rule.code != "" && rule.ends == "" {
					storagetest.Same(t, f, before)
				}
				if rule.code == "" && f.TeamSessionID != nil && g.AccessToken != "" {
					if c, err := l.service.Verify(t.Context(), g.AccessToken); err != nil || c.Role != *f.Role {
						t.Errorf("the token says %s, the family %s: %v", c.Role, *f.Role, err)
					}
				}
				var s session.Session
				l.Do(t, func(ctx context.Context) (err error) { s, err = l.LockSession(ctx, l.session.ID); return err })
				if got := s.EndReason != nil && *s.EndReason == "refresh_reused"; got != rule.reused {
					t.Errorf("the session ended by reuse: %v", got)
				}
				if got := l.audited(identity.ActionRefreshReused); got != rule.reused || rule.reused && !l.audited(identity.ActionSessionEnded) {
					t.Errorf("audited as reuse: %v", got)
				}
				if got := l.audited(identity.ActionRefreshEnded); got != (rule.ends != "" && rule.ends != "before") {
					t.Errorf("the end of the family is audited: %v", got)
				}
				if rule.ends != "" {
					if _, err := l.service.Refresh(t.Context(), raw, rule.client, identity.RequestOrigin{}); identity.ErrorCode(err) != identity.CodeInvalidGrant {
						t.Errorf("once more: %v", err)
					}
				}
			})
		}
	})
}

// flipped are other characters that are as good.
func flipped(s string) string {
	if s == "AA" {
		return "BA"
	}
	return "AA"
}

// Many at once are one family with one next token, whether the token is new or a retry.
func TestRefreshRace(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		l := newLine(t, d, false)
		for round := range 2 {
			next := map[string]bool{}
			var mu sync.Mutex
			var all sync.WaitGroup
			for range 16 {
				all.Go(func() {
					g, err := l.service.Refresh(t.Context(), l.raw, "web", identity.RequestOrigin{})
					mu.Lock()
					defer mu.Unlock()
					if next[g.RefreshToken] = true; err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			if f := l.family(); len(next) != 1 || f.Generation != 2 || f.EndedAt != nil {
				t.Errorf("round %d: %d successors, generation %d, ended %v", round, len(next), f.Generation, f.EndedAt)
			}
			d.Clock.Advance(grace)
		}
	})
}

// broken is a store, or what reads sessions, that does not answer one call.
type broken struct {
	*storage.DB
	token.Sessions
	call string
}

var errAway = errors.New("the database is away")

func (b broken) LockRefreshFamily(ctx context.Context, id identity.ID) (token.Family, *session.Principal, error) {
	if b.call == "read" {
		return token.Family{}, nil, errAway
	}
	return b.DB.LockRefreshFamily(ctx, id)
}

func (b broken) UpdateRefreshFamily(ctx context.Context, f token.Family) error {
	if b.call == "write" {
		return errAway
	}
	return b.DB.UpdateRefreshFamily(ctx, f)
}

func (b broken) EndSessions(ctx context.Context, user identity.ID, which session.SessionSelector, reason string, at time.Time) ([]identity.ID, error) {
	if b.call == "end" {
		return nil, errAway
	}
	return b.DB.EndSessions(ctx, user, which, reason, at)
}

func (b broken) RecordEvents(ctx context.Context, events ...identity.Event) error {
	if b.call == "audit" {
		return errAway
	}
	return b.DB.RecordEvents(ctx, events...)
}

func (b broken) Admit(p *session.Principal, ts *identity.ID, origin identity.RequestOrigin) (session.Principal, error) {
	if b.call == "session" {
		return session.Principal{}, errAway
	}
	return b.Sessions.Admit(p, ts, origin)
}

// A store that does not answer is no refusal and ends nothing: the client tries
// the same token again, and it works.
func TestRefreshWithoutAStore(t *testing.T) {
	t.Parallel()
	d := storagetest.Open(t, storagetest.SQLite)
	for call, reuse := range map[string]bool{"read": false, "session": false, "write": false, "end": true, "audit": true} {
		l := newLine(t, d, false)
		raw, next := l.raw, l.use(l.raw)
		if reuse {
			l.use(next)
		} else {
			raw = next
		}
		before := l.family()
		b := broken{DB: d.DB, Sessions: sessionsOf(d), call: call}
		g, err := refreshes(d, b, b, true).Refresh(t.Context(), raw, "web", identity.RequestOrigin{})
		if !errors.Is(err, errAway) || g != (token.Grant{}) {
			t.Errorf("%s: %+v, %v", call, g, err)
		}
		storagetest.Same(t, l.family(), before)
		if _, err := d.PrincipalBySession(t.Context(), l.session.ID, nil); err != nil {
			t.Errorf("%s: the session: %v", call, err)
		}
		if !reuse {
			l.use(raw)
		}
	}
}

// A session that has ended since it was read gets no refresh token.
func TestNoFamilyOfAnEndedSession(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		l := newLine(t, d, false)
		p, err := d.PrincipalBySession(t.Context(), l.session.ID, nil)
		if err != nil {
			t.Fatal(err)
		}
		d.Do(t, func(ctx context.Context) error {
			_, err := d.EndSessions(ctx, p.User.ID, session.SessionSelector{}, "test", d.Clock.Now())
			return err
		})
		g, err := l.service.Issue(t.Context(), p, token.Ask{ClientID: "web", Offline: true}, identity.RequestOrigin{})
		storagetest.WantCode(t, "an ended session", err, identity.CodeUnauthenticated)
		if g != (token.Grant{}) {
			t.Errorf("it gets %+v", g)
		}
	})
}

// A token is not used up by a service that cannot sign.
func TestRefreshWithoutAKey(t *testing.T) {
	t.Parallel()
	d := storagetest.Open(t, storagetest.SQLite)
	l := newLine(t, d, false)
	keyless := token.NewService(d.DB, newKeyring(noKeys{}, d), sessionsOf(d), nil, identity.Secrets{secret}, token.Options{
		Issuer: issuer, Clients: token.Clients{{ID: "web", Audience: "https://api.example.com", Offline: true}},
	}, d.Clock.Now)
	before := l.family()
	if _, err := keyless.Refresh(t.Context(), l.raw, "web", identity.RequestOrigin{}); !errors.Is(err, errAway) {
		t.Error(err)
	}
	storagetest.Same(t, l.family(), before)
}

type noKeys struct{ token.KeyStore }

func (noKeys) SigningKeys(context.Context) ([]token.Key, error) { return nil, errAway }

// How often a refresh waits for PostgreSQL.
func TestRefreshRoundTrips(t *testing.T) {
	t.Parallel()
	d, wire := storagetest.OpenOnWire(t)
	for name, inTeam := range map[string]bool{"in a team": true, "in none": false} {
		l := newLine(t, d, inTeam)
		raw := l.raw
		trips, asked := wire.Count(t, func() { raw = l.use(raw) })
		if trips != 2 {
			t.Errorf("%s: %d round trips, want 2: %q", name, trips, asked)
		}
	}
}

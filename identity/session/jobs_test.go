package session_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

// crowdSize is more than one transaction ends, in more than one batch.
const crowdSize = 1100

// crowd copies a session, as replicas made them that knew no counts.
func (f *fixture) crowd(t *testing.T, of session.Session) {
	t.Helper()
	f.copies(t, "sessions", "user_id, token_hash, methods, created_at, authenticated_at, last_seen_at, idle_expires_at, expires_at",
		map[string]string{storagetest.SQLite: "s.user_id, randomblob(32)", storagetest.Postgres: "s.user_id, sha256(gen_random_uuid()::text::bytea)"}[f.Engine]+
			", s.methods, s.created_at, s.authenticated_at, s.last_seen_at, s.idle_expires_at, s.expires_at", of.ID)
}

// crowdIn lets all sessions of a user but one act in a team.
func (f *fixture) crowdIn(t *testing.T, id identity.ID, of session.Session) {
	t.Helper()
	fresh := map[string]string{storagetest.SQLite: "lower(hex(randomblob(4)) || '-0000-4000-8000-' || hex(randomblob(6)))", storagetest.Postgres: "gen_random_uuid()"}[f.Engine]
	if err := f.Exec("INSERT INTO team_sessions (id, team_id, session_id, user_id, created_at) SELECT "+fresh+", '"+id.String()+
		"', s.id, s.user_id, s.created_at FROM sessions AS s WHERE s.user_id = ? AND s.id <> ?", of.UserID.String(), of.ID.String()); err != nil {
		t.Fatal(err)
	}
}

func (f *fixture) copies(t *testing.T, table, columns, values string, of identity.ID) {
	t.Helper()
	id := map[string]string{storagetest.SQLite: "printf('%08x-0000-4000-8000-', n.i) || lower(hex(randomblob(6)))", storagetest.Postgres: "gen_random_uuid()"}[f.Engine]
	if err := f.Exec("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1100) INSERT INTO "+table+" (id, "+columns+") SELECT "+
		id+", "+values+" FROM n, "+table+" AS s WHERE s.id = ?", of.String()); err != nil {
		t.Fatal(err)
	}
}

// finish works on jobs until none is left, and returns one of them.
func (f *fixture) finish(t *testing.T, id identity.ID) session.Job {
	t.Helper()
	for range 100 {
		again, err := f.WorkOnJob(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !again {
			break
		}
	}
	j, err := f.Service.Job(t.Context(), id)
	if err != nil || j.FinishedAt == nil {
		t.Fatalf("not finished: %+v, %v", j, err)
	}
	return j
}

// recorded returns the sessions that the audit trail says a job ended, which must be each
// once.
func (f *fixture) recorded(t *testing.T, job identity.ID) []string {
	t.Helper()
	rows, err := f.SQL.QueryContext(t.Context(), "SELECT CAST(data AS text) FROM audit_events WHERE action IN ('session.ended', 'team_session.revoked')")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	var all []string
	for rows.Next() {
		var text string
		var data struct {
			Job  string   `json:"job_id"`
			IDs  []string `json:"ended_session_ids"`
			Team []string `json:"team_session_ids"`
		}
		if err := errors.Join(rows.Scan(&text), json.Unmarshal([]byte(text), &data)); err != nil {
			t.Fatal(err)
		}
		if data.Job == job.String() {
			all = append(append(all, data.IDs...), data.Team...)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	if len(slices.Compact(slices.Clone(all))) != len(all) {
		t.Error("the audit trail tells of a session twice")
	}
	return all
}

func (f *fixture) onlyJob(t *testing.T) session.Job {
	t.Helper()
	var id string
	if err := f.SQL.QueryRowContext(t.Context(), "SELECT CAST(id AS text) FROM jobs").Scan(&id); err != nil {
		t.Fatal(err)
	}
	parsed, err := uuid.Parse(id)
	if err != nil {
		t.Fatal(err)
	}
	j, err := f.Service.Job(t.Context(), parsed)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// All the others of a user end with the call, and one's own goes on.
func TestAllOfAUserEndAtOnce(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		u, stranger := f.User(t), f.User(t)
		own, token := f.issue(t, u.ID)
		old, oldToken := f.issue(t, u.ID)
		f.crowd(t, old)
		_, strangers := f.issue(t, stranger.ID)
		expired := f.Database.Session(t, u.ID, func(s *session.Session) { s.ExpiresAt = f.Clock.Now() })

		if err := f.EndOthers(t.Context(), actor(own)); err != nil {
			t.Fatal(err)
		}
		f.works(t, "my own", token, true)
		f.works(t, "a stranger's", strangers, true)
		f.works(t, "another of mine", oldToken, false)
		if _, err := f.ByID(t.Context(), old.ID, nil, origin); err == nil {
			t.Error("another of mine works by its id")
		}
		if _, _, err := f.renewBy(old, nil); err == nil {
			t.Error("another of mine is renewed")
		}
		count := func(status session.Status) int {
			n, err := f.CountSessions(t.Context(), session.Filter{UserID: &u.ID, Status: status}, f.Clock.Now())
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		if a, r := count(session.StatusActive), count(session.StatusRevoked); a != 1 || r != crowdSize+2 {
			t.Errorf("%d active, %d revoked", a, r)
		}
		mine, _, err := f.List(t.Context(), u.ID, identity.Page{Limit: 50})
		if err != nil || len(mine) != 1 || mine[0].ID != own.ID {
			t.Errorf("my list: %+v, %v", mine, err)
		}
		listed, _, err := f.ListAll(t.Context(), session.Filter{UserID: &u.ID, Status: session.StatusRevoked}, identity.Page{Limit: 5})
		if err != nil || len(listed) != 5 || listed[0].Status(f.Clock.Now()) != session.StatusRevoked {
			t.Errorf("listed: %+v, %v", listed, err)
		}
		_, next := f.issue(t, u.ID)
		f.works(t, "a new one", next, true)

		j := f.finish(t, f.onlyJob(t).ID)
		if recorded := f.recorded(t, j.ID); j.Ended != crowdSize+1 || *j.Total != j.Ended || len(recorded) != j.Ended {
			t.Errorf("ended %d of %v; recorded %d", j.Ended, *j.Total, len(recorded))
		}
		if n := f.Count(t, "sessions WHERE ended_at IS NOT NULL AND end_reason = 'ended_by_user'"); n != crowdSize+1 {
			t.Errorf("%d rows are ended", n)
		}
		if s := f.Count(t, "sessions WHERE id = '"+expired.ID.String()+"' AND ended_at IS NULL"); s != 1 {
			t.Error("one that had expired ended again")
		}
		f.works(t, "my own, afterwards", token, true)
		f.works(t, "a new one, afterwards", next, true)
	})
}

// A few end in the transaction of the call, as ever.
func TestAFewEndWithoutAJob(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		operator, u := f.User(t), f.User(t)
		own, token := f.issue(t, operator.ID)
		f.issue(t, u.ID)
		f.issue(t, u.ID)
		out, err := f.RevokeSessions(t.Context(), actor(own), session.Revocation{Filter: session.Filter{NotUserID: &operator.ID}})
		if err != nil || out.Job != nil || out.Count != 2 || f.Count(t, "jobs") != 0 {
			t.Errorf("%+v, %v", out, err)
		}
		f.works(t, "my own", token, true)
	})
}

// Everybody's end with the call; what a sign-in under way makes ends as well, and
// is written down.
func TestAllOfTheDeploymentEndAtOnce(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		operator, u := f.User(t), f.User(t)
		own, token := f.issue(t, operator.ID)
		second, secondToken := f.issue(t, operator.ID)
		old, oldToken := f.issue(t, u.ID)
		f.crowd(t, old)
		others := session.Filter{NotUserID: &operator.ID}
		few := 7
		_, err := f.RevokeSessions(t.Context(), actor(own), session.Revocation{Filter: others, AtMost: &few})
		storagetest.WantCode(t, "more than were confirmed", err, identity.CodeSessionsChanged)
		f.works(t, "what was not confirmed", oldToken, true)

		begun, commit, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
		var late string
		if f.Engine == storagetest.Postgres { // SQLite has one writer
			via := f.Identity(t, u.ID, "google", storagetest.Word())
			go func() {
				ended <- f.InTx(context.WithoutCancel(t.Context()), func(ctx context.Context) (err error) {
					if _, late, err = f.Issue(ctx, via, origin, nil); err == nil {
						_, err = f.DB.User(ctx, u.ID) // sends what was put off
					}
					close(begun)
					<-commit
					return err
				})
			}()
			<-begun
		}
		out, err := f.RevokeSessions(t.Context(), actor(own), session.Revocation{Filter: others})
		if err != nil || out.Job == nil || out.Count != 0 {
			t.Fatalf("%+v, %v", out, err)
		}
		f.works(t, "my own", token, true)
		f.works(t, "my second", secondToken, true)
		f.works(t, "a user's", oldToken, false)
		_, next := f.issue(t, u.ID)
		f.works(t, "a new one", next, true)
		want := crowdSize + 1
		if f.Engine == storagetest.Postgres {
			if again, err := f.WorkOnJob(t.Context()); again || err != nil {
				t.Errorf("did not wait for a sign-in under way: %v", err)
			}
			close(commit)
			if err := <-ended; err != nil {
				t.Fatal(err)
			}
			f.works(t, "a sign-in under way", late, false)
			want++
		}
		j := f.finish(t, out.Job.ID)
		if recorded := f.recorded(t, j.ID); j.Ended != want || len(recorded) != want {
			t.Errorf("ended %d, recorded %d, want %d", j.Ended, len(recorded), want)
		}
		if n := f.Count(t, "sessions WHERE ended_at IS NULL"); n != 3 {
			t.Errorf("%d are open, of %v and %v", n, own.ID, second.ID)
		}
		f.works(t, "a new one, afterwards", next, true)
	})
}

// What is confirmed is what was there at the preview.
func TestAllAsOfThePreview(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		operator, u := f.User(t), f.User(t)
		own, _ := f.issue(t, operator.ID)
		old, oldToken := f.issue(t, u.ID)
		f.crowd(t, old)
		seen := f.Clock.Now()
		f.Clock.Advance(time.Second)
		_, since := f.issue(t, u.ID)
		count := crowdSize + 1
		out, err := f.RevokeSessions(t.Context(), actor(own), session.Revocation{Filter: session.Filter{NotUserID: &operator.ID, AsOf: seen}, AtMost: &count})
		if err != nil || out.Job == nil || out.Job.Epoch == nil {
			t.Fatalf("%+v, %v", out, err)
		}
		f.works(t, "an old one", oldToken, false)
		f.works(t, "one made since", since, true)
		if j := f.finish(t, out.Job.ID); j.Ended != count {
			t.Errorf("ended %d", j.Ended)
		}
		f.works(t, "one made since, afterwards", since, true)
	})
}

// Other filters fix what ends at the call; each works until its turn.
func TestByFilterInBatches(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		operator, u := f.User(t), f.User(t)
		own, token := f.issue(t, operator.ID)
		old := f.Database.Session(t, u.ID, func(s *session.Session) { s.Methods = session.Methods{"github"} })
		f.crowd(t, old)
		out, err := f.RevokeSessions(t.Context(), actor(own), session.Revocation{Filter: session.Filter{Provider: "github"}})
		if err != nil || out.Job == nil || out.Job.Epoch != nil || *out.Job.Total != crowdSize+1 {
			t.Fatalf("%+v, %v", out.Job, err)
		}
		since := f.Database.Session(t, u.ID)
		if n := f.Count(t, "sessions WHERE ended_at IS NULL"); n != crowdSize+3 {
			t.Errorf("%d are open before the first step", n)
		}
		// One ends by itself, and a step is broken off by a crash.
		if err := f.Service.End(t.Context(), identity.Actor{UserID: u.ID, SessionID: since.ID}, old.ID); err != nil {
			t.Fatal(err)
		}
		if again, err := f.WorkOnJob(t.Context()); !again || err != nil {
			t.Fatal(again, err)
		}
		crash := errors.New("crash")
		if err := f.InTx(t.Context(), func(ctx context.Context) error {
			_, err := f.WorkOnJob(ctx)
			return errors.Join(err, crash)
		}); !errors.Is(err, crash) {
			t.Fatal(err)
		}
		half, err := f.Service.Job(t.Context(), out.Job.ID)
		if err != nil || half.Ended == 0 || half.Ended >= crowdSize || half.FinishedAt != nil {
			t.Fatalf("half way: %+v, %v", half, err)
		}
		if n := f.Count(t, "sessions WHERE end_reason = 'ended_by_operator'"); n != half.Ended || len(f.recorded(t, half.ID)) != n {
			t.Errorf("%d rows are ended, %d recorded, the job says %d", n, len(f.recorded(t, half.ID)), half.Ended)
		}
		// Another process goes on with it.
		restarted := &fixture{f.Database, session.NewService(f.DB, nil, session.Limits{Idle: idle, Lifetime: lifetime}, f.Clock.Now)}
		j := restarted.finish(t, out.Job.ID)
		if recorded := f.recorded(t, j.ID); j.Ended != crowdSize || len(recorded) != crowdSize || f.Count(t, "job_items") != 0 {
			t.Errorf("ended %d, recorded %d", j.Ended, len(recorded))
		}
		if s, err := f.Service.ByID(t.Context(), since.ID, nil, origin); err != nil {
			t.Errorf("made after the call: %+v, %v", s, err)
		}
		f.works(t, "my own", token, true)
	})
}

// An admin ends all of a team's but the owners'; an owner all of them. What has
// ended stays so, and what has not works on, when roles change.
func TestAllOfATeamEndAtOnce(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		owner, coOwner, admin, member := f.User(t), f.User(t), f.User(t), f.User(t)
		tm, elsewhere := f.Team(t, owner.ID), f.Team(t, owner.ID)
		places := map[identity.ID]team.Membership{
			coOwner.ID: f.Member(t, tm.ID, coOwner.ID, team.RoleOwner),
			admin.ID:   f.Member(t, tm.ID, admin.ID, team.RoleAdmin),
			member.ID:  f.Member(t, tm.ID, member.ID, team.RoleMember),
		}
		role := func(u identity.ID, to team.Role) {
			t.Helper()
			m := places[u]
			m.Role = to
			f.Do(t, func(ctx context.Context) error { return f.UpdateRole(ctx, m) })
		}
		tokens, sessions := map[identity.ID]string{}, map[identity.ID]session.Session{}
		enter := func(u identity.ID) session.ListedInTeam {
			t.Helper()
			if tokens[u] == "" {
				sessions[u], tokens[u] = f.issue(t, u)
			}
			l, _, err := f.Enter(t.Context(), actor(sessions[u]), tm.ID, false)
			if err != nil {
				t.Fatal(err)
			}
			return l
		}
		for _, u := range []identity.ID{owner.ID, admin.ID, member.ID} {
			enter(u)
		}
		in := func(what string, u identity.ID, want bool) {
			t.Helper()
			p := f.works(t, what, tokens[u], true)
			if (p.Team != nil) != want {
				t.Errorf("%s: in the team is %v", what, p.Team != nil)
			}
			e, err := f.TeamAccess(t.Context(), tm.ID, u, sessions[u].ID)
			if err != nil || (e.ID != identity.ID{}) != want {
				t.Errorf("%s: open is %v, %v", what, e.ID, err)
			}
		}
		f.crowd(t, sessions[member.ID])
		f.crowdIn(t, tm.ID, sessions[member.ID])
		_, _, err := f.Enter(t.Context(), actor(sessions[owner.ID]), elsewhere.ID, false)
		if err != nil {
			t.Fatal(err)
		}
		enter(owner.ID)
		seen := f.Clock.Now()
		f.Clock.Advance(time.Second)
		enter(coOwner.ID)

		out, err := f.RevokeTeamSessions(t.Context(), actor(sessions[admin.ID]), tm.ID, session.Revocation{Filter: session.Filter{AsOf: seen}})
		if err != nil || out.Job == nil || out.Job.Epoch == nil || out.Skipped != 1 {
			t.Fatalf("%+v, %v", out, err)
		}
		in("an owner", owner.ID, true)
		in("the other owner", coOwner.ID, true)
		in("the admin", admin.ID, false)
		in("a member", member.ID, false)
		role(member.ID, team.RoleOwner)
		in("a member who is an owner now", member.ID, false)
		role(coOwner.ID, team.RoleMember)
		in("an owner who is a member now", coOwner.ID, true)
		if _, err := f.InTeam(t.Context(), f.works(t, "", tokens[admin.ID], true), tm.ID, origin); err == nil {
			t.Error("acts in the team by a team session that has ended")
		}
		if l := enter(admin.ID); l.Status(f.Clock.Now()) != session.StatusActive {
			t.Errorf("entered again: %+v", l)
		}
		in("the admin, again", admin.ID, true)
		active, err := f.CountTeamSessions(t.Context(), tm.ID, session.Filter{Status: session.StatusActive}, f.Clock.Now())
		if err != nil || active != 3 {
			t.Errorf("%d are active, %v", active, err)
		}
		j := f.finish(t, out.Job.ID)
		if recorded := f.recorded(t, j.ID); j.Ended != crowdSize+2 || len(recorded) != j.Ended {
			t.Errorf("ended %d, recorded %d", j.Ended, len(recorded))
		}
		in("the admin, afterwards", admin.ID, true)
		in("an owner, afterwards", owner.ID, true)

		// The member is an owner now, and so are the sessions that have no count yet.
		f.crowdIn(t, tm.ID, sessions[member.ID])
		if err := f.Exec("UPDATE team_sessions SET epoch = 0 WHERE of_owner IS NULL"); err != nil {
			t.Fatal(err)
		}
		out, err = f.RevokeTeamSessions(t.Context(), actor(sessions[owner.ID]), tm.ID, session.Revocation{Filter: session.Filter{NotUserID: &owner.ID}})
		if err != nil || out.Job == nil || out.Job.OwnerEpoch == nil || out.Skipped != 0 {
			t.Fatalf("%+v, %v", out.Job, err)
		}
		in("the owner themself", owner.ID, true)
		in("the admin, by an owner", admin.ID, false)
		in("a member, by an owner", coOwner.ID, false)
		if j := f.finish(t, out.Job.ID); j.Ended != crowdSize+2 || len(f.recorded(t, j.ID)) != j.Ended {
			t.Errorf("by an owner: ended %d", j.Ended)
		}
		in("the owner themself, afterwards", owner.ID, true)
	})
}

// Jobs of a team are for those who manage it.
func TestTeamJob(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		owner, member := f.User(t), f.User(t)
		tm, other := f.Team(t, owner.ID), f.Team(t, owner.ID)
		f.Member(t, tm.ID, member.ID, team.RoleMember)
		s, _ := f.issue(t, owner.ID)
		m, _ := f.issue(t, member.ID)
		j := session.Job{ID: identity.NewID(), Kind: session.JobEndTeamSessions, TeamID: &tm.ID, Reason: "r", CreatedAt: f.Clock.Now(), Total: new(0)}
		f.Do(t, func(ctx context.Context) error { return f.InsertJob(ctx, j) })
		got, err := f.TeamJob(t.Context(), actor(s), tm.ID, j.ID)
		if err != nil {
			t.Fatal(err)
		}
		storagetest.Same(t, got, j)
		_, err = f.TeamJob(t.Context(), actor(s), other.ID, j.ID)
		storagetest.WantNotFound(t, "another team's", err)
		_, err = f.TeamJob(t.Context(), actor(s), tm.ID, identity.NewID())
		storagetest.WantNotFound(t, "none", err)
		_, err = f.TeamJob(t.Context(), actor(m), tm.ID, j.ID)
		storagetest.WantCode(t, "a member", err, identity.CodeForbidden)
		if j := f.finish(t, j.ID); j.Ended != 0 {
			t.Errorf("%+v", j)
		}
	})
}

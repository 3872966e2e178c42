package session_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/revocation"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/internal/testkit/sessiontest"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

func onlyJob(t *testing.T, f *fixture) revocation.Job {
	t.Helper()
	var id string
	if err := f.SQL.QueryRowContext(t.Context(), "SELECT CAST(id AS text) FROM jobs").Scan(&id); err != nil {
		t.Fatal(err)
	}
	parsed, err := uuid.Parse(id)
	if err != nil {
		t.Fatal(err)
	}
	j, err := f.Jobs().Get(t.Context(), parsed)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// All the others of a user end with the call, and one's own goes on.
func TestAllOfAUserEndAtOnce(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		u, stranger := f.User(t), f.User(t)
		own, token := f.SignIn(t, u.ID)
		old, oldToken := f.SignIn(t, u.ID)
		f.Crowd(t, old)
		_, strangers := f.SignIn(t, stranger.ID)
		expired := f.Database.Session(t, u.ID, func(s *session.Session) { s.ExpiresAt = f.Clock.Now() })

		if err := f.EndOthers(t.Context(), actor(own)); err != nil {
			t.Fatal(err)
		}
		f.Works(t, "my own", token, true)
		f.Works(t, "a stranger's", strangers, true)
		f.Works(t, "another of mine", oldToken, false)
		if _, err := f.ByID(t.Context(), old.ID, nil, origin); err == nil {
			t.Error("another of mine works by its id")
		}
		if _, _, err := f.ProveBy(old, nil); err == nil {
			t.Error("another of mine is renewed")
		}
		count := func(status session.Status) int {
			n, err := f.CountSessions(t.Context(), session.Filter{UserID: &u.ID, Status: status}, f.Clock.Now())
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		if a, r := count(session.StatusActive), count(session.StatusRevoked); a != 1 || r != sessiontest.CrowdSize+2 {
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
		_, next := f.SignIn(t, u.ID)
		f.Works(t, "a new one", next, true)

		j := f.FinishJob(t, onlyJob(t, f).ID)
		if recorded := f.Recorded(t, j.ID); j.Ended != sessiontest.CrowdSize+1 || *j.Total != j.Ended || len(recorded) != j.Ended {
			t.Errorf("ended %d of %v; recorded %d", j.Ended, *j.Total, len(recorded))
		}
		if n := f.Count(t, "sessions WHERE ended_at IS NOT NULL AND end_reason = 'ended_by_user'"); n != sessiontest.CrowdSize+1 {
			t.Errorf("%d rows are ended", n)
		}
		if s := f.Count(t, "sessions WHERE id = '"+expired.ID.String()+"' AND ended_at IS NULL"); s != 1 {
			t.Error("one that had expired ended again")
		}
		f.Works(t, "my own, afterwards", token, true)
		f.Works(t, "a new one, afterwards", next, true)
	})
}

// A few end in the transaction of the call, as ever.
func TestAFewEndWithoutAJob(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		operator, u := f.User(t), f.User(t)
		own, token := f.SignIn(t, operator.ID)
		f.SignIn(t, u.ID)
		f.SignIn(t, u.ID)
		out, err := f.RevokeSessions(t.Context(), actor(own), session.Revocation{Filter: session.Filter{NotUserID: &operator.ID}})
		if err != nil || out.Job != nil || out.Count != 2 || f.Count(t, "jobs") != 0 {
			t.Errorf("%+v, %v", out, err)
		}
		f.Works(t, "my own", token, true)
	})
}

// Everybody's end with the call; what a sign-in under way makes ends as well, and
// is written down.
func TestAllOfTheDeploymentEndAtOnce(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		operator, u := f.User(t), f.User(t)
		own, token := f.SignIn(t, operator.ID)
		second, secondToken := f.SignIn(t, operator.ID)
		old, oldToken := f.SignIn(t, u.ID)
		f.Crowd(t, old)
		others := session.Filter{NotUserID: &operator.ID}
		few := 7
		_, err := f.RevokeSessions(t.Context(), actor(own), session.Revocation{Filter: others, AtMost: &few})
		storagetest.WantCode(t, "more than were confirmed", err, identity.CodeSessionsChanged)
		f.Works(t, "what was not confirmed", oldToken, true)

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
		f.Works(t, "my own", token, true)
		f.Works(t, "my second", secondToken, true)
		f.Works(t, "a user's", oldToken, false)
		_, next := f.SignIn(t, u.ID)
		f.Works(t, "a new one", next, true)
		want := sessiontest.CrowdSize + 1
		if f.Engine == storagetest.Postgres {
			if again, err := f.Jobs().Work(t.Context()); again || err != nil {
				t.Errorf("did not wait for a sign-in under way: %v", err)
			}
			close(commit)
			if err := <-ended; err != nil {
				t.Fatal(err)
			}
			f.Works(t, "a sign-in under way", late, false)
			want++
		}
		j := f.FinishJob(t, out.Job.ID)
		if recorded := f.Recorded(t, j.ID); j.Ended != want || len(recorded) != want {
			t.Errorf("ended %d, recorded %d, want %d", j.Ended, len(recorded), want)
		}
		if n := f.Count(t, "sessions WHERE ended_at IS NULL"); n != 3 {
			t.Errorf("%d are open, of %v and %v", n, own.ID, second.ID)
		}
		f.Works(t, "a new one, afterwards", next, true)
	})
}

// What is confirmed is what was there at the preview.
func TestAllAsOfThePreview(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		operator, u := f.User(t), f.User(t)
		own, _ := f.SignIn(t, operator.ID)
		old, oldToken := f.SignIn(t, u.ID)
		f.Crowd(t, old)
		seen := f.Clock.Now()
		f.Clock.Advance(time.Second)
		_, since := f.SignIn(t, u.ID)
		count := sessiontest.CrowdSize + 1
		out, err := f.RevokeSessions(t.Context(), actor(own), session.Revocation{Filter: session.Filter{NotUserID: &operator.ID, AsOf: seen}, AtMost: &count})
		if err != nil || out.Job == nil || out.Job.Epoch == nil {
			t.Fatalf("%+v, %v", out, err)
		}
		f.Works(t, "an old one", oldToken, false)
		f.Works(t, "one made since", since, true)
		if j := f.FinishJob(t, out.Job.ID); j.Ended != count {
			t.Errorf("ended %d", j.Ended)
		}
		f.Works(t, "one made since, afterwards", since, true)
	})
}

// Other filters fix what ends at the call; each works until its turn.
func TestByFilterInBatches(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		operator, u := f.User(t), f.User(t)
		own, token := f.SignIn(t, operator.ID)
		old := f.Database.Session(t, u.ID, func(s *session.Session) { s.Methods = session.Methods{"github"} })
		f.Crowd(t, old)
		out, err := f.RevokeSessions(t.Context(), actor(own), session.Revocation{Filter: session.Filter{Provider: "github"}})
		if err != nil || out.Job == nil || out.Job.Epoch != nil || *out.Job.Total != sessiontest.CrowdSize+1 {
			t.Fatalf("%+v, %v", out.Job, err)
		}
		since := f.Database.Session(t, u.ID)
		if n := f.Count(t, "sessions WHERE ended_at IS NULL"); n != sessiontest.CrowdSize+3 {
			t.Errorf("%d are open before the first step", n)
		}
		// One ends by itself, and a step is broken off by a crash.
		if err := f.Service.End(t.Context(), identity.Actor{UserID: u.ID, SessionID: since.ID}, old.ID); err != nil {
			t.Fatal(err)
		}
		if again, err := f.Jobs().Work(t.Context()); !again || err != nil {
			t.Fatal(again, err)
		}
		crash := errors.New("crash")
		if err := f.InTx(t.Context(), func(ctx context.Context) error {
			_, err := f.Jobs().Work(ctx)
			return errors.Join(err, crash)
		}); !errors.Is(err, crash) {
			t.Fatal(err)
		}
		half, err := f.Jobs().Get(t.Context(), out.Job.ID)
		if err != nil || half.Ended == 0 || half.Ended >= sessiontest.CrowdSize || half.FinishedAt != nil {
			t.Fatalf("half way: %+v, %v", half, err)
		}
		if n := f.Count(t, "sessions WHERE end_reason = 'ended_by_operator'"); n != half.Ended || len(f.Recorded(t, half.ID)) != n {
			t.Errorf("%d rows are ended, %d recorded, the job says %d", n, len(f.Recorded(t, half.ID)), half.Ended)
		}
		// Another process goes on with it.
		restarted := sessiontest.New(f.Database, session.NewService(f.DB, nil, session.Limits{Idle: idle, Lifetime: lifetime}, f.Clock.Now))
		j := restarted.FinishJob(t, out.Job.ID)
		if recorded := f.Recorded(t, j.ID); j.Ended != sessiontest.CrowdSize || len(recorded) != sessiontest.CrowdSize || f.Count(t, "job_items") != 0 {
			t.Errorf("ended %d, recorded %d", j.Ended, len(recorded))
		}
		if s, err := f.Service.ByID(t.Context(), since.ID, nil, origin); err != nil {
			t.Errorf("made after the call: %+v, %v", s, err)
		}
		f.Works(t, "my own", token, true)
	})
}

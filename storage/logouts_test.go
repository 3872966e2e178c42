package storage_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/client"
	"github.com/latchkey/latchkey/identity/revocation"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

func notified(c *client.Client) { c.BackchannelURI = "https://app.example.com/logout" }

func inApplication(id string) func(s *session.Session) {
	return func(s *session.Session) {
		s.Kind, s.Application = session.KindApplication, session.Application{ClientID: &id}
	}
}

func endThese(t *testing.T, d *storagetest.Database, ids ...identity.ID) {
	t.Helper()
	d.Do(t, func(ctx context.Context) error {
		_, err := d.EndMatchingSessions(ctx, session.Filter{IDs: ids}, revocation.End{Reason: "test", At: d.Clock.Now()})
		return err
	})
}

// Of several who are signed out of several applications at once, each application
// hears of each by one token if no session of theirs there is left, or else by one for
// each session.
func TestLogoutsOfMany(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		one, two := d.OAuthClient(t, notified).ID, d.OAuthClient(t, notified).ID
		ada, bob := d.User(t).ID, d.User(t).ID
		in := func(user identity.ID, app string) identity.ID { return d.Session(t, user, inApplication(app)).ID }
		want := map[string]int{}
		var ids []identity.ID
		for _, c := range []struct {
			user                identity.ID
			app                 string
			end, stay, sid, all int
		}{
			{ada, one, 2, 0, 0, 1}, {ada, two, 2, 1, 2, 0}, {bob, one, 2, 1, 2, 0}, {bob, two, 1, 0, 1, 0},
		} {
			for range c.end {
				ids = append(ids, in(c.user, c.app))
			}
			for range c.stay {
				in(c.user, c.app)
			}
			want[c.user.String()+" "+c.app+" by session"] = c.sid
			want[c.user.String()+" "+c.app+" whole"] = c.all
		}
		endThese(t, d, ids...)
		got := map[string]int{}
		for key := range want {
			got[key] = 0
		}
		for _, task := range must[[]identity.Task](t)(d.Tasks(t.Context(), identity.ID{}, 99)) {
			var l identity.Logout
			if err := json.Unmarshal(task.Payload, &l); err != nil {
				t.Fatal(err)
			}
			how := " whole"
			if l.Session != nil {
				how = " by session"
			}
			got[l.Subject.String()+" "+l.ClientID+how]++
		}
		storagetest.Same(t, got, want)
	})
}

// However many are signed out at once, it is as many statements.
func TestLogoutsOfManyAreFewStatements(t *testing.T) {
	t.Parallel()
	d, wire := storagetest.OpenOnWire(t)
	app := d.OAuthClient(t, notified).ID
	asked := func(users int) string {
		var batches [2][]identity.ID // the call is made twice
		for i := range batches {
			for range users {
				u := d.User(t).ID
				batches[i] = append(batches[i], d.Session(t, u, inApplication(app)).ID, d.Session(t, u, inApplication(app)).ID)
			}
		}
		next := 0
		_, statements := wire.Count(t, func() { endThese(t, d, batches[next]...); next++ })
		return strings.Join(statements, ", ")
	}
	if few, many := asked(1), asked(5); few != many {
		t.Errorf("one person is signed out by\n%s\nfive by\n%s", few, many)
	}
}

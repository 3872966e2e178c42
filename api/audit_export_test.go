package api_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/audit"
	"github.com/latchkey/latchkey/internal/testkit/apptest"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

// long is how many events are more than sockets can hold between service and
// reader, so that the service cannot have written all before it is read.
const long = 6_000

// busyTeam makes a team with a long trail.
func busyTeam(t *testing.T, a *apptest.App) (owner *apptest.Browser, team string) {
	t.Helper()
	b := google(t, a, apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
	team = b.POST("/v1/teams", map[string]any{"name": "Keys"}).Want(http.StatusCreated).String("id")
	id, actor, agent := identity.ID{}, identity.NewID(), strings.Repeat("agent", 800)
	if err := id.UnmarshalText([]byte(team)); err != nil {
		t.Fatal(err)
	}
	const batch = 100 // a transaction each, which a busy machine finishes in time
	for range long / batch {
		events := make([]identity.Event, batch)
		for i := range events {
			events[i] = identity.Event{
				ID: identity.NewID(), At: a.Now(), Action: identity.ActionTeamUpdated, ActorID: &actor, TeamID: &id, UserAgent: agent,
			}
		}
		if err := a.DB.InTx(t.Context(), func(ctx context.Context) error { return a.DB.RecordEvents(ctx, events...) }); err != nil {
			t.Fatal(err)
		}
	}
	if err := audit.NewService(a.DB).SealAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	return b, team
}

// begun is an answer of which only the header has been read.
func begun(t *testing.T, b *apptest.Browser, path string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.App.URL+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if b.Bearer != "" {
		req.Header.Set("Authorization", "Bearer "+b.Bearer)
	}
	res, err := b.Client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	return res
}

// opened is an export of which the first line has been read.
type opened struct {
	io.Closer
	*bufio.Reader
	first string
}

func open(t *testing.T, b *apptest.Browser, path string) opened {
	t.Helper()
	res := begun(t, b, path)
	if res.StatusCode != http.StatusOK || res.ContentLength != -1 {
		t.Fatalf("status %d, length %d", res.StatusCode, res.ContentLength)
	}
	out := opened{Closer: res.Body, Reader: bufio.NewReader(res.Body)}
	var err error
	if out.first, err = out.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	return out
}

// rest reads on, and tells how many lines came and how it ended.
func (o opened) rest() (lines int, raw string, err error) {
	all, err := io.ReadAll(o)
	return strings.Count(string(all), "\n"), o.first + string(all), err
}

// brokeOff asserts that an export ended before its end, and that its reader
// noticed.
func brokeOff(t *testing.T, a *apptest.App, o opened) {
	t.Helper()
	lines, _, err := o.rest()
	if !errors.Is(err, io.ErrUnexpectedEOF) || lines >= long {
		t.Errorf("%d lines of %d, and then %v", lines, long, err)
	}
	if !apptest.Eventually(func() bool { return strings.Contains(a.Log.String(), "broke off") }) {
		t.Error("the log tells nothing")
	}
}

func TestAuditExportStreams(t *testing.T) {
	t.Parallel()
	for _, engine := range storagetest.Engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			const limit = 300 * time.Millisecond
			url := apptest.DatabaseURL(t, engine)
			patient := apptest.StartAt(t, url)
			owner, team := busyTeam(t, patient)
			a := apptest.StartServer(t, url, func(s *http.Server) { s.ReadTimeout, s.WriteTimeout = limit, limit },
				"LATCHKEY_PUBLIC_URL="+patient.URL)
			b := a.Browser()
			b.SetCookie("latchkey", owner.Cookie("latchkey"))

			t.Run("longer than a request may take", func(t *testing.T) {
				o := open(t, b, "/v1/teams/"+team+"/audit/export")
				// Meanwhile the team goes on: what comes later need not be in it.
				owner.PATCH("/v1/teams/"+team, map[string]any{"name": "Locks"}).Want(http.StatusOK)
				time.Sleep(2 * limit) // of real time, which the server's limits are in
				lines, raw, err := o.rest()
				if err != nil || lines < long {
					t.Fatalf("%d lines, %v", lines, err)
				}
				wantWhole(t, raw, lines+1, 1)
			})

			t.Run("until its reader goes", func(t *testing.T) {
				o := open(t, b, "/v1/teams/"+team+"/audit/export")
				if err := o.Close(); err != nil {
					t.Fatal(err)
				}
				if !apptest.Eventually(func() bool { return strings.Contains(a.Log.String(), "broke off") }) {
					t.Error("it goes on, or the log tells nothing")
				}
			})
		})
	}
}

func TestAuditExportBreaksOffVisibly(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		b, team := busyTeam(t, a)
		t.Run("an event that cannot be read", func(t *testing.T) {
			for _, s := range map[string][]string{
				"sqlite":   {"DROP TRIGGER audit_events_no_update"},
				"postgres": {"ALTER TABLE audit_events DISABLE TRIGGER USER"},
			}[a.Config.Engine()] {
				a.Exec("%s", s)
			}
			nth := "UPDATE audit_events SET data = '[]' WHERE id = (SELECT id FROM audit_events WHERE team_id = '%s' ORDER BY id LIMIT 1 OFFSET %d)"
			a.Exec(nth, team, long-10)
			brokeOff(t, a, open(t, b, "/v1/teams/"+team+"/audit/export"))
			a.Exec(nth, team, 0)
			// In the first page it is an error like any other.
			res := begun(t, b, "/v1/teams/"+team+"/audit/export")
			if res.StatusCode != http.StatusInternalServerError || res.Header.Get("Content-Disposition") != "" {
				t.Errorf("status %d, %v", res.StatusCode, res.Header)
			}
			a.Exec("UPDATE audit_events SET data = '{}' WHERE team_id = '%s' AND data = '[]'", team)
		})
	})
}

// A reader who loses the right to an export while it runs, or the session, gets no more
// of it.
func TestAuditExportEndsWithTheRight(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		b, team := busyTeam(t, a)
		grantOperator(t, a, me(b))
		for _, path := range []string{"/v1/admin/audit/export", "/v1/teams/" + team + "/audit/export"} {
			o := open(t, google(t, a, apptest.Person{Name: "Ada", Email: "ada@gmail.com"}), path)
			b.DELETE("/v1/me/sessions?others=true").Want(http.StatusNoContent)
			brokeOff(t, a, o)
		}
		id, reader := newKey(t, b, "admin:read")
		made := b.POST("/v1/teams/"+team+"/api-keys", object{"name": "m", "role": "admin"}).Want(http.StatusCreated)
		for _, step := range []struct {
			path    string
			service *apptest.Browser
			change  func()
		}{
			{"/v1/admin/audit/export", reader, func() { b.DELETE("/v1/admin/api-keys/" + id).Want(http.StatusNoContent) }},
			{"/v1/teams/" + team + "/audit/export", machineOf(t, a, made), func() {
				b.Do(http.MethodPut, "/v1/teams/"+team+"/policy", object{"allowed_networks": []string{"192.0.2.0/24"}}).Want(http.StatusOK)
			}},
		} {
			o := open(t, step.service, step.path)
			step.change()
			brokeOff(t, a, o)
		}
		a.Exec("DELETE FROM team_policies") // owners may lock themselves out
		second := google(t, a, apptest.Person{Name: "Second", Email: "second@gmail.com"})
		for path, change := range map[string]string{
			"/v1/admin/audit/export":              "UPDATE users SET operator = false WHERE id = '" + me(b) + "'",
			"/v1/teams/" + team + "/audit/export": "UPDATE memberships SET user_id = '" + me(second) + "' WHERE team_id = '" + team + "'",
		} {
			o := open(t, b, path)
			a.Exec("%s", change)
			brokeOff(t, a, o)
		}
	})
}

func TestAuditExportWithoutDatabase(t *testing.T) {
	t.Parallel()
	a, cable := apptest.StartOnCable(t)
	b, team := busyTeam(t, a)
	o := open(t, b, "/v1/teams/"+team+"/audit/export")
	cable.Pull()
	brokeOff(t, a, o)
	b.GET("/v1/teams/"+team+"/audit").WantProblem(http.StatusServiceUnavailable, "unavailable")
}

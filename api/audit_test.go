package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/identity/audit"
	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

// event is an event as an answer shows it.
type event map[string]any

func (e event) text(name string) string { s, _ := e[name].(string); return s }

func ids(events []event) (out []string) {
	for _, e := range events {
		out = append(out, e.text("id"))
	}
	return out
}

// listed reads all pages of a trail, after each calling between if it is not nil.
func listed(t *testing.T, b *apptest.Browser, path string, limit int, between func()) []event {
	t.Helper()
	var out []event
	cursor := ""
	for {
		sep := "?"
		if strings.Contains(path, "?") {
			sep = "&"
		}
		answer := b.In(t).GET(fmt.Sprintf("%s%slimit=%d%s", path, sep, limit, cursor)).Want(http.StatusOK)
		var page struct {
			Data       []event `json:"data"`
			NextCursor *string `json:"next_cursor"`
		}
		if err := json.Unmarshal(answer.Body, &page); err != nil {
			t.Fatal(err)
		}
		if out = append(out, page.Data...); page.NextCursor == nil {
			return out
		}
		cursor = "&cursor=" + *page.NextCursor
		if between != nil {
			between()
		}
	}
}

// exported reads an export.
func exported(t *testing.T, b *apptest.Browser, path string) (events []event, raw string) {
	t.Helper()
	answer := b.In(t).GET(path).Want(http.StatusOK)
	if answer.Header.Get("Content-Type") != "application/x-ndjson" || !strings.HasPrefix(answer.Header.Get("Content-Disposition"), "attachment") {
		t.Errorf("%s: %v", path, answer.Header)
	}
	for line := range strings.Lines(string(answer.Body)) {
		var e event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		events = append(events, e)
	}
	return events, string(answer.Body)
}

// wantWhole verifies an export without the service.
func wantWhole(t *testing.T, raw string, events, chains int) {
	t.Helper()
	heads := 0
	n, err := audit.VerifyExport(strings.NewReader(raw), audit.Report{
		Broken: func(b audit.Break) { t.Error(b) }, Whole: func(audit.Head) { heads++ },
	})
	if err != nil || n != events || heads != chains {
		t.Errorf("%d events in %d chains, %v; want %d in %d", n, heads, err, events, chains)
	}
}

func TestAuditIsForThoseWhoManage(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		mine, theirs := newCrew(t, a, "Mine"), newCrew(t, a, "Theirs")
		for _, call := range []string{"/audit", "/audit/export"} {
			a.Unchanged(t, func() {
				mine.member.GET(mine.path+call).WantProblem(http.StatusForbidden, "forbidden")
				mine.owner.GET(theirs.path+call).WantProblem(http.StatusNotFound, "not_found")
				mine.owner.GET(theirs.path+call+"?user_id="+mine.ids["owner"]).WantProblem(http.StatusNotFound, "not_found")
				mine.owner.GET("/v1/admin"+call).WantProblem(http.StatusForbidden, "operator_required")
				a.Browser().GET(mine.path+call).WantProblem(http.StatusUnauthorized, "unauthenticated")
				a.Browser().GET("/v1/admin"+call).WantProblem(http.StatusUnauthorized, "unauthenticated")
			}, "outbox")
		}
		team := strings.TrimPrefix(mine.path, "/v1/teams/")
		for name, b := range map[string]*apptest.Browser{"owner": mine.owner, "admin": mine.admin} {
			lines, raw := exported(t, b, mine.path+"/audit/export") // chains what is not yet
			events := listed(t, b, mine.path+"/audit", 100, nil)
			wantWhole(t, raw, len(events), 1)
			// The same events, newest first, with names and personal values here, in their
			// order there.
			slices.Reverse(lines)
			for i, e := range events {
				delete(e, "actor")
				delete(e, "user")
				for _, name := range []string{"ip", "user_agent", "data"} {
					if shown, stored := e[name], lines[i][name]; name != "data" && (shown == "" || stored != "") {
						t.Errorf("%s: the list shows %q, the export %q", name, shown, stored)
					}
					delete(e, name)
					delete(lines[i], name)
				}
			}
			if !reflect.DeepEqual(events, lines) {
				t.Errorf("%s: listed and exported differ:\n%v\n%v", name, events, lines)
			}
			actions := map[string]int{}
			for _, e := range events {
				actions[e.text("action")]++
				if e.text("team_id") != team {
					t.Errorf("an event of another team: %v", e)
				}
			}
			if want := map[string]int{"team.created": 1, "invitation.created": 2, "invitation.accepted": 2}; actions["team.created"] != 1 || actions["invitation.created"] != 2 || actions["invitation.accepted"] != 2 {
				t.Errorf("%v, want at least %v", actions, want)
			}
		}

		// What was deleted is gone for its owner, and kept for operators.
		before := listed(t, mine.owner, mine.path+"/audit", 100, nil)
		mine.owner.DELETE(mine.path).Want(http.StatusNoContent)
		for _, call := range []string{"/audit", "/audit/export"} {
			mine.owner.GET(mine.path+call).WantProblem(http.StatusNotFound, "not_found")
		}
		grantOperator(t, a, theirs.ids["owner"])
		after := listed(t, theirs.owner, "/v1/admin/audit?team_id="+team, 100, nil)
		if len(after) != len(before)+1 || after[0].text("action") != "team.deleted" {
			t.Errorf("%d events, then %v", len(before), after)
		}
		_, raw := exported(t, theirs.owner, "/v1/admin/audit/export?team_id="+team)
		wantWhole(t, raw, len(after), 1)
		all, raw := exported(t, theirs.owner, "/v1/admin/audit/export")
		wantWhole(t, raw, a.Count("audit_events", "true"), 3)
		if all[0]["team_id"] != nil || all[0]["seq"] != float64(1) {
			t.Errorf("the deployment's chain does not come first: %v", all[0])
		}
	})
}

func TestAuditFilters(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		c := newCrew(t, a, "Keys")
		team := strings.TrimPrefix(c.path, "/v1/teams/")
		c.owner.PATCH(c.path+"/members/"+c.ids["member"], map[string]any{"role": "admin"}).Want(http.StatusOK)
		c.admin.PATCH(c.path, map[string]any{"name": "Locks"}).Want(http.StatusOK)
		grantOperator(t, a, c.ids["owner"])
		all := listed(t, c.owner, c.path+"/audit", 100, nil)
		renamed, promoted := all[0], all[1]
		everywhere := listed(t, c.owner, "/v1/admin/audit", 100, nil)

		for name, f := range map[string]struct {
			query string
			keep  func(e event) bool
		}{
			"user":    {"user_id=" + c.ids["member"], func(e event) bool { return e.text("user_id") == c.ids["member"] }},
			"actor":   {"actor_id=" + c.ids["admin"], func(e event) bool { return e.text("actor_id") == c.ids["admin"] }},
			"session": {"session_id=" + renamed.text("session_id"), func(e event) bool { return e.text("session_id") == renamed.text("session_id") }},
			"action":  {"action=invitation.accepted", func(e event) bool { return e.text("action") == "invitation.accepted" }},
			"ip":      {"ip=" + url.QueryEscape("::ffff:127.0.0.1"), func(e event) bool { return e.text("ip") == "127.0.0.1" }},
			"from":    {"from=" + promoted.text("at"), func(e event) bool { return e.text("at") >= promoted.text("at") }},
			"to":      {"to=" + promoted.text("at"), func(e event) bool { return e.text("at") < promoted.text("at") }},
			"several": {"action=team.updated&actor_id=" + c.ids["admin"], func(e event) bool { return e.text("action") == "team.updated" }},
			"none":    {"action=member.added&actor_id=" + team, func(event) bool { return false }},
		} {
			in := func(path string, from []event) {
				t.Helper()
				want := slices.DeleteFunc(slices.Clone(from), func(e event) bool { return !f.keep(e) })
				got := listed(t, c.owner, path+"?"+f.query, 100, nil)
				if len(got) != len(want) || name != "none" && len(want) == 0 {
					t.Errorf("%s by %s: %d, want %d", path, name, len(got), len(want))
				}
				lines, _ := exported(t, c.owner, path+"/export?"+f.query)
				if !slices.Equal(ids(got), ids(want)) || !slices.Equal(slices.Sorted(slices.Values(ids(lines))), slices.Sorted(slices.Values(ids(want)))) {
					t.Errorf("%s by %s: %v, want %v, exported %v", path, name, ids(got), ids(want), ids(lines))
				}
			}
			in(c.path+"/audit", all)
			in("/v1/admin/audit", everywhere)
		}
		for _, query := range []string{
			"ip=localhost", "ip=1.2.3.4.5", "from=yesterday", "to=2026-01-01", "user_id=me", "actor_id=1", "session_id=x", "action=", "cursor=x",
			"from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "from=2026-01-01T00:00:00Z&to=2026-01-01T00:00:00Z", "limit=0", "limit=101",
		} {
			c.owner.GET(c.path+"/audit?"+query).WantProblem(http.StatusBadRequest, "invalid_request")
			c.owner.GET("/v1/admin/audit?"+query).WantProblem(http.StatusBadRequest, "invalid_request")
			if strings.HasPrefix(query, "limit") || strings.HasPrefix(query, "cursor") {
				continue
			}
			c.owner.GET(c.path+"/audit/export?"+query).WantProblem(http.StatusBadRequest, "invalid_request")
			c.owner.GET("/v1/admin/audit/export?"+query).WantProblem(http.StatusBadRequest, "invalid_request")
		}
	})
}

// Pages lose nothing and repeat nothing while events are written.
func TestAuditPagesAreStable(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		c := newCrew(t, a, "Keys")
		grantOperator(t, a, c.ids["owner"])
		n := 0
		for _, path := range []string{c.path + "/audit", "/v1/admin/audit"} {
			want := listed(t, c.owner, path, 100, nil)
			got := listed(t, c.owner, path, 2, func() {
				n++
				c.owner.PATCH(c.path, map[string]any{"name": fmt.Sprint("Keys ", n)}).Want(http.StatusOK)
			})
			if n == 0 || !slices.Equal(ids(got), ids(want)) {
				t.Errorf("%s: %v, want %v", path, ids(got), ids(want))
			}
		}
	})
}

// No event holds a secret, and what clients say of themselves stays text.
func TestAuditHoldsNoSecretsAndNoMarkup(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		b := a.Browser()
		letter := b.StartEmail("ada@mail.example", "sign_in")
		b.EmailToken(letter.Token()).Want(http.StatusOK)
		secrets := []string{letter.Token(), b.Cookie("latchkey"), b.Cookie("latchkey-flow")}
		evil := b.With("User-Agent", "<script>alert(1)</script>\u009b31m\u2028")
		w := apptest.NewWallet(t)
		body := signed(t, w, evil.Challenge(w, "link"))
		verify(evil, body).Want(http.StatusOK)
		verify(evil, body).Want(http.StatusUnauthorized)
		secrets = append(secrets, b.Cookie("latchkey"), body["signature"].(string))
		codes := evil.POST("/v1/me/recovery-codes", nil)
		if codes.Len("codes") == 0 {
			t.Fatalf("no codes: %s", codes.Body)
		}
		for i := range codes.Len("codes") {
			secrets = append(secrets, codes.String(fmt.Sprint("codes.", i)))
		}
		team := evil.POST("/v1/teams", map[string]any{"name": "<script>alert(1)</script>"}).Want(http.StatusCreated).String("id")
		evil.POST("/v1/teams/"+team+"/sessions", nil).Want(http.StatusCreated)
		evil.POST("/v1/teams/"+team+"/invitations", map[string]any{"email": "max@mail.example", "role": "member"}).Want(http.StatusCreated)
		grantOperator(t, a, me(b))

		events, raw := exported(t, b, "/v1/admin/audit/export")
		wantWhole(t, raw, a.Count("audit_events", "true"), 2)
		if strings.ContainsAny(raw, "<>\r\x1b\a\u009b\u2028") || strings.Count(raw, "\n") != len(events) {
			t.Errorf("not inert: %q", raw)
		}
		list := b.GET("/v1/admin/audit?limit=100").Want(http.StatusOK)
		if strings.ContainsAny(string(list.Body), "<>\r\x1b\a\u009b\u2028") {
			t.Errorf("not inert: %q", list.Body)
		}
		for _, secret := range secrets {
			if secret == "" || strings.Contains(raw, secret) {
				t.Errorf("the trail holds %q", secret)
			}
		}
	})
}

package api_test

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/maxmind/mmdbwriter/mmdbtype"

	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

func TestTeamSessionsByFilter(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		a.Freeze()
		c := newCrew(t, a, "Keys")
		old := c.enter(c.member).Want(http.StatusCreated).String("id")
		a.Advance(time.Hour)
		for _, b := range []*apptest.Browser{c.admin, c.member} {
			b.GET("/v1/session").Want(http.StatusOK) // its use is written, here and not below
		}
		person := apptest.Person{Name: "Keys member", Email: "keys.member@gmail.com"}
		b := a.Browser().With("X-Forwarded-For", "2001:db8::7").With("User-Agent", firefox)
		b.Provider("google", "sign_in", person)
		far := c.enter(b).Want(http.StatusCreated)
		if far.String("ip") != "2001:db8::7" || far.String("device") != "Firefox on Linux" {
			t.Errorf("entered %s", far.Body)
		}
		own := c.enter(c.owner).Want(http.StatusCreated).String("id")
		for query, want := range map[string][]string{
			"":                           {own, far.String("id"), old},
			"user_id=" + c.ids["member"]: {far.String("id"), old},
			"device=firefox":             {far.String("id")},
			"device=%25":                 {},
			"network=" + url.QueryEscape("2001:db8::/32"): {far.String("id")},
			"network=127.0.0.0%2F8":                       {own, old},
			"older_than=3600":                             {old},
			"older_than=3601":                             {},
			"newer_than=3600":                             {own, far.String("id")},
			"provider=google&status=active&newer_than=9&network=" + url.QueryEscape("2001:db8::7/128"): {far.String("id")},
			"provider=siwe":  {},
			"status=revoked": {},
		} {
			list := c.owner.GET(c.path + "/sessions?" + query).Want(http.StatusOK)
			var got []string
			for i := range list.Len("data") {
				got = append(got, list.String("data."+strconv.Itoa(i)+".id"))
			}
			if strings.Join(got, " ") != strings.Join(want, " ") {
				t.Errorf("%s: %v, want %v", query, got, want)
			}
		}
		a.Unchanged(t, func() {
			for _, bad := range []string{"network=nowhere", "network=10.0.0.1%2F8", "older_than=0", "older_than=-1", "newer_than=x", "older_than=99999999999", "status=all", "device=" + strings.Repeat("x", 101)} {
				c.owner.GET(c.path+"/sessions?"+bad).WantProblem(http.StatusBadRequest, "invalid_request")
			}
			for _, bad := range []object{
				{}, {"filter": nil}, {"filter": object{"team_id": "x"}}, {"filter": object{"network": "10.0.0.1/8"}}, {"filter": object{"older_than": "1"}},
				{"filter": object{"user_id": "1"}}, {"filter": object{"role": "owner"}}, {"filter": object{}, "dry": true}, {"filter": []any{}},
				{"filter": object{"ids": []any{}}}, {"filter": object{"ids": []any{"1"}}}, {"filter": object{}, "at_most": -1},
				{"filter": object{}, "as_of": "now"}, {"filter": object{}, "as_of": "0001-01-01T00:00:00Z"}, {"filter": object{}, "as_of": "9999-12-31T23:59:59-23:59"},
			} {
				c.owner.POST(c.path+"/sessions/revoke", bad).WantProblem(http.StatusBadRequest, "invalid_request")
			}
			c.member.POST(c.path+"/sessions/revoke", object{"filter": object{}}).WantProblem(http.StatusForbidden, "forbidden")
		})

		revoke := func(by *apptest.Browser, filter object) *apptest.Answer {
			t.Helper()
			var dry *apptest.Answer
			a.Unchanged(t, func() {
				dry = by.POST(c.path+"/sessions/revoke", object{"filter": filter, "dry_run": true}).Want(http.StatusOK)
			})
			real := by.POST(c.path+"/sessions/revoke", object{"filter": filter}).Want(http.StatusOK)
			for _, field := range []string{"count", "skipped", "ids.0", "ids.1", "sessions.0.id"} {
				if dry.Get(field) != real.Get(field) {
					t.Errorf("%s: the dry run returned %s, the call %s", field, dry.Body, real.Body)
				}
			}
			return real
		}
		if got := revoke(c.admin, object{"network": "127.0.0.0/8", "device": "go"}); got.Get("count") != 1.0 || got.String("ids.0") != old || got.Get("skipped") != 1.0 {
			t.Errorf("ended %s", got.Body)
		}
		if c.member.GET("/v1/session").Get("team_session") != nil || b.GET("/v1/session").Get("team_session") == nil {
			t.Error("the wrong ones are out")
		}
		if got := revoke(c.owner, object{"status": "revoked"}); got.Get("count") != 0.0 || got.Len("sessions") != 0 {
			t.Errorf("ended %s", got.Body)
		}
		if got := revoke(c.owner, object{"ids": []any{old, me(c.owner)}}); got.Get("count") != 0.0 {
			t.Errorf("ended %s", got.Body)
		}
		if got := revoke(c.owner, object{"others": true}); got.Get("count") != 1.0 || got.String("ids.0") != far.String("id") {
			t.Errorf("ended %s", got.Body)
		}
		if got := revoke(c.owner, object{}); got.Get("count") != 1.0 || got.String("ids.0") != own {
			t.Errorf("ended %s", got.Body)
		}
		if got := revoke(c.owner, object{}); got.Get("count") != 0.0 || got.Len("ids") != 0 {
			t.Errorf("ended %s", got.Body)
		}
	}, "LATCHKEY_TRUSTED_PROXIES=127.0.0.0/8,::1")
}

// What was confirmed ends, and nothing that came after.
func TestRevokingEndsNoMoreThanTheDryRunTold(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		a.Freeze()
		c := newCrew(t, a, "Keys")
		boss := a.Browser()
		boss.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
		a.Exec("UPDATE users SET operator = true WHERE id = '%s'", me(boss))
		c.enter(c.owner).Want(http.StatusCreated)
		named := c.enter(c.admin).Want(http.StatusCreated).String("id")
		for _, at := range []struct {
			path string
			by   *apptest.Browser
		}{{c.path + "/sessions/revoke", c.owner}, {"/v1/admin/sessions/revoke", boss}} { // who ends everybody's comes last
			path, by := at.path, at.by
			a.Advance(time.Second)
			dry := by.POST(path, object{"filter": object{"others": true, "newer_than": 3600}, "dry_run": true}).Want(http.StatusOK)
			a.Advance(time.Second)
			late := a.Browser()
			late.Provider("google", "sign_in", apptest.Person{Name: "Keys member", Email: "keys.member@gmail.com"})
			c.enter(late).Want(http.StatusCreated)
			real := object{"filter": object{"others": true, "newer_than": 3600}, "as_of": dry.Get("as_of"), "at_most": dry.Get("count")}
			a.Unchanged(t, func() {
				fewer := object{"filter": object{"others": true}, "at_most": 0}
				by.POST(path, fewer).WantProblem(http.StatusConflict, "sessions_changed")
			})
			got := by.POST(path, real).Want(http.StatusOK)
			if got.Get("count") != dry.Get("count") || got.String("ids.0") != dry.String("ids.0") || got.Get("as_of") != nil {
				t.Errorf("%s: listed %s, ended %s", path, dry.Body, got.Body)
			}
			if late.GET("/v1/session").Want(http.StatusOK).Get("team_session") == nil {
				t.Errorf("%s ended who came after the dry run", path)
			}
		}
		if a.Count("team_sessions", "id = '%s' AND end_reason = 'revoked'", named) != 1 {
			t.Error("who was named is in")
		}
	})
}

func TestOperatorsEndSessions(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		c := newCrew(t, a, "Keys")
		boss := a.Browser()
		boss.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
		of := func(b *apptest.Browser) string { return b.GET("/v1/session").Want(http.StatusOK).String("session.id") }
		victim := of(c.member)
		c.enter(c.member).Want(http.StatusCreated)
		everyone := object{"filter": object{}}
		a.Unchanged(t, func() {
			for _, b := range []*apptest.Browser{boss, c.owner} {
				b.DELETE("/v1/admin/sessions/"+victim).WantProblem(http.StatusForbidden, "operator_required")
				b.POST("/v1/admin/sessions/revoke", everyone).WantProblem(http.StatusForbidden, "operator_required")
			}
		})
		a.Exec("UPDATE users SET operator = true WHERE id = '%s'", me(boss))
		boss.DELETE("/v1/admin/sessions/00000000-0000-7000-8000-000000000000").WantProblem(http.StatusNotFound, "not_found")
		for range 2 { // twice is no error
			boss.DELETE("/v1/admin/sessions/" + victim).Want(http.StatusNoContent)
		}
		c.member.GET("/v1/session").WantProblem(http.StatusUnauthorized, "unauthenticated")
		if a.Count("team_sessions", "ended_at IS NULL") != 0 || a.Count("audit_events", "action = 'session.ended' AND user_id = '%s'", c.ids["member"]) != 1 {
			t.Error("the team session went on, or there is no event")
		}
		if got := boss.GET("/v1/admin/sessions?device=go&network=127.0.0.0%2F8&newer_than=600&provider=google&status=active").Want(http.StatusOK); got.Len("data") != 2 {
			t.Errorf("listed %s", got.Body)
		}
		var dry *apptest.Answer
		a.Unchanged(t, func() {
			dry = boss.POST("/v1/admin/sessions/revoke", object{"filter": object{"others": true}, "dry_run": true}).Want(http.StatusOK)
		})
		real := boss.POST("/v1/admin/sessions/revoke", object{"filter": object{"others": true}}).Want(http.StatusOK)
		if dry.Get("count") != 2.0 || real.Get("count") != 2.0 || dry.String("ids.0") != real.String("ids.0") || dry.String("ids.1") != real.String("ids.1") || real.String("sessions.0.status") != "active" {
			t.Errorf("would end %s, ended %s", dry.Body, real.Body)
		}
		for role, b := range map[string]*apptest.Browser{"owner": c.owner, "admin": c.admin} {
			b.GET("/v1/session").WantProblem(http.StatusUnauthorized, "unauthenticated")
			// Their history says why.
			for _, path := range []string{"/v1/admin/users/" + c.ids[role] + "/history?limit=1", "/v1/admin/audit?limit=1&user_id=" + c.ids[role]} {
				if got := boss.GET(path).Want(http.StatusOK); got.String("data.0.action") != "session.ended" || got.String("data.0.data.reason") != "ended_by_operator" || got.Len("data.0.data.ended_session_ids") != 1 {
					t.Errorf("%s: %s", path, got.Body)
				}
			}
		}
		boss.POST("/v1/admin/sessions/revoke", object{"filter": object{"network": "127.0.0.0/7"}}).WantProblem(http.StatusBadRequest, "invalid_request")
		boss.POST("/v1/admin/sessions/revoke", everyone).Want(http.StatusOK)
		boss.GET("/v1/session").WantProblem(http.StatusUnauthorized, "unauthenticated")
	})
}

func TestPlacesOfSessions(t *testing.T) {
	t.Parallel()
	file := apptest.GeoIPFile(t, "GeoLite2-City", map[string]mmdbtype.Map{"198.18.0.0/24": apptest.GeoIPPlace("Berlin", "DE")})
	a := apptest.SQLite(t, "LATCHKEY_TRUSTED_PROXIES=127.0.0.0/8,::1", "LATCHKEY_GEOIP_FILE="+file)
	w := apptest.NewWallet(t)
	b := a.Browser().With("X-Forwarded-For", "198.18.0.9")
	if got := b.Wallet(w, "sign_in").Want(http.StatusOK); got.String("session.place") != "Berlin, DE" {
		t.Errorf("came from %s", got.Body)
	}
	team := b.POST("/v1/teams", object{"name": "Keys"}).Want(http.StatusCreated).String("id")
	b.POST("/v1/teams/"+team+"/sessions", nil).Want(http.StatusCreated)
	for path, field := range map[string]string{"/v1/session": "team_session.place", "/v1/me/sessions": "data.0.place", "/v1/teams/" + team + "/sessions": "data.0.place"} {
		if got := b.GET(path).Want(http.StatusOK); got.String(field) != "Berlin, DE" {
			t.Errorf("%s: %s", path, got.Body)
		}
	}
	unknown := a.Browser().With("X-Forwarded-For", "198.18.1.9")
	if got := unknown.Wallet(w, "sign_in").Want(http.StatusOK); got.Get("session.place") != nil {
		t.Errorf("came from %s", got.Body)
	}
}

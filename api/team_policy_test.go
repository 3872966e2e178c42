package api_test

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

type object = map[string]any

func (c crew) put(b *apptest.Browser, policy object) *apptest.Answer {
	return b.Do(http.MethodPut, c.path+"/policy", policy)
}

func (c crew) enter(b *apptest.Browser) *apptest.Answer { return b.POST(c.path+"/sessions", nil) }

// refused asserts a refusal by the policy.
func refused(t *testing.T, a *apptest.Answer, rule string, missing ...string) {
	t.Helper()
	a.WantProblem(http.StatusForbidden, "policy_unsatisfied")
	if got := a.String("rule"); got != rule || a.Len("missing") != len(missing) || len(missing) > 0 && a.String("missing.0") != missing[0] {
		t.Errorf("refused by %s, want %s %v", a.Body, rule, missing)
	}
}

// A company's rule: Google and a wallet. Tightening shows whom it ends, ends
// exactly those, and sessions that satisfy it are allowed.
func TestTeamPolicy(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		c := newCrew(t, a, "Keys")
		w := apptest.NewWallet(t)
		c.member.Wallet(w, "link").Want(http.StatusOK)
		ids := map[string]bool{}
		for _, b := range []*apptest.Browser{c.owner, c.admin} {
			ids[c.enter(b).Want(http.StatusCreated).String("id")] = true
		}
		stays := c.enter(c.member).Want(http.StatusCreated).String("id")
		rule := object{"required_providers": []string{"google", "siwe"}}
		a.Unchanged(t, func() {
			dry := c.put(c.owner, object{"required_providers": []string{"google", "siwe"}, "dry_run": true}).Want(http.StatusOK)
			if dry.Get("ended.count") != 2.0 || dry.Len("ended.ids") != 2 || !ids[dry.String("ended.ids.0")] || !ids[dry.String("ended.ids.1")] || dry.String("ended.sessions.0.user.display_name") == "" {
				t.Errorf("would end %s", dry.Body)
			}
		})
		c.put(c.admin, rule).Want(http.StatusForbidden) // their own session would not satisfy it
		real := c.put(c.owner, rule).Want(http.StatusOK)
		if real.Get("ended.count") != 2.0 || !ids[real.String("ended.ids.0")] || !ids[real.String("ended.ids.1")] || real.String("required_providers.1") != "siwe" {
			t.Errorf("ended %s", real.Body)
		}
		if n := a.Count("team_sessions", "ended_at IS NULL"); n != 1 {
			t.Errorf("%d team sessions are open", n)
		}
		if a.Count("audit_events", "action = 'team.policy_changed'") != 1 || a.Count("audit_events", "action = 'team_session.revoked' AND user_id IN ('%s', '%s')", c.ids["owner"], c.ids["admin"]) != 2 {
			t.Error("a change is one event, and one more for each user whose sessions end")
		}
		if got := c.member.GET("/v1/session").String("team_session.id"); got != stays {
			t.Errorf("who satisfies it is in %q", got)
		}

		shown := c.admin.GET("/v1/session").Want(http.StatusOK)
		if shown.Get("team_session") != nil || shown.String("team_refusal.rule") != "required_providers" || shown.String("team_refusal.missing.0") != "siwe" || shown.String("team_refusal.team_id") != c.path[len("/v1/teams/"):] {
			t.Errorf("shown %s", shown.Body)
		}
		a.Unchanged(t, func() {
			refused(t, c.enter(c.admin), "required_providers", "siwe")
			for _, call := range []struct{ method, path string }{
				{"GET", ""}, {"PATCH", ""}, {"DELETE", ""}, {"PUT", "/policy"}, {"GET", "/sessions"}, {"DELETE", "/sessions/" + stays},
				{"GET", "/members"}, {"PATCH", "/members/" + c.ids["member"]}, {"DELETE", "/members/" + c.ids["member"]},
				{"GET", "/invitations"}, {"POST", "/invitations"}, {"DELETE", "/invitations/" + stays},
			} {
				b := map[string]any{
					"PATCH": object{"name": "Mine"}, "PATCH/members/" + c.ids["member"]: object{"role": "member"},
					"PUT/policy": object{}, "POST/invitations": object{"email": "x@gmail.com", "role": "member"},
				}[call.method+call.path]
				for _, who := range []*apptest.Browser{c.admin, c.owner} {
					refused(t, who.Do(call.method, c.path+call.path, b), "required_providers", "siwe")
				}
			}
			if got := c.admin.GET(c.path + "/policy").Want(http.StatusOK); got.String("required_providers.1") != "siwe" {
				t.Errorf("what is asked: %s", got.Body)
			}
		})
		// A step-up by what is missing is all it takes.
		mine := apptest.NewWallet(t)
		c.admin.Wallet(mine, "link").Want(http.StatusOK)
		c.enter(c.admin).Want(http.StatusCreated)
		if got := c.admin.GET("/v1/session"); got.Get("team_refusal") != nil || got.Get("team_session") == nil {
			t.Errorf("shown %s", got.Body)
		}
		c.admin.GET(c.path + "/members").Want(http.StatusOK)
		again := a.Browser()
		again.Wallet(mine, "sign_in").Want(http.StatusOK)
		refused(t, c.enter(again), "required_providers", "google")
		if to := again.Provider("google", "step_up", apptest.Person{Name: "Keys admin", Email: "keys.admin@gmail.com"}); to.Query().Has("error") {
			t.Fatalf("step-up led to %s", to)
		}
		c.enter(again).Want(http.StatusCreated)
		// Leaving is always possible.
		left := a.Browser()
		left.Wallet(w, "sign_in").Want(http.StatusOK)
		refused(t, left.GET(c.path), "required_providers", "google")
		left.DELETE(c.path + "/members/" + c.ids["member"]).Want(http.StatusNoContent)
		left.GET(c.path+"/policy").WantProblem(http.StatusNotFound, "not_found")
	})
}

func TestTeamPolicyOfTimeAndPlace(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		a.Freeze()
		c := newCrew(t, a, "Keys")
		at := func(b *apptest.Browser, ip string) *apptest.Browser { return b.With("X-Forwarded-For", ip) }
		c.put(c.owner, object{"allowed_networks": []string{"192.0.2.0/24", "2001:db8::/32"}, "max_age": 600}).Want(http.StatusOK)
		for ip, in := range map[string]bool{
			"192.0.2.1": true, "192.0.2.255": true, "::ffff:192.0.2.7": true, "2001:db8:ffff::1": true,
			"192.0.3.0": false, "2001:db9::": false, "::ffff:192.0.3.1": false, "127.0.0.1": false,
		} {
			answer := at(c.member, ip).POST(c.path+"/sessions", nil)
			if !in {
				refused(t, answer, "allowed_networks")
				refused(t, at(c.member, ip).GET(c.path), "allowed_networks")
			} else if answer.Status >= 300 {
				t.Errorf("%s: %s", ip, answer.Body)
			}
			if got := at(c.member, ip).GET("/v1/session"); (got.Get("team_session") != nil) != in {
				t.Errorf("%s: %s", ip, got.Body)
			}
		}
		inside := at(c.member, "192.0.2.9")
		a.Advance(599 * time.Second)
		inside.GET(c.path).Want(http.StatusOK)
		a.Advance(time.Second)
		refused(t, inside.GET(c.path), "max_age")
		refused(t, c.enter(inside), "max_age")
		if got := inside.GET("/v1/session").Want(http.StatusOK); got.String("team_refusal.rule") != "max_age" {
			t.Errorf("shown %s", got.Body)
		}
		if to := inside.Provider("google", "sign_in", apptest.Person{Name: "Keys member", Email: "keys.member@gmail.com"}); to.Query().Has("error") {
			t.Fatal(to)
		}
		c.enter(inside).Want(http.StatusCreated)
	}, "LATCHKEY_TRUSTED_PROXIES=127.0.0.0/8,::1")
}

func TestExclusiveTeamSessions(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		c := newCrew(t, a, "Keys")
		person := apptest.Person{Name: "Keys member", Email: "keys.member@gmail.com"}
		devices := make([]*apptest.Browser, 50)
		for i := range devices {
			devices[i] = google(t, a, person)
		}
		for _, b := range devices[:3] {
			c.enter(b).Want(http.StatusCreated)
		}
		c.enter(c.admin).Want(http.StatusCreated)
		if got := c.put(c.owner, object{"exclusive": true}).Want(http.StatusOK); got.Get("ended.count") != 2.0 {
			t.Errorf("ended %s", got.Body) // all but the newest
		}
		c.enter(devices[2]).Want(http.StatusOK) // is the one that stayed
		var wg sync.WaitGroup
		for _, b := range devices {
			wg.Go(func() {
				if answer := c.enter(b); answer.Status >= 300 {
					t.Errorf("entering: %s", answer.Body)
				}
			})
		}
		wg.Wait()
		if n := a.Count("team_sessions", "user_id = '%s' AND ended_at IS NULL", c.ids["member"]); n != 1 {
			t.Errorf("%d team sessions of one member", n)
		}
		in := 0
		for _, b := range devices {
			if b.GET("/v1/session").Get("team_session") != nil {
				in++
			}
		}
		if in != 1 || c.admin.GET("/v1/session").Get("team_session") == nil {
			t.Errorf("%d devices are in", in)
		}
	})
}

func TestBreakGlass(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		c := newCrew(t, a, "Keys")
		second := google(t, a, apptest.Person{Name: "Second", Email: "second@gmail.com"})
		c.join(t, second, "second@gmail.com", "owner")
		glass := object{"break_glass": true}
		c.put(c.owner, object{"required_providers": []string{"siwe"}}).Want(http.StatusOK)
		a.Unchanged(t, func() {
			for _, b := range []*apptest.Browser{c.admin, c.member} {
				b.POST(c.path+"/sessions", glass).WantProblem(http.StatusForbidden, "forbidden")
			}
			c.owner.POST(c.path+"/sessions", object{"break_glass": "yes"}).WantProblem(http.StatusBadRequest, "invalid_request")
			c.owner.POST(c.path+"/sessions", object{"break_glass": true, "user_id": c.ids["member"]}).WantProblem(http.StatusBadRequest, "invalid_request")
			refused(t, c.enter(c.owner), "required_providers", "siwe")
		})
		stale := google(t, a, apptest.Person{Name: "Keys owner", Email: "keys.owner@gmail.com"})
		a.Advance(11 * time.Minute)
		stale.POST(c.path+"/sessions", glass).WantProblem(http.StatusForbidden, "reauth_required")
		fresh := google(t, a, apptest.Person{Name: "Keys owner", Email: "keys.owner@gmail.com"})
		if got := fresh.POST(c.path+"/sessions", glass).Want(http.StatusCreated); got.String("break_glass_until") == "" {
			t.Errorf("entered %s", got.Body)
		}
		if a.Count("audit_events", "action = 'team.glass_broken'") != 1 {
			t.Error("the glass was broken quietly")
		}
		a.WaitLetter(t, "second@gmail.com", "policy does not apply to them", "emergency access")
		if list := fresh.GET(c.path + "/sessions").Want(http.StatusOK); list.String("data.0.break_glass_until") == "" {
			t.Errorf("listed as %s", list.Body)
		}
		// It stays open through a change of policy, and no longer than an hour.
		if got := c.put(fresh, object{"required_providers": []string{"siwe", "github"}}).Want(http.StatusOK); got.Get("ended.count") != 0.0 {
			t.Errorf("ended %s", got.Body)
		}
		if got := fresh.GET("/v1/session"); got.String("team_session.break_glass_until") == "" {
			t.Errorf("shown %s", got.Body)
		}
		a.Advance(time.Hour)
		refused(t, fresh.GET(c.path), "required_providers", "siwe", "github")
		refused(t, c.enter(fresh), "required_providers", "siwe", "github")
		// An owner who is one no more has no glass.
		fresh = google(t, a, apptest.Person{Name: "Keys owner", Email: "keys.owner@gmail.com"})
		fresh.POST(c.path+"/sessions", glass).Want(http.StatusCreated)
		a.Exec("UPDATE memberships SET role = 'admin' WHERE user_id = '%s'", c.ids["owner"])
		refused(t, fresh.GET(c.path), "required_providers", "siwe", "github")
	})
}

// Who sets a policy, and with what session.
func TestWhoSetsAPolicy(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		c, theirs := newCrew(t, a, "Keys"), newCrew(t, a, "Theirs")
		a.Unchanged(t, func() {
			c.put(c.member, object{}).WantProblem(http.StatusForbidden, "forbidden")
			theirs.put(c.owner, object{}).WantProblem(http.StatusNotFound, "not_found")
			c.owner.GET(theirs.path+"/policy").WantProblem(http.StatusNotFound, "not_found")
			refused(t, c.put(c.admin, object{"allowed_networks": []string{"192.0.2.0/24"}}), "allowed_networks")
			refused(t, c.put(c.admin, object{"required_providers": []string{"siwe"}, "dry_run": true}), "required_providers", "siwe")
			for _, bad := range []object{
				{"max_age": 0}, {"max_age": -1}, {"max_age": 1.5}, {"max_age": "1"}, {"max_age": 1 << 40}, {"max_age": nil}, {"idle": 59}, {"idle": 1 << 62},
				{"required_providers": []string{"myspace"}}, {"required_providers": []string{"google", "google"}}, {"required_providers": "google"}, {"required_providers": []string{""}},
				{"allowed_networks": []string{"10.0.0.1/8"}}, {"allowed_networks": []string{"10.0.0.0"}}, {"allowed_networks": []string{"::ffff:10.0.0.0/104"}},
				{"allowed_networks": []string{"10.0.0.0/33"}}, {"allowed_networks": []string{"2001:DB8::/32"}}, {"allowed_networks": []string{"fe80::1%eth0/128"}}, {"allowed_networks": []string{"10.0.0.0/08"}},
				{"allowed_networks": []string{"10.0.0.0/8", "10.0.0.0/8"}}, {"allowed_networks": []string{"10.0.0.0/8 192.0.2.0/24"}}, {"allowed_networks": []any{1}},
				{"exclusive": "true"}, {"exclusive": nil}, {"dry_run": 1}, {"updated_by": c.ids["member"]}, {"team_id": c.ids["owner"]}, {"max_ages": 5},
			} {
				c.put(c.owner, bad).WantProblem(http.StatusBadRequest, "invalid_request")
			}
		})
		whole := object{
			"max_age": 43200, "idle": 3600, "required_providers": []string{"google"}, "allowed_networks": []string{"127.0.0.0/8", "::1/128"},
			"exclusive": true, "require_fresh_for_admin": true,
		}
		c.put(c.admin, whole).Want(http.StatusOK)
		c.put(c.admin, whole).Want(http.StatusOK) // changes nothing, and says nothing
		if n := a.Count("audit_events", "action = 'team.policy_changed'"); n != 1 {
			t.Errorf("%d changes", n)
		}
		if got := c.member.GET(c.path + "/policy").Want(http.StatusOK); got.Get("max_age") != 43200.0 || got.Get("idle") != 3600.0 || got.String("allowed_networks.1") != "::1/128" || got.Get("exclusive") != true {
			t.Errorf("policy %s", got.Body)
		}
		// Later: an admin's changes need a fresh session, and so does loosening.
		a.Advance(11 * time.Minute)
		a.Unchanged(t, func() {
			refused(t, c.admin.PATCH(c.path, object{"name": "New"}), "require_fresh_for_admin")
			refused(t, c.put(c.owner, object{}), "require_fresh_for_admin")
			c.admin.GET(c.path + "/members").Want(http.StatusOK)
		}, "sessions")
		c.owner = google(t, a, apptest.Person{Name: "Keys owner", Email: "keys.owner@gmail.com"})
		delete(whole, "require_fresh_for_admin")
		c.put(c.owner, whole).Want(http.StatusOK)
		a.Advance(11 * time.Minute)
		a.Unchanged(t, func() {
			for _, looser := range []object{{}, {"max_age": 43201}, {"allowed_networks": []string{"126.0.0.0/7"}}, {"required_providers": []string{}}, {"exclusive": false}, {"idle": 3601}} {
				for key, v := range whole {
					if _, has := looser[key]; !has && len(looser) > 0 {
						looser[key] = v
					}
				}
				c.put(c.owner, looser).WantProblem(http.StatusForbidden, "reauth_required")
			}
		}, "sessions")
		whole["max_age"] = 3600
		c.put(c.owner, whole).Want(http.StatusOK) // tightening does not
	})
}

// Sessions that have grown too old for the team are listed as refused, are found and
// ended as such, and are active again once their member signs in again.
func TestRefusedTeamSessionsAreListed(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		c := newCrew(t, a, "Keys")
		for _, b := range []*apptest.Browser{c.owner, c.member} {
			c.enter(b).Want(http.StatusCreated)
		}
		c.put(c.owner, object{"max_age": 3600}).Want(http.StatusOK)
		a.Advance(time.Hour)
		boss := google(t, a, apptest.Person{Name: "Keys owner", Email: "keys.owner@gmail.com"})
		c.enter(boss).Want(http.StatusCreated)
		list := func(status string) *apptest.Answer {
			return boss.GET(c.path + "/sessions?status=" + status).Want(http.StatusOK)
		}
		if got := list("refused"); got.Len("data") != 2 || got.String("data.0.status") != "refused" || got.String("data.1.refusal.rule") != "max_age" {
			t.Errorf("refused are %s", got.Body)
		}
		if got := list("active"); got.Len("data") != 1 || got.String("data.0.status") != "active" || got.Get("data.0.refusal") != nil {
			t.Errorf("active are %s", got.Body)
		}
		revoke := func(filter object, dryRun bool) *apptest.Answer {
			return boss.POST(c.path+"/sessions/revoke", object{"filter": filter, "dry_run": dryRun}).Want(http.StatusOK)
		}
		for _, row := range []struct {
			filter object
			count  float64
		}{{object{}, 3}, {object{"status": "active"}, 1}, {object{"status": "refused"}, 2}, {object{"status": "refused", "others": true}, 1}} {
			if got := revoke(row.filter, true); got.Get("count") != row.count {
				t.Errorf("%v: %s", row.filter, got.Body)
			}
		}
		if got := revoke(object{"status": "refused"}, false); got.Get("count") != 2.0 || list("refused").Len("data") != 0 {
			t.Errorf("ended %s", got.Body)
		}
		op := operator(t, a)
		op.GET("/v1/admin/sessions?status=refused").WantProblem(http.StatusBadRequest, "invalid_request")
		op.POST("/v1/admin/sessions/revoke", object{"filter": object{"status": "refused"}}).WantProblem(http.StatusBadRequest, "invalid_request")
	})
}

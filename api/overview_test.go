package api_test

import (
	"net/http"
	"testing"

	"github.com/latchkey/latchkey/identity/audit"
	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

func TestOperatorOverviewTeamsAndSearch(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		c := newCrew(t, a, "Figured")
		boss := operator(t, a)
		google(t, a, apptest.Person{Name: "Héloïse 100% Sure", Email: "sure.person@gmail.com"})
		c.owner.POST(c.path+"/sessions", nil).Want(http.StatusCreated)
		if err := audit.NewService(a.DB).SealAll(t.Context()); err != nil {
			t.Fatal(err)
		}

		got := boss.GET("/v1/admin/overview").Want(http.StatusOK)
		for field, want := range map[string]float64{
			"users.new": got.Get("users.total").(float64), "sessions.in_teams": 1, "teams": 1, "duplicates": 0, "merges": 0, "mail.waiting": got.Get("mail.waiting").(float64),
			"sign_ins.last_day": got.Get("sign_ins.days.29.providers.0.count").(float64), "refusals.last_day": 0, "webhooks.enabled": 0,
		} {
			if got.Get(field) != want {
				t.Errorf("%s: %v, want %v", field, got.Get(field), want)
			}
		}
		if got.Len("sign_ins.days") != 30 || got.String("sign_ins.days.29.providers.0.provider") != "google" || got.String("database") == "" || got.String("version") == "" {
			t.Errorf("%s", got.Body)
		}
		if got.Get("sign_ins.last_day").(float64) < 4 || got.Get("users.total").(float64) < 5 {
			t.Errorf("%s", got.Body)
		}
		c.owner.GET("/v1/admin/overview").WantProblem(http.StatusForbidden, "operator_required")

		if list := boss.GET("/v1/admin/teams?search=FIGUR").Want(http.StatusOK); list.Len("data") != 1 || list.Get("data.0.members") != 3.0 || list.Get("data.0.sessions") != 1.0 {
			t.Errorf("%s", list.Body)
		}
		c.owner.GET("/v1/admin/teams").WantProblem(http.StatusForbidden, "operator_required")
		for search, want := range map[string]int{"0%25%20su": 1, "URE.PERSON": 1, "%25%25": 0, "s_re": 0, "nobody": 0} {
			if list := boss.GET("/v1/admin/users?search=" + search).Want(http.StatusOK); list.Len("data") != want {
				t.Errorf("%s: %s", search, list.Body)
			}
		}
		if list := boss.GET("/v1/admin/teams?search=%25").Want(http.StatusOK); list.Len("data") != 0 {
			t.Errorf("%s", list.Body)
		}
	})
}

// Who has the cookie of a session gets to know how it ended; a bearer token does not say.
func TestEndingOfASession(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		who := apptest.Person{Name: "Twice", Email: "twice@gmail.com"}
		one, other := google(t, a, who), google(t, a, who)
		id := one.GET("/v1/session").Want(http.StatusOK).String("session.id")
		other.DELETE("/v1/me/sessions/" + id).Want(http.StatusNoContent)
		ended := one.GET("/v1/session").WantProblem(http.StatusUnauthorized, "unauthenticated")
		if ended.String("ended.reason") != "ended_by_user" || ended.String("ended.at") == "" {
			t.Errorf("%s", ended.Body)
		}
		if silent := one.GET("/v1/me").WantProblem(http.StatusUnauthorized, "unauthenticated"); silent.Get("ended") != nil {
			t.Errorf("%s", silent.Body)
		}
		if silent := a.Browser().GET("/v1/session").WantProblem(http.StatusUnauthorized, "unauthenticated"); silent.Get("ended") != nil {
			t.Errorf("%s", silent.Body)
		}
	})
}

func TestResendInvitation(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		c := newCrew(t, a, "Resent")
		first := c.owner.POST(c.path+"/invitations", map[string]any{"email": "late@gmail.com", "role": "admin"}).Want(http.StatusCreated)
		c.member.POST(c.path+"/invitations/"+first.String("id")+"/resend", nil).Want(http.StatusForbidden)
		again := c.admin.POST(c.path+"/invitations/"+first.String("id")+"/resend", nil).Want(http.StatusOK)
		if again.String("id") == first.String("id") || again.String("email") != "late@gmail.com" || again.String("role") != "admin" || again.String("mail") != "queued" {
			t.Errorf("%s", again.Body)
		}
		a.WaitMail(t, "late@gmail.com", 1)
		if list := c.owner.GET(c.path + "/invitations").Want(http.StatusOK); list.Len("data") != 1 || list.String("data.0.id") != again.String("id") {
			t.Errorf("%s", list.Body)
		}
		c.owner.POST(c.path+"/invitations/"+first.String("id")+"/resend", nil).WantProblem(http.StatusConflict, "invitation_closed")
		other := newCrew(t, a, "Elsewhere")
		other.owner.POST(other.path+"/invitations/"+again.String("id")+"/resend", nil).Want(http.StatusNotFound)
	})
}

// One of some methods is enough; the preview says how much of the team it ends.
func TestPolicyAnyOf(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		c := newCrew(t, a, "Any")
		for _, b := range []*apptest.Browser{c.owner, c.member} {
			b.POST(c.path+"/sessions", nil).Want(http.StatusCreated)
		}
		put := func(body map[string]any) *apptest.Answer { return c.owner.Do(http.MethodPut, c.path+"/policy", body) }
		put(map[string]any{"any_of": []string{"nobody"}}).WantProblem(http.StatusBadRequest, "invalid_request")
		seen := put(map[string]any{"any_of": []string{"github", "siwe"}, "dry_run": true}).Want(http.StatusOK)
		for field, want := range map[string]float64{"affected.sessions": 2, "affected.sessions_total": 2, "affected.members": 2, "affected.members_total": 3} {
			if seen.Get(field) != want {
				t.Errorf("%s: %v, want %v", field, seen.Get(field), want)
			}
		}
		put(map[string]any{"any_of": []string{"github", "google"}}).Want(http.StatusOK)
		c.member.GET(c.path).Want(http.StatusOK)
		put(map[string]any{"any_of": []string{"github", "siwe"}}).Want(http.StatusOK)
		refused := c.member.GET(c.path).WantProblem(http.StatusForbidden, "policy_unsatisfied")
		if refused.String("rule") != "any_of" || refused.Len("missing") != 2 {
			t.Errorf("%s", refused.Body)
		}
	})
}

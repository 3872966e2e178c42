package api_test

import (
	"net/http"
	"testing"

	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

func TestHistoryTellsWhy(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		b := a.Browser()
		b.Provider("google", "sign_in", apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
		b.Wallet(apptest.NewWallet(t), "link").Want(http.StatusOK)
		me := b.GET("/v1/me").String("id")
		b.GET("/v1/admin/users/"+me+"/history").WantProblem(http.StatusForbidden, "operator_required")
		a.Exec("UPDATE users SET operator = true WHERE id = '%s'", me)
		list := b.GET("/v1/admin/users/" + me + "/history").Want(http.StatusOK)
		reasons := map[string]bool{}
		for i := range list.Len("data") {
			at := "data." + string(rune('0'+i))
			reasons[list.String(at+".action")+" "+list.String(at+".data.reason")] = true
			if len(list.String(at+".data.inputs")) != 32 {
				t.Errorf("no fingerprint: %s", list.Body)
			}
		}
		for _, want := range []string{"user.created new_person", "identity.linked linked_by_fresh_session", "session.created new_person"} {
			if !reasons[want] {
				t.Errorf("no %q in %v", want, reasons)
			}
		}
	})
}

func TestExplainIsADryRun(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		b := a.Browser()
		b.Provider("google", "sign_in", apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
		me := b.GET("/v1/me").String("id")
		ask := map[string]any{"provider": "github", "subject": "4711", "verified_email": "Ada@gmail.com"}
		b.POST("/v1/admin/decisions", ask).WantProblem(http.StatusForbidden, "operator_required")
		a.Exec("UPDATE users SET operator = true WHERE id = '%s'", me)
		a.Unchanged(t, func() {
			// GitHub has a policy of its own here, Google the common one.
			refused := b.POST("/v1/admin/decisions", ask).Want(http.StatusOK)
			if refused.String("action") != "refuse" || refused.String("reason") != "policy_off" || refused.String("user_id") != me {
				t.Errorf("github: %s", refused.Body)
			}
			ask["provider"] = "gitlab"
			joined := b.POST("/v1/admin/decisions", ask).Want(http.StatusOK)
			if joined.String("action") != "join" || joined.String("user_id") != me || joined.Get("code") != nil {
				t.Errorf("gitlab: %s", joined.Body)
			}
		})
	}, "LATCHKEY_GITHUB_LINKING=off")
}

package api_test

import (
	"net/http"
	"testing"

	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

// A suspended user is signed out at once and stays so, whatever they prove, until they are
// let in again.
func TestSuspend(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		operator := google(t, a, apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
		grantOperator(t, a, me(operator))
		w := apptest.NewWallet(t)
		eve, other := a.Browser(), a.Browser()
		eve.Wallet(w, "sign_in").Want(http.StatusOK)
		other.Wallet(w, "sign_in").Want(http.StatusOK)
		id := me(eve)
		path := "/v1/admin/users/" + id
		suspend := map[string]any{"status": "disabled", "reason": "chargeback"}

		eve.PATCH(path, suspend).WantProblem(http.StatusForbidden, "operator_required")
		a.Unchanged(t, func() {
			operator.PATCH("/v1/admin/users/"+me(operator), suspend).WantProblem(http.StatusForbidden, "forbidden")
			operator.PATCH("/v1/admin/users/01a1fe31-9906-7bc0-9b24-2b1d5cf5ff2b", suspend).WantProblem(http.StatusNotFound, "not_found")
			operator.PATCH(path, map[string]any{"status": "merged"}).WantProblem(http.StatusBadRequest, "invalid_request")
			operator.PATCH(path, map[string]any{"status": "disabled", "reason": "a\nb"}).WantProblem(http.StatusBadRequest, "invalid_request")
		})
		for range 2 { // the second time changes nothing
			if got := operator.PATCH(path, suspend).Want(http.StatusOK).String("status"); got != "disabled" {
				t.Errorf("status %s", got)
			}
		}
		eve.GET("/v1/session").WantProblem(http.StatusUnauthorized, "unauthenticated")
		other.GET("/v1/session").WantProblem(http.StatusUnauthorized, "unauthenticated")
		a.Browser().Wallet(w, "sign_in").WantProblem(http.StatusForbidden, "user_disabled")
		history := operator.GET(path + "/history").Want(http.StatusOK)
		if n := a.Count("audit_events", "action = 'user.suspended' AND user_id = '%s'", id); n != 1 {
			t.Errorf("%d events: %s", n, history.Body)
		}

		operator.PATCH(path, map[string]any{"status": "active"}).Want(http.StatusOK)
		eve.GET("/v1/session").WantProblem(http.StatusUnauthorized, "unauthenticated") // it has ended
		eve.Wallet(w, "sign_in").Want(http.StatusOK)

		// Not while a team would have no owner left, nor by a session that is stale.
		eve.POST("/v1/teams", map[string]any{"name": "Keys"}).Want(http.StatusCreated)
		a.Unchanged(t, func() {
			operator.PATCH(path, suspend).WantProblem(http.StatusConflict, "last_owner")
		})
		eve.GET("/v1/session").Want(http.StatusOK)
		a.Advance(session.RecentlyVerifiedFor)
		operator.PATCH(path, suspend).WantProblem(http.StatusForbidden, "reauth_required")
	})
}

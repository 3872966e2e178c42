package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

// operator signs an operator in.
func operator(t *testing.T, a *apptest.App) *apptest.Browser {
	t.Helper()
	b := google(t, a, apptest.Person{Email: "operator@gmail.com"})
	grantOperator(t, a, me(b))
	return b
}

// newKey makes an API key and returns its id and a service that has it.
func newKey(t *testing.T, operator *apptest.Browser, scopes ...string) (id string, service *apptest.Browser) {
	t.Helper()
	made := operator.POST("/v1/admin/api-keys", map[string]any{"name": "a service", "scopes": scopes}).Want(http.StatusCreated)
	return made.String("key.id"), machineOf(t, operator.App, made)
}

func TestAPIKeys(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		a.Freeze()
		op := operator(t, a)
		made := op.POST("/v1/admin/api-keys", map[string]any{"name": " ci ", "scopes": []string{"admin:read", "introspect", "admin:read"}, "expires_in_days": 10}).Want(http.StatusCreated)
		secret, prefix := made.String("secret"), made.String("key.prefix")
		if !strings.HasPrefix(secret, prefix+"_") || len(secret) != 59 || made.String("key.name") != "ci" || made.Len("key.scopes") != 2 ||
			made.String("key.created_by") != me(op) || made.Get("key.last_used_at") != nil {
			t.Errorf("%s", made.Body)
		}
		service := a.Browser()
		service.Bearer = secret
		service.GET("/v1/admin/users").Want(http.StatusOK)
		list := op.GET("/v1/admin/api-keys").Want(http.StatusOK)
		if list.Len("data") != 1 || list.String("data.0.last_used_at") == "" || list.String("data.0.status") != "active" ||
			strings.Contains(string(list.Body), secret[16:]) {
			t.Errorf("%s", list.Body)
		}
		for table, rows := range a.Snapshot() {
			for _, row := range rows {
				if strings.Contains(row, secret[16:]) {
					t.Errorf("the secret is in %s", table)
				}
			}
		}
		if strings.Contains(a.Log.String(), secret[16:]) {
			t.Error("the secret is in the log")
		}

		path := "/v1/admin/api-keys/" + made.String("key.id")
		rotated := op.POST(path+"/rotate", map[string]any{"overlap_seconds": 60}).Want(http.StatusCreated)
		op.POST(path+"/rotate", nil).WantProblem(http.StatusConflict, "key_ended")
		next := a.Browser()
		next.Bearer = rotated.String("secret")
		next.GET("/v1/admin/users").Want(http.StatusOK)
		a.Advance(time.Minute - time.Microsecond)
		service.GET("/v1/admin/users").Want(http.StatusOK)
		a.Advance(time.Microsecond)
		service.GET("/v1/admin/users").WantProblem(http.StatusUnauthorized, "unauthenticated")
		next.GET("/v1/admin/users").Want(http.StatusOK)

		path = "/v1/admin/api-keys/" + rotated.String("key.id")
		for range 2 {
			op.DELETE(path).Want(http.StatusNoContent)
		}
		next.GET("/v1/admin/users").WantProblem(http.StatusUnauthorized, "unauthenticated")
		op.POST(path+"/rotate", nil).WantProblem(http.StatusConflict, "key_ended")
		_, third := newKey(t, op, "admin:read")
		a.Advance(2 * time.Minute) // still fresh
		for action, want := range map[string]int{"api_key.created": 3, "api_key.rotated": 1, "api_key.revoked": 1} {
			if n := a.Count("audit_events", "action = '%s' AND actor_id = '%s'", action, me(op)); n != want {
				t.Errorf("%s: %d events, want %d", action, n, want)
			}
		}

		// An unattended browser cannot create keys.
		a.Advance(10 * time.Minute)
		a.Unchanged(t, func() {
			op.POST("/v1/admin/api-keys", map[string]any{"name": "x", "scopes": []string{"introspect"}}).WantProblem(http.StatusForbidden, "reauth_required")
			op.DELETE(path).WantProblem(http.StatusForbidden, "reauth_required")
			op.POST(path+"/rotate", nil).WantProblem(http.StatusForbidden, "reauth_required")
		}, "sessions")
		a.Advance(90 * 24 * time.Hour)
		third.GET("/v1/admin/users").WantProblem(http.StatusUnauthorized, "unauthenticated")
	}, "LATCHKEY_SESSION_IDLE=2400h", "LATCHKEY_SESSION_LIFETIME=2400h")
}

func TestAPIKeyForm(t *testing.T) {
	t.Parallel()
	a := apptest.SQLite(t)
	op := operator(t, a)
	id, _ := newKey(t, op, "introspect")
	stranger := a.Browser()
	stranger.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
	a.Unchanged(t, func() {
		for _, body := range []map[string]any{
			{}, {"name": "x"}, {"name": "x", "scopes": []string{}}, {"name": "x", "scopes": []string{"root"}}, {"name": "", "scopes": []string{"introspect"}},
			{"name": "  ", "scopes": []string{"introspect"}}, {"name": "a\nb", "scopes": []string{"introspect"}}, {"name": "x", "scopes": "introspect"},
			{"name": "x", "scopes": []string{"introspect"}, "expires_in_days": 0}, {"name": "x", "scopes": []string{"introspect"}, "expires_in_days": 367},
			{"name": "x", "scopes": []string{"introspect"}, "team_id": id}, {"name": "x", "scopes": []string{"introspect"}, "secret": "mine"},
		} {
			op.POST("/v1/admin/api-keys", body).WantProblem(http.StatusBadRequest, "invalid_request")
		}
		op.POST("/v1/admin/api-keys/"+id+"/rotate", map[string]any{"overlap_seconds": -1}).WantProblem(http.StatusBadRequest, "invalid_request")
		op.POST("/v1/admin/api-keys/"+me(op)+"/rotate", nil).WantProblem(http.StatusNotFound, "not_found")
		op.DELETE("/v1/admin/api-keys/"+me(op)).WantProblem(http.StatusNotFound, "not_found")
		stranger.POST("/v1/admin/api-keys", map[string]any{"name": "x", "scopes": []string{"introspect"}}).WantProblem(http.StatusForbidden, "operator_required")
		stranger.GET("/v1/admin/api-keys").WantProblem(http.StatusForbidden, "operator_required")
		stranger.DELETE("/v1/admin/api-keys/"+id).WantProblem(http.StatusForbidden, "operator_required")
		stranger.POST("/v1/admin/api-keys/"+id+"/rotate", nil).WantProblem(http.StatusForbidden, "operator_required")
	})
}

// A key does what its scope says, and never what a person does.
func TestAPIKeyIsNoPerson(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		op := operator(t, a)
		_, introspect := newKey(t, op, "introspect")
		_, read := newKey(t, op, "admin:read")
		keyID, write := newKey(t, op, "admin:write")
		w := apptest.NewWallet(t)
		mallory := a.Browser().Wallet(w, "sign_in").Want(http.StatusOK).String("user.id")
		twin := a.Browser().Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK).String("user.id")
		noteDuplicate(t, a, mallory, twin)
		team := "/v1/teams/" + op.POST("/v1/teams", map[string]any{"name": "T"}).Want(http.StatusCreated).String("id")

		for _, b := range []*apptest.Browser{introspect, read, write} {
			for _, path := range []string{"/v1/session", "/v1/me", "/v1/me/identities", "/v1/me/sessions", "/v1/teams", team, team + "/members", team + "/sessions", "/v1/admin/api-keys"} {
				b.GET(path).WantProblem(http.StatusForbidden, "forbidden")
			}
			b.POST("/v1/auth/siwe/challenge", map[string]any{"address": w.Address.Hex(), "purpose": "link"}).WantProblem(http.StatusForbidden, "forbidden")
			b.GET("/v1/auth/google/start").WantProblem(http.StatusForbidden, "forbidden")
			b.POST("/v1/auth/google/start", map[string]any{"purpose": "link"}).WantProblem(http.StatusForbidden, "forbidden")
			b.POST("/v1/admin/api-keys", map[string]any{"name": "x", "scopes": []string{"introspect"}}).WantProblem(http.StatusForbidden, "forbidden")
			wantOAuth(t, b.POST("/v1/token", nil), http.StatusForbidden, "access_denied", "forbidden")
		}
		merge := map[string]any{"user_ids": []string{mallory, twin}, "dry_run": true}
		gets := []string{"/v1/admin/users", "/v1/admin/users/" + mallory, "/v1/admin/users/" + mallory + "/history", "/v1/admin/users/" + mallory + "/teams", "/v1/admin/users/" + mallory + "/emails", "/v1/admin/sessions", "/v1/admin/merges", "/v1/admin/duplicates", "/v1/admin/audit", "/v1/admin/audit/export"}
		for _, path := range gets {
			introspect.GET(path).WantProblem(http.StatusForbidden, "insufficient_scope")
			read.GET(path).Want(http.StatusOK)
			write.GET(path).Want(http.StatusOK)
		}
		read.POST("/v1/admin/decisions", map[string]any{"provider": "google", "subject": "1"}).Want(http.StatusOK)
		read.POST("/v1/admin/merges", merge).WantProblem(http.StatusForbidden, "insufficient_scope")
		merge["fingerprint"] = write.POST("/v1/admin/merges", merge).Want(http.StatusOK).String("fingerprint")
		merge["dry_run"] = false
		id := write.POST("/v1/admin/merges", merge).Want(http.StatusOK).String("id")
		read.POST("/v1/admin/merges/"+id+"/undo", nil).WantProblem(http.StatusForbidden, "insufficient_scope")
		write.POST("/v1/admin/merges/"+id+"/undo", nil).Want(http.StatusOK)
		// A session in a team, which stores the user who ended it: a service is no user.
		op.POST(team+"/sessions", nil).Want(http.StatusCreated)
		sid := op.GET("/v1/session").String("session.id")
		read.DELETE("/v1/admin/sessions/"+sid).WantProblem(http.StatusForbidden, "insufficient_scope")
		write.DELETE("/v1/admin/sessions/" + sid).Want(http.StatusNoContent)
		op.GET("/v1/session").WantProblem(http.StatusUnauthorized, "unauthenticated")
		for _, status := range []string{"disabled", "active"} {
			read.PATCH("/v1/admin/users/"+mallory, map[string]any{"status": status}).WantProblem(http.StatusForbidden, "insufficient_scope")
			write.PATCH("/v1/admin/users/"+mallory, map[string]any{"status": status}).Want(http.StatusOK)
		}
		if n := a.Count("audit_events", "actor_id = '%s' AND session_id IS NULL", keyID); n != 5 {
			t.Errorf("%d events name the key, want five", n)
		}

		intruder := a.Browser()
		for _, raw := range []string{
			write.Bearer[:len(write.Bearer)-1], write.Bearer + "A", strings.ToUpper(write.Bearer), write.Bearer[3:], write.Bearer[:16] + introspect.Bearer[16:], "lk_aaaaaaaaaaaa_" + write.Bearer[16:],
		} {
			intruder.Bearer = raw
			intruder.GET("/v1/admin/users").WantProblem(http.StatusUnauthorized, "unauthenticated")
		}
		// A cookie is for browsers.
		intruder.Bearer = ""
		intruder.SetCookie("latchkey", read.Bearer)
		intruder.GET("/v1/admin/users").WantProblem(http.StatusUnauthorized, "unauthenticated")
	})
}

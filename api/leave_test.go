package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/client"
	"github.com/latchkey/latchkey/internal/app"
	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

// An export has what others keep about a person, and nothing about others.
func TestExportOfEverything(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		person := apptest.Person{Name: "Ada", Email: "ada@gmail.com"}
		ada, eve, op := google(t, a, person), google(t, a, apptest.Person{Email: "eve@gmail.com"}), operator(t, a)
		empty := ada.GET("/v1/me/export").Want(http.StatusOK)
		for _, list := range []string{"ended_sessions", "grants", "merges", "invitations"} {
			if empty.Len(list) != 0 {
				t.Errorf("%s before: %s", list, empty.Body)
			}
		}
		apps := app.Clients(a.Config, a.DB, a.Now)
		for name, b := range map[string]*apptest.Browser{"Grafana": ada, "Wiki": eve} {
			c := newClient(t, a, func(c *client.Client) { c.Name = name })
			by := identity.Actor{UserID: uuid.MustParse(me(b)), SessionID: uuid.MustParse(b.GET("/v1/session").Want(http.StatusOK).String("session.id"))}
			if _, err := apps.Agree(t.Context(), by, client.Consent{ClientID: c.ID, Scopes: []string{"openid"}}); err != nil {
				t.Fatal(err)
			}
		}
		team := eve.POST("/v1/teams", object{"name": "Keys"}).Want(http.StatusCreated).String("id")
		for _, to := range []string{"ada@gmail.com", "other@gmail.com"} {
			eve.POST("/v1/teams/"+team+"/invitations", object{"email": to, "role": "member"}).Want(http.StatusCreated)
		}
		ada.POST("/v1/me/recovery-codes", nil).Want(http.StatusCreated)
		second := google(t, a, person)
		ended := second.GET("/v1/session").Want(http.StatusOK).String("session.id")
		second.DELETE("/v1/session").Want(http.StatusNoContent)
		former := me(google(t, a, apptest.Person{Email: "former@gmail.com"}))
		op.POST("/v1/admin/merges", object{"user_ids": []string{me(ada), former}, "survivor_id": me(ada)}).Want(http.StatusOK)

		all := ada.GET("/v1/me/export").Want(http.StatusOK)
		for path, want := range map[string]any{
			"grants.0.client.name": "Grafana", "invitations.0.team_name": "Keys", "ended_sessions.1.id": ended, "former_ids.0": former, // that of the former account ended later
			"merges.0.source_id": former, "recovery_codes.remaining": float64(10),
		} {
			if all.Get(path) != want {
				t.Errorf("%s is %v, want %v", path, all.Get(path), want)
			}
		}
		if all.Len("grants") != 1 || all.Len("invitations") != 1 || all.Len("merges") != 1 || strings.Contains(string(all.Body), "eve@gmail.com") {
			t.Errorf("export: %s", all.Body)
		}
	})
}

func TestLeavingAndComingBack(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		w := apptest.NewWallet(t)
		person := apptest.Person{Name: "Ada", Email: "ada@gmail.com"}
		ada := google(t, a, person)
		ada.Wallet(w, "link").Want(http.StatusOK)
		id := me(ada)

		export := ada.GET("/v1/me/export").Want(http.StatusOK)
		if !strings.HasPrefix(export.Header.Get("Content-Disposition"), "attachment") || export.String("user.id") != id || export.Len("identities") != 2 ||
			export.String("emails.0.address") != "ada@gmail.com" || export.Get("history_complete") != true || export.Len("history") == 0 {
			t.Errorf("export: %s", export.Body)
		}
		team := ada.POST("/v1/teams", object{"name": "Keys"}).Want(http.StatusCreated).String("id")
		ada.DELETE("/v1/me").WantProblem(http.StatusConflict, "last_owner")
		ada.Do(http.MethodDelete, "/v1/me", object{"teams": object{"not-an-id": object{"delete": true}}}).WantProblem(http.StatusBadRequest, "invalid_request")
		gone := ada.Do(http.MethodDelete, "/v1/me", object{"teams": object{team: object{"delete": true}}}).Want(http.StatusAccepted)
		if gone.String("deletes_at") == "" {
			t.Errorf("deletes_at is %v", gone.Get("deletes_at"))
		}
		ada.GET("/v1/session").Want(http.StatusUnauthorized)

		op := operator(t, a)
		if shown := op.GET("/v1/admin/users/" + id).Want(http.StatusOK); shown.String("status") != "disabled" || shown.String("deletes_at") == "" {
			t.Errorf("operators see %s", shown.Body)
		}

		// Signing in opens a session for these calls only.
		back := a.Browser()
		in := back.Wallet(w, "sign_in").Want(http.StatusOK)
		if in.String("outcome") != "deletion_pending" {
			t.Errorf("outcome %q", in.String("outcome"))
		}
		for _, path := range []string{"/v1/session", "/v1/me", "/v1/me/identities", "/v1/teams", "/v1/me/sessions"} {
			back.GET(path).WantProblem(http.StatusForbidden, "deletion_pending")
		}
		back.PATCH("/v1/me", object{"display_name": "x"}).WantProblem(http.StatusForbidden, "deletion_pending")
		back.POST("/v1/token", object{}).Want(http.StatusForbidden)
		back.POST("/v1/teams", object{"name": "x"}).WantProblem(http.StatusForbidden, "deletion_pending")
		if back.GET("/v1/me/export").Want(http.StatusOK).String("deletes_at") == "" {
			t.Error("the export does not tell of the deletion")
		}
		restored := back.POST("/v1/me/restore", nil).Want(http.StatusOK)
		if restored.String("outcome") != "restored" || back.GET("/v1/session").Want(http.StatusOK).String("user.id") != id {
			t.Errorf("restored: %s", restored.Body)
		}
		back.POST("/v1/me/restore", object{}).WantProblem(http.StatusNotFound, "not_found")

		// Operators delete, and cancel that; a key may not touch an operator.
		op.DELETE("/v1/admin/users/"+me(op)).WantProblem(http.StatusForbidden, "forbidden")
		op.Do(http.MethodDelete, "/v1/admin/users/"+id, object{"reason": "asked by phone"}).Want(http.StatusAccepted)
		back.GET("/v1/session").Want(http.StatusUnauthorized)
		op.POST("/v1/admin/users/"+id+"/cancel-deletion", object{"reason": "a mistake"}).Want(http.StatusNoContent)
		op.POST("/v1/admin/users/"+id+"/cancel-deletion", nil).WantProblem(http.StatusNotFound, "not_found")
		again := google(t, a, person)
		if me(again) != id {
			t.Error("another user signs in after a deletion was canceled")
		}
		raw := op.POST("/v1/admin/api-keys", object{"name": "backend", "scopes": []string{"admin:write"}}).Want(http.StatusCreated).String("secret")
		key := a.Browser().With("Authorization", "Bearer "+raw)
		key.DELETE("/v1/admin/users/"+me(op)).WantProblem(http.StatusForbidden, "forbidden")
		key.DELETE("/v1/admin/users/" + id).Want(http.StatusAccepted)
	})
}

// Without a grace the account is gone at once, and its address and identity are free.
func TestDeletingAtOnce(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		person := apptest.Person{Name: "Ada", Email: "ada@gmail.com"}
		ada := google(t, a, person)
		id := me(ada)
		ada.DELETE("/v1/me").Want(http.StatusAccepted)
		op := operator(t, a)
		if shown := op.GET("/v1/admin/users/" + id).Want(http.StatusOK); shown.String("deleted_at") == "" || shown.String("display_name") != "" || shown.Len("identities") != 0 {
			t.Errorf("operators see %s", shown.Body)
		}
		op.PATCH("/v1/admin/users/"+id, object{"status": "active"}).WantProblem(http.StatusNotFound, "not_found")
		op.POST("/v1/admin/users/"+id+"/cancel-deletion", nil).WantProblem(http.StatusNotFound, "not_found")
		if again := google(t, a, person); me(again) == id {
			t.Error("the deleted user is back")
		}
	}, "LATCHKEY_DELETION_GRACE_DAYS=0")
}

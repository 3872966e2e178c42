package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/client"
	"github.com/latchkey/latchkey/internal/app"
	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

// newClient makes a client of the authorization server.
func newClient(t *testing.T, a *apptest.App, edit func(c *client.Client)) client.Client {
	t.Helper()
	c := client.Client{Name: "An app", RedirectURIs: client.Words{"https://app.example.com/cb"}}
	edit(&c)
	c, _, err := app.Clients(a.Config, a.DB, a.Now).Create(t.Context(), nil, c)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestClients(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		a.Freeze()
		op := operator(t, a)
		stranger := google(t, a, apptest.Person{Email: "stranger@gmail.com"})
		team := op.POST("/v1/teams", object{"name": "Lab"}).Want(http.StatusCreated).String("id")
		made := op.POST("/v1/admin/clients", object{
			"name": " Grafana ", "redirect_uris": []string{"https://grafana.example.com/cb"}, "backchannel_logout_uri": "https://grafana.example.com/logout", "team_id": team,
		}).Want(http.StatusCreated)
		secret, path := made.String("client_secret"), "/v1/admin/clients/"+made.String("client_id")
		if len(secret) != 43 || made.String("client.name") != "Grafana" || made.String("client.created_by") != me(op) || made.Get("client.kind") != "confidential" ||
			made.Len("client.grants") != 2 || made.Get("client.trusted") != false || made.String("client.team_id") != team {
			t.Errorf("%s", made.Body)
		}
		app := op.POST("/v1/admin/clients", object{"name": "App", "kind": "public", "redirect_uris": []string{"com.example.app:/cb"}}).Want(http.StatusCreated)
		if app.Get("client_secret") != nil {
			t.Errorf("%s", app.Body)
		}
		first := op.GET("/v1/admin/clients?limit=1").Want(http.StatusOK)
		second := op.GET("/v1/admin/clients?limit=1&cursor=" + first.String("next_cursor")).Want(http.StatusOK)
		if first.String("data.0.name") != "App" || second.String("data.0.name") != "Grafana" || second.Get("next_cursor") != nil {
			t.Errorf("%s, then %s", first.Body, second.Body)
		}
		changed := op.PATCH(path, object{"trusted": true, "logo_uri": "https://grafana.example.com/l.png", "team_id": ""}).Want(http.StatusOK)
		if changed.Get("trusted") != true || changed.Get("team_id") != nil || changed.Len("redirect_uris") != 1 || changed.String("name") != "Grafana" {
			t.Errorf("%s", changed.Body)
		}
		rotated := op.POST(path+"/rotate-secret", object{"overlap_seconds": 60}).Want(http.StatusCreated)
		if rotated.String("client_secret") == secret || rotated.Get("client.previous_secret_until") == nil || string(op.GET(path).Want(http.StatusOK).Body) == "" {
			t.Errorf("%s", rotated.Body)
		}
		op.POST(path+"/rotate-secret", nil).Want(http.StatusCreated)
		for table, rows := range a.Snapshot() {
			for _, row := range rows {
				if strings.Contains(row, secret) {
					t.Errorf("the secret is in %s", table)
				}
			}
		}
		if strings.Contains(a.Log.String(), secret) || strings.Contains(string(op.GET(path).Body), secret) {
			t.Error("the secret is shown")
		}
		a.Unchanged(t, func() {
			for _, body := range []object{
				{}, {"name": ""}, {"name": "x"}, {"name": "x", "redirect_uris": []string{"http://x.example"}}, {"name": "x", "redirect_uris": []string{"https://x.example"}, "client_secret": "mine"},
				{"name": "x", "redirect_uris": []string{"https://x.example"}, "team_id": me(op)}, {"name": "x", "redirect_uris": []string{"https://x.example"}, "grants": []string{"implicit"}},
			} {
				op.POST("/v1/admin/clients", body).WantProblem(http.StatusBadRequest, "invalid_request")
			}
			for _, body := range []object{{"kind": "public"}, {"client_id": "x"}, {"team_id": "x"}, {"redirect_uris": []string{}}, {"id_token_alg": "none"}} {
				op.PATCH(path, body).WantProblem(http.StatusBadRequest, "invalid_request")
			}
			op.POST("/v1/admin/clients/"+app.String("client_id")+"/rotate-secret", nil).WantProblem(http.StatusBadRequest, "invalid_request")
			op.GET("/v1/admin/clients?cursor=x!").WantProblem(http.StatusBadRequest, "invalid_request")
			op.GET("/v1/admin/clients/none").WantProblem(http.StatusNotFound, "not_found")
			op.DELETE("/v1/admin/clients/none").WantProblem(http.StatusNotFound, "not_found")
			stranger.GET("/v1/admin/clients").WantProblem(http.StatusForbidden, "operator_required")
			stranger.POST("/v1/admin/clients", object{"name": "x"}).WantProblem(http.StatusForbidden, "operator_required")
			stranger.GET(path).WantProblem(http.StatusForbidden, "operator_required")
			stranger.PATCH(path, object{"trusted": true}).WantProblem(http.StatusForbidden, "operator_required")
			stranger.POST(path+"/rotate-secret", nil).WantProblem(http.StatusForbidden, "operator_required")
			stranger.DELETE(path).WantProblem(http.StatusForbidden, "operator_required")
		})
		op.DELETE(path).Want(http.StatusNoContent)
		op.GET(path).WantProblem(http.StatusNotFound, "not_found")
		for action, want := range map[string]int{"client.created": 2, "client.updated": 1, "client.secret_rotated": 2, "client.deleted": 1} {
			if n := a.Count("audit_events", "action = '%s' AND actor_id = '%s'", action, me(op)); n != want {
				t.Errorf("%s: %d events, want %d", action, n, want)
			}
		}
		a.Advance(11 * time.Minute) // an unattended browser
		path = "/v1/admin/clients/" + app.String("client_id")
		a.Unchanged(t, func() {
			op.POST("/v1/admin/clients", object{"name": "x", "redirect_uris": []string{"https://x.example"}}).WantProblem(http.StatusForbidden, "reauth_required")
			op.PATCH(path, object{"trusted": true}).WantProblem(http.StatusForbidden, "reauth_required")
			op.POST(path+"/rotate-secret", nil).WantProblem(http.StatusForbidden, "reauth_required")
			op.DELETE(path).WantProblem(http.StatusForbidden, "reauth_required")
		}, "sessions")
	})
}

// People see what they allowed applications, and end it. Others cannot.
func TestMyGrants(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		b, other := google(t, a, apptest.Person{Email: "ada@gmail.com"}), google(t, a, apptest.Person{Email: "eve@gmail.com"})
		grafana := newClient(t, a, func(c *client.Client) { c.Name, c.LogoURI = "Grafana", "https://grafana.example.com/l.png" })
		wiki := newClient(t, a, func(c *client.Client) { c.Name = "Wiki" })
		by := identity.Actor{UserID: uuid.MustParse(me(b)), SessionID: uuid.MustParse(b.GET("/v1/session").Want(http.StatusOK).String("session.id"))}
		for _, id := range []string{grafana.ID, wiki.ID} {
			if _, err := app.Clients(a.Config, a.DB, a.Now).Agree(t.Context(), by, client.Consent{ClientID: id, Scopes: []string{"openid", "email"}}); err != nil {
				t.Fatal(err)
			}
		}
		list := b.GET("/v1/me/grants").Want(http.StatusOK)
		if list.Len("data") != 2 || list.String("data.1.client.name") != "Grafana" || list.String("data.1.client.logo_uri") != grafana.LogoURI || list.Len("data.1.scopes") != 2 || list.Len("data.1.resources") != 0 {
			t.Errorf("%s", list.Body)
		}
		if other.GET("/v1/me/grants").Want(http.StatusOK).Len("data") != 0 {
			t.Error("others see them")
		}
		path := "/v1/me/grants/" + list.String("data.1.id")
		a.Unchanged(t, func() {
			other.DELETE(path).WantProblem(http.StatusNotFound, "not_found")
			a.Browser().DELETE(path).WantProblem(http.StatusUnauthorized, "unauthenticated")
			b.With("Origin", "https://evil.example").DELETE(path).WantProblem(http.StatusForbidden, "origin_not_allowed")
		})
		b.DELETE(path).Want(http.StatusNoContent)
		b.DELETE(path).WantProblem(http.StatusNotFound, "not_found")
		if left := b.GET("/v1/me/grants").Want(http.StatusOK); left.Len("data") != 1 || left.String("data.0.client.name") != "Wiki" {
			t.Errorf("%s", left.Body)
		}
		history := b.GET("/v1/me/history").Want(http.StatusOK)
		if history.String("data.0.action") != "grant.revoked" || history.String("data.0.application") != "Grafana" || history.String("data.1.action") != "grant.created" || history.String("data.1.application") != "Wiki" {
			t.Errorf("%s", history.Body)
		}
	})
}

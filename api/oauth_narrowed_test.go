package api_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/google/uuid"
	"golang.org/x/oauth2"

	"github.com/latchkey/latchkey/identity/client"
	"github.com/latchkey/latchkey/internal/app"
	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

// change registers an application otherwise.
func (o application) change(t *testing.T, edit func(*client.Client)) {
	t.Helper()
	if _, err := app.Clients(o.Config, o.DB, o.Now).Update(t.Context(), nil, o.ID, edit); err != nil {
		t.Fatal(err)
	}
}

// What an application may no longer have it does not get, wherever its request is, and
// nothing is used up by the refusal.
func TestNarrowedClients(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		const one, two = "https://api.example.com", "https://mcp.example.com"
		clients := app.Clients(a.Config, a.DB, a.Now)
		for _, uri := range []string{one, two} {
			if _, err := clients.CreateResource(t.Context(), nil, client.Resource{URI: uri}); err != nil {
				t.Fatal(err)
			}
		}
		ada := google(t, a, apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
		team := uuid.MustParse(ada.POST("/v1/teams", object{"name": "Lab"}).Want(http.StatusCreated).String("id"))
		for name, narrow := range map[string]struct {
			edit    func(c *client.Client)
			refresh string // what a refresh is refused with; "" for a client that keeps what it asked for
		}{
			"a scope": {func(c *client.Client) {
				c.Scopes = slices.DeleteFunc(slices.Clone(c.Scopes), func(s string) bool { return s == "email" })
			}, "invalid_grant"},
			"a resource":       {func(c *client.Client) { c.Resources = client.Words{two} }, "invalid_grant"},
			"all but one team": {func(c *client.Client) { c.TeamID = &team }, "invalid_grant"},
			"refresh tokens":   {func(c *client.Client) { c.Grants = client.Words{client.GrantCode} }, "unauthorized_client"},
			"what it left out": {func(c *client.Client) { c.Resources, c.Name = client.Words{one}, "Renamed" }, ""},
		} {
			t.Run(name, func(t *testing.T) {
				ada := ada.In(t)
				o := register(t, a, untrusted, func(c *client.Client) { c.Resources = client.Words{one, two} })
				o.oauth.Scopes = []string{"openid", "email", "offline_access"}
				request := o.request("scope", "openid email offline_access", "resource", one)
				asked := o.consent(ada, request)
				on := o.decide(ada, asked, "allow").Want(http.StatusOK).String("url")
				resource := oauth2.SetAuthURLParam("resource", one)
				got := o.signIn(ada, resource)
				code, verifier := o.code(ada, resource)
				was, err := clients.Get(t.Context(), o.ID)
				if err != nil {
					t.Fatal(err)
				}
				o.change(t, narrow.edit)
				if narrow.refresh != "" {
					ada.GET(on).WantProblem(http.StatusBadRequest, "invalid_state")
					ada.GET("/v1/consent?request="+asked).WantProblem(http.StatusBadRequest, "invalid_state")
					o.decide(ada, asked, "allow").WantProblem(http.StatusBadRequest, "invalid_state")
					wantOAuth(t, o.exchange(t, code, verifier), http.StatusBadRequest, "invalid_grant", "invalid_grant")
					wantOAuth(t, o.refresh(t, got.RefreshToken), http.StatusBadRequest, narrow.refresh, narrow.refresh)
					o.change(t, func(c *client.Client) { *c = was })
				}
				if to := o.follow(ada, on); to.Query().Get("code") == "" {
					t.Errorf("%s", to)
				}
				o.exchange(t, code, verifier).Want(http.StatusOK)
				o.refresh(t, got.RefreshToken).Want(http.StatusOK)
			})
		}
	})
}

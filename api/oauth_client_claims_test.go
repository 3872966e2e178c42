package api_test

import (
	"net/http"
	"reflect"
	"testing"

	"github.com/latchkey/latchkey/identity/client"
	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

// The claims of a client are in its tokens, also after a refresh, as they are then; no
// other client has them.
func TestClaimsOfClients(t *testing.T) {
	t.Parallel()
	a := apptest.SQLite(t)
	op, ada := operator(t, a), google(t, a, apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
	key := op.POST("/v1/admin/api-keys", object{"name": "backend", "scopes": []string{"users:write"}}).Want(http.StatusCreated).String("secret")
	backend := a.Browser().With("Authorization", "Bearer "+key)
	role := func(role string) {
		backend.PATCH("/v1/users/"+me(ada), object{"app_metadata": object{"role": role, "secret": "s"}}).Want(http.StatusOK)
	}
	role("editor")
	o := register(t, a, func(c *client.Client) { c.Claims = client.Words{"email", "onboarded", "app_metadata.role"} })
	o.oauth.Scopes = []string{"openid", "email", "offline_access"}
	app := func(role string) object {
		return object{"email": "ada@gmail.com", "onboarded": false, "app_metadata": object{"role": role}}
	}
	same := func(what string, claims map[string]any, want object) {
		t.Helper()
		if got, _ := claims["app"].(map[string]any); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: app is %v, want %v", what, got, want)
		}
	}
	got := o.signIn(ada)
	_, id := o.idToken(t, got)
	same("ID token", id, app("editor"))
	same("access token", claims(t, ada, got.AccessToken), app("editor"))
	role("admin")
	again := o.refresh(t, got.RefreshToken).Want(http.StatusOK)
	same("after a refresh", claims(t, ada, again.String("access_token")), app("admin"))

	plain := register(t, a)
	if c := claims(t, ada, plain.signIn(ada).AccessToken); c["app"] != nil {
		t.Errorf("a client that lists none: %v", c["app"])
	}
	path := "/v1/admin/clients/" + o.ID
	if changed := op.PATCH(path, object{"claims": []string{"onboarded"}}).Want(http.StatusOK); changed.Len("claims") != 1 {
		t.Errorf("%s", changed.Body)
	}
	same("changed", claims(t, ada, o.signIn(ada).AccessToken), object{"onboarded": false})
	a.Unchanged(t, func() {
		op.PATCH(path, object{"claims": []string{"role"}}).WantProblem(http.StatusBadRequest, "invalid_request")
	})
}

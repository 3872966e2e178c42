package api_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

// An application learns that two users became one wherever it reads who a person is,
// and no longer once a merge was undone. Team-mates do not learn it.
func TestFormerIDs(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		op := operator(t, a)
		_, service := newKey(t, op, "introspect")
		app, other := register(t, a), register(t, a)
		ada := google(t, a, apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
		id := me(ada)
		middle, first := google(t, a, apptest.Person{Name: "Middle", Email: "middle@gmail.com"}), google(t, a, apptest.Person{Name: "First", Email: "first@gmail.com"})
		middleID, firstID := me(middle), me(first)
		app.signIn(middle) // this client was given that id, and not the first one
		app.signIn(ada)
		other.signIn(ada)
		team := ada.POST("/v1/teams", object{"name": "Team"}).Want(http.StatusCreated).String("id")

		check := func(when string, want ...string) {
			t.Helper()
			list := func(what string, v any) {
				t.Helper()
				got := []string{}
				ids, isList := v.([]any)
				for _, former := range ids {
					got = append(got, former.(string))
				}
				slices.Sort(got)
				slices.Sort(want)
				if !isList || !slices.Equal(got, want) {
					t.Errorf("%s: %s: %v, want %v", when, what, v, want)
				}
			}
			for range 2 { // read, and remembered
				session := ada.GET("/v1/session").Want(http.StatusOK)
				list("session", session.Get("former_ids"))
				list("the session's user", session.Get("user.former_ids"))
			}
			list("me", ada.GET("/v1/me").Want(http.StatusOK).Get("former_ids"))
			list("session token", introspect(service, ada.Cookie("latchkey")).Get("former_ids"))
			token := ada.POST("/v1/token", object{"client_id": "mobile"}).Want(http.StatusOK).String("access_token")
			list("access token", introspect(service, token).Get("former_ids"))
			for _, path := range []string{"/members", "/sessions", "/audit"} {
				if seen := ada.GET("/v1/teams/" + team + path).Want(http.StatusOK); strings.Contains(string(seen.Body), "former_ids") {
					t.Errorf("%s: team-mates read %s", when, seen.Body)
				}
			}
		}
		merge := func(source, survivor string) string {
			return op.POST("/v1/admin/merges", object{"user_ids": []string{source, survivor}, "survivor_id": survivor}).Want(http.StatusOK).String("id")
		}
		check("before")
		merge(firstID, middleID)
		last := merge(middleID, id)
		check("after two merges", firstID, middleID)

		// A client reads those that it was given.
		tokens := app.signIn(ada)
		if got := app.userinfo(t, tokens.AccessToken).Want(http.StatusOK); got.Len("former_subs") != 1 || got.String("former_subs.0") != middleID {
			t.Errorf("userinfo: %s", got.Body)
		}
		if got := app.introspect(t, tokens.AccessToken); got.Len("former_ids") != 1 || got.String("former_ids.0") != middleID {
			t.Errorf("introspection by the client: %s", got.Body)
		}
		strange := other.signIn(ada).AccessToken
		if got := other.userinfo(t, strange).Want(http.StatusOK); got.Get("former_subs") != nil {
			t.Errorf("userinfo of another client: %s", got.Body)
		}
		if got := other.introspect(t, strange); got.Get("former_ids") != nil && got.Len("former_ids") != 0 {
			t.Errorf("introspection by another client: %s", got.Body)
		}

		op.POST("/v1/admin/merges/"+last+"/undo", nil).Want(http.StatusOK)
		check("after an undo")
	}, "LATCHKEY_CLIENTS=mobile=https://api.example.com")
}

package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

func TestUsersForTheBackend(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		op := operator(t, a)
		keyWith := func(scopes ...string) *apptest.Browser {
			raw := op.POST("/v1/admin/api-keys", object{"name": "backend", "scopes": scopes}).Want(http.StatusCreated).String("secret")
			return a.Browser().With("Authorization", "Bearer "+raw)
		}
		reader, writer := keyWith("users:read"), keyWith("users:write")
		ada, bob := google(t, a, apptest.Person{Name: "Ada", Email: "ada@gmail.com"}), google(t, a, apptest.Person{Name: "Bob", Email: "bob@gmail.com"})
		id, other := me(ada), me(bob)

		// Only a key with the scope, and not a person.
		ada.GET("/v1/users/" + id).Want(http.StatusUnauthorized)
		op.GET("/v1/users").Want(http.StatusUnauthorized)
		keyWith("introspect").GET("/v1/users/"+id).WantProblem(http.StatusForbidden, "insufficient_scope")
		keyWith("admin:write").GET("/v1/users/"+id).WantProblem(http.StatusForbidden, "insufficient_scope")
		reader.PATCH("/v1/users/"+id, object{"onboarded": true}).WantProblem(http.StatusForbidden, "insufficient_scope")
		reader.DELETE("/v1/users/"+id).WantProblem(http.StatusForbidden, "insufficient_scope")
		reader.GET("/v1/admin/users").WantProblem(http.StatusForbidden, "insufficient_scope")

		changed := writer.PATCH("/v1/users/"+id, object{
			"external_id": "customer-42", "app_metadata": object{"plan": "pro"}, "onboarded": true, "display_name": "Ada L.",
		}).Want(http.StatusOK)
		if changed.String("external_id") != "customer-42" || changed.String("app_metadata.plan") != "pro" || changed.String("onboarded_at") == "" {
			t.Errorf("changed: %s", changed.Body)
		}
		if found := reader.GET("/v1/users/ext:customer-42").Want(http.StatusOK); found.String("id") != id || found.String("display_name") != "Ada L." {
			t.Errorf("by its external id: %s", found.Body)
		}
		for query, want := range map[string]int{
			"?ids=" + id + "," + other: 2, "?email=ada@gmail.com": 1, "?email=nobody@gmail.com": 0, "?wallet=0x52908400098527886E0F7030069857D2E4169EE7": 0, "": 3,
		} {
			if got := writer.GET("/v1/users" + query).Want(http.StatusOK).Len("data"); got != want {
				t.Errorf("%s: %d users, want %d", query, got, want)
			}
		}

		if export := ada.GET("/v1/me/export").Want(http.StatusOK); export.String("app_metadata.plan") != "pro" || export.String("external_id") != "customer-42" {
			t.Errorf("the export lacks what the application keeps: %s", export.Body)
		}

		// What is refused changes nothing.
		writer.PATCH("/v1/users/"+other, object{"external_id": "customer-42", "display_name": "Mallory"}).WantProblem(http.StatusConflict, "external_id_taken")
		if name := reader.GET("/v1/users/" + other).Want(http.StatusOK).String("display_name"); name != "Bob" {
			t.Errorf("a refused change was made: %q", name)
		}
		for _, body := range []object{{"external_id": "a\nb"}, {"external_id": " a"}, {"operator": true}, {}, {"status": "disabled"}} {
			writer.PATCH("/v1/users/"+other, body).WantProblem(http.StatusBadRequest, "invalid_request")
		}
		writer.PATCH("/v1/users/"+me(op), object{"display_name": "Mallory"}).WantProblem(http.StatusForbidden, "forbidden")
		writer.DELETE("/v1/users/"+me(op)).WantProblem(http.StatusForbidden, "forbidden")
		for path, status := range map[string]int{
			"/v1/users/ext:unknown": 404, "/v1/users/not-an-id": 400, "/v1/users/018f4e0a-5b1c-7d3e-9a2b-3c4d5e6f7a8b": 404,
			"/v1/users?ids=x": 400, "/v1/users?ids=" + strings.Repeat(id+",", 101) + id: 400,
		} {
			reader.GET(path).Want(status)
		}

		// The person reads it nowhere and writes it nowhere.
		ada.PATCH("/v1/me", object{"app_metadata": object{"plan": "free"}}).WantProblem(http.StatusBadRequest, "invalid_request")
		ada.PATCH("/v1/me", object{"onboarded": false}).WantProblem(http.StatusForbidden, "forbidden")

		// After a merge the former ids, both kinds, lead to the survivor.
		op.POST("/v1/admin/merges", object{"user_ids": []string{id, other}, "survivor_id": other}).Want(http.StatusOK)
		for _, ref := range []string{id, other, "ext:customer-42"} {
			found := reader.GET("/v1/users/" + ref).Want(http.StatusOK)
			if found.String("id") != other || found.String("former_ids.0") != id {
				t.Errorf("%s after the merge: %s", ref, found.Body)
			}
		}
		writer.PATCH("/v1/users/ext:customer-42", object{"app_metadata": object{"plan": "team"}}).Want(http.StatusOK)
		writer.DELETE("/v1/users/ext:customer-42").Want(http.StatusAccepted)
		bob.GET("/v1/session").Want(http.StatusUnauthorized)
		if reader.GET("/v1/users/"+other).Want(http.StatusOK).String("deletes_at") == "" {
			t.Error("the backend does not see the deletion")
		}
	}, "LATCHKEY_ONBOARDED_BY=backend")
}

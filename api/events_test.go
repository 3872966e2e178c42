package api_test

import (
	"net/http"
	"slices"
	"strconv"
	"testing"

	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

// feedOf reads the whole feed as an application does, until it has the events that are
// wanted of a user.
func feedOf(t *testing.T, b *apptest.Browser, user string, want ...string) []map[string]any {
	t.Helper()
	var mine []map[string]any
	after := 0
	apptest.Eventually(func() bool {
		a := b.GET("/v1/events?limit=1000&wait=1&after=" + strconv.Itoa(after)).Want(http.StatusOK)
		after = int(a.Get("next_after").(float64))
		for _, e := range a.Get("data").([]any) {
			if e := e.(map[string]any); e["data"].(map[string]any)["user_id"] == user {
				mine = append(mine, e)
			}
		}
		return len(mine) >= len(want)
	})
	var types []string
	for _, e := range mine {
		types = append(types, e["type"].(string))
	}
	if !slices.Equal(types, want) {
		t.Errorf("the events of %s are %v, want %v", user, types, want)
	}
	return mine
}

func TestEventFeed(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		op := operator(t, a)
		_, reader := newKey(t, op, "events:read")
		_, other := newKey(t, op, "users:read", "admin:write")
		ada := google(t, a, apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
		id := me(ada)
		ada.PATCH("/v1/me", object{"display_name": "Ada L."}).Want(http.StatusOK)
		bob := google(t, a, apptest.Person{Name: "Bob", Email: "bob@gmail.com"})
		bobID := me(bob)
		op.POST("/v1/admin/merges", object{"user_ids": []string{id, bobID}, "survivor_id": id}).Want(http.StatusOK)

		events := feedOf(t, reader, id, "user.created", "session.created", "user.updated", "user.merged")
		merged := events[3]["data"].(map[string]any)
		if merged["from"] != bobID || merged["into"] != id || events[3]["api_version"] != "v1" {
			t.Errorf("merged: %v", events[3])
		}
		if about := events[2]["data"].(map[string]any)["user"].(map[string]any); about["display_name"] != "Ada L." || about["primary_email"] != "ada@gmail.com" {
			t.Errorf("updated: %v", events[2])
		}
		only := reader.GET("/v1/events?types=user.merged,user.merge_undone").Want(http.StatusOK)
		if only.Len("data") != 1 || only.String("data.0.id") != events[3]["id"] {
			t.Errorf("of two types: %s", only.Body)
		}

		// Only a key with the scope.
		ada.GET("/v1/events").Want(http.StatusUnauthorized)
		op.GET("/v1/events").Want(http.StatusUnauthorized)
		other.GET("/v1/events").WantProblem(http.StatusForbidden, "insufficient_scope")
		reader.GET("/v1/users").WantProblem(http.StatusForbidden, "insufficient_scope")
		for _, query := range []string{"types=user.gone", "types=", "after=-1", "after=x", "limit=1001", "wait=31", "after=1000000", "since=1"} {
			reader.GET("/v1/events?"+query).WantProblem(http.StatusBadRequest, "invalid_request")
		}
	})
}

package api_test

import (
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

// A trail tells who its ids are by now, also of those who have left, were merged
// or are no persons. A team sees no addresses.
func TestAuditNamesWhoItIsAbout(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		c, op := newCrew(t, a, "Keys"), operator(t, a)
		made := c.owner.POST(c.path+"/api-keys", object{"name": "deploy", "role": "admin"}).Want(http.StatusCreated)
		entered := c.member.POST(c.path+"/sessions", nil).Want(http.StatusCreated).String("id")
		machineOf(t, a, made).DELETE(c.path + "/sessions/" + entered).Want(http.StatusNoContent)
		c.owner.DELETE(c.path + "/members/" + c.ids["member"]).Want(http.StatusNoContent)
		heir := google(t, a, apptest.Person{Name: "Heir", Email: "heir@gmail.com"})
		op.POST("/v1/admin/merges", object{"user_ids": []string{c.ids["admin"], me(heir)}, "survivor_id": me(heir)}).Want(http.StatusOK)

		type party = map[string]any
		user := func(name string, address any) party {
			return party{"kind": "user", "display_name": name, "primary_email": address}
		}
		shown := func(events []event) map[string]party {
			out := map[string]party{}
			for _, e := range events {
				for _, who := range []string{"actor", "user"} {
					if id := e.text(who + "_id"); id != "" {
						out[id], _ = e[who].(party)
					}
				}
			}
			return out
		}
		key := party{"kind": "api_key", "display_name": "deploy", "primary_email": nil}
		want := map[string]party{
			c.ids["owner"]: user("Keys owner", nil), c.ids["admin"]: user("Heir", nil), c.ids["member"]: user("Keys member", nil), made.String("key.id"): key,
		}
		if got := shown(listed(t, heir, c.path+"/audit", 100, nil)); !reflect.DeepEqual(got, want) {
			t.Errorf("the team sees %v, want %v", got, want)
		}
		want = map[string]party{
			c.ids["owner"]: user("Keys owner", "keys.owner@gmail.com"), c.ids["admin"]: user("Heir", "heir@gmail.com"),
			c.ids["member"]: user("Keys member", "keys.member@gmail.com"), made.String("key.id"): key,
		}
		if got := shown(listed(t, op, "/v1/admin/audit?team_id="+strings.TrimPrefix(c.path, "/v1/teams/"), 100, nil)); !reflect.DeepEqual(got, want) {
			t.Errorf("operators see %v, want %v", got, want)
		}
		merged := listed(t, op, "/v1/admin/users/"+me(heir)+"/history", 100, nil)[0]
		if merged.text("action") != "user.merged" || !reflect.DeepEqual(merged["actor"], user("", "operator@gmail.com")) {
			t.Errorf("history: %v", merged)
		}
	})
}

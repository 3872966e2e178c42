package api_test

import (
	"net/http"
	"testing"

	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

func TestTeamOverviewAndSessionsByPerson(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		c := newCrew(t, a, "Figures")
		c.invite("someone@gmail.com", "member")
		phone := google(t, a, apptest.Person{Name: "Figures owner", Email: "figures.owner@gmail.com"})
		people := []*apptest.Browser{c.owner, c.member, phone, c.admin}
		for _, b := range people {
			b.POST(c.path+"/sessions", nil).Want(http.StatusCreated)
		}
		c.admin.DELETE("/v1/session").Want(http.StatusNoContent)

		got := c.owner.GET(c.path + "/overview").Want(http.StatusOK)
		for field, want := range map[string]float64{
			"members": 3, "invitations": 1, "sessions": 3, "active_now": 3, "last_day": 2, "refused": 0,
			"providers.0.count": 3, "days.29.count": 4, "days.0.count": 0,
		} {
			if got.Get(field) != want {
				t.Errorf("%s: %v, want %v", field, got.Get(field), want)
			}
		}
		if got.Len("days") != 30 || got.String("providers.0.provider") != "google" {
			t.Errorf("%s", got.Body)
		}
		c.member.GET(c.path + "/overview").Want(http.StatusForbidden)
		google(t, a, apptest.Person{Name: "Stranger", Email: "stranger@gmail.com"}).GET(c.path + "/overview").Want(http.StatusNotFound)

		// One page after the other, each person's sessions follow each other.
		var order, seen []string
		path := c.path + "/sessions?status=active&sort=person&count=true&limit=1"
		for next := ""; ; {
			page := c.owner.GET(path + next).Want(http.StatusOK)
			if page.Get("total") != 3.0 {
				t.Errorf("total: %v", page.Get("total"))
			}
			user := page.String("data.0.user.id")
			seen = append(seen, page.String("data.0.id"))
			if len(order) == 0 || order[len(order)-1] != user {
				order = append(order, user)
			}
			if page.Get("next_cursor") == nil {
				break
			}
			next = "&cursor=" + page.String("next_cursor")
		}
		if len(seen) != 3 || len(order) != 2 {
			t.Errorf("sessions %v of %v", seen, order)
		}
		if c.owner.GET(c.path+"/sessions").Want(http.StatusOK).Get("total") != nil {
			t.Error("counted without being asked")
		}
	})
}

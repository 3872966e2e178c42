package demo_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/internal/demo"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

func TestDemo(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		now := d.Clock.Now()
		for range 2 { // the second time finds everything there
			if err := demo.Seed(t.Context(), d.DB, now); err != nil {
				t.Fatal(err)
			}
		}
		sessions := session.NewService(d.DB, session.NewCache(0), session.Limits{Idle: now.Sub(now.AddDate(0, 0, -7)), Lifetime: now.Sub(now.AddDate(0, 0, -30))}, d.Clock.Now)
		cookie := func(token string) *http.Cookie { return &http.Cookie{Name: "latchkey", Value: token} }
		handler := demo.NewHandler("http://localhost", d.DB, sessions, cookie, d.Clock.Now)
		open := func(url string) *http.Response {
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, strings.TrimPrefix(url, "http://localhost"), nil))
			return w.Result()
		}
		names := map[string]string{}
		for _, role := range demo.Roles {
			res := open(handler.URL(role))
			if res.StatusCode != http.StatusSeeOther || len(res.Cookies()) != 1 {
				t.Fatalf("%s: %d", role, res.StatusCode)
			}
			p, err := sessions.Authenticate(t.Context(), res.Cookies()[0].Value, identity.RequestOrigin{})
			if err != nil || p.User.Operator != (role == "operator") {
				t.Fatalf("%s: %+v, %v", role, p.User, err)
			}
			names[role] = p.User.DisplayName + " " + res.Header.Get("Location")
			if role == "owner" {
				memberships, err := d.MembershipsWithTeam(t.Context(), p.User.ID, identity.Page{Limit: 9})
				if err != nil || len(memberships) != 2 {
					t.Fatalf("%v, %v", memberships, err)
				}
				counted, err := d.CountTeamSessions(t.Context(), memberships[0].TeamID, session.Filter{}, now)
				other, err2 := d.CountTeamSessions(t.Context(), memberships[1].TeamID, session.Filter{}, now)
				if counted+other != 250 || err != nil || err2 != nil {
					t.Errorf("%d and %d sessions, %v, %v", counted, other, err, err2)
				}
				if n := d.Count(t, "audit_events WHERE team_id IS NOT NULL AND action = 'team_session.created'"); n != 250 {
					t.Errorf("the audit log has %d of them", n)
				}
			}
		}
		if !strings.HasPrefix(names["owner"], "Dana Whitfield /teams/") || !strings.HasSuffix(names["member"], " /account") || !strings.HasSuffix(names["operator"], " /admin") {
			t.Errorf("%v", names)
		}
		for _, url := range []string{"/dev/demo/owner", "/dev/demo/owner?key=x", strings.Replace(handler.URL("owner"), "owner", "nobody", 1)} {
			if res := open(url); res.StatusCode != http.StatusNotFound || len(res.Cookies()) > 0 {
				t.Errorf("%s: %d", url, res.StatusCode)
			}
		}
		pairs, err := d.Duplicates(t.Context(), identity.Page{Limit: 50})
		if err != nil || len(pairs) != 5 {
			t.Errorf("%d duplicates, %v", len(pairs), err)
		}
	})
}

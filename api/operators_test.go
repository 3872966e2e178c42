package api_test

import (
	"bytes"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/user"
	"github.com/latchkey/latchkey/internal/testkit/apptest"

	"github.com/google/uuid"
)

// grantOperator does what `latchkey admin grant` does.
func grantOperator(t *testing.T, a *apptest.App, id string) {
	t.Helper()
	if _, err := user.NewService(a.DB, identity.NoNotices{}, identity.SystemClock).SetOperator(t.Context(), uuid.MustParse(id), true); err != nil {
		t.Fatal(err)
	}
}

func TestOperatorsOnly(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		b := google(t, a, apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
		eve := google(t, a, apptest.Person{Name: "Eve", Email: "eve@gmail.com"})
		id := me(b)
		// The owner of a team is no operator.
		b.POST("/v1/teams", map[string]any{"name": "Keys"}).Want(http.StatusCreated)
		paths := []string{"/v1/admin/users", "/v1/admin/users/" + id, "/v1/admin/sessions", "/v1/admin/users/" + uuid.NewString(), "/v1/admin/users?email=eve@gmail.com"}
		for _, path := range paths {
			b.GET(path).WantProblem(http.StatusForbidden, "operator_required")
			a.Browser().GET(path).WantProblem(http.StatusUnauthorized, "unauthenticated")
		}
		grantOperator(t, a, id)
		b.GET("/v1/admin/users/"+uuid.NewString()).WantProblem(http.StatusNotFound, "not_found")
		if list := b.GET("/v1/admin/users").Want(http.StatusOK); list.Len("data") != 2 {
			t.Errorf("users: %s", list.Body)
		}
		if list := b.GET("/v1/admin/users?email=EVE@gmail.com").Want(http.StatusOK); list.Len("data") != 1 || list.String("data.0.id") != me(eve) {
			t.Errorf("by address: %s", list.Body)
		}
		sessions := b.GET("/v1/admin/sessions").Want(http.StatusOK)
		for _, secret := range []string{b.Cookie("latchkey"), eve.Cookie("latchkey"), "token"} {
			if strings.Contains(string(sessions.Body), secret) {
				t.Errorf("a list of sessions holds %q", secret)
			}
		}
		eve.GET("/v1/admin/users").WantProblem(http.StatusForbidden, "operator_required")
		a.Exec("UPDATE users SET operator = false")
		for _, path := range paths {
			b.GET(path).WantProblem(http.StatusForbidden, "operator_required")
		}
	})
}

// Only operators may call what the specification has for operators, whether or
// not what it is about is there.
func TestEveryOperatorsCallIsForOperators(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		b := google(t, a, apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
		b.POST("/v1/teams", object{"name": "Keys"}).Want(http.StatusCreated)
		bodies := map[string]any{
			"adminChangeUser":     object{"status": "disabled"},
			"adminExplain":        object{"provider": "google", "subject": "1"},
			"adminMerge":          object{"user_ids": []string{me(b), uuid.NewString()}},
			"adminRevokeSessions": object{"filter": object{}},
			"adminCreateAPIKey":   object{"name": "x", "scopes": []string{"admin:write"}},
		}
		parameter, calls := regexp.MustCompile(`\{\w+\}`), 0
		a.Unchanged(t, func() {
			for path, item := range loadSpecification(t).Paths.Map() {
				if !strings.HasPrefix(path, "/v1/admin/") {
					continue
				}
				for method, op := range item.Operations() {
					calls++
					for _, id := range []string{me(b), uuid.NewString()} {
						to := parameter.ReplaceAllString(path, id)
						b.Do(method, to, bodies[op.OperationID]).WantProblem(http.StatusForbidden, "operator_required")
						a.Browser().Do(method, to, bodies[op.OperationID]).WantProblem(http.StatusUnauthorized, "unauthenticated")
					}
				}
			}
		})
		if calls < 19 {
			t.Errorf("%d calls are for operators", calls)
		}
	})
}

// merge has an operator merge two users.
func merge(op *apptest.Browser, survivor, source string) {
	body := map[string]any{"user_ids": []string{survivor, source}, "survivor_id": survivor, "dry_run": true}
	body["fingerprint"] = op.POST("/v1/admin/merges", body).Want(http.StatusOK).String("fingerprint")
	body["dry_run"] = false
	op.POST("/v1/admin/merges", body).Want(http.StatusOK)
}

func TestAddressesOfAUser(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		ada := google(t, a, apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
		bob := google(t, a, apptest.Person{Name: "Bob", Email: "bob@gmail.com"})
		op := google(t, a, apptest.Person{Name: "Op", Email: "op@gmail.com"})
		grantOperator(t, a, me(op))
		former := me(bob)
		merge(op, me(ada), former)
		for _, id := range []string{me(ada), former} {
			got := op.GET("/v1/admin/users/" + id + "/emails").Want(http.StatusOK)
			if !bytes.Equal(got.Body, ada.GET("/v1/me/emails").Want(http.StatusOK).Body) || got.Len("data") != 2 ||
				got.String("data.0.address") != "ada@gmail.com" || got.Get("data.0.primary") != true || got.Get("data.1.primary") != false {
				t.Errorf("by %s: %s", id, got.Body)
			}
		}
		op.GET("/v1/admin/users/"+uuid.NewString()+"/emails").WantProblem(http.StatusNotFound, "not_found")
		op.GET("/v1/admin/users/nobody/emails").WantProblem(http.StatusBadRequest, "invalid_request")
	})
}

func TestTeamsOfAUser(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		c := newCrew(t, a, "Keys")
		gone := "/v1/teams/" + c.member.POST("/v1/teams", map[string]any{"name": "Gone"}).Want(http.StatusCreated).String("id")
		op := google(t, a, apptest.Person{Name: "Op", Email: "op@gmail.com"})
		path := "/v1/admin/users/" + c.ids["member"] + "/teams"
		op.GET(path).WantProblem(http.StatusForbidden, "operator_required")
		c.owner.GET(path).WantProblem(http.StatusForbidden, "operator_required")
		a.Browser().GET(path).WantProblem(http.StatusUnauthorized, "unauthenticated")
		grantOperator(t, a, me(op))

		if all := op.GET(path + "?limit=1").Want(http.StatusOK); all.Len("data") != 1 || all.Get("next_cursor") == nil ||
			op.GET(path+"?limit=1&cursor="+all.String("next_cursor")).Want(http.StatusOK).String("data.0.team.name") != "Gone" {
			t.Fatalf("a page: %s", all.Body)
		}
		c.member.DELETE(gone).Want(http.StatusNoContent)
		places := op.GET(path).Want(http.StatusOK)
		joined := c.owner.GET(c.path + "/members").Want(http.StatusOK)
		since := ""
		for i := range joined.Len("data") {
			if at := "data." + strconv.Itoa(i); joined.String(at+".user.id") == c.ids["member"] {
				since = joined.String(at + ".created_at")
			}
		}
		if places.Len("data") != 1 || "/v1/teams/"+places.String("data.0.team.id") != c.path || places.String("data.0.team.name") != "Keys" ||
			places.String("data.0.role") != "member" || since == "" || places.String("data.0.created_at") != since {
			t.Fatalf("where they are a member, since %s: %s", since, places.Body)
		}
		if none := op.GET("/v1/admin/users/" + me(op) + "/teams").Want(http.StatusOK); none.Len("data") != 0 {
			t.Errorf("of somebody in no team: %s", none.Body)
		}
		op.GET("/v1/admin/users/"+uuid.NewString()+"/teams").WantProblem(http.StatusNotFound, "not_found")
		op.GET("/v1/admin/users/nobody/teams").WantProblem(http.StatusBadRequest, "invalid_request")

		// A former id finds the survivor's.
		survivor := google(t, a, apptest.Person{Name: "Survivor", Email: "survivor@gmail.com"})
		merge(op, me(survivor), c.ids["member"])
		for _, id := range []string{c.ids["member"], me(survivor)} {
			if got := op.GET("/v1/admin/users/" + id + "/teams").Want(http.StatusOK); got.Len("data") != 1 || got.String("data.0.team.name") != "Keys" {
				t.Errorf("by %s: %s", id, got.Body)
			}
		}
	})
}

// A name is text, wherever it comes out: JSON that no browser takes for HTML, a
// log line that stays one line, a page without markup of its own.
func TestHostileNamesAreInert(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		b := google(t, a, apptest.Person{Name: "<img src=x onerror=alert(1)>", Email: "ada@gmail.com"})
		grantOperator(t, a, me(b))
		for name, status := range map[string]int{
			"<script>alert(1)</script>": 201, `"><svg onload=alert(1)>`: 201, "';alert(1)//": 201, "{{constructor}}": 201, "${7*7}": 201, "%s%n": 201,
			"\u0645\u0631\u062d\u0628\u0627 keys": 201, strings.Repeat("\u4f60", 100): 201, strings.Repeat("\U0001f511", 100): 201, "' OR '1'='1": 201, "NULL": 201,
			strings.Repeat("a", 200): 400, "\x1b[2J\x1b[31mred": 400, "a\r\nSet-Cookie: latchkey=x": 400, "a\nb": 400, "a\u0085b": 400, "a\x7fb": 400,
		} {
			made := b.POST("/v1/teams", map[string]any{"name": name}).Want(status)
			if status != http.StatusCreated {
				continue
			}
			path := "/v1/teams/" + made.String("id")
			for _, answer := range []*apptest.Answer{made, b.GET(path), b.GET("/v1/teams?limit=100"), b.PATCH(path, map[string]any{"name": name})} {
				answer.Want(answer.Status)
				if strings.ContainsAny(string(answer.Body), "<>") || answer.Header.Get("X-Content-Type-Options") != "nosniff" || !strings.HasPrefix(answer.Header.Get("Content-Type"), "application/") {
					t.Errorf("%q comes out as markup: %s %s", name, answer.Header.Get("Content-Type"), answer.Body)
				}
			}
			if got := b.GET(path).String("name"); got != name {
				t.Errorf("%q became %q", name, got)
			}
		}
		for _, name := range []string{"\x1b[31m", "a\r\nb", "a\x00b", "a\u009bb"} {
			b.PATCH("/v1/me", map[string]any{"display_name": name}).WantProblem(http.StatusBadRequest, "invalid_request")
		}
		b.PATCH("/v1/me", map[string]any{"display_name": "<b>" + strings.Repeat("\u00fc", 197)}).Want(http.StatusOK)
		b.PATCH("/v1/me", map[string]any{"display_name": strings.Repeat("a", 201)}).WantProblem(http.StatusBadRequest, "invalid_request")
		for _, path := range []string{"/v1/me", "/v1/admin/users", "/v1/admin/sessions", "/v1/session"} {
			if answer := b.GET(path).Want(http.StatusOK); strings.ContainsAny(string(answer.Body), "<>") {
				t.Errorf("%s: %s", path, answer.Body)
			}
		}
		// What a provider says of a name loses what could rewrite its surroundings.
		c := google(t, a, apptest.Person{Name: "A\u202eda\u2066 \x1b[31mLove\u200f", Email: "bidi@gmail.com"})
		if got := c.GET("/v1/me").String("display_name"); strings.ContainsAny(got, "\u202e\u2066\u200f\x1b") {
			t.Errorf("name %q", got)
		}
		for line := range strings.Lines(a.Log.String()) {
			if strings.ContainsAny(strings.TrimSuffix(line, "\n"), "\x1b\r\x00") || !strings.HasPrefix(line, "{") {
				t.Errorf("log line %q", line)
			}
		}
	})
}

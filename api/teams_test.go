package api_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

// crew is a team with a person of each role, all with their own browsers.
type crew struct {
	*apptest.App
	path                 string
	owner, admin, member *apptest.Browser
	ids                  map[string]string
}

func newCrew(t *testing.T, a *apptest.App, name string) crew {
	t.Helper()
	c := crew{App: a, ids: map[string]string{}}
	for role, b := range map[string]**apptest.Browser{"owner": &c.owner, "admin": &c.admin, "member": &c.member} {
		*b = google(t, a, apptest.Person{Name: name + " " + role, Email: strings.ToLower(name) + "." + role + "@gmail.com"})
		c.ids[role] = me(*b)
	}
	c.path = "/v1/teams/" + c.owner.POST("/v1/teams", map[string]any{"name": name}).Want(http.StatusCreated).String("id")
	c.join(t, c.admin, strings.ToLower(name)+".admin@gmail.com", "admin")
	c.join(t, c.member, strings.ToLower(name)+".member@gmail.com", "member")
	return c
}

func (c crew) invite(email, role string) string {
	return c.owner.POST(c.path+"/invitations", map[string]any{"email": email, "role": role}).Want(http.StatusCreated).String("id")
}

func (c crew) join(t *testing.T, b *apptest.Browser, email, role string) {
	t.Helper()
	b.POST("/v1/me/invitations/"+c.invite(email, role)+"/accept", nil).Want(http.StatusOK)
}

// Whatever belongs to another team does not exist through one's own.
func TestObjectsOfAnotherTeam(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		mine, theirs := newCrew(t, a, "Mine"), newCrew(t, a, "Theirs")
		session := theirs.member.POST(theirs.path+"/sessions", nil).Want(http.StatusCreated).String("id")
		invitation := theirs.invite("someone@gmail.com", "member")
		a.Unchanged(t, func() {
			for _, c := range []struct {
				method, path string
				body         any
			}{
				{"DELETE", mine.path + "/sessions/" + session, nil},
				{"DELETE", mine.path + "/invitations/" + invitation, nil},
				{"PATCH", mine.path + "/members/" + theirs.ids["member"], map[string]any{"role": "admin"}},
				{"DELETE", mine.path + "/members/" + theirs.ids["member"], nil},
				{"GET", theirs.path, nil},
				{"PATCH", theirs.path, map[string]any{"name": "Taken"}},
				{"DELETE", theirs.path, nil},
				{"POST", theirs.path + "/sessions", nil},
				{"GET", theirs.path + "/sessions", nil},
				{"DELETE", theirs.path + "/sessions/" + session, nil},
				{"GET", theirs.path + "/members", nil},
				{"PATCH", theirs.path + "/members/" + theirs.ids["member"], map[string]any{"role": "member"}},
				{"DELETE", theirs.path + "/members/" + mine.ids["owner"], nil},
				{"POST", theirs.path + "/transfer", map[string]any{"user_id": theirs.ids["member"]}},
				{"POST", mine.path + "/transfer", map[string]any{"user_id": theirs.ids["member"]}},
				{"GET", theirs.path + "/invitations", nil},
				{"POST", theirs.path + "/invitations", map[string]any{"email": "mine.owner@gmail.com", "role": "owner"}},
				{"DELETE", theirs.path + "/invitations/" + invitation, nil},
			} {
				mine.owner.Do(c.method, c.path, c.body).WantProblem(http.StatusNotFound, "not_found")
				status := http.StatusUnauthorized
				a.Browser().Do(c.method, c.path, c.body).WantProblem(status, "unauthenticated")
			}
		})
		list := mine.owner.GET(mine.path + "/sessions?user_id=" + theirs.ids["member"]).Want(http.StatusOK)
		if list.Len("data") != 0 {
			t.Errorf("sessions of another team: %s", list.Body)
		}
		theirs.member.GET("/v1/session").Want(http.StatusOK)
	})
}

// What a role may not do is refused, and changes nothing.
func TestRoles(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		c := newCrew(t, a, "Keys")
		second := google(t, a, apptest.Person{Name: "Second", Email: "second@gmail.com"})
		c.join(t, second, "second@gmail.com", "owner")
		owners := c.owner.POST(c.path+"/sessions", nil).Want(http.StatusCreated).String("id")
		toOwner := c.invite("third@gmail.com", "owner")
		role := func(r string) map[string]any { return map[string]any{"role": r} }
		invite := func(r string) map[string]any { return map[string]any{"role": r, "email": "new@gmail.com"} }
		a.Unchanged(t, func() {
			for _, call := range []struct {
				by           *apptest.Browser
				method, path string
				body         any
			}{
				{c.member, "PATCH", "", map[string]any{"name": "Mine"}},
				{c.member, "DELETE", "", nil},
				{c.member, "GET", "/sessions", nil},
				{c.member, "GET", "/invitations", nil},
				{c.member, "POST", "/invitations", invite("member")},
				{c.member, "PATCH", "/members/" + c.ids["member"], role("owner")},
				{c.member, "DELETE", "/members/" + c.ids["admin"], nil},
				{c.member, "DELETE", "/sessions/" + owners, nil},
				{c.member, "DELETE", "/invitations/" + toOwner, nil},
				{c.admin, "DELETE", "", nil},
				{c.admin, "POST", "/invitations", invite("owner")},
				{c.admin, "PATCH", "/members/" + c.ids["admin"], role("owner")},
				{c.admin, "PATCH", "/members/" + c.ids["member"], role("owner")},
				{c.admin, "PATCH", "/members/" + c.ids["owner"], role("member")},
				{c.admin, "DELETE", "/members/" + c.ids["owner"], nil},
				{c.admin, "POST", "/transfer", map[string]any{"user_id": c.ids["admin"]}},
				{c.member, "POST", "/transfer", map[string]any{"user_id": c.ids["member"]}},
				{c.admin, "DELETE", "/sessions/" + owners, nil},
				{c.admin, "DELETE", "/invitations/" + toOwner, nil},
			} {
				call.by.Do(call.method, c.path+call.path, call.body).WantProblem(http.StatusForbidden, "forbidden")
			}
			// Mass assignment: no call writes more than it is for.
			for path, body := range map[string]string{
				"":                                  `{"name":"Keys","role":"owner"}`,
				"/members/" + c.ids["member"]:       `{"role":"member","user_id":"` + c.ids["owner"] + `"}`,
				"/members/" + c.ids["member"] + "#": `{"role":"root"}`,
			} {
				c.owner.Do("PATCH", c.path+strings.TrimSuffix(path, "#"), strings.NewReader(body)).WantProblem(http.StatusBadRequest, "invalid_request")
			}
			for _, body := range []string{
				`{"id":"` + c.ids["owner"] + `"}`, `{"operator":true}`, `{"primary_email":"x@gmail.com"}`, `{"status":"active"}`, `{"verified":true}`,
				`{"display_name":"x","operator":true}`, `{"onboarded_at":"2020-01-01T00:00:00Z"}`, `{"created_at":"2020-01-01T00:00:00Z"}`,
			} {
				c.member.Do("PATCH", "/v1/me", strings.NewReader(body)).WantProblem(http.StatusBadRequest, "invalid_request")
			}
		})
		c.member.GET(c.path).Want(http.StatusOK)
		c.member.GET(c.path + "/members").Want(http.StatusOK)
		c.admin.GET(c.path + "/sessions").Want(http.StatusOK)
		// Deleting a team needs a recent proof too.
		a.Advance(11 * time.Minute)
		c.owner.DELETE(c.path).WantProblem(http.StatusForbidden, "reauth_required")
		// A role taken away acts at once, inside the team session too.
		c.admin.POST(c.path+"/sessions", nil).Want(http.StatusCreated)
		c.owner.PATCH(c.path+"/members/"+c.ids["admin"], role("member")).Want(http.StatusOK)
		c.admin.GET(c.path+"/sessions").WantProblem(http.StatusForbidden, "forbidden")
		if got := c.admin.GET("/v1/session").String("team_session.role"); got != "member" {
			t.Errorf("role %q", got)
		}
	})
}

func TestLastOwnerStays(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		c := newCrew(t, a, "Keys")
		owner := c.path + "/members/" + c.ids["owner"]
		a.Unchanged(t, func() {
			c.owner.PATCH(owner, map[string]any{"role": "admin"}).WantProblem(http.StatusConflict, "last_owner")
			c.owner.PATCH(owner, map[string]any{"role": "member"}).WantProblem(http.StatusConflict, "last_owner")
			c.owner.DELETE(owner).WantProblem(http.StatusConflict, "last_owner")
		})
		// An owner who is disabled is none.
		c.owner.PATCH(c.path+"/members/"+c.ids["admin"], map[string]any{"role": "owner"}).Want(http.StatusOK)
		a.Disable(c.ids["admin"])
		c.owner.DELETE(owner).WantProblem(http.StatusConflict, "last_owner")
		a.Exec("UPDATE users SET status = 'active' WHERE id = '%s'", c.ids["admin"])
		// Both go at once, each believing in the other.
		for range 3 {
			c.owner.PATCH(c.path+"/members/"+c.ids["admin"], map[string]any{"role": "owner"})
			c.admin.PATCH(owner, map[string]any{"role": "owner"})
			var wg sync.WaitGroup
			answers := make([]*apptest.Answer, 2)
			for i, b := range []*apptest.Browser{c.owner, c.admin} {
				own := c.path + "/members/" + []string{c.ids["owner"], c.ids["admin"]}[i]
				wg.Go(func() { answers[i] = b.PATCH(own, map[string]any{"role": "admin"}) })
			}
			wg.Wait()
			if answers[0].Status+answers[1].Status != http.StatusOK+http.StatusConflict {
				t.Errorf("%d and %d", answers[0].Status, answers[1].Status)
			}
			if n := a.Count("memberships", "role = 'owner'"); n != 1 {
				t.Errorf("%d owners", n)
			}
		}
	})
}

func TestInvitations(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		c := newCrew(t, a, "Keys")
		w := apptest.NewWallet(t)
		holder, eve := a.Browser(), google(t, a, apptest.Person{Name: "Eve", Email: "eve@gmail.com"})
		holder.Wallet(w, "sign_in").Want(http.StatusOK)
		wallet := func(address string) *apptest.Answer {
			return c.owner.POST(c.path+"/invitations", map[string]any{"wallet": address, "role": "member"})
		}
		accept := func(b *apptest.Browser, id string) *apptest.Answer {
			return b.POST("/v1/me/invitations/"+id+"/accept", nil)
		}
		byWallet := wallet(strings.ToLower(w.Address.Hex())).Want(http.StatusCreated)
		if byWallet.String("wallet") != w.Address.Hex() {
			t.Errorf("wallet: %s", byWallet.Body)
		}
		wallet(w.Address.Hex()).WantProblem(http.StatusConflict, "already_invited")
		byMail := c.invite("Max@Gmail.com", "member")
		for _, id := range []string{byWallet.String("id"), byMail, "00000000-0000-7000-8000-000000000000"} {
			a.Unchanged(t, func() { // somebody else
				accept(eve, id).WantProblem(http.StatusNotFound, "not_found")
				eve.POST("/v1/me/invitations/"+id+"/decline", nil).WantProblem(http.StatusNotFound, "not_found")
				accept(c.owner, id).WantProblem(http.StatusNotFound, "not_found") // not even who invited
				eve.POST("/v1/me/invitations/"+id+"/accept", map[string]any{"role": "owner"}).WantProblem(http.StatusBadRequest, "invalid_request")
			})
		}
		// An address that is shown but not vouched for opens nothing.
		pretender := google(t, a, apptest.Person{Name: "Pretender", Email: "max@gmail.com", Unverified: true, Subject: "1"})
		accept(pretender, byMail).WantProblem(http.StatusNotFound, "not_found")
		if got := pretender.GET("/v1/me/invitations"); got.Len("data") != 0 {
			t.Errorf("invitations of an unverified address: %s", got.Body)
		}
		if got := accept(holder, byWallet.String("id")).Want(http.StatusOK); got.String("role") != "member" {
			t.Errorf("role: %s", got.Body)
		}
		accept(holder, byWallet.String("id")).WantProblem(http.StatusConflict, "invitation_closed") // twice
		// Who is listed by the wallet, or by the address, is not invited.
		a.Unchanged(t, func() {
			wallet(w.Address.Hex()).WantProblem(http.StatusConflict, "already_member")
			c.owner.POST(c.path+"/invitations", map[string]any{"email": "Keys.Admin@gmail.com", "role": "member"}).WantProblem(http.StatusConflict, "already_member")
		})
		// With a name, they are listed by it, and nothing shows whose the wallet is.
		holder.PATCH("/v1/me", map[string]any{"display_name": "Holder"}).Want(http.StatusOK)
		wallet(w.Address.Hex()).Want(http.StatusCreated)
		again := holder.GET("/v1/me/invitations").String("data.0.id")
		accept(holder, again).WantProblem(http.StatusConflict, "already_member")

		max := google(t, a, apptest.Person{Name: "Max", Email: "max@gmail.com", Subject: "2"})
		c.owner.DELETE(c.path + "/invitations/" + byMail).Want(http.StatusNoContent)
		accept(max, byMail).WantProblem(http.StatusConflict, "invitation_closed") // revoked
		c.owner.DELETE(c.path+"/invitations/"+byMail).WantProblem(http.StatusConflict, "invitation_closed")
		declined := c.invite("max@gmail.com", "member")
		max.POST("/v1/me/invitations/"+declined+"/decline", nil).Want(http.StatusNoContent)
		accept(max, declined).WantProblem(http.StatusConflict, "invitation_closed")
		late := c.invite("max@gmail.com", "member")
		a.Advance(14*24*time.Hour + time.Second)
		max = google(t, a, apptest.Person{Name: "Max", Email: "max@gmail.com", Subject: "2"})
		accept(max, late).WantProblem(http.StatusConflict, "invitation_closed")
		c.owner = google(t, a, apptest.Person{Email: "keys.owner@gmail.com"})
		if max.GET("/v1/me/invitations").Len("data") != 0 || c.owner.GET(c.path+"/invitations").Len("data") != 0 {
			t.Error("an invitation that is over is shown")
		}
		// If the inviter may no longer invite, the invitation is void.
		c.admin = google(t, a, apptest.Person{Email: "keys.admin@gmail.com"})
		byAdmin := c.admin.POST(c.path+"/invitations", map[string]any{"email": "max@gmail.com", "role": "admin"}).Want(http.StatusCreated).String("id")
		c.owner.DELETE(c.path + "/members/" + c.ids["admin"]).Want(http.StatusNoContent)
		accept(max, byAdmin).WantProblem(http.StatusConflict, "invitation_closed")
		max.GET(c.path).WantProblem(http.StatusNotFound, "not_found")
	})
}

func TestInvitationForm(t *testing.T) {
	t.Parallel()
	c := newCrew(t, apptest.SQLite(t), "Keys")
	c.Unchanged(t, func() {
		for _, email := range []string{
			"", "a", "@", "a@", "@b.example", "a@b", "a b@c.example", "a@b.example,c@d.example", "a@b.example;c@d.example", "<a@b.example>",
			"A <a@b.example>", `"a"@b.example`, `"a@evil.example"@b.example`, "a@b@c.example", "a@b.example\r\nBcc: c@d.example", "a@b.example\n", " a@b.example",
			"a@b.example ", "a@[127.0.0.1]", "a@b..example", ".a@b.example", "a.@b.example", "a..b@c.example", "\u0130@b.example", "\u212a@b.example",
			"a(comment)@b.example", "a@b.example.", strings.Repeat("a", 65) + "@b.example", "a@" + strings.Repeat("b.", 200) + "example", "a\x00@b.example", "a@-b.example",
		} {
			answer := c.owner.POST(c.path+"/invitations", map[string]any{"email": email, "role": "member"})
			if answer.Status != http.StatusBadRequest {
				t.Errorf("%q: %d %s", email, answer.Status, answer.Body)
			}
		}
		for _, body := range []map[string]any{
			{"role": "member"}, {"email": "a@b.example", "wallet": apptest.NewWallet(t).Address.Hex(), "role": "member"}, {"email": "a@b.example"},
			{"email": "a@b.example", "role": "root"}, {"email": "a@b.example", "role": ""}, {"email": "a@b.example", "role": nil}, {"email": []string{"a@b.example"}, "role": "member"},
			{"email": map[string]any{"a": "b"}, "role": "member"}, {"email": "a@b.example", "role": "member", "team_id": c.ids["owner"]}, {"wallet": "0x12", "role": "member"},
		} {
			c.owner.POST(c.path+"/invitations", body).WantProblem(http.StatusBadRequest, "invalid_request")
		}
	})
	// One form for every spelling of an address; a homograph is another one.
	for email, want := range map[string]string{
		"ANN@B.Example": "ann@b.example", "a.nn+tag@b.example": "a.nn+tag@b.example", "ann@b\u00fccher.example": "ann@xn--bcher-kva.example", "ann@\u0431.example": "ann@xn--90a.example",
	} {
		if got := c.owner.POST(c.path+"/invitations", map[string]any{"email": email, "role": "member"}).Want(http.StatusCreated).String("email"); got != want {
			t.Errorf("%s became %s, want %s", email, got, want)
		}
	}
}

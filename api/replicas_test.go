package api_test

import (
	"net/http"
	"testing"

	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

// until waits for what another process has to do first.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	if !apptest.Eventually(done) {
		t.Fatalf("%s: never", what)
	}
}

// What one replica changes counts at once there, and is soon refused by all the
// others, though each remembered the session.
func TestReplicasForgetTogether(t *testing.T) {
	t.Parallel()
	url := apptest.DatabaseURL(t, "postgres")
	first := apptest.StartAt(t, url)
	public := "LATCHKEY_PUBLIC_URL=" + first.URL
	others := []*apptest.App{apptest.StartAt(t, url, public), apptest.StartAt(t, url, public)}
	c := newCrew(t, first, "Keys")
	c.admin.Wallet(apptest.NewWallet(t), "link").Want(http.StatusOK)
	c.owner.Wallet(apptest.NewWallet(t), "link").Want(http.StatusOK)
	c.member.Wallet(apptest.NewWallet(t), "link").Want(http.StatusOK)
	c.owner.Do(http.MethodPut, c.path+"/policy", map[string]any{"required_providers": []string{"siwe"}}).Want(http.StatusOK)
	c.admin.POST(c.path+"/sessions", nil).Want(http.StatusCreated)
	entered := c.member.POST(c.path+"/sessions", nil).Want(http.StatusCreated).String("id")
	ended := google(t, first, apptest.Person{Name: "Max", Email: "max@gmail.com"})

	// elsewhere is the same cookie at another replica.
	elsewhere := func(b *apptest.Browser, a *apptest.App) *apptest.Browser {
		out := a.Browser()
		out.SetCookie("latchkey", b.Cookie("latchkey"))
		return out
	}
	role := func(b *apptest.Browser) any { return b.GET("/v1/session").Want(http.StatusOK).Get("team_session.role") }
	for _, step := range []struct {
		what   string
		whose  *apptest.Browser
		before func(b *apptest.Browser) bool
		change func()
		after  func(b *apptest.Browser) bool
	}{
		{
			"another role", c.member, func(b *apptest.Browser) bool { return role(b) == "member" },
			func() {
				c.owner.PATCH(c.path+"/members/"+c.ids["member"], map[string]any{"role": "admin"}).Want(http.StatusOK)
			},
			func(b *apptest.Browser) bool { return role(b) == "admin" },
		},
		{
			"team session revoked", c.member, func(b *apptest.Browser) bool { return role(b) == "admin" },
			func() { c.owner.DELETE(c.path + "/sessions/" + entered).Want(http.StatusNoContent) },
			func(b *apptest.Browser) bool { return role(b) == nil },
		},
		{
			"an identity unlinked that the policy asks for", c.admin, func(b *apptest.Browser) bool { return role(b) == "admin" },
			func() {
				c.admin.DELETE("/v1/me/identities/" + identityID(t, c.admin, "siwe")).Want(http.StatusNoContent)
			},
			func(b *apptest.Browser) bool { return role(b) == nil },
		},
		{
			"signed out", ended, func(b *apptest.Browser) bool { return b.GET("/v1/session").Status == http.StatusOK },
			func() {
				ended.With("Authorization", "Bearer "+ended.Cookie("latchkey")).DELETE("/v1/session").Want(http.StatusNoContent)
			},
			func(b *apptest.Browser) bool { return b.GET("/v1/session").Status == http.StatusUnauthorized },
		},
	} {
		var remembering []*apptest.Browser
		for _, a := range append(others, first) {
			b := elsewhere(step.whose, a)
			for range 2 { // the second time from memory
				if !step.before(b) {
					t.Fatalf("%s: wrong before", step.what)
				}
			}
			remembering = append(remembering, b)
		}
		step.change()
		if !step.after(remembering[len(others)]) {
			t.Errorf("%s: not at once where it was done", step.what)
		}
		for _, b := range remembering {
			until(t, step.what, func() bool { return step.after(b) })
		}
	}
}

package api_test

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/latchkey/latchkey/identity/client"
	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

// receiver is where an application takes logout tokens.
type receiver struct {
	*httptest.Server
	mu       sync.Mutex
	notified []string
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.notified = append(r.notified, req.PostFormValue("logout_token"))
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) tokens() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string{}, r.notified...)
}

// logoutToken waits for the n-th logout token and verifies it by the published keys.
func (r *receiver) logoutToken(t *testing.T, o application, n int) map[string]any {
	t.Helper()
	if !apptest.Eventually(func() bool { return len(r.tokens()) >= n }) {
		t.Fatalf("%d logout tokens, want %d", len(r.tokens()), n)
	}
	raw := r.tokens()[n-1]
	header, err := base64.RawURLEncoding.DecodeString(strings.Split(raw, ".")[0])
	if err != nil || !strings.Contains(string(header), `"typ":"logout+jwt"`) {
		t.Errorf("the header is %s, %v", header, err)
	}
	verified, err := o.provider.Verifier(&oidc.Config{ClientID: o.ID, SupportedSigningAlgs: []string{"RS256"}, Now: o.Now}).Verify(o.ctx, raw)
	if err != nil {
		t.Fatalf("the logout token does not verify: %v", err)
	}
	claims := map[string]any{}
	if err := verified.Claims(&claims); err != nil {
		t.Fatal(err)
	}
	if claims["nonce"] != nil || claims["events"] == nil {
		t.Errorf("the logout token says %v", claims)
	}
	return claims
}

// An admin of the team ends a member's session in the panel, and the session that an
// application has by it ends, of which it is notified; so it goes by every other way.
func TestEndingATeamSessionEndsTheApplications(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		c, r := newCrew(t, a, "Apps"), newReceiver(t)
		o := register(t, a, func(c *client.Client) { c.BackchannelURI = r.URL })
		team := strings.TrimPrefix(c.path, "/v1/teams/")
		got := o.signIn(c.member, oauth2.SetAuthURLParam("team", team))
		other := o.signIn(c.member)
		_, claims := o.idToken(t, got)
		sid := claims["sid"]
		o.userinfo(t, got.AccessToken).Want(http.StatusOK)

		list := c.owner.GET(c.path + "/sessions").Want(http.StatusOK)
		found := ""
		for i := range list.Len("data") {
			if row := "data." + string(rune('0'+i)); list.String(row+".user.id") == c.ids["member"] {
				found = list.String(row + ".id")
			}
		}
		c.owner.DELETE(c.path + "/sessions/" + found).Want(http.StatusNoContent)
		if notified := r.logoutToken(t, o, 1); notified["sid"] != sid || notified["sub"] != c.ids["member"] {
			t.Errorf("notified of %v, want the session %v of %s", notified, sid, c.ids["member"])
		}
		o.dead(t, "the session in the team", got.AccessToken, got.RefreshToken)
		o.userinfo(t, other.AccessToken).Want(http.StatusOK)

		c.member.DELETE("/v1/session").Want(http.StatusNoContent)
		if notified := r.logoutToken(t, o, 2); notified["sub"] != c.ids["member"] {
			t.Errorf("notified of %v", notified)
		}
		o.dead(t, "the session of the browser", other.AccessToken, other.RefreshToken)
	})
}

// An application signs the person out of its browser with the ID token that it has, and
// gets them back only where it registered. Without it, they are asked.
func TestLogoutByAnApplication(t *testing.T) {
	t.Parallel()
	a := apptest.SQLite(t)
	r := newReceiver(t)
	const home = "https://app.example.net/bye?x=1"
	o := register(t, a, func(c *client.Client) { c.PostLogoutURIs = client.Words{home} })
	sibling := register(t, a, func(c *client.Client) { c.BackchannelURI = r.URL })
	b := google(t, a, apptest.Person{Email: "ada@gmail.com"})
	subject := me(b)
	hintOf := func(got *oauth2.Token) string {
		raw, _ := got.Extra("id_token").(string)
		return raw
	}
	got, theirs := o.signIn(b), sibling.signIn(b)
	path := func(pairs ...string) string {
		q := url.Values{}
		for i := 0; i < len(pairs); i += 2 {
			q.Set(pairs[i], pairs[i+1])
		}
		return "/oauth2/logout?" + q.Encode()
	}
	location := func(ans *apptest.Answer) string { return ans.Want(http.StatusFound).Header.Get("Location") }
	hint := hintOf(got)
	stranger := google(t, a, apptest.Person{Email: "eve@gmail.com"})

	a.Unchanged(t, func() {
		for name, uri := range map[string]string{
			"another path": "https://app.example.net/", "another query": "https://app.example.net/bye?x=2", "less": "https://app.example.net/bye", "a fragment": home + "#", "another host": "https://evil.example/",
			"a user": "https://app.example.net@evil.example/bye?x=1", "no scheme": "//app.example.net/bye?x=1", "a script": "javascript:alert(1)", "capitals": "https://APP.example.net/bye?x=1",
		} {
			if ans := b.GET(path("id_token_hint", hint, "post_logout_redirect_uri", uri)); ans.Header.Get("Location") != "" {
				t.Errorf("%s: leads to %s", name, ans.Header.Get("Location"))
			} else {
				ans.WantProblem(http.StatusBadRequest, "invalid_redirect_uri")
			}
		}
		b.GET(path("post_logout_redirect_uri", home)).WantProblem(http.StatusBadRequest, "invalid_redirect_uri")
		b.GET(path("client_id", sibling.ID, "post_logout_redirect_uri", home)).WantProblem(http.StatusBadRequest, "invalid_redirect_uri")
		b.GET(path("client_id", "none")).WantProblem(http.StatusBadRequest, "client_not_found")
		b.GET(path("id_token_hint", hint, "client_id", sibling.ID)).WantProblem(http.StatusBadRequest, "invalid_request")
		for _, bad := range []string{"x", hint + "x", hint[:len(hint)-4] + "AAAA", got.AccessToken} {
			b.GET(path("id_token_hint", bad)).WantProblem(http.StatusBadRequest, "invalid_request")
		}
		// Another site cannot sign anybody out.
		for _, to := range []string{path(), path("client_id", o.ID, "post_logout_redirect_uri", home, "state", "s")} {
			if to := location(b.GET(to)); !strings.HasPrefix(to, "/sign-out?") && to != "/sign-out" {
				t.Errorf("leads to %s", to)
			}
		}
		if head := b.Do(http.MethodHead, path("id_token_hint", hint), nil); head.Status == http.StatusFound {
			t.Error("HEAD signs out")
		}
	}, "sessions")
	b.GET("/v1/session").Want(http.StatusOK)
	// Somebody else's ID token ends the application's session that it is of, and asks.
	other := o.signIn(stranger)
	if to := location(b.GET(path("id_token_hint", hintOf(other)))); !strings.HasPrefix(to, "/sign-out") {
		t.Errorf("leads to %s", to)
	}
	o.dead(t, "the session that the ID token is of", other.AccessToken, other.RefreshToken)
	stranger.GET("/v1/session").Want(http.StatusOK)
	b.GET("/v1/session").Want(http.StatusOK)

	if to := location(b.GET(path("id_token_hint", hint, "post_logout_redirect_uri", home, "state", "a b&c"))); to != home+"&state=a+b%26c" {
		t.Errorf("leads to %s", to)
	}
	b.GET("/v1/session").WantProblem(http.StatusUnauthorized, "unauthenticated")
	o.dead(t, "the application's session", got.AccessToken, got.RefreshToken)
	sibling.dead(t, "the other application's session", theirs.AccessToken, theirs.RefreshToken)
	if notified := r.logoutToken(t, sibling, 1); notified["sub"] == nil {
		t.Errorf("notified of %v", notified)
	}
	// Once more, and by a form: there is nothing left to end.
	if to := location(b.GET(path("id_token_hint", hint, "post_logout_redirect_uri", home))); to != home {
		t.Errorf("leads to %s", to)
	}
	if to := location(b.GET(path("id_token_hint", hint))); to != "/sign-out" {
		t.Errorf("leads to %s", to)
	}
	// What is left of a session that is no longer kept does not sign out of today's.
	a.Exec("DELETE FROM sessions WHERE user_id = '%s'", subject)
	again := google(t, a, apptest.Person{Email: "ada@gmail.com"})
	if me(again) != subject {
		t.Fatal("they are somebody else")
	}
	if to := location(again.GET(path("id_token_hint", hint))); !strings.HasPrefix(to, "/sign-out?") {
		t.Errorf("leads to %s", to)
	}
	again.GET("/v1/session").Want(http.StatusOK)
	form := post(b, "/oauth2/logout", url.Values{"id_token_hint": {hint}, "state": {"s"}}).Want(http.StatusSeeOther).Header.Get("Location")
	if form != path("id_token_hint", hint, "state", "s") {
		t.Errorf("leads to %s", form)
	}
}

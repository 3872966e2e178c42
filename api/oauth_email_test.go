package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/internal/testkit/apptest"
	"github.com/latchkey/latchkey/internal/testkit/providertest"
)

// The victim owns an address. Somebody with the same address in a proof
// that does not vouch for it is somebody else, with no address.
func TestUnverifiedAddressOpensNoAccount(t *testing.T) {
	t.Parallel()
	up := providertest.NewUpstream(t)
	a := apptest.SQLite(t, up.Env()...)
	google := func(b *apptest.Browser, claims map[string]any) string {
		return up.Google(b.Start("google", "sign_in"), claims)
	}
	github := func(b *apptest.Browser, account providertest.GitHubAccount) string {
		return up.GitHub(b.Start("github", "sign_in"), account)
	}
	mail := func(address string, primary, verified any) map[string]any {
		return map[string]any{"email": address, "primary": primary, "verified": verified}
	}
	victims := map[string]string{}
	for i, address := range []string{"victim@gmail.com", "victim@mail.example", "capital@gmail.com"} {
		b := a.Browser()
		b.Callback(github(b, hub(1000+i, mail(address, true, true))))
		me := b.GET("/v1/me").Want(http.StatusOK)
		if me.String("primary_email") != address {
			t.Fatalf("the victim has no address: %s", me.Body)
		}
		victims[address] = me.String("id")
	}
	id := 2000
	claim := func(address string, more map[string]any) map[string]any {
		id++
		c := map[string]any{"sub": "sub-" + strings.Repeat("x", id-2000), "email": address, "name": "Eve"}
		for name, value := range more {
			c[name] = value
		}
		return c
	}
	account := func(emails ...map[string]any) providertest.GitHubAccount { id++; return hub(id, emails...) }
	const gm, other = "victim@gmail.com", "victim@mail.example"
	for name, c := range map[string]struct {
		callback func(b *apptest.Browser) string
		joins    string // the victim who is let in, for the controls
	}{
		"Google, true": {func(b *apptest.Browser) string { return google(b, claim(gm, map[string]any{"email_verified": true})) }, gm},
		"Google, hosted": {func(b *apptest.Browser) string {
			return google(b, claim(other, map[string]any{"email_verified": true, "hd": "mail.example"}))
		}, other},
		"Google, capitals": {func(b *apptest.Browser) string {
			return google(b, claim("CAPITAL@GMAIL.COM", map[string]any{"email_verified": true}))
		}, "capital@gmail.com"},
		"Google, false":    {func(b *apptest.Browser) string { return google(b, claim(gm, map[string]any{"email_verified": false})) }, ""},
		"Google, \"true\"": {func(b *apptest.Browser) string { return google(b, claim(gm, map[string]any{"email_verified": "true"})) }, ""},
		"Google, 1":        {func(b *apptest.Browser) string { return google(b, claim(gm, map[string]any{"email_verified": 1})) }, ""},
		"Google, null":     {func(b *apptest.Browser) string { return google(b, claim(gm, map[string]any{"email_verified": nil})) }, ""},
		"Google, absent":   {func(b *apptest.Browser) string { return google(b, claim(gm, nil)) }, ""},
		"Google, list": {func(b *apptest.Browser) string {
			return google(b, claim(gm, map[string]any{"email_verified": []bool{true}}))
		}, ""},
		"Google, other case": {func(b *apptest.Browser) string { return google(b, claim(gm, map[string]any{"Email_Verified": true})) }, ""},
		"Google, not its mail": {func(b *apptest.Browser) string {
			return google(b, claim(other, map[string]any{"email_verified": true}))
		}, ""},
		"Google, other domain": {func(b *apptest.Browser) string {
			return google(b, claim(other, map[string]any{"email_verified": true, "hd": "evil.example"}))
		}, ""},
		"Google, domain of a suffix": {func(b *apptest.Browser) string {
			return google(b, claim(other, map[string]any{"email_verified": true, "hd": "example"}))
		}, ""},
		"Google, unverified with hd": {func(b *apptest.Browser) string {
			return google(b, claim(other, map[string]any{"email_verified": false, "hd": "mail.example"}))
		}, ""},
		"Google, two addresses": {func(b *apptest.Browser) string {
			return google(b, claim("eve@evil.example,"+gm, map[string]any{"email_verified": true}))
		}, ""},
		"Google, list of address": {func(b *apptest.Browser) string {
			return google(b, claim("", map[string]any{"email": []string{gm}, "email_verified": true}))
		}, ""},
		"Google, Kelvin sign": {func(b *apptest.Browser) string {
			return google(b, claim("v\u0131ctim@gmail.com", map[string]any{"email_verified": true}))
		}, ""},
		"GitHub, second": {func(b *apptest.Browser) string {
			return github(b, account(mail("x@y.example", true, true), mail(gm, false, true)))
		}, ""},
		"GitHub, unverified": {func(b *apptest.Browser) string { return github(b, account(mail(gm, true, false))) }, ""},
		"GitHub, \"true\"":   {func(b *apptest.Browser) string { return github(b, account(mail(gm, true, "true"))) }, ""},
		"GitHub, flags of two": {func(b *apptest.Browser) string {
			return github(b, account(mail(gm, true, false), mail(gm, false, true)))
		}, ""},
		"GitHub, public address": {func(b *apptest.Browser) string {
			acc := account()
			acc.User["email"] = gm
			return github(b, acc)
		}, ""},
		"GitHub, login of an address": {func(b *apptest.Browser) string {
			acc := account()
			acc.User["login"] = gm
			return github(b, acc)
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := a.Browser().In(t)
			if to := b.Callback(c.callback(b)); to.String() != "/account" {
				t.Fatalf("led to %s", to)
			}
			me := b.GET("/v1/me").Want(http.StatusOK)
			switch id := me.String("id"); {
			case c.joins != "" && id != victims[c.joins]:
				t.Errorf("an address that is vouched for did not find its owner: %s", me.Body)
			case c.joins == "" && (id == victims[gm] || id == victims[other]):
				t.Errorf("signed in as the victim")
			case c.joins == "" && me.String("primary_email") == gm || c.joins == "" && me.String("primary_email") == other:
				t.Errorf("claimed the address: %s", me.Body)
			}
		})
	}
}

func TestGitHubNoreplyAndIDs(t *testing.T) {
	t.Parallel()
	up := providertest.NewUpstream(t)
	a := apptest.SQLite(t, up.Env()...)
	in := func(account providertest.GitHubAccount) (*apptest.Browser, *apptest.Answer) {
		b := a.Browser()
		return b, b.GET(up.GitHub(b.Start("github", "sign_in"), account))
	}
	noreply := map[string]any{"email": "7+octo@users.noreply.github.com", "primary": true, "verified": true}
	b, _ := in(hub(7, noreply))
	if me := b.GET("/v1/me").Want(http.StatusOK); me.Get("primary_email") != nil {
		t.Errorf("a noreply address counts: %s", me.Body)
	}
	// The login was renamed and taken by somebody else: the number is who one is.
	renamed := hub(7, noreply)
	renamed.User["login"] = "renamed"
	again, _ := in(renamed)
	taken, _ := in(hub(8, noreply))
	first := b.GET("/v1/me").String("id")
	if again.GET("/v1/me").String("id") != first || taken.GET("/v1/me").String("id") == first {
		t.Error("the login decided, not the number")
	}
	for _, id := range []any{"7", 0, -7, 7.5, 1e30, nil, true, []int{7}, map[string]int{"id": 7}} {
		account := hub(0)
		account.User["id"] = id
		a.Unchanged(t, func() {
			b, answer := in(account)
			if to := answer.Want(http.StatusFound).Header.Get("Location"); !strings.Contains(to, "error=provider_failed") {
				t.Errorf("%v led to %s", id, to)
			}
			b.GET("/v1/session").WantProblem(http.StatusUnauthorized, "unauthenticated")
		}, "burned_secrets")
	}
}

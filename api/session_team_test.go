package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

func TestSessionNamesTheIdentityThatMadeIt(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		w := apptest.NewWallet(t)
		b := google(t, a, apptest.Person{Email: "ada@gmail.com"})
		b.Wallet(w, "link").Want(http.StatusOK)
		byWallet := a.Browser()
		byWallet.Wallet(w, "sign_in").Want(http.StatusOK)
		for range 2 { // the second time from memory
			got := b.GET("/v1/session").Want(http.StatusOK)
			if got.String("identity.id") != identityID(t, b, "google") || got.String("identity.provider") != "google" || got.Get("identity.wallet") != nil {
				t.Errorf("by Google: %s", got.Body)
			}
			got = byWallet.GET("/v1/session").Want(http.StatusOK)
			if got.String("identity.id") != identityID(t, b, "siwe") || got.String("identity.provider") != "siwe" ||
				got.String("identity.wallet.address") != w.Address.Hex() || got.Get("identity.wallet.chain_id") != 1.0 || got.String("identity.wallet.kind") != "eoa" {
				t.Errorf("by a wallet: %s", got.Body)
			}
		}
		if got := restricted(t, a).GET("/v1/session").Want(http.StatusOK); got.Get("identity") != nil {
			t.Errorf("by a recovery code: %s", got.Body)
		}
	})
}

func TestSessionInTheTeamThatIsAskedFor(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		c := newCrew(t, a, "Keys")
		first := strings.TrimPrefix(c.path, "/v1/teams/")
		second := c.owner.POST("/v1/teams", map[string]any{"name": "Second"}).Want(http.StatusCreated).String("id")
		third := c.owner.POST("/v1/teams", map[string]any{"name": "Third"}).Want(http.StatusCreated).String("id")
		in := map[string]string{}
		for _, id := range []string{first, second} {
			in[id] = c.owner.POST("/v1/teams/"+id+"/sessions", nil).Want(http.StatusCreated).String("id")
		}
		want := func(what, query, team string) *apptest.Answer {
			t.Helper()
			got := c.owner.GET("/v1/session" + query).Want(http.StatusOK)
			if team == "" && got.Get("team_session") != nil || team != "" && (got.String("team_session.id") != in[team] || got.String("team_session.team_id") != team) {
				t.Errorf("%s: %s", what, got.Body)
			}
			return got
		}
		for range 2 { // the second time from memory
			want("the last", "", second)
			want("the last by its id", "?team_id="+second, second)
			want("another", "?team_id="+first, first)
			want("one that was not entered", "?team_id="+third, "")
			want("no team", "?team_id="+identity.NewID().String(), "")
		}
		c.owner.Do(http.MethodPut, c.path+"/policy", map[string]any{"required_providers": []string{"siwe"}}).Want(http.StatusOK)
		if got := want("one that refuses", "?team_id="+first, ""); got.Get("team_refusal") != nil {
			t.Errorf("its policy has ended it: %s", got.Body)
		}
		c.owner.GET("/v1/session?team_id=x").WantProblem(http.StatusBadRequest, "invalid_request")
		c.owner.GET("/v1/session?team_id=").WantProblem(http.StatusBadRequest, "invalid_request")
		a.Browser().GET("/v1/session?team_id="+first).WantProblem(http.StatusUnauthorized, "unauthenticated")
	})
}

// An application's server that calls with the person's cookie sends their address
// on. It is believed if it is listed; other clients cannot choose an address.
func TestBackendSendsTheAddressOn(t *testing.T) {
	for name, c := range map[string]struct {
		env     []string
		address string
	}{
		"trusted":   {[]string{"LATCHKEY_TRUSTED_PROXIES=127.0.0.1/32,10.0.0.7"}, "203.0.113.9"},
		"untrusted": {nil, "127.0.0.1"},
		"in front of it a proxy alone is trusted": {[]string{"LATCHKEY_TRUSTED_PROXIES=127.0.0.1/32"}, "10.0.0.7"},
	} {
		t.Run(name, func(t *testing.T) {
			a := apptest.SQLite(t, c.env...)
			b := google(t, a, apptest.Person{Email: "ada@gmail.com"})
			team := b.POST("/v1/teams", map[string]any{"name": "Keys"}).Want(http.StatusCreated).String("id")
			b.POST("/v1/teams/"+team+"/sessions", nil).Want(http.StatusCreated)
			a.Exec("UPDATE sessions SET last_seen_at = '2020-01-01 00:00:00+00:00'") // so that this use is noted
			// The proxy in front has added the backend, which had sent the person's address.
			got := b.With("X-Forwarded-For", "203.0.113.9, 10.0.0.7").GET("/v1/session").Want(http.StatusOK)
			if ip := got.String("session.ip"); ip != c.address {
				t.Errorf("in the list of devices it is at %s, want %s", ip, c.address)
			}
			b.Do(http.MethodPut, "/v1/teams/"+team+"/policy", map[string]any{"allowed_networks": []string{"203.0.113.0/24"}})
			if got := b.POST("/v1/teams/"+team+"/sessions", map[string]any{"break_glass": true}); got.Status >= 300 {
				t.Fatalf("%s", got.Body)
			}
			a.Exec("UPDATE team_sessions SET break_glass_until = NULL")
			for _, query := range []string{"", "?team_id=" + team} {
				got := b.With("X-Forwarded-For", "203.0.113.9, 10.0.0.7").GET("/v1/session" + query).Want(http.StatusOK)
				if in := got.Get("team_session") != nil; in != (c.address == "203.0.113.9") || in == (got.Get("team_refusal") != nil) {
					t.Errorf("%s: %s", query, got.Body)
				}
			}
		})
	}
}

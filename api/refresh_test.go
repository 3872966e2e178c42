package api_test

import (
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/latchkey/latchkey/identity/token"
	"github.com/latchkey/latchkey/internal/testkit"
	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

// offline asks for a refresh token for the client web, in a team unless it is "".
func offline(t *testing.T, b *apptest.Browser, team string) string {
	t.Helper()
	body := map[string]any{"client_id": "web", "offline": true}
	if team != "" {
		body["team_id"] = team
	}
	raw := b.POST("/v1/token", body).Want(http.StatusOK).String("refresh_token")
	if !strings.HasPrefix(raw, "lkr_") {
		t.Fatalf("refresh token %q", raw)
	}
	return raw
}

func refresh(b *apptest.Browser, raw string) *apptest.Answer {
	b.T.Helper()
	return b.POST("/v1/token/refresh", map[string]any{"refresh_token": raw, "client_id": "web"})
}

// A client that knows of us nothing but RFC 6749 and our metadata.
func TestRefreshByAnOAuthClient(t *testing.T) {
	t.Parallel()
	a := apptest.SQLite(t, clients)
	b := a.Browser()
	b.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
	meta := b.GET("/.well-known/oauth-authorization-server").Want(http.StatusOK)
	client := oauth2.Config{ClientID: "web", Endpoint: oauth2.Endpoint{TokenURL: meta.String("token_endpoint"), AuthStyle: oauth2.AuthStyleInParams}}
	raw := offline(t, b, "")
	got, err := client.TokenSource(t.Context(), &oauth2.Token{RefreshToken: raw}).Token()
	if err != nil {
		t.Fatal(err)
	}
	if got.RefreshToken == raw || got.Type() != "Bearer" || claims(t, b, got.AccessToken)["client_id"] != "web" {
		t.Errorf("%+v", got)
	}
	var refused *oauth2.RetrieveError
	if _, err := client.TokenSource(t.Context(), &oauth2.Token{RefreshToken: raw + "x"}).Token(); !errors.As(err, &refused) || refused.ErrorCode != "invalid_grant" {
		t.Errorf("another's token: %v", err)
	}
	body := map[string]any{"grant_type": "password", "refresh_token": got.RefreshToken, "client_id": "web"}
	wantOAuth(t, b.POST("/v1/token/refresh", body), http.StatusBadRequest, "unsupported_grant_type", "unsupported_grant_type")
	// Parameters of other grants and of other servers are ignored (RFC 6749, section 3.2),
	// and the client may be named by HTTP Basic.
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {got.RefreshToken}, "client_secret": {"x"}, "scope": {"openid"}, "audience": {"y"}}
	for _, path := range []string{"/v1/token/refresh", "/oauth2/token"} {
		a := post(b, path, form, "Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("web:"))).Want(http.StatusOK)
		if form.Set("refresh_token", a.String("refresh_token")); a.String("access_token") == "" {
			t.Errorf("%s: %s", path, a.Body)
		}
	}
}

func wantInvalidGrant(t *testing.T, a *apptest.Answer) {
	t.Helper()
	wantOAuth(t, a, http.StatusUnauthorized, "invalid_grant", "invalid_grant")
}

func TestRefresh(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		a.Freeze()
		b, native := a.Browser(), a.Browser() // the native client has no cookie
		b.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
		if b.POST("/v1/token", map[string]any{"client_id": "web"}).Want(http.StatusOK).Get("refresh_token") != nil {
			t.Error("a refresh token that was not requested")
		}
		raw := offline(t, b, "")
		before := b.GET("/v1/session")
		proved := claims(t, b, b.POST("/v1/token", nil).Want(http.StatusOK).String("access_token"))["auth_time"]
		for range 3 {
			a.Advance(5 * time.Minute)
			grant := refresh(native, raw).Want(http.StatusOK)
			next := grant.String("refresh_token")
			got := claims(t, b, grant.String("access_token"))
			if next == raw || got["sid"] != before.String("session.id") || got["auth_time"] != proved || got["client_id"] != "web" {
				t.Errorf("%v, %s", got, next)
			}
			if len(grant.Header["Set-Cookie"]) > 0 {
				t.Error("it sets a cookie")
			}
			raw = next
		}
		// It was used all along, and yet nothing is fresh.
		after := b.GET("/v1/session")
		if after.String("session.last_seen_at") == before.String("session.last_seen_at") {
			t.Error("refreshing is no use of the session")
		}
		b.DELETE("/v1/me/identities/"+b.GET("/v1/me/identities").String("data.0.id")).WantProblem(http.StatusForbidden, "reauth_required")
		if a.Count("refresh_families", "CAST(seed AS text) LIKE '%%%s%%'", raw[4:]) > 0 || strings.Contains(a.Log.String(), raw) {
			t.Error("the token is in the database or in the log")
		}

		a.Unchanged(t, func() {
			for _, wrong := range []string{"x", "lkr_", raw + "A", raw[:len(raw)-1], "lkr_" + strings.Repeat("A", len(raw)-4), raw[:20] + flipped(raw[20]) + raw[21:], raw[:40] + flipped(raw[40]) + raw[41:], strings.ToLower(raw)} {
				wantInvalidGrant(t, refresh(native, wrong))
			}
			wantInvalidGrant(t, native.POST("/v1/token/refresh", map[string]any{"refresh_token": raw, "client_id": "mobile"}))
			wantOAuth(t, native.POST("/v1/token/refresh", map[string]any{"refresh_token": raw, "client_id": "nobody"}), http.StatusUnauthorized, "invalid_client", "invalid_client")
			for _, body := range []map[string]any{{}, {"refresh_token": raw}, {"client_id": "web"}, {"refresh_token": raw, "client_id": "web", "scope": "x"}, {"refresh_token": 1, "client_id": "web"}} {
				wantOAuth(t, native.POST("/v1/token/refresh", body), http.StatusBadRequest, "invalid_request", "invalid_request")
			}
		})
		refresh(native, raw).Want(http.StatusOK)
		// It is no session, and no access token either.
		native.Bearer = raw
		native.GET("/v1/session").WantProblem(http.StatusUnauthorized, "unauthenticated")
	}, clients)
}

func flipped(c byte) string {
	if c == 'A' {
		return "B"
	}
	return "A"
}

func TestRefreshIsForNamedClients(t *testing.T) {
	t.Parallel()
	a := apptest.SQLite(t)
	b := a.Browser()
	b.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
	a.Unchanged(t, func() {
		wantOAuth(t, b.POST("/v1/token", map[string]any{"offline": true}), http.StatusBadRequest, "unauthorized_client", "unauthorized_client")
	}, "signing_keys", "audit_events", "audit_heads")
}

// Fifty at once: one of them rotates, the others get the same successor.
func TestRefreshInParallel(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		a.Freeze()
		b := a.Browser()
		b.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
		raw := offline(t, b, "")
		var mu sync.Mutex
		next, access := map[string]bool{}, map[string]bool{}
		testkit.Together(50, func(int) {
			grant := refresh(a.Browser(), raw).Want(http.StatusOK)
			mu.Lock()
			defer mu.Unlock()
			next[grant.String("refresh_token")], access[grant.String("access_token")] = true, true
		})
		if len(next) != 1 || next[raw] || len(access) != 50 || a.Count("refresh_families", "generation = 2 AND ended_at IS NULL") != 1 {
			t.Errorf("%d successors, %d access tokens", len(next), len(access))
		}
	}, clients)
}

func TestRefreshReused(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		a.Freeze()
		b, thief := a.Browser(), a.Browser()
		id := b.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK).String("session.id")
		first := offline(t, b, "")
		second := refresh(b, first).Want(http.StatusOK).String("refresh_token")
		a.Advance(token.DefaultRefreshGrace)
		if got := refresh(thief, first).Want(http.StatusOK).String("refresh_token"); got != second {
			t.Errorf("inside the grace: %s, want the same successor %s", got, second)
		}
		refresh(b, second).Want(http.StatusOK)
		wantInvalidGrant(t, refresh(thief, first))
		wantInvalidGrant(t, refresh(b, second)) // it has ended for every holder
		b.GET("/v1/session").WantProblem(http.StatusUnauthorized, "unauthenticated")
		for what, where := range map[string]string{
			"audit_events":     "action = 'refresh.reused' AND actor_id IS NULL AND session_id = '" + id + "'",
			"sessions":         "end_reason = 'refresh_reused' AND id = '" + id + "'",
			"refresh_families": "end_reason = 'reused'",
		} {
			if n := a.Count(what, "%s", where); n != 1 {
				t.Errorf("%s: %d, want 1", what, n)
			}
		}
		// Who comes back after the grace finds the token ended, and the session not.
		b.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
		first = offline(t, b, "")
		second = refresh(b, first).Want(http.StatusOK).String("refresh_token")
		a.Advance(token.DefaultRefreshGrace + time.Microsecond)
		wantInvalidGrant(t, refresh(b, first))
		wantInvalidGrant(t, refresh(b, second))
		b.GET("/v1/session").Want(http.StatusOK)
	}, clients)
}

// What ends the session, or the place in the team, ends what can be refreshed,
// for good.
func TestRefreshEndsWithWhatItStandsOn(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		c := newCrew(t, a, "Keys")
		grantOperator(t, a, c.ids["owner"])
		team := strings.TrimPrefix(c.path, "/v1/teams/")
		n, emails := 0, map[string]string{}
		person := func(role string) (b *apptest.Browser, id, entered string) {
			t.Helper()
			n++
			email := string(rune('a'+n)) + ".person@gmail.com"
			b = google(t, a, apptest.Person{Email: email})
			c.join(t, b, email, role)
			emails[me(b)] = email
			return b, me(b), b.POST(c.path+"/sessions", nil).Want(http.StatusCreated).String("id")
		}
		for name, end := range map[string]struct {
			team bool
			how  func(b *apptest.Browser, id, entered string)
		}{
			"signed out": {false, func(b *apptest.Browser, _, _ string) { b.DELETE("/v1/session").Want(http.StatusNoContent) }},
			"ended by the user elsewhere": {false, func(_ *apptest.Browser, id, _ string) {
				google(t, a, apptest.Person{Email: emails[id]}).DELETE("/v1/me/sessions?others=true").Want(http.StatusNoContent)
			}},
			"disabled and enabled": {false, func(_ *apptest.Browser, id, _ string) {
				a.Disable(id)
			}},
			"merged": {false, func(_ *apptest.Browser, id, _ string) {
				twin := a.Browser().Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK).String("user.id")
				a.Exec("UPDATE users SET created_at = '2020-01-01 00:00:00+00:00' WHERE id = '%s'", twin)
				merge := map[string]any{"user_ids": []string{id, twin}, "dry_run": true}
				merge["fingerprint"] = c.owner.POST("/v1/admin/merges", merge).Want(http.StatusOK).String("fingerprint")
				merge["dry_run"] = false
				if c.owner.POST("/v1/admin/merges", merge).Want(http.StatusOK).String("source.id") != id {
					t.Error("merged the other way round")
				}
			}},
			"demoted": {true, func(_ *apptest.Browser, id, _ string) {
				c.owner.PATCH(c.path+"/members/"+id, map[string]any{"role": "member"}).Want(http.StatusOK)
			}},
			"removed": {true, func(_ *apptest.Browser, id, _ string) {
				c.owner.DELETE(c.path + "/members/" + id).Want(http.StatusNoContent)
			}},
			"team session revoked": {true, func(_ *apptest.Browser, _, entered string) {
				c.owner.DELETE(c.path + "/sessions/" + entered).Want(http.StatusNoContent)
			}},
		} {
			b, id, entered := person("admin")
			raw := offline(t, b, map[bool]string{true: team}[end.team])
			raw = refresh(a.Browser(), raw).Want(http.StatusOK).String("refresh_token")
			end.how(b, id, entered)
			wantInvalidGrant(t, refresh(a.Browser(), raw))
			// What comes back does not bring it back.
			switch name {
			case "disabled and enabled":
				a.Exec("UPDATE users SET status = 'active' WHERE id = '%s'", id)
				b.GET("/v1/session").Want(http.StatusOK)
			case "demoted":
				c.owner.PATCH(c.path+"/members/"+id, map[string]any{"role": "owner"}).Want(http.StatusOK)
			case "team session revoked":
				b.POST(c.path+"/sessions", nil).Want(http.StatusCreated)
			}
			wantInvalidGrant(t, refresh(a.Browser(), raw))
			if a.Count("refresh_families", "user_id = '%s' AND ended_at IS NOT NULL", id) != 1 ||
				a.Count("audit_events", "action = 'refresh.ended' AND user_id = '%s'", id) != 1 {
				t.Errorf("%s: not ended, or not recorded", name)
			}
		}
		b, id, _ := person("member")
		raw := offline(t, b, team)
		c.owner.PATCH(c.path+"/members/"+id, map[string]any{"role": "admin"}).Want(http.StatusOK)
		grant := refresh(a.Browser(), raw).Want(http.StatusOK)
		if got := claims(t, b, grant.String("access_token")); got["role"] != "admin" || got["team"] != team {
			t.Errorf("promoted: %v", got)
		}
		c.owner.PATCH(c.path+"/members/"+id, map[string]any{"role": "member"}).Want(http.StatusOK)
		wantInvalidGrant(t, refresh(a.Browser(), grant.String("refresh_token"))) // below the last returned one
	}, clients)
}

func TestRefreshEndsWithTheSessionsTime(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		a.Freeze()
		b := a.Browser()
		b.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
		raw := offline(t, b, "")
		for range 2 { // kept alive beyond the idle limit by nothing else
			a.Advance(50 * time.Minute)
			raw = refresh(b, raw).Want(http.StatusOK).String("refresh_token")
		}
		a.Advance(50 * time.Minute)
		wantInvalidGrant(t, refresh(b, raw)) // the absolute limit

		b.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
		raw = offline(t, b, "")
		a.Advance(time.Hour)
		wantInvalidGrant(t, refresh(b, raw)) // the idle limit
	}, clients, "LATCHKEY_SESSION_IDLE=1h", "LATCHKEY_SESSION_LIFETIME=2h")
}

func TestASessionKeepsFewFamilies(t *testing.T) {
	t.Parallel()
	a := apptest.SQLite(t, clients)
	b := a.Browser()
	b.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
	var all []string
	for range 12 {
		all = append(all, offline(t, b, ""))
	}
	if n := a.Count("refresh_families", "true"); n != 10 {
		t.Errorf("%d families", n)
	}
	wantInvalidGrant(t, refresh(b, all[1]))
	refresh(b, all[2]).Want(http.StatusOK)
	b.GET("/v1/session").Want(http.StatusOK)
}

func TestRefreshWithoutADatabase(t *testing.T) {
	t.Parallel()
	a, cable := apptest.StartOnCable(t, clients)
	b := a.Browser()
	b.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
	first := offline(t, b, "")
	second := refresh(b, first).Want(http.StatusOK).String("refresh_token")
	a.Advance(time.Minute)
	cable.Pull()
	for _, raw := range []string{first, second} { // a reuse, too, that cannot end the session
		wantOAuth(t, refresh(b, raw), http.StatusServiceUnavailable, "temporarily_unavailable", "unavailable")
	}
	wantOAuth(t, b.POST("/v1/token", nil), http.StatusServiceUnavailable, "temporarily_unavailable", "unavailable")
	cable.Plug()
	for range 30 {
		if answer := refresh(b, second); answer.Status != http.StatusServiceUnavailable {
			answer.Want(http.StatusOK)
			break
		}
	}
	b.GET("/v1/session").Want(http.StatusOK)
}

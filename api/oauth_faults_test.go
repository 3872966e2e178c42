package api_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/internal/testkit/apptest"
	"github.com/latchkey/latchkey/internal/testkit/providertest"
)

func TestReturnToLeadsNowhereElse(t *testing.T) {
	t.Parallel()
	a := apptest.SQLite(t, "LATCHKEY_ALLOWED_ORIGINS="+appOrigin)
	start := func(to string) *apptest.Answer {
		return a.Browser().GET("/v1/auth/github/start?return_to=" + url.QueryEscape(to))
	}
	host := a.Config.PublicURL.Host
	for _, to := range []string{
		"//evil.example", "///evil.example", `/\evil.example`, `\\evil.example`, `\/evil.example`, "/\t/evil.example", "/\n/evil.example",
		"https://evil.example", "https:evil.example", "https:/evil.example", "https:///evil.example", "http:\\\\evil.example",
		"http://" + host + "@evil.example", "http://evil.example#@" + host, "http://user@" + host, "http://" + host + ".evil.example",
		appOrigin + ".evil.example", appOrigin + "@evil.example", "http://app.example.com", appOrigin + ":444/",
		"javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "JaVaScRiPt:alert(1)", "evil.example", "account", "?a=b", "#a",
		"/..//evil.example", "/a/../..//evil.example", "/./", "/%2e%2e//evil.example", "/%2f/evil.example", "/%5cevil.example", "//", "/a//b",
		" /account", "/account ", "/acc\x00ount", "/\u2028", "/r\u00e9sum\u00e9", "/a\r\nSet-Cookie: latchkey=x", "/" + strings.Repeat("a", 1024),
	} {
		answer := start(to)
		if answer.Status != http.StatusBadRequest {
			t.Errorf("%q: status %d", to, answer.Status)
			continue
		}
		answer.WantProblem(http.StatusBadRequest, "invalid_return_to")
		if answer.String("field") != "return_to" || len(answer.Header.Values("Set-Cookie")) > 0 || answer.Header.Get("Location") != "" {
			t.Errorf("%q: %v", to, answer.Header)
		}
	}
	start("/"+strings.Repeat("a", 2048)).WantProblem(http.StatusBadRequest, "invalid_request")
	for to, want := range map[string]string{
		"": "/", "/account?tab=1#x": "/account?tab=1#x", appOrigin + "/in": appOrigin + "/in", a.URL + "/x": a.URL + "/x",
		// What tells the outcome is ours to say.
		"/account?error=none&ticket=planted&a=1": "/account?a=1",
	} {
		b := a.Browser()
		callback := b.GET("/v1/auth/github/start?return_to=" + url.QueryEscape(to)).Want(http.StatusFound).Header.Get("Location")
		back := "/v1/auth/github/callback?error=access_denied&state=" + url.QueryEscape(param(t, callback, "state"))
		got := b.Callback(back)
		q := got.Query()
		if q.Get("error") != "access_denied" || q.Has("ticket") {
			t.Errorf("%q led to %s", to, got)
		}
		q.Del("error")
		if got.RawQuery = q.Encode(); got.String() != want {
			t.Errorf("%q led to %s, want %s", to, got, want)
		}
	}
}

// Links are built from the configuration, whatever a request says of its host.
func TestHostHeadersAreNotBelieved(t *testing.T) {
	t.Parallel()
	up := providertest.NewUpstream(t)
	a := apptest.SQLite(t, append(up.Env(), "LATCHKEY_PUBLIC_URL=https://id.example.com")...)
	raw := a.Raw(t, []byte("GET /v1/auth/github/start HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: evil.example\r\nForwarded: host=evil.example\r\nX-Forwarded-Proto: gopher\r\n\r\n"))
	if to := raw.Want(http.StatusFound).Header.Get("Location"); param(t, to, "redirect_uri") != a.URL+"/v1/auth/github/callback" || strings.Contains(to, "evil") || strings.Contains(to, "gopher") {
		t.Errorf("led to %s", to)
	}
	challenge := a.Raw(t, []byte("POST /v1/auth/siwe/challenge HTTP/1.1\r\nHost: evil.example\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"))
	if challenge.Want(http.StatusOK).String("uri") != a.URL || challenge.String("domain") != a.Config.PublicURL.Host {
		t.Errorf("challenge: %s", challenge.Body)
	}
}

// Development mode signs anybody in, so it answers to this machine's names only.
func TestDevelopmentAnswersLoopbackNamesOnly(t *testing.T) {
	t.Parallel()
	a := apptest.SQLite(t)
	get := func(path, host string) *apptest.Answer {
		return a.Raw(t, fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nAccept: text/html\r\n\r\n", path, host))
	}
	for _, path := range []string{"/", "/dev/mail", "/dev/google/authorize", "/v1/auth/providers", "/openapi.yaml", "/healthz"} {
		if got := get(path, "evil.example"); got.Status != http.StatusMisdirectedRequest {
			t.Errorf("%s: %d", path, got.Status)
		}
	}
	get("/dev/mail", a.Config.PublicURL.Host).Want(http.StatusOK)
	alias := "127.0.0.1:" + a.Config.PublicURL.Port()
	if to := get("/sign-in?return_to=%2Fteams", alias).Want(http.StatusTemporaryRedirect).Header.Get("Location"); to != a.URL+"/sign-in?return_to=%2Fteams" {
		t.Errorf("led to %s", to)
	}
}

func TestProviderThatIsNotConfigured(t *testing.T) {
	t.Parallel()
	a := apptest.SQLite(t, "LATCHKEY_PUBLIC_URL=https://id.example.com")
	if got := a.Browser().GET("/v1/auth/providers").Want(http.StatusOK); got.Len("data") != 2 || got.String("data.0.name") != "passkey" || got.String("data.1.name") != "siwe" {
		t.Errorf("providers: %s", got.Body)
	}
	for _, name := range []string{"google", "github", "siwe", "email", "a"} {
		for _, path := range []string{"/start", "/callback", "/callback?state=a&code=b"} {
			a.Browser().GET("/v1/auth/"+name+path).WantProblem(http.StatusNotFound, "provider_not_configured")
		}
	}
	for _, name := range []string{"Google", "g%00", "%3Cscript%3E", strings.Repeat("a", 33)} {
		a.Browser().GET("/v1/auth/"+name+"/start").WantProblem(http.StatusBadRequest, "invalid_request")
	}
	a.Browser().GET("/dev/google/authorize").Want(http.StatusNotFound) // no stand-ins outside development
}

func TestPeopleSeeAPageAndProgramsADocument(t *testing.T) {
	t.Parallel()
	a := apptest.SQLite(t)
	browser := a.Browser().With("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
	for path, status := range map[string]int{
		"/v1/auth/google/callback?state=x&code=%3Cscript%3Ealert(1)%3C/script%3E": 400,
		"/v1/auth/google/start?return_to=https://evil.example/%3Cscript%3E":       400,
		"/v1/auth/nobody/start":          404,
		"/v1/auth/NO%3Cscript%3E/start":  400,
		"/v1/auth/google/start?purpose=": 400,
	} {
		page := browser.GET(path).Want(status)
		if !strings.HasPrefix(page.Header.Get("Content-Type"), "text/html") || page.Header.Get("Cache-Control") != "no-store" ||
			strings.Contains(string(page.Body), "alert(1)") || strings.Contains(string(page.Body), "evil.example") || !strings.Contains(page.Header.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%s: %v %s", path, page.Header, page.Body)
		}
		a.Browser().GET(path).Want(status)
		if got := a.Browser().GET(path).Header.Get("Content-Type"); got != "application/problem+json" {
			t.Errorf("%s: %s for a program", path, got)
		}
	}
	// Elsewhere in the API a browser is a program.
	browser.GET("/v1/me").WantProblem(http.StatusUnauthorized, "unauthenticated")
}

func answerWith(status int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

func hangUp(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// endless writes until the reader has enough.
func endless(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	for chunk := []byte(strings.Repeat(" ", 1<<16)); ; {
		if _, err := w.Write(chunk); err != nil {
			return
		}
	}
}

var outages = []struct {
	name   string
	answer http.HandlerFunc
	code   string
	status int
}{
	{"hangs up", hangUp, "provider_unavailable", 503},
	{"fails", answerWith(500, "text/html", "<h1>Oops</h1>"), "provider_unavailable", 503},
	{"is busy", answerWith(429, "application/json", `{}`), "provider_unavailable", 503},
	{"answers HTML", answerWith(200, "text/html", "<h1>Welcome</h1>"), "provider_failed", 502},
	{"answers nothing", answerWith(200, "application/json", ""), "provider_failed", 502},
	{"answers a list", answerWith(200, "application/json", "{{"), "provider_failed", 502},
	{"never ends", endless, "provider_failed", 502},
}

// The service starts without its provider, says so, and recovers by itself.
func TestProviderDownAtStart(t *testing.T) {
	t.Parallel()
	up := providertest.NewUpstream(t)
	up.Break("", hangUp)
	a := apptest.SQLite(t, up.Env()...)
	a.Browser().GET("/readyz").Want(http.StatusOK)
	for _, o := range outages {
		up.Break("", o.answer)
		a.Unchanged(t, func() { a.Browser().GET("/v1/auth/google/start").WantProblem(o.status, o.code) })
		a.Browser().With("Accept", "text/html").GET("/v1/auth/google/start").Want(o.status)
	}
	a.Browser().Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK) // the others do not notice
	up.Break("", nil)
	b := a.Browser()
	if to := b.Callback(up.Google(b.Start("google", "sign_in"), gmail("ada"))); to.String() != "/account" {
		t.Errorf("after the outage: %s", to)
	}
}

func TestProviderDownAtCallback(t *testing.T) {
	t.Parallel()
	up := providertest.NewUpstream(t)
	a := apptest.SQLite(t, up.Env()...)
	b := a.Browser()
	for _, o := range outages {
		for _, path := range []string{"/token", "/login/oauth/access_token", "/api/user", "/api/user/emails", "/jwks"} {
			if path == "/jwks" && up.Hits("/jwks") > 0 && o.name != outages[0].name {
				continue // keys are kept once they are known
			}
			t.Run(fmt.Sprintf("%s %s", path, o.name), func(t *testing.T) {
				b := b.In(t)
				var callback string
				if path == "/token" || path == "/jwks" {
					callback = up.Google(b.Start("google", "sign_in"), gmail("ada"))
				} else {
					callback = up.GitHub(b.Start("github", "sign_in"), hub(7))
				}
				up.Break(path, o.answer)
				defer up.Break(path, nil)
				a.Unchanged(t, func() {
					got := b.With("Accept", "text/html").Callback(callback)
					if q := got.Query(); got.Path != "/account" || q.Get("error") != o.code || len(q.Get("request_id")) != 26 {
						t.Errorf("led to %s, want %s", got, o.code)
					}
				}, "burned_secrets")
				if b.Cookie("latchkey") != "" {
					t.Error("an outage gave a session")
				}
			})
		}
	}
	if to := b.Callback(up.Google(b.Start("google", "sign_in"), gmail("ada"))); to.String() != "/account" {
		t.Errorf("after the outages: %s", to)
	}
}

// Neither the log nor any answer nor any URL holds what lets one in.
func TestSecretsStayOutOfLogAndAnswers(t *testing.T) {
	t.Parallel()
	up := providertest.NewUpstream(t)
	a := apptest.SQLite(t, up.Env()...)
	b := a.Browser()
	var secrets []string
	var shown strings.Builder
	see := func(answer *apptest.Answer) {
		shown.Write(answer.Body)
		shown.WriteString(answer.Header.Get("Location"))
	}
	for i := range 3 {
		authorize := b.Start("google", "sign_in")
		callback := up.Google(authorize, gmail("ada"))
		if i == 2 {
			up.Break("/token", answerWith(400, "application/json", `{"error":"invalid_grant","id_token":"quoted-by-the-provider"}`))
		}
		see(b.GET(callback))
		see(b.GET(callback)) // it has been used
		secrets = append(secrets, param(t, authorize, "state"), param(t, callback, "code"), b.Cookie("latchkey"), b.Cookie("latchkey-flow"))
	}
	w := apptest.NewWallet(t)
	body := signed(t, w, b.Challenge(w, "link"))
	see(verify(b, body))
	see(verify(b, body))
	see(b.GET("/v1/session"))
	see(b.GET("/v1/me/sessions"))
	see(b.GET("/v1/me/identities"))
	secrets = append(secrets, b.Cookie("latchkey"), body["signature"].(string), "quoted-by-the-provider")
	for _, secret := range append(secrets, up.Secrets()...) {
		if secret == "" {
			t.Fatal("a secret is empty: the test proves nothing")
		}
		if strings.Contains(a.Log.String(), secret) || strings.Contains(a.Log.String(), url.QueryEscape(secret)) {
			t.Errorf("the log holds %s", secret)
		}
		if strings.Contains(shown.String(), secret) {
			t.Errorf("an answer holds %s", secret)
		}
	}
}

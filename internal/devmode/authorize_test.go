package devmode

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestAuthorizationRequestIsChecked(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for name, p := range b.providers() {
		_, raw := b.start(p, "browser")
		for _, c := range []struct {
			field, value string
			status       int
			err          string
		}{
			{"client_id", "another", 400, ""},
			{"client_id", "", 400, ""},
			{"redirect_uri", "https://evil.example/cb", 400, ""},
			{"redirect_uri", b.URL + "/v1/auth/" + name + "/callback/../x", 400, ""},
			{"redirect_uri", "", 400, ""},
			{"code_challenge", "", 303, "invalid_request"},
			{"code_challenge_method", "plain", 303, "invalid_request"},
			{"response_type", "token", 303, "unsupported_response_type"},
		} {
			u, _ := url.Parse(raw)
			q := u.Query()
			q.Set(c.field, c.value)
			u.RawQuery = ""
			for method, res := range map[string]*http.Response{
				"GET": func() *http.Response {
					u.RawQuery = q.Encode()
					res, _, _ := b.open(u.String())
					u.RawQuery = ""
					return res
				}(),
				"POST": b.submit(u.String(), q),
			} {
				back, _ := url.Parse(res.Header.Get("Location"))
				if res.StatusCode != c.status || back.Query().Get("error") != c.err {
					t.Errorf("%s %s %s=%q: %d, %s", name, method, c.field, c.value, res.StatusCode, back)
				}
			}
		}
	}
}

func TestPageFillsItselfFromTheQuery(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	p := b.providers()["google"]
	_, raw := b.start(p, "browser")
	_, _, form := b.open(raw + "&login_hint=grace%40gmail.com")
	if form.Get("email") != "grace@gmail.com" || form.Get("email_verified") != "true" || form.Get("sub") != "" {
		t.Errorf("login_hint: %v", form)
	}
	_, _, form = b.open(raw + "&email=a%40b.example&email_verified=false&name=N&hd=b.example&sub=9")
	if form.Get("email") != "a@b.example" || form.Has("email_verified") || form.Get("hd") != "b.example" || form.Get("sub") != "9" || form.Get("name") != "N" {
		t.Errorf("fields: %v", form)
	}
}

func TestPageIsInertAndChangesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, p := range b.providers() {
		_, raw := b.start(p, "browser")
		res, err := b.browser.Get(raw + "&name=" + url.QueryEscape(`"><script>alert(1)</script>`))
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		for _, banned := range []string{"<script", "style=", "onclick", "javascript:"} {
			if strings.Contains(string(body), banned) {
				t.Errorf("the page holds %q", banned)
			}
		}
		if !strings.Contains(string(body), "Development stand-in") || !strings.Contains(res.Header.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Error("the page is not marked, or has no policy")
		}
	}
	for _, s := range b.standins.all {
		if n := s.codes.order.Len() + s.tokens.order.Len(); n != 0 {
			t.Errorf("%s: %d grants after GETs only", s.name, n)
		}
	}
	res, err := b.browser.Get(b.URL + "/dev/style.css")
	if err != nil || res.StatusCode != http.StatusOK || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/css") {
		t.Errorf("style: %v, %v", res, err)
	}
	_ = res.Body.Close()
}

func TestFormIsChecked(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for name, typed := range map[string]map[string]string{
		"google without claims":        {"email": "", "email_verified": "", "sub": ""},
		"google address without an @":  {"email": "ada"},
		"google verified nothing":      {"email": "", "sub": "1"},
		"google long":                  {"name": strings.Repeat("n", 1000)},
		"google subject with spaces":   {"sub": "a b"},
		"github id that is no number":  {"sub": "octocat"},
		"github id zero":               {"sub": "0"},
		"github id negative":           {"sub": "-1"},
		"github id with a plus signed": {"sub": "1.5"},
	} {
		kind, _, _ := strings.Cut(name, " ")
		_, raw := b.start(b.providers()[kind], "browser")
		_, target, form := b.open(raw)
		for field, value := range typed {
			form.Set(field, value)
		}
		if res := b.submit(target, form); res.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d", name, res.StatusCode)
		}
	}
	_, raw := b.start(b.providers()["google"], "browser")
	_, target, form := b.open(raw)
	form.Set("name", strings.Repeat("n", maxForm))
	if res := b.submit(target, form); res.StatusCode != http.StatusBadRequest {
		t.Errorf("huge form: %d", res.StatusCode)
	}
}

func TestTokenEndpointsRefuse(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, c := range []struct{ path, body string }{
		{"/dev/google/token", "grant_type=authorization_code&code=x&client_id=latchkey-dev-google&client_secret=wrong"},
		{"/dev/google/token", "grant_type=authorization_code&code=x"},
		{"/dev/google/token", "grant_type=client_credentials"},
		{"/dev/google/token", "%zz"},
		{"/dev/discord/api/oauth2/token", "grant_type=authorization_code&code=x&client_id=latchkey-dev-discord&client_secret=wrong"},
	} {
		res, err := b.browser.Post(b.URL+c.path, "application/x-www-form-urlencoded", strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode < 400 || res.StatusCode >= 500 {
			t.Errorf("%s: %d", c.body, res.StatusCode)
		}
	}
	for _, path := range []string{"/dev/google/userinfo", "/dev/github/api/user", "/dev/github/api/user/emails", "/dev/discord/api/users/@me", "/dev/microsoft/userinfo"} {
		for _, auth := range []string{"", "Bearer ", "Bearer wrong", "Basic x"} {
			req, _ := http.NewRequest(http.MethodGet, b.URL+path, nil)
			req.Header.Set("Authorization", auth)
			res, err := b.browser.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
			if res.StatusCode != http.StatusUnauthorized {
				t.Errorf("%s with %q: %d", path, auth, res.StatusCode)
			}
		}
	}
}

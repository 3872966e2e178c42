package api_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/internal/testkit"
	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

// example returns a file of the example, which the guide shows.
func example(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "examples", "forward-auth", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// replaced replaces each of the old texts, which all must be there.
func replaced(t *testing.T, text string, pairs ...string) string {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("the example does not have %s:\n%s", pairs[i], text)
		}
		text = strings.ReplaceAll(text, pairs[i], pairs[i+1])
	}
	return text
}

// The files of the example, as they are but for addresses, in the proxies themselves.
func TestForwardAuthExamples(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"nginx", "caddy"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			port := testkit.FreePort(t)
			a := apptest.SQLite(t, trustPeers, "LATCHKEY_ALLOWED_ORIGINS=http://localhost:"+port)
			application := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_ = json.NewEncoder(w).Encode(r.Header)
			}))
			t.Cleanup(application.Close)
			var text string
			if name == "nginx" {
				text = "server { listen 127.0.0.1:" + port + ";\n" + replaced(t, example(t, "latchkey.conf"),
					"http://127.0.0.1:8080", "http://"+a.Addr, "auth.example.com", "localhost", "http://127.0.0.1:3000", application.URL) + "}"
			} else {
				text = replaced(t, example(t, "Caddyfile"),
					"app.example.com", "http://localhost:"+port, "127.0.0.1:8080", a.Addr, "127.0.0.1:3000", strings.TrimPrefix(application.URL, "http://"))
			}
			startProxy(t, name, text)
			testForwardAuth(t, a, "http://localhost:"+port)
		})
	}
}

// testForwardAuth sends requests to a proxy in front of an application that answers with
// the headers it gets.
func testForwardAuth(t *testing.T, a *apptest.App, proxy string) {
	t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	ask := func(cookie string, h map[string]string) (*http.Response, http.Header, error) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, proxy+"/page?a=b&c=%2F", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range h {
			req.Header.Set(name, value)
		}
		for _, name := range []string{"User", "Email", "Team", "Role"} {
			req.Header.Add("X-Auth-Request-"+name, "forged")
			req.Header.Add("X-Auth-Request-"+name, "forged twice")
		}
		if cookie != "" {
			req.AddCookie(&http.Cookie{Name: "latchkey", Value: cookie})
		}
		res, err := client.Do(req)
		if err != nil {
			return nil, nil, err
		}
		defer func() { _ = res.Body.Close() }()
		var seen http.Header // by the application
		if res.StatusCode == http.StatusOK {
			err = json.NewDecoder(res.Body).Decode(&seen)
		}
		return res, seen, err
	}
	if !apptest.Eventually(func() bool { _, _, err := ask("", nil); return err == nil }) {
		t.Fatal("the proxy does not answer")
	}

	res, _, err := ask("", map[string]string{"Accept": "application/json"})
	if err != nil || res.StatusCode != http.StatusUnauthorized {
		t.Fatalf("without a session: %v, %v", res, err)
	}
	res, _, err = ask("", map[string]string{"Accept": browserSays, "X-Original-URL": "http://evil.example/"})
	if err != nil || res.StatusCode != http.StatusFound {
		t.Fatalf("a navigation without a session: %v, %v", res, err)
	}
	to, err := url.Parse(res.Header.Get("Location"))
	if err != nil || to.Path != "/sign-in" || "http://"+to.Host != a.URL || to.Query().Get("return_to") != proxy+"/page?a=b&c=%2F" {
		t.Errorf("a navigation without a session is sent to %s", to)
	}

	b := a.Browser()
	b.Provider("google", "sign_in", apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
	res, seen, err := ask(b.Cookie("latchkey"), nil)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("with a session: %v, %v", res, err)
	}
	for name, want := range map[string]string{"User": me(b), "Email": "ada@gmail.com", "Team": "", "Role": ""} {
		if got := seen.Values("X-Auth-Request-" + name); strings.Join(got, "|") != want {
			t.Errorf("the application sees %q for %s, want %q", got, name, want)
		}
	}
}

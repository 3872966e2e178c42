package api_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/identity/client"
	"github.com/latchkey/latchkey/internal/testkit"
	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

// oauth2-proxy with the configuration of docs/applications.md, as it is but for names and
// addresses, in front of an application: a sign-in, refreshing, and signing out of both.
func TestOAuth2Proxy(t *testing.T) {
	t.Parallel()
	program := os.Getenv("LATCHKEY_TEST_OAUTH2_PROXY")
	if program == "" {
		t.Skip("`make test-proxies` builds oauth2-proxy and runs this")
	}
	a := apptest.SQLite(t)
	port := testkit.FreePort(t)
	proxy := "http://localhost:" + port
	o := register(t, a, func(c *client.Client) {
		c.RedirectURIs, c.PostLogoutURIs = client.Words{proxy + "/oauth2/callback"}, client.Words{proxy + "/"}
	})
	application := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _ = json.NewEncoder(w).Encode(r.Header) }))
	t.Cleanup(application.Close)
	guide, err := os.ReadFile("../docs/applications.md")
	if err != nil {
		t.Fatal(err)
	}
	_, config, found := strings.Cut(string(guide), "```toml\n")
	config, _, ended := strings.Cut(config, "```")
	if !found || !ended {
		t.Fatal("the guide has no configuration")
	}
	config = replaced(t, config,
		"https://id.example.com", a.URL, `"id.example.com"`, `"`+strings.TrimPrefix(a.URL, "http://")+`"`, "https://tools.example.com", proxy, "http://127.0.0.1:3000/", application.URL+"/",
		"CLIENT_ID", o.ID, "CLIENT_SECRET", o.Secret, "COOKIE_SECRET", "0123456789abcdef0123456789abcdef", `cookie_refresh = "4m"`, `cookie_refresh = "1s"`)
	file := filepath.Join(t.TempDir(), "oauth2-proxy.cfg")
	config += "http_address = \"127.0.0.1:" + port + "\"\ncookie_secure = false\npass_access_token = true\n"
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	cmd := exec.CommandContext(t.Context(), program, "--config", file)
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("oauth2-proxy said: %s", &said)
		}
	})
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	// visit returns where the proxy leads, or what the application saw.
	visit := func(to string) (location string, seen http.Header, err error) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, to, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		res, err := browser.Do(req)
		if err != nil {
			return "", nil, err
		}
		defer func() { _ = res.Body.Close() }()
		if res.StatusCode == http.StatusOK {
			err = json.NewDecoder(res.Body).Decode(&seen)
		}
		return res.Header.Get("Location"), seen, err
	}
	if !apptest.Eventually(func() bool { _, _, err := visit(proxy + "/page"); return err == nil }) {
		t.Fatal("the proxy does not answer")
	}
	enter := func(b *apptest.Browser) {
		t.Helper()
		to, seen, err := visit(proxy + "/page")
		if err != nil || seen != nil || !strings.HasPrefix(to, a.URL+"/oauth2/authorize?") {
			t.Fatalf("without a session: to %q, %v %v", to, seen, err)
		}
		back := o.follow(b, strings.TrimPrefix(to, a.URL))
		if to, _, err = visit(back.String()); err != nil || to != "/page" {
			t.Fatalf("back at the proxy: to %q, %v", to, err)
		}
	}
	ada := google(t, a, apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
	enter(ada)
	_, first, err := visit(proxy + "/page")
	if err != nil || first.Get("X-Forwarded-User") != me(ada) || first.Get("X-Forwarded-Email") != "ada@gmail.com" || first.Get("X-Forwarded-Preferred-Username") != "ada@gmail.com" {
		t.Fatalf("the application sees %v, %v", first, err)
	}
	token := func() string {
		_, seen, err := visit(proxy + "/page")
		if err != nil || seen.Get("X-Forwarded-User") != me(ada) {
			t.Fatalf("the application sees %v, %v", seen, err)
		}
		return seen.Get("X-Forwarded-Access-Token")
	}
	next := ""
	if !apptest.Eventually(func() bool { next = token(); return next != first.Get("X-Forwarded-Access-Token") }) {
		t.Fatal("it is never refreshed")
	}
	o.userinfo(t, next).Want(http.StatusOK)
	// Out of the proxy, and of Latchkey in the browser and behind it.
	leave := a.URL + "/oauth2/logout?" + url.Values{"client_id": {o.ID}, "post_logout_redirect_uri": {proxy + "/"}}.Encode()
	to, _, err := visit(proxy + "/oauth2/sign_out?" + url.Values{"rd": {leave}}.Encode())
	if err != nil || to != leave {
		t.Fatalf("signing out leads to %q, %v", to, err)
	}
	if !apptest.Eventually(func() bool { return o.introspect(t, next).Get("active") == false }) {
		t.Error("the session of the application is not ended")
	}
	asked := o.follow(ada, strings.TrimPrefix(leave, a.URL))
	if asked.Path != "/sign-out" { // the person is asked, and comes back by the same parameters
		t.Errorf("%s", asked)
	}
	ada.DELETE("/v1/session").Want(http.StatusNoContent)
	if to := o.follow(ada, "/oauth2/logout?"+asked.RawQuery); to.String() != proxy+"/" {
		t.Errorf("leads to %s", to)
	}
	enter(google(t, a, apptest.Person{Name: "Ada", Email: "ada@gmail.com"}))
}

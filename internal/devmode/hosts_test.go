package devmode_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/internal/devmode"
)

func TestGuard(t *testing.T) {
	t.Parallel()
	const page, program = "text/html,application/xhtml+xml", "application/json"
	const served, refused = http.StatusNoContent, http.StatusMisdirectedRequest
	for _, c := range []struct {
		public, method, host, accept string
		anyHost                      bool
		status                       int
		location                     string
	}{
		{"http://localhost:8080", "GET", "localhost:8080", page, false, served, ""},
		{"http://localhost:8080", "POST", "localhost:8080", program, false, served, ""},

		// DNS rebinding: the browser sends the name of the page it is on.
		{"http://localhost:8080", "GET", "evil.example:8080", page, false, refused, ""},
		{"http://localhost:8080", "GET", "evil.example:8080", program, false, refused, ""},
		{"http://localhost:8080", "POST", "evil.example:8080", program, false, refused, ""},
		{"http://localhost:8080", "GET", "evil.example", page, false, refused, ""},
		{"http://localhost:8080", "GET", "localhost.evil.example:8080", page, false, refused, ""},
		{"http://localhost:8080", "GET", "127.0.0.1.evil.example:8080", page, false, refused, ""},
		{"http://localhost:8080", "GET", "127.0.0.1@evil.example", page, false, refused, ""},
		{"http://localhost:8080", "GET", "192.168.1.5:8080", page, false, refused, ""},
		{"http://localhost:8080", "GET", "0.0.0.0:8080", page, false, refused, ""},
		{"http://localhost:8080", "GET", "[::]:8080", page, false, refused, ""},
		{"http://localhost:8080", "GET", "2130706433:8080", page, false, refused, ""},
		{"http://localhost:8080", "GET", "", page, false, refused, ""},
		{"http://localhost:8080", "GET", "evil.example:8080", page, true, served, ""},
		{"http://localhost:8080", "GET", "192.168.1.5:8080", page, true, served, ""},

		// Other names of this machine: a page is redirected, a program served.
		{"http://localhost:8080", "GET", "127.0.0.1:8080", page, false, 307, "http://localhost:8080/account?a=1&b=%2F"},
		{"http://localhost:8080", "HEAD", "127.0.0.1:8080", page, false, 307, "http://localhost:8080/account?a=1&b=%2F"},
		{"http://localhost:8080", "GET", "[::1]:8080", page, false, 307, "http://localhost:8080/account?a=1&b=%2F"},
		{"http://localhost:8080", "GET", "LOCALHOST:8080", page, false, 307, "http://localhost:8080/account?a=1&b=%2F"},
		{"http://localhost:8080", "GET", "127.0.0.1:8080", page, true, 307, "http://localhost:8080/account?a=1&b=%2F"},
		{"http://127.0.0.1:8080", "GET", "localhost:8080", page, false, 307, "http://127.0.0.1:8080/account?a=1&b=%2F"},
		{"http://localhost:8080", "GET", "127.0.0.1:8080", program, false, served, ""},
		{"http://localhost:8080", "GET", "127.0.0.1:8080", "", false, served, ""},
		{"http://localhost:8080", "POST", "127.0.0.1:8080", page, false, served, ""},
		// A tunnel or another server in front: its port is where the browser is.
		{"http://localhost:8080", "GET", "localhost:5173", page, false, served, ""},
		{"http://localhost", "GET", "127.0.0.1", page, false, 307, "http://localhost/account?a=1&b=%2F"},
	} {
		public, err := url.Parse(c.public)
		if err != nil {
			t.Fatal(err)
		}
		guard := devmode.Guard(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(served) }), *public, c.anyHost)
		r := httptest.NewRequest(c.method, "/account?a=1&b=%2F", nil)
		r.Host = c.host
		if c.accept != "" {
			r.Header.Set("Accept", c.accept)
		}
		answer := httptest.NewRecorder()
		guard.ServeHTTP(answer, r)
		if answer.Code != c.status || answer.Header().Get("Location") != c.location {
			t.Errorf("%s %s at %s for %q, any host %t: %d %q, want %d %q", c.method, c.host, c.public, c.accept, c.anyHost,
				answer.Code, answer.Header().Get("Location"), c.status, c.location)
		}
		if answer.Code == refused && (!strings.Contains(answer.Body.String(), c.public) || !strings.HasPrefix(answer.Header().Get("Content-Type"), "text/plain")) {
			t.Errorf("%s: %v %s", c.host, answer.Header(), answer.Body)
		}
	}
}

// A redirect stays here, whatever the path looks like.
func TestGuardRedirectsHome(t *testing.T) {
	t.Parallel()
	public := url.URL{Scheme: "http", Host: "localhost:8080"}
	guard := devmode.Guard(http.NotFoundHandler(), public, false)
	for _, target := range []string{"//evil.example/", "/\\evil.example", "http://127.0.0.1:8080/@evil.example"} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host = "127.0.0.1:8080"
		r.Header.Set("Accept", "text/html")
		u, err := url.ParseRequestURI(target)
		if err != nil {
			t.Fatal(err)
		}
		r.URL = u
		answer := httptest.NewRecorder()
		guard.ServeHTTP(answer, r)
		to, err := url.Parse(answer.Header().Get("Location"))
		if err != nil || to.Host != public.Host {
			t.Errorf("%s leads to %q, %v", target, answer.Header().Get("Location"), err)
		}
	}
}

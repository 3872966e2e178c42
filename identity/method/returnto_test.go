package method_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/method"
)

func newReturnTo(t *testing.T) *method.ReturnTo {
	t.Helper()
	r, err := method.NewReturnTo("https://id.example.com", []string{"https://app.example.com", "http://localhost:5173"})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestReturnToAccepts(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"":                                "/",
		"/":                               "/",
		"/account":                        "/account",
		"/account/":                       "/account/",
		"/a/b?c=d&e=f#g":                  "/a/b?c=d&e=f#g",
		"/#/hash/route":                   "/#/hash/route",
		"/next?to=//evil.example":         "/next?to=//evil.example",
		"/a:b@c":                          "/a:b@c",
		"/caf%C3%A9":                      "/caf%C3%A9",
		"https://id.example.com":          "https://id.example.com",
		"https://id.example.com:443/x":    "https://id.example.com:443/x",
		"https://app.example.com/x?y=z":   "https://app.example.com/x?y=z",
		"HTTPS://APP.example.com/x":       "https://APP.example.com/x",
		"http://localhost:5173/cb":        "http://localhost:5173/cb",
		"/x?error=nope&a=1&ticket=stolen": "/x?a=1",
		"/x?%65rror=nope":                 "/x",
		"/x?a=1&ticket_kind=merge#f":      "/x?a=1#f",
	} {
		got, err := newReturnTo(t).Check(raw)
		if err != nil || got != want {
			t.Errorf("Check(%q) = %q, %v; want %q", raw, got, err, want)
		}
	}
}

func TestReturnToRefuses(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{
		"//evil.example", "///evil.example", "////evil.example", "/\\evil.example", "\\evil.example", "\\\\evil.example",
		"/\t/evil.example", "/\n/evil.example", "/\r/evil.example", "\t//evil.example", " //evil.example", " /x", "/x y",
		"/\x00", "/\x7f", "/\u2028", "/\uff0fevil.example", "/caf\u00e9", "\u3000//evil.example", "/\xff",
		"/.//evil.example", "/x/..//evil.example", "/..", "/./x", "/x/../y", "/%2e%2e/x", "/x//y", "/%2f/evil.example", "/%5cevil.example",
		"https:evil.example", "https:/evil.example", "https:///evil.example", "https://", "https://evil.example",
		"https://evil.example/https://app.example.com", "https://app.example.com.evil.example", "https://evil-app.example.com",
		"https://app.example.com@evil.example", "https://app.example.com:pw@evil.example", "https://user@app.example.com",
		"https://@app.example.com", "https://app.example.com:8443", "https://app.example.com.", "http://app.example.com",
		"https://app.example.com\\@evil.example", "https://app.example.com%2eevil.example", "https://app.example.com:port/",
		"https://[::1]", "ftp://app.example.com", "javascript:alert(1)", "JavaScript://app.example.com/%0aalert(1)",
		"data:text/html,x", "vbscript:x", "blob:https://app.example.com/x", "file:///etc/passwd", "about:blank",
		"account", "./account", "../account", "?x", "#x", "app.example.com", "http://localhost", "http://localhost:5174",
		"/" + strings.Repeat("a", 1024), "/%zz",
	} {
		got, err := newReturnTo(t).Check(raw)
		if identity.ErrorCode(err) != identity.CodeInvalidReturnTo || got != "" {
			t.Errorf("Check(%q) = %q, %v", raw, got, err)
		}
	}
}

func TestReturnToOriginsAreOrigins(t *testing.T) {
	t.Parallel()
	for _, origin := range []string{"", "*", "app.example.com", "null", "https://", "https://user@app.example.com", "ftp://app.example.com", "https:app"} {
		if _, err := method.NewReturnTo("https://id.example.com", []string{origin}); err == nil {
			t.Errorf("origin %q is accepted", origin)
		}
	}
}

func TestWithQuery(t *testing.T) {
	t.Parallel()
	add := url.Values{"error": {"email_taken"}, "ticket": {"a b&c"}, "empty": {""}}
	for returnTo, want := range map[string]string{
		"/":                           "/?error=email_taken&ticket=a+b%26c",
		"/x?a=1#f":                    "/x?a=1&error=email_taken&ticket=a+b%26c#f",
		"/x?error=old&a=1":            "/x?a=1&error=email_taken&ticket=a+b%26c",
		"/#/route":                    "/?error=email_taken&ticket=a+b%26c#/route",
		"https://app.example.com":     "https://app.example.com?error=email_taken&ticket=a+b%26c",
		"https://app.example.com/?%z": "https://app.example.com/?%z&error=email_taken&ticket=a+b%26c",
	} {
		if got := method.WithQuery(returnTo, add); got != want {
			t.Errorf("WithQuery(%q) = %q, want %q", returnTo, got, want)
		}
	}
	if got := method.WithQuery("/x?a=1", nil); got != "/x?a=1" {
		t.Errorf("nothing to add gives %q", got)
	}
}

// Whatever Check lets through stays on an allowed origin when a browser resolves
// it, and when something resolves it a second time.
func FuzzReturnTo(f *testing.F) {
	for _, seed := range []string{"/a", "//e", `/\e`, "https:e", "https://app.example.com/x", "/x/..//e", "/%2f/e"} {
		f.Add(seed)
	}
	base, _ := url.Parse("https://id.example.com/v1/auth/google/callback")
	allowed := map[string]bool{"id.example.com": true, "id.example.com:443": true, "app.example.com": true, "app.example.com:443": true, "localhost:5173": true}
	f.Fuzz(func(t *testing.T, raw string) {
		r, err := method.NewReturnTo("https://id.example.com", []string{"https://app.example.com", "http://localhost:5173"})
		if err != nil {
			t.Fatal(err)
		}
		checked, err := r.Check(raw)
		if err != nil {
			return
		}
		for range 2 {
			u, err := base.Parse(checked)
			if err != nil || !allowed[strings.ToLower(u.Host)] || u.User != nil {
				t.Fatalf("%q became %q, which leads to %v", raw, checked, u)
			}
			if !strings.HasPrefix(raw, "/") {
				break
			}
			checked = u.EscapedPath()
		}
	})
}

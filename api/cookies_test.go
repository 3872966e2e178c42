package api_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

func domainCookies(t *testing.T) *apptest.App {
	t.Helper()
	return apptest.SQLite(t, "LATCHKEY_PUBLIC_URL=https://id.app.example.com", "LATCHKEY_COOKIE_DOMAIN=example.com")
}

// cleared lists what an answer takes from the browser, as name and domain.
func cleared(answer *apptest.Answer) []string {
	var out []string
	for _, c := range (&http.Response{Header: answer.Header}).Cookies() {
		if c.MaxAge < 0 && c.Value == "" && c.Path == "/" && c.Secure && c.HttpOnly {
			out = append(out, c.Name+" "+c.Domain)
		}
	}
	slices.Sort(out)
	return out
}

func TestCookieDomain(t *testing.T) {
	t.Parallel()
	a := domainCookies(t)
	b, w := a.Browser(), apptest.NewWallet(t)
	challenge := b.Challenge(w, "sign_in").Want(http.StatusOK)
	answer := verify(b, signed(t, w, challenge)).Want(http.StatusOK)
	for name, set := range map[string]struct {
		header http.Header
		domain string
	}{"__Host-latchkey-flow": {challenge.Header, ""}, "__Secure-latchkey": {answer.Header, "example.com"}} {
		cookies := (&http.Response{Header: set.header}).Cookies()
		if len(cookies) != 1 {
			t.Fatalf("%s: %q", name, set.header["Set-Cookie"])
		}
		k := cookies[0]
		if k.Name != name || k.Domain != set.domain || !k.Secure || !k.HttpOnly || k.SameSite != http.SameSiteLaxMode || k.Path != "/" || len(k.Value) != 43 {
			t.Errorf("%s: %s", name, k)
		}
	}
	b.GET("/v1/session").Want(http.StatusOK)
	// A sibling is sent the cookie, and may still not write.
	for _, header := range [][2]string{{"Origin", "https://evil.example.com"}, {"Origin", "https://example.com"}, {"Sec-Fetch-Site", "same-site"}} {
		b.With(header[0], header[1]).DELETE("/v1/session").WantProblem(http.StatusForbidden, "origin_not_allowed")
	}
	// The form for one host is another configuration's.
	old := a.Browser()
	old.SetCookie("__Host-latchkey", b.Cookie("__Secure-latchkey"))
	old.GET("/v1/session").WantProblem(http.StatusUnauthorized, "unauthenticated")

	b.SetCookie("__Host-latchkey", "from before")
	out := b.DELETE("/v1/session").Want(http.StatusNoContent)
	if got := cleared(out); !slices.Equal(got, []string{"__Host-latchkey ", "__Secure-latchkey example.com"}) {
		t.Errorf("sign-out clears %q", got)
	}
	b.GET("/v1/session").WantProblem(http.StatusUnauthorized, "unauthenticated")
}

// Without a domain, sign-out clears what an earlier one left behind.
func TestSignOutClearsTheDomainForm(t *testing.T) {
	t.Parallel()
	a := apptest.SQLite(t, "LATCHKEY_PUBLIC_URL=https://id.app.example.com")
	b := a.Browser()
	b.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
	b.SetCookie("__Secure-latchkey", "from before")
	want := []string{
		"__Host-latchkey ", "__Secure-latchkey ", "__Secure-latchkey app.example.com", "__Secure-latchkey example.com", "__Secure-latchkey id.app.example.com",
	}
	if got := cleared(b.DELETE("/v1/session").Want(http.StatusNoContent)); !slices.Equal(got, want) {
		t.Errorf("sign-out clears %q, want %q", got, want)
	}
}

// A sibling that plants its own session beside the victim's makes no request act in
// either: whichever comes first, and even where both are good.
func TestTossedCookiesCountAsNone(t *testing.T) {
	t.Parallel()
	a := domainCookies(t)
	victim, attacker := a.Browser(), a.Browser()
	victim.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
	attacker.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
	mine, theirs := victim.Cookie("__Secure-latchkey"), attacker.Cookie("__Secure-latchkey")
	for _, values := range [][]string{{mine, theirs}, {theirs, mine}, {"x", mine}, {mine, mine}} {
		// A browser without a jar, which would keep one of them.
		raw := a.Browser().With("Cookie", "__Secure-latchkey="+strings.Join(values, "; __Secure-latchkey="))
		a.Unchanged(t, func() {
			answer := raw.GET("/v1/session").WantProblem(http.StatusUnauthorized, "unauthenticated")
			want := []string{
				"__Secure-latchkey ", "__Secure-latchkey app.example.com", "__Secure-latchkey example.com", "__Secure-latchkey id.app.example.com",
			}
			if got := cleared(answer); !slices.Equal(got, want) {
				t.Errorf("clears %q, want %q", got, want)
			}
			raw.PATCH("/v1/me", map[string]any{"display_name": "Mixed up"}).WantProblem(http.StatusUnauthorized, "unauthenticated")
			raw.POST("/v1/auth/siwe/challenge", map[string]any{"purpose": "link"}).WantProblem(http.StatusUnauthorized, "unauthenticated")
		})
	}
	victim.GET("/v1/session").Want(http.StatusOK)
}

package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

// Pages speak to this service alone, unless wallets on phones are offered: then
// to the relay too, and still to nothing else.
func TestWalletConnectOpensTheRelayAndNothingElse(t *testing.T) {
	t.Parallel()
	const project = "0123456789abcdef0123456789abcdef"
	for want, env := range map[string][]string{
		"connect-src 'self'; ": nil,
		"connect-src 'self' wss://relay.walletconnect.org wss://relay.walletconnect.com; ": {"LATCHKEY_WALLETCONNECT_PROJECT_ID=" + project},
	} {
		b := apptest.SQLite(t, env...).Browser()
		if policy := b.GET("/sign-in").Header.Get("Content-Security-Policy"); !strings.Contains(policy, want) {
			t.Errorf("%v: %s", env, policy)
		}
		listed := false
		list := b.GET("/v1/auth/providers").Want(http.StatusOK)
		for i := range list.Len("data") {
			listed = listed || list.Get("data."+string(rune('0'+i))+".walletconnect_project_id") == project
		}
		if listed != (env != nil) {
			t.Errorf("%v: %s", env, list.Body)
		}
	}
}

// A page asks for a passkey's challenge by itself, while a person may follow a link to a
// provider. Both belong to the browser that the page was sent to, in whatever order the
// answers come.
func TestPagesGiveABrowserItsFlow(t *testing.T) {
	t.Parallel()
	a := apptest.SQLite(t)
	b := a.Browser()
	for _, path := range []string{"/nothing.js", "/healthz", "/openapi.yaml"} {
		b.GET(path)
		if b.Cookie("latchkey-flow") != "" {
			t.Errorf("%s begins a flow", path)
		}
	}
	b.GET("/sign-in") // also where the app was not built in
	flow := b.Cookie("latchkey-flow")
	if flow == "" {
		t.Fatal("the page begins no flow")
	}
	b.GET("/account")
	b.POST("/v1/auth/passkey/challenge", map[string]any{"purpose": "sign_in"}).Want(http.StatusOK)
	b.GET("/v1/auth/google/start").Want(http.StatusFound)
	if now := b.Cookie("latchkey-flow"); now != flow {
		t.Errorf("another flow: %s, %s", now, flow)
	}
}

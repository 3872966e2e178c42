package apptest

import (
	"net/http"
	"strings"

	"github.com/latchkey/latchkey/internal/testkit/passkeytest"
)

// PasskeyChallenge asks for a challenge and returns its options.
func (b *Browser) PasskeyChallenge(purpose string) map[string]any {
	b.T.Helper()
	options, _ := b.POST("/v1/auth/passkey/challenge", map[string]any{"purpose": purpose}).Want(http.StatusOK).Get("options").(map[string]any)
	return options
}

// Passkey proves a passkey for a purpose, which for a link creates it, and returns the
// answer of verify. change, if not nil, makes what the authenticator answers another.
func (b *Browser) Passkey(p *passkeytest.Passkey, purpose string, change func(*passkeytest.Answer)) *Answer {
	b.T.Helper()
	options := b.PasskeyChallenge(purpose)
	if purpose == "link" {
		return b.VerifyPasskey(p.Create(b.T, options, b.origin(), change))
	}
	return b.VerifyPasskey(p.Get(b.T, options, b.origin(), change))
}

// VerifyPasskey sends what an authenticator answered.
func (b *Browser) VerifyPasskey(credential map[string]any) *Answer {
	b.T.Helper()
	return b.POST("/v1/auth/passkey/verify", map[string]any{"credential": credential})
}

// origin is that of the page that the browser shows.
func (b *Browser) origin() string {
	if o := b.Header.Get("Origin"); o != "" {
		return o
	}
	return strings.TrimSuffix(b.App.publicURL().String(), "/")
}

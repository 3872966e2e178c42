package email

import (
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/method"
)

// Who may redeem a challenge is decided by the one rule of package method, from what
// its row holds; besides, a newer one replaces it.
func TestRedeemable(t *testing.T) {
	t.Parallel()
	user, session := identity.NewID(), identity.NewID()
	here := method.Requester{Browser: identity.HashSecret("browser"), User: &user, Session: &session, Origin: "https://app.example.com"}
	elsewhere := method.Requester{Browser: identity.HashSecret("other"), User: &user, Session: &session}
	signedOut := method.Requester{Browser: here.Browser, Origin: "https://id.example.com"} // where the link leads
	later := noon.Add(Lifetime)
	for _, c := range []struct {
		what     string
		purpose  identity.Purpose
		by       method.Requester
		at       time.Time
		replaced bool
		want     bool
	}{
		{what: "signing in", purpose: identity.PurposeSignIn, by: here, at: noon, want: true},
		{what: "signing in, signed out since", purpose: identity.PurposeSignIn, by: signedOut, at: noon, want: true},
		{what: "signing in elsewhere", purpose: identity.PurposeSignIn, by: elsewhere, at: noon},
		{what: "signing in, replaced", purpose: identity.PurposeSignIn, by: here, at: noon, replaced: true},
		{what: "signing in, at the last moment", purpose: identity.PurposeSignIn, by: here, at: later.Add(-1), want: true},
		{what: "signing in, expired", purpose: identity.PurposeSignIn, by: here, at: later},
		{what: "linking", purpose: identity.PurposeLink, by: here, at: noon, want: true},
		{what: "linking, signed out since", purpose: identity.PurposeLink, by: signedOut, at: noon},
		{what: "linking elsewhere", purpose: identity.PurposeLink, by: elsewhere, at: noon},
		{what: "a purpose that there is not", purpose: "admin", by: here, at: noon},
	} {
		row := Challenge{Purpose: c.purpose, BrowserHash: here.Browser, ExpiresAt: later}
		if c.purpose.NeedsSession() {
			row.UserID, row.SessionID = &user, &session
		}
		if c.replaced {
			row.ReplacedAt = &noon
		}
		if got := row.redeemable(Requester{Requester: c.by}, c.at); got != c.want {
			t.Errorf("%s: %t", c.what, got)
		}
	}
}

package provider

import (
	"time"

	"github.com/latchkey/latchkey/identity"
)

// GoogleIssuer is Google's issuer identifier.
const GoogleIssuer = "https://accounts.google.com"

// GoogleConfig configures Google.
type GoogleConfig struct {
	Issuer       string // "" is GoogleIssuer
	ClientID     string
	ClientSecret string
	Timeout      time.Duration  // of one proof; 0 is DefaultTimeout
	Now          identity.Clock // nil is identity.SystemClock
}

// NewGoogle returns Google, which is OpenID Connect with its own rule for
// addresses. The error names what is wrong in the configuration; the network is
// not touched.
func NewGoogle(cfg GoogleConfig) (*OIDC, error) {
	if cfg.Issuer == "" {
		cfg.Issuer = GoogleIssuer
	}
	return NewOIDC(OIDCConfig{
		Name:         identity.ProviderGoogle,
		Issuer:       cfg.Issuer,
		ClientID:     cfg.ClientID,
		ClientSecret: cfg.ClientSecret,
		// Google knows no prompt=login. With this the person must at least act.
		StepUpPrompt:  "select_account",
		Authoritative: googleAuthoritative,
		Timeout:       cfg.Timeout,
		Now:           cfg.Now,
	})
}

// googleAuthoritative follows Google's guide "Verify the Google ID token": it is
// an authority for @gmail.com, and for an address with email_verified and `hd`,
// because then it hosts the mailbox. Any other Google account may carry an
// address of somebody else's mail server, verified once, long ago: the mailbox
// may have another owner by now.
//
// Beyond the guide, `hd` must be the very domain of the address. `hd` says which
// organisation the account belongs to, not that the address is in that
// organisation's domain; only with both equal does Google host the mailbox
// for certain. A Workspace whose people use a secondary domain loses automatic
// linking, not sign-in.
//
// googlemail.com is gmail.com under its older name, of the same mailboxes.
func googleAuthoritative(c Claims) bool {
	if !c.EmailVerified || c.Email == "" {
		return false
	}
	domain := identity.EmailDomain(c.Email)
	if domain == "gmail.com" || domain == "googlemail.com" {
		return true
	}
	hosted, err := identity.CanonicalEmail("postmaster@" + c.HostedDomain)
	return err == nil && identity.EmailDomain(hosted) == domain
}

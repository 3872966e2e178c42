// Package google proves people by their Google accounts.
package google

import (
	"net/url"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/method/oauth"
)

// Issuer is Google's issuer identifier.
const Issuer = "https://accounts.google.com"

// Config configures Google.
type Config struct {
	Issuer       string // "" is Issuer
	ClientID     string
	ClientSecret string
	Timeout      time.Duration  // of one proof; 0 is DefaultTimeout
	Now          identity.Clock // nil is identity.SystemClock
}

// New returns Google, which is OpenID Connect with its own rule for
// addresses. The error names what is wrong in the configuration; the network is
// not touched.
func New(cfg Config) (*oauth.OIDC, error) {
	if cfg.Issuer == "" {
		cfg.Issuer = Issuer
	}
	issuer, err := oauth.ConfiguredURL(identity.ProviderGoogle, "issuer", cfg.Issuer)
	if err != nil {
		return nil, err
	}
	return oauth.NewOIDC(oauth.OIDCConfig{
		Name:         identity.ProviderGoogle,
		Issuer:       cfg.Issuer,
		ClientID:     cfg.ClientID,
		ClientSecret: cfg.ClientSecret,
		// Google knows no prompt=login. With this the person must at least act.
		StepUpPrompt:  "select_account",
		Authoritative: oauth.Authority{Kind: oauth.AuthorityGoogle, Hosts: []*url.URL{issuer}}.Covers,
		Timeout:       cfg.Timeout,
		Now:           cfg.Now,
	})
}

package provider

import (
	"net/url"
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
	issuer, err := configuredURL(identity.ProviderGoogle, "issuer", cfg.Issuer)
	if err != nil {
		return nil, err
	}
	return NewOIDC(OIDCConfig{
		Name:         identity.ProviderGoogle,
		Issuer:       cfg.Issuer,
		ClientID:     cfg.ClientID,
		ClientSecret: cfg.ClientSecret,
		// Google knows no prompt=login. With this the person must at least act.
		StepUpPrompt:  "select_account",
		Authoritative: Authority{Kind: AuthorityGoogle, Hosts: []*url.URL{issuer}}.Covers,
		Timeout:       cfg.Timeout,
		Now:           cfg.Now,
	})
}

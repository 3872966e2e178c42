// Package google proves people by their Google accounts.
package google

import (
	"net/url"
	"strconv"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/method"
	"github.com/latchkey/latchkey/identity/method/oauth"
	"github.com/latchkey/latchkey/identity/method/oidc"
)

// Issuer is Google's issuer identifier.
const Issuer = "https://accounts.google.com"

// Spec offers Google.
var Spec = method.Spec{
	Kind: method.ByRedirect,
	Name: identity.ProviderGoogle,
	// Of Auth0.
	ImportNames: []string{"google-oauth2"},
	Label:       "Google",
	Settings: []method.Setting{{
		Name: "ISSUER", Default: Issuer, Doc: "OpenID Connect issuer of Google, or one to use in its place.",
	}},
	New:     func(o method.Options) (method.Redirect, error) { return New(o) },
	Probes:  oidc.Probes,
	Standin: standin,
}

// New returns Google, which is OpenID Connect with its own rule for addresses.
// The error names what is wrong in the configuration; the network is not touched.
func New(o method.Options) (*oauth.OIDC, error) {
	raw := o.URLs["ISSUER"]
	if raw == "" {
		raw = Issuer
	}
	issuer, err := oauth.ConfiguredURL(identity.ProviderGoogle, "issuer", raw)
	if err != nil {
		return nil, err
	}
	return oauth.NewOIDC(oauth.OIDCConfig{
		Name:         identity.ProviderGoogle,
		Issuer:       raw,
		ClientID:     o.ClientID,
		ClientSecret: o.ClientSecret,
		// Google knows no prompt=login. With this the person must at least act.
		StepUpPrompt:  "select_account",
		Authoritative: oauth.Authority{Kind: oauth.AuthorityGoogle, Hosts: []*url.URL{issuer}}.Covers,
		Timeout:       o.Timeout,
		Now:           o.Now,
	})
}

// standin says who a person is as Google does, with the domain that hosts them.
var standin = method.Standin{
	OpenID: true,
	Claims: func(p method.Person) map[string]any {
		claims := method.OpenIDClaims(p)
		if p.HostedDomain != "" {
			claims["hd"] = p.HostedDomain
		}
		return claims
	},
	URLs: oidc.StandinURLs,
	// 21 digits that begin with 10, as Google's do.
	Subject: func(n uint64) string {
		return "10" + strconv.FormatUint(1_000_000_000_000_000_000+n%9_000_000_000_000_000_000, 10)
	},
	HostedDomain: true,
}

// Package gitlab proves people by their GitLab accounts.
package gitlab

import (
	"strconv"

	"github.com/latchkey/latchkey/identity/method"
	"github.com/latchkey/latchkey/identity/method/oauth"
	"github.com/latchkey/latchkey/identity/method/oidc"
)

// Spec offers GitLab, at gitlab.com or self-managed.
var Spec = method.Spec{
	Kind:  method.ByRedirect,
	Name:  "gitlab",
	Label: "GitLab",
	Settings: []method.Setting{
		{Name: "ISSUER", Default: "https://gitlab.com", Doc: "GitLab, or a self-managed instance, without a slash at the end."},
		oidc.EmailDomains,
	},
	New: func(o method.Options) (method.Redirect, error) {
		cfg := oidc.Config(o)
		// GitLab has no account picker, and answers a request for one with an error.
		cfg.LinkPrompt = "login"
		return oauth.NewOIDC(cfg)
	},
	Probes: oidc.Probes,
	Standin: method.Standin{
		OpenID: true, Claims: method.OpenIDClaims, URLs: oidc.StandinURLs,
		Subject: func(n uint64) string { return strconv.FormatUint(1_000_000+n%100_000_000, 10) }, // accounts are counted
	},
}

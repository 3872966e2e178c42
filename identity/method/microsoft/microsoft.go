// Package microsoft proves people by their Microsoft Entra ID accounts.
package microsoft

import (
	"strconv"

	"github.com/latchkey/latchkey/identity/method"
	"github.com/latchkey/latchkey/identity/method/oauth"
	"github.com/latchkey/latchkey/identity/method/oidc"
)

// Spec offers the accounts of one Entra ID directory.
var Spec = method.Spec{
	Kind:  method.ByRedirect,
	Name:  "microsoft",
	Label: "Microsoft",
	Settings: []method.Setting{
		{Name: "ISSUER", Required: true, Doc: "The issuer of your directory, https://login.microsoftonline.com/DIRECTORY-ID/v2.0."},
		oidc.EmailDomains,
	},
	ImportNames: []string{"azure", "azure-ad", "azuread", "microsoft-entra-id"},
	New: func(o method.Options) (method.Redirect, error) {
		cfg := oidc.Config(o)
		cfg.EmailVerified = domainOwnerVerified
		return oauth.NewOIDC(cfg)
	},
	Probes: oidc.Probes,
	Standin: method.Standin{
		OpenID: true, URLs: oidc.StandinURLs,
		Claims: func(p method.Person) map[string]any {
			claims := method.OpenIDClaims(p)
			delete(claims, "email_verified")
			if p.Verified {
				claims["xms_edov"] = true
			}
			return claims
		},
		Subject: func(n uint64) string { return strconv.FormatUint(n, 36) },
	},
}

// domainOwnerVerified reads the optional claim by which Entra ID reports that the
// owner of the address's domain has verified it. Without it an administrator of
// any directory could have typed the address ("nOAuth"); `email_verified` is
// never sent. Microsoft documents a boolean and sends a "1" at times.
func domainOwnerVerified(claims oauth.Object) (verified, said bool) {
	return claims.IsTrue("xms_edov") || claims.Text("xms_edov") == "1", claims.Has("xms_edov")
}

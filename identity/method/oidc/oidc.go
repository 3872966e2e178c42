// Package oidc proves people by any OpenID Connect issuer that is configured.
package oidc

import (
	"strconv"
	"strings"

	"github.com/latchkey/latchkey/identity/method"
	"github.com/latchkey/latchkey/identity/method/oauth"
)

// Spec offers an issuer under a name that the operator chose.
func Spec(name string) method.Spec {
	return method.Spec{
		Kind:         method.ByRedirect,
		Name:         name,
		Label:        strings.ToUpper(name[:1]) + name[1:],
		PublicClient: true,
		Settings: []method.Setting{
			{Name: "ISSUER", Required: true, Doc: "An OpenID Connect issuer, in exactly its own spelling. NAME becomes the provider's name, in lower case, for as long as identities of it are kept."},
			{Name: "LABEL", Kind: method.SettingLabel, Doc: "What people call it; unset, its name."},
			{Name: "SCOPES", Kind: method.SettingScopes, Default: "openid email profile", Doc: "What it is asked for, separated by spaces."},
			EmailDomains,
		},
		New:     New,
		Probes:  Probes,
		Standin: Standin,
	}
}

// EmailDomains is the setting by which an issuer becomes an authority.
var EmailDomains = method.Setting{
	Name: "EMAIL_DOMAINS", Kind: method.SettingDomains,
	Doc: "Domains whose mailboxes belong to its accounts, comma separated. Unset, it is believed about no address.",
}

// New returns the provider. The error names what is wrong in the configuration;
// the network is not touched.
func New(o method.Options) (method.Redirect, error) { return oauth.NewOIDC(Config(o)) }

// Config is what an issuer is configured by, for a provider that differs in a
// part of it.
func Config(o method.Options) oauth.OIDCConfig {
	return oauth.OIDCConfig{
		Name: o.Name, Issuer: o.URLs["ISSUER"], ClientID: o.ClientID, ClientSecret: o.ClientSecret, Scopes: o.Scopes,
		Authoritative: oauth.Authority{Domains: o.EmailDomains}.Covers, Timeout: o.Timeout, Now: o.Now,
	}
}

// Probes asks for the discovery document that sign-in begins with.
func Probes(o method.Options) []method.Probe {
	issuer := o.URLs["ISSUER"]
	return []method.Probe{{Setting: "ISSUER", URL: strings.TrimSuffix(issuer, "/") + "/.well-known/openid-configuration", Issuer: issuer}}
}

// Standin is an issuer that says what people type.
var Standin = method.Standin{
	OpenID: true, Claims: method.OpenIDClaims, URLs: StandinURLs,
	Subject: func(n uint64) string { return strconv.FormatUint(n, 36) },
}

// StandinURLs are the settings under which the issuer at root is used.
func StandinURLs(root string) map[string]string { return map[string]string{"ISSUER": root} }

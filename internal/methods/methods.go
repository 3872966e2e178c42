// Package methods is the one list of providers that people are sent to.
// Configuration, wiring, doctor, the development stand-ins, GET
// /v1/auth/providers, the pages, the importer and the documentation read it.
package methods

import (
	"slices"
	"strings"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/method"
	"github.com/latchkey/latchkey/identity/method/discord"
	"github.com/latchkey/latchkey/identity/method/github"
	"github.com/latchkey/latchkey/identity/method/gitlab"
	"github.com/latchkey/latchkey/identity/method/google"
	"github.com/latchkey/latchkey/identity/method/microsoft"
)

// redirects are the providers, in the order in which pages offer them. A new one
// is a folder below identity/method and a line here.
var redirects = []method.Spec{
	google.Spec,
	github.Spec,
	discord.Spec,
	gitlab.Spec,
	microsoft.Spec,
}

// Redirects returns the providers that are built in.
func Redirects() []method.Spec { return slices.Clone(redirects) }

// Reserved reports whether a name means something already, so that no issuer of
// the operator's can have it.
func Reserved(name string) bool {
	others := []string{identity.ProviderSIWE, identity.ProviderEmail, "recovery", "import", "oidc"}
	return slices.Contains(others, name) || slices.ContainsFunc(redirects, func(s method.Spec) bool { return s.Name == name })
}

// Imported returns the provider that another system calls name.
func Imported(name string) (method.Spec, bool) {
	name = strings.ToLower(strings.TrimSpace(name))
	i := slices.IndexFunc(redirects, func(s method.Spec) bool { return s.Name == name || slices.Contains(s.ImportNames, name) })
	if i < 0 {
		return method.Spec{}, false
	}
	return redirects[i], true
}

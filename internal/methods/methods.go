// Package methods is the one list of sign-in methods. Configuration, wiring, doctor,
// the development stand-ins, GET /v1/auth/providers, the pages, the importer and the
// documentation read it.
package methods

import (
	"slices"
	"strings"

	"github.com/latchkey/latchkey/identity/method"
	"github.com/latchkey/latchkey/identity/method/discord"
	"github.com/latchkey/latchkey/identity/method/email"
	"github.com/latchkey/latchkey/identity/method/github"
	"github.com/latchkey/latchkey/identity/method/gitlab"
	"github.com/latchkey/latchkey/identity/method/google"
	"github.com/latchkey/latchkey/identity/method/microsoft"
	"github.com/latchkey/latchkey/identity/method/passkey"
	"github.com/latchkey/latchkey/identity/method/solana"
	"github.com/latchkey/latchkey/identity/method/wallet"
)

// all are the methods, in the order in which pages offer them; issuers that are
// configured by name come after the last provider. A new one is a folder below
// identity/method and a line here.
var all = []method.Spec{
	google.Spec,
	github.Spec,
	discord.Spec,
	gitlab.Spec,
	microsoft.Spec,
	email.Spec,
	passkey.Spec,
	wallet.Spec,
	solana.Spec,
}

// All returns the methods that are built in.
func All() []method.Spec { return slices.Clone(all) }

// Redirects returns those that send people to a provider.
func Redirects() []method.Spec {
	return slices.DeleteFunc(All(), func(s method.Spec) bool { return s.Kind != method.ByRedirect })
}

// Get returns the method of a name.
func Get(name string) (method.Spec, bool) {
	return find(func(s method.Spec) bool { return s.Name == name })
}

// Imported returns the method that another system calls name.
func Imported(name string) (method.Spec, bool) {
	name = strings.ToLower(strings.TrimSpace(name))
	return find(func(s method.Spec) bool { return s.Name == name || slices.Contains(s.ImportNames, name) })
}

// Reserved reports whether a name means something already, so that no issuer of
// the operator's can have it.
func Reserved(name string) bool {
	_, taken := Get(name)
	return taken || slices.Contains([]string{"recovery", "import", "oidc"}, name)
}

func find(is func(method.Spec) bool) (method.Spec, bool) {
	i := slices.IndexFunc(all, is)
	if i < 0 {
		return method.Spec{}, false
	}
	return all[i], true
}

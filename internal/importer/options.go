package importer

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/internal/methods"
)

// Options are how to import.
type Options struct {
	Origin string // names the source; with the user's id there it is remembered
	Batch  int    // people a transaction
	DryRun bool   // read, check and report; keep nothing
	Update bool   // take over what came since the last import
	// KeepIDs gives users and teams whose id in the source is a UUID the same id here.
	KeepIDs   bool
	Trust     Trust
	Providers Providers
	// Erased returns what may be left of the id of somebody who was erased. Nil where there
	// is no secret; then a source of which somebody was erased is refused.
	Erased   func(id string) []string
	Now      identity.Clock
	Progress *Progress
	// Each is called with every line of the report as it comes about, nil for not.
	Each func(Entry) error
}

// MaxBatch bounds a transaction.
const MaxBatch = 5000

// Providers are what the operator says that the names of providers in the source mean
// here, by the name there in lower case.
type Providers map[string]string

var providerName = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,31}$`)

// ParseProviders reads NAME=PROVIDER, where PROVIDER is a method of Latchkey, or
// oidc: and the name of a configured issuer.
func ParseProviders(values []string) (Providers, error) {
	out := Providers{}
	for _, value := range values {
		from, to, ok := strings.Cut(value, "=")
		from = strings.ToLower(strings.TrimSpace(from))
		issuer, generic := strings.CutPrefix(strings.TrimSpace(to), "oidc:")
		_, builtIn := methods.Get(issuer)
		switch {
		case !ok || from == "":
			return nil, fmt.Errorf("--provider: %q is not NAME=PROVIDER, such as azure-ad=oidc:microsoft", value)
		case !generic && !builtIn:
			return nil, fmt.Errorf("--provider: Latchkey has no method %q; an issuer that you configure is oidc:NAME", to)
		case !providerName.MatchString(issuer), generic && !builtIn && methods.Reserved(issuer):
			return nil, fmt.Errorf("--provider: %q is no name of an issuer", to)
		}
		out[from] = issuer
	}
	return out, nil
}

package method

import (
	"time"

	"github.com/latchkey/latchkey/identity"
)

// Spec describes a sign-in method: all that configuration, wiring, doctor, stand-ins,
// pages, the importer and the documentation know of it. internal/methods lists them.
type Spec struct {
	Kind Kind
	Name string // in paths, identities and, in capitals, in variables
	// ImportNames are what other systems call it, besides Name.
	ImportNames []string

	// The rest is of a provider that people are sent to, see ByRedirect.

	Label string // what people call it
	// Settings are its variables, besides CLIENT_ID, CLIENT_SECRET and LINKING.
	Settings []Setting
	// PublicClient reports whether it works without a client secret.
	PublicClient bool
	New          func(Options) (Redirect, error)
	// Probes are what doctor asks, to see whether the settings lead anywhere.
	Probes func(Options) []Probe
	// Subject reports whether the provider could have given an account this id;
	// nil for any printable text.
	Subject func(string) bool
	Standin Standin
}

// Setting is a variable of a provider, LATCHKEY_{provider}_{Name}.
type Setting struct {
	Name     string
	Kind     SettingKind
	Default  string
	Required bool
	With     string // another setting that must be set with it, or ""
	Doc      string
}

// SettingKind is what a setting holds.
type SettingKind int

// The kinds of settings.
const (
	SettingURL     SettingKind = iota // http or https, in Options.URLs
	SettingDomains                    // of addresses, in Options.EmailDomains
	SettingScopes                     // in Options.Scopes
	SettingLabel                      // what people call it, for a Spec by configuration
)

// Options are the settings of a provider as configured.
type Options struct {
	Name         string
	ClientID     string
	ClientSecret string
	URLs         map[string]string // by the setting's name, defaults included
	EmailDomains []string          // canonical; see oauth.Authority
	Scopes       []string          // nil for the provider's own
	Now          identity.Clock    // nil is identity.SystemClock
	Timeout      time.Duration     // of one proof; 0 is the default
}

// Probe is a request without credentials that must not fail.
type Probe struct {
	Setting string // the variable to correct
	URL     string
	// Issuer, if not "", is what the discovery document at URL must name.
	Issuer string
	// NotFound says what to correct where the answer is 404; "" where any answer
	// below 500 will do.
	NotFound string
}

// Standin describes the development stand-in of a provider: the same protocol,
// at which people type who they are.
type Standin struct {
	// OpenID is a whole issuer at its root; the rest is for plain OAuth.
	OpenID bool
	// Authorize and Token are the endpoints, as paths below the stand-in's root.
	Authorize, Token string
	// Issuer is the path that `iss` names (RFC 9207), "" for a provider that
	// sends none.
	Issuer string
	// TokenErrors are the provider's words for what OAuth calls otherwise. With
	// them it answers errors with status 200, and forms unless asked for JSON.
	TokenErrors map[string]string
	// API answers GET by path; page is the query parameter of that name.
	API map[string]func(p Person, page string) any
	// Claims are what an issuer says of a person.
	Claims func(p Person) map[string]any
	// URLs are the settings under which the stand-in at root is used.
	URLs func(root string) map[string]string
	// Subject makes an account id of a number that belongs to an address.
	Subject func(n uint64) string
	// ParseSubject returns an id that was typed in the provider's own spelling;
	// nil takes any printable ASCII.
	ParseSubject func(typed string) (id string, ok bool)
	// HostedDomain asks for the domain that hosts the account.
	HostedDomain bool
}

// Person is who someone at a stand-in says they are.
type Person struct {
	Name         string
	Email        string
	Verified     bool
	HostedDomain string
	Subject      string
}

// OpenIDClaims are the claims about a person that every issuer has.
func OpenIDClaims(p Person) map[string]any {
	claims := map[string]any{"sub": p.Subject}
	if p.Name != "" {
		claims["name"] = p.Name
	}
	if p.Email != "" {
		claims["email"], claims["email_verified"] = p.Email, p.Verified
	}
	return claims
}

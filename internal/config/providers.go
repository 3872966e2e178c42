package config

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/method"
	"github.com/latchkey/latchkey/identity/method/oidc"
	"github.com/latchkey/latchkey/internal/methods"
)

// Provider is the configuration of a provider that people are sent to.
type Provider struct {
	Spec         method.Spec `json:"-"`
	Label        string
	ClientID     string
	ClientSecret Secret
	URLs         map[string]string // by the setting's name
	EmailDomains Domains
	Scopes       []string
	Linking      Linking // "" for LATCHKEY_LINKING
	// SignUp and AllowedEmailDomains are "" and nil for those of all providers.
	SignUp              SignUp
	AllowedEmailDomains AllowedDomains
	prefix              string // of its variables
}

// Equal reports whether two configurations are the same. What a provider does is
// code, which no configuration changes, and functions cannot be compared.
func (c Config) Equal(other Config) bool {
	return reflect.DeepEqual(c.withoutSpecs(), other.withoutSpecs())
}

func (c Config) withoutSpecs() Config {
	c.Providers = slices.Clone(c.Providers)
	for i := range c.Providers {
		c.Providers[i].Spec = method.Spec{Name: c.Providers[i].Spec.Name}
	}
	return c
}

// Enabled reports whether the provider is configured.
func (p Provider) Enabled() bool { return p.ClientID != "" }

// Variable returns the name of the variable of a setting.
func (p Provider) Variable(setting string) string { return p.prefix + setting }

// Options are what the provider is made from.
func (p Provider) Options(now identity.Clock) method.Options {
	return method.Options{
		Name: p.Spec.Name, ClientID: p.ClientID, ClientSecret: p.ClientSecret.Reveal(), URLs: p.URLs,
		EmailDomains: p.EmailDomains, Scopes: p.Scopes, Now: now,
	}
}

// Provider returns the configuration of a provider by its name; the zero value
// for one that there is not.
func (c Config) Provider(name string) Provider {
	i := slices.IndexFunc(c.Providers, func(p Provider) bool { return p.Spec.Name == name })
	if i < 0 {
		return Provider{}
	}
	return c.Providers[i]
}

// Offers reports whether a sign-in method works under this configuration, by its name.
func (c Config) Offers(name string) bool {
	spec, _ := methods.Get(name)
	switch spec.Kind {
	case method.ByWallet:
		return true
	case method.BySolana:
		return len(c.SolanaNetworks) > 0
	case method.ByPasskey:
		return c.PasskeyDomain() != ""
	case method.ByEmail:
		return c.MailEnabled() || c.Dev
	}
	p := c.Provider(name)
	return name != "" && p.Spec.Name == name && (p.Enabled() || c.Dev)
}

const (
	idSetting      = "CLIENT_ID"
	secretSetting  = "CLIENT_SECRET"
	linkingSetting = "LINKING"
	signUpSetting  = "SIGN_UP"
	allowedSetting = "ALLOWED_EMAIL_DOMAINS"
	oidcPrefix     = prefix + "OIDC_"
	// anyName is the placeholder for the name of an issuer in the documentation.
	anyName = "<NAME>"
)

func providerPrefix(name string) string { return prefix + strings.ToUpper(name) + "_" }

// ruleSettings are of every provider, and say for it alone what a variable without
// its name says for all.
var ruleSettings = []string{linkingSetting, signUpSetting, allowedSetting}

// providerVariables describes the variables of one provider.
func providerVariables(s method.Spec, prefix string) []Variable {
	on := fmt.Sprintf("OAuth client of %s; with the secret, turns %s on.", s.Label, s.Label)
	if s.PublicClient {
		on = fmt.Sprintf("OAuth client of %s; with the issuer, turns it on. Without a secret it is a public client.", s.Label)
	}
	out := []Variable{
		{Name: prefix + idSetting, Meaning: on},
		{Name: prefix + secretSetting, Meaning: fmt.Sprintf("Secret of the client at %s.", s.Label), Secret: true},
	}
	for _, setting := range s.Settings {
		out = append(out, Variable{Name: prefix + setting.Name, Default: setting.Default, Meaning: setting.Doc})
	}
	for _, setting := range ruleSettings {
		out = append(out, Variable{Name: prefix + setting, Meaning: fmt.Sprintf("LATCHKEY_%s for %s alone.", setting, s.Label)})
	}
	return out
}

// allProviderVariables describes those of every provider that is built in, and
// those by which issuers are added.
func allProviderVariables() []Variable {
	var out []Variable
	for _, s := range methods.Redirects() {
		out = append(out, providerVariables(s, providerPrefix(s.Name))...)
	}
	pattern := oidc.Spec("issuer")
	pattern.Label = "the issuer " + anyName
	for _, v := range providerVariables(pattern, oidcPrefix+anyName+"_") {
		v.Pattern = true
		out = append(out, v)
	}
	return out
}

var issuerVariable = regexp.MustCompile(`^` + oidcPrefix + `([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*?)_(?:` + strings.Join(func() []string {
	names := append([]string{idSetting, secretSetting}, ruleSettings...)
	for _, s := range oidc.Spec("issuer").Settings {
		names = append(names, s.Name)
	}
	return names
}(), "|") + `)(?:` + fileSuffix + `)?$`)

// issuersIn returns the names of the issuers that variables speak of, as they are
// written there.
func issuersIn(given map[string]string) []string {
	names := map[string]bool{}
	for variable := range given {
		if m := issuerVariable.FindStringSubmatch(variable); m != nil {
			names[m[1]] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// variablesFor lists the variables that this environment may set.
func variablesFor(given map[string]string) []Variable {
	out := slices.DeleteFunc(slices.Clone(Describe()), func(v Variable) bool { return v.Pattern })
	for _, name := range issuersIn(given) {
		out = append(out, providerVariables(oidc.Spec(strings.ToLower(name)), oidcPrefix+name+"_")...)
	}
	return out
}

// issuerName is what a provider may be called: it is a part of paths.
var issuerName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,31}$`)

// readProviders reads the settings of all providers, built in and added.
func (c *Config) readProviders(values map[string]string, problems *problems) {
	for _, s := range methods.Redirects() {
		c.Providers = append(c.Providers, readProvider(s, providerPrefix(s.Name), values, problems))
	}
	for _, name := range issuersIn(values) {
		prefix, lower := oidcPrefix+name+"_", strings.ToLower(name)
		switch {
		case methods.Reserved(lower):
			problems.add(prefix+"ISSUER", "is of an issuer named %s, which is another sign-in method; choose another name", lower)
		case !issuerName.MatchString(lower):
			problems.add(prefix+"ISSUER", "is of an issuer whose name is too long; give at most 32 letters, digits and underscores")
		default:
			c.Providers = append(c.Providers, readProvider(oidc.Spec(lower), prefix, values, problems))
		}
	}
}

func readProvider(s method.Spec, prefix string, values map[string]string, problems *problems) Provider {
	p := Provider{
		Spec: s, Label: s.Label, prefix: prefix, URLs: map[string]string{},
		ClientID: values[prefix+idSetting], ClientSecret: Secret(values[prefix+secretSetting]),
	}
	read := func(setting string, parse func(string) error) {
		if raw := values[prefix+setting]; raw != "" {
			if err := parse(raw); err != nil {
				problems.add(prefix+setting, "%v", err)
			}
		}
	}
	read(linkingSetting, func(raw string) (err error) {
		p.Linking, err = oneOf(LinkingAuto, LinkingConfirm, LinkingOff)(raw)
		return err
	})
	read(signUpSetting, func(raw string) (err error) {
		p.SignUp, err = oneOf(SignUpOpen, SignUpInvited, SignUpClosed)(raw)
		return err
	})
	read(allowedSetting, func(raw string) (err error) {
		p.AllowedEmailDomains, err = parseAllowedDomains(raw)
		return err
	})
	for _, setting := range s.Settings {
		switch setting.Kind {
		case method.SettingURL:
			p.URLs[setting.Name] = setting.Default
			read(setting.Name, func(raw string) error {
				u, err := parseWebURL(raw)
				p.URLs[setting.Name] = string(u)
				return err
			})
		case method.SettingDomains:
			read(setting.Name, func(raw string) (err error) { p.EmailDomains, err = parseDomains(raw); return err })
		case method.SettingScopes:
			read(setting.Name, func(raw string) error {
				if p.Scopes = strings.Fields(raw); !slices.Contains(p.Scopes, "openid") {
					return fmt.Errorf("lacks openid, which OpenID Connect requires")
				}
				return nil
			})
		case method.SettingLabel:
			read(setting.Name, func(raw string) error {
				if p.Label = identity.OneLine(raw, maxLabel); p.Label == "" {
					return fmt.Errorf("has no printable character")
				}
				return nil
			})
		}
	}
	p.check(values, problems)
	return p
}

// maxLabel is in characters: it is shown on a button.
const maxLabel = 40

// check refuses a provider that is half configured: a part of it is set, so it is
// expected to work.
func (p Provider) check(values map[string]string, problems *problems) {
	needed := []string{idSetting}
	if !p.Spec.PublicClient {
		needed = append(needed, secretSetting)
	}
	optional := append([]string{secretSetting}, ruleSettings...)
	for _, s := range p.Spec.Settings {
		if s.Required {
			needed = append(needed, s.Name)
		}
		optional = append(optional, s.Name)
		if s.With != "" && values[p.prefix+s.Name] != "" {
			p.need(s.With, s.Name, "set both or neither", values, problems)
		}
	}
	for _, by := range needed {
		for _, name := range needed {
			if values[p.prefix+by] != "" {
				p.need(name, by, "set both or neither", values, problems)
			}
		}
	}
	for _, by := range optional {
		if values[p.prefix+by] != "" && !slices.Contains(ruleSettings, by) {
			p.need(idSetting, by, "set it too, or remove "+p.prefix+by, values, problems)
		}
	}
}

func (p Provider) need(name, by, fix string, values map[string]string, problems *problems) {
	variable := p.prefix + name
	if values[variable] == "" && !problems.has(variable) {
		problems.add(variable, "is not set, but %s is; %s", p.prefix+by, fix)
	}
}

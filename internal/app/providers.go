package app

import (
	"github.com/latchkey/latchkey/api"
	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/method"
	"github.com/latchkey/latchkey/internal/config"
	"github.com/latchkey/latchkey/internal/devmode"
	"github.com/latchkey/latchkey/linking"
	"github.com/latchkey/latchkey/web"
)

// newProviders returns the providers that are configured and, with stand-ins,
// those of all others that are built in: what is configured for real stays real.
func newProviders(cfg config.Config, standins *devmode.Standins, now identity.Clock) (method.Providers, error) {
	var out method.Providers
	for _, p := range cfg.Providers {
		options := p.Options(now)
		if !p.Enabled() {
			if standins == nil {
				continue
			}
			options = standins.Options(p.Spec.Name)
		}
		made, err := p.Spec.New(options)
		if err != nil {
			return nil, err
		}
		out = append(out, method.Offered{Redirect: made, Label: p.Label})
	}
	return out, nil
}

// policies are the linking policies of single providers.
func policies(cfg config.Config) map[string]linking.Policy {
	out := map[string]linking.Policy{}
	if cfg.EmailLinking != "" {
		out[identity.ProviderEmail] = linking.Policy(cfg.EmailLinking)
	}
	for _, p := range cfg.Providers {
		if p.Linking != "" {
			out[p.Spec.Name] = linking.Policy(p.Linking)
		}
	}
	return out
}

// pages are what the web app says before its script runs.
func pages(cfg config.Config, providers method.Providers) web.Options {
	o := web.Options{Dev: cfg.Dev, Brand: web.Brand{Name: cfg.BrandName, LogoURL: string(cfg.BrandLogoURL), Color: cfg.BrandColor}}
	for _, p := range providers {
		o.ProviderLinks = append(o.ProviderLinks, web.ProviderLink{Name: p.Name(), Label: p.Label})
	}
	return o
}

// Usable reports, as usable does, whether an identity of a provider is a sign-in
// method of a configuration, to a program that serves nobody itself.
func Usable(cfg config.Config) func(name string) bool {
	return func(name string) bool {
		switch name {
		case identity.ProviderSIWE:
			return true
		case identity.ProviderEmail:
			return cfg.MailEnabled() || cfg.Dev
		}
		p := cfg.Provider(name)
		return p.Enabled() || cfg.Dev && p.Spec.Name == name
	}
}

// usable reports whether an identity of the provider is a sign-in method here.
func usable(deps api.Deps, name string) bool {
	_, configured := deps.Providers.Get(name)
	return configured || name == identity.ProviderSIWE || name == identity.ProviderEmail && deps.Email != nil
}

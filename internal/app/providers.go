package app

import (
	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/method"
	"github.com/latchkey/latchkey/internal/config"
	"github.com/latchkey/latchkey/internal/devmode"
	"github.com/latchkey/latchkey/internal/methods"
	"github.com/latchkey/latchkey/linking"
	"github.com/latchkey/latchkey/web"
)

// newOffers returns the sign-in methods that are configured and, with stand-ins, all
// other providers that are built in: what is configured for real stays real.
func newOffers(cfg config.Config, standins *devmode.Standins, now identity.Clock) (method.Offers, error) {
	var out method.Offers
	for _, p := range cfg.Providers {
		if !cfg.Offers(p.Spec.Name) {
			continue
		}
		options := p.Options(now)
		if !p.Enabled() {
			options = standins.Options(p.Spec.Name)
		}
		made, err := p.Spec.New(options)
		if err != nil {
			return nil, err
		}
		out = append(out, method.Offered{Kind: p.Spec.Kind, Name: p.Spec.Name, Label: p.Label, Redirect: made})
	}
	for _, s := range methods.All() {
		if s.Kind != method.ByRedirect && cfg.Offers(s.Name) {
			out = append(out, method.Offered{Kind: s.Kind, Name: s.Name})
		}
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

// rules are the rules of single providers about creating accounts.
func rules(cfg config.Config) map[string]linking.Rules {
	out := map[string]linking.Rules{}
	add := func(provider string, signUp config.SignUp, domains config.AllowedDomains) {
		if signUp == "" {
			signUp = cfg.SignUp
		}
		if domains == nil {
			domains = cfg.AllowedEmailDomains
		}
		out[provider] = linking.Rules{SignUp: linking.SignUp(signUp), Domains: domains}
	}
	add(identity.ProviderEmail, cfg.EmailSignUp, cfg.EmailAllowedDomains)
	add(identity.ProviderSIWE, cfg.SIWESignUp, cfg.SIWEAllowedDomains)
	add(identity.ProviderSolana, cfg.SolanaSignUp, cfg.SolanaAllowedDomains)
	for _, p := range cfg.Providers {
		add(p.Spec.Name, p.SignUp, p.AllowedEmailDomains)
	}
	return out
}

// pages are what the web app says before its script runs.
func pages(cfg config.Config, offers method.Offers) web.Options {
	o := web.Options{Dev: cfg.Dev, Brand: web.Brand{Name: cfg.BrandName, LogoURL: string(cfg.BrandLogoURL), Color: cfg.BrandColor, HomeURL: string(cfg.BrandHomeURL), TermsURL: string(cfg.BrandTermsURL), PrivacyURL: string(cfg.BrandPrivacyURL)}}
	for _, m := range offers {
		if m.Kind == method.ByRedirect {
			o.ProviderLinks = append(o.ProviderLinks, web.ProviderLink{Name: m.Name, Label: m.Label})
		}
	}
	return o
}

package config

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
)

// OnFailure is what happens when a hook does not answer.
type OnFailure string

// What happens when a hook does not answer.
const (
	OnFailureDeny  OnFailure = "deny"
	OnFailureAllow OnFailure = "allow"
)

// HookSecrets sign the requests to a hook: one, or two while it is being changed.
type HookSecrets []Secret

// Reveal returns the values.
func (s HookSecrets) Reveal() []string {
	out := make([]string, len(s))
	for i := range s {
		out[i] = s[i].Reveal()
	}
	return out
}

// Hosts are HOST or HOST:PORT, in lower case.
type Hosts []string

// Has reports whether the host of a URL is among them, on its port or on any.
func (h Hosts) Has(u *url.URL) bool {
	host, port := strings.ToLower(u.Hostname()), u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return slices.Contains(h, host) || slices.Contains(h, net.JoinHostPort(host, port))
}

// WebhookListed reports whether webhooks may be at a URL although its host is not public or
// it is not https.
func (c Config) WebhookListed(u *url.URL) bool {
	return c.WebhookAllowedHosts.Has(u) || c.HookAllowedHosts.Has(u) || c.Dev && Loopback(u.Hostname())
}

// Hook is a hook of the application.
type Hook struct {
	URL       WebURL
	Secrets   HookSecrets
	OnFailure OnFailure
	// Listed reports whether the operator allows the host wherever it is.
	Listed bool
}

// minHookSecret is in bytes, after decoding: what Standard Webhooks asks for.
const minHookSecret = 24

func parseHookSecrets(s string) (HookSecrets, error) {
	parts, err := list(s)
	if err != nil {
		return nil, err
	}
	if len(parts) > 2 {
		return nil, fmt.Errorf("has %d secrets; give one, or two while it is being changed", len(parts))
	}
	secrets := make(HookSecrets, len(parts))
	for i, p := range parts {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(p, "whsec_"))
		if err != nil || len(key) < minHookSecret {
			return nil, fmt.Errorf("has no usable secret as element %d; make one with `echo whsec_$(openssl rand -base64 32)`", i+1)
		}
		secrets[i] = Secret(p)
	}
	return secrets, nil
}

func parseHosts(s string) (Hosts, error) {
	parts, err := list(s)
	if err != nil {
		return nil, err
	}
	for i, p := range parts {
		u, err := webURL("http://" + p)
		if err != nil || u.Path != "" {
			return nil, errors.New("element " + fmt.Sprint(i+1) + " is not HOST or HOST:PORT; use the form hooks.internal or 10.0.0.5:8080")
		}
		parts[i] = strings.ToLower(u.Hostname())
		if u.Port() != "" {
			parts[i] = net.JoinHostPort(parts[i], u.Port())
		}
	}
	return parts, nil
}

// hook returns a hook with what the list of hosts says about it.
func (c Config) hook(target WebURL, secrets HookSecrets, f OnFailure) Hook {
	h := Hook{URL: target, Secrets: secrets, OnFailure: f}
	if u, err := url.Parse(string(target)); err == nil {
		h.Listed = c.HookAllowedHosts.Has(u) || c.Dev && Loopback(u.Hostname())
	}
	return h
}

// SignInHook is asked before a proof is applied.
func (c Config) SignInHook() Hook {
	return c.hook(c.HookSignInURL, c.HookSignInSecret, c.HookSignInOnFailure)
}

// UserCreateHook is asked before a user is created.
func (c Config) UserCreateHook() Hook {
	return c.hook(c.HookUserCreateURL, c.HookUserCreateSecret, c.HookUserCreateOnFailure)
}

// TokenHook is asked before a token is signed.
func (c Config) TokenHook() Hook {
	return c.hook(c.HookTokenURL, c.HookTokenSecret, c.HookTokenOnFailure)
}

func (c *Config) checkHooks(problems *problems) {
	for name, h := range map[string]Hook{
		"LATCHKEY_HOOK_SIGN_IN": c.SignInHook(), "LATCHKEY_HOOK_USER_CREATE": c.UserCreateHook(), "LATCHKEY_HOOK_TOKEN": c.TokenHook(),
	} {
		switch {
		case problems.has(name + "_URL"), problems.has(name + "_SECRET"), problems.has("LATCHKEY_HOOK_ALLOWED_HOSTS"):
		case h.URL == "" && len(h.Secrets) > 0:
			problems.add(name+"_URL", "is not set, but %s_SECRET is; set both or neither", name)
		case h.URL != "" && len(h.Secrets) == 0:
			problems.add(name+"_SECRET", "is not set, but %s_URL is; make one with `echo whsec_$(openssl rand -base64 32)`", name)
		case strings.HasPrefix(strings.ToLower(string(h.URL)), "http://") && !h.Listed:
			problems.add(name+"_URL", "is %s; use https, or add its host to LATCHKEY_HOOK_ALLOWED_HOSTS if it is on a network of yours", h.URL)
		}
	}
}

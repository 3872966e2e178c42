package app

import (
	"github.com/latchkey/latchkey/events/hook"
	"github.com/latchkey/latchkey/internal/config"
)

// newHooks returns what the application is asked by.
func newHooks(parts Parts) (h hook.Hooks, err error) {
	target := func(c config.Hook) hook.Target {
		return hook.Target{URL: string(c.URL), Secrets: c.Secrets.Reveal(), FailOpen: c.OnFailure == config.OnFailureAllow, Listed: c.Listed, Observe: parts.Metrics.Hook}
	}
	cfg := parts.Config
	targets := hook.Targets{SignIn: target(cfg.SignInHook()), UserCreate: target(cfg.UserCreateHook()), Token: target(cfg.TokenHook())}
	if h.SignIn, err = hook.NewSignIn(targets, parts.Log, parts.Now); err == nil {
		h.Token, err = hook.NewToken(targets, parts.Log, parts.Now)
	}
	for _, s := range h.Status() {
		if s.Origin != "" { // it is configured
			parts.Metrics.Hooks(s.Type)
		}
	}
	return h, err
}

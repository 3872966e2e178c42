package app

import (
	"github.com/latchkey/latchkey/events/hook"
	"github.com/latchkey/latchkey/identity/token"
	"github.com/latchkey/latchkey/internal/config"
	"github.com/latchkey/latchkey/linking"
)

// hooks are what the application is asked by; nil for what it is not asked.
type hooks struct {
	signIn linking.Hooks
	token  token.ClaimSource
}

func newHooks(parts Parts) (h hooks, err error) {
	target := func(c config.Hook) hook.Target {
		return hook.Target{URL: string(c.URL), Secrets: c.Secrets.Reveal(), FailOpen: c.OnFailure == config.OnFailureAllow, Listed: c.Listed}
	}
	cfg := parts.Config
	targets := hook.Targets{SignIn: target(cfg.SignInHook()), UserCreate: target(cfg.UserCreateHook()), Token: target(cfg.TokenHook())}
	if h.signIn, err = hook.NewSignIn(targets, parts.Log, parts.Now); err == nil {
		h.token, err = hook.NewToken(targets, parts.Log, parts.Now)
	}
	return h, err
}

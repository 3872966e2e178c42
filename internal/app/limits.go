package app

import (
	"context"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/internal/ratelimit"
)

// newLimiter counts in Redis where there is one, else in memory.
func newLimiter(parts Parts) (ratelimit.Limiter, error) {
	local := ratelimit.NewMemory(parts.Now)
	context.AfterFunc(parts.Context, local.Close)
	if parts.Config.RedisURL == "" {
		return local, nil
	}
	key := identity.DeriveKey(parts.Config.Secret.Reveal(), "rate limit")
	return ratelimit.NewShared(parts.Context, parts.Config.RedisURL.Reveal(), key, local, parts.Log)
}

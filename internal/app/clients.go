package app

import (
	"net/url"

	"github.com/latchkey/latchkey/api"
	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/client"
	"github.com/latchkey/latchkey/internal/config"
	"github.com/latchkey/latchkey/internal/logout"
	"github.com/latchkey/latchkey/internal/outbox"
	"github.com/latchkey/latchkey/internal/ratelimit"
	"github.com/latchkey/latchkey/storage"
)

// Clients returns the applications of the authorization server. The command line
// does not know whether the service runs in development mode, so that an address of
// this machine can be registered by any: what may be called is decided when it is.
func Clients(cfg config.Config, db *storage.DB, now identity.Clock) *client.Service {
	return client.NewService(db, client.Options{
		BackchannelHTTP: func(u *url.URL) bool { return cfg.BackchannelAllowedHosts.Has(u) || config.Loopback(u.Hostname()) },
	}, now)
}

// newDocuments returns the fetcher of what applications publish about themselves.
func newDocuments(parts Parts, limits ratelimit.Limiter, registrations *client.Registrations) *client.Documents {
	cfg := parts.Config
	return client.NewDocuments(client.DocumentOptions{
		Takes: cfg.TakesDocument, Anywhere: cfg.PrivateDocument, OverHTTP: cfg.LocalDocument,
		Spend: api.LimitDocuments(limits, float64(cfg.RateLimits)), Registered: registrations,
	}, parts.Now)
}

// newRegistrations returns what registers applications, nil if none may register itself.
func newRegistrations(parts Parts) *client.Registrations {
	if !parts.Config.DynamicRegistration {
		return nil
	}
	return client.NewRegistrations(identity.NewSealer(identity.Secrets(parts.Config.Secrets()).Keys("registered clients")...), parts.Now)
}

// newLogouts returns the worker that tells applications of ended sessions. It is one of
// its own: receivers that hang hold up no mail.
func newLogouts(parts Parts, signer logout.Signer) *outbox.Worker {
	cfg := parts.Config
	allowed := func(u *url.URL) bool {
		return cfg.BackchannelAllowedHosts.Has(u) || cfg.Dev && config.Loopback(u.Hostname())
	}
	sender := logout.NewSender(signer, cfg.PublicURL.String(), allowed, parts.Now)
	worker := outbox.NewWorker(parts.DB, map[identity.TaskKind]outbox.Handler{identity.TaskLogout: sender.Handle}, parts.Log, parts.Now, outbox.InParallel(logout.Parallel), observeTasks(parts, identity.TaskLogout))
	parts.DB.OnLogout(worker.Wake)
	return worker
}

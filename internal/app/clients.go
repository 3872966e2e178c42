package app

import (
	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/client"
	"github.com/latchkey/latchkey/internal/config"
	"github.com/latchkey/latchkey/storage"
)

// Clients returns the applications of the authorization server. The command line
// does not know whether the service runs in development mode, so that an address of
// this machine can be registered by any: what may be called is decided when it is.
func Clients(cfg config.Config, db *storage.DB, now identity.Clock) *client.Service {
	return client.NewService(db, client.Options{
		BackchannelHTTP: func(hostport string) bool { return cfg.BackchannelAllowedHosts.Allows(hostport, true) },
	}, now)
}

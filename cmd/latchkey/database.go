package main

import (
	"context"
	"os"

	"github.com/latchkey/latchkey/internal/config"
	"github.com/latchkey/latchkey/storage"
)

// openDatabase opens the configured database. When the server refuses its
// password, it is read again: the file may have changed.
func openDatabase(ctx context.Context, cfg config.Config, opts ...storage.Option) (*storage.DB, error) {
	current := func(which func(config.Config) config.SecretURL) func() (string, error) {
		return func() (string, error) {
			now, err := config.LoadWithoutSecret(os.Environ())
			return which(now).Reveal(), err
		}
	}
	db, err := storage.Open(ctx, cfg.DatabaseURL.Reveal(), append(opts, storage.Lease(cfg.SessionLease), storage.Direct(cfg.DatabaseDirectURL.Reveal()), storage.Reread(
		current(func(c config.Config) config.SecretURL { return c.DatabaseURL }),
		current(func(c config.Config) config.SecretURL { return c.DatabaseDirectURL }),
	))...)
	if err == nil && cfg.Secret.Reveal() != "" {
		db.SealAuditWith(cfg.Secrets())
	}
	return db, err
}

package app

import (
	"context"
	"log/slog"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/token"
	webhooks "github.com/latchkey/latchkey/identity/webhook"
	"github.com/latchkey/latchkey/internal/config"
	"github.com/latchkey/latchkey/storage"
)

// resealBatch is how many tasks are read at a time. Each is written by itself.
const resealBatch = 200

// Sealed counts what is kept sealed: signing keys, secrets of the audit trail and of
// webhooks, and waiting tasks.
type Sealed struct {
	Present  int // under LATCHKEY_SECRET
	Previous int // under LATCHKEY_SECRET_PREVIOUS
	Neither  int // cannot be opened
}

// CheckSealed reports under which secret everything that is kept is sealed. It
// changes nothing.
func CheckSealed(ctx context.Context, cfg config.Config, db *storage.DB, now identity.Clock) (s Sealed, err error) {
	for _, ring := range Keyrings(cfg, db, slog.New(slog.DiscardHandler), now) {
		present, previous, neither, err := ring.Check(ctx)
		if err != nil {
			return Sealed{}, err
		}
		s.Present, s.Previous, s.Neither = s.Present+present, s.Previous+previous, s.Neither+neither
	}
	present, previous, neither, err := db.CheckAudit(ctx)
	if err != nil {
		return Sealed{}, err
	}
	s.Present, s.Previous, s.Neither = s.Present+present, s.Previous+previous, s.Neither+neither
	sealer := outboxSealer(cfg)
	err = eachTask(ctx, db, func(_ context.Context, t identity.Task) error {
		switch _, changed, err := t.Reseal(sealer); {
		case !now().Before(t.ExpiresAt):
		case err != nil:
			s.Neither++
		case changed:
			s.Previous++
		default:
			s.Present++
		}
		return nil
	})
	if err != nil {
		return s, err
	}
	return s, eachWebhook(ctx, db, func(w webhooks.Webhook) error {
		switch _, changed, err := w.Reseal(webhookSealer(cfg)); {
		case err != nil:
			s.Neither++
		case changed:
			s.Previous++
		default:
			s.Present++
		}
		return nil
	})
}

// Resealed is what Reseal did.
type Resealed struct {
	Keys, Audit, Tasks, Webhooks int
	// Unreadable are tasks, webhooks and secrets of the audit trail that open under neither
	// secret, and stay as they are.
	Unreadable int
	// Families are refresh families whose newest token was made under another secret
	// than the present one. They change when they are used next.
	Families int
}

// Reseal seals everything under LATCHKEY_SECRET that is sealed under
// LATCHKEY_SECRET_PREVIOUS.
func Reseal(ctx context.Context, cfg config.Config, db *storage.DB, now identity.Clock) (r Resealed, err error) {
	for _, ring := range Keyrings(cfg, db, slog.New(slog.DiscardHandler), now) {
		n, err := ring.Reseal(ctx)
		if err != nil {
			return Resealed{}, err
		}
		r.Keys += n
	}
	if r.Audit, r.Unreadable, err = db.ResealAudit(ctx); err != nil {
		return Resealed{}, err
	}
	sealer := outboxSealer(cfg)
	err = eachTask(ctx, db, func(ctx context.Context, t identity.Task) error {
		resealed, changed, err := t.Reseal(sealer)
		if err != nil {
			r.Unreadable++
			return nil //nolint:nilerr // counted, and the others go on
		}
		if !changed {
			return nil
		}
		r.Tasks++
		return db.InTx(ctx, func(ctx context.Context) error { return db.ResealTask(ctx, resealed) })
	})
	if err != nil {
		return Resealed{}, err
	}
	err = eachWebhook(ctx, db, func(w webhooks.Webhook) error {
		switch _, changed, err := w.Reseal(webhookSealer(cfg)); {
		case err != nil:
			r.Unreadable++
			return nil //nolint:nilerr // counted, and the others go on
		case !changed:
			return nil
		}
		r.Webhooks++
		return db.InTx(ctx, func(ctx context.Context) error {
			w, err := db.LockWebhook(ctx, w.ID) // the secret may have been rotated meanwhile
			if err != nil {
				return err
			}
			if w, _, err = w.Reseal(webhookSealer(cfg)); err != nil {
				return err
			}
			return db.UpdateWebhook(ctx, w)
		})
	})
	if err != nil {
		return Resealed{}, err
	}
	r.Families, err = db.FamiliesUnderOtherKeys(ctx, identity.KeyID(identity.Secrets(cfg.Secrets()).Keys("refresh tokens").Primary()))
	return r, err
}

// Keyrings returns all keys that sign, those of access tokens first.
func Keyrings(cfg config.Config, db *storage.DB, log *slog.Logger, now identity.Clock) []*token.Keyring {
	return append([]*token.Keyring{Keyring(cfg, db, log, now)}, IDTokenKeyrings(cfg, db, log, now)...)
}

// eachWebhook runs do for each webhook.
func eachWebhook(ctx context.Context, db *storage.DB, do func(w webhooks.Webhook) error) error {
	p := identity.Page{Limit: resealBatch}
	for {
		rows, err := db.Webhooks(ctx, p)
		if err != nil {
			return err
		}
		rows, next := identity.Next(rows, p, func(w webhooks.Webhook) identity.ID { return w.ID })
		for _, w := range rows {
			if err := do(w); err != nil {
				return err
			}
		}
		if p.After = next; next == nil {
			return nil
		}
	}
}

// eachTask runs do for each task whose payload is sealed.
func eachTask(ctx context.Context, db *storage.DB, do func(ctx context.Context, t identity.Task) error) error {
	var after identity.ID
	for {
		tasks, err := db.Tasks(ctx, after, resealBatch)
		if err != nil {
			return err
		}
		for _, t := range tasks {
			after = t.ID
			if !t.Kind.Sealed() {
				continue
			}
			if err := do(ctx, t); err != nil {
				return err
			}
		}
		if len(tasks) < resealBatch {
			return nil
		}
	}
}

package webhook

import (
	"context"
	"errors"
	"time"

	"github.com/latchkey/latchkey/identity"
)

// Lease makes a replica the only one that delivers to a webhook, for a time: however many
// replicas there are, an endpoint gets an event from one of them.
type Lease struct {
	Webhook, Replica identity.ID
}

// Due returns the webhooks that have something to be sent and that no replica delivers to.
func (s *Service) Due(ctx context.Context) ([]identity.ID, error) {
	return s.store.DueWebhooks(ctx, s.now())
}

// Take takes or renews a lease for d. It reports whether the replica has it.
func (s *Service) Take(ctx context.Context, l Lease, d time.Duration) (held bool, err error) {
	err = s.store.InTx(ctx, func(ctx context.Context) error {
		now := s.now()
		held, err = s.store.LeaseWebhook(ctx, l.Webhook, l.Replica, now, now.Add(d))
		return err
	})
	return held && err == nil, err
}

// Leave ends a lease.
func (s *Service) Leave(ctx context.Context, l Lease) error {
	return s.store.InTx(ctx, func(ctx context.Context) error { return s.store.ReleaseWebhook(ctx, l.Webhook, l.Replica) })
}

// Next returns a webhook, its secrets, and what is to be sent to it now.
func (s *Service) Next(ctx context.Context, id identity.ID, limit int) (w Webhook, secrets []string, due []EventDelivery, err error) {
	if w, err = s.store.Webhook(ctx, id); err != nil || w.Status != Enabled {
		return w, nil, nil, err
	}
	if secrets, err = s.secrets(w); err != nil {
		return w, nil, nil, err
	}
	due, err = s.store.DueDeliveries(ctx, id, s.now(), limit)
	return w, secrets, due, err
}

// secrets are those that sign now, the newest first.
func (s *Service) secrets(w Webhook) ([]string, error) {
	sealed := [][]byte{w.Secret}
	if w.PreviousSecretUntil != nil && s.now().Before(*w.PreviousSecretUntil) {
		sealed = append(sealed, w.PreviousSecret)
	}
	out := make([]string, len(sealed))
	for i, raw := range sealed {
		plain, err := s.o.Sealer.Unseal(raw, sealedFor(w.ID))
		if err != nil {
			return nil, errors.New("the secret was sealed under another LATCHKEY_SECRET: rotate the webhook's")
		}
		out[i] = string(plain)
	}
	return out, nil
}

// Record writes what attempts came to, in the order in which they ended, and renews the
// lease for d. A webhook that is gone, or has failed for too long, is disabled, and the
// operators are notified by mail. It reports whether the replica still has the lease.
func (s *Service) Record(ctx context.Context, l Lease, d time.Duration, attempts []Delivery) (held bool, err error) {
	err = s.store.InTx(ctx, func(ctx context.Context) error {
		w, err := s.store.LockWebhook(ctx, l.Webhook)
		if err != nil {
			return err
		}
		was, changed := w, false
		for _, a := range attempts {
			if err := s.store.UpdateDelivery(ctx, a); err != nil {
				return err
			}
			changed = w.attempted(a) || changed
			if a.ResponseStatus == statusGone && w.Status == Enabled {
				w.Status, w.DisabledReason = Disabled, Gone
			}
		}
		now := s.now()
		if w.FailingSince != nil && now.Sub(*w.FailingSince) >= GiveUpAfter && w.Status == Enabled {
			w.Status, w.DisabledReason = Disabled, Failing
		}
		if w.Status != was.Status {
			w.UpdatedAt, changed = now, true
			if err := s.disabled(ctx, w); err != nil {
				return err
			}
		}
		if changed {
			if err := s.store.UpdateWebhook(ctx, w); err != nil {
				return err
			}
		}
		held, err = s.store.LeaseWebhook(ctx, l.Webhook, l.Replica, now, now.Add(d))
		return err
	})
	if errors.Is(err, identity.ErrNotFound) { // deleted meanwhile
		return false, nil
	}
	return held && err == nil, err
}

const statusGone = 410

func (s *Service) disabled(ctx context.Context, w Webhook) error {
	if err := s.store.RecordEvents(ctx, s.event(nil, identity.ActionWebhookDisabled, w, identity.Metadata{"reason": w.DisabledReason})); err != nil {
		return err
	}
	to, err := s.store.OperatorAddresses(ctx)
	if err != nil || len(to) == 0 {
		return err
	}
	return s.o.Notices.Notify(ctx, identity.Notice{Kind: identity.NoticeWebhookDisabled, To: to, What: w.place(), At: w.UpdatedAt})
}

// Reseal seals the secrets of a webhook under the first key of the sealer, if they are
// sealed under another.
func (w Webhook) Reseal(s identity.Sealer) (resealed Webhook, changed bool, err error) {
	for _, secret := range []*[]byte{&w.Secret, &w.PreviousSecret} {
		if *secret == nil {
			continue
		}
		sealed, other, err := s.Reseal(*secret, sealedFor(w.ID))
		if err != nil {
			return w, false, err
		}
		*secret, changed = sealed, changed || other
	}
	return w, changed, nil
}

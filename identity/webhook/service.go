package webhook

import (
	"context"
	"net/url"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/feed"
)

// Store keeps webhooks. Changes run in the transaction that InTx opened; rows that do
// not exist are identity.ErrNotFound.
type Store interface {
	InTx(ctx context.Context, fn func(ctx context.Context) error) error

	Webhook(ctx context.Context, id identity.ID) (Webhook, error)
	// LockWebhook is Webhook that holds the row.
	LockWebhook(ctx context.Context, id identity.ID) (Webhook, error)
	// LockWebhooks waits until no other transaction adds a webhook, and returns how many
	// there are.
	LockWebhooks(ctx context.Context) (int, error)
	InsertWebhook(ctx context.Context, w Webhook) error
	// UpdateWebhook writes all but the id and who made it when.
	UpdateWebhook(ctx context.Context, w Webhook) error
	DeleteWebhook(ctx context.Context, id identity.ID) error
	// Webhooks lists webhooks, newest first, one more than the page's limit.
	Webhooks(ctx context.Context, p identity.Page) ([]Webhook, error)

	// Deliveries lists deliveries of a webhook, newest first, one more than the page's
	// limit; "" is any status.
	Deliveries(ctx context.Context, webhook identity.ID, status DeliveryStatus, p identity.Page) ([]EventDelivery, error)
	Delivery(ctx context.Context, webhook, id identity.ID) (Delivery, error)
	InsertDeliveries(ctx context.Context, d ...Delivery) error
	UpdateDelivery(ctx context.Context, d Delivery) error
	// EventsSince returns events that happened at a time or later, behind after, in their
	// order.
	EventsSince(ctx context.Context, since time.Time, after int64, limit int) ([]feed.Event, error)

	// DueWebhooks returns the enabled webhooks that have something to be sent now and that
	// no replica delivers to.
	DueWebhooks(ctx context.Context, now time.Time) ([]identity.ID, error)
	// LeaseWebhook makes a replica the only one that delivers to an enabled webhook, until
	// then. It reports whether it is.
	LeaseWebhook(ctx context.Context, id, replica identity.ID, now, until time.Time) (bool, error)
	// ReleaseWebhook ends the lease of a replica.
	ReleaseWebhook(ctx context.Context, id, replica identity.ID) error
	// DueDeliveries returns what is to be sent to a webhook now.
	DueDeliveries(ctx context.Context, webhook identity.ID, now time.Time, limit int) ([]EventDelivery, error)

	// OperatorAddresses returns the primary addresses of the active operators.
	OperatorAddresses(ctx context.Context) ([]string, error)
	RecordEvents(ctx context.Context, events ...identity.Event) error
}

// Options are what the deployment decides.
type Options struct {
	// OverHTTP reports whether a webhook may be at a URL over http.
	OverHTTP func(u *url.URL) bool
	Sealer   identity.Sealer
	Notices  identity.Notifier
}

// Service keeps webhooks. An actor must be recently verified to change one; nil is the
// command line.
type Service struct {
	store Store
	o     Options
	now   identity.Clock
}

// NewService returns the service over a store.
func NewService(store Store, o Options, now identity.Clock) *Service {
	return &Service{store: store, o: o, now: now}
}

// Get returns a webhook.
func (s *Service) Get(ctx context.Context, id identity.ID) (Webhook, error) {
	return s.store.Webhook(ctx, id)
}

// List lists the webhooks, newest first.
func (s *Service) List(ctx context.Context, p identity.Page) ([]Webhook, *identity.ID, error) {
	rows, err := s.store.Webhooks(ctx, p)
	rows, next := identity.Next(rows, p, func(w Webhook) identity.ID { return w.ID })
	return rows, next, err
}

// Create makes a webhook and returns it with its secret, which is shown this once.
func (s *Service) Create(ctx context.Context, actor *identity.Actor, w Webhook) (created Webhook, secret string, err error) {
	if err := requireRecentlyVerified(actor); err != nil {
		return Webhook{}, "", err
	}
	w = Webhook{ID: identity.NewID(), URL: w.URL, Description: w.Description, Types: w.Types, Status: Enabled, CreatedAt: s.now()}
	w.UpdatedAt = w.CreatedAt
	if actor != nil {
		w.CreatedBy = actor.By()
	}
	if err := w.validate(s.o.OverHTTP); err != nil {
		return Webhook{}, "", err
	}
	secret = newSecret()
	w.Secret = s.o.Sealer.Seal([]byte(secret), sealedFor(w.ID))
	err = s.store.InTx(ctx, func(ctx context.Context) error {
		n, err := s.store.LockWebhooks(ctx)
		if err != nil {
			return err
		}
		if n >= maxWebhooks {
			return identity.NewError(identity.CodeTooManyWebhooks, "there are %d webhooks: delete one", n)
		}
		if err := s.store.InsertWebhook(ctx, w); err != nil {
			return err
		}
		return s.store.RecordEvents(ctx, s.event(actor, identity.ActionWebhookCreated, w, nil))
	})
	if err != nil {
		return Webhook{}, "", err
	}
	return w, secret, nil
}

// Change is what Update changes; nil is not given.
type Change struct {
	URL, Description *string
	Types            *identity.Words
	Status           *Status
}

// Update changes a webhook. Enabling it forgets its failures.
func (s *Service) Update(ctx context.Context, actor *identity.Actor, id identity.ID, c Change) (Webhook, error) {
	var w Webhook
	err := s.changing(ctx, actor, id, func(ctx context.Context, was Webhook) error {
		w = was
		var fields []string
		if c.URL != nil {
			w.URL, fields = *c.URL, append(fields, "url")
		}
		if c.Description != nil {
			w.Description, fields = *c.Description, append(fields, "description")
		}
		if c.Types != nil {
			w.Types, fields = *c.Types, append(fields, "types")
		}
		if c.Status != nil && *c.Status != w.Status {
			w.Status, w.DisabledReason, w.FailingSince, fields = *c.Status, "", nil, append(fields, "status")
			if w.Status == Disabled {
				w.DisabledReason = ByHand
			}
		}
		if err := w.validate(s.o.OverHTTP); err != nil {
			return err
		}
		w.UpdatedAt = s.now()
		if err := s.store.UpdateWebhook(ctx, w); err != nil {
			return err
		}
		return s.store.RecordEvents(ctx, s.event(actor, identity.ActionWebhookUpdated, w, identity.Metadata{"fields": fields, "status": w.Status}))
	})
	return w, err
}

// Rotate gives a webhook a new secret, which is shown this once. Deliveries are signed
// with the one before as well for the overlap, 0 for not at all.
func (s *Service) Rotate(ctx context.Context, actor *identity.Actor, id identity.ID, overlap time.Duration) (w Webhook, secret string, err error) {
	if overlap < 0 || overlap > MaxOverlap {
		return Webhook{}, "", invalid("overlap_seconds", "both secrets are used for 30 days at most")
	}
	err = s.changing(ctx, actor, id, func(ctx context.Context, was Webhook) error {
		w, secret = was, newSecret()
		w.UpdatedAt = s.now()
		w.PreviousSecret, w.PreviousSecretUntil = nil, nil
		if overlap > 0 {
			w.PreviousSecret, w.PreviousSecretUntil = was.Secret, new(w.UpdatedAt.Add(overlap))
		}
		w.Secret = s.o.Sealer.Seal([]byte(secret), sealedFor(id))
		if err := s.store.UpdateWebhook(ctx, w); err != nil {
			return err
		}
		return s.store.RecordEvents(ctx, s.event(actor, identity.ActionWebhookRotated, w, identity.Metadata{"overlap_seconds": int(overlap.Seconds())}))
	})
	return w, secret, err
}

// Delete deletes a webhook with its deliveries.
func (s *Service) Delete(ctx context.Context, actor *identity.Actor, id identity.ID) error {
	return s.changing(ctx, actor, id, func(ctx context.Context, w Webhook) error {
		if err := s.store.DeleteWebhook(ctx, id); err != nil {
			return err
		}
		return s.store.RecordEvents(ctx, s.event(actor, identity.ActionWebhookDeleted, w, nil))
	})
}

// Test has a test event sent to a webhook and returns its id.
func (s *Service) Test(ctx context.Context, actor *identity.Actor, id identity.ID) (identity.ID, error) {
	var event identity.ID
	err := s.changing(ctx, actor, id, func(ctx context.Context, w Webhook) error {
		if w.Status == Disabled {
			return errDisabled()
		}
		e := s.event(actor, identity.ActionWebhookTested, w, nil)
		event = e.ID
		return s.store.RecordEvents(ctx, e)
	})
	return event, err
}

// Deliveries lists deliveries of a webhook, newest first; "" is any status.
func (s *Service) Deliveries(ctx context.Context, id identity.ID, status DeliveryStatus, p identity.Page) ([]EventDelivery, *identity.ID, error) {
	if _, err := s.store.Webhook(ctx, id); err != nil {
		return nil, nil, err
	}
	rows, err := s.store.Deliveries(ctx, id, status, p)
	rows, next := identity.Next(rows, p, func(d EventDelivery) identity.ID { return d.ID })
	return rows, next, err
}

// Replay sends the event of a delivery again, or all events since a time that the
// webhook wants: exactly one is given. It returns how many that are.
func (s *Service) Replay(ctx context.Context, actor *identity.Actor, id identity.ID, delivery *identity.ID, since *time.Time) (int, error) {
	if (delivery == nil) == (since == nil) {
		return 0, invalid("delivery", "name a delivery, or the time since when")
	}
	var n int
	err := s.changing(ctx, actor, id, func(ctx context.Context, w Webhook) (err error) {
		if w.Status == Disabled {
			return errDisabled()
		}
		data := identity.Metadata{}
		if delivery != nil {
			d, err := s.store.Delivery(ctx, id, *delivery)
			if err != nil {
				return err
			}
			n, data["delivery_id"] = 1, d.ID
			if err := s.store.InsertDeliveries(ctx, NewDelivery(id, d.Seq, s.now())); err != nil {
				return err
			}
		} else {
			data["since"] = since.UTC()
			if n, err = s.replaySince(ctx, w, *since); err != nil {
				return err
			}
		}
		data["deliveries"] = n
		return s.store.RecordEvents(ctx, s.event(actor, identity.ActionWebhookReplayed, w, data))
	})
	return n, err
}

const replayBatch = 1000

func (s *Service) replaySince(ctx context.Context, w Webhook, since time.Time) (n int, err error) {
	for after := int64(0); ; {
		events, err := s.store.EventsSince(ctx, since, after, replayBatch)
		if err != nil || len(events) == 0 {
			return n, err
		}
		var again []Delivery
		for _, e := range events {
			if after = e.Seq; e.Type != feed.Test && w.Wants(e) {
				again = append(again, NewDelivery(w.ID, e.Seq, s.now()))
			}
		}
		if err := s.store.InsertDeliveries(ctx, again...); err != nil {
			return n, err
		}
		n += len(again)
	}
}

// changing runs fn with a webhook whose row is held.
func (s *Service) changing(ctx context.Context, actor *identity.Actor, id identity.ID, fn func(ctx context.Context, w Webhook) error) error {
	if err := requireRecentlyVerified(actor); err != nil {
		return err
	}
	return s.store.InTx(ctx, func(ctx context.Context) error {
		w, err := s.store.LockWebhook(ctx, id)
		if err != nil {
			return err
		}
		return fn(ctx, w)
	})
}

func (s *Service) event(actor *identity.Actor, action identity.Action, w Webhook, data identity.Metadata) identity.Event {
	e := identity.Event{ID: identity.NewID(), At: s.now(), Action: action}
	if actor != nil {
		e = actor.Event(action, s.now())
	}
	if e.Data = data; data == nil {
		e.Data = identity.Metadata{}
	}
	e.Data["webhook_id"], e.Data["url"] = w.ID, w.place()
	return e
}

// place is where the webhook is, without a query: there may be a secret in it.
func (w Webhook) place() string {
	u, err := url.Parse(w.URL)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host + u.EscapedPath()
}

func errDisabled() error {
	return identity.NewError(identity.CodeWebhookDisabled, "this webhook is disabled: enable it first")
}

func requireRecentlyVerified(actor *identity.Actor) error {
	if actor == nil {
		return nil
	}
	return actor.RequireRecentlyVerified()
}

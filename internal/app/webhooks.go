package app

import (
	"context"
	"log/slog"
	"net/url"
	"time"

	"github.com/latchkey/latchkey/events/webhook"
	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/background"
	"github.com/latchkey/latchkey/identity/feed"
	webhooks "github.com/latchkey/latchkey/identity/webhook"
	"github.com/latchkey/latchkey/internal/config"
	"github.com/latchkey/latchkey/storage"
)

const (
	// publishEvery is how often the feed is made of what other processes committed.
	publishEvery = time.Second
	// publishGap is the least time between two times: many changes share one.
	publishGap = 50 * time.Millisecond
)

// webhookSealer seals and opens the secrets of webhooks.
func webhookSealer(cfg config.Config) identity.Sealer {
	return identity.NewSealer(identity.Secrets(cfg.Secrets()).Keys("webhooks")...)
}

// Webhooks returns the webhooks. As with Clients, the command line lets an address of this
// machine be registered by any: what may be reached is decided when it is.
func Webhooks(cfg config.Config, db *storage.DB, notices identity.Notifier, now identity.Clock) *webhooks.Service {
	return webhooks.NewService(db, webhooks.Options{
		OverHTTP: func(u *url.URL) bool { return cfg.WebhookListed(u) || config.Loopback(u.Hostname()) },
		Sealer:   webhookSealer(cfg), Notices: notices,
	}, now)
}

// events makes the feed, and has it read and delivered.
type events struct {
	feed    *feed.Service
	workers *webhook.Worker
	log     *slog.Logger
	wake    background.Wake
}

func newEvents(parts Parts, hooks *webhooks.Service) *events {
	cfg := parts.Config
	e := &events{
		feed: feed.NewService(parts.DB, parts.Now), workers: webhook.NewWorker(hooks, cfg.WebhookListed, observeDeliveries(parts), parts.Log, parts.Now),
		log: parts.Log, wake: background.NewWake(),
	}
	parts.DB.OnEvents(e.wake.Up)
	return e
}

// published is called on every replica when there are new events.
func (e *events) published() {
	e.feed.Wake()
	e.workers.Wake()
}

// publish makes the feed until ctx ends. Every replica runs it; a lock lets one work at
// a time.
func (e *events) publish(ctx context.Context) {
	loop := background.Loop{Every: publishEvery, Wake: e.wake, Gap: publishGap, Failed: "could not make the feed of events; will retry", Log: e.log}
	loop.Run(ctx, func(ctx context.Context) (bool, error) { return false, e.feed.Publish(ctx) })
}

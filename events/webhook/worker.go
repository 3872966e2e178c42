// Package webhook delivers events to the webhooks of applications, by HTTP, signed as
// Standard Webhooks (https://www.standardwebhooks.com). What is to be delivered was
// written with the feed, in one transaction; deliveries run in none.
package webhook

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/latchkey/latchkey/events/sign"
	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/background"
	"github.com/latchkey/latchkey/identity/method/oauth"
	"github.com/latchkey/latchkey/identity/webhook"
)

const (
	// Timeout bounds one attempt.
	Timeout = 15 * time.Second
	// InFlight is how many attempts run at a time for one webhook.
	InFlight = 4

	poll = time.Second // for events of other replicas, and for retries
	// lease is how long a replica that dies keeps the others from a webhook. It is
	// renewed with every result.
	lease = time.Minute
	// margin is what has to be left of the lease when an attempt begins.
	margin = Timeout + 5*time.Second

	batch      = 256
	flushAt    = 64 // results, or
	flushAfter = 200 * time.Millisecond
)

// Worker delivers. Every replica runs one; a lease gives a webhook to one of them at a
// time.
type Worker struct {
	webhooks *webhook.Service
	allowed  func(u *url.URL) bool
	observe  func(status webhook.DeliveryStatus, took time.Duration)
	log      *slog.Logger
	now      identity.Clock
	replica  identity.ID
	wake     background.Wake

	mu    sync.Mutex
	lanes map[identity.ID]bool // webhooks that this replica delivers to
}

// NewWorker returns a worker. Webhooks are reached over https at public addresses;
// allowed reports which others the operator lets it reach, over http too. observe is
// called with each attempt and what the delivery is after it. It does nothing until Run is
// called.
func NewWorker(webhooks *webhook.Service, allowed func(u *url.URL) bool, observe func(status webhook.DeliveryStatus, took time.Duration), log *slog.Logger, now identity.Clock) *Worker {
	return &Worker{
		webhooks: webhooks, allowed: allowed, observe: observe, log: log, now: now,
		replica: identity.NewID(), wake: background.NewWake(), lanes: map[identity.ID]bool{},
	}
}

// Wake makes the worker look for deliveries without waiting for the next poll. It never
// blocks.
func (w *Worker) Wake() { w.wake.Up() }

// Run delivers until ctx ends, and waits for the attempts in progress.
func (w *Worker) Run(ctx context.Context) {
	var running sync.WaitGroup
	defer running.Wait()
	loop := background.Loop{Every: poll, Wake: w.wake, Failed: "could not read what webhooks are to be sent; will retry", Log: w.log}
	loop.Run(ctx, func(ctx context.Context) (bool, error) {
		due, err := w.webhooks.Due(ctx)
		for _, id := range due {
			if w.open(id) {
				running.Go(func() {
					defer w.close(id)
					w.lane(ctx, id)
				})
			}
		}
		return false, err
	})
}

func (w *Worker) open(id identity.ID) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.lanes[id] {
		return false
	}
	w.lanes[id] = true
	return true
}

func (w *Worker) close(id identity.ID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.lanes, id)
}

// lane delivers to one webhook until nothing is due. Webhooks do not wait for each other.
func (w *Worker) lane(ctx context.Context, id identity.ID) {
	log := w.log.With("webhook", id.String())
	l := webhook.Lease{Webhook: id, Replica: w.replica}
	until := w.now().Add(lease)
	held, err := w.webhooks.Take(ctx, l, lease)
	if err != nil {
		log.Warn("could not begin to deliver to a webhook; will retry", "error", err)
	}
	if !held {
		return
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), Timeout)
		defer cancel()
		if err := w.webhooks.Leave(ctx, l); err != nil { // it ends by itself
			log.Warn("could not end the delivery to a webhook", "error", err)
		}
	}()
	to := receiver{now: w.now}
	defer to.close()
	for ctx.Err() == nil {
		hook, secrets, due, err := w.webhooks.Next(ctx, id, batch)
		if err == nil {
			to.signer, err = sign.NewSigner(secrets...)
		}
		if err != nil {
			if ctx.Err() == nil {
				log.Error("could not read what a webhook is to be sent", "error", err)
			}
			return
		}
		if len(due) == 0 {
			return
		}
		to.reach(hook.URL, w.allowed)
		s := sending{worker: w, lease: l, to: &to, log: log}
		s.until.Store(&until)
		if !s.send(ctx, due) {
			return
		}
		until = *s.until.Load()
	}
}

// sending is one batch for one webhook.
type sending struct {
	worker *Worker
	lease  webhook.Lease
	until  atomic.Pointer[time.Time] // the end of the lease
	to     *receiver
	log    *slog.Logger
}

// send attempts deliveries and writes what they came to. It reports whether to go on.
// What it could not write is sent again.
func (s *sending) send(ctx context.Context, due []webhook.EventDelivery) bool {
	waiting, done := make(chan webhook.EventDelivery, len(due)), make(chan webhook.Delivery, len(due))
	for _, d := range due {
		waiting <- d
	}
	close(waiting)
	var senders sync.WaitGroup
	for range min(InFlight, len(due)) {
		senders.Go(func() {
			for d := range waiting {
				if ctx.Err() != nil || s.worker.now().Add(margin).After(*s.until.Load()) {
					return
				}
				began := time.Now()
				after := s.to.attempt(context.WithoutCancel(ctx), d)
				s.worker.observe(after.Status, time.Since(began))
				done <- after
			}
		})
	}
	go func() {
		senders.Wait()
		close(done)
	}()
	held := true
	var results []webhook.Delivery
	flush := time.NewTimer(flushAfter)
	defer flush.Stop()
	for open := true; open; {
		select {
		case d, ok := <-done:
			if open = ok; ok {
				results = append(results, d)
			}
		case <-flush.C:
			flush.Reset(flushAfter)
			if len(results) > 0 {
				held = s.record(ctx, results) && held
				results = nil
			}
		}
		if len(results) >= flushAt {
			held = s.record(ctx, results) && held
			results = nil
		}
	}
	if len(results) > 0 {
		held = s.record(ctx, results) && held
	}
	return held
}

// record writes results, and renews the lease.
func (s *sending) record(ctx context.Context, results []webhook.Delivery) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), Timeout)
	defer cancel()
	until := s.worker.now().Add(lease)
	held, err := s.worker.webhooks.Record(ctx, s.lease, lease, results)
	if err != nil {
		s.log.Warn("could not record deliveries to a webhook; they are sent again", "deliveries", len(results), "error", err)
	}
	if held {
		s.until.Store(&until)
	} else {
		s.until.Store(&time.Time{}) // begin no others
	}
	return held
}

// receiver is where a webhook is.
type receiver struct {
	now    identity.Clock
	signer sign.Signer

	url     string
	client  *http.Client
	refused string // why nothing is sent there
}

// reach prepares for a URL. Hosts that the operator does not allow must be public, which
// is checked of the address that is dialed, and reached over https.
func (r *receiver) reach(to string, allowed func(u *url.URL) bool) {
	if r.client != nil && r.url == to {
		return
	}
	r.close()
	r.url, r.refused = to, ""
	var anywhere []*url.URL
	switch u, err := url.Parse(to); {
	case err != nil:
		r.refused = "the URL cannot be read"
	case allowed(u):
		anywhere = append(anywhere, u)
	case u.Scheme != "https":
		r.refused = "the URL is not https, and its host is not in LATCHKEY_WEBHOOK_ALLOWED_HOSTS"
	}
	r.client = oauth.NewHTTPClient(Timeout, anywhere...)
}

func (r *receiver) close() {
	if r.client != nil {
		r.client.CloseIdleConnections()
	}
}

package metrics

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// What others answer, by outcome.
const (
	ok          = "ok"
	refused     = "refused"
	failed      = "failed"
	unavailable = "unavailable"
)

// Providers names the providers, so that each is at 0 from the start.
func (m *Metrics) Providers(names ...string) {
	for _, name := range names {
		for _, outcome := range []string{ok, refused, failed, unavailable} {
			m.providers.WithLabelValues(name, outcome)
		}
	}
}

// Provider notes what a provider answered about a person.
func (m *Metrics) Provider(name, outcome string, took time.Duration) {
	m.providers.WithLabelValues(name, outcome).Observe(took.Seconds())
}

// Hooks names the hooks that are configured, so that each is at 0 from the start.
func (m *Metrics) Hooks(names ...string) {
	for _, name := range names {
		for _, outcome := range []string{ok, failed} {
			m.hooks.WithLabelValues(name, outcome)
		}
	}
}

// Hook notes what a hook of the application answered.
func (m *Metrics) Hook(name string, took time.Duration, err error) {
	outcome := ok
	if err != nil {
		outcome = failed
	}
	m.hooks.WithLabelValues(name, outcome).Observe(took.Seconds())
}

// Tasks names the kinds of tasks, so that each is at 0 from the start.
func (m *Metrics) Tasks(kinds ...string) {
	for _, kind := range kinds {
		for _, outcome := range []string{"done", "retry", "postponed", failed} {
			m.tasks.WithLabelValues(kind, outcome)
		}
	}
}

// Task notes an attempt at a task.
func (m *Metrics) Task(kind, outcome string, took time.Duration) {
	m.tasks.WithLabelValues(kind, outcome).Observe(took.Seconds())
}

// Delivery notes an attempt to deliver to a webhook.
func (m *Metrics) Delivery(outcome string, took time.Duration) {
	m.webhooks.WithLabelValues(outcome).Observe(took.Seconds())
}

// RPC returns a transport that notes the requests to Ethereum endpoints, by their hosts,
// which are configured.
func (m *Metrics) RPC(next http.RoundTripper) http.RoundTripper { return rpcTransport{m, next} }

type rpcTransport struct {
	metrics *Metrics
	next    http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t rpcTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	began := time.Now()
	res, err := t.next.RoundTrip(r)
	outcome := ok
	switch {
	case err != nil && errors.Is(r.Context().Err(), context.Canceled):
		return res, err // the caller gave up, which says nothing about the endpoint
	case err != nil:
		outcome = unavailable
	case res.StatusCode >= http.StatusInternalServerError:
		outcome = failed
	case res.StatusCode >= http.StatusBadRequest:
		outcome = refused
	}
	t.metrics.rpcs.WithLabelValues(r.URL.Host, outcome).Observe(time.Since(began).Seconds())
	return res, err
}

// Package metrics is what Prometheus scrapes from a port of its own. A series stays in
// memory for good, so no label has a value that a client makes up, and none is about a
// person: routes are patterns, methods are those that HTTP defines, providers are those
// that are configured. The package imports nothing of the project; what is shown of its
// parts, [Sources] give.
package metrics

import (
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics are those of a process. They are safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry
	sources  atomic.Pointer[Sources]

	requests *prometheus.HistogramVec
	inFlight prometheus.Gauge
	streams  *prometheus.CounterVec
	limited  *prometheus.CounterVec

	proofs    *prometheus.CounterVec
	decisions *prometheus.CounterVec
	events    *prometheus.CounterVec

	providers *prometheus.HistogramVec
	rpcs      *prometheus.HistogramVec
	hooks     *prometheus.HistogramVec
	tasks     *prometheus.HistogramVec
	webhooks  *prometheus.HistogramVec

	sweeps    *prometheus.CounterVec
	swept     prometheus.Counter
	lastSweep prometheus.Gauge
}

var (
	// requestBuckets are seconds of a request. They hold the objectives of
	// docs/observability.md: 25 ms for a session check, 500 ms for everything.
	requestBuckets = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10}
	// remoteBuckets are seconds of what others answer.
	remoteBuckets = []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 15, 30}
)

// New returns metrics in a registry of their own.
func New() *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry()}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return register(m, prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels))
	}
	histogram := func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		return register(m, prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels))
	}
	m.requests = histogram("latchkey_http_request_duration_seconds", "Time to answer a request. Streams and waiting reads are left out.",
		requestBuckets, "method", "route", "status")
	m.inFlight = register(m, prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "latchkey_http_requests_in_flight", Help: "Requests that are being answered, streams among them.",
	}))
	m.streams = counter("latchkey_http_streams_total", "Answers that last as long as their reader wants, when they end: streams of events and reads that wait.", "route")
	m.limited = counter("latchkey_rate_limited_total", "Requests refused by a rate limit, by its name.", "policy")
	m.proofs = counter("latchkey_proofs_total", "Proofs by provider and outcome: created, signed_in, linked, stepped_up or the code of the refusal.", "provider", "outcome")
	m.decisions = counter("latchkey_decisions_total", "Decisions about verified proofs, by what was done and the row of the table in docs/linking.md that decided.",
		"provider", "outcome", "reason")
	m.events = counter("latchkey_audit_events_total", "Events of the audit trail by action. Each is counted once, by the replica that chains it.", "action")
	m.providers = histogram("latchkey_provider_request_duration_seconds",
		"Time that a provider took to prove who a person is, by outcome: ok, refused (what came back did not hold), failed (unusable answers) or unavailable.",
		remoteBuckets, "provider", "outcome")
	m.rpcs = histogram("latchkey_ethereum_rpc_request_duration_seconds",
		"Time of a request to an Ethereum endpoint, by outcome: ok, refused (status 4xx), failed (5xx) or unavailable (no answer).", remoteBuckets, "endpoint", "outcome")
	m.hooks = histogram("latchkey_hook_request_duration_seconds", "Time that a hook of the application took, by outcome: ok or failed.", remoteBuckets, "hook", "outcome")
	m.tasks = histogram("latchkey_outbox_attempt_duration_seconds",
		"Time of an attempt at a task of the outbox, by outcome: done, retry, postponed or failed (given up).", remoteBuckets, "kind", "outcome")
	m.webhooks = histogram("latchkey_webhook_attempt_duration_seconds",
		"Time of an attempt to deliver to a webhook, by outcome: delivered, retry or failed (given up).", remoteBuckets, "outcome")
	m.sweeps = counter("latchkey_sweeps_total", "Rounds in which this replica deleted expired rows, by outcome: done or failed. Of several replicas one deletes at a time.", "outcome")
	m.swept = register(m, prometheus.NewCounter(prometheus.CounterOpts{Name: "latchkey_swept_rows_total", Help: "Expired rows that were deleted."}))
	m.lastSweep = register(m, prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "latchkey_last_sweep_timestamp_seconds", Help: "When this replica last finished a round of deleting expired rows, Unix time; 0 before the first.",
	}))
	for _, outcome := range []string{"done", "failed"} {
		m.sweeps.WithLabelValues(outcome)
	}
	for _, outcome := range []string{"delivered", "retry", "failed"} {
		m.webhooks.WithLabelValues(outcome)
	}
	m.registry.MustRegister(scraped{&m.sources}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func register[C prometheus.Collector](m *Metrics, c C) C {
	m.registry.MustRegister(c)
	return c
}

// maxScrapes bounds how many are answered at once: each asks the database.
const maxScrapes = 4

// Handler serves the metrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: maxScrapes})
}

// Watch shows from now on what these sources say, in place of earlier ones.
func (m *Metrics) Watch(s Sources) { m.sources.Store(&s) }

// Swept notes a round of deleting expired rows.
func (m *Metrics) Swept(rows int64, at time.Time, err error) {
	m.swept.Add(float64(rows))
	if err != nil {
		m.sweeps.WithLabelValues("failed").Inc()
		return
	}
	m.sweeps.WithLabelValues("done").Inc()
	m.lastSweep.Set(float64(at.Unix()))
}

package api

import (
	"context"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/latchkey/latchkey/identity/audit"
	"github.com/latchkey/latchkey/siwe"
)

// Metrics are what Prometheus scrapes from a port of its own. A series stays in
// memory for good, so no label has a value that a client makes up: routes are
// patterns, methods are those that HTTP defines.
type Metrics struct {
	registry *prometheus.Registry
	requests *prometheus.HistogramVec
	proofs   *prometheus.CounterVec
	limited  *prometheus.CounterVec
	rpcs     atomic.Pointer[func(context.Context) []siwe.ChainHealth]
}

// NewMetrics returns metrics in a registry of their own.
func NewMetrics() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "latchkey_http_request_duration_seconds", Help: "Time to answer a request.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10},
		}, []string{"method", "route", "status"}),
		proofs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "latchkey_proofs_total", Help: "Proofs by provider and outcome: created, signed_in, linked, stepped_up or the code of the refusal.",
		}, []string{"provider", "outcome"}),
		limited: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "latchkey_rate_limited_total", Help: "Requests refused by a rate limit, by its name.",
		}, []string{"policy"}),
	}
	for _, name := range limitNames() {
		m.limited.WithLabelValues(name) // at 0 from the start
	}
	m.registry.MustRegister(m.requests, m.proofs, m.limited, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Handler serves the metrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// otherMethod and unmatchedRoute replace everything that a client can invent.
const (
	otherMethod    = "other"
	unmatchedRoute = "unmatched"
)

// observe counts a request. The route is a pattern of the router, or "" where
// none matched.
func (m *Metrics) observe(method, route string, status int, took time.Duration) {
	if route == "" {
		route = unmatchedRoute
	}
	m.requests.WithLabelValues(methodLabel(method), route, strconv.Itoa(status)).Observe(took.Seconds())
}

// methodLabel returns the method if RFC 9110, section 9, or RFC 5789 defines it.
// net/http accepts any token as a method.
func methodLabel(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodConnect, http.MethodOptions, http.MethodTrace:
		return method
	}
	return otherMethod
}

// WatchRPCs shows at each scrape which Ethereum endpoints answer, by chain and
// host.
func (m *Metrics) WatchRPCs(health func(context.Context) []siwe.ChainHealth) {
	if m.rpcs.Swap(&health) == nil { // else after a reload
		m.registry.MustRegister(rpcCollector{func(ctx context.Context) []siwe.ChainHealth { return (*m.rpcs.Load())(ctx) }})
	}
}

type rpcCollector struct {
	health func(context.Context) []siwe.ChainHealth
}

var rpcUp = prometheus.NewDesc("latchkey_ethereum_rpc_up", "1 if the endpoint answered last, else 0.", []string{"chain_id", "endpoint"}, nil)

// Describe implements prometheus.Collector.
func (rpcCollector) Describe(ch chan<- *prometheus.Desc) { ch <- rpcUp }

// Collect implements prometheus.Collector.
func (r rpcCollector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), readyTimeout)
	defer cancel()
	for _, chain := range r.health(ctx) {
		for _, e := range chain.Endpoints {
			up := 0.0
			if e.Available {
				up = 1
			}
			ch <- prometheus.MustNewConstMetric(rpcUp, prometheus.GaugeValue, up, strconv.FormatUint(chain.ChainID, 10), e.Name)
		}
	}
}

// DatabaseState is how often the database kept somebody waiting in vain, by why.
type DatabaseState struct{ TooLong, Locked, ReadOnly, Full uint64 }

// WatchDatabase shows at each scrape what of the database went wrong.
func (m *Metrics) WatchDatabase(state func() DatabaseState) {
	m.registry.MustRegister(databaseCollector{state})
}

type databaseCollector struct{ state func() DatabaseState }

var databaseFailed = prometheus.NewDesc("latchkey_database_failures_total",
	"Transactions that the database did not finish: too_long (broken off, as when a synchronous standby is lost), locked (by somebody who is stuck), read_only, full (its disk or its connections).",
	[]string{"reason"}, nil)

// Describe implements prometheus.Collector.
func (databaseCollector) Describe(ch chan<- *prometheus.Desc) { ch <- databaseFailed }

// Collect implements prometheus.Collector.
func (d databaseCollector) Collect(ch chan<- prometheus.Metric) {
	s := d.state()
	for reason, n := range map[string]uint64{"too_long": s.TooLong, "locked": s.Locked, "read_only": s.ReadOnly, "full": s.Full} {
		ch <- prometheus.MustNewConstMetric(databaseFailed, prometheus.CounterValue, float64(n), reason)
	}
}

// WatchAudit shows at each scrape for how long the audit trail has been behind.
func (m *Metrics) WatchAudit(behind func(context.Context) (time.Duration, error)) {
	m.registry.MustRegister(ageCollector{auditUnchained, behind})
}

// WatchArchive shows at each scrape what was taken out of the audit trail, and how old
// what is left is.
func (m *Metrics) WatchArchive(archived func(context.Context) (audit.Archived, error), now func() time.Time) {
	m.registry.MustRegister(archiveCollector{archived, now})
}

// WatchFeed shows at each scrape for how long the feed of events has been behind.
func (m *Metrics) WatchFeed(behind func(context.Context) (time.Duration, error)) {
	m.registry.MustRegister(ageCollector{feedBlocked, behind})
}

// ageCollector shows an age.
type ageCollector struct {
	is     *prometheus.Desc
	behind func(context.Context) (time.Duration, error)
}

var auditUnchained = prometheus.NewDesc("latchkey_audit_unchained_seconds",
	"Age of the oldest audit event that is not chained yet; 0 without one. It grows while a transaction that writes does not end.", nil, nil)

var feedBlocked = prometheus.NewDesc("latchkey_feed_blocked_seconds",
	"Age of the oldest audit event that the feed of events was not made of yet; 0 without one. It grows while a transaction that writes does not end.", nil, nil)

// Describe implements prometheus.Collector.
func (a ageCollector) Describe(ch chan<- *prometheus.Desc) { ch <- a.is }

// Collect implements prometheus.Collector. While the database does not answer there
// is no value.
func (a ageCollector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), readyTimeout)
	defer cancel()
	if age, err := a.behind(ctx); err == nil {
		ch <- prometheus.MustNewConstMetric(a.is, prometheus.GaugeValue, age.Seconds())
	}
}

type archiveCollector struct {
	archived func(context.Context) (audit.Archived, error)
	now      func() time.Time
}

var (
	auditArchived = prometheus.NewDesc("latchkey_audit_archived_events",
		"Events of the audit trail that were exported to files of the archive (LATCHKEY_AUDIT_RETENTION).", nil, nil)
	auditOldest = prometheus.NewDesc("latchkey_audit_oldest_seconds",
		"Age of the oldest event of the audit trail; 0 without one. With LATCHKEY_AUDIT_RETENTION it grows beyond that, by more than a day, while events cannot be archived.", nil, nil)
)

// Describe implements prometheus.Collector.
func (archiveCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- auditArchived
	ch <- auditOldest
}

// Collect implements prometheus.Collector. While the database does not answer there
// is no value.
func (c archiveCollector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), readyTimeout)
	defer cancel()
	a, err := c.archived(ctx)
	if err != nil {
		return
	}
	age := 0.0
	if !a.Left.IsZero() {
		age = max(0, c.now().Sub(a.Left).Seconds())
	}
	ch <- prometheus.MustNewConstMetric(auditArchived, prometheus.GaugeValue, float64(a.Events))
	ch <- prometheus.MustNewConstMetric(auditOldest, prometheus.GaugeValue, age)
}

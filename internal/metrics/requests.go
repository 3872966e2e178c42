package metrics

import (
	"net/http"
	"strconv"
	"time"
)

// otherMethod and unmatchedRoute replace everything that a client can make up.
const (
	otherMethod    = "other"
	unmatchedRoute = "unmatched"
)

// Begin notes a request that is being answered, until done is called.
func (m *Metrics) Begin() (done func()) {
	m.inFlight.Inc()
	return m.inFlight.Dec
}

// Request notes a request that was answered. The route is a pattern of the router, or ""
// where none matched.
func (m *Metrics) Request(method, route string, status int, took time.Duration) {
	m.requests.WithLabelValues(methodLabel(method), routeLabel(route), strconv.Itoa(status)).Observe(took.Seconds())
}

// Streams names the routes of streams, so that each is at 0 from the start.
func (m *Metrics) Streams(routes ...string) {
	for _, route := range routes {
		m.streams.WithLabelValues(route)
	}
}

// Stream notes an answer that lasted as long as its reader wanted, which says nothing
// about how fast the service is.
func (m *Metrics) Stream(route string) { m.streams.WithLabelValues(routeLabel(route)).Inc() }

func routeLabel(route string) string {
	if route == "" {
		return unmatchedRoute
	}
	return route
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

// RateLimits names the limits, so that each is at 0 from the start.
func (m *Metrics) RateLimits(names ...string) {
	for _, name := range names {
		m.limited.WithLabelValues(name)
	}
}

// RateLimited notes a request that a limit refused.
func (m *Metrics) RateLimited(name string) { m.limited.WithLabelValues(name).Inc() }

// Proof notes what became of a proof: its outcome, or the code of the refusal.
func (m *Metrics) Proof(provider, outcome string) { m.proofs.WithLabelValues(provider, outcome).Inc() }

// Decision notes a decision about a verified proof.
func (m *Metrics) Decision(provider, outcome, reason string) {
	m.decisions.WithLabelValues(provider, outcome, reason).Inc()
}

// Events notes events of an action that were chained.
func (m *Metrics) Events(action string, n int) { m.events.WithLabelValues(action).Add(float64(n)) }

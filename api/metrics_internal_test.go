package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// seriesOf returns the lines of the request metric, without buckets.
func seriesOf(t *testing.T, m *Metrics) []string {
	t.Helper()
	answer := httptest.NewRecorder()
	m.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	var out []string
	for line := range strings.Lines(answer.Body.String()) {
		if strings.HasPrefix(line, "latchkey_http_request_duration_seconds_count{") {
			out = append(out, strings.TrimSpace(line))
		}
	}
	return out
}

// A client cannot make series, which stay in memory (CVE-2022-21698).
func TestMadeUpMethodsAreOneSeries(t *testing.T) {
	t.Parallel()
	m := NewMetrics()
	for i := range 500 {
		m.observe(fmt.Sprintf("M%d", i), "", http.StatusMethodNotAllowed, time.Millisecond)
	}
	for _, method := range []string{"get", "Get", "QUERY", "PROPFIND", strings.Repeat("A", 8000)} {
		m.observe(method, "", http.StatusMethodNotAllowed, time.Millisecond)
	}
	got := seriesOf(t, m)
	want := `latchkey_http_request_duration_seconds_count{method="other",route="unmatched",status="405"} 505`
	if len(got) != 1 || got[0] != want {
		t.Errorf("%d series, such as %q, want one: %q", len(got), got[0], want)
	}
}

func TestKnownMethodsAreLabels(t *testing.T) {
	t.Parallel()
	m := NewMetrics()
	methods := []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "OPTIONS", "TRACE"}
	for _, method := range methods {
		m.observe(method, "/v1/me", http.StatusOK, time.Millisecond)
	}
	got := strings.Join(seriesOf(t, m), "\n")
	for _, method := range methods {
		if !strings.Contains(got, `method="`+method+`",route="/v1/me",status="200"} 1`) {
			t.Errorf("no series for %s in\n%s", method, got)
		}
	}
}

func TestAuditMetrics(t *testing.T) {
	t.Parallel()
	m := NewMetrics()
	var lost error
	m.WatchAudit(func(context.Context) (time.Duration, error) { return 90 * time.Second, lost })
	shown := func() string {
		res := httptest.NewRecorder()
		m.Handler().ServeHTTP(res, httptest.NewRequestWithContext(t.Context(), "GET", "/metrics", nil))
		return res.Body.String()
	}
	if got := shown(); !strings.Contains(got, "latchkey_audit_unchained_seconds 90") {
		t.Errorf("no age in %s", got)
	}
	lost = errors.New("lost")
	if got := shown(); strings.Contains(got, "latchkey_audit_unchained_seconds") {
		t.Errorf("an age without a database: %s", got)
	}
}

func TestDatabaseMetrics(t *testing.T) {
	t.Parallel()
	m := NewMetrics()
	m.WatchDatabase(func() DatabaseState { return DatabaseState{TooLong: 1, Locked: 2, ReadOnly: 3, Full: 4} })
	res := httptest.NewRecorder()
	m.Handler().ServeHTTP(res, httptest.NewRequestWithContext(t.Context(), "GET", "/metrics", nil))
	for _, want := range []string{`{reason="too_long"} 1`, `{reason="locked"} 2`, `{reason="read_only"} 3`, `{reason="full"} 4`} {
		if !strings.Contains(res.Body.String(), "latchkey_database_failures_total"+want) {
			t.Errorf("no %s in %s", want, res.Body)
		}
	}
}

package metrics

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

// scrape returns the lines of a scrape that begin with a name.
func scrape(t *testing.T, m *Metrics, name string) []string {
	t.Helper()
	answer := httptest.NewRecorder()
	m.Handler().ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	if answer.Code != http.StatusOK {
		t.Fatalf("%d: %s", answer.Code, answer.Body)
	}
	var out []string
	for line := range strings.Lines(answer.Body.String()) {
		if strings.HasPrefix(line, name) {
			out = append(out, strings.TrimSpace(line))
		}
	}
	return out
}

const requestCount = "latchkey_http_request_duration_seconds_count{"

// A client cannot make series, which stay in memory (CVE-2022-21698).
func TestMadeUpMethodsAreOneSeries(t *testing.T) {
	t.Parallel()
	m := New()
	for i := range 500 {
		m.Request(fmt.Sprintf("M%d", i), "", http.StatusMethodNotAllowed, time.Millisecond)
	}
	for _, method := range []string{"get", "Get", "QUERY", "PROPFIND", strings.Repeat("A", 8000)} {
		m.Request(method, "", http.StatusMethodNotAllowed, time.Millisecond)
	}
	got := scrape(t, m, requestCount)
	want := requestCount + `method="other",route="unmatched",status="405"} 505`
	if len(got) != 1 || got[0] != want {
		t.Errorf("%d series, such as %q, want one: %q", len(got), got[0], want)
	}
}

func TestKnownMethodsAreLabels(t *testing.T) {
	t.Parallel()
	m := New()
	methods := []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "OPTIONS", "TRACE"}
	for _, method := range methods {
		m.Request(method, "/v1/me", http.StatusOK, time.Millisecond)
	}
	got := strings.Join(scrape(t, m, requestCount), "\n")
	for _, method := range methods {
		if !strings.Contains(got, `method="`+method+`",route="/v1/me",status="200"} 1`) {
			t.Errorf("no series for %s in\n%s", method, got)
		}
	}
}

// While the database does not answer, it is down and what it says is not shown. The rest is.
func TestSourcesThatDoNotAnswer(t *testing.T) {
	t.Parallel()
	m := New()
	var down error
	m.Watch(Sources{
		Ready:     func(context.Context) error { return down },
		Schema:    func(context.Context) (Schema, error) { return Schema{Pending: 3, ReadOnly: true}, down },
		Unchained: func(context.Context) (time.Duration, error) { return 90 * time.Second, down },
		Lost:      func() Lost { return Lost{TooLong: 1, Locked: 2, ReadOnly: 3, Full: 4} },
		Figures:   func() (Figures, bool) { return Figures{Users: 7}, down == nil },
	})
	always := []string{
		`latchkey_database_failures_total{reason="too_long"} 1`, `latchkey_database_failures_total{reason="locked"} 2`,
		`latchkey_database_failures_total{reason="read_only"} 3`, `latchkey_database_failures_total{reason="full"} 4`,
	}
	answering := []string{
		"latchkey_ready 1", "latchkey_database_up 1", "latchkey_database_read_only 1", "latchkey_schema_pending_migrations 3", "latchkey_audit_unchained_seconds 90", "latchkey_users 7",
	}
	check := func(want, not []string) {
		t.Helper()
		got := "\n" + strings.Join(scrape(t, m, "latchkey_"), "\n") + "\n"
		for _, line := range want {
			if !strings.Contains(got, "\n"+line+"\n") {
				t.Errorf("no %s in %s", line, got)
			}
		}
		for _, line := range not {
			name, _, _ := strings.Cut(line, " ")
			if strings.Contains(got, "\n"+name+" ") {
				t.Errorf("%s without an answer: %s", name, got)
			}
		}
	}
	check(append(always, answering...), nil)
	down = errors.New("lost")
	check(append(always, "latchkey_ready 0", "latchkey_database_up 0"), answering[2:])
}

// A request to an endpoint that its caller gave up says nothing about the endpoint.
func TestRPC(t *testing.T) {
	t.Parallel()
	m := New()
	ctx, cancel := context.WithCancel(t.Context())
	answer := func(status int, err error) func(*http.Request) (*http.Response, error) {
		return func(*http.Request) (*http.Response, error) { return &http.Response{StatusCode: status}, err }
	}
	for _, next := range []transport{
		answer(200, nil), answer(200, nil), answer(429, nil), answer(503, nil), answer(0, errors.New("refused")),
		func(*http.Request) (*http.Response, error) { cancel(); return nil, context.Canceled },
	} {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://rpc.example.com/key-that-is-secret", nil)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = m.RPC(next).RoundTrip(r)
	}
	got := strings.Join(scrape(t, m, "latchkey_ethereum_rpc_request_duration_seconds"), "\n")
	for outcome, n := range map[string]int{"ok": 2, "refused": 1, "failed": 1, "unavailable": 1} {
		if want := fmt.Sprintf(`_count{endpoint="rpc.example.com",outcome=%q} %d`, outcome, n); !strings.Contains(got, want) {
			t.Errorf("no %s in %s", want, got)
		}
	}
	if strings.Contains(got, "secret") {
		t.Error("a path is in the metrics")
	}
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

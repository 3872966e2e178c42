package api_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

// requestLine is the line of the log about a request.
type requestLine struct {
	Level, Msg, Route string
	Duration          *float64 `json:"duration_ms"`
	UserID            string   `json:"user_id"`
	SessionID         string   `json:"session_id"`
}

// requestLines are those of a route, oldest first.
func requestLines(a *apptest.App, route string) []requestLine {
	var out []requestLine
	for line := range strings.Lines(a.Log.String()) {
		var l requestLine
		if json.Unmarshal([]byte(line), &l) == nil && l.Msg == "request" && l.Route == route {
			out = append(out, l)
		}
	}
	return out
}

// What comes all the time, and pages with what they load, is in the log at level debug
// only. Every line has its time in a unit that is named, and whose session it was.
func TestRequestLines(t *testing.T) {
	t.Parallel()
	a := apptest.SQLite(t)
	b := a.Browser()
	session := b.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK).String("session.id")
	for _, path := range []string{"/healthz", "/readyz", "/v1/session", "/v1/me"} {
		b.GET(path).Want(http.StatusOK)
	}
	page := b.GET("/account")
	b.GET("/v1/teams/x")
	b.GET("/v1/nothing").Want(http.StatusNotFound)
	for route, level := range map[string]string{
		"/healthz": "DEBUG", "/readyz": "DEBUG", "/v1/session": "DEBUG", "/v1/me": "INFO", "/v1/teams/:team": "INFO",
	} {
		lines := requestLines(a, route)
		if len(lines) != 1 || lines[0].Level != level || lines[0].Duration == nil || *lines[0].Duration < 0 {
			t.Errorf("%s: %+v, want level %s", route, lines, level)
			continue
		}
		if strings.HasPrefix(route, "/v1/") && (lines[0].SessionID != session || lines[0].UserID == "") {
			t.Errorf("%s: %+v, want session %s", route, lines[0], session)
		}
	}
	unmatched := requestLines(a, "unmatched")
	want := map[bool]string{true: "DEBUG", false: "ERROR"}[page.Status == http.StatusOK] // of a build without the web app
	if len(unmatched) != 2 || unmatched[0].Level != want || unmatched[1].Level != "INFO" {
		t.Errorf("a page, and a call that there is not: %+v", unmatched)
	}
}

// A stream lasts as long as its reader wants, which says nothing about how fast the
// service is: it is counted apart.
func TestStreamsAreNotAmongRequests(t *testing.T) {
	t.Parallel()
	a := apptest.SQLite(t)
	b := a.Browser()
	b.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
	team := b.POST("/v1/teams", map[string]any{"name": "Keys"}).Want(http.StatusCreated).String("id")
	shown := func() string {
		answer := httptest.NewRecorder()
		a.Metrics.Handler().ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
		return answer.Body.String()
	}
	await := func(what string) {
		t.Helper()
		for deadline := time.Now().Add(time.Minute); !strings.Contains(shown(), "\n"+what+"\n"); time.Sleep(5 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("no %s in\n%s", what, shown())
			}
		}
	}
	w := watch(t, b, "/v1/teams/"+team)
	w.hears(t, "the beginning")
	await("latchkey_event_streams 1")
	w.leave()
	await("latchkey_event_streams 0")
	await(`latchkey_http_streams_total{route="/v1/teams/:team/events"} 1`)
	if got := shown(); strings.Contains(got, `latchkey_http_request_duration_seconds_count{method="GET",route="/v1/teams/:team/events"`) {
		t.Errorf("the stream is among the requests: %s", got)
	}
}

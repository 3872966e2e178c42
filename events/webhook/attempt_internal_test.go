package webhook

import (
	"context"
	"encoding/base64"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/events/sign"
	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/feed"
	"github.com/latchkey/latchkey/identity/webhook"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func to(t *testing.T, at string, allowed bool) *receiver {
	t.Helper()
	signer, err := sign.NewSigner("whsec_" + base64.StdEncoding.EncodeToString([]byte("a secret of the application")))
	if err != nil {
		t.Fatal(err)
	}
	r := &receiver{now: func() time.Time { return noon }, signer: signer}
	r.reach(at, func(*url.URL) bool { return allowed })
	t.Cleanup(r.close)
	return r
}

func event(attempts int) webhook.EventDelivery {
	e := feed.Event{ID: identity.NewID(), Seq: 1, Type: feed.UserCreated, At: noon, Data: identity.Metadata{}}
	d := webhook.NewDelivery(identity.NewID(), 1, noon)
	d.Attempts = attempts
	return webhook.EventDelivery{Delivery: d, Event: e}
}

// A receiver that hangs, before its answer or within, costs no more than the time for an
// attempt.
func TestReceiversThatHang(t *testing.T) {
	t.Parallel()
	hanging := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/body" {
			w.WriteHeader(http.StatusOK)
			_, _ = w.Write([]byte("begun"))
			_ = http.NewResponseController(w).Flush()
		}
		<-hanging
	}))
	t.Cleanup(s.Close)
	t.Cleanup(func() { close(hanging) })
	for path, want := range map[string]webhook.Delivery{
		"/silent": {Status: webhook.Pending, Error: "no answer within 15 seconds"},
		"/body":   {Status: webhook.Delivered, ResponseStatus: 200, ResponseBody: "begun"},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		got := to(t, s.URL+path, true).attempt(ctx, event(0))
		cancel()
		if got.Status != want.Status || got.Error != want.Error || got.ResponseStatus != want.ResponseStatus || got.ResponseBody != want.ResponseBody || got.Attempts != 1 {
			t.Errorf("%s: %+v", path, got)
		}
	}
}

// What is not public is not reached, whatever name leads there, unless the operator
// allows it. What stays of a failure has no URL in it.
func TestReceiversElsewhere(t *testing.T) {
	t.Parallel()
	reached := false
	s := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	t.Cleanup(s.Close)
	_, port, err := net.SplitHostPort(s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for at, says := range map[string]string{
		"https://127.0.0.1:" + port + "/?token=secret": "not public",
		"https://localhost:" + port + "/?token=secret": "not public",
		"https://[::1]:" + port + "/?token=secret":     "not public",
		"https://169.254.169.254/?token=secret":        "not public",
		"http://app.example.com/?token=secret":         "not https",
		"https://a b/?token=secret":                    "cannot be read",
	} {
		got := to(t, at, false).attempt(t.Context(), event(0))
		if got.Status != webhook.Pending || !strings.Contains(got.Error, says) || strings.Contains(got.Error, "secret") || got.ResponseStatus != 0 {
			t.Errorf("%s: %+v", at, got)
		}
	}
	if reached {
		t.Error("it was reached")
	}
}

func TestRetries(t *testing.T) {
	t.Parallel()
	status := http.StatusInternalServerError
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	t.Cleanup(s.Close)
	r := to(t, s.URL, true)
	for n, pause := range map[int]time.Duration{0: 5 * time.Second, 1: 5 * time.Minute, 2: 30 * time.Minute, 3: 2 * time.Hour, 8: 24 * time.Hour} {
		got := r.attempt(t.Context(), event(n))
		if after := got.NextAttemptAt.Sub(noon); got.Status != webhook.Pending || after < pause || after > pause+pause/10 {
			t.Errorf("after attempt %d: %+v", n+1, got)
		}
	}
	if got := r.attempt(t.Context(), event(9)); got.Status != webhook.Failed {
		t.Errorf("after the last: %+v", got)
	}
	status = http.StatusGone
	if got := r.attempt(t.Context(), event(0)); got.Status != webhook.Failed || got.ResponseStatus != http.StatusGone {
		t.Errorf("gone: %+v", got)
	}
}

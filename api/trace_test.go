package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/internal/testkit/apptest"
	"github.com/latchkey/latchkey/internal/testkit/otlptest"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

// A sign-in is one trace, from the caller's span through the decision to each statement.
// What is secret or personal is in no span.
func TestSignInIsTraced(t *testing.T) {
	t.Parallel()
	for _, engine := range storagetest.Engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			to := otlptest.New(t)
			a := apptest.Start(t, engine, "OTEL_EXPORTER_OTLP_ENDPOINT="+to.URL)
			const caller, parent = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
			b, w := a.Browser().With("traceparent", "00-"+caller+"-"+parent+"-01"), apptest.NewWallet(t)
			answer := b.Wallet(w, "sign_in").Want(http.StatusOK)
			b.GET("/v1/session").Want(http.StatusOK)
			b.PATCH("/v1/me", map[string]any{"display_name": "Traced Person"}).Want(http.StatusOK)
			tree := traced(t, a, to, caller)

			root := tree.find(parent, "POST /v1/auth/siwe/verify")
			if root.Kind != "SPAN_KIND_SERVER" || root.Failed || root.Attributes["http.response.status_code"] != int64(200) || root.Attributes["http.route"] != "/v1/auth/siwe/verify" ||
				root.Attributes["latchkey.request_id"] != answer.Header.Get("X-Request-Id") {
				t.Errorf("%+v", root)
			}
			decision := tree.find(root.ID, "apply proof")
			if decision.Attributes["latchkey.decision"] != "create" || decision.Attributes["latchkey.reason"] != "new_person" || decision.Attributes["latchkey.provider"] != "siwe" {
				t.Errorf("%+v", decision)
			}
			transaction := tree.find(decision.ID, "transaction")
			for _, want := range []string{"BEGIN", "INSERT burned_secrets", "INSERT users", "INSERT identities", "INSERT sessions", "INSERT audit_events", "COMMIT"} {
				s := tree.find(transaction.ID, want)
				system := map[string]string{"postgres": "postgresql", "sqlite": "sqlite"}[engine]
				if s.Kind != "SPAN_KIND_CLIENT" || s.Attributes["db.system.name"] != system || s.Attributes["db.query.text"] == "" || s.Start < transaction.Start || s.End > transaction.End {
					t.Errorf("%+v", s)
				}
			}
			check := tree.find(parent, "GET /v1/session")
			if !slices.ContainsFunc(tree.spans, func(s otlptest.Span) bool { return s.Parent == check.ID && strings.HasPrefix(s.Name, "SELECT") }) {
				t.Errorf("no statement of the session check: %+v", tree.spans)
			}

			raw := fmt.Sprintf("%+v", tree.spans)
			for _, secret := range []string{
				w.Address.Hex(), strings.ToLower(w.Address.Hex()), answer.String("user.id"), answer.String("session.id"), b.Cookie("latchkey"), "Traced Person", "127.0.0.1 ", "Go-http-client",
			} {
				if secret == "" || strings.Contains(raw, secret) {
					t.Errorf("%q is in a span, or not known: %s", secret, raw)
				}
			}
			if !logged(a, answer.Header.Get("X-Request-Id"), caller, root.ID) {
				t.Errorf("the log does not name the trace: %s", a.Log)
			}
		})
	}
}

// What a provider is asked is in the trace, and the trace goes along. The stand-in is
// served by the service itself, which makes its side of the trace visible here.
func TestProviderIsTraced(t *testing.T) {
	t.Parallel()
	to := otlptest.New(t)
	a := apptest.SQLite(t, "OTEL_EXPORTER_OTLP_ENDPOINT="+to.URL)
	b := a.Browser()
	callback := b.Authorize("github", "sign_in", apptest.Person{Name: "Ann", Email: "ann@example.com"})
	const caller, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	b.With("traceparent", "00-"+caller+"-"+parent+"-01").Callback(callback)
	tree := traced(t, a, to, caller)
	root := tree.find(parent, "GET /v1/auth/:provider/callback")
	asked := tree.find(root.ID, "POST")
	if asked.Kind != "SPAN_KIND_CLIENT" || asked.Attributes["server.address"] != "localhost" || asked.Attributes["http.response.status_code"] != int64(200) {
		t.Errorf("%+v", asked)
	}
	tree.find(asked.ID, "POST /dev/*path")
	if raw := fmt.Sprintf("%+v", tree.spans); strings.Contains(raw, "code=") || strings.Contains(raw, "ann@example.com") {
		t.Errorf("a secret is in a span: %s", raw)
	}
}

// Without a variable there are no traces, and no word of them.
func TestTracesAreOff(t *testing.T) {
	t.Parallel()
	a := apptest.SQLite(t)
	a.Browser().With("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").GET("/v1/auth/providers").Want(http.StatusOK)
	if a.Traces != nil || strings.Contains(a.Log.String(), "4bf92f35") {
		t.Errorf("traces: %v, log: %s", a.Traces, a.Log)
	}
}

type spans struct {
	t     *testing.T
	spans []otlptest.Span
}

// traced returns the spans of a trace that have ended so far.
func traced(t *testing.T, a *apptest.App, to *otlptest.Receiver, trace string) spans {
	t.Helper()
	if err := a.Traces.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	all := to.Spans()
	return spans{t, slices.DeleteFunc(all, func(s otlptest.Span) bool { return s.Trace != trace })}
}

// find returns the span of a name below another.
func (s spans) find(parent, name string) otlptest.Span {
	s.t.Helper()
	i := slices.IndexFunc(s.spans, func(s otlptest.Span) bool { return s.Parent == parent && s.Name == name })
	if i < 0 {
		var names []string
		for _, span := range s.spans {
			names = append(names, span.Parent+" > "+span.ID+" "+span.Name)
		}
		s.t.Fatalf("no span %q below %s in\n%s", name, parent, strings.Join(names, "\n"))
	}
	return s.spans[i]
}

// logged reports whether the line of a request names its trace.
func logged(a *apptest.App, request, trace, span string) bool {
	for line := range strings.Lines(a.Log.String()) {
		var l struct {
			RequestID string `json:"request_id"`
			TraceID   string `json:"trace_id"`
			SpanID    string `json:"span_id"`
			SessionID string `json:"session_id"`
			Duration  any    `json:"duration_ms"`
		}
		if json.Unmarshal([]byte(line), &l) == nil && l.RequestID == request && l.TraceID == trace && l.SpanID == span && l.Duration != nil {
			return true
		}
	}
	return false
}

package otlp

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/latchkey/latchkey/internal/testkit/otlptest"
	"github.com/latchkey/latchkey/internal/tracing"
)

func variables(of map[string]string) func(string) string {
	return func(name string) string { return of[name] }
}

// Nothing is traced unless a variable says where to, and what is wrong is named.
func TestVariables(t *testing.T) {
	t.Parallel()
	const endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT"
	for name, tt := range map[string]struct {
		environ map[string]string
		url     string // "" for off
		refused string // the variable
	}{
		"nothing":                   {nil, "", ""},
		"an endpoint":               {map[string]string{endpoint: "http://collector:4318"}, "http://collector:4318/v1/traces", ""},
		"below a path":              {map[string]string{endpoint: "https://collector/otlp/"}, "https://collector/otlp/v1/traces", ""},
		"an endpoint of traces":     {map[string]string{endpoint: "http://a", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://b/x"}, "http://b/x", ""},
		"the default":               {map[string]string{"OTEL_TRACES_EXPORTER": "otlp"}, "http://localhost:4318/v1/traces", ""},
		"turned off":                {map[string]string{endpoint: "http://a", "OTEL_TRACES_EXPORTER": "none"}, "", ""},
		"all turned off":            {map[string]string{endpoint: "http://a", "OTEL_SDK_DISABLED": "true"}, "", ""},
		"another exporter":          {map[string]string{"OTEL_TRACES_EXPORTER": "zipkin"}, "", "OTEL_TRACES_EXPORTER"},
		"gRPC":                      {map[string]string{endpoint: "http://a", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "", "OTEL_EXPORTER_OTLP_PROTOCOL"},
		"no URL":                    {map[string]string{endpoint: "collector:4317"}, "", endpoint},
		"headers":                   {map[string]string{endpoint: "http://a", "OTEL_EXPORTER_OTLP_HEADERS": "broken"}, "", "OTEL_EXPORTER_OTLP_HEADERS"},
		"a time":                    {map[string]string{endpoint: "http://a", "OTEL_EXPORTER_OTLP_TIMEOUT": "10s"}, "", "OTEL_EXPORTER_OTLP_TIMEOUT"},
		"compression":               {map[string]string{endpoint: "http://a", "OTEL_EXPORTER_OTLP_COMPRESSION": "zip"}, "", "OTEL_EXPORTER_OTLP_COMPRESSION"},
		"a certificate":             {map[string]string{endpoint: "http://a", "OTEL_EXPORTER_OTLP_CERTIFICATE": "/nowhere"}, "", "OTEL_EXPORTER_OTLP_CERTIFICATE"},
		"a certificate without key": {map[string]string{endpoint: "http://a", "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": "/nowhere"}, "", "OTEL_EXPORTER_OTLP_CLIENT_KEY"},
	} {
		s, err := read(variables(tt.environ))
		got := ""
		if s != nil {
			got = s.url
		}
		if got != tt.url || (err != nil) != (tt.refused != "") || err != nil && !strings.Contains(err.Error(), tt.refused) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// A collector that is busy is asked again; one that refuses is not. Headers and compression
// are as the variables say.
func TestExport(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		answers         []int
		requests, spans int
	}{
		"taken":   {nil, 1, 1},
		"busy":    {[]int{503, 429}, 3, 1},
		"refused": {[]int{400}, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			to := otlptest.New(t, tt.answers...)
			s, err := read(variables(map[string]string{
				"OTEL_EXPORTER_OTLP_ENDPOINT": to.URL, "OTEL_EXPORTER_OTLP_HEADERS": "x-key=a%20b", "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
			}))
			if err != nil {
				t.Fatal(err)
			}
			var log strings.Builder
			e := &exporter{settings: *s, log: slog.New(slog.NewTextHandler(&log, nil)), sleep: func(context.Context, time.Duration) error { return nil }}
			traces, err := newTraces(e, "v1.2.3")
			if err != nil {
				t.Fatal(err)
			}
			_, span := traces.Tracer().Start(t.Context(), "GET /", trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(attribute.Int("n", 7), attribute.Bool("b", true)))
			tracing.Current(trace.ContextWithSpan(t.Context(), span)).Fail("500")
			span.End()
			if err := traces.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			headers, spans := to.Headers(), to.Spans()
			if len(headers) != tt.requests || len(spans) != tt.spans {
				t.Fatalf("%d requests, %d spans", len(headers), len(spans))
			}
			if headers[0].Get("X-Key") != "a b" || headers[0].Get("Content-Encoding") != "gzip" {
				t.Errorf("headers %v", headers[0])
			}
			if lost := strings.Contains(log.String(), "traces are lost"); lost != (tt.spans == 0) {
				t.Errorf("log: %s", &log)
			}
			for _, s := range spans {
				if s.Name != "GET /" || s.Kind != "SPAN_KIND_SERVER" || !s.Failed || s.Attributes["n"] != int64(7) || s.Attributes["b"] != true ||
					s.Attributes["error.type"] != "500" || s.Resource["service.name"] != "latchkey" || s.Resource["service.version"] != "v1.2.3" || s.End < s.Start {
					t.Errorf("%+v", s)
				}
			}
		})
	}
}

// Who makes spans is in the context: without one, requests go as they are.
func TestTransportWithoutTrace(t *testing.T) {
	t.Parallel()
	var seen *http.Request
	next := roundTripper(func(r *http.Request) (*http.Response, error) {
		seen = r
		return &http.Response{StatusCode: http.StatusOK}, nil
	})
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://example.com", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tracing.Transport(next).RoundTrip(r); err != nil || seen != r || len(r.Header) > 0 {
		t.Errorf("%v, %v", seen, err)
	}
	if ctx, span := tracing.Start(t.Context(), "x"); ctx != t.Context() || span.Recording() {
		t.Error("a span without a trace")
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

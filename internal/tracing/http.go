package tracing

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// propagator reads and writes traceparent and tracestate (https://www.w3.org/TR/trace-context/).
var propagator = propagation.TraceContext{}

// Server begins the trace of a request, below the one that its caller names, if any. End
// must be called. The name may be changed until then.
func Server(ctx context.Context, tracer trace.Tracer, name string, header http.Header) (context.Context, Span) {
	ctx = propagator.Extract(ctx, propagation.HeaderCarrier(header))
	ctx, span := tracer.Start(ctx, name, trace.WithSpanKind(trace.SpanKindServer))
	return ctx, Span{span}
}

// Transport returns a transport that adds its requests to the trace of their contexts and
// passes the trace on. A span ends when the headers of the answer are there. It is named by
// the method and says the host; paths and queries may hold secrets.
func Transport(next http.RoundTripper) http.RoundTripper { return transport{next} }

type transport struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if !trace.SpanContextFromContext(r.Context()).IsValid() {
		return t.next.RoundTrip(r)
	}
	ctx, span := start(r.Context(), r.Method, trace.SpanKindClient)
	defer span.End()
	span.Set(String("http.request.method", r.Method), String("url.scheme", r.URL.Scheme), String("server.address", r.URL.Hostname()))
	if port, err := strconv.Atoi(r.URL.Port()); err == nil {
		span.Set(Int("server.port", port))
	}
	r = r.Clone(ctx)
	// What a caller put into tracestate is not for others.
	passed := trace.SpanContextFromContext(ctx).WithTraceState(trace.TraceState{})
	propagator.Inject(trace.ContextWithSpanContext(ctx, passed), propagation.HeaderCarrier(r.Header))
	res, err := t.next.RoundTrip(r)
	switch {
	case err != nil:
		span.Fail(failure(err))
	default:
		span.Set(Int("http.response.status_code", res.StatusCode))
		if res.StatusCode >= http.StatusBadRequest {
			span.Fail(strconv.Itoa(res.StatusCode))
		}
	}
	return res, err
}

// failure names why there is no answer.
func failure(err error) string {
	var timeout interface{ Timeout() bool }
	switch {
	case errors.Is(err, context.Canceled):
		return "cancelled"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "timeout"
	}
	return "no_answer"
}

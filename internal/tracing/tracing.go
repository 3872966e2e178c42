// Package tracing adds what the service does to the trace of a request. Which provider
// makes spans, the span of the request says, so that nothing is global, and a request that
// is not traced costs a look at its context. Traces are sent by package otlp below.
//
// No span has an argument of a statement, a URL's path or query, or anything else that
// says who a person is.
package tracing

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// Scope names what makes the spans.
const Scope = "github.com/latchkey/latchkey"

// Attribute is something that a span says.
type Attribute = attribute.KeyValue

// String returns an attribute.
func String(key, value string) Attribute { return attribute.String(key, value) }

// Int returns an attribute.
func Int(key string, value int) Attribute { return attribute.Int(key, value) }

// Recording reports whether the request of ctx is traced.
func Recording(ctx context.Context) bool { return trace.SpanFromContext(ctx).IsRecording() }

// Span is a part of what a request did. The zero value does nothing.
type Span struct{ span trace.Span }

// Current returns the part that ctx is of.
func Current(ctx context.Context) Span {
	if s := trace.SpanFromContext(ctx); s.IsRecording() {
		return Span{s}
	}
	return Span{}
}

// Detach returns a context that has the trace of ctx and nothing else of it: for what may
// outlive the request, whose context is used again by another.
func Detach(ctx context.Context) context.Context {
	return trace.ContextWithSpan(context.Background(), trace.SpanFromContext(ctx))
}

// Start begins a part of the request of ctx. End must be called.
func Start(ctx context.Context, name string) (context.Context, Span) {
	return start(ctx, name, trace.SpanKindInternal)
}

func start(ctx context.Context, name string, kind trace.SpanKind, options ...trace.SpanStartOption) (context.Context, Span) {
	parent := trace.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return ctx, Span{}
	}
	ctx, span := parent.TracerProvider().Tracer(Scope).Start(ctx, name, append(options, trace.WithSpanKind(kind))...)
	return ctx, Span{span}
}

// Recording reports whether the span is kept.
func (s Span) Recording() bool { return s.span != nil && s.span.IsRecording() }

// Set adds attributes.
func (s Span) Set(attributes ...Attribute) {
	if s.span != nil {
		s.span.SetAttributes(attributes...)
	}
}

// Fail says that the part failed. kind is of few values; it is no text of an error,
// which may say too much.
func (s Span) Fail(kind string) {
	if s.span != nil {
		s.span.SetAttributes(attribute.String("error.type", kind))
		s.span.SetStatus(codes.Error, "")
	}
}

// End ends the part.
func (s Span) End() {
	if s.span != nil {
		s.span.End()
	}
}

// IDs returns the ids of the trace and the span of ctx, "" where there is none.
func IDs(ctx context.Context) (traceID, spanID string) {
	c := trace.SpanContextFromContext(ctx)
	if !c.IsValid() {
		return "", ""
	}
	return c.TraceID().String(), c.SpanID().String()
}

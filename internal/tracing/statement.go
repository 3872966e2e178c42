package tracing

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// Statement is one that a database ran. Attributes are those of the semantic conventions
// for databases (https://opentelemetry.io/docs/specs/semconv/db/).
type Statement struct {
	System     string // postgresql or sqlite
	Text       string // values in it are left out, see Scrub
	Began, End time.Time
	Failed     string // what failed, such as an SQLSTATE; "" for nothing
}

// Record adds a statement that has ended to the trace of ctx, if there is one.
func (s Statement) Record(ctx context.Context) {
	parent := trace.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return
	}
	text := Scrub(s.Text)
	_, span := parent.TracerProvider().Tracer(Scope).Start(ctx, Summary(text), trace.WithSpanKind(trace.SpanKindClient), trace.WithTimestamp(s.Began),
		trace.WithAttributes(attribute.String("db.system.name", s.System), attribute.String("db.query.text", text)))
	if s.Failed != "" {
		span.SetAttributes(attribute.String("error.type", s.Failed))
		span.SetStatus(codes.Error, "")
	}
	span.End(trace.WithTimestamp(s.End))
}

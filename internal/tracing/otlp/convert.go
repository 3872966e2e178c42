package otlp

import (
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	common "go.opentelemetry.io/proto/slim/otlp/common/v1"
	resource "go.opentelemetry.io/proto/slim/otlp/resource/v1"
	pb "go.opentelemetry.io/proto/slim/otlp/trace/v1"
)

// resourceSpans are spans as OTLP has them. All are of one resource and one scope: they
// come from one provider, and package tracing makes them.
func resourceSpans(spans []sdktrace.ReadOnlySpan) []*pb.ResourceSpans {
	if len(spans) == 0 {
		return nil
	}
	out := make([]*pb.Span, len(spans))
	for i, s := range spans {
		out[i] = span(s)
	}
	first := spans[0]
	return []*pb.ResourceSpans{{
		Resource:   &resource.Resource{Attributes: attributes(first.Resource().Attributes())},
		SchemaUrl:  first.Resource().SchemaURL(),
		ScopeSpans: []*pb.ScopeSpans{{Scope: &common.InstrumentationScope{Name: first.InstrumentationScope().Name}, Spans: out}},
	}}
}

func span(s sdktrace.ReadOnlySpan) *pb.Span {
	c, traceID, spanID := s.SpanContext(), s.SpanContext().TraceID(), s.SpanContext().SpanID()
	out := &pb.Span{
		TraceId: traceID[:], SpanId: spanID[:], TraceState: c.TraceState().String(), Flags: uint32(c.TraceFlags()),
		Name: s.Name(), Kind: kinds[s.SpanKind()],
		StartTimeUnixNano: uint64(s.StartTime().UnixNano()), EndTimeUnixNano: uint64(s.EndTime().UnixNano()),
		Attributes:             attributes(s.Attributes()),
		DroppedAttributesCount: uint32(s.DroppedAttributes()), //nolint:gosec // a count
	}
	if parent := s.Parent(); parent.SpanID().IsValid() {
		id := parent.SpanID()
		out.ParentSpanId = id[:]
		out.Flags |= uint32(pb.SpanFlags_SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK)
		if parent.IsRemote() {
			out.Flags |= uint32(pb.SpanFlags_SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK)
		}
	}
	if s.Status().Code == codes.Error {
		out.Status = &pb.Status{Code: pb.Status_STATUS_CODE_ERROR}
	}
	return out
}

var kinds = map[trace.SpanKind]pb.Span_SpanKind{
	trace.SpanKindInternal: pb.Span_SPAN_KIND_INTERNAL, trace.SpanKindServer: pb.Span_SPAN_KIND_SERVER, trace.SpanKindClient: pb.Span_SPAN_KIND_CLIENT,
}

// attributes are texts, numbers and truth values; there are no others.
func attributes(all []attribute.KeyValue) []*common.KeyValue {
	out := make([]*common.KeyValue, len(all))
	for i, a := range all {
		v := &common.AnyValue{}
		switch a.Value.Type() {
		case attribute.BOOL:
			v.Value = &common.AnyValue_BoolValue{BoolValue: a.Value.AsBool()}
		case attribute.INT64:
			v.Value = &common.AnyValue_IntValue{IntValue: a.Value.AsInt64()}
		case attribute.FLOAT64:
			v.Value = &common.AnyValue_DoubleValue{DoubleValue: a.Value.AsFloat64()}
		default:
			v.Value = &common.AnyValue_StringValue{StringValue: a.Value.String()}
		}
		out[i] = &common.KeyValue{Key: string(a.Key), Value: v}
	}
	return out
}

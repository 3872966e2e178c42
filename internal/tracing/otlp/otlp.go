// Package otlp sends traces by OTLP over HTTP, as the standard variables of OpenTelemetry
// say. The exporter that comes with the SDK links gRPC, which is larger than all of this.
package otlp

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/latchkey/latchkey/internal/tracing"
)

// Traces are the traces of a process.
type Traces struct {
	provider *sdktrace.TracerProvider
	// Endpoint is where they are sent, without what may be a secret.
	Endpoint string
}

// FromEnvironment returns the traces that variables such as OTEL_EXPORTER_OTLP_ENDPOINT
// turn on; nil without one, which makes no spans. The error names the variable that is
// wrong. Close must be called.
func FromEnvironment(getenv func(string) string, version string, log *slog.Logger) (*Traces, error) {
	s, err := read(getenv)
	if s == nil || err != nil {
		return nil, err
	}
	return newTraces(&exporter{settings: *s, log: log, sleep: sleep}, version)
}

func newTraces(e *exporter, version string) (*Traces, error) {
	// OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES go before.
	described, err := resource.New(context.Background(),
		resource.WithAttributes(attribute.String("service.name", "latchkey"), attribute.String("service.version", version)),
		resource.WithTelemetrySDK(), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	return &Traces{
		provider: sdktrace.NewTracerProvider(sdktrace.WithBatcher(e), sdktrace.WithResource(described)),
		Endpoint: e.endpoint(),
	}, nil
}

// Check returns where the variables have traces sent, "" for nowhere, and whether they are
// taken there. It sends none.
func Check(ctx context.Context, getenv func(string) string) (endpoint string, err error) {
	s, err := read(getenv)
	if s == nil || err != nil {
		return "", err
	}
	e := &exporter{settings: *s}
	_, err = e.post(ctx, nil) // a message without fields
	return e.endpoint(), err
}

// Tracer makes spans; nil for nil traces.
func (t *Traces) Tracer() trace.Tracer {
	if t == nil {
		return nil
	}
	return t.provider.Tracer(tracing.Scope)
}

// Flush sends what has ended so far.
func (t *Traces) Flush(ctx context.Context) error { return t.provider.ForceFlush(ctx) }

// Close sends what has not been sent yet, until ctx ends.
func (t *Traces) Close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	return t.provider.Shutdown(ctx)
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

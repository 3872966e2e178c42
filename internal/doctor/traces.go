package doctor

import (
	"context"
	"errors"

	"github.com/latchkey/latchkey/internal/tracing/otlp"
)

// traces checks that the receiver of traces takes them, if there is one.
func (e *examination) traces(ctx context.Context) []Result {
	const name = "traces"
	if e.Traces == nil {
		return nil
	}
	endpoint, err := e.Traces(ctx)
	if wrong, ok := errors.AsType[*otlp.Wrong](err); ok {
		return []Result{{name, Fail, wrong.Error(), "correct the variable, or unset it"}}
	}
	switch {
	case err != nil:
		return []Result{{name, Warn, endpoint + " does not take traces: " + err.Error(), "start the collector, or correct OTEL_EXPORTER_OTLP_ENDPOINT; until then traces are lost"}}
	case endpoint != "":
		return []Result{ok(name, "%s takes traces", endpoint)}
	}
	return nil
}

// Package logging sets up the log: one line for each record. Untrusted text in a
// value cannot leave that value.
package logging

import (
	"context"
	"io"
	"log/slog"
	"slices"

	"github.com/latchkey/latchkey/internal/config"
	"github.com/latchkey/latchkey/internal/tracing"
)

// New returns a logger that writes to w. Secrets are redacted by their type, see
// [config.Secret]. Line breaks, terminal escapes and characters that change the
// direction of text are escaped in messages, keys and values of both formats.
func New(w io.Writer, format config.LogFormat, level slog.Leveler) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	if format == config.LogText {
		return slog.New(lines{slog.NewTextHandler(w, options)}) // quotes what is not printable
	}
	return slog.New(lines{slog.NewJSONHandler(printable{w}, options)})
}

// lines writes times in UTC, so that the lines of replicas in different time zones sort;
// durations in milliseconds, under a key that says so; and the ids of the trace that a
// line belongs to. A ReplaceAttr would be called for every attribute.
type lines struct{ slog.Handler }

func (h lines) Handle(ctx context.Context, r slog.Record) error {
	r.Time = r.Time.UTC()
	if hasDuration(r) {
		r = inMilliseconds(r)
	}
	if traceID, spanID := tracing.IDs(ctx); traceID != "" {
		r = r.Clone()
		r.AddAttrs(slog.String("trace_id", traceID), slog.String("span_id", spanID))
	}
	return h.Handler.Handle(ctx, r)
}

func (h lines) WithAttrs(attrs []slog.Attr) slog.Handler {
	attrs = slices.Clone(attrs)
	for i, a := range attrs {
		attrs[i] = withUnit(a)
	}
	return lines{h.Handler.WithAttrs(attrs)}
}

func (h lines) WithGroup(name string) slog.Handler { return lines{h.Handler.WithGroup(name)} }

func hasDuration(r slog.Record) bool {
	found := false
	r.Attrs(func(a slog.Attr) bool {
		found = a.Value.Kind() == slog.KindDuration
		return !found
	})
	return found
}

// withUnit is the attribute, with duration_ms in place of duration, to the microsecond.
func withUnit(a slog.Attr) slog.Attr {
	if a.Value.Kind() != slog.KindDuration {
		return a
	}
	return slog.Float64(a.Key+"_ms", float64(a.Value.Duration().Microseconds())/1000)
}

func inMilliseconds(r slog.Record) slog.Record {
	out := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	r.Attrs(func(a slog.Attr) bool {
		out.AddAttrs(withUnit(a))
		return true
	})
	return out
}

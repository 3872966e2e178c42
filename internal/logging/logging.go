// Package logging sets up the log: one line for each record. Untrusted text in a
// value cannot leave that value.
package logging

import (
	"context"
	"io"
	"log/slog"

	"github.com/latchkey/latchkey/internal/config"
)

// New returns a logger that writes to w. Secrets are redacted by their type, see
// [config.Secret]. Line breaks, terminal escapes and characters that change the
// direction of text are escaped in messages, keys and values of both formats.
func New(w io.Writer, format config.LogFormat, level slog.Leveler) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	if format == config.LogText {
		return slog.New(inUTC{slog.NewTextHandler(w, options)}) // quotes what is not printable
	}
	return slog.New(inUTC{slog.NewJSONHandler(printable{w}, options)})
}

// inUTC writes times in UTC, so that the lines of replicas in different time zones
// sort. A ReplaceAttr would be called for every attribute.
type inUTC struct{ slog.Handler }

func (h inUTC) Handle(ctx context.Context, r slog.Record) error {
	r.Time = r.Time.UTC()
	return h.Handler.Handle(ctx, r)
}

func (h inUTC) WithAttrs(attrs []slog.Attr) slog.Handler { return inUTC{h.Handler.WithAttrs(attrs)} }

func (h inUTC) WithGroup(name string) slog.Handler { return inUTC{h.Handler.WithGroup(name)} }

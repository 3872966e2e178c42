// Package logging sets up the log: one line for each record, in which whatever a
// stranger put into a value stays inside that value.
package logging

import (
	"io"
	"log/slog"
	"time"

	"github.com/latchkey/latchkey/internal/config"
)

// New returns a logger that writes to w. Secrets are kept out by their type, see
// [config.Secret]; line breaks, terminal escapes and characters that turn the
// direction of text are escaped, in messages, keys and values of both formats.
func New(w io.Writer, format config.LogFormat, level slog.Leveler) *slog.Logger {
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: inUTC}
	if format == config.LogText {
		return slog.New(slog.NewTextHandler(w, options)) // quotes what is not printable
	}
	return slog.New(slog.NewJSONHandler(printable{w}, options))
}

// inUTC makes lines of replicas in different time zones sort.
func inUTC(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.TimeKey && a.Value.Kind() == slog.KindTime {
		return slog.String(slog.TimeKey, a.Value.Time().UTC().Format(time.RFC3339Nano))
	}
	return a
}

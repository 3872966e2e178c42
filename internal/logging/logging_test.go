package logging_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/latchkey/latchkey/internal/config"
	"github.com/latchkey/latchkey/internal/logging"
)

var formats = []config.LogFormat{config.LogJSON, config.LogText}

// hostile is what comes from outside: a forged line, terminal escapes in both
// their forms, DEL, a right-to-left override, a tag character, no UTF-8.
const hostile = "a\r\nlevel=ERROR msg=forged\x1b[2J\x1b]0;title\x07\u009b31m\x7f\u202eb\U000e0041\x00\u2028\xff"

type nested struct {
	Name string
	Key  config.Secret
}

func TestNothingEscapesItsLine(t *testing.T) {
	for _, format := range formats {
		var out bytes.Buffer
		log := logging.New(&out, format, slog.LevelInfo)
		log.Info(hostile, "value", hostile, hostile, "as a key", "error", errors.New(hostile), "bytes", []byte(hostile),
			slog.Group("group", "inner", hostile), "struct", nested{Name: hostile}, "map", map[string]string{hostile: hostile})
		log.With("request", hostile).WithGroup(hostile).Warn("second", "x", hostile)
		lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
		if len(lines) != 2 {
			t.Errorf("%s: 2 records are %d lines", format, len(lines))
		}
		for _, r := range strings.Join(lines, "") {
			if !unicode.IsPrint(r) && r != '\ufffd' {
				t.Errorf("%s: %U is in the log unescaped", format, r)
			}
		}
	}
}

// TestEscapesMeanTheSame: what is escaped for the terminal can be searched for.
func TestEscapesMeanTheSame(t *testing.T) {
	const value = "\u009b31m \x7f \u202e \U000e0041 Zoë 名 \\u009b \r\n\x1b"
	var out bytes.Buffer
	logging.New(&out, config.LogJSON, slog.LevelInfo).Info("x", "value", value)
	var record struct{ Time, Value string }
	if err := json.Unmarshal(out.Bytes(), &record); err != nil || record.Value != value {
		t.Errorf("%v: read back as %q, want %q", err, record.Value, value)
	}
	if !strings.Contains(out.String(), "Zoë 名") {
		t.Errorf("%s: printable text should stay readable", &out)
	}
	if !strings.HasSuffix(record.Time, "Z") {
		t.Errorf("time %q is not UTC", record.Time)
	}
}

func TestSecretsAreRedacted(t *testing.T) {
	for _, format := range formats {
		var out bytes.Buffer
		logging.New(&out, format, slog.LevelInfo).Info("x", "secret", config.Secret("hunter2"),
			"struct", nested{Key: "hunter2"}, "pointer", &nested{Key: "hunter2"}, "list", []config.Secret{"hunter2"},
			"url", config.SecretURL("postgres://u:hunter2@h/db"))
		if s := out.String(); strings.Contains(s, "hunter2") || !strings.Contains(s, "[redacted]") {
			t.Errorf("%s: %s", format, s)
		}
	}
}

func TestLevel(t *testing.T) {
	var out bytes.Buffer
	log := logging.New(&out, config.LogText, config.LogLevel(slog.LevelWarn))
	log.Info("quiet")
	log.Warn("loud")
	if s := out.String(); strings.Contains(s, "quiet") || !strings.Contains(s, "msg=loud") {
		t.Error(s)
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("full") }

func TestWriteErrorIsTold(t *testing.T) {
	handler := logging.New(failing{}, config.LogJSON, slog.LevelInfo).Handler()
	record := slog.Record{Message: "\u009b"}
	if err := handler.Handle(t.Context(), record); err == nil {
		t.Error("a line that was not written counts as written")
	}
}

// Numbers of time say what they are in, whatever their key.
func TestDurationsHaveAUnit(t *testing.T) {
	t.Parallel()
	for _, format := range []config.LogFormat{config.LogJSON, config.LogText} {
		var out strings.Builder
		logging.New(&out, format, slog.LevelInfo).With("of", time.Second).Info("done", "took", 1500*time.Microsecond, "n", 1)
		got := out.String()
		if !strings.Contains(got, "took_ms") || !strings.Contains(got, "1.5") || strings.Contains(got, "1500000") || strings.Contains(got, "1.5ms") || strings.Contains(got, "1000000000") {
			t.Errorf("%s: %s", format, got)
		}
	}
}

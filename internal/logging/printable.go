package logging

import (
	"bytes"
	"fmt"
	"io"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// printable escapes characters that are valid in a JSON string but affect a
// terminal: DEL, the C1 controls (U+009B begins an escape sequence, as ESC [ does)
// and invisible characters, such as those that change the direction of text. In
// JSON they occur within strings only, where \u means the same, so the whole line
// can be rewritten.
type printable struct{ w io.Writer }

// Write implements io.Writer. slog writes each record with one call.
func (p printable) Write(line []byte) (int, error) {
	if bytes.IndexFunc(line, acts) < 0 {
		return p.w.Write(line)
	}
	out := make([]byte, 0, len(line)+32)
	for rest := line; len(rest) > 0; {
		r, size := utf8.DecodeRune(rest)
		switch {
		case !acts(r):
			out = append(out, rest[:size]...)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		rest = rest[size:]
	}
	if _, err := p.w.Write(out); err != nil {
		return 0, err
	}
	return len(line), nil
}

// acts ignores ASCII controls, which the encoder has escaped. Only the newline at
// the end of the line is left.
func acts(r rune) bool { return r >= 0x7f && !unicode.IsPrint(r) }

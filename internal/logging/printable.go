package logging

import (
	"bytes"
	"fmt"
	"io"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// printable escapes what is valid in a JSON string but acts on the terminal that
// shows it: DEL, the C1 controls (U+009B is an escape sequence's beginning as
// much as ESC [ is) and invisible characters, such as those that turn the
// direction of text. In JSON they occur within strings only, where \u says the
// same, so the line can be rewritten as a whole and means what it meant.
type printable struct{ w io.Writer }

// Write implements io.Writer. slog writes a record by one call.
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

// acts leaves ASCII controls to the encoder, which escaped them; the one left is
// the newline at the end of the line.
func acts(r rune) bool { return r >= 0x7f && !unicode.IsPrint(r) }

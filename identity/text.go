package identity

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// IsLine reports whether s can be shown to other people as one line of at most
// limit characters: no control characters, and none that turn the direction of
// the text around it (Unicode TR9), by which a name could rewrite its neighbours.
func IsLine(s string, limit int) bool {
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= limit && !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029'
	})
}

// OneLine makes text from outside one that IsLine accepts: white space becomes
// single spaces, what cannot be shown goes, and what is too long is cut.
func OneLine(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), r == utf8.RuneError, unicode.Is(unicode.Bidi_Control, r), r == '\ufeff':
			return -1
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if runes := []rune(s); len(runes) > limit {
		s = strings.TrimSpace(string(runes[:limit]))
	}
	return s
}

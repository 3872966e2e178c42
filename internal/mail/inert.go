package mail

import (
	"strings"
	"unicode"

	"github.com/latchkey/latchkey/identity"
)

// maxInert is long enough for a name, and too short for advertising.
const maxInert = 60

// inert returns untrusted text for a mail to a person who may not know its
// author: one line in which mail programs find nothing to turn into a link. They
// do so with `https://`, with `example.com` in any script's full stop (UTS 46) and
// with addresses, so punctuation is removed, except marks that no link has.
func inert(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsLetter(r), unicode.IsMark(r), unicode.IsDigit(r), unicode.Is(unicode.So, r), strings.ContainsRune("-'’&,()!", r):
			return r
		}
		return ' '
	}, s)
	return identity.OneLine(s, maxInert)
}

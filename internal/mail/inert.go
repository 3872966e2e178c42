package mail

import (
	"strings"
	"unicode"

	"github.com/latchkey/latchkey/identity"
)

// maxInert is enough for a name, and too little to sell something in.
const maxInert = 60

// inert is what a stranger wrote, for a letter to somebody who does not know
// them: one line in which no mail program finds anything to follow. They make
// links of `https://`, of `example.com` in any script's full stop (UTS 46) and
// of addresses, so marks between words go, but for a few that no link has.
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

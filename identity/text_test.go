package identity_test

import (
	"strings"
	"testing"

	"github.com/latchkey/latchkey/identity"
)

func TestIsLine(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]bool{
		"": true, "Ada Lovelace": true, "عدا": true, "👩‍💻": true, strings.Repeat("é", 100): true, strings.Repeat("é", 101): false,
		"a\nb": false, "a\x00": false, "a\u202eb": false, "a\u2066b": false, "a\u200fb": false, "a\u2028b": false, "a\xff": false, "a\u0085": false,
	} {
		if identity.IsLine(s, 100) != want {
			t.Errorf("IsLine(%q) is not %v", s, want)
		}
	}
}

func TestOneLine(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"  Ada \n\t Lovelace ", "Ada Lovelace"},
		{"a\u202eb\u2066c", "abc"},
		{"a\x00b\xffc", "abc"},
		{strings.Repeat("é", 120), strings.Repeat("é", 100)},
		{strings.Repeat("x", 99) + " y", strings.Repeat("x", 99)},
	} {
		got := identity.OneLine(c.in, 100)
		if got != c.want || !identity.IsLine(got, 100) {
			t.Errorf("OneLine(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

package identity_test

import (
	"testing"

	"github.com/latchkey/latchkey/identity"
)

func TestPreferredLanguage(t *testing.T) {
	t.Parallel()
	for accept, want := range map[string]identity.Language{
		"": identity.English, "fr": identity.English, "de": identity.German, "DE-at;q=0.9, en": identity.German,
		"fr-FR, de;q=0.5": identity.German, "en-GB,de": identity.English, ";;,,*": identity.English, "deutsch": identity.English,
	} {
		if got := identity.PreferredLanguage(accept); got != want {
			t.Errorf("%q: %q, want %q", accept, got, want)
		}
	}
}

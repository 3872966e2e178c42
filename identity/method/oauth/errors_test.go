package oauth_test

import (
	"strings"
	"testing"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/method/oauth"
)

func TestAuthorizationError(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]identity.Code{
		"access_denied":           identity.CodeAccessDenied,
		"consent_required":        identity.CodeAccessDenied,
		"temporarily_unavailable": identity.CodeProviderUnavailable,
		"server_error":            identity.CodeProviderUnavailable,
		"invalid_scope":           identity.CodeProviderFailed,
		"":                        identity.CodeProviderFailed,
		"<script>":                identity.CodeProviderFailed,
	} {
		err := oauth.AuthorizationError("google", code)
		if err.Code != want || strings.Contains(err.Error(), "<") {
			t.Errorf("%q: got %v, want %s", code, err, want)
		}
	}
}

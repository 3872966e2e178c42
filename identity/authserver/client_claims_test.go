package authserver //nolint:testpackage // what is added to tokens is no part of its API

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/client"
)

// A client gets what it lists, as far as its scopes go, and never more than 1 KB.
func TestClientClaims(t *testing.T) {
	t.Parallel()
	all := client.Words{client.ClaimEmail, client.ClaimName, client.ClaimOnboarded, "app_metadata.plan", "app_metadata.role", "app_metadata.missing"}
	ada := identity.User{PrimaryEmail: new("ada@gmail.com"), DisplayName: "Ada", AppMetadata: identity.Metadata{"plan": "pro", "role": []string{"x"}, "secret": "s"}.Raw()}
	long := identity.User{AppMetadata: identity.Metadata{"plan": strings.Repeat("x", 990), "role": strings.Repeat("y", 100), "s": 1}.Raw(), OnboardedAt: new(time.Now())}
	named := identity.User{DisplayName: strings.Repeat("<", 200), AppMetadata: long.AppMetadata}
	for name, c := range map[string]struct {
		claims client.Words
		user   identity.User
		scopes []string
		want   string
	}{
		"none":            {nil, ada, client.StandardScopes, `{}`},
		"all":             {all, ada, client.StandardScopes, `{"app_metadata":{"plan":"pro","role":["x"]},"email":"ada@gmail.com","name":"Ada","onboarded":false}`},
		"few scopes":      {all[:3], ada, []string{client.ScopeOpenID}, `{"onboarded":false}`},
		"only the email":  {all, identity.User{PrimaryEmail: ada.PrimaryEmail}, []string{client.ScopeEmail}, `{"email":"ada@gmail.com","onboarded":false}`},
		"nothing known":   {all, identity.User{}, client.StandardScopes, `{"onboarded":false}`},
		"too long by one": {client.Words{"onboarded", "app_metadata.plan", "app_metadata.role", "app_metadata.s"}, long, nil, `{"app_metadata":{"plan":"` + strings.Repeat("x", 990) + `","s":1},"onboarded":true}`},
		// People write their names; those take no place of what the application wrote.
		"a long name": {client.Words{"name", "app_metadata.plan"}, named, client.StandardScopes, `{"app_metadata":{"plan":"` + strings.Repeat("x", 990) + `"}}`},
	} {
		got, err := json.Marshal(claimsFor(client.Client{Claims: c.claims}, c.user, c.scopes))
		if err != nil || string(got) != c.want {
			t.Errorf("%s: %s, want %s (%v)", name, got, c.want, err)
		}
	}
}

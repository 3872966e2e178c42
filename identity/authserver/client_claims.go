package authserver

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/client"
)

// maxClientClaims bounds the claims of a client, in bytes of JSON. A token with as much
// from a hook besides can still be read.
const maxClientClaims = 1 << 10

// clientClaims are what the claim app of a client's tokens says of a principal's user.
func (s *Service) clientClaims(ctx context.Context, c client.Client, u identity.User, scopes []string) (map[string]any, error) {
	if slices.ContainsFunc(c.Claims, func(name string) bool { return strings.HasPrefix(name, client.ClaimOfApp) }) {
		whole, err := s.store.User(ctx, u.ID)
		if err != nil {
			return nil, err
		}
		u.AppMetadata = whole.AppMetadata
	}
	return claimsFor(c, u, scopes), nil
}

// claimsFor are what the claim app of a client's tokens says of a person: what the
// client lists, as far as the scopes let it know. A member of application metadata keeps
// its place, so that none is taken for a claim of ours. Together they have at most 1 KB:
// what does not fit is left out. What people write themselves comes last, so that it takes
// no place of what the application wrote.
func claimsFor(c client.Client, u identity.User, scopes []string) map[string]any {
	app, members := map[string]any{}, map[string]any{}
	size := 0
	add := func(to map[string]any, name string, value any) {
		text, err := json.Marshal(value)
		if n := size + len(name) + len(text); err == nil && n <= maxClientClaims {
			to[name], size = value, n
		}
	}
	var written identity.Metadata
	for _, name := range c.Claims {
		switch {
		case name == client.ClaimOnboarded:
			add(app, name, u.OnboardedAt != nil)
		case strings.HasPrefix(name, client.ClaimOfApp):
			if written == nil {
				written = u.AppMetadata.Map()
			}
			member := strings.TrimPrefix(name, client.ClaimOfApp)
			if value, ok := written[member]; ok {
				add(members, member, value)
			}
		}
	}
	if c.HasClaim(client.ClaimEmail) && u.PrimaryEmail != nil && slices.Contains(scopes, client.ScopeEmail) {
		add(app, client.ClaimEmail, *u.PrimaryEmail)
	}
	if c.HasClaim(client.ClaimName) && u.DisplayName != "" && slices.Contains(scopes, client.ScopeProfile) {
		add(app, client.ClaimName, u.DisplayName)
	}
	if len(members) > 0 {
		app["app_metadata"] = members
	}
	return app
}

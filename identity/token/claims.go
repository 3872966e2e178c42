package token

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
)

// ClaimSource is asked what the application says in a token, each time that one is
// signed, and outside of transactions.
type ClaimSource interface {
	// AppClaims returns the JSON object of the claim app, nil for none. An error
	// means that no token is to be signed.
	AppClaims(ctx context.Context, q ClaimQuestion) (json.RawMessage, error)
}

// ClaimQuestion is the token that is about to be signed.
type ClaimQuestion struct {
	User      identity.User
	ClientID  string
	Audience  string
	SessionID identity.ID
	AMR       []string
	TeamID    *identity.ID // nil for a token of no team
	Role      team.Role
}

// appClaims returns the claim app of a token for a principal: what the client always
// has, and what the application says, which counts where both have a name.
func (s *Service) appClaims(ctx context.Context, p session.Principal, c Client, always map[string]any) (json.RawMessage, error) {
	said, err := s.askApp(ctx, p, c)
	if err != nil || len(always) == 0 {
		return said, err
	}
	all := maps.Clone(always)
	if said != nil {
		var named map[string]any
		if err := json.Unmarshal(said, &named); err != nil {
			return nil, fmt.Errorf("the claims of the application: %w", err)
		}
		maps.Copy(all, named)
	}
	return json.Marshal(all)
}

func (s *Service) askApp(ctx context.Context, p session.Principal, c Client) (json.RawMessage, error) {
	if s.source == nil {
		return nil, nil
	}
	q := ClaimQuestion{User: p.User, ClientID: c.ID, Audience: c.Audience, SessionID: p.Session.ID, AMR: p.Session.Methods.AMR()}
	if p.Team != nil {
		q.TeamID, q.Role = &p.Team.TeamID, p.Team.Role
	}
	return s.source.AppClaims(ctx, q)
}

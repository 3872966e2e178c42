package api

import (
	"context"
	"time"

	"github.com/latchkey/latchkey/api/contract"
	"github.com/latchkey/latchkey/identity/apikey"
	"github.com/latchkey/latchkey/identity/team"
)

// ListTeamAPIKeys lists the team's keys, to those who manage it.
func (s *Server) ListTeamAPIKeys(ctx context.Context, r contract.ListTeamAPIKeysRequestObject) (contract.ListTeamAPIKeysResponseObject, error) {
	p, err := page(r.Params.Limit, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	rows, next, err := s.APIKeys.ListInTeam(ctx, s.actor(ctx), r.Team, p)
	return contract.ListTeamAPIKeys200JSONResponse{
		Data:       each(rows, func(k apikey.Key) contract.TeamAPIKey { return teamAPIKeyOf(k, s.Now()) }),
		NextCursor: nextCursor(next),
	}, err
}

// CreateTeamAPIKey makes a key, whose text only this answer has.
func (s *Server) CreateTeamAPIKey(ctx context.Context, r contract.CreateTeamAPIKeyRequestObject) (contract.CreateTeamAPIKeyResponseObject, error) {
	k, raw, err := s.APIKeys.CreateInTeam(ctx, s.actor(ctx), r.Team, apikey.NewMachine{
		Name: r.Body.Name, Role: team.Role(r.Body.Role),
		Lifetime: time.Duration(value(r.Body.ExpiresInDays)) * 24 * time.Hour,
	})
	if err != nil {
		return nil, err
	}
	return contract.CreateTeamAPIKey201JSONResponse{Key: teamAPIKeyOf(k, s.Now()), Secret: raw}, nil
}

// RotateTeamAPIKey makes a key's successor.
func (s *Server) RotateTeamAPIKey(ctx context.Context, r contract.RotateTeamAPIKeyRequestObject) (contract.RotateTeamAPIKeyResponseObject, error) {
	overlap := apikey.DefaultOverlap
	if r.Body != nil {
		overlap = overlapOf(r.Body.OverlapSeconds)
	}
	k, raw, err := s.APIKeys.RotateInTeam(ctx, s.actor(ctx), r.Team, r.Key, overlap)
	if err != nil {
		return nil, err
	}
	return contract.RotateTeamAPIKey201JSONResponse{Key: teamAPIKeyOf(k, s.Now()), Secret: raw}, nil
}

// RevokeTeamAPIKey ends a key.
func (s *Server) RevokeTeamAPIKey(ctx context.Context, r contract.RevokeTeamAPIKeyRequestObject) (contract.RevokeTeamAPIKeyResponseObject, error) {
	return contract.RevokeTeamAPIKey204Response{}, s.APIKeys.RevokeInTeam(ctx, s.actor(ctx), r.Team, r.Key)
}

func teamAPIKeyOf(k apikey.Key, now time.Time) contract.TeamAPIKey {
	return contract.TeamAPIKey{
		Id: k.ID, Prefix: "lk_" + k.Prefix, Name: k.Name, Role: contract.TeamAPIKeyRole(*k.Role), Status: statusOf(k, now),
		CreatedBy: k.CreatedBy, CreatedAt: k.CreatedAt, ExpiresAt: k.ExpiresAt, LastUsedAt: k.LastUsedAt,
		RevokedAt: k.RevokedAt, ReplacedBy: k.ReplacedBy,
	}
}

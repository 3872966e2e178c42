package api

import (
	"context"
	"time"

	"github.com/latchkey/latchkey/api/contract"
	"github.com/latchkey/latchkey/identity/apikey"
	"github.com/latchkey/latchkey/identity/session"
)

// AdminListAPIKeys lists the deployment's keys, to operators.
func (s *Server) AdminListAPIKeys(ctx context.Context, r contract.AdminListAPIKeysRequestObject) (contract.AdminListAPIKeysResponseObject, error) {
	p, err := page(r.Params.Limit, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	rows, next, err := s.APIKeys.List(ctx, p)
	return contract.AdminListAPIKeys200JSONResponse{
		Data:       each(rows, func(k apikey.Key) contract.APIKey { return apiKeyOf(k, s.Now()) }),
		NextCursor: nextCursor(next),
	}, err
}

// AdminCreateAPIKey makes a key, whose text only this answer has.
func (s *Server) AdminCreateAPIKey(ctx context.Context, r contract.AdminCreateAPIKeyRequestObject) (contract.AdminCreateAPIKeyResponseObject, error) {
	actor := s.actor(ctx)
	k, raw, err := s.APIKeys.Create(ctx, &actor, apikey.New{
		Name: r.Body.Name, Scopes: each(r.Body.Scopes, func(s contract.APIKeyScope) apikey.Scope { return apikey.Scope(s) }),
		Lifetime: time.Duration(value(r.Body.ExpiresInDays)) * 24 * time.Hour,
		Proves:   value(r.Body.Proves), EmailDomains: value(r.Body.EmailDomains),
	})
	return contract.AdminCreateAPIKey201JSONResponse{Key: apiKeyOf(k, s.Now()), Secret: raw}, err
}

// AdminRotateAPIKey makes a key's successor.
func (s *Server) AdminRotateAPIKey(ctx context.Context, r contract.AdminRotateAPIKeyRequestObject) (contract.AdminRotateAPIKeyResponseObject, error) {
	overlap := apikey.DefaultOverlap
	if r.Body != nil {
		overlap = overlapOf(r.Body.OverlapSeconds)
	}
	actor := s.actor(ctx)
	k, raw, err := s.APIKeys.Rotate(ctx, &actor, r.Key, overlap)
	return contract.AdminRotateAPIKey201JSONResponse{Key: apiKeyOf(k, s.Now()), Secret: raw}, err
}

// AdminRevokeAPIKey ends a key, and then the sessions that it vouched for.
func (s *Server) AdminRevokeAPIKey(ctx context.Context, r contract.AdminRevokeAPIKeyRequestObject) (contract.AdminRevokeAPIKeyResponseObject, error) {
	actor := s.actor(ctx)
	err := s.APIKeys.Revoke(ctx, &actor, r.Key)
	if err == nil && value(r.Params.EndSessions) {
		_, err = s.Sessions.RevokeSessions(ctx, actor, session.Revocation{Filter: session.Filter{KeyID: &r.Key}})
	}
	return contract.AdminRevokeAPIKey204Response{}, err
}

func overlapOf(seconds *int) time.Duration {
	if seconds == nil {
		return apikey.DefaultOverlap
	}
	return time.Duration(*seconds) * time.Second
}

func statusOf(k apikey.Key, now time.Time) contract.APIKeyStatus {
	switch {
	case k.RevokedAt != nil:
		return contract.APIKeyStatusRevoked
	case !k.Works(now):
		return contract.APIKeyStatusExpired
	}
	return contract.APIKeyStatusActive
}

func apiKeyOf(k apikey.Key, now time.Time) contract.APIKey {
	out := contract.APIKey{
		Id: k.ID, Prefix: "lk_" + k.Prefix, Name: k.Name, Status: statusOf(k, now),
		Scopes:    each(k.Scopes, func(s apikey.Scope) contract.APIKeyScope { return contract.APIKeyScope(s) }),
		CreatedBy: k.CreatedBy, CreatedAt: k.CreatedAt, ExpiresAt: k.ExpiresAt, LastUsedAt: k.LastUsedAt,
		RevokedAt: k.RevokedAt, ReplacedBy: k.ReplacedBy, Proves: optional(k.Proves),
	}
	if k.Proves != "" {
		out.EmailDomains = new(append([]string{}, k.EmailDomains...))
	}
	return out
}

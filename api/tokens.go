package api

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/latchkey/latchkey/api/contract"
	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/client"
	"github.com/latchkey/latchkey/identity/token"
)

// CreateToken gives the session in hand an access token.
func (s *Server) CreateToken(ctx context.Context, r contract.CreateTokenRequestObject) (contract.CreateTokenResponseObject, error) {
	var ask token.Ask
	if r.Body != nil {
		ask = token.Ask{ClientID: value(r.Body.ClientId), TeamID: r.Body.TeamId, Offline: value(r.Body.Offline)}
	}
	g, err := s.Tokens.Issue(ctx, *requestInfoOf(ctx).principal, ask, requestInfoOf(ctx).origin)
	return contract.CreateToken200JSONResponse(grantOf(g)), err
}

func grantOf(g token.Grant) contract.TokenGrant {
	return contract.TokenGrant{AccessToken: g.AccessToken, TokenType: contract.TokenGrantTokenTypeBearer, ExpiresIn: int(g.ExpiresIn.Seconds()), RefreshToken: optional(g.RefreshToken)}
}

// RefreshToken trades a refresh token for its successor.
func (s *Server) RefreshToken(ctx context.Context, r contract.RefreshTokenRequestObject) (contract.RefreshTokenResponseObject, error) {
	if grant := value(r.Body.GrantType); grant != "" && grant != client.GrantRefresh {
		return nil, identity.NewError(identity.CodeUnsupportedGrant, "this grant type is not supported here").WithField("grant_type")
	}
	g, err := s.Tokens.Refresh(ctx, r.Body.RefreshToken, r.Body.ClientId, requestInfoOf(ctx).origin)
	return contract.RefreshToken200JSONResponse(grantOf(g)), err
}

var cacheKeys = fmt.Sprintf("public, max-age=%d", int(token.JWKSMaxAge.Seconds()))

// GetJWKS publishes the public keys.
func (s *Server) GetJWKS(ctx context.Context, _ contract.GetJWKSRequestObject) (contract.GetJWKSResponseObject, error) {
	keys, err := s.Tokens.JWKS(ctx)
	if err != nil {
		return nil, err
	}
	out := contract.GetJWKS200JSONResponse{Headers: contract.GetJWKS200ResponseHeaders{CacheControl: cacheKeys}}
	out.Body.Keys = make([]contract.JWK, len(keys))
	for i, k := range keys {
		if err := json.Unmarshal(k, &out.Body.Keys[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

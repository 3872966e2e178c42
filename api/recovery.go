package api

import (
	"context"

	"github.com/gin-gonic/gin"
)

// GetRecoveryCodes returns how many codes are left.
func (s *Server) GetRecoveryCodes(ctx context.Context, _ GetRecoveryCodesRequestObject) (GetRecoveryCodesResponseObject, error) {
	left, created, err := s.Linking.RecoveryCodes(ctx, userID(ctx))
	return GetRecoveryCodes200JSONResponse{Remaining: left, CreatedAt: created}, err
}

// CreateRecoveryCodes creates new codes, which are shown only now.
func (s *Server) CreateRecoveryCodes(ctx context.Context, _ CreateRecoveryCodesRequestObject) (CreateRecoveryCodesResponseObject, error) {
	codes, created, err := s.Linking.NewRecoveryCodes(ctx, s.actor(ctx))
	return CreateRecoveryCodes201JSONResponse{Codes: codes, CreatedAt: created}, err
}

// RedeemRecoveryCode signs in with a recovery code.
func (s *Server) RedeemRecoveryCode(ctx context.Context, r RedeemRecoveryCodeRequestObject) (RedeemRecoveryCodeResponseObject, error) {
	token := asToken(ctx, r.Body.Delivery)
	result, err := s.Linking.Recover(ctx, r.Body.Code, requestInfoOf(ctx).client, replaced(ctx, token))
	if err != nil {
		return nil, err
	}
	out := RedeemRecoveryCode200JSONResponse{
		Outcome: ProofResultOutcome(result.Outcome), User: userOf(result.User), Session: s.sessionOf(result.Session, true),
	}
	if token {
		out.Token = &result.Token
	}
	s.deliver(ctx.(*gin.Context), result, token)
	return out, nil
}

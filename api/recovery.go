package api

import (
	"context"

	"github.com/gin-gonic/gin"

	"github.com/latchkey/latchkey/api/contract"
)

// GetRecoveryCodes returns how many codes are left.
func (s *Server) GetRecoveryCodes(ctx context.Context, _ contract.GetRecoveryCodesRequestObject) (contract.GetRecoveryCodesResponseObject, error) {
	left, created, err := s.Linking.RecoveryCodes(ctx, userID(ctx))
	return contract.GetRecoveryCodes200JSONResponse{Remaining: left, CreatedAt: created}, err
}

// CreateRecoveryCodes creates new codes, which are shown only now.
func (s *Server) CreateRecoveryCodes(ctx context.Context, _ contract.CreateRecoveryCodesRequestObject) (contract.CreateRecoveryCodesResponseObject, error) {
	codes, created, err := s.Linking.NewRecoveryCodes(ctx, s.actor(ctx))
	return contract.CreateRecoveryCodes201JSONResponse{Codes: codes, CreatedAt: created}, err
}

// RedeemRecoveryCode signs in with a recovery code.
func (s *Server) RedeemRecoveryCode(ctx context.Context, r contract.RedeemRecoveryCodeRequestObject) (contract.RedeemRecoveryCodeResponseObject, error) {
	token := asToken(ctx, r.Body.Delivery)
	result, err := s.Linking.Recover(ctx, r.Body.Code, requestInfoOf(ctx).origin, replaced(ctx, token))
	if err != nil {
		return nil, err
	}
	out := contract.RedeemRecoveryCode200JSONResponse{
		Outcome: contract.ProofResultOutcome(result.Outcome), User: userOf(result.User), Session: s.sessionOf(result.Session, true),
	}
	if token {
		out.Token = &result.Token
	}
	s.deliver(ctx.(*gin.Context), result, token)
	return out, nil
}

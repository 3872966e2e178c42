package api

import (
	"context"
	"encoding/json"

	"github.com/gin-gonic/gin"

	"github.com/latchkey/latchkey/api/contract"
	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/method/solana"
)

// CreateSolanaChallenge issues a nonce bound to this browser, to the purpose, to the
// origin that asks and, for purposes that act on a user, to the session. It touches no
// table.
func (s *Server) CreateSolanaChallenge(ctx context.Context, r contract.CreateSolanaChallengeRequestObject) (contract.CreateSolanaChallengeResponseObject, error) {
	c := ctx.(*gin.Context)
	request := solana.Request{Purpose: identity.PurposeSignIn, Address: value(r.Body.Address), Network: string(value(r.Body.Network))}
	if r.Body.Purpose != nil {
		request.Purpose = identity.Purpose(*r.Body.Purpose)
	}
	flow := s.cookies.flowOrNew(c)
	challenge, err := s.Solana.Challenge(request, s.requester(c, flow))
	if err != nil {
		return nil, err
	}
	s.cookies.keepFlow(c, flow)
	out := contract.CreateSolanaChallenge200JSONResponse{Message: optional(challenge.Text), ExpiresAt: challenge.ExpiresAt}
	raw, err := json.Marshal(challenge.Input())
	if err != nil {
		return nil, err
	}
	return out, json.Unmarshal(raw, &out.Input)
}

// VerifySolana turns a signed text into a proof and applies it.
func (s *Server) VerifySolana(ctx context.Context, r contract.VerifySolanaRequestObject) (contract.VerifySolanaResponseObject, error) {
	c := ctx.(*gin.Context)
	by := s.requester(c, s.cookies.flowOf(c))
	proof, err := s.Solana.Prove(r.Body.Message, r.Body.Signature, by)
	if err != nil {
		s.Metrics.Proof(identity.ProviderSolana, string(refusal(err).Code))
		return nil, err
	}
	token := asToken(ctx, r.Body.Delivery)
	result, err := s.apply(c, proof, by, token, options(r.Body.LinkTicket, nil))
	if err != nil {
		return nil, err
	}
	return contract.VerifySolana200JSONResponse(s.proofResultOf(result, token)), nil
}

package api

import (
	"context"

	"github.com/gin-gonic/gin"

	"github.com/latchkey/latchkey/api/contract"
	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/method/wallet"
)

// CreateSiweChallenge issues a nonce bound to this browser, to the purpose, to
// the origin that asks and, for purposes that act on a user, to the session. It
// touches no table.
func (s *Server) CreateSiweChallenge(ctx context.Context, r contract.CreateSiweChallengeRequestObject) (contract.CreateSiweChallengeResponseObject, error) {
	c := ctx.(*gin.Context)
	request := wallet.Request{
		Purpose: identity.PurposeSignIn, Address: value(r.Body.Address),
		Chain: uint64(value(r.Body.ChainId)), //nolint:gosec // the specification says at least 1
	}
	if r.Body.Purpose != nil {
		request.Purpose = identity.Purpose(*r.Body.Purpose)
	}
	flow := s.cookies.flowOrNew(c)
	challenge, err := s.Wallet.Challenge(request, s.requester(c, flow))
	if err != nil {
		return nil, err
	}
	s.cookies.keepFlow(c, flow)
	out := contract.CreateSiweChallenge200JSONResponse{
		Nonce: challenge.Nonce, ExpiresAt: challenge.ExpiresAt, Domain: challenge.Domain, Uri: challenge.URI,
		ChainId: contract.ChainID(challenge.ChainID), Statement: optional(challenge.Statement), Message: optional(challenge.Text), //nolint:gosec // configured, 63 bits
	}
	if len(challenge.Resources) > 0 {
		out.Resources = &challenge.Resources
	}
	return out, nil
}

// VerifySiwe turns a signed message into a proof and applies it.
func (s *Server) VerifySiwe(ctx context.Context, r contract.VerifySiweRequestObject) (contract.VerifySiweResponseObject, error) {
	c := ctx.(*gin.Context)
	by := s.requester(c, s.cookies.flowOf(c))
	proof, err := s.Wallet.Prove(ctx, r.Body.Message, r.Body.Signature, by)
	if err != nil {
		s.Metrics.Proof(identity.ProviderSIWE, string(refusal(err).Code))
		return nil, err
	}
	token := asToken(ctx, r.Body.Delivery)
	result, err := s.apply(c, proof, by, token, options(r.Body.LinkTicket, nil))
	if err != nil {
		return nil, err
	}
	return contract.VerifySiwe200JSONResponse(s.proofResultOf(result, token)), nil
}

package api

import (
	"context"

	"github.com/gin-gonic/gin"

	"github.com/latchkey/latchkey/api/contract"
	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/method/backend"
	"github.com/latchkey/latchkey/linking"
)

// StartTicket begins a sign-in, link or step-up that the application's own backend will
// vouch for. It touches no table.
func (s *Server) StartTicket(ctx context.Context, r contract.StartTicketRequestObject) (contract.StartTicketResponseObject, error) {
	c, purpose := ctx.(*gin.Context), identity.PurposeSignIn
	if r.Body.Purpose != nil {
		purpose = identity.Purpose(*r.Body.Purpose)
	}
	browser := s.cookies.flowOrNew(c)
	flow, expires, err := s.Backend.Start(purpose, s.requester(c, browser))
	if err != nil {
		return nil, err
	}
	s.cookies.keepFlow(c, browser)
	return contract.StartTicket200JSONResponse{Flow: flow, ExpiresAt: expires}, nil
}

// CreateProof makes a ticket for a person for whom the application's backend vouches.
func (s *Server) CreateProof(ctx context.Context, r contract.CreateProofRequestObject) (contract.CreateProofResponseObject, error) {
	info := requestInfoOf(ctx)
	t, err := s.Backend.Vouch(ctx, *info.key, info.origin, backend.Statement{
		Flow: r.Body.Flow, Purpose: identity.Purpose(r.Body.Purpose), Provider: r.Body.Provider, Subject: r.Body.Subject,
		Email: value(r.Body.Email), EmailVerified: value(r.Body.EmailVerified), DisplayName: value(r.Body.DisplayName),
	})
	return contract.CreateProof201JSONResponse{Ticket: t.Text, ExpiresAt: t.ExpiresAt, EmailTrusted: t.EmailTrusted}, err
}

// VerifyTicket turns a ticket into a proof and applies it.
func (s *Server) VerifyTicket(ctx context.Context, r contract.VerifyTicketRequestObject) (contract.VerifyTicketResponseObject, error) {
	c := ctx.(*gin.Context)
	by := s.requester(c, s.cookies.flowOf(c))
	proof, err := s.Backend.Prove(ctx, r.Body.Ticket, by)
	if err != nil {
		s.Metrics.Proof(backendLabel, string(refusal(err).Code))
		return nil, err
	}
	token := asToken(ctx, r.Body.Delivery)
	result, err := s.apply(c, proof, by, token, options(r.Body.LinkTicket, r.Body.WithoutAddress))
	if err != nil {
		return nil, err
	}
	return contract.VerifyTicket200JSONResponse(s.proofResultOf(result, token)), nil
}

// proofResultOf is an applied proof, with the token if the client takes it itself.
func (s *Server) proofResultOf(result linking.Result, asToken bool) contract.ProofResult {
	out := contract.ProofResult{
		Outcome: contract.ProofResultOutcome(result.Outcome), User: userOf(result.User), Session: s.sessionOf(result.Session, true),
	}
	if asToken {
		out.Token = &result.Token
	}
	out.LinkRequest = linkRequestOf(result.Asks)
	return out
}

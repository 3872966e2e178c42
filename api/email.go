package api

import (
	"context"

	"github.com/gin-gonic/gin"

	"github.com/latchkey/latchkey/api/contract"
	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/method/email"
)

// StartEmail has a link and a code sent to an address. Nothing here depends on who
// owns it, unless that is the signed-in user.
func (s *Server) StartEmail(ctx context.Context, r contract.StartEmailRequestObject) (contract.StartEmailResponseObject, error) {
	c := ctx.(*gin.Context)
	if s.Email == nil {
		return nil, errNotConfigured()
	}
	purpose := identity.PurposeSignIn
	if r.Body.Purpose != nil {
		purpose = identity.Purpose(*r.Body.Purpose)
	}
	by := email.Requester{Requester: s.requester(c, s.cookies.flowOf(c)), Language: requestInfoOf(c).origin.Language}
	if err := by.Require(purpose); err != nil {
		return nil, err
	}
	if err := s.limitMail(c, r.Body.Email, &by); err != nil {
		return nil, err
	}
	returnTo := value(r.Body.ReturnTo)
	if returnTo != "" {
		var err error
		if returnTo, err = s.returnTo.Check(returnTo); err != nil {
			return nil, err
		}
	}
	flow := s.cookies.flowOrNew(c)
	by.Browser = identity.HashSecret(flow)
	s.cookies.keepFlow(c, flow)
	expires, err := s.Email.Start(c, r.Body.Email, purpose, returnTo, by)
	if err != nil {
		return nil, withEmailField(err)
	}
	return contract.StartEmail202JSONResponse{ExpiresAt: expires}, nil
}

// VerifyEmail turns a token or a code into a proof and applies it.
func (s *Server) VerifyEmail(ctx context.Context, r contract.VerifyEmailRequestObject) (contract.VerifyEmailResponseObject, error) {
	c := ctx.(*gin.Context)
	if s.Email == nil {
		return nil, errNotConfigured()
	}
	if (r.Body.Token == nil) == (r.Body.Code == nil) || r.Body.Token != nil && r.Body.Email != nil {
		return nil, errInvalidRequest("send either token, or code, with or without email")
	}
	by := s.requester(c, s.cookies.flowOf(c))
	proof, err := s.proveEmail(c, r.Body, email.Requester{Requester: by})
	if err != nil {
		s.Metrics.Proof(identity.ProviderEmail, string(refusal(err).Code))
		return nil, withEmailField(err)
	}
	token := asToken(ctx, r.Body.Delivery)
	result, err := s.apply(c, proof, by, token, options(r.Body.LinkTicket, nil))
	if err != nil {
		return nil, err
	}
	out := contract.VerifyEmail200JSONResponse{
		Outcome: contract.ProofResultOutcome(result.Outcome), User: userOf(result.User), Session: s.sessionOf(result.Session, true),
	}
	if token {
		out.Token = &result.Token
	}
	out.LinkRequest = linkRequestOf(result.Asks)
	return out, nil
}

func (s *Server) proveEmail(c *gin.Context, body *contract.VerifyEmailJSONRequestBody, by email.Requester) (identity.Proof, error) {
	if body.Token != nil {
		return s.Email.ByToken(c, *body.Token, by)
	}
	return s.Email.ByCode(c, *body.Code, value(body.Email), by, func(guessed email.Challenge) (func(), error) {
		return s.chargeGuess(c, guessed)
	})
}

// withEmailField names the field of a refused address.
func withEmailField(err error) error {
	if identity.ErrorCode(err) == identity.CodeInvalidEmail {
		return refusal(err).WithField("email")
	}
	return err
}

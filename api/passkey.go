package api

import (
	"context"
	"encoding/json"

	"github.com/gin-gonic/gin"

	"github.com/latchkey/latchkey/api/contract"
	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/method/passkey"
)

// CreatePasskeyChallenge issues a challenge bound to this browser, to the purpose, to the
// origin that asks and, for purposes that act on a user, to the session.
func (s *Server) CreatePasskeyChallenge(ctx context.Context, r contract.CreatePasskeyChallengeRequestObject) (contract.CreatePasskeyChallengeResponseObject, error) {
	c := ctx.(*gin.Context)
	request := passkey.Request{Purpose: identity.PurposeSignIn, Existing: value(r.Body.Existing)}
	if r.Body.Purpose != nil {
		request.Purpose = identity.Purpose(*r.Body.Purpose)
	}
	if p := requestInfoOf(c).principal; p != nil {
		request.Name = knownAs(p.User)
		// What is refused once the passkey exists leaves one that opens nothing.
		if request.Creates() && !p.Session.Restricted {
			if err := s.actor(c).RequireRecentlyVerified(); err != nil {
				return nil, err
			}
		}
	}
	flow := s.cookies.flowOrNew(c)
	challenge, err := s.Passkey.Challenge(ctx, request, s.requester(c, flow))
	if err != nil {
		return nil, err
	}
	s.cookies.keepFlow(c, flow)
	out := contract.CreatePasskeyChallenge200JSONResponse{Ceremony: contract.PasskeyChallengeCeremonyGet, ExpiresAt: challenge.ExpiresAt}
	var options any = challenge.Get
	if challenge.Create != nil {
		out.Ceremony, options = contract.PasskeyChallengeCeremonyCreate, challenge.Create
	}
	raw, err := json.Marshal(options)
	if err != nil {
		return nil, err
	}
	return out, json.Unmarshal(raw, &out.Options)
}

// knownAs is what authenticators call a person: they list it where somebody has passkeys
// of several accounts.
func knownAs(u identity.User) string {
	switch {
	case u.PrimaryEmail != nil:
		return *u.PrimaryEmail
	case u.DisplayName != "":
		return u.DisplayName
	}
	return "User " + u.ID.String()
}

// VerifyPasskey turns what an authenticator made of a challenge into a proof and applies
// it.
func (s *Server) VerifyPasskey(ctx context.Context, r contract.VerifyPasskeyRequestObject) (contract.VerifyPasskeyResponseObject, error) {
	c := ctx.(*gin.Context)
	by := s.requester(c, s.cookies.flowOf(c))
	response, err := json.Marshal(r.Body.Credential)
	if err != nil {
		return nil, err
	}
	label := value(r.Body.Label)
	if label == "" {
		label = device(requestInfoOf(c).origin.UserAgent)
	}
	proof, err := s.Passkey.Prove(ctx, response, label, by)
	if err != nil {
		s.Metrics.Proof(identity.ProviderPasskey, string(refusal(err).Code))
		return nil, err
	}
	token := asToken(ctx, r.Body.Delivery)
	result, err := s.apply(c, proof, by, token, options(r.Body.LinkTicket, nil))
	if err != nil {
		return nil, err
	}
	return contract.VerifyPasskey200JSONResponse(s.proofResultOf(result, token)), nil
}

// GetPasskeyOrigins lists the origins that may use the passkeys of this domain (WebAuthn
// section 5.11).
func (s *Server) GetPasskeyOrigins(context.Context, contract.GetPasskeyOriginsRequestObject) (contract.GetPasskeyOriginsResponseObject, error) {
	return contract.GetPasskeyOrigins200JSONResponse{
		Body:    contract.PasskeyOrigins{Origins: s.Passkey.Origins()},
		Headers: contract.GetPasskeyOrigins200ResponseHeaders{CacheControl: "public, max-age=300"},
	}, nil
}

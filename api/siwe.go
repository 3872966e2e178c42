package api

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/siwe"
)

// CreateSiweChallenge issues a nonce bound to this browser, to the purpose, to
// the origin that asks and, for purposes that act on a user, to the session. It
// touches no table.
func (s *Server) CreateSiweChallenge(ctx context.Context, r CreateSiweChallengeRequestObject) (CreateSiweChallengeResponseObject, error) {
	c := ctx.(*gin.Context)
	now := s.Now()
	purpose := identity.PurposeSignIn
	if r.Body.Purpose != nil {
		purpose = identity.Purpose(*r.Body.Purpose)
	}
	binding := siwe.Binding{Origin: s.originOf(c)}
	if purpose.NeedsSession() {
		if binding.Session = sessionBinding(ctx); binding.Session == "" {
			return nil, session.ErrUnauthenticated()
		}
	}
	chain := s.Config.Chains[0]
	if r.Body.ChainId != nil {
		chain = uint64(*r.Body.ChainId) //nolint:gosec // the specification says at least 1
		if !slices.Contains(s.Config.Chains, chain) {
			return nil, errInvalidRequest("this chain is not accepted; see /v1/auth/providers").WithField("chain_id")
		}
	}
	message := siwe.Message{URI: binding.Origin, Version: siwe.Version, ChainID: chain, Statement: s.Config.Statement, IssuedAt: now, Resources: s.Config.Resources}
	if r.Body.Address != nil {
		address, err := walletAddress(*r.Body.Address)
		if err != nil {
			return nil, err.WithField("address")
		}
		message.Address = address
	}
	origin, err := url.Parse(binding.Origin)
	if err != nil {
		return nil, err
	}
	binding.Flow = s.cookies.ensureFlow(c)
	nonce, expires, err := s.Nonces.Issue(string(purpose), binding, now)
	if err != nil {
		return nil, err
	}
	message.Domain, message.Nonce, message.ExpirationTime = origin.Host, nonce, &expires
	out := CreateSiweChallenge200JSONResponse{
		Nonce: nonce, ExpiresAt: expires, Domain: message.Domain, Uri: message.URI,
		ChainId: ChainID(chain), Statement: optional(message.Statement), //nolint:gosec // configured, 63 bits
	}
	if len(s.Config.Resources) > 0 {
		out.Resources = &s.Config.Resources
	}
	if r.Body.Address != nil {
		text, err := siwe.Build(message)
		if err != nil {
			return nil, err
		}
		out.Message = &text
	}
	return out, nil
}

// VerifySiwe turns a signed message into a proof and applies it.
func (s *Server) VerifySiwe(ctx context.Context, r VerifySiweRequestObject) (VerifySiweResponseObject, error) {
	c := ctx.(*gin.Context)
	flow := s.cookies.flowOf(c)
	proof, err := s.proveWallet(ctx, r.Body.Message, r.Body.Signature, siwe.Binding{
		Flow: flow, Session: sessionBinding(ctx), Origin: s.originOf(c),
	})
	if err != nil {
		s.Metrics.proofs.WithLabelValues(identity.ProviderSIWE, string(refusal(err).Code)).Inc()
		return nil, err
	}
	token := asToken(ctx, r.Body.Delivery)
	result, err := s.apply(c, proof, flow, token, options(r.Body.LinkTicket, nil))
	if err != nil {
		return nil, err
	}
	out := VerifySiwe200JSONResponse{
		Outcome: ProofResultOutcome(result.Outcome), User: userOf(result.User), Session: s.sessionOf(result.Session, true),
	}
	if token {
		out.Token = &result.Token
	}
	out.LinkRequest = linkRequestOf(result.Asks)
	return out, nil
}

// proveWallet verifies the message against everything this deployment expects.
// The nonce tells what the proof is for; it is burned when the proof is applied.
func (s *Server) proveWallet(ctx context.Context, message, signature string, binding siwe.Binding) (identity.Proof, error) {
	now := s.Now()
	origin, err := url.Parse(binding.Origin)
	if err != nil {
		return identity.Proof{}, err
	}
	proof := identity.Proof{Provider: identity.ProviderSIWE}
	account, parsed, err := siwe.Verify(ctx, message, signature, siwe.Expectation{
		Domain: origin.Host, Origin: binding.Origin, Chains: s.Config.Chains, Now: now, Contracts: s.Contracts, Logger: s.Log,
		Nonce: func(nonce string) error {
			purpose, expires, err := s.openNonce(nonce, binding)
			if err != nil {
				return identity.NewError(identity.CodeInvalidProof,
					"this nonce has expired, or was not issued to this browser for this purpose; create a new challenge").WithField(siwe.FieldNonce).Wrap(err)
			}
			proof.Purpose = purpose
			proof.Secret = &identity.SingleUse{Hash: identity.HashSecret(nonce), ExpiresAt: expires}
			return nil
		},
	})
	if err != nil {
		return identity.Proof{}, err
	}
	proof.Subject = account.Subject()
	proof.Wallet = &identity.Wallet{
		Address: account.Address.Hex(),
		ChainID: int64(parsed.ChainID), //nolint:gosec // Parse bounds it to 63 bits
		Kind:    string(account.Kind),
	}
	if s.Config.TermsVersion != "" && parsed.Statement == s.Config.Statement {
		proof.Wallet.TermsVersion = s.Config.TermsVersion
	}
	return proof, nil
}

// openNonce opens a nonce for whatever it was issued for. One that acts on a
// user is bound to his session; one for signing in is not, so that it survives
// signing out in another tab.
func (s *Server) openNonce(nonce string, b siwe.Binding) (identity.Purpose, time.Time, error) {
	if b.Flow == "" {
		return "", time.Time{}, siwe.ErrNonceInvalid
	}
	now := s.Now()
	withSession := b
	b.Session = ""
	purpose, expires, err := s.Nonces.Open(nonce, b, now)
	if errors.Is(err, siwe.ErrNonceInvalid) && withSession.Session != "" {
		purpose, expires, err = s.Nonces.Open(nonce, withSession, now)
	}
	return identity.Purpose(purpose), expires, err
}

// originOf is the origin that asks, if it is one of ours, else the public one.
func (s *Server) originOf(c *gin.Context) string {
	if o := c.GetHeader("Origin"); s.origins[o] {
		return o
	}
	return origin(s.Config.PublicURL)
}

package api

import (
	"context"
	"errors"

	"github.com/gin-gonic/gin"

	"github.com/latchkey/latchkey/api/contract"
	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/method"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/linking"
	"github.com/latchkey/latchkey/siwe"
)

// backendLabel is how metrics name all backends that vouch for people.
const backendLabel = "backend"

// ProviderLabel is how metrics name a provider. Operators choose the names of backends, as
// many as they like.
func ProviderLabel(provider string) string {
	if identity.IsBackend(provider) {
		return backendLabel
	}
	return provider
}

// apply hands a proof to the linking decision, and on success gives the client
// its session: the cookie, or the token when that is how it works.
func (s *Server) apply(c *gin.Context, proof identity.Proof, by method.Requester, asToken bool, begun method.SignInOptions) (linking.Result, error) {
	info := requestInfoOf(c)
	if err := s.consumeLimit(c, perIdentity, proof.Provider+" "+proof.Subject); err != nil {
		return linking.Result{}, err
	}
	submission := linking.Submission{
		Proof: proof, Current: info.principal, BrowserHash: by.Browser, Origin: info.origin,
		Replaces: replaced(c, asToken),
	}
	submission.WithoutAddress = begun&method.WithoutAddress != 0 && proof.Purpose == identity.PurposeSignIn && proof.Provider != identity.ProviderEmail
	if ticket, err := c.Request.Cookie(s.cookies.ticket()); err == nil && begun&method.ForLinkTicket != 0 {
		submission.LinkTicket = ticket.Value
	}
	result, err := s.Linking.Apply(c, submission)
	outcome := string(result.Outcome)
	if err != nil {
		outcome = string(refusal(err).Code)
	}
	s.Metrics.Proof(ProviderLabel(proof.Provider), outcome)
	if err != nil {
		var refused *identity.Error
		if errors.As(err, &refused) && refused.TicketKind == string(linking.TicketLink) {
			s.cookies.set(c, s.cookies.ticket(), refused.Ticket, linking.TicketLifetime)
		}
		return result, err
	}
	if result.Asks != nil { // the session holds it now
		s.cookies.set(c, s.cookies.ticket(), "", 0)
	}
	s.rememberBrowser(c, proof, result.User)
	s.deliver(c, result, asToken)
	return result, nil
}

// replaced is the session that a new one takes the place of: the cookie's where a
// cookie is set, the bearer's where its client is given a token. A page that asks
// for a token keeps the session of its cookie.
func replaced(ctx context.Context, asToken bool) *session.Session {
	info := requestInfoOf(ctx)
	if info.principal == nil || info.bearer != asToken {
		return nil
	}
	return &info.principal.Session
}

// deliver sets the session cookie, unless the client takes the token itself.
func (s *Server) deliver(c *gin.Context, result linking.Result, asToken bool) {
	if !asToken {
		s.cookies.setSession(c, result.Token, result.Session.ExpiresAt.Sub(s.Now()))
	}
}

// asToken reports whether the client gets its session as a token: as it asks, or
// else as its request was authenticated.
func asToken(ctx context.Context, delivery *contract.Delivery) bool {
	if delivery != nil {
		return *delivery == contract.DeliveryToken
	}
	return requestInfoOf(ctx).bearer
}

// ListProviders lists the configured sign-in methods.
func (s *Server) ListProviders(context.Context, contract.ListProvidersRequestObject) (contract.ListProvidersResponseObject, error) {
	out := contract.ListProviders200JSONResponse{Data: []contract.Provider{}}
	for _, m := range s.Methods {
		p := contract.Provider{Name: m.Name, Kind: contract.ProviderKind(m.Kind), Label: optional(m.Label)}
		if m.Kind == method.ByWallet {
			chains, named := make([]contract.ChainID, len(s.Wallet.Chains())), make([]contract.Chain, len(s.Wallet.Chains()))
			for i, id := range s.Wallet.Chains() {
				chains[i] = contract.ChainID(id) //nolint:gosec // the configuration bounds chain ids to 63 bits
				named[i] = contract.Chain{Id: chains[i], Name: siwe.ChainName(id), Contracts: s.Wallet.TakesContracts(id)}
			}
			p.Chains = &named
			p.ChainIds, p.EnsNames, p.WalletconnectProjectId = &chains, optional(s.ENS != nil), optional(s.Config.WalletConnect)
		}
		if m.Kind == method.BySolana {
			p.Networks = new(s.Solana.Networks())
		}
		out.Data = append(out.Data, p)
	}
	if origins := s.Config.AllowedOrigins; len(origins) > 0 {
		out.ReturnOrigins = &origins
	}
	return out, nil
}

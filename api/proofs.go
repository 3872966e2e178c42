package api

import (
	"context"

	"github.com/gin-gonic/gin"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/linking"
)

// apply hands a proof to the linking decision, and on success gives the client
// its session: the cookie, or the token when that is how it works.
func (s *Server) apply(c *gin.Context, proof identity.Proof, flow string, asToken bool) (linking.Result, error) {
	info := callOf(c)
	result, err := s.Linking.Apply(c, linking.Attempt{
		Proof: proof, Current: info.principal, BrowserHash: identity.HashSecret(flow), Client: info.client,
	})
	outcome := string(result.Outcome)
	if err != nil {
		outcome = string(refusal(err).Code)
	}
	s.Metrics.proofs.WithLabelValues(proof.Provider, outcome).Inc()
	if err != nil {
		return result, err
	}
	if !asToken {
		s.cookies.setSession(c, result.Token, result.Session.ExpiresAt.Sub(s.Now()))
	}
	return result, nil
}

// ListProviders tells which ways in are configured.
func (s *Server) ListProviders(context.Context, ListProvidersRequestObject) (ListProvidersResponseObject, error) {
	out := ListProviders200JSONResponse{Data: []Provider{}}
	for _, name := range []string{identity.ProviderGoogle, identity.ProviderGitHub} {
		if _, ok := s.Providers[name]; ok {
			out.Data = append(out.Data, Provider{Name: name, Kind: ProviderKindRedirect})
		}
	}
	chains := make([]ChainID, len(s.Config.Chains))
	for i, id := range s.Config.Chains {
		chains[i] = ChainID(id) //nolint:gosec // the configuration bounds chain ids to 63 bits
	}
	out.Data = append(out.Data, Provider{Name: identity.ProviderSIWE, Kind: ProviderKindWallet, ChainIds: &chains})
	return out, nil
}

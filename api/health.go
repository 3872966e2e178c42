package api

import (
	"context"
	"fmt"

	"github.com/latchkey/latchkey/api/contract"
	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/siwe"
)

// Healthz tells that the process lives; a database that is down is no reason to
// restart it.
func (s *Server) Healthz(context.Context, contract.HealthzRequestObject) (contract.HealthzResponseObject, error) {
	return contract.Healthz200JSONResponse{Status: contract.HealthStatusOk, Checks: map[string]string{}}, nil
}

// Readyz reports whether requests can be answered.
func (s *Server) Readyz(ctx context.Context, _ contract.ReadyzRequestObject) (contract.ReadyzResponseObject, error) {
	if s.Draining != nil && s.Draining() {
		e := identity.NewError(identity.CodeUnavailable, "this replica is stopping")
		e.RetryAfter = databaseRetry
		return nil, e
	}
	checks, err := s.readiness.get(ctx)
	if err != nil {
		e := identity.NewError(identity.CodeUnavailable, "the database does not answer, takes no changes, or has another schema").Wrap(err)
		e.RetryAfter = databaseRetry
		return nil, e
	}
	return contract.Readyz200JSONResponse{Status: contract.HealthStatusOk, Checks: checks}, nil
}

// checkReady asks what requests need: the database, which they cannot do
// without, and Ethereum.
func (s *Server) checkReady(ctx context.Context) (map[string]string, error) {
	if err := s.Ready(ctx); err != nil {
		return nil, err
	}
	checks := map[string]string{"database": "ok"}
	if s.RPCHealth != nil {
		for _, chain := range s.RPCHealth(ctx) {
			checks[fmt.Sprintf("ethereum_rpc_%d", chain.ChainID)] = rpcState(chain)
		}
	}
	return checks, nil
}

// rpcState tells of a chain's endpoints how many answer. Which they are stays
// out: their URLs hold keys, and this call asks for no session.
func rpcState(h siwe.ChainHealth) string {
	up := 0
	for _, e := range h.Endpoints {
		if e.Available {
			up++
		}
	}
	switch up {
	case len(h.Endpoints):
		return "ok"
	case 0:
		return "down: contract wallets of this chain cannot sign in"
	}
	return fmt.Sprintf("%d of %d endpoints answer", up, len(h.Endpoints))
}

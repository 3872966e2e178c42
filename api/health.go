package api

import (
	"context"
	"time"

	"github.com/latchkey/latchkey/identity"
)

// readyTimeout is shorter than any prober's patience.
const readyTimeout = 2 * time.Second

// Healthz tells that the process lives; a database that is down is no reason to
// restart it.
func (s *Server) Healthz(context.Context, HealthzRequestObject) (HealthzResponseObject, error) {
	return Healthz200JSONResponse{Status: HealthStatusOk, Checks: map[string]string{}}, nil
}

// Readyz tells whether requests can be answered.
func (s *Server) Readyz(ctx context.Context, _ ReadyzRequestObject) (ReadyzResponseObject, error) {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	if err := s.Ready(ctx); err != nil {
		return nil, identity.NewError(identity.CodeUnavailable, "the database does not answer or its schema is not current").Wrap(err)
	}
	return Readyz200JSONResponse{Status: HealthStatusOk, Checks: map[string]string{"database": "ok"}}, nil
}

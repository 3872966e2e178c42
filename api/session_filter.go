package api

import (
	"context"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
)

// filterParams are the parameters of a list of sessions, or the filter of a
// revocation.
type filterParams struct {
	user                 *identity.ID
	status               *SessionStatus
	provider             *string
	device               *string
	network              *string
	olderThan, newerThan *int
	others               *bool
}

func filterOf(f SessionFilter) filterParams {
	return filterParams{
		user: f.UserId, status: f.Status, provider: f.Provider, device: f.Device, network: f.Network,
		olderThan: f.OlderThan, newerThan: f.NewerThan, others: f.Others,
	}
}

func (s *Server) filter(ctx context.Context, p filterParams) (session.Filter, error) {
	out := session.Filter{
		UserID: p.user, Status: session.Status(value(p.status)), Provider: value(p.provider), Device: value(p.device),
		OlderThan: time.Duration(value(p.olderThan)) * time.Second, NewerThan: time.Duration(value(p.newerThan)) * time.Second,
	}
	if p.network != nil {
		n, err := team.ParseNetwork(*p.network)
		if err != nil {
			return out, refusal(err).WithField("network")
		}
		out.Network = n
	}
	if me := callOf(ctx).principal; value(p.others) && me != nil { // a service has no sessions
		out.NotUserID = &me.User.ID
	}
	return out, nil
}

package api

import (
	"context"
	"time"

	"github.com/latchkey/latchkey/api/contract"
	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
)

// filterParams are the parameters of a list of sessions, or the filter of a
// revocation.
type filterParams struct {
	user                 *identity.ID
	status               *contract.SessionStatus
	provider             *string
	key                  *identity.ID
	device               *string
	network              *string
	olderThan, newerThan *int
	others               *bool
	ids                  *[]identity.ID
}

// requireNoTeam refuses a filter that only finds team sessions.
func requireNoTeam(f session.Filter) error {
	if f.Status == session.StatusRefused {
		return errInvalidRequest("only team sessions are refused, by the policy of the team").WithField("status")
	}
	return nil
}

// maxAsOf is how long after a dry run it can be confirmed.
const maxAsOf = 24 * time.Hour

// revocation is what a request wants ended.
func (s *Server) revocation(ctx context.Context, f contract.SessionFilter, dryRun *bool, at *time.Time, atMost *int) (session.Revocation, error) {
	filter, err := s.filter(ctx, filterParams{
		user: f.UserId, status: f.Status, provider: f.Provider, key: f.ApiKeyId, device: f.Device, network: f.Network,
		olderThan: f.OlderThan, newerThan: f.NewerThan, others: f.Others, ids: f.Ids,
	})
	if filter.AsOf = value(at); err == nil && at != nil && s.Now().Sub(*at).Abs() > maxAsOf {
		err = errInvalidRequest("this is not the time of a recent dry run").WithField("as_of")
	}
	return session.Revocation{Filter: filter, DryRun: value(dryRun), AtMost: atMost}, err
}

// asOf is the time of a dry run, which the real call may name.
func asOf(at time.Time, dryRun bool) *time.Time {
	if !dryRun || at.IsZero() {
		return nil
	}
	return &at
}

func (s *Server) filter(ctx context.Context, p filterParams) (session.Filter, error) {
	out := session.Filter{
		UserID: p.user, Status: session.Status(value(p.status)), Provider: value(p.provider), KeyID: p.key, Device: value(p.device),
		OlderThan: time.Duration(value(p.olderThan)) * time.Second, NewerThan: time.Duration(value(p.newerThan)) * time.Second,
		IDs: value(p.ids),
	}
	if p.network != nil {
		n, err := team.ParseNetwork(*p.network)
		if err != nil {
			return out, refusal(err).WithField("network")
		}
		out.Network = n
	}
	if me := requestInfoOf(ctx).principal; value(p.others) && me != nil { // a service has no sessions
		out.NotUserID = &me.User.ID
	}
	return out, nil
}

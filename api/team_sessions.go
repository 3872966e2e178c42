package api

import (
	"context"

	"github.com/latchkey/latchkey/identity/session"
)

// EnterTeam gives the session in hand a team session.
func (s *Server) EnterTeam(ctx context.Context, r EnterTeamRequestObject) (EnterTeamResponseObject, error) {
	l, created, err := s.Sessions.Enter(ctx, s.actor(ctx), r.Team, r.Body != nil && value(r.Body.BreakGlass))
	if err != nil {
		return nil, err
	}
	out := s.teamSessionOf(l, true, s.Now())
	if created {
		return EnterTeam201JSONResponse(out), nil
	}
	return EnterTeam200JSONResponse(out), nil
}

// ListTeamSessions shows those who manage the team who is in it.
func (s *Server) ListTeamSessions(ctx context.Context, r ListTeamSessionsRequestObject) (ListTeamSessionsResponseObject, error) {
	p, err := page(r.Params.Limit, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	filter, err := s.filter(ctx, filterParams{
		user: r.Params.UserId, status: r.Params.Status, provider: r.Params.Provider, device: r.Params.Device,
		network: r.Params.Network, olderThan: r.Params.OlderThan, newerThan: r.Params.NewerThan,
	})
	if err != nil {
		return nil, err
	}
	now := s.Now()
	rows, next, err := s.Sessions.ListTeam(ctx, s.actor(ctx), r.Team, filter, p)
	return ListTeamSessions200JSONResponse{
		Data: each(rows, func(l session.ListedInTeam) TeamSession {
			return s.teamSessionOf(l, isCurrent(ctx, l.SessionID), now)
		}),
		NextCursor: nextCursor(next),
	}, err
}

// RevokeTeamSession ends one team session.
func (s *Server) RevokeTeamSession(ctx context.Context, r RevokeTeamSessionRequestObject) (RevokeTeamSessionResponseObject, error) {
	return RevokeTeamSession204Response{}, s.Sessions.RevokeTeamSession(ctx, s.actor(ctx), r.Team, r.Session)
}

// RevokeTeamSessions ends the team sessions that meet a filter.
func (s *Server) RevokeTeamSessions(ctx context.Context, r RevokeTeamSessionsRequestObject) (RevokeTeamSessionsResponseObject, error) {
	revocation, err := s.revocation(ctx, r.Body.Filter, r.Body.DryRun, r.Body.AsOf, r.Body.AtMost)
	if err != nil {
		return nil, err
	}
	ended, err := s.Sessions.RevokeTeamSessions(ctx, s.actor(ctx), r.Team, revocation)
	if err == nil && ended.Job != nil {
		return RevokeTeamSessions202JSONResponse{JobJSONResponse(jobOf(*ended.Job))}, nil
	}
	return RevokeTeamSessions200JSONResponse(s.endedOf(ctx, ended, revocation.DryRun)), err
}

// GetTeamJob returns the progress of a job of the team, to those who manage it.
func (s *Server) GetTeamJob(ctx context.Context, r GetTeamJobRequestObject) (GetTeamJobResponseObject, error) {
	j, err := s.Sessions.TeamJob(ctx, s.actor(ctx), r.Team, r.Job)
	return GetTeamJob200JSONResponse(jobOf(j)), err
}

package api

import (
	"context"

	openapi_types "github.com/oapi-codegen/runtime/types"

	"github.com/latchkey/latchkey/api/contract"
	"github.com/latchkey/latchkey/identity/teamsession"
)

// EnterTeam gives the session in hand a team session.
func (s *Server) EnterTeam(ctx context.Context, r contract.EnterTeamRequestObject) (contract.EnterTeamResponseObject, error) {
	l, created, err := s.TeamSessions.Enter(ctx, s.actor(ctx), r.Team, r.Body != nil && value(r.Body.BreakGlass))
	if err != nil {
		return nil, err
	}
	out := s.teamSessionOf(l, true, s.Now())
	if created {
		return contract.EnterTeam201JSONResponse(out), nil
	}
	return contract.EnterTeam200JSONResponse(out), nil
}

// ListTeamSessions shows those who manage the team who is in it.
func (s *Server) ListTeamSessions(ctx context.Context, r contract.ListTeamSessionsRequestObject) (contract.ListTeamSessionsResponseObject, error) {
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
	filter.ByPerson = r.Params.Sort != nil && *r.Params.Sort == contract.ListTeamSessionsParamsSortPerson
	now := s.Now()
	rows, next, err := s.TeamSessions.List(ctx, s.actor(ctx), r.Team, filter, p)
	if err != nil {
		return nil, err
	}
	var total *int
	if r.Params.Count != nil && *r.Params.Count {
		n, err := s.TeamSessions.Count(ctx, s.actor(ctx), r.Team, filter)
		if err != nil {
			return nil, err
		}
		total = &n
	}
	return contract.ListTeamSessions200JSONResponse{
		Data: each(rows, func(l teamsession.Listed) contract.TeamSession {
			return s.teamSessionOf(l, isCurrent(ctx, l.SessionID), now)
		}),
		NextCursor: nextCursor(next),
		Total:      total,
	}, nil
}

// GetTeamOverview counts the team's members and sessions for those who manage it.
func (s *Server) GetTeamOverview(ctx context.Context, r contract.GetTeamOverviewRequestObject) (contract.GetTeamOverviewResponseObject, error) {
	f, err := s.TeamSessions.Figures(ctx, s.actor(ctx), r.Team)
	if err != nil {
		return nil, err
	}
	out := contract.GetTeamOverview200JSONResponse{
		Members: f.Members, Invitations: f.Invitations, Sessions: f.Sessions, ActiveNow: f.ActiveNow, LastDay: f.LastDay, Refused: f.Refused,
		Providers: providerCounts(f.Providers), Days: []contract.DayCount{},
	}
	days, counts := teamsession.PerDay(f.Started, s.Now())
	for i, day := range days {
		out.Days = append(out.Days, contract.DayCount{Day: openapi_types.Date{Time: day}, Count: counts[i]})
	}
	return out, nil
}

// RevokeTeamSession ends one team session.
func (s *Server) RevokeTeamSession(ctx context.Context, r contract.RevokeTeamSessionRequestObject) (contract.RevokeTeamSessionResponseObject, error) {
	return contract.RevokeTeamSession204Response{}, s.TeamSessions.Revoke(ctx, s.actor(ctx), r.Team, r.Session)
}

// RevokeTeamSessions ends the team sessions that meet a filter.
func (s *Server) RevokeTeamSessions(ctx context.Context, r contract.RevokeTeamSessionsRequestObject) (contract.RevokeTeamSessionsResponseObject, error) {
	revocation, err := s.revocation(ctx, r.Body.Filter, r.Body.DryRun, r.Body.AsOf, r.Body.AtMost)
	if err != nil {
		return nil, err
	}
	ended, err := s.TeamSessions.RevokeMatching(ctx, s.actor(ctx), r.Team, revocation)
	if err == nil && ended.Job != nil {
		return contract.RevokeTeamSessions202JSONResponse{JobJSONResponse: contract.JobJSONResponse(jobOf(*ended.Job))}, nil
	}
	return contract.RevokeTeamSessions200JSONResponse(s.endedOf(ctx, ended, revocation.DryRun)), err
}

// GetTeamJob returns the progress of a job of the team, to those who manage it.
func (s *Server) GetTeamJob(ctx context.Context, r contract.GetTeamJobRequestObject) (contract.GetTeamJobResponseObject, error) {
	j, err := s.TeamSessions.Job(ctx, s.actor(ctx), r.Team, r.Job)
	return contract.GetTeamJob200JSONResponse(jobOf(j)), err
}

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
	out := teamSessionOf(l, true, s.Now())
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
	filter := session.Filter{
		UserID: r.Params.UserId, Status: session.Status(value(r.Params.Status)), Provider: value(r.Params.Provider),
	}
	me, now := callOf(ctx).principal, s.Now()
	rows, next, err := s.Sessions.ListTeam(ctx, me.User.ID, r.Team, filter, p)
	return ListTeamSessions200JSONResponse{
		Data: each(rows, func(l session.ListedInTeam) TeamSession {
			return teamSessionOf(l, l.SessionID == me.Session.ID, now)
		}),
		NextCursor: nextCursor(next),
	}, err
}

// RevokeTeamSession ends one team session.
func (s *Server) RevokeTeamSession(ctx context.Context, r RevokeTeamSessionRequestObject) (RevokeTeamSessionResponseObject, error) {
	return RevokeTeamSession204Response{}, s.Sessions.RevokeTeamSession(ctx, s.actor(ctx), r.Team, r.Session)
}

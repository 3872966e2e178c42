package api

import (
	"context"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
)

// AdminListUsers lists everyone, to operators.
func (s *Server) AdminListUsers(ctx context.Context, r AdminListUsersRequestObject) (AdminListUsersResponseObject, error) {
	if err := requireOperator(ctx); err != nil {
		return nil, err
	}
	p, err := page(r.Params.Limit, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	var f identity.UserFilter
	if r.Params.Email != nil {
		if f.Email, err = identity.CanonicalEmail(*r.Params.Email); err != nil {
			return nil, err
		}
	}
	if r.Params.Wallet != nil {
		address, err := walletAddress(*r.Params.Wallet)
		if err != nil {
			return nil, err.WithField("wallet")
		}
		f.Wallet = address.Hex()
	}
	rows, next, err := s.Users.List(ctx, f, p)
	return AdminListUsers200JSONResponse{Data: each(rows, s.adminUserOf), NextCursor: nextCursor(next)}, err
}

// AdminGetUser returns one user, to operators.
func (s *Server) AdminGetUser(ctx context.Context, r AdminGetUserRequestObject) (AdminGetUserResponseObject, error) {
	if err := requireOperator(ctx); err != nil {
		return nil, err
	}
	u, err := s.Users.Get(ctx, r.User)
	return AdminGetUser200JSONResponse(s.adminUserOf(u)), err
}

// AdminChangeUser suspends a user or lets him in again.
func (s *Server) AdminChangeUser(ctx context.Context, r AdminChangeUserRequestObject) (AdminChangeUserResponseObject, error) {
	if err := requireOperator(ctx); err != nil {
		return nil, err
	}
	if _, err := s.Users.SetStatus(ctx, s.actor(ctx), r.User, identity.Status(r.Body.Status), value(r.Body.Reason)); err != nil {
		return nil, err
	}
	u, err := s.Users.Get(ctx, r.User)
	return AdminChangeUser200JSONResponse(s.adminUserOf(u)), err
}

// AdminListSessions lists everyone's sessions, to operators.
func (s *Server) AdminListSessions(ctx context.Context, r AdminListSessionsRequestObject) (AdminListSessionsResponseObject, error) {
	if err := requireOperator(ctx); err != nil {
		return nil, err
	}
	p, err := page(r.Params.Limit, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	now := s.Now()
	rows, next, err := s.Sessions.ListAll(ctx, session.Filter{UserID: r.Params.UserId, Status: session.Status(value(r.Params.Status))}, p)
	return AdminListSessions200JSONResponse{
		Data: each(rows, func(l session.Listed) AdminSession {
			return adminSessionOf(l, isCurrent(ctx, l.ID), now)
		}),
		NextCursor: nextCursor(next),
	}, err
}

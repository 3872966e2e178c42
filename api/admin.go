package api

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"github.com/latchkey/latchkey/api/contract"
	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/revocation"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/siwe/ens"
)

// rpcRetry is how soon to ask for a name again when no endpoint could tell.
const rpcRetry = 30 * time.Second

// AdminListUsers lists everyone, to operators.
func (s *Server) AdminListUsers(ctx context.Context, r contract.AdminListUsersRequestObject) (contract.AdminListUsersResponseObject, error) {
	p, err := page(r.Params.Limit, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	f, err := userFilter(r.Params.Email, r.Params.Wallet)
	if err != nil {
		return nil, err
	}
	f.Search = strings.TrimSpace(value(r.Params.Search))
	if r.Params.EnsName != nil {
		address, err := s.walletOf(ctx, *r.Params.EnsName)
		if err != nil {
			return nil, err
		}
		if address == (common.Address{}) || f.Wallet != "" && f.Wallet != address.Hex() {
			return contract.AdminListUsers200JSONResponse{Data: []contract.AdminUser{}}, nil
		}
		f.Wallet = address.Hex()
	}
	rows, next, err := s.Users.List(ctx, f, p)
	return contract.AdminListUsers200JSONResponse{Data: each(rows, s.adminUserOf), NextCursor: nextCursor(next)}, err
}

// walletOf returns the wallet that a name resolves to; the zero address for none.
// A chain that does not answer is an error, not an empty result.
func (s *Server) walletOf(ctx context.Context, name string) (common.Address, error) {
	address, err := s.ENS.Resolve(ctx, name)
	switch {
	case errors.Is(err, ens.ErrName):
		return address, errInvalidRequest("only ASCII ENS names can be looked up, such as alice.eth").WithField("ens_name")
	case errors.Is(err, ens.ErrNoEndpoint):
		return address, errInvalidRequest("ENS names cannot be looked up: LATCHKEY_ETHEREUM_RPC has no endpoint of chain 1").WithField("ens_name")
	case errors.Is(err, context.Canceled):
		return address, err
	case err != nil:
		e := identity.NewError(identity.CodeUnavailable, "no Ethereum endpoint could resolve this name; try again shortly, or search by wallet address").Wrap(err)
		e.RetryAfter = rpcRetry
		return address, e
	}
	return address, nil
}

// AdminGetUser returns one user, to operators.
func (s *Server) AdminGetUser(ctx context.Context, r contract.AdminGetUserRequestObject) (contract.AdminGetUserResponseObject, error) {
	u, err := s.Users.Get(ctx, r.User)
	return contract.AdminGetUser200JSONResponse(s.adminUserOf(u)), err
}

// AdminListUserEmails lists the verified addresses of a user, to operators.
func (s *Server) AdminListUserEmails(ctx context.Context, r contract.AdminListUserEmailsRequestObject) (contract.AdminListUserEmailsResponseObject, error) {
	u, err := s.Users.Get(ctx, r.User)
	if err != nil {
		return nil, err
	}
	out, err := s.emailsOf(ctx, u.User)
	return contract.AdminListUserEmails200JSONResponse{Data: out}, err
}

// AdminListUserTeams lists the teams a user is in, to operators.
func (s *Server) AdminListUserTeams(ctx context.Context, r contract.AdminListUserTeamsRequestObject) (contract.AdminListUserTeamsResponseObject, error) {
	p, err := page(r.Params.Limit, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	u, err := s.Users.Get(ctx, r.User)
	if err != nil {
		return nil, err
	}
	rows, next, err := s.Teams.Places(ctx, u.ID, p)
	return contract.AdminListUserTeams200JSONResponse{Data: each(rows, membershipOf), NextCursor: nextCursor(next)}, err
}

// AdminChangeUser suspends or restores a user.
func (s *Server) AdminChangeUser(ctx context.Context, r contract.AdminChangeUserRequestObject) (contract.AdminChangeUserResponseObject, error) {
	if _, err := s.Users.SetStatus(ctx, s.actor(ctx), r.User, identity.Status(r.Body.Status), value(r.Body.Reason), value(r.Body.EndKeys)); err != nil {
		return nil, err
	}
	u, err := s.Users.Get(ctx, r.User)
	return contract.AdminChangeUser200JSONResponse(s.adminUserOf(u)), err
}

// AdminListSessions lists everyone's sessions, to operators.
func (s *Server) AdminListSessions(ctx context.Context, r contract.AdminListSessionsRequestObject) (contract.AdminListSessionsResponseObject, error) {
	p, err := page(r.Params.Limit, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	filter, err := s.filter(ctx, filterParams{
		user: r.Params.UserId, status: r.Params.Status, provider: r.Params.Provider, key: r.Params.ApiKeyId, device: r.Params.Device,
		network: r.Params.Network, olderThan: r.Params.OlderThan, newerThan: r.Params.NewerThan,
	})
	if err == nil {
		err = requireNoTeam(filter)
	}
	if err != nil {
		return nil, err
	}
	rows, next, err := s.Sessions.ListAll(ctx, filter, p)
	return contract.AdminListSessions200JSONResponse{
		Data:       each(rows, s.adminSessions(ctx)),
		NextCursor: nextCursor(next),
	}, err
}

// adminSessions converts for the operator who asks.
func (s *Server) adminSessions(ctx context.Context) func(session.Listed) contract.AdminSession {
	now := s.Now()
	return func(l session.Listed) contract.AdminSession { return s.adminSessionOf(l, isCurrent(ctx, l.ID), now) }
}

// AdminRevokeSession ends a session of anyone, for operators.
func (s *Server) AdminRevokeSession(ctx context.Context, r contract.AdminRevokeSessionRequestObject) (contract.AdminRevokeSessionResponseObject, error) {
	return contract.AdminRevokeSession204Response{}, s.Sessions.RevokeSession(ctx, s.actor(ctx), r.Session)
}

// AdminRevokeSessions ends everyone's sessions that meet a filter, for operators.
func (s *Server) AdminRevokeSessions(ctx context.Context, r contract.AdminRevokeSessionsRequestObject) (contract.AdminRevokeSessionsResponseObject, error) {
	revocation, err := s.revocation(ctx, r.Body.Filter, r.Body.DryRun, r.Body.AsOf, r.Body.AtMost)
	if err == nil {
		err = requireNoTeam(revocation.Filter)
	}
	if err != nil {
		return nil, err
	}
	ended, err := s.Sessions.RevokeSessions(ctx, s.actor(ctx), revocation)
	if err == nil && ended.Job != nil {
		return contract.AdminRevokeSessions202JSONResponse{JobJSONResponse: contract.JobJSONResponse(jobOf(*ended.Job))}, nil
	}
	return contract.AdminRevokeSessions200JSONResponse{
		DryRun: revocation.DryRun, AsOf: asOf(ended.AsOf, revocation.DryRun), Count: ended.Count, Ids: append([]identity.ID{}, ended.IDs...),
		Sessions: each(ended.Sessions, s.adminSessions(ctx)),
	}, err
}

// AdminGetJob returns the progress of a job, to operators.
func (s *Server) AdminGetJob(ctx context.Context, r contract.AdminGetJobRequestObject) (contract.AdminGetJobResponseObject, error) {
	j, err := s.Sessions.Jobs().Get(ctx, r.Job)
	return contract.AdminGetJob200JSONResponse(jobOf(j)), err
}

func jobOf(j revocation.Job) contract.Job {
	status := contract.JobStatusRunning
	if j.FinishedAt != nil {
		status = contract.JobStatusFinished
	}
	return contract.Job{
		Id: j.ID, Kind: contract.JobKind(j.Kind), Status: status, AccessEnded: j.Epoch != nil, Ended: j.Ended, Total: j.Total,
		TeamId: j.TeamID, UserId: j.UserID, StartedBy: j.StartedBy, CreatedAt: j.CreatedAt, FinishedAt: j.FinishedAt,
	}
}

// AdminListUserAPIKeys lists the working keys that a user created, to operators.
func (s *Server) AdminListUserAPIKeys(ctx context.Context, r contract.AdminListUserAPIKeysRequestObject) (contract.AdminListUserAPIKeysResponseObject, error) {
	keys, err := s.Users.CreatedKeys(ctx, r.User)
	return contract.AdminListUserAPIKeys200JSONResponse{Data: each(keys, createdKeyOf)}, err
}

func createdKeyOf(k identity.CreatedKey) contract.CreatedKey {
	return contract.CreatedKey{Id: k.ID, Prefix: "lk_" + k.Prefix, Name: k.Name, TeamId: k.TeamID, ExpiresAt: k.ExpiresAt}
}

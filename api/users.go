package api

import (
	"context"
	"strings"

	"github.com/latchkey/latchkey/api/contract"
	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/method/wallet"
	"github.com/latchkey/latchkey/identity/user"
	"github.com/latchkey/latchkey/linking"
)

// maxUserIDs is how many users can be asked for by id at once.
const maxUserIDs = 100

// ListUsers lists users, to the application's backend.
func (s *Server) ListUsers(ctx context.Context, r contract.ListUsersRequestObject) (contract.ListUsersResponseObject, error) {
	p, err := page(r.Params.Limit, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	f, err := userFilter(r.Params.Email, r.Params.Wallet)
	if err != nil {
		return nil, err
	}
	if r.Params.Ids != nil {
		for raw := range strings.SplitSeq(*r.Params.Ids, ",") {
			var id identity.ID
			if err := id.UnmarshalText([]byte(raw)); err != nil || len(f.IDs) == maxUserIDs {
				return nil, errInvalidRequest("ids are at most 100 ids of users, separated by commas").WithField("ids")
			}
			f.IDs = append(f.IDs, id)
		}
	}
	rows, next, err := s.Users.List(ctx, f, p)
	return contract.ListUsers200JSONResponse{Data: each(rows, s.knownUserOf), NextCursor: nextCursor(next)}, err
}

// userFilter reads the address and the wallet by which a user is known.
func userFilter(email, address *string) (f identity.UserFilter, err error) {
	if email != nil {
		if f.Email, err = identity.CanonicalEmail(*email); err != nil {
			return f, err
		}
	}
	if address != nil {
		parsed, err := wallet.ParseAddress(*address)
		if err != nil {
			return f, err.WithField("wallet")
		}
		f.Wallet = parsed.Hex()
	}
	return f, nil
}

// CreateUser creates or finds a user, for the application's backend.
func (s *Server) CreateUser(ctx context.Context, r contract.CreateUserRequestObject) (contract.CreateUserResponseObject, error) {
	n := user.New{ExternalID: value(r.Body.ExternalId), DisplayName: value(r.Body.DisplayName), Onboarded: value(r.Body.Onboarded)}
	if r.Body.AppMetadata != nil {
		n.AppMetadata = *r.Body.AppMetadata
	}
	by, err := userFilter(r.Body.Email, r.Body.Wallet)
	if err != nil {
		return nil, err
	}
	n.Email, n.Wallet = by.Email, by.Wallet
	u, created, err := s.Users.CreateByApplication(ctx, s.actor(ctx), n)
	if err == nil && created {
		return contract.CreateUser201JSONResponse(s.knownUserOf(u)), nil
	}
	return contract.CreateUser200JSONResponse(s.knownUserOf(u)), err
}

// GetUser returns a user, to the application's backend.
func (s *Server) GetUser(ctx context.Context, r contract.GetUserRequestObject) (contract.GetUserResponseObject, error) {
	u, err := s.Users.Find(ctx, r.UserRef)
	return contract.GetUser200JSONResponse(s.knownUserOf(u)), err
}

// UpdateUser changes what the application's backend keeps about a user.
func (s *Server) UpdateUser(ctx context.Context, r contract.UpdateUserRequestObject) (contract.UpdateUserResponseObject, error) {
	c := user.ApplicationChange{DisplayName: r.Body.DisplayName, ExternalID: r.Body.ExternalId, Onboarded: r.Body.Onboarded}
	if r.Body.AppMetadata != nil {
		c.AppMetadata = *r.Body.AppMetadata
	}
	u, err := s.Users.UpdateByApplication(ctx, s.actor(ctx), r.UserRef, c)
	return contract.UpdateUser200JSONResponse(s.knownUserOf(u)), err
}

// DeleteUser deletes a user after the grace, for the application's backend.
func (s *Server) DeleteUser(ctx context.Context, r contract.DeleteUserRequestObject) (contract.DeleteUserResponseObject, error) {
	u, err := s.Users.Find(ctx, r.UserRef)
	if err != nil {
		return nil, err
	}
	d, err := s.Linking.Leave(ctx, s.actor(ctx), u.ID, linking.Leaving{})
	return contract.DeleteUser202JSONResponse{DeletesAt: d.DeletesAt}, err
}

func (s *Server) knownUserOf(u user.WithIdentities) contract.KnownUser {
	out := contract.KnownUser{
		Id: u.ID, ExternalId: u.ExternalID, DisplayName: u.DisplayName, AvatarUrl: u.AvatarURL, PrimaryEmail: u.PrimaryEmail,
		OnboardedAt: u.OnboardedAt, Metadata: u.Metadata.Map(), AppMetadata: u.AppMetadata.Map(), CreatedAt: u.CreatedAt,
		Status: contract.KnownUserStatus(u.Status), MergedInto: u.MergedInto,
		FormerIds: append([]identity.ID{}, u.MergedFrom...), Identities: each(u.Identities, s.identityOf),
	}
	out.DeletesAt, out.DeletedAt = leavingOf(u.Leave)
	return out
}

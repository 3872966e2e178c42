package api

import (
	"context"

	"github.com/latchkey/latchkey/api/contract"
	"github.com/latchkey/latchkey/identity/user"
	"github.com/latchkey/latchkey/linking"
)

// GetMe returns the signed-in user.
func (s *Server) GetMe(ctx context.Context, _ contract.GetMeRequestObject) (contract.GetMeResponseObject, error) {
	out := principalUserOf(*requestInfoOf(ctx).principal)
	found, err := s.Linking.PossibleDuplicates(ctx, out.Id)
	if err != nil {
		return nil, err
	}
	out.PossibleDuplicates = new(each(found, func(d linking.Duplicate) contract.PossibleDuplicate {
		return contract.PossibleDuplicate{Id: d.ID, Address: d.Address, NotedAt: d.CreatedAt}
	}))
	return contract.GetMe200JSONResponse(out), nil
}

// UpdateMe changes the user's own profile.
func (s *Server) UpdateMe(ctx context.Context, r contract.UpdateMeRequestObject) (contract.UpdateMeResponseObject, error) {
	change := user.Change{DisplayName: r.Body.DisplayName, AvatarURL: r.Body.AvatarUrl, Onboarded: r.Body.Onboarded}
	if r.Body.Metadata != nil {
		change.Metadata = *r.Body.Metadata
	}
	u, err := s.Users.Update(ctx, s.actor(ctx), change)
	return contract.UpdateMe200JSONResponse(userOf(u)), err
}

// ListIdentities lists the user's identities.
func (s *Server) ListIdentities(ctx context.Context, r contract.ListIdentitiesRequestObject) (contract.ListIdentitiesResponseObject, error) {
	p, err := page(r.Params.Limit, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	rows, next, err := s.Users.Identities(ctx, userID(ctx), p)
	return contract.ListIdentities200JSONResponse{Data: each(rows, s.identityOf), NextCursor: nextCursor(next)}, err
}

// ListMyInvitations lists open invitations to the user's addresses and wallets.
func (s *Server) ListMyInvitations(ctx context.Context, r contract.ListMyInvitationsRequestObject) (contract.ListMyInvitationsResponseObject, error) {
	p, err := page(r.Params.Limit, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	rows, next, err := s.Teams.Received(ctx, userID(ctx), p)
	return contract.ListMyInvitations200JSONResponse{Data: each(rows, receivedOf), NextCursor: nextCursor(next)}, err
}

// AcceptInvitation makes the user a member.
func (s *Server) AcceptInvitation(ctx context.Context, r contract.AcceptInvitationRequestObject) (contract.AcceptInvitationResponseObject, error) {
	m, err := s.Teams.Accept(ctx, s.actor(ctx), r.Invitation)
	return contract.AcceptInvitation200JSONResponse(teamOf(m)), err
}

// DeclineInvitation closes the invitation.
func (s *Server) DeclineInvitation(ctx context.Context, r contract.DeclineInvitationRequestObject) (contract.DeclineInvitationResponseObject, error) {
	return contract.DeclineInvitation204Response{}, s.Teams.Decline(ctx, s.actor(ctx), r.Invitation)
}

// UpdateIdentity names one of the user's identities.
func (s *Server) UpdateIdentity(ctx context.Context, r contract.UpdateIdentityRequestObject) (contract.UpdateIdentityResponseObject, error) {
	i, err := s.Users.SetLabel(ctx, s.actor(ctx), r.Identity, r.Body.Label)
	return contract.UpdateIdentity200JSONResponse(s.identityOf(i)), err
}

// MakeIdentityPrimary chooses the primary wallet or address.
func (s *Server) MakeIdentityPrimary(ctx context.Context, r contract.MakeIdentityPrimaryRequestObject) (contract.MakeIdentityPrimaryResponseObject, error) {
	i, err := s.Users.MakePrimary(ctx, s.actor(ctx), r.Identity)
	return contract.MakeIdentityPrimary200JSONResponse(s.identityOf(i)), err
}

// UnlinkIdentity unlinks an identity of the user.
func (s *Server) UnlinkIdentity(ctx context.Context, r contract.UnlinkIdentityRequestObject) (contract.UnlinkIdentityResponseObject, error) {
	return contract.UnlinkIdentity204Response{}, s.Linking.Unlink(ctx, s.actor(ctx), r.Identity)
}

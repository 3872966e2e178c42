package api

import (
	"context"

	"github.com/latchkey/latchkey/api/contract"
	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/linking"
)

// RemoveMyEmail removes an address of the signed-in user.
func (s *Server) RemoveMyEmail(ctx context.Context, r contract.RemoveMyEmailRequestObject) (contract.RemoveMyEmailResponseObject, error) {
	return contract.RemoveMyEmail204Response{}, s.Linking.RemoveEmail(ctx, s.actor(ctx), userID(ctx), r.Address, "")
}

// SettleMyEmail keeps the owner's word that a contested address is theirs.
func (s *Server) SettleMyEmail(ctx context.Context, r contract.SettleMyEmailRequestObject) (contract.SettleMyEmailResponseObject, error) {
	return contract.SettleMyEmail204Response{}, s.Linking.SettleEmail(ctx, s.actor(ctx), r.Address)
}

// AdminRemoveUserEmail removes an address of a user, for operators. By a former
// id it is of the user that it became.
func (s *Server) AdminRemoveUserEmail(ctx context.Context, r contract.AdminRemoveUserEmailRequestObject) (contract.AdminRemoveUserEmailResponseObject, error) {
	u, err := s.Users.Get(ctx, r.User)
	if err != nil {
		return nil, err
	}
	return contract.AdminRemoveUserEmail204Response{}, s.Linking.RemoveEmail(ctx, s.actor(ctx), u.ID, r.Address, value(r.Params.Reason))
}

// ListLinkRequests lists what asks to be linked to the signed-in user.
func (s *Server) ListLinkRequests(ctx context.Context, _ contract.ListLinkRequestsRequestObject) (contract.ListLinkRequestsResponseObject, error) {
	found, err := s.Linking.LinkRequests(ctx, s.holder(ctx))
	return contract.ListLinkRequests200JSONResponse{Data: each(found, func(l linking.LinkRequest) contract.LinkRequest { return *linkRequestOf(&l) })}, err
}

// AcceptLinkRequest links what a request asks for.
func (s *Server) AcceptLinkRequest(ctx context.Context, r contract.AcceptLinkRequestRequestObject) (contract.AcceptLinkRequestResponseObject, error) {
	linked, err := s.Linking.RedeemLink(ctx, s.holder(ctx), r.LinkRequest)
	if err != nil {
		return nil, err
	}
	return contract.AcceptLinkRequest200JSONResponse(*linkRequestOf(&linked)), nil
}

// DismissLinkRequest ends a request without linking anything.
func (s *Server) DismissLinkRequest(ctx context.Context, r contract.DismissLinkRequestRequestObject) (contract.DismissLinkRequestResponseObject, error) {
	return contract.DismissLinkRequest204Response{}, s.Linking.DismissLink(ctx, s.holder(ctx), r.LinkRequest)
}

// AdminListRefusedProofs lists what a link ticket can be granted for, to operators.
func (s *Server) AdminListRefusedProofs(ctx context.Context, r contract.AdminListRefusedProofsRequestObject) (contract.AdminListRefusedProofsResponseObject, error) {
	u, err := s.Users.Get(ctx, r.User)
	if err != nil {
		return nil, err
	}
	found, err := s.Linking.RefusedProofs(ctx, u.ID)
	return contract.AdminListRefusedProofs200JSONResponse{Data: each(found, func(v identity.Voucher) contract.RefusedProof {
		return contract.RefusedProof{Provider: v.Provider, Subject: v.Subject, Address: v.Address, RefusedAt: v.LastAt}
	})}, err
}

// AdminGrantLink lets a refused identity ask to be linked to a user, for operators. A
// former id is refused: the operator has to see who the user is now.
func (s *Server) AdminGrantLink(ctx context.Context, r contract.AdminGrantLinkRequestObject) (contract.AdminGrantLinkResponseObject, error) {
	g, err := s.Linking.GrantLink(ctx, s.actor(ctx), r.User, r.Body.Provider, r.Body.Subject, r.Body.Reason)
	if err != nil {
		return nil, err
	}
	return contract.AdminGrantLink201JSONResponse{
		Id: g.ID, UserId: g.UserID, Provider: g.Provider, Subject: g.Subject, CreatedAt: g.CreatedAt, ExpiresAt: g.ExpiresAt,
	}, nil
}

func linkRequestOf(l *linking.LinkRequest) *contract.LinkRequest {
	if l == nil {
		return nil
	}
	return &contract.LinkRequest{Id: l.ID, Provider: l.Provider, Subject: l.Subject, Email: optional(l.Email), DisplayName: l.Name, ExpiresAt: l.ExpiresAt}
}

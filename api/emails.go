package api

import (
	"context"

	"github.com/latchkey/latchkey/linking"
)

// RemoveMyEmail removes an address of the signed-in user.
func (s *Server) RemoveMyEmail(ctx context.Context, r RemoveMyEmailRequestObject) (RemoveMyEmailResponseObject, error) {
	return RemoveMyEmail204Response{}, s.Linking.RemoveEmail(ctx, s.actor(ctx), userID(ctx), r.Address, "")
}

// SettleMyEmail keeps the owner's word that a contested address is theirs.
func (s *Server) SettleMyEmail(ctx context.Context, r SettleMyEmailRequestObject) (SettleMyEmailResponseObject, error) {
	return SettleMyEmail204Response{}, s.Linking.SettleEmail(ctx, s.actor(ctx), r.Address)
}

// AdminRemoveUserEmail removes an address of a user, for operators. By a former
// id it is of the user that it became.
func (s *Server) AdminRemoveUserEmail(ctx context.Context, r AdminRemoveUserEmailRequestObject) (AdminRemoveUserEmailResponseObject, error) {
	u, err := s.Users.Get(ctx, r.User)
	if err != nil {
		return nil, err
	}
	return AdminRemoveUserEmail204Response{}, s.Linking.RemoveEmail(ctx, s.actor(ctx), u.ID, r.Address, value(r.Params.Reason))
}

// ListLinkRequests lists what asks to be linked to the signed-in user.
func (s *Server) ListLinkRequests(ctx context.Context, _ ListLinkRequestsRequestObject) (ListLinkRequestsResponseObject, error) {
	found, err := s.Linking.LinkRequests(ctx, s.holder(ctx))
	return ListLinkRequests200JSONResponse{Data: each(found, func(l linking.LinkRequest) LinkRequest { return *linkRequestOf(&l) })}, err
}

// AcceptLinkRequest links what a request asks for.
func (s *Server) AcceptLinkRequest(ctx context.Context, r AcceptLinkRequestRequestObject) (AcceptLinkRequestResponseObject, error) {
	linked, err := s.Linking.RedeemLink(ctx, s.holder(ctx), r.LinkRequest)
	if err != nil {
		return nil, err
	}
	return AcceptLinkRequest200JSONResponse(*linkRequestOf(&linked)), nil
}

// DismissLinkRequest ends a request without linking anything.
func (s *Server) DismissLinkRequest(ctx context.Context, r DismissLinkRequestRequestObject) (DismissLinkRequestResponseObject, error) {
	return DismissLinkRequest204Response{}, s.Linking.DismissLink(ctx, s.holder(ctx), r.LinkRequest)
}

func linkRequestOf(l *linking.LinkRequest) *LinkRequest {
	if l == nil {
		return nil
	}
	return &LinkRequest{Id: l.ID, Provider: l.Provider, Subject: l.Subject, Email: optional(l.Email), DisplayName: l.Name, ExpiresAt: l.ExpiresAt}
}

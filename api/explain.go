package api

import (
	"context"

	"github.com/latchkey/latchkey/api/contract"
	"github.com/latchkey/latchkey/identity"
)

// AdminUserHistory returns what happened to a user and why, to operators.
func (s *Server) AdminUserHistory(ctx context.Context, r contract.AdminUserHistoryRequestObject) (contract.AdminUserHistoryResponseObject, error) {
	p, err := page(r.Params.Limit, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	u, err := s.Users.Get(ctx, r.User)
	if err != nil {
		return nil, err
	}
	rows, next, err := s.Linking.History(ctx, append(u.MergedFrom, u.ID), p)
	if err != nil {
		return nil, err
	}
	who, err := s.partiesOf(ctx, each(rows, func(e identity.Event) *identity.ID { return e.ActorID }), true)
	data := each(rows, func(e identity.Event) contract.Event { return eventOf(e, who) })
	return contract.AdminUserHistory200JSONResponse{Data: data, NextCursor: nextCursor(next)}, err
}

// AdminExplain is a dry run of the linking decision, for operators.
func (s *Server) AdminExplain(ctx context.Context, r contract.AdminExplainRequestObject) (contract.AdminExplainResponseObject, error) {
	proof := identity.Proof{Provider: r.Body.Provider, Subject: r.Body.Subject, Purpose: identity.PurposeSignIn}
	if r.Body.Purpose != nil {
		proof.Purpose = identity.Purpose(*r.Body.Purpose)
	}
	if r.Body.VerifiedEmail != nil {
		address, err := identity.CanonicalEmail(*r.Body.VerifiedEmail)
		if err != nil {
			return nil, err
		}
		proof.Email, proof.EmailAuthoritative, proof.Reported = address, true, true
	}
	e, err := s.Linking.Explain(ctx, proof, r.Body.SignedIn)
	if err != nil {
		return nil, err
	}
	d := e.Decision
	out := contract.AdminExplain200JSONResponse{
		Action: contract.AdminExplain200JSONResponseBodyAction(d.Action), Reason: string(d.Reason), UserId: optional(d.User),
		Code: optional(string(d.Code)), TicketKind: optional(string(d.Ticket)), ClaimsAddress: d.ClaimAddress, Inputs: d.Inputs,
	}
	return out, nil
}

func eventOf(e identity.Event, who parties) contract.Event {
	data := map[string]any(e.Data)
	if data == nil {
		data = map[string]any{}
	}
	return contract.Event{
		Id: e.ID, At: e.At, Action: string(e.Action), ActorId: e.ActorID, UserId: e.UserID, TeamId: e.TeamID,
		SessionId: e.SessionID, Ip: e.IP, UserAgent: e.UserAgent, Data: data,
		Actor: who.named(e.ActorID),
	}
}

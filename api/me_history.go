package api

import (
	"context"
	"slices"

	"github.com/latchkey/latchkey/api/contract"
	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/linking"
)

// ListEmails lists the user's verified addresses.
func (s *Server) ListEmails(ctx context.Context, _ contract.ListEmailsRequestObject) (contract.ListEmailsResponseObject, error) {
	out, err := s.emailsOf(ctx, requestInfoOf(ctx).principal.User)
	return contract.ListEmails200JSONResponse{Data: out}, err
}

func (s *Server) emailsOf(ctx context.Context, u identity.User) ([]contract.Email, error) {
	rows, err := s.Users.Emails(ctx, u.ID)
	return each(rows, func(e identity.Email) contract.Email {
		return contract.Email{
			Address: e.Address, Source: e.Source, VerifiedAt: e.VerifiedAt,
			Primary: u.PrimaryEmail != nil && *u.PrimaryEmail == e.Address, Contested: optional(e.Contested), OnlyBy: e.OnlyBy,
		}
	}), err
}

// ListMyHistory returns what happened to the user.
func (s *Server) ListMyHistory(ctx context.Context, r contract.ListMyHistoryRequestObject) (contract.ListMyHistoryResponseObject, error) {
	p, err := page(r.Params.Limit, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	ids, err := s.Users.FormerIDs(ctx, userID(ctx))
	if err != nil {
		return nil, err
	}
	ids = append(ids, userID(ctx))
	rows, next, err := s.Linking.History(ctx, ids, p)
	return contract.ListMyHistory200JSONResponse{
		Data: each(rows, func(e identity.Event) contract.MyEvent { return myEventOf(e, ids) }), NextCursor: nextCursor(next),
	}, err
}

// myEventOf leaves out the event's data, which is for operators and may name
// other people, and where others acted from.
func myEventOf(e identity.Event, mine []identity.ID) contract.MyEvent {
	out := contract.MyEvent{Id: e.ID, At: e.At, Action: string(e.Action), By: contract.MyEventByOther}
	switch {
	case e.ActorID != nil && slices.Contains(mine, *e.ActorID):
		out.By = contract.MyEventBySelf
	case e.ActorID == nil && e.IP == "":
		out.By = contract.MyEventByService
	case e.ActorID == nil:
		out.By = contract.MyEventByNobody
	}
	if name, ok := e.Data["provider"].(string); ok {
		out.Provider = &name
	}
	if name, ok := e.Data["client"].(string); ok {
		out.Application = &name
	}
	if out.By == contract.MyEventBySelf || out.By == contract.MyEventByNobody {
		out.Ip = optional(e.IP)
		if e.UserAgent != "" {
			out.Device = new(device(e.UserAgent))
		}
	}
	return out
}

// ListMyMerges lists merges of the user, who finds there what can be undone.
func (s *Server) ListMyMerges(ctx context.Context, r contract.ListMyMergesRequestObject) (contract.ListMyMergesResponseObject, error) {
	p, err := page(r.Params.Limit, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	rows, next, err := s.Linking.Merges(ctx, new(userID(ctx)), p)
	return contract.ListMyMerges200JSONResponse{Data: each(rows, myMergeOf), NextCursor: nextCursor(next)}, err
}

func myMergeOf(m linking.Merge) contract.MyMerge {
	return contract.MyMerge{
		Id: m.ID, SourceId: m.SourceID, SurvivorId: m.SurvivorID, ConfirmedAt: m.ConfirmedAt, UndoUntil: m.UndoUntil, UndoneAt: m.UndoneAt,
	}
}

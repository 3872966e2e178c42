package api

import (
	"context"

	"github.com/gin-gonic/gin"

	"github.com/latchkey/latchkey/api/contract"
	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/linking"
)

// PreviewMerge shows what redeeming a ticket would do.
func (s *Server) PreviewMerge(ctx context.Context, r contract.PreviewMergeRequestObject) (contract.PreviewMergeResponseObject, error) {
	p, err := s.Linking.PreviewMerge(ctx, s.holder(ctx), r.Body.Ticket, wishes(r.Body.SurvivorId, r.Body.Choices, nil))
	if err != nil {
		return nil, err
	}
	shown, err := s.previewOf(ctx, p)
	return contract.PreviewMerge200JSONResponse(shown), err
}

// GetMerge returns a preview, or a merge into the signed-in user.
func (s *Server) GetMerge(ctx context.Context, r contract.GetMergeRequestObject) (contract.GetMergeResponseObject, error) {
	p, err := s.Linking.MergeFor(ctx, s.holder(ctx), r.Merge, linking.MergeChoices{})
	if err != nil {
		return nil, err
	}
	shown, err := s.previewOf(ctx, p)
	return contract.GetMerge200JSONResponse(shown), err
}

// ConfirmMerge merges, and goes on as the survivor.
func (s *Server) ConfirmMerge(ctx context.Context, r contract.ConfirmMergeRequestObject) (contract.ConfirmMergeResponseObject, error) {
	p, result, err := s.Linking.ConfirmMerge(ctx, s.holder(ctx), r.Merge, wishes(r.Body.SurvivorId, r.Body.Choices, r.Body.Fingerprint))
	if err != nil {
		return nil, err
	}
	out := contract.ConfirmMerge200JSONResponse{Merge: s.mergeOf(p), User: userOf(result.User), Session: s.sessionOf(result.Session, true)}
	token := asToken(ctx, r.Body.Delivery)
	if token {
		out.Token = &result.Token
	}
	s.deliver(ctx.(*gin.Context), result, token)
	return out, nil
}

// UndoMerge undoes a merge for its survivor.
func (s *Server) UndoMerge(ctx context.Context, r contract.UndoMergeRequestObject) (contract.UndoMergeResponseObject, error) {
	p, err := s.Linking.UndoMerge(ctx, s.actor(ctx), r.Merge, false)
	return contract.UndoMerge200JSONResponse(s.mergeOf(p)), err
}

// AdminListMerges lists merges, to operators.
func (s *Server) AdminListMerges(ctx context.Context, r contract.AdminListMergesRequestObject) (contract.AdminListMergesResponseObject, error) {
	p, err := page(r.Params.Limit, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	rows, next, err := s.Linking.Merges(ctx, r.Params.UserId, p)
	if err != nil {
		return nil, err
	}
	who, err := s.partiesOf(ctx, each(rows, func(m linking.Merge) *identity.ID { return m.ActorID }), true)
	data := each(rows, func(m linking.Merge) contract.MergeRecord { return mergeRecordOf(m, who) })
	return contract.AdminListMerges200JSONResponse{Data: data, NextCursor: nextCursor(next)}, err
}

// AdminMerge merges two users for an operator, or shows what it would do.
func (s *Server) AdminMerge(ctx context.Context, r contract.AdminMergeRequestObject) (contract.AdminMergeResponseObject, error) {
	actor := s.actor(ctx)
	p, err := s.Linking.AdminMerge(ctx, &actor, r.Body.UserIds[0], r.Body.UserIds[1],
		wishes(r.Body.SurvivorId, r.Body.Choices, r.Body.Fingerprint), value(r.Body.DryRun))
	if err != nil {
		return nil, err
	}
	shown, err := s.previewOf(ctx, p)
	return contract.AdminMerge200JSONResponse(shown), err
}

// AdminUndoMerge undoes a merge for an operator.
func (s *Server) AdminUndoMerge(ctx context.Context, r contract.AdminUndoMergeRequestObject) (contract.AdminUndoMergeResponseObject, error) {
	p, err := s.Linking.UndoMerge(ctx, s.actor(ctx), r.Merge, true)
	return contract.AdminUndoMerge200JSONResponse(s.mergeOf(p)), err
}

// holder is who redeems a ticket: this session in this browser.
func (s *Server) holder(ctx context.Context) linking.TicketHolder {
	info := requestInfoOf(ctx)
	return linking.TicketHolder{
		Principal: *info.principal, Origin: info.origin,
		BrowserHash: identity.HashSecret(s.cookies.flowOf(ctx.(*gin.Context))),
	}
}

func wishes(survivor *identity.ID, choices *contract.MergeChoices, fingerprint *string) linking.MergeChoices {
	w := linking.MergeChoices{Survivor: survivor, Choices: map[string]linking.Side{}, Fingerprint: value(fingerprint)}
	for field, side := range value(choices) {
		w.Choices[field] = linking.Side(side)
	}
	return w
}

// previewOf tells users apart who have nothing but a wallet: it is shown what a
// merge is about before it is.
func (s *Server) previewOf(ctx context.Context, p linking.Preview) (contract.Merge, error) {
	out := s.mergeOf(p)
	known, err := s.Users.Summaries(ctx, []identity.ID{p.Source.ID, p.Survivor.ID})
	out.Source.PrimaryWallet, out.Survivor.PrimaryWallet = known[p.Source.ID].PrimaryWallet, known[p.Survivor.ID].PrimaryWallet
	return out, err
}

func (s *Server) mergeOf(p linking.Preview) contract.Merge {
	summary := func(u identity.User) contract.UserSummary {
		return contract.UserSummary{Id: u.ID, DisplayName: u.DisplayName, PrimaryEmail: u.PrimaryEmail}
	}
	out := contract.Merge{
		Id: p.ID, State: contract.MergeStateProposed, Survivor: summary(p.Survivor), Source: summary(p.Source),
		Moves: contract.MergeMoves{
			Identities: each(p.Plan.Identities, s.identityOf), Emails: append([]string{}, p.Plan.Emails...),
			Teams: each(p.Plan.Memberships, mergedTeamOf), SessionsEnded: p.Sessions, Invitations: p.Invitations,
		},
		Conflicts: each(p.Conflicts, func(c linking.Conflict) contract.MergeConflict {
			return contract.MergeConflict{Field: c.Field, Source: c.Source, Survivor: c.Survivor, Choice: contract.MergeSide(c.Choice)}
		}),
		Gains: each(p.Gains, func(g linking.Gain) contract.MergeGain {
			return contract.MergeGain{Kind: contract.MergeGainKind(g.Kind), TeamId: g.TeamID, TeamName: optional(g.TeamName), Role: optional(contract.Role(g.Role))}
		}),
		Fingerprint: p.Fingerprint,
	}
	if m := p.Merge; m != nil {
		out.State, out.ConfirmedAt, out.UndoUntil, out.UndoneAt = contract.MergeStateConfirmed, &m.ConfirmedAt, &m.UndoUntil, m.UndoneAt
		if m.UndoneAt != nil {
			out.State = contract.MergeStateUndone
		}
	}
	return out
}

func mergedTeamOf(m linking.MovedMembership) contract.MergedTeam {
	out := contract.MergedTeam{TeamId: m.TeamID, TeamName: m.TeamName, Role: contract.Role(m.Role), Becomes: contract.Role(m.Becomes)}
	if m.Current != nil {
		role := contract.MergedTeamCurrentRole(*m.Current)
		out.CurrentRole = &role
	}
	return out
}

func mergeRecordOf(m linking.Merge, who parties) contract.MergeRecord {
	summary := func(id identity.ID, p linking.Profile) contract.UserSummary {
		return contract.UserSummary{Id: id, DisplayName: p.DisplayName, PrimaryEmail: p.PrimaryEmail}
	}
	return contract.MergeRecord{
		Id: m.ID, SourceId: m.SourceID, Source: summary(m.SourceID, m.Plan.Source),
		SurvivorId: m.SurvivorID, Survivor: summary(m.SurvivorID, m.Plan.After), ActorId: m.ActorID, Actor: who.named(m.ActorID),
		ConfirmedAt: m.ConfirmedAt, UndoUntil: m.UndoUntil, UndoneAt: m.UndoneAt,
	}
}

func summaryOf(id identity.ID, s identity.Summary) contract.UserSummary {
	return contract.UserSummary{Id: id, DisplayName: s.DisplayName, PrimaryEmail: s.PrimaryEmail, PrimaryWallet: s.PrimaryWallet}
}

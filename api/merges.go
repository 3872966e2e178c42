package api

import (
	"context"

	"github.com/gin-gonic/gin"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/linking"
)

// PreviewMerge shows what redeeming a ticket would do.
func (s *Server) PreviewMerge(ctx context.Context, r PreviewMergeRequestObject) (PreviewMergeResponseObject, error) {
	p, err := s.Linking.PreviewMerge(ctx, s.holder(ctx), r.Body.Ticket, wishes(r.Body.SurvivorId, r.Body.Choices, nil))
	if err != nil {
		return nil, err
	}
	shown, err := s.previewOf(ctx, p)
	return PreviewMerge200JSONResponse(shown), err
}

// GetMerge returns a preview, or a merge into the signed-in user.
func (s *Server) GetMerge(ctx context.Context, r GetMergeRequestObject) (GetMergeResponseObject, error) {
	p, err := s.Linking.MergeFor(ctx, s.holder(ctx), r.Merge, linking.MergeChoices{})
	if err != nil {
		return nil, err
	}
	shown, err := s.previewOf(ctx, p)
	return GetMerge200JSONResponse(shown), err
}

// ConfirmMerge merges, and goes on as the survivor.
func (s *Server) ConfirmMerge(ctx context.Context, r ConfirmMergeRequestObject) (ConfirmMergeResponseObject, error) {
	p, result, err := s.Linking.ConfirmMerge(ctx, s.holder(ctx), r.Merge, wishes(r.Body.SurvivorId, r.Body.Choices, r.Body.Fingerprint))
	if err != nil {
		return nil, err
	}
	out := ConfirmMerge200JSONResponse{Merge: s.mergeOf(p), User: userOf(result.User), Session: s.sessionOf(result.Session, true)}
	token := asToken(ctx, r.Body.Delivery)
	if token {
		out.Token = &result.Token
	}
	s.deliver(ctx.(*gin.Context), result, token)
	return out, nil
}

// UndoMerge takes a merge back for its survivor.
func (s *Server) UndoMerge(ctx context.Context, r UndoMergeRequestObject) (UndoMergeResponseObject, error) {
	p, err := s.Linking.UndoMerge(ctx, s.actor(ctx), r.Merge, false)
	return UndoMerge200JSONResponse(s.mergeOf(p)), err
}

// AdminListMerges lists merges, to operators.
func (s *Server) AdminListMerges(ctx context.Context, r AdminListMergesRequestObject) (AdminListMergesResponseObject, error) {
	p, err := page(r.Params.Limit, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	rows, next, err := s.Linking.Merges(ctx, r.Params.UserId, p)
	if err != nil {
		return nil, err
	}
	who, err := s.partiesOf(ctx, each(rows, func(m linking.Merge) *identity.ID { return m.ActorID }), true)
	data := each(rows, func(m linking.Merge) MergeRecord { return mergeRecordOf(m, who) })
	return AdminListMerges200JSONResponse{Data: data, NextCursor: nextCursor(next)}, err
}

// AdminMerge merges two users for an operator, or shows what it would do.
func (s *Server) AdminMerge(ctx context.Context, r AdminMergeRequestObject) (AdminMergeResponseObject, error) {
	actor := s.actor(ctx)
	p, err := s.Linking.AdminMerge(ctx, &actor, r.Body.UserIds[0], r.Body.UserIds[1],
		wishes(r.Body.SurvivorId, r.Body.Choices, r.Body.Fingerprint), value(r.Body.DryRun))
	if err != nil {
		return nil, err
	}
	shown, err := s.previewOf(ctx, p)
	return AdminMerge200JSONResponse(shown), err
}

// AdminUndoMerge takes a merge back for an operator.
func (s *Server) AdminUndoMerge(ctx context.Context, r AdminUndoMergeRequestObject) (AdminUndoMergeResponseObject, error) {
	p, err := s.Linking.UndoMerge(ctx, s.actor(ctx), r.Merge, true)
	return AdminUndoMerge200JSONResponse(s.mergeOf(p)), err
}

// holder is who redeems a ticket: this session in this browser.
func (s *Server) holder(ctx context.Context) linking.TicketHolder {
	info := requestInfoOf(ctx)
	return linking.TicketHolder{
		Principal: *info.principal, Client: info.client,
		BrowserHash: identity.HashSecret(s.cookies.flowOf(ctx.(*gin.Context))),
	}
}

func wishes(survivor *identity.ID, choices *MergeChoices, fingerprint *string) linking.MergeChoices {
	w := linking.MergeChoices{Survivor: survivor, Choices: map[string]linking.Side{}, Fingerprint: value(fingerprint)}
	for field, side := range value(choices) {
		w.Choices[field] = linking.Side(side)
	}
	return w
}

// previewOf tells users apart who have nothing but a wallet: it is shown what a
// merge is about before it is.
func (s *Server) previewOf(ctx context.Context, p linking.Preview) (Merge, error) {
	out := s.mergeOf(p)
	known, err := s.Users.Summaries(ctx, []identity.ID{p.Source.ID, p.Survivor.ID})
	out.Source.PrimaryWallet, out.Survivor.PrimaryWallet = known[p.Source.ID].PrimaryWallet, known[p.Survivor.ID].PrimaryWallet
	return out, err
}

func (s *Server) mergeOf(p linking.Preview) Merge {
	summary := func(u identity.User) UserSummary {
		return UserSummary{Id: u.ID, DisplayName: u.DisplayName, PrimaryEmail: u.PrimaryEmail}
	}
	out := Merge{
		Id: p.ID, State: MergeStateProposed, Survivor: summary(p.Survivor), Source: summary(p.Source),
		Moves: MergeMoves{
			Identities: each(p.Plan.Identities, s.identityOf), Emails: append([]string{}, p.Plan.Emails...),
			Teams: each(p.Plan.Memberships, mergedTeamOf), SessionsEnded: p.Sessions, Invitations: p.Invitations,
		},
		Conflicts: each(p.Conflicts, func(c linking.Conflict) MergeConflict {
			return MergeConflict{Field: c.Field, Source: c.Source, Survivor: c.Survivor, Choice: MergeSide(c.Choice)}
		}),
		Gains: each(p.Gains, func(g linking.Gain) MergeGain {
			return MergeGain{Kind: MergeGainKind(g.Kind), TeamId: g.TeamID, TeamName: optional(g.TeamName), Role: optional(Role(g.Role))}
		}),
		Fingerprint: p.Fingerprint,
	}
	if m := p.Merge; m != nil {
		out.State, out.ConfirmedAt, out.UndoUntil, out.UndoneAt = MergeStateConfirmed, &m.ConfirmedAt, &m.UndoUntil, m.UndoneAt
		if m.UndoneAt != nil {
			out.State = MergeStateUndone
		}
	}
	return out
}

func mergedTeamOf(m linking.MovedMembership) MergedTeam {
	out := MergedTeam{TeamId: m.TeamID, TeamName: m.TeamName, Role: Role(m.Role), Becomes: Role(m.Becomes)}
	if m.Current != nil {
		role := MergedTeamCurrentRole(*m.Current)
		out.CurrentRole = &role
	}
	return out
}

func mergeRecordOf(m linking.Merge, who parties) MergeRecord {
	summary := func(id identity.ID, p linking.Profile) UserSummary {
		return UserSummary{Id: id, DisplayName: p.DisplayName, PrimaryEmail: p.PrimaryEmail}
	}
	return MergeRecord{
		Id: m.ID, SourceId: m.SourceID, Source: summary(m.SourceID, m.Plan.Source),
		SurvivorId: m.SurvivorID, Survivor: summary(m.SurvivorID, m.Plan.After), ActorId: m.ActorID, Actor: who.named(m.ActorID),
		ConfirmedAt: m.ConfirmedAt, UndoUntil: m.UndoUntil, UndoneAt: m.UndoneAt,
	}
}

func summaryOf(id identity.ID, s identity.Summary) UserSummary {
	return UserSummary{Id: id, DisplayName: s.DisplayName, PrimaryEmail: s.PrimaryEmail, PrimaryWallet: s.PrimaryWallet}
}

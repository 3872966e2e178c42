package api

import (
	"context"

	"github.com/latchkey/latchkey/api/contract"
	"github.com/latchkey/latchkey/identity/method/wallet"
	"github.com/latchkey/latchkey/identity/team"
)

// ListTeams lists the user's teams.
func (s *Server) ListTeams(ctx context.Context, r contract.ListTeamsRequestObject) (contract.ListTeamsResponseObject, error) {
	p, err := page(r.Params.Limit, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	rows, next, err := s.Teams.List(ctx, userID(ctx), p)
	return contract.ListTeams200JSONResponse{Data: each(rows, teamOf), NextCursor: nextCursor(next)}, err
}

// CreateTeam makes a team that the user owns.
func (s *Server) CreateTeam(ctx context.Context, r contract.CreateTeamRequestObject) (contract.CreateTeamResponseObject, error) {
	m, err := s.Teams.Create(ctx, s.actor(ctx), r.Body.Name)
	return contract.CreateTeam201JSONResponse(teamOf(m)), err
}

// GetTeam returns a team of the user.
func (s *Server) GetTeam(ctx context.Context, r contract.GetTeamRequestObject) (contract.GetTeamResponseObject, error) {
	m, err := s.Teams.Get(ctx, s.actor(ctx), r.Team)
	return contract.GetTeam200JSONResponse(teamOf(m)), err
}

// UpdateTeam renames a team.
func (s *Server) UpdateTeam(ctx context.Context, r contract.UpdateTeamRequestObject) (contract.UpdateTeamResponseObject, error) {
	m, err := s.Teams.Rename(ctx, s.actor(ctx), r.Team, r.Body.Name)
	return contract.UpdateTeam200JSONResponse(teamOf(m)), err
}

// DeleteTeam deletes a team and ends its sessions.
func (s *Server) DeleteTeam(ctx context.Context, r contract.DeleteTeamRequestObject) (contract.DeleteTeamResponseObject, error) {
	return contract.DeleteTeam204Response{}, s.Teams.Delete(ctx, s.actor(ctx), r.Team)
}

// ListMembers lists who is in the team.
func (s *Server) ListMembers(ctx context.Context, r contract.ListMembersRequestObject) (contract.ListMembersResponseObject, error) {
	p, err := page(r.Params.Limit, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	rows, next, err := s.Teams.Members(ctx, s.actor(ctx), r.Team, p)
	return contract.ListMembers200JSONResponse{Data: each(rows, memberOf), NextCursor: nextCursor(next)}, err
}

// UpdateMember changes a member's role.
func (s *Server) UpdateMember(ctx context.Context, r contract.UpdateMemberRequestObject) (contract.UpdateMemberResponseObject, error) {
	m, err := s.Teams.ChangeRole(ctx, s.actor(ctx), r.Team, r.User, team.Role(r.Body.Role), value(r.Body.EndKeys))
	return contract.UpdateMember200JSONResponse(memberOf(m)), err
}

// TransferTeam makes another member the owner, and the user an admin.
func (s *Server) TransferTeam(ctx context.Context, r contract.TransferTeamRequestObject) (contract.TransferTeamResponseObject, error) {
	m, err := s.Teams.Transfer(ctx, s.actor(ctx), r.Team, r.Body.UserId, value(r.Body.EndKeys))
	return contract.TransferTeam200JSONResponse(memberOf(m)), err
}

// RemoveMember takes a member out, or lets the user leave.
func (s *Server) RemoveMember(ctx context.Context, r contract.RemoveMemberRequestObject) (contract.RemoveMemberResponseObject, error) {
	keys, err := s.Teams.RemoveWith(ctx, s.actor(ctx), r.Team, r.User, team.Removal{
		EndKeys: value(r.Params.EndKeys), DryRun: value(r.Params.DryRun),
	})
	if err != nil || r.Params.EndKeys == nil && r.Params.DryRun == nil {
		return contract.RemoveMember204Response{}, err
	}
	return contract.RemoveMember200JSONResponse{DryRun: value(r.Params.DryRun), ApiKeys: each(keys, createdKeyOf)}, nil
}

// ListInvitations lists the team's open invitations.
func (s *Server) ListInvitations(ctx context.Context, r contract.ListInvitationsRequestObject) (contract.ListInvitationsResponseObject, error) {
	p, err := page(r.Params.Limit, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	rows, next, err := s.Teams.Invitations(ctx, s.actor(ctx), r.Team, p)
	return contract.ListInvitations200JSONResponse{Data: each(rows, invitationOf), NextCursor: nextCursor(next)}, err
}

// CreateInvitation invites an address or a wallet.
func (s *Server) CreateInvitation(ctx context.Context, r contract.CreateInvitationRequestObject) (contract.CreateInvitationResponseObject, error) {
	to := team.Target{Email: r.Body.Email}
	if r.Body.Wallet != nil {
		address, err := wallet.ParseAddress(*r.Body.Wallet)
		if err != nil {
			return nil, err.WithField("wallet")
		}
		to.Wallet = optional(address.Hex())
	}
	i, err := s.Teams.Invite(ctx, s.actor(ctx), r.Team, to, team.Role(r.Body.Role))
	out := invitationOf(i)
	out.Mail = optional(contract.InvitationMail(i.MailStatus))
	return contract.CreateInvitation201JSONResponse(out), err
}

// ResendInvitation replaces an invitation by a new one, which is mailed.
func (s *Server) ResendInvitation(ctx context.Context, r contract.ResendInvitationRequestObject) (contract.ResendInvitationResponseObject, error) {
	i, err := s.Teams.Resend(ctx, s.actor(ctx), r.Team, r.Invitation)
	out := invitationOf(i)
	out.Mail = optional(contract.InvitationMail(i.MailStatus))
	return contract.ResendInvitation200JSONResponse(out), err
}

// RevokeInvitation cancels an invitation.
func (s *Server) RevokeInvitation(ctx context.Context, r contract.RevokeInvitationRequestObject) (contract.RevokeInvitationResponseObject, error) {
	return contract.RevokeInvitation204Response{}, s.Teams.RevokeInvitation(ctx, s.actor(ctx), r.Team, r.Invitation)
}

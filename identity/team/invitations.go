package team

import (
	"cmp"
	"context"
	"time"

	"github.com/latchkey/latchkey/identity"
)

// InvitationStore keeps invitations. "Open" means neither closed nor expired.
type InvitationStore interface {
	// InsertInvitation answers false when the address or wallet has an open
	// invitation to the team; one that has expired gives way.
	InsertInvitation(ctx context.Context, i Invitation) (inserted bool, err error)
	// ShownAsMember reports whether a member of the team is listed by the address or
	// wallet of the invitation: see identity.Summary.
	ShownAsMember(ctx context.Context, i Invitation) (bool, error)
	CloseInvitation(ctx context.Context, i Invitation) error
	// Invitation returns an invitation, open or not. Invitations change only
	// under their team's lock.
	Invitation(ctx context.Context, id identity.ID) (Invitation, error)
	// OpenInvitations lists open invitations, with the VoidReason of those that
	// cannot be accepted.
	OpenInvitations(ctx context.Context, team identity.ID, now time.Time, p identity.Page) ([]Invitation, error)
	// OpenInvitationTo is the one of them to the address or wallet of i.
	OpenInvitationTo(ctx context.Context, i Invitation) (Invitation, error)
	// InvitationsFor lists open invitations to the user's verified addresses
	// and externally owned wallets.
	InvitationsFor(ctx context.Context, user identity.ID, now time.Time, p identity.Page) ([]Received, error)
	// Owns reports whether the invitation's address or wallet is the user's.
	Owns(ctx context.Context, user identity.ID, i Invitation) (bool, error)
	// CountEmailInvitations counts those by e-mail made after since, closed ones
	// too, that have the team, the inviter or the address of this one.
	CountEmailInvitations(ctx context.Context, i Invitation, since time.Time) (EmailCounts, error)
	// LockAddress is that of package email.
	LockAddress(ctx context.Context, address string) error
}

// Target is whom an invitation is for: exactly one of the two.
type Target struct {
	Email  *string // any spelling
	Wallet *string // EIP-55
}

// Invite asks the owner of an address or wallet to join with a role the actor
// may grant. An address gets a mail, see MailStatus. CodeAlreadyMember only for
// an address or wallet that the list of members shows: inviting must not reveal
// the owner of one that is not shown.
func (s *Service) Invite(ctx context.Context, actor identity.Actor, team identity.ID, to Target, role Role) (Invitation, error) {
	if (to.Email == nil) == (to.Wallet == nil) {
		return Invitation{}, identity.NewError(identity.CodeInvalidRequest, "give exactly one of email and wallet")
	}
	if to.Email != nil {
		canonical, err := identity.CanonicalEmail(*to.Email)
		if err != nil {
			return Invitation{}, err
		}
		to.Email = &canonical
	}
	now := s.now()
	i := Invitation{
		ID: identity.NewID(), TeamID: team, Email: to.Email, Wallet: to.Wallet, Role: role,
		InvitedBy: actor.UserID, CreatedAt: now, ExpiresAt: now.Add(invitationLifetime),
	}
	err := s.inviting(ctx, actor, team, func(ctx context.Context, _ Team, by Role) error {
		if !by.ActsOn(role) {
			return identity.NewError(identity.CodeForbidden, "only an owner can invite an owner")
		}
		if member, err := s.store.ShownAsMember(ctx, i); err != nil {
			return err
		} else if member {
			return identity.NewError(identity.CodeAlreadyMember, "this person is already a member of the team")
		}
		if err := s.insertInvitation(ctx, actor, i, by); err != nil {
			return err
		}
		var err error
		if i.MailStatus, err = s.tell(ctx, actor, i); err != nil {
			return err
		}
		return s.store.RecordEvents(ctx, s.event(actor, identity.ActionInvitationCreated, team, nil, i.data()))
	})
	return i, err
}

// insertInvitation writes a new invitation. An open one to the same address or
// wallet that cannot be accepted gives way, if the actor could cancel it.
func (s *Service) insertInvitation(ctx context.Context, actor identity.Actor, i Invitation, by Role) error {
	inserted, err := s.store.InsertInvitation(ctx, i)
	if err != nil || inserted {
		return err
	}
	open, err := s.store.OpenInvitationTo(ctx, i)
	if err != nil {
		return err
	}
	if open.VoidReason == "" || !by.ActsOn(open.Role) {
		return identity.NewError(identity.CodeAlreadyInvited, "there is already an open invitation to this address or wallet")
	}
	if err := s.close(ctx, actor, open, OutcomeRevoked, identity.ActionInvitationRevoked); err != nil {
		return err
	}
	if inserted, err = s.store.InsertInvitation(ctx, i); err == nil && !inserted {
		err = identity.ErrRaced
	}
	return err
}

// Invitations lists the team's open invitations (admin, owner).
func (s *Service) Invitations(ctx context.Context, actor identity.Actor, team identity.ID, p identity.Page) ([]Invitation, *identity.ID, error) {
	if err := s.RequireManager(ctx, actor, team); err != nil {
		return nil, nil, err
	}
	rows, err := s.store.OpenInvitations(ctx, team, s.now(), p)
	rows, next := identity.Next(rows, p, func(i Invitation) identity.ID { return i.ID })
	return rows, next, err
}

// Resend replaces an open invitation by a new one to the same address or wallet, with
// the same role, and mails it (admin, owner). CodeInvitationClosed if it is not open.
func (s *Service) Resend(ctx context.Context, actor identity.Actor, team, id identity.ID) (Invitation, error) {
	var i Invitation
	err := s.inviting(ctx, actor, team, func(ctx context.Context, _ Team, by Role) error {
		old, err := s.store.Invitation(ctx, id)
		if err != nil {
			return err
		}
		now := s.now()
		switch {
		case old.TeamID != team:
			return identity.ErrNotFound // another team's invitation
		case !old.ExpiresAt.After(now):
			return errInvitationClosed()
		case !by.ActsOn(old.Role):
			return identity.NewError(identity.CodeForbidden, "only an owner can invite an owner")
		}
		if err := s.close(ctx, actor, old, OutcomeRevoked, identity.ActionInvitationRevoked); err != nil {
			return err
		}
		i = Invitation{
			ID: identity.NewID(), TeamID: team, Email: old.Email, Wallet: old.Wallet, Role: old.Role,
			InvitedBy: actor.UserID, CreatedAt: now, ExpiresAt: now.Add(invitationLifetime),
		}
		if inserted, err := s.store.InsertInvitation(ctx, i); err != nil || !inserted {
			return cmp.Or[error](err, identity.ErrRaced)
		}
		if i.MailStatus, err = s.tell(ctx, actor, i); err != nil {
			return err
		}
		return s.store.RecordEvents(ctx, s.event(actor, identity.ActionInvitationCreated, team, nil, i.data()))
	})
	return i, err
}

// RevokeInvitation cancels an open invitation of this team. A machine may.
func (s *Service) RevokeInvitation(ctx context.Context, actor identity.Actor, team, id identity.ID) error {
	return InTeamTx(ctx, s.store, actor, team, s.now, managing(func(ctx context.Context, _ Team, by Role) error {
		i, err := s.store.Invitation(ctx, id)
		if err != nil {
			return err
		}
		if i.TeamID != team {
			return identity.ErrNotFound // another team's invitation
		}
		if !by.ActsOn(i.Role) {
			return identity.NewError(identity.CodeForbidden, "only an owner can cancel an invitation to be owner")
		}
		return s.close(ctx, actor, i, OutcomeRevoked, identity.ActionInvitationRevoked)
	}))
}

// Received lists the open invitations to the user.
func (s *Service) Received(ctx context.Context, user identity.ID, p identity.Page) ([]Received, *identity.ID, error) {
	rows, err := s.store.InvitationsFor(ctx, user, s.now(), p)
	rows, next := identity.Next(rows, p, func(r Received) identity.ID { return r.ID })
	return rows, next, err
}

// Accept makes the actor a member, if the invited address or wallet is theirs, the
// invitation is open, and the person who sent it could still send it, which is
// decided under the team's lock: a removed, demoted or suspended admin must not
// come back through invitations left behind.
func (s *Service) Accept(ctx context.Context, actor identity.Actor, id identity.ID) (TeamWithRole, error) {
	var out TeamWithRole
	err := s.answer(ctx, actor, id, func(ctx context.Context, t Team, i Invitation) error {
		if _, err := s.standing(ctx, i); isNotFound(err) {
			return identity.NewError(identity.CodeInvitationClosed,
				"the person who sent this invitation can no longer invite you with this role: ask the team for a new one")
		} else if err != nil {
			return err
		}
		m := Membership{TeamID: t.ID, UserID: actor.UserID, Role: i.Role, CreatedAt: s.now()}
		inserted, err := s.store.InsertMembership(ctx, m)
		if err != nil {
			return err
		}
		if !inserted {
			return identity.NewError(identity.CodeAlreadyMember, "you are already a member of this team")
		}
		out = TeamWithRole{Team: t, Role: m.Role}
		if err := s.store.RecordEvents(ctx, s.event(actor, identity.ActionMemberAdded, t.ID, &actor.UserID, identity.Metadata{"role": m.Role})); err != nil {
			return err
		}
		return s.close(ctx, actor, i, OutcomeAccepted, identity.ActionInvitationAccepted)
	})
	return out, err
}

// Decline closes an open invitation to the actor.
func (s *Service) Decline(ctx context.Context, actor identity.Actor, id identity.ID) error {
	return s.answer(ctx, actor, id, func(ctx context.Context, _ Team, i Invitation) error {
		return s.close(ctx, actor, i, OutcomeDeclined, identity.ActionInvitationDeclined)
	})
}

// answer runs fn under the lock of the invitation's team, for the owner
// of the invited address or wallet. For anyone else there is no invitation.
func (s *Service) answer(ctx context.Context, actor identity.Actor, id identity.ID, fn func(ctx context.Context, t Team, i Invitation) error) error {
	return s.store.InTx(ctx, func(ctx context.Context) error {
		if err := s.requireActive(ctx, actor.UserID); err != nil {
			return err
		}
		i, err := s.store.Invitation(ctx, id)
		if err != nil {
			return err
		}
		owns, err := s.store.Owns(ctx, actor.UserID, i)
		if err != nil {
			return err
		}
		if !owns {
			return identity.ErrNotFound
		}
		t, err := s.store.LockTeam(ctx, i.TeamID)
		if isNotFound(err) {
			return errInvitationClosed()
		}
		if err != nil {
			return err
		}
		if i, err = s.store.Invitation(ctx, id); err != nil { // as it is under the lock
			return err
		}
		if i.ClosedAt != nil || !i.ExpiresAt.After(s.now()) {
			return errInvitationClosed()
		}
		return fn(ctx, t, i)
	})
}

func (s *Service) close(ctx context.Context, actor identity.Actor, i Invitation, outcome Outcome, action identity.Action) error {
	now := s.now()
	if i.ClosedAt != nil {
		return errInvitationClosed()
	}
	i.ClosedAt, i.Outcome = &now, &outcome
	if err := s.store.CloseInvitation(ctx, i); err != nil {
		return err
	}
	return s.store.RecordEvents(ctx, s.event(actor, action, i.TeamID, nil, i.data()))
}

func errInvitationClosed() error {
	return identity.NewError(identity.CodeInvitationClosed, "this invitation is no longer open: ask the team for a new one")
}

// data is what the audit trail keeps of an invitation.
func (i Invitation) data() identity.Metadata {
	m := identity.Metadata{"invitation_id": i.ID, "role": i.Role}
	if i.Email != nil {
		m["email"] = *i.Email
	}
	if i.Wallet != nil {
		m["wallet"] = *i.Wallet
	}
	if i.MailStatus != "" {
		m["mail"] = i.MailStatus
	}
	if i.VoidReason != "" {
		m["void_reason"] = i.VoidReason
	}
	return m
}

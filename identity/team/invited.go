package team

import (
	"context"
	"time"

	"github.com/latchkey/latchkey/identity"
)

// The limits of mail that invitations cause: a person writes the team's name and
// picks who gets it. An invitation beyond a limit is created without a mail, so that
// frequent invitations cannot keep an address from being invited.
const (
	MailsToAddress = 5   // a day to one address, by whatever team
	MailsByTeam    = 100 // a day
	MailsByInviter = 100 // a day, in all teams
)

const mailWindow = 24 * time.Hour

// MailStatus is whether a mail is sent to an invited address; "" for a wallet.
type MailStatus string

// What becomes of it.
const (
	MailQueued  MailStatus = "queued"  // a mail is sent after the commit
	MailOff     MailStatus = "off"     // this deployment sends no mail
	MailLimited MailStatus = "limited" // too many already
)

// EmailCounts is how many invitations by e-mail there are.
type EmailCounts struct{ ByTeam, ByInviter, ToAddress int }

// InvitationMailer sends the mail of an invitation: it queues the task in the
// transaction of the invitation, and the worker asks Service.InvitationMail.
type InvitationMailer interface {
	Announce(ctx context.Context, i Invitation, language identity.Language) error
}

// InvitationMail is what the mail of an invitation says. TeamName is what members
// wrote.
type InvitationMail struct {
	To       string // canonical
	TeamName string
	Role     Role
	Until    time.Time
}

// inviting is change that also holds the inviter's row, which the limits count
// by: before the team's, where both are locked.
func (s *Service) inviting(ctx context.Context, actor identity.Actor, team identity.ID, fn changeFunc) error {
	if err := actor.RequirePerson(); err != nil {
		return err
	}
	return s.store.InTx(ctx, func(ctx context.Context) error {
		if _, err := s.store.LockUsers(ctx, actor.UserID); err != nil {
			return err
		}
		return s.change(ctx, actor, team, fn)
	})
}

// tell queues the mail of an invitation that was just made, itself counted. It is in the
// language of the person who invites, for that of the other is not known.
func (s *Service) tell(ctx context.Context, actor identity.Actor, i Invitation) (MailStatus, error) {
	if i.Email == nil {
		return "", nil
	}
	if s.post == nil {
		return MailOff, nil
	}
	if err := s.store.LockAddress(ctx, *i.Email); err != nil {
		return "", err
	}
	n, err := s.store.CountEmailInvitations(ctx, i, i.CreatedAt.Add(-mailWindow))
	if err != nil {
		return "", err
	}
	if n.ToAddress > MailsToAddress || n.ByTeam > MailsByTeam || n.ByInviter > MailsByInviter {
		return MailLimited, nil
	}
	return MailQueued, s.post.Announce(ctx, i, actor.Origin.Language)
}

// InvitationMail returns what to write to an invited address as things are now, at the
// moment it is sent. identity.ErrNotFound: nothing any more, because the
// invitation is not open, or could not be accepted.
func (s *Service) InvitationMail(ctx context.Context, id identity.ID) (out InvitationMail, err error) {
	err = s.store.InTx(ctx, func(ctx context.Context) error {
		i, err := s.store.Invitation(ctx, id)
		if err != nil {
			return err
		}
		if i.Email == nil || i.ClosedAt != nil || !i.ExpiresAt.After(s.now()) {
			return identity.ErrNotFound
		}
		if err := s.requireActive(ctx, i.InvitedBy); err != nil { // a suspended user sends no mail
			return err
		}
		t, err := s.standing(ctx, i)
		out = InvitationMail{To: *i.Email, TeamName: t.Name, Role: i.Role, Until: i.ExpiresAt}
		return err
	})
	return out, err
}

// standing returns the team of an invitation, if the person who sent it is an
// active member who could still send it; else identity.ErrNotFound.
func (s *Service) standing(ctx context.Context, i Invitation) (Team, error) {
	inviter, err := s.store.TeamFor(ctx, i.TeamID, i.InvitedBy)
	if err == nil && !inviter.Role.mayInvite(i.Role) {
		err = identity.ErrNotFound
	}
	return inviter.Team, err
}

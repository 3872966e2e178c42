// Package team holds teams, their members and roles, and invitations to them.
package team

import (
	"time"

	"github.com/latchkey/latchkey/identity"
)

// Role is what a member may do in a team.
type Role string

// The roles, from the most to the least powerful.
const (
	RoleOwner  Role = "owner"
	RoleAdmin  Role = "admin"
	RoleMember Role = "member"
)

// Manages reports whether the role may see and change members, invitations and
// sessions of the team.
func (r Role) Manages() bool { return r == RoleOwner || r == RoleAdmin }

// ActsOn reports whether the role may change, remove, invite or grant other.
// Owners act on everyone, admins on everyone but owners.
func (r Role) ActsOn(other Role) bool {
	return r == RoleOwner || r == RoleAdmin && other != RoleOwner
}

// Above reports whether the role may more than other.
func (r Role) Above(other Role) bool { return r.rank() > other.rank() }

func (r Role) rank() int {
	switch r {
	case RoleOwner:
		return 3
	case RoleAdmin:
		return 2
	case RoleMember:
		return 1
	}
	return 0
}

// RequireManages refuses with CodeForbidden unless the role manages the team.
func (r Role) RequireManages() error {
	if !r.Manages() {
		return identity.NewError(identity.CodeForbidden, "this requires the role admin or owner in the team")
	}
	return nil
}

// Team is a group of users whose sessions its admins can see and end.
type Team struct {
	ID        identity.ID
	Name      string
	CreatedAt time.Time
	UpdatedAt time.Time
	DeletedAt *time.Time
}

// Membership is a user's place in a team.
type Membership struct {
	TeamID    identity.ID
	UserID    identity.ID
	Role      Role
	CreatedAt time.Time
	RoleSince *time.Time // when the role was last changed; nil while it is the first
}

// TeamWithRole is a team with the role that the asking user has in it.
type TeamWithRole struct { //nolint:revive // WithRole alone says nothing
	Team
	Role Role
}

// Member is a membership with what the team may see of the user.
type Member struct {
	Membership
	identity.Summary
}

// MembershipWithTeam is a membership with the name of the team.
type MembershipWithTeam struct {
	Membership
	TeamName string
}

// Outcome is how an invitation was closed.
type Outcome string

// The outcomes of an invitation.
const (
	OutcomeAccepted Outcome = "accepted"
	OutcomeDeclined Outcome = "declined"
	OutcomeRevoked  Outcome = "revoked"
)

// VoidReason is why an open invitation cannot be accepted now, though it was not
// closed: the person who sent it could not send it any more. It is derived from
// what they are now, so it goes when they are entitled again.
type VoidReason string

// The reasons.
const (
	VoidInviterSuspended VoidReason = "inviter_suspended"
	VoidInviterRemoved   VoidReason = "inviter_removed"
	VoidInviterDemoted   VoidReason = "inviter_demoted"
)

// mayInvite reports whether a role may invite somebody with another.
func (r Role) mayInvite(other Role) bool { return r.Manages() && r.ActsOn(other) }

// Void returns why the invitation cannot be accepted, "" if it can, by the status
// of its inviter and by their role in the team now; nil for none.
func (i Invitation) Void(status identity.Status, role *Role) VoidReason {
	switch {
	case status != identity.StatusActive:
		return VoidInviterSuspended
	case role == nil:
		return VoidInviterRemoved
	case !role.mayInvite(i.Role):
		return VoidInviterDemoted
	}
	return ""
}

// Invitation asks the owner of one verified address, or of one wallet, to join.
// Exactly one of Email and Wallet is set.
type Invitation struct {
	ID        identity.ID
	TeamID    identity.ID
	Email     *string // canonical
	Wallet    *string // EIP-55
	Role      Role
	InvitedBy identity.ID
	CreatedAt time.Time
	ExpiresAt time.Time
	ClosedAt  *time.Time
	Outcome   *Outcome

	MailStatus MailStatus `bun:"-"` // what Invite did about the mail; not stored
	VoidReason VoidReason `bun:"-"` // as lists tell
}

// Received is an invitation as its receiver sees it.
type Received struct {
	Invitation
	TeamName string
}

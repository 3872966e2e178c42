package team

import (
	"context"

	"github.com/latchkey/latchkey/identity"
)

// Members lists who is in the team, to any member.
func (s *Service) Members(ctx context.Context, actor identity.Actor, team identity.ID, p identity.Page) ([]Member, *identity.ID, error) {
	if _, err := s.Get(ctx, actor, team); err != nil {
		return nil, nil, err
	}
	rows, err := s.store.Members(ctx, team, p)
	rows, next := identity.Next(rows, p, func(m Member) identity.ID { return m.UserID })
	return rows, next, err
}

// ChangeRole gives a member another role. Both the old and the new role must be
// ones the actor acts on; the last active owner stays one (CodeLastOwner).
// Team sessions go on: the role is read afresh by every check.
func (s *Service) ChangeRole(ctx context.Context, actor identity.Actor, team, user identity.ID, role Role) (Member, error) {
	var out Member
	err := s.change(ctx, actor, team, func(ctx context.Context, _ Team, by Role) error {
		m, err := s.store.Membership(ctx, team, user)
		if err != nil {
			return err
		}
		if !by.ActsOn(m.Role) || !by.ActsOn(role) {
			return identity.NewError(identity.CodeForbidden, "only an owner makes or unmakes an owner")
		}
		before := m.Role
		if before == role {
			out, err = s.store.Member(ctx, team, user)
			return err
		}
		m.Role, m.RoleSince = role, new(s.now())
		if err := s.store.UpdateRole(ctx, m); err != nil {
			return err
		}
		if err := s.keepOwner(ctx, team, before); err != nil {
			return err
		}
		if out, err = s.store.Member(ctx, team, user); err != nil {
			return err
		}
		return s.store.RecordEvents(ctx, s.event(actor, identity.ActionMemberRoleChanged, team, &user,
			identity.Metadata{"before": before, "role": role}))
	})
	return out, err
}

// Remove takes a member out of the team and ends his team sessions in the same
// transaction. Any member may remove himself; the last active owner stays.
func (s *Service) Remove(ctx context.Context, actor identity.Actor, team, user identity.ID) error {
	return s.locked(ctx, actor, team, func(ctx context.Context, _ Team, by Role) error {
		leaving := user == actor.UserID
		if !leaving {
			if err := by.RequireManages(); err != nil {
				return err
			}
		}
		m, err := s.store.Membership(ctx, team, user)
		if err != nil {
			return err
		}
		if !leaving && !by.ActsOn(m.Role) {
			return identity.NewError(identity.CodeForbidden, "only an owner removes an owner")
		}
		if err := s.store.DeleteMembership(ctx, team, user); err != nil {
			return err
		}
		if err := s.keepOwner(ctx, team, m.Role); err != nil {
			return err
		}
		if err := s.store.EndTeamSessions(ctx, team, &user, actor.UserID, "member_removed", s.now()); err != nil {
			return err
		}
		return s.store.RecordEvents(ctx, s.event(actor, identity.ActionMemberRemoved, team, &user,
			identity.Metadata{"role": m.Role, "left": leaving}))
	})
}

// keepOwner refuses what has just been done if it took the last active owner.
// It counts after the change, under the team's lock, so two changes at once
// cannot both pass.
func (s *Service) keepOwner(ctx context.Context, team identity.ID, before Role) error {
	if before != RoleOwner {
		return nil
	}
	owners, err := s.store.CountActiveOwners(ctx, team)
	if err != nil {
		return err
	}
	if owners == 0 {
		return identity.NewError(identity.CodeLastOwner, "a team needs an owner: make another member an owner first")
	}
	return nil
}

package team

import (
	"context"
	"errors"

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
// Team sessions go on: the role is read afresh by every check. With endKeys, which is
// for a lower role and requires a recent sign-in, the API keys of the team that the
// member created end, too.
func (s *Service) ChangeRole(ctx context.Context, actor identity.Actor, team, user identity.ID, role Role, endKeys bool) (Member, error) {
	var out Member
	err := s.change(ctx, actor, team, func(ctx context.Context, _ Team, by Role) error {
		m, err := s.store.Membership(ctx, team, user)
		if err != nil {
			return err
		}
		if !by.ActsOn(m.Role) || !by.ActsOn(role) {
			return identity.NewError(identity.CodeForbidden, "only an owner can add or remove an owner")
		}
		out, err = s.setRole(ctx, actor, m, role, endKeys)
		return err
	})
	return out, err
}

// Transfer makes another member an owner and the actor, an owner, an admin, both or
// neither. With endKeys, which requires a recent sign-in, the API keys of the team that
// the actor created end, too. It returns the new owner. A suspended member cannot become
// the only owner (CodeLastOwner).
func (s *Service) Transfer(ctx context.Context, actor identity.Actor, team, to identity.ID, endKeys bool) (Member, error) {
	var out Member
	err := s.change(ctx, actor, team, func(ctx context.Context, _ Team, by Role) error {
		if by != RoleOwner {
			return identity.NewError(identity.CodeForbidden, "only an owner can transfer a team")
		}
		if to == actor.UserID {
			return identity.NewError(identity.CodeInvalidRequest, "choose another member").WithField("user_id")
		}
		heir, err := s.store.Membership(ctx, team, to)
		if err != nil {
			return err
		}
		if out, err = s.setRole(ctx, actor, heir, RoleOwner, false); err != nil {
			return err
		}
		own, err := s.store.Membership(ctx, team, actor.UserID)
		if err != nil {
			return err
		}
		_, err = s.setRole(ctx, actor, own, RoleAdmin, endKeys)
		return err
	})
	return out, err
}

// setRole changes the role of a member in the transaction that locked the team.
func (s *Service) setRole(ctx context.Context, actor identity.Actor, m Membership, role Role, endKeys bool) (Member, error) {
	before := m.Role
	if endKeys {
		if !before.Above(role) {
			return Member{}, identity.NewError(identity.CodeInvalidRequest, "only a lower role ends keys").WithField("end_keys")
		}
		if err := actor.RequireRecentlyVerified(); err != nil {
			return Member{}, err
		}
	}
	if before == role {
		return s.store.Member(ctx, m.TeamID, m.UserID)
	}
	m.Role, m.RoleSince = role, new(s.now())
	if err := s.store.UpdateRole(ctx, m); err != nil {
		return Member{}, err
	}
	if err := s.keepOwner(ctx, m.TeamID, before); err != nil {
		return Member{}, err
	}
	out, err := s.store.Member(ctx, m.TeamID, m.UserID)
	if err != nil {
		return Member{}, err
	}
	e := s.event(actor, identity.ActionMemberRoleChanged, m.TeamID, &m.UserID, identity.Metadata{"before": before, "role": role})
	if !endKeys {
		return out, s.store.RecordEvents(ctx, e)
	}
	keys, err := s.store.KeysCreatedBy(ctx, m.UserID, &m.TeamID, s.now())
	if err != nil {
		return Member{}, err
	}
	ended, err := s.endKeys(ctx, actor, keys, "member_demoted")
	if err != nil {
		return Member{}, err
	}
	e.Data["api_keys_ended"] = len(keys)
	return out, s.store.RecordEvents(ctx, append(ended, e)...)
}

// Removal is how a member is removed.
type Removal struct {
	// EndKeys ends the API keys of the team that the member created. Without it
	// they go on: they are the team's.
	EndKeys bool
	DryRun  bool // only tell what would happen
}

// errDryRun rolls back what a dry run has done.
var errDryRun = errors.New("dry run")

// Remove takes a member out of the team and ends, in the same transaction, their team
// sessions and what they let applications do in the team. Any member may remove themselves; the last active owner stays.
func (s *Service) Remove(ctx context.Context, actor identity.Actor, team, user identity.ID) error {
	_, err := s.RemoveWith(ctx, actor, team, user, Removal{})
	return err
}

// RemoveWith is Remove, and returns the working keys of the team that the member
// created: to those who manage the team, who alone may end them, and only when
// recently verified.
func (s *Service) RemoveWith(ctx context.Context, actor identity.Actor, team, user identity.ID, r Removal) ([]identity.CreatedKey, error) {
	var keys []identity.CreatedKey
	err := s.locked(ctx, actor, team, func(ctx context.Context, _ Team, by Role) (err error) {
		leaving := user == actor.UserID
		if !leaving || r.EndKeys {
			if err := by.RequireManages(); err != nil {
				return err
			}
		}
		m, err := s.store.Membership(ctx, team, user)
		if err != nil {
			return err
		}
		if !leaving && !by.ActsOn(m.Role) {
			return identity.NewError(identity.CodeForbidden, "only an owner can remove an owner")
		}
		if r.EndKeys && !r.DryRun {
			if err := actor.RequireRecentlyVerified(); err != nil {
				return err
			}
		}
		if err := s.store.DeleteMembership(ctx, team, user); err != nil {
			return err
		}
		if err := s.keepOwner(ctx, team, m.Role); err != nil {
			return err
		}
		now := s.now()
		if err := s.store.EndTeamSessions(ctx, team, &user, actor.UserID, "member_removed", now); err != nil {
			return err
		}
		if err := s.store.RevokeTeamGrants(ctx, team, &user, now); err != nil {
			return err
		}
		if by.Manages() {
			if keys, err = s.store.KeysCreatedBy(ctx, user, &team, now); err != nil {
				return err
			}
		}
		if r.DryRun {
			return errDryRun
		}
		e := s.event(actor, identity.ActionMemberRemoved, team, &user, identity.Metadata{"role": m.Role, "left": leaving})
		events := []identity.Event{e}
		if r.EndKeys {
			e.Data["api_keys_ended"] = len(keys)
			ended, err := s.endKeys(ctx, actor, keys, "member_removed")
			if err != nil {
				return err
			}
			events = append(events, ended...)
		}
		return s.store.RecordEvents(ctx, events...)
	})
	if errors.Is(err, errDryRun) {
		err = nil
	}
	return keys, err
}

// endKeys ends keys of the team, and returns the events of it.
func (s *Service) endKeys(ctx context.Context, actor identity.Actor, keys []identity.CreatedKey, reason string) ([]identity.Event, error) {
	now := s.now()
	if err := s.store.RevokeKeys(ctx, identity.KeyIDs(keys), now); err != nil {
		return nil, err
	}
	events := make([]identity.Event, len(keys))
	for i, k := range keys {
		events[i] = k.Revoked(actor, reason, now)
	}
	return events, nil
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

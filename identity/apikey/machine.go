package apikey

import (
	"context"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/team"
)

// MaxPerTeam is how many keys of one team work at a time.
const MaxPerTeam = 100

// NewMachine is a key to be made that is a machine member of a team.
type NewMachine struct {
	Name     string
	Role     team.Role     // admin or member
	Lifetime time.Duration // 0 for DefaultLifetime
}

// CreateInTeam makes a key of a team (admin, owner, recently verified) and returns it
// with its text, which is shown this once. Its maker may leave; the key stays.
// CodeTooManyKeys beyond MaxPerTeam.
func (s *Service) CreateInTeam(ctx context.Context, actor identity.Actor, id identity.ID, n NewMachine) (k Key, raw string, err error) {
	// An owner is a person who is responsible for the team. A machine cannot be.
	if n.Role != team.RoleAdmin && n.Role != team.RoleMember {
		return Key{}, "", invalid("role", "a key of a team has the role admin or member")
	}
	if n.Name, n.Lifetime, err = clean(n.Name, n.Lifetime); err != nil {
		return Key{}, "", err
	}
	err = s.manage(ctx, actor, id, func(ctx context.Context) (err error) {
		k, raw, err = s.insert(ctx, &actor, Key{Name: n.Name, TeamID: &id, Role: &n.Role}, n.Lifetime)
		if err != nil {
			return err
		}
		return s.bounded(ctx, id)
	})
	return k, raw, err
}

// ListInTeam returns the keys of a team (admin, owner), without secrets.
func (s *Service) ListInTeam(ctx context.Context, actor identity.Actor, id identity.ID, p identity.Page) ([]Key, *identity.ID, error) {
	if err := actor.RequirePerson(); err != nil {
		return nil, nil, err
	}
	if err := team.RequireManager(ctx, s.store, actor, id, s.now()); err != nil {
		return nil, nil, err
	}
	return s.list(ctx, &id, p)
}

// RevokeInTeam is Revoke for a key of a team (admin, owner, recently verified).
func (s *Service) RevokeInTeam(ctx context.Context, actor identity.Actor, id, key identity.ID) error {
	return s.manage(ctx, actor, id, func(ctx context.Context) error { return s.revoke(ctx, &actor, &id, key) })
}

// RotateInTeam is Rotate for a key of a team (admin, owner, recently verified).
// CodeTooManyKeys where both would work and there are too many already.
func (s *Service) RotateInTeam(ctx context.Context, actor identity.Actor, id, key identity.ID, overlap time.Duration) (k Key, raw string, err error) {
	if err := checkOverlap(overlap); err != nil {
		return Key{}, "", err
	}
	err = s.manage(ctx, actor, id, func(ctx context.Context) (err error) {
		if k, raw, err = s.rotate(ctx, &actor, &id, key, overlap); err != nil {
			return err
		}
		return s.bounded(ctx, id)
	})
	return k, raw, err
}

// manage runs fn under the team's lock for a person who manages the team and has
// recently verified. They can manage every role that a key can have.
func (s *Service) manage(ctx context.Context, actor identity.Actor, id identity.ID, fn func(ctx context.Context) error) error {
	if err := actor.RequirePerson(); err != nil {
		return err
	}
	return team.InTeamTx(ctx, s.store, actor, id, s.now, func(ctx context.Context, _ team.Team, role team.Role) error {
		if err := role.RequireManages(); err != nil {
			return err
		}
		if err := actor.RequireRecentlyVerified(); err != nil {
			return err
		}
		return fn(ctx)
	})
}

// bounded counts after the change, under the team's lock.
func (s *Service) bounded(ctx context.Context, id identity.ID) error {
	n, err := s.store.CountTeamAPIKeys(ctx, id, s.now())
	if err == nil && n > MaxPerTeam {
		err = identity.NewError(identity.CodeTooManyKeys, "a team can have at most %d active API keys: revoke one first", MaxPerTeam)
	}
	return err
}

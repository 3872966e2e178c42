package team

import (
	"context"
	"time"

	"github.com/latchkey/latchkey/identity"
)

// RoleReader reads who has a place in a team. Teams and places that do not exist are
// identity.ErrNotFound.
type RoleReader interface {
	InTx(ctx context.Context, fn func(ctx context.Context) error) error
	// LockTeam returns a team that is not deleted and holds its row until the
	// transaction ends, so that member counts stay true.
	LockTeam(ctx context.Context, id identity.ID) (Team, error)
	// HoldTeam holds a team's row like LockTeam, before what is read next, and does not
	// say whether there is one.
	HoldTeam(ctx context.Context, id identity.ID) error
	// TeamFor returns a team, with the role of an active user who is a member of
	// it. Suspending somebody takes the locks of their teams, so under a team's lock
	// the answer stays true.
	TeamFor(ctx context.Context, id, user identity.ID) (TeamWithRole, error)
	// TeamForKey is TeamFor for a machine: the role is that of an API key of the
	// team that works at now.
	TeamForKey(ctx context.Context, id, key identity.ID, now time.Time) (TeamWithRole, error)
}

// TeamAs returns a team as an actor sees it, with the role of now: a member's, or
// that of a key of the team. identity.ErrNotFound for anyone else, also for a key
// that has ended. It is the one place that knows machines from people.
func TeamAs(ctx context.Context, s RoleReader, actor identity.Actor, id identity.ID, now time.Time) (TeamWithRole, error) { //nolint:revive // As alone says nothing
	if actor.KeyID != nil {
		return s.TeamForKey(ctx, id, *actor.KeyID, now)
	}
	return s.TeamFor(ctx, id, actor.UserID)
}

// RequireManager refuses who does not manage the team: CodeForbidden for other members.
func RequireManager(ctx context.Context, s RoleReader, actor identity.Actor, id identity.ID, now time.Time) error {
	m, err := TeamAs(ctx, s, actor, id, now)
	if err == nil {
		err = m.Role.RequireManages()
	}
	return err
}

// hold holds the row of a team that an actor's role is read in next. For a machine it
// waits until it has it: its key may expire meanwhile.
func hold(ctx context.Context, s RoleReader, actor identity.Actor, id identity.ID) error {
	if actor.KeyID == nil {
		return s.HoldTeam(ctx, id)
	}
	_, err := s.LockTeam(ctx, id)
	return err
}

// InTeamTx runs fn in a transaction under the team's row lock, with the role that
// the actor has then.
func InTeamTx(ctx context.Context, s RoleReader, actor identity.Actor, id identity.ID, now identity.Clock, fn func(ctx context.Context, t Team, role Role) error) error {
	return s.InTx(ctx, func(ctx context.Context) error {
		if err := hold(ctx, s, actor, id); err != nil {
			return err
		}
		m, err := TeamAs(ctx, s, actor, id, now())
		if err != nil {
			return err
		}
		return fn(ctx, m.Team, m.Role)
	})
}

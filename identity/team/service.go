package team

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/latchkey/latchkey/identity"
)

// invitationLifetime is long enough for a holiday and short enough that a
// forgotten invitation does not stay open.
const invitationLifetime = 14 * 24 * time.Hour

// Store keeps teams. Methods called inside InTx with its context run in that
// transaction. Rows that do not exist are identity.ErrNotFound.
type Store interface {
	RoleReader

	Ender

	InsertTeam(ctx context.Context, t Team) error
	// LockUsers returns the users among ids, holding their rows: before a team's,
	// where both are locked.
	LockUsers(ctx context.Context, ids ...identity.ID) ([]identity.User, error)
	TeamsOf(ctx context.Context, user identity.ID, p identity.Page) ([]TeamWithRole, error)
	// Teams lists all teams that are not deleted and have a text in their name, newest
	// first.
	Teams(ctx context.Context, search string, p identity.Page) ([]Counted, error)
	// MembershipsWithTeam lists the memberships of a user in teams that are not deleted,
	// oldest team first.
	MembershipsWithTeam(ctx context.Context, user identity.ID, p identity.Page) ([]MembershipWithTeam, error)

	InsertMembership(ctx context.Context, m Membership) (inserted bool, err error)
	UpdateRole(ctx context.Context, m Membership) error
	DeleteMembership(ctx context.Context, team, user identity.ID) error
	Membership(ctx context.Context, team, user identity.ID) (Membership, error)
	Member(ctx context.Context, team, user identity.ID) (Member, error)
	Members(ctx context.Context, team identity.ID, p identity.Page) ([]Member, error)
	CountActiveOwners(ctx context.Context, team identity.ID) (int, error)

	// KeysCreatedBy lists the working keys that a user created, under any id they
	// have had: those of a team, or with nil all. RevokeKeys ends keys.
	KeysCreatedBy(ctx context.Context, user identity.ID, team *identity.ID, now time.Time) ([]identity.CreatedKey, error)
	RevokeKeys(ctx context.Context, ids []identity.ID, at time.Time) error

	InvitationStore
	RecordEvents(ctx context.Context, events ...identity.Event) error
}

// Counted is a team with its size.
type Counted struct {
	Team
	Members, Sessions int // Sessions: that have not ended
}

// All lists the teams of the deployment that have a text in their name, newest first.
// Its callers decide who may.
func (s *Service) All(ctx context.Context, search string, p identity.Page) ([]Counted, *identity.ID, error) {
	rows, err := s.store.Teams(ctx, search, p)
	rows, next := identity.Next(rows, p, func(c Counted) identity.ID { return c.ID })
	return rows, next, err
}

// Service changes teams. Every method decides inside one transaction, under the
// team's row lock, and writes its audit event there.
type Service struct {
	store Store
	post  InvitationMailer
	now   identity.Clock
}

// Option changes a Service.
type Option func(s *Service)

// WithInvitationMailer sets what sends the mails of invitations. Without it no mail is sent.
func WithInvitationMailer(p InvitationMailer) Option { return func(s *Service) { s.post = p } }

// NewService returns the service over a store.
func NewService(store Store, now identity.Clock, options ...Option) *Service {
	s := &Service{store: store, now: now}
	for _, o := range options {
		o(s)
	}
	return s
}

// Name limits a team's name: 1 to 100 characters after trimming, none of them
// a control character.
func cleanName(name string) (string, error) {
	name = strings.TrimSpace(name)
	if name == "" || !identity.IsLine(name, 100) {
		return "", identity.NewError(identity.CodeInvalidRequest,
			"a team's name has 1 to 100 characters and no control characters").WithField("name")
	}
	return name, nil
}

// Create makes a team that the actor owns.
func (s *Service) Create(ctx context.Context, actor identity.Actor, name string) (TeamWithRole, error) {
	name, err := cleanName(name)
	if err != nil {
		return TeamWithRole{}, err
	}
	now := s.now()
	t := Team{ID: identity.NewID(), Name: name, CreatedAt: now, UpdatedAt: now}
	err = s.store.InTx(ctx, func(ctx context.Context) error {
		if err := s.requireActive(ctx, actor.UserID); err != nil {
			return err
		}
		if err := s.store.InsertTeam(ctx, t); err != nil {
			return err
		}
		if _, err := s.store.InsertMembership(ctx, Membership{TeamID: t.ID, UserID: actor.UserID, Role: RoleOwner, CreatedAt: now}); err != nil {
			return err
		}
		return s.store.RecordEvents(ctx, s.event(actor, identity.ActionTeamCreated, t.ID, &actor.UserID, identity.Metadata{"name": name}))
	})
	return TeamWithRole{Team: t, Role: RoleOwner}, err
}

// Get returns a team the actor is in; identity.ErrNotFound for any other.
func (s *Service) Get(ctx context.Context, actor identity.Actor, team identity.ID) (TeamWithRole, error) {
	return TeamAs(ctx, s.store, actor, team, s.now())
}

// List returns the user's teams.
func (s *Service) List(ctx context.Context, user identity.ID, p identity.Page) ([]TeamWithRole, *identity.ID, error) {
	rows, err := s.store.TeamsOf(ctx, user, p)
	rows, next := identity.Next(rows, p, func(m TeamWithRole) identity.ID { return m.ID })
	return rows, next, err
}

// Places lists where a user is a member, and since when, for operators.
func (s *Service) Places(ctx context.Context, user identity.ID, p identity.Page) ([]MembershipWithTeam, *identity.ID, error) {
	rows, err := s.store.MembershipsWithTeam(ctx, user, p)
	rows, next := identity.Next(rows, p, func(m MembershipWithTeam) identity.ID { return m.TeamID })
	return rows, next, err
}

// Rename changes the team's name (admin, owner).
func (s *Service) Rename(ctx context.Context, actor identity.Actor, id identity.ID, name string) (TeamWithRole, error) {
	name, err := cleanName(name)
	if err != nil {
		return TeamWithRole{}, err
	}
	var out TeamWithRole
	err = s.change(ctx, actor, id, func(ctx context.Context, t Team, role Role) error {
		before := t.Name
		t.Name, t.UpdatedAt = name, s.now()
		out = TeamWithRole{Team: t, Role: role}
		if err := s.store.UpdateTeam(ctx, t); err != nil {
			return err
		}
		return s.store.RecordEvents(ctx, s.event(actor, identity.ActionTeamUpdated, id, nil, identity.Metadata{"before": before, "name": name}))
	})
	return out, err
}

// Delete deletes the team and ends its sessions and API keys (owner, recently
// verified).
func (s *Service) Delete(ctx context.Context, actor identity.Actor, id identity.ID) error {
	return s.change(ctx, actor, id, func(ctx context.Context, t Team, role Role) error {
		if role != RoleOwner {
			return identity.NewError(identity.CodeForbidden, "only an owner can delete a team")
		}
		if err := actor.RequireRecentlyVerified(); err != nil {
			return err
		}
		keys, err := End(ctx, s.store, t, actor.UserID, s.now())
		if err != nil {
			return err
		}
		return s.store.RecordEvents(ctx, s.event(actor, identity.ActionTeamDeleted, id, nil, identity.Metadata{"name": t.Name, "api_keys_ended": keys}))
	})
}

// Ender is what End writes.
type Ender interface {
	UpdateTeam(ctx context.Context, t Team) error
	// EndTeamSessions ends the open team sessions of the team, or of one user
	// in it when user is not nil.
	EndTeamSessions(ctx context.Context, team identity.ID, user *identity.ID, by identity.ID, reason string, at time.Time) error
	// EndTeamAPIKeys revokes the keys of the team that are not, and counts them.
	EndTeamAPIKeys(ctx context.Context, team identity.ID, at time.Time) (int, error)
	// RevokeTeamGrants ends what members let applications do in the team, or what one
	// user does when user is not nil.
	RevokeTeamGrants(ctx context.Context, team identity.ID, user *identity.ID, at time.Time) error
}

// End deletes a team whose row is held, and ends its sessions, its API keys and what
// members let applications do in it. It returns how many keys.
func End(ctx context.Context, store Ender, t Team, by identity.ID, at time.Time) (keys int, err error) {
	t.UpdatedAt, t.DeletedAt = at, &at
	if err := store.UpdateTeam(ctx, t); err != nil {
		return 0, err
	}
	if err := store.EndTeamSessions(ctx, t.ID, nil, by, "team_deleted", at); err != nil {
		return 0, err
	}
	if err := store.RevokeTeamGrants(ctx, t.ID, nil, at); err != nil {
		return 0, err
	}
	return store.EndTeamAPIKeys(ctx, t.ID, at)
}

// RequireManager refuses who does not manage the team. Teams the actor is not in
// do not exist for them.
func (s *Service) RequireManager(ctx context.Context, actor identity.Actor, team identity.ID) error {
	return RequireManager(ctx, s.store, actor, team, s.now())
}

// requireActive locks the user's row, so that they are not disabled or merged
// while they join a team; identity.ErrNotFound if they have been.
func (s *Service) requireActive(ctx context.Context, id identity.ID) error {
	users, err := s.store.LockUsers(ctx, id)
	if err == nil && (len(users) == 0 || !users[0].Active()) {
		err = identity.ErrNotFound
	}
	return err
}

// change runs fn in a transaction under the team's row lock for a person who
// manages it.
func (s *Service) change(ctx context.Context, actor identity.Actor, id identity.ID, fn changeFunc) error {
	return s.locked(ctx, actor, id, managing(fn))
}

// locked is change for any member.
func (s *Service) locked(ctx context.Context, actor identity.Actor, id identity.ID, fn changeFunc) error {
	if err := actor.RequirePerson(); err != nil {
		return err
	}
	return InTeamTx(ctx, s.store, actor, id, s.now, fn)
}

type changeFunc = func(ctx context.Context, t Team, role Role) error

// managing keeps everyone out who does not manage the team.
func managing(fn changeFunc) changeFunc {
	return func(ctx context.Context, t Team, role Role) error {
		if err := role.RequireManages(); err != nil {
			return err
		}
		return fn(ctx, t, role)
	}
}

func (s *Service) event(actor identity.Actor, action identity.Action, team identity.ID, user *identity.ID, data identity.Metadata) identity.Event {
	e := actor.Event(action, s.now())
	e.TeamID, e.UserID, e.Data = &team, user, data
	return e
}

func isNotFound(err error) bool { return errors.Is(err, identity.ErrNotFound) }

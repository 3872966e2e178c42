// Package user holds what people change about themselves and what operators see
// of everyone.
package user

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
)

// Store keeps users. Methods called inside InTx with its context run in that
// transaction. Rows that do not exist are identity.ErrNotFound.
type Store interface {
	InTx(ctx context.Context, fn func(ctx context.Context) error) error
	// LockUsers returns the users among ids, holding their rows.
	LockUsers(ctx context.Context, ids ...identity.ID) ([]identity.User, error)
	UpdateUser(ctx context.Context, u identity.User) error
	// User returns a user; the id of a merged one finds the survivor.
	User(ctx context.Context, id identity.ID) (identity.User, error)
	// UserByExternalID is User by the application's own id, also one of a user who was
	// merged away. UpdateApplicationData writes that and the application's metadata.
	UserByExternalID(ctx context.Context, external string) (identity.User, error)
	UpdateApplicationData(ctx context.Context, u identity.User) error
	InsertUser(ctx context.Context, u identity.User) error
	Users(ctx context.Context, f identity.UserFilter, p identity.Page) ([]identity.User, error)
	Identities(ctx context.Context, user identity.ID, p identity.Page) ([]identity.Identity, error)
	IdentitiesOf(ctx context.Context, users []identity.ID) ([]identity.Identity, error)
	Identity(ctx context.Context, id identity.ID) (identity.Identity, error)
	SetLabel(ctx context.Context, i identity.Identity) error
	SetPrimaryWallet(ctx context.Context, user, id identity.ID) error
	EmailOwner(ctx context.Context, address string) (identity.ID, error)
	EmailsOf(ctx context.Context, user identity.ID) ([]string, error)
	// Emails lists a user's verified addresses, first verified first.
	Emails(ctx context.Context, user identity.ID) ([]identity.Email, error)
	SetPrimaryEmail(ctx context.Context, user identity.ID, address string, at time.Time) error
	// LockTeamsOf holds the rows of the users' teams; OwnerlessTeamsOf names those
	// of a user that no active owner is left in.
	LockTeamsOf(ctx context.Context, users ...identity.ID) error
	OwnerlessTeamsOf(ctx context.Context, user identity.ID) ([]string, error)
	// EndSessions is that of session.Store.
	EndSessions(ctx context.Context, user identity.ID, which session.SessionSelector, reason string, at time.Time) ([]identity.ID, error)
	// KillTickets and RevokeGrantsOf are those of linking.MergeStore.
	KillTickets(ctx context.Context, user identity.ID, at time.Time) error
	RevokeGrantsOf(ctx context.Context, user identity.ID, at time.Time) error
	// Deletions returns, of users, who is leaving and who has left. SetRestoresTo sets
	// what one who is leaving is if they come back.
	Deletions(ctx context.Context, users []identity.ID) (map[identity.ID]identity.Leave, error)
	SetRestoresTo(ctx context.Context, user identity.ID, status identity.Status) error
	// Suspend disables a user, until a time or until an operator restores them.
	Suspend(ctx context.Context, user identity.ID, until *time.Time, at time.Time) error
	// KeysCreatedBy and RevokeKeys are those of team.Store.
	KeysCreatedBy(ctx context.Context, user identity.ID, team *identity.ID, now time.Time) ([]identity.CreatedKey, error)
	RevokeKeys(ctx context.Context, ids []identity.ID, at time.Time) error
	// MergedFrom returns the former ids of users, through any number of merges.
	MergedFrom(ctx context.Context, users []identity.ID) (map[identity.ID][]identity.ID, error)
	// Summaries tells what users are known by.
	Summaries(ctx context.Context, users []identity.ID) (map[identity.ID]identity.Summary, error)
	RecordEvents(ctx context.Context, events ...identity.Event) error
}

// Service reads and changes users.
type Service struct {
	store Store
	// onboardedByBackend reports whether people cannot say themselves that they are
	// onboarded.
	onboardedByBackend bool
	notices            identity.Notifier
	now                identity.Clock
}

// Option changes what a service does by default.
type Option func(s *Service)

// OnboardedByBackend lets only the application's backend say who is onboarded.
func OnboardedByBackend(only bool) Option { return func(s *Service) { s.onboardedByBackend = only } }

// NewService returns the service over a store.
func NewService(store Store, notices identity.Notifier, now identity.Clock, options ...Option) *Service {
	s := &Service{store: store, notices: notices, now: now}
	for _, o := range options {
		o(s)
	}
	return s
}

// Change is what a user changes about themselves; nil leaves a field as it is.
type Change struct {
	DisplayName *string
	AvatarURL   *string
	Metadata    identity.Metadata
	Onboarded   *bool
}

func (c Change) check() error {
	if c.DisplayName != nil && !identity.IsLine(*c.DisplayName, 200) {
		return identity.NewError(identity.CodeInvalidRequest, "a name has no control characters").WithField("display_name")
	}
	if c.Metadata != nil {
		return identity.CheckMetadata(c.Metadata)
	}
	return nil
}

// Update changes the actor's own profile.
func (s *Service) Update(ctx context.Context, actor identity.Actor, c Change) (identity.User, error) {
	if err := c.check(); err != nil {
		return identity.User{}, err
	}
	if c.Onboarded != nil && s.onboardedByBackend {
		return identity.User{}, identity.NewError(identity.CodeForbidden, "only the application sets onboarded").WithField("onboarded")
	}
	return s.change(ctx, actor.UserID, func(u *identity.User, now time.Time) identity.Event {
		e := actor.Event(identity.ActionUserUpdated, now)
		var fields []string
		if c.DisplayName != nil {
			u.DisplayName, fields = strings.TrimSpace(*c.DisplayName), append(fields, "display_name")
		}
		if c.AvatarURL != nil {
			u.AvatarURL, fields = *c.AvatarURL, append(fields, "avatar_url")
		}
		if c.Metadata != nil {
			u.Metadata, fields = c.Metadata.Raw(), append(fields, "metadata")
		}
		if c.Onboarded != nil {
			fields = append(fields, "onboarded")
			switch {
			case !*c.Onboarded:
				u.OnboardedAt = nil
			case u.OnboardedAt == nil:
				u.OnboardedAt = &now
			}
		}
		e.Data = identity.Metadata{"fields": fields}
		return e
	})
}

// SetOperator makes a user an operator of the deployment, or revokes that. It
// is for the command line, which has no actor.
func (s *Service) SetOperator(ctx context.Context, id identity.ID, operator bool) (identity.User, error) {
	u, _, err := s.setOperator(ctx, id, operator, false)
	return u, err
}

// RevokeOperator is SetOperator for taking the role back. It returns the working API
// keys of the deployment that the user created, which keep working unless endKeys
// ends them in the same transaction.
func (s *Service) RevokeOperator(ctx context.Context, id identity.ID, endKeys bool) (identity.User, []identity.CreatedKey, error) {
	return s.setOperator(ctx, id, false, endKeys)
}

func (s *Service) setOperator(ctx context.Context, id identity.ID, operator, endKeys bool) (u identity.User, keys []identity.CreatedKey, err error) {
	err = s.store.InTx(ctx, func(ctx context.Context) (err error) {
		u, err = s.change(ctx, id, func(u *identity.User, now time.Time) identity.Event {
			action := identity.ActionOperatorRevoked
			if operator {
				action = identity.ActionOperatorGranted
			}
			u.Operator = operator
			return identity.Event{ID: identity.NewID(), At: now, Action: action, Data: identity.Metadata{"by": "command line"}}
		})
		if err != nil || operator {
			return err
		}
		now := s.now()
		if keys, err = s.store.KeysCreatedBy(ctx, id, nil, now); err != nil {
			return err
		}
		keys = slices.DeleteFunc(keys, func(k identity.CreatedKey) bool { return k.TeamID != nil })
		if !endKeys {
			return nil
		}
		if err := s.store.RevokeKeys(ctx, identity.KeyIDs(keys), now); err != nil {
			return err
		}
		events := make([]identity.Event, len(keys))
		for i, k := range keys {
			events[i] = k.Revoked(identity.CommandLine, "creator_revoked", now)
		}
		return s.store.RecordEvents(ctx, events...)
	})
	return u, keys, err
}

// change edits an active user under their row lock.
func (s *Service) change(ctx context.Context, id identity.ID, edit func(u *identity.User, now time.Time) identity.Event) (identity.User, error) {
	var out identity.User
	err := s.store.InTx(ctx, func(ctx context.Context) error {
		locked, err := s.store.LockUsers(ctx, id)
		if err != nil {
			return err
		}
		if len(locked) == 0 || !locked[0].Active() {
			return identity.ErrNotFound
		}
		out = locked[0]
		now := s.now()
		event := edit(&out, now)
		event.UserID = &out.ID
		out.UpdatedAt = now
		if err := s.store.UpdateUser(ctx, out); err != nil {
			return err
		}
		return s.store.RecordEvents(ctx, event)
	})
	return out, err
}

// Identities lists the user's identities, oldest first.
func (s *Service) Identities(ctx context.Context, user identity.ID, p identity.Page) ([]identity.Identity, *identity.ID, error) {
	rows, err := s.store.Identities(ctx, user, p)
	rows, next := identity.Next(rows, p, func(i identity.Identity) identity.ID { return i.ID })
	return rows, next, err
}

// Emails lists the user's verified addresses, first verified first.
func (s *Service) Emails(ctx context.Context, user identity.ID) ([]identity.Email, error) {
	return s.store.Emails(ctx, user)
}

// FormerIDs returns the ids that the user had before merges.
func (s *Service) FormerIDs(ctx context.Context, user identity.ID) ([]identity.ID, error) {
	former, err := s.store.MergedFrom(ctx, []identity.ID{user})
	return former[user], err
}

// Summaries tells what users are known by.
func (s *Service) Summaries(ctx context.Context, users []identity.ID) (map[identity.ID]identity.Summary, error) {
	return s.store.Summaries(ctx, users)
}

// WithIdentities is a user with all their identities.
type WithIdentities struct {
	identity.User
	Identities []identity.Identity
	MergedFrom []identity.ID   // former ids
	Leave      *identity.Leave // nil for who is not leaving
}

// Get returns a user with their identities, for operators. The id of a merged user
// finds the survivor.
func (s *Service) Get(ctx context.Context, id identity.ID) (WithIdentities, error) {
	u, err := s.store.User(ctx, id)
	if err != nil {
		return WithIdentities{}, err
	}
	out, err := s.withIdentities(ctx, []identity.User{u})
	if err != nil {
		return WithIdentities{}, err
	}
	return out[0], nil
}

// List returns users, newest first, for operators.
func (s *Service) List(ctx context.Context, f identity.UserFilter, p identity.Page) ([]WithIdentities, *identity.ID, error) {
	users, err := s.store.Users(ctx, f, p)
	if err != nil {
		return nil, nil, err
	}
	users, next := identity.Next(users, p, func(u identity.User) identity.ID { return u.ID })
	out, err := s.withIdentities(ctx, users)
	return out, next, err
}

func (s *Service) withIdentities(ctx context.Context, users []identity.User) ([]WithIdentities, error) {
	out := make([]WithIdentities, len(users))
	ids := make([]identity.ID, len(users))
	at := make(map[identity.ID]*WithIdentities, len(users))
	for i, u := range users {
		out[i].User, ids[i], at[u.ID] = u, u.ID, &out[i]
	}
	identities, err := s.store.IdentitiesOf(ctx, ids)
	for _, i := range identities {
		at[i.UserID].Identities = append(at[i.UserID].Identities, i)
	}
	if err != nil {
		return out, err
	}
	former, err := s.store.MergedFrom(ctx, ids)
	for id, from := range former {
		at[id].MergedFrom = from
	}
	if err != nil {
		return out, err
	}
	leaves, err := s.store.Deletions(ctx, ids)
	for id, l := range leaves {
		at[id].Leave = &l
	}
	return out, err
}

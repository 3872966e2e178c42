package user

import (
	"context"
	"strings"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
)

// SetStatus suspends or restores a user, for recently verified operators.
// Suspending ends their sessions, what they let applications do, and all merge and link
// tickets about them in the same transaction, and no proof signs them in. CodeLastOwner while a team has no other owner,
// CodeForbidden for the operator's own account, and for an operator's to an
// API key; identity.ErrNotFound for a user who was
// merged away. A user who is as asked already is left alone.
//
// With endKeys the working API keys that they created end, too, of the deployment
// and of teams: suspended with them, or later. Only a person ends keys.
func (s *Service) SetStatus(ctx context.Context, actor identity.Actor, id identity.ID, status identity.Status, reason string, endKeys bool) (identity.User, error) {
	if err := actor.RequireRecentlyVerified(); err != nil {
		return identity.User{}, err
	}
	if !identity.IsLine(reason, 200) {
		return identity.User{}, identity.NewError(identity.CodeInvalidRequest, "a reason has no control characters").WithField("reason")
	}
	if endKeys {
		if err := actor.RequirePerson(); err != nil {
			return identity.User{}, err
		}
		if status != identity.StatusDisabled {
			return identity.User{}, identity.NewError(identity.CodeInvalidRequest, "end_keys is only possible with a suspension").WithField("end_keys")
		}
	}
	if id == actor.UserID {
		return identity.User{}, identity.NewError(identity.CodeForbidden, "you cannot suspend yourself: ask another operator")
	}
	var out identity.User
	err := s.store.InTx(ctx, func(ctx context.Context) error {
		locked, err := s.store.LockUsers(ctx, id)
		if err != nil {
			return err
		}
		if len(locked) == 0 || locked[0].Status == identity.StatusMerged {
			return identity.ErrNotFound
		}
		if err := actor.RequireActsOn(locked[0]); err != nil {
			return err
		}
		if endKeys {
			if err := s.endKeys(ctx, actor, id); err != nil {
				return err
			}
		}
		out = locked[0]
		leaves, err := s.store.Deletions(ctx, []identity.ID{id})
		if err != nil {
			return err
		}
		leave, leaving := leaves[id]
		if leave.DeletedAt != nil {
			return identity.ErrNotFound
		}
		// One that ends by itself becomes one that an operator has to end.
		ends := status == identity.StatusDisabled && out.SuspendedUntil != nil
		if !ends && (out.Status == status && !leaving || leaving && leave.RestoresTo == status) {
			return nil
		}
		now, action := s.now(), identity.ActionUserRestored
		out.UpdatedAt = now
		if leaving { // they stay disabled, and are this if they come back
			if err := s.store.SetRestoresTo(ctx, id, status); err != nil {
				return err
			}
		} else {
			out.Status = status
		}
		if status == identity.StatusDisabled {
			action = identity.ActionUserSuspended
			if err := s.store.LockTeamsOf(ctx, id); err != nil {
				return err
			}
			if _, err := s.store.EndSessions(ctx, id, session.SessionSelector{}, "suspended", now); err != nil {
				return err
			}
			// One that was given to somebody else must not work after a restoration.
			if err := s.store.KillTickets(ctx, id, now); err != nil {
				return err
			}
			// Nor what somebody else allowed an application in their name.
			if err := s.store.RevokeGrantsOf(ctx, id, now); err != nil {
				return err
			}
		}
		if err := s.store.UpdateUser(ctx, out); err != nil {
			return err
		}
		if ends {
			if err := s.store.Suspend(ctx, id, nil, now); err != nil {
				return err
			}
			out.SuspendedUntil = nil
		}
		if status == identity.StatusDisabled {
			if err := s.requireOwners(ctx, id); err != nil {
				return err
			}
		}
		event := actor.Event(action, now)
		event.UserID, event.Data = &id, identity.Metadata{"reason": reason}
		return s.store.RecordEvents(ctx, event)
	})
	return out, err
}

// endKeys ends the working keys that a user created.
func (s *Service) endKeys(ctx context.Context, actor identity.Actor, id identity.ID) error {
	now := s.now()
	keys, err := s.store.KeysCreatedBy(ctx, id, nil, now)
	if err != nil {
		return err
	}
	if err := s.store.RevokeKeys(ctx, identity.KeyIDs(keys), now); err != nil {
		return err
	}
	events := make([]identity.Event, len(keys))
	for i, k := range keys {
		events[i] = k.Revoked(actor, "creator_suspended", now)
	}
	return s.store.RecordEvents(ctx, events...)
}

// CreatedKeys lists the working API keys that a user created, for operators.
func (s *Service) CreatedKeys(ctx context.Context, id identity.ID) ([]identity.CreatedKey, error) {
	u, err := s.store.User(ctx, id)
	if err != nil {
		return nil, err
	}
	return s.store.KeysCreatedBy(ctx, u.ID, nil, s.now())
}

// requireOwners refuses with CodeLastOwner if a team of the user has no active
// owner left.
func (s *Service) requireOwners(ctx context.Context, id identity.ID) error {
	ownerless, err := s.store.OwnerlessTeamsOf(ctx, id)
	if err == nil && len(ownerless) > 0 {
		err = identity.NewError(identity.CodeLastOwner,
			"they are the only active owner of %s: these teams need another owner first", strings.Join(ownerless, ", "))
	}
	return err
}

package linking

import (
	"context"
	"slices"
	"time"

	"github.com/latchkey/latchkey/identity"
)

// UnlinkStore is what unlinking reads and writes, in the transaction of InTx.
type UnlinkStore interface {
	// LockWithIdentities returns a user, holding their row, and their identities, oldest
	// first; identity.ErrNotFound if there is no such user.
	LockWithIdentities(ctx context.Context, user identity.ID) (identity.User, []identity.Identity, error)
	DeleteIdentity(ctx context.Context, id identity.ID) error
	// EndSessionsBy ends the open sessions that an identity made and returns
	// how many those were. The user's other sessions lose its method, unless
	// another of their identities of its provider was proven in them too.
	EndSessionsBy(ctx context.Context, id identity.ID, reason string, at time.Time) (int64, error)
	SetPrimaryWallet(ctx context.Context, user, id identity.ID) error
}

// Unlink removes an identity of the actor, ends the sessions it created and removes
// its method from the others, so that policies are evaluated without it. It is
// decided under the actor's row lock, so of two at once the second sees what the
// first has left. CodeReauthRequired unless recently verified; CodeLastIdentity if no
// usable sign-in method would be left; identity.ErrNotFound for other people's.
func (s *Service) Unlink(ctx context.Context, actor identity.Actor, id identity.ID) error {
	return s.store.InTx(ctx, func(ctx context.Context) error {
		locked, all, err := s.store.LockWithIdentities(ctx, actor.UserID)
		if err != nil {
			return err
		}
		var gone *identity.Identity
		var left []identity.Identity
		for _, i := range all {
			if i.ID == id {
				gone = &i
			} else {
				left = append(left, i)
			}
		}
		if gone == nil || !locked.Active() {
			return identity.ErrNotFound
		}
		if err := actor.RequireRecentlyVerified(); err != nil {
			return err
		}
		if err := s.keepUsable(ctx, left); err != nil {
			return err
		}
		return s.unlink(ctx, actor, *gone, left)
	})
}

// keepUsable refuses if none of the identities that would be left is usable.
func (s *Service) keepUsable(ctx context.Context, left []identity.Identity) error {
	usable, err := s.anyUsable(ctx, left)
	if usable || err != nil {
		return err
	}
	if len(left) > 0 {
		return identity.NewError(identity.CodeLastIdentity,
			"this is your last usable sign-in method (%s is not configured here): link another one first", left[len(left)-1].Provider)
	}
	return identity.NewError(identity.CodeLastIdentity, "this is your only sign-in method: link another one first")
}

// anyUsable reports whether one of the identities is a usable sign-in method.
func (s *Service) anyUsable(ctx context.Context, of []identity.Identity) (bool, error) {
	for _, i := range of {
		usable, err := s.usable(i.Provider), error(nil)
		if identity.IsBackend(i.Provider) {
			usable, err = s.store.BackendWorks(ctx, i.Provider, s.now())
		}
		if usable || err != nil {
			return usable, err
		}
	}
	return false, nil
}

func (s *Service) unlink(ctx context.Context, actor identity.Actor, gone identity.Identity, left []identity.Identity) error {
	if err := s.notify(ctx, identity.NoticeUnlinked, actor.UserID, name(gone), actor.Origin); err != nil {
		return err
	}
	now := s.now()
	ended, err := s.store.EndSessionsBy(ctx, gone.ID, "identity_unlinked", now)
	if err != nil {
		return err
	}
	released, err := s.forget(ctx, gone, identity.VoucherUnlinked, actor.Origin)
	if err != nil {
		return err
	}
	for i := range released {
		released[i] = by(actor, released[i])
	}
	if gone.IsPrimary {
		for _, i := range left {
			if i.WalletAddress == nil {
				continue
			}
			if err := s.store.SetPrimaryWallet(ctx, actor.UserID, i.ID); err != nil {
				return err
			}
			break
		}
	}
	e := actor.Event(identity.ActionIdentityUnlinked, now)
	e.UserID = &actor.UserID
	e.Data = identity.Metadata{"provider": gone.Provider, "subject": gone.Subject, "identity_id": gone.ID, "sessions_ended": ended}
	return s.store.RecordEvents(ctx, append(released, e)...)
}

// forget deletes an identity, ends its vouchers, and remembers that its user
// unlinked it. Tickets of the user end: their grounds may have ended.
func (s *Service) forget(ctx context.Context, gone identity.Identity, reason identity.VoucherEnd, origin identity.RequestOrigin) ([]identity.Event, error) {
	now := s.now()
	if err := s.store.DeleteIdentity(ctx, gone.ID); err != nil {
		return nil, err
	}
	if err := s.store.MarkUnlinked(ctx, gone, now); err != nil {
		return nil, err
	}
	if err := s.store.KillTickets(ctx, gone.UserID, now); err != nil {
		return nil, err
	}
	live, err := s.store.LiveVouchers(ctx, gone.UserID)
	if err != nil {
		return nil, err
	}
	own := slices.DeleteFunc(live, func(v identity.Voucher) bool { return !v.By(gone.Provider, gone.Subject) })
	return s.endVouchers(ctx, gone.UserID, own, reason, origin)
}

// by makes an event the actor's.
func by(actor identity.Actor, e identity.Event) identity.Event {
	from := actor.Event(e.Action, e.At)
	e.ActorID, e.SessionID = from.ActorID, from.SessionID
	return e
}

package linking

import (
	"context"
	"slices"

	"github.com/latchkey/latchkey/identity"
)

// RemoveEmail takes an address off a user, who is the actor or, for an operator,
// anyone: all vouchers of it end, and so does signing in by mail to it. It comes
// back only when the user confirms it by mail or links an identity again.
// CodeReauthRequired unless recently verified; CodeLastIdentity when the mailbox
// is the last usable method; identity.ErrNotFound when the user does not have the
// address. The reason is the operator's, for the audit trail.
func (s *Service) RemoveEmail(ctx context.Context, actor identity.Actor, user identity.ID, address, reason string) error {
	address, err := identity.CanonicalEmail(address)
	if err != nil {
		return identity.ErrNotFound
	}
	if !identity.IsLine(reason, 200) {
		return identity.NewError(identity.CodeInvalidRequest, "a reason has no control characters").WithField("reason")
	}
	return s.store.InTx(ctx, func(ctx context.Context) error {
		all, err := s.ownAddress(ctx, actor, user, address)
		if err != nil {
			return err
		}
		var mailbox *identity.Identity
		left := slices.DeleteFunc(slices.Clone(all), func(i identity.Identity) bool {
			if i.Provider == identity.ProviderEmail && i.Subject == address {
				mailbox = &i
				return true
			}
			return false
		})
		var events []identity.Event
		if mailbox != nil {
			if err := s.keepUsable(ctx, left); err != nil {
				return err
			}
			if events, err = s.unlinkMailbox(ctx, actor, *mailbox); err != nil {
				return err
			}
		}
		live, err := s.store.LiveVouchers(ctx, user)
		if err != nil {
			return err
		}
		live = slices.DeleteFunc(live, func(v identity.Voucher) bool { return v.Address != address })
		released, err := s.removeVouchers(ctx, user, address, live, actor.Origin)
		if err != nil {
			return err
		}
		if err := s.store.KillTickets(ctx, user, s.now()); err != nil {
			return err
		}
		for _, e := range released {
			e = by(actor, e)
			if reason != "" {
				e.Data["operator_reason"] = reason
			}
			events = append(events, e)
		}
		return s.store.RecordEvents(ctx, events...)
	})
}

// SettleEmail records that the owner confirmed an address as still theirs,
// whatever other vouchers there are. It is refused like RemoveEmail.
func (s *Service) SettleEmail(ctx context.Context, actor identity.Actor, address string) error {
	address, err := identity.CanonicalEmail(address)
	if err != nil {
		return identity.ErrNotFound
	}
	return s.store.InTx(ctx, func(ctx context.Context) error {
		if _, err := s.ownAddress(ctx, actor, actor.UserID, address); err != nil {
			return err
		}
		if err := s.store.SettleVouchers(ctx, address, actor.UserID); err != nil {
			return err
		}
		e := actor.Event(identity.ActionEmailSettled, s.now())
		e.UserID, e.Data = &actor.UserID, identity.Metadata{"address": address}
		return s.store.RecordEvents(ctx, e)
	})
}

// ownAddress locks the user, checks that the address is theirs and the actor
// recently verified, and returns the user's identities.
func (s *Service) ownAddress(ctx context.Context, actor identity.Actor, user identity.ID, address string) ([]identity.Identity, error) {
	locked, err := s.store.LockUsers(ctx, user)
	if err != nil {
		return nil, err
	}
	owned, err := s.store.EmailsOf(ctx, user)
	if err != nil {
		return nil, err
	}
	// An operator may free an address of a suspended user, too.
	if len(locked) == 0 || !slices.Contains(owned, address) || user == actor.UserID && !locked[0].Active() {
		return nil, identity.ErrNotFound
	}
	if err := actor.RequireRecentlyVerified(); err != nil {
		return nil, err
	}
	if err := actor.RequireActsOn(locked[0]); err != nil {
		return nil, err
	}
	return s.store.IdentitiesOf(ctx, []identity.ID{user})
}

// unlinkMailbox unlinks the e-mail identity of an address that is removed. Its
// voucher is left to removeVouchers.
func (s *Service) unlinkMailbox(ctx context.Context, actor identity.Actor, mailbox identity.Identity) ([]identity.Event, error) {
	now := s.now()
	ended, err := s.store.EndSessionsBy(ctx, mailbox.ID, "identity_unlinked", now)
	if err != nil {
		return nil, err
	}
	if err := s.store.DeleteIdentity(ctx, mailbox.ID); err != nil {
		return nil, err
	}
	if err := s.store.MarkUnlinked(ctx, mailbox, now); err != nil {
		return nil, err
	}
	e := actor.Event(identity.ActionIdentityUnlinked, now)
	e.UserID = &mailbox.UserID
	e.Data = identity.Metadata{"provider": mailbox.Provider, "subject": mailbox.Subject, "identity_id": mailbox.ID, "sessions_ended": ended}
	return []identity.Event{e}, nil
}

// removeVouchers ends every voucher of an address of a user, and notifies the
// user's other addresses.
func (s *Service) removeVouchers(ctx context.Context, user identity.ID, address string, live []identity.Voucher, origin identity.RequestOrigin) ([]identity.Event, error) {
	owned, err := s.store.EmailsOf(ctx, user)
	if err != nil {
		return nil, err
	}
	others := slices.DeleteFunc(owned, func(a string) bool { return a == address }) // that one gets its own
	if err := s.notifyAt(ctx, identity.NoticeAddressRemoved, others, address, origin); err != nil {
		return nil, err
	}
	ids := make([]identity.ID, len(live))
	for i, v := range live {
		ids[i] = v.ID
	}
	if err := s.store.EndVouchers(ctx, ids, identity.VoucherRemoved, s.now()); err != nil {
		return nil, err
	}
	return s.release(ctx, user, []string{address}, identity.VoucherRemoved, origin)
}

package user

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/latchkey/latchkey/identity"
)

// SetLabel names one of the actor's identities: at most 100 characters, without
// control characters.
func (s *Service) SetLabel(ctx context.Context, actor identity.Actor, id identity.ID, label string) (identity.Identity, error) {
	label = strings.TrimSpace(label)
	if !identity.IsLine(label, 100) {
		return identity.Identity{}, identity.NewError(identity.CodeInvalidRequest,
			"a label has at most 100 characters and no control characters").WithField("label")
	}
	return s.changeIdentity(ctx, actor, id, func(ctx context.Context, i *identity.Identity, _ time.Time) (identity.Metadata, error) {
		i.Label = label
		return identity.Metadata{"label": label}, s.store.SetLabel(ctx, *i)
	})
}

// MakePrimary makes a wallet the actor's primary wallet, or the verified
// address of another identity their primary address.
func (s *Service) MakePrimary(ctx context.Context, actor identity.Actor, id identity.ID) (identity.Identity, error) {
	return s.changeIdentity(ctx, actor, id, func(ctx context.Context, i *identity.Identity, now time.Time) (identity.Metadata, error) {
		if i.WalletAddress != nil {
			i.IsPrimary = true
			return identity.Metadata{"primary_wallet": *i.WalletAddress}, s.store.SetPrimaryWallet(ctx, actor.UserID, id)
		}
		owner, err := s.store.EmailOwner(ctx, i.Email)
		if errors.Is(err, identity.ErrNotFound) || err == nil && owner != actor.UserID {
			return nil, identity.NewError(identity.CodeNoVerifiedAddress,
				"this sign-in method has no address that is verified as yours")
		}
		if err != nil {
			return nil, err
		}
		to, err := s.store.EmailsOf(ctx, actor.UserID)
		if err != nil {
			return nil, err
		}
		err = s.notices.Notify(ctx, identity.Notice{Kind: identity.NoticePrimary, To: to, What: i.Email, At: now, Origin: actor.Origin})
		if err != nil {
			return nil, err
		}
		return identity.Metadata{"primary_email": i.Email}, s.store.SetPrimaryEmail(ctx, actor.UserID, i.Email, now)
	})
}

// changeIdentity edits an identity of the actor under their row lock. It returns
// identity.ErrNotFound for other people's identities.
func (s *Service) changeIdentity(ctx context.Context, actor identity.Actor, id identity.ID,
	edit func(ctx context.Context, i *identity.Identity, now time.Time) (identity.Metadata, error),
) (identity.Identity, error) {
	var out identity.Identity
	err := s.store.InTx(ctx, func(ctx context.Context) error {
		if _, err := s.store.LockUsers(ctx, actor.UserID); err != nil {
			return err
		}
		i, err := s.store.Identity(ctx, id)
		if err != nil {
			return err
		}
		if i.UserID != actor.UserID {
			return identity.ErrNotFound
		}
		now := s.now()
		data, err := edit(ctx, &i, now)
		if err != nil {
			return err
		}
		out = i
		data["provider"], data["subject"] = i.Provider, i.Subject
		event := actor.Event(identity.ActionIdentityUpdated, now)
		event.UserID, event.Data = &actor.UserID, data
		return s.store.RecordEvents(ctx, event)
	})
	return out, err
}

package linking

import (
	"context"
	"slices"
	"time"

	"github.com/latchkey/latchkey/identity"
)

const (
	// GrantLifetime is how long a grant waits for the person to sign in again.
	GrantLifetime = 24 * time.Hour
	// grantableFor is how long after its proof was refused an identity can get a
	// grant.
	grantableFor = 7 * 24 * time.Hour
	// maxGrantable bounds how many refused proofs of a user are listed.
	maxGrantable = 100
)

// Grant is an operator's word that an identity may ask to be linked to a user
// whose address it proves, where PolicyOff would not let it. The next proof by that
// identity is refused with a link ticket, which is redeemed as any other: in the
// browser of that proof, by the user, signed in with an identity they have.
type Grant struct {
	ID        identity.ID
	UserID    identity.ID
	Provider  string
	Subject   string
	GrantedBy identity.ID
	CreatedAt time.Time
	ExpiresAt time.Time
}

// GrantStore keeps grants, in the transaction of InTx.
type GrantStore interface {
	// RefusedProofs lists, newest first, what was last refused since a time: the
	// vouchers without a user for addresses of the user, by identities without an
	// owner.
	RefusedProofs(ctx context.Context, user identity.ID, since time.Time, most int) ([]identity.Voucher, error)
	// InsertGrant keeps a grant, in place of an older one for the same identity.
	InsertGrant(ctx context.Context, g Grant) error
	// Granted reports whether an identity has a grant for a user by someone who is
	// an active operator still.
	Granted(ctx context.Context, user identity.ID, provider, subject string, now time.Time) (bool, error)
	// DeleteGrants ends the grants for a user.
	DeleteGrants(ctx context.Context, user identity.ID) error
}

// RefusedProofs lists, for operators, the identities that can get a grant: each
// proved an address of the user lately, was refused, and has no owner.
func (s *Service) RefusedProofs(ctx context.Context, user identity.ID) ([]identity.Voucher, error) {
	return s.store.RefusedProofs(ctx, user, s.now().Add(-grantableFor), maxGrantable)
}

// GrantLink lets an identity that was refused ask to be linked to a user, once more
// and within GrantLifetime. It gives nothing else: the person proves that identity
// again, and a link ticket is what they get.
//
// The actor is an operator, recently verified (CodeReauthRequired), and no API key
// (CodeForbidden). CodeGrantRefused, which says why, for a user who is not active or
// is an operator, and for an identity that was not refused lately or has an owner.
func (s *Service) GrantLink(ctx context.Context, actor identity.Actor, user identity.ID, provider, subject, reason string) (Grant, error) {
	if err := actor.RequirePerson(); err != nil {
		return Grant{}, err
	}
	if err := actor.RequireRecentlyVerified(); err != nil {
		return Grant{}, err
	}
	if reason == "" || !identity.IsLine(reason, 200) {
		return Grant{}, identity.NewError(identity.CodeInvalidRequest, "give a reason, on one line without control characters").WithField("reason")
	}
	var out Grant
	err := s.store.InTx(ctx, func(ctx context.Context) error {
		locked, err := s.store.LockUsers(ctx, user, actor.UserID)
		if err != nil {
			return err
		}
		owner, by := pair(locked, user)
		if user == actor.UserID {
			by = owner
		}
		if owner.ID == (identity.ID{}) {
			return identity.ErrNotFound
		}
		if err := mayGrant(owner, by); err != nil {
			return err
		}
		refused, err := s.RefusedProofs(ctx, user)
		if err != nil {
			return err
		}
		n := slices.IndexFunc(refused, func(v identity.Voucher) bool { return v.By(provider, subject) })
		if n < 0 {
			return errGrantRefused("this sign-in method was not refused for an address of this user in the last %d days, or belongs to someone by now: have the person sign in with it once more, then repeat this", grantableFor/(24*time.Hour))
		}
		now := s.now()
		out = Grant{ID: identity.NewID(), UserID: user, Provider: provider, Subject: subject, GrantedBy: actor.UserID, CreatedAt: now, ExpiresAt: now.Add(GrantLifetime)}
		if err := s.store.InsertGrant(ctx, out); err != nil {
			return err
		}
		if err := s.notify(ctx, identity.NoticeLinkGranted, user, provider+" ("+refused[n].Address+")", actor.Origin); err != nil {
			return err
		}
		e := actor.Event(identity.ActionLinkGranted, now)
		e.UserID = &user
		e.Data = identity.Metadata{
			"provider": provider, "subject": subject, "address": refused[n].Address,
			"operator_reason": reason, "expires_at": out.ExpiresAt,
		}
		return s.store.RecordEvents(ctx, e)
	})
	return out, err
}

// mayGrant decides whether an operator may make a grant for a user. What signs in to
// an operator's account has an operator's rights, which the command line alone gives.
func mayGrant(owner, by identity.User) error {
	if !by.Active() || !by.Operator {
		return identity.NewError(identity.CodeOperatorRequired, "only operators let a refused sign-in method ask to be linked")
	}
	return mayGrantTo(owner)
}

func mayGrantTo(owner identity.User) error {
	switch {
	case !owner.Active():
		return errGrantRefused("this account is suspended, or was merged with another")
	case owner.Operator:
		return errGrantRefused("operators link sign-in methods to their own accounts themselves")
	}
	return nil
}

func errGrantRefused(format string, args ...any) error {
	return identity.NewError(identity.CodeGrantRefused, format, args...)
}

// granted reports whether a grant lets a refused identity ask the owner of its
// address all the same. Only PolicyOff needs one.
func (s *Service) granted(ctx context.Context, k lockedFacts, proof identity.Proof, owner identity.ID) (bool, error) {
	if k.facts.Policy != PolicyOff || mayGrantTo(k.users[owner]) != nil {
		return false, nil //nolint:nilerr // the reason is for the operator who grants
	}
	return s.store.Granted(ctx, owner, proof.Provider, proof.Subject, s.now())
}

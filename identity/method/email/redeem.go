package email

import (
	"context"
	"errors"
	"slices"

	"github.com/latchkey/latchkey/identity"
)

// ByToken turns the token of a link into a proof, in the browser that asked for
// it. The token is burned when the proof is applied, not here.
func (s *Service) ByToken(ctx context.Context, token string, by Requester) (identity.Proof, error) {
	if len(by.Browser) == 0 {
		return identity.Proof{}, errInvalid()
	}
	hash := identity.HashSecret(token)
	c, err := s.store.ChallengeByToken(ctx, hash)
	if errors.Is(err, identity.ErrNotFound) {
		// A shared link redeems what this browser waited for.
		c, err = s.store.ChallengeBySharedToken(ctx, hash, by.Browser)
	}
	if errors.Is(err, identity.ErrNotFound) {
		return identity.Proof{}, errInvalid()
	}
	if err != nil {
		return identity.Proof{}, err
	}
	if !c.redeemable(by, s.now()) {
		return identity.Proof{}, errInvalid()
	}
	return c.proof(hash), nil
}

// GuessBudget charges a code that is about to be compared, or refuses it with a
// *identity.Error. giveBack takes the charge back, for a code that was right. It is
// asked only where there is something to guess at.
type GuessBudget func(c Challenge) (giveBack func(), err error)

// ByCode turns a code into a proof, in the browser that asked for it: for the
// newest challenge that it asked for, or with email for the newest for that
// address. One challenge is compared, so that a guess is one guess. A wrong code is
// counted against that challenge and charged to the budget before this returns,
// whatever the caller does next; it costs no other challenge anything.
func (s *Service) ByCode(ctx context.Context, code, email string, by Requester, budget GuessBudget) (identity.Proof, error) {
	address, err := s.addressOf(ctx, email, by)
	if err != nil {
		return identity.Proof{}, err
	}
	c, err := s.guessable(ctx, address, by)
	if err != nil {
		return identity.Proof{}, err
	}
	giveBack, err := budget(c)
	if err != nil {
		return identity.Proof{}, err
	}
	var proof *identity.Proof
	wrong := false
	err = s.store.InTx(ctx, func(ctx context.Context) error {
		proof, wrong = nil, false
		if err := s.store.LockAddress(ctx, address); err != nil {
			return err
		}
		now, err := s.guessable(ctx, address, by)
		if err != nil {
			return err
		}
		if now.ID != c.ID {
			return errInvalid() // it was replaced meanwhile
		}
		if s.codeKeys.Verifying(c.CodeHash, func(key []byte) []byte { return hashCode(key, c.ID, code) }) != nil {
			proof = new(c.proof(c.TokenHash))
			return nil
		}
		wrong = true
		return s.store.AddWrongCode(ctx, c.ID)
	})
	if !wrong {
		giveBack()
	}
	if err != nil {
		return identity.Proof{}, err
	}
	if proof == nil {
		return identity.Proof{}, errInvalid()
	}
	return *proof, nil
}

// addressOf is the address that a code is for: the given one, or the one that the
// browser asked for last.
func (s *Service) addressOf(ctx context.Context, email string, by Requester) (string, error) {
	if email != "" {
		address, err := identity.CanonicalEmail(email)
		if err == nil && len(by.Browser) == 0 {
			err = errInvalid()
		}
		return address, err
	}
	if len(by.Browser) == 0 {
		return "", errInvalid()
	}
	c, err := s.store.NewestChallenge(ctx, by.Browser)
	if errors.Is(err, identity.ErrNotFound) {
		err = errInvalid()
	}
	return c.Address, err
}

// guessable is the newest challenge of a browser for an address that a code can
// still redeem. That there is none is CodeInvalidProof.
func (s *Service) guessable(ctx context.Context, address string, by Requester) (Challenge, error) {
	now := s.now()
	open, err := s.store.OpenChallenges(ctx, address, by.Browser, now)
	if err != nil {
		return Challenge{}, err
	}
	for _, c := range slices.Backward(open) {
		if c.HasCode && c.redeemable(by, now) {
			if c.WrongCodes >= MaxWrongCodes {
				break
			}
			return c, nil
		}
	}
	return Challenge{}, errInvalid()
}

// proof has the link's hash as its secret also when it was made by the code, so
// that either uses up both. A shared link is used up for all who waited for it, the
// last of whom asked MaxWait before it left.
func (c Challenge) proof(tokenHash []byte) identity.Proof {
	return identity.Proof{
		Provider: identity.ProviderEmail, Subject: c.Address, Purpose: c.Purpose,
		Email: c.Address, EmailAuthoritative: true, Reported: true,
		Secret: &identity.SingleUse{Hash: tokenHash, ExpiresAt: c.ExpiresAt.Add(MaxWait)},
	}
}

// errInvalid is the one answer to everything that does not work: which of the
// reasons it is helps only an attacker who is guessing.
func errInvalid() *identity.Error {
	return identity.NewError(identity.CodeInvalidProof,
		"this link or code is wrong, has been used or replaced, has expired, or was asked for in another browser; ask for a new one")
}

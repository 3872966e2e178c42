package emailproof

import (
	"context"
	"crypto/hmac"
	"errors"

	"github.com/latchkey/latchkey/identity"
)

// ByToken turns the token of a link into a proof, in the browser that asked for
// it. The token is burned when the proof is applied, not here.
func (s *Service) ByToken(ctx context.Context, token string, by Asker) (identity.Proof, error) {
	c, err := s.store.ChallengeByToken(ctx, identity.HashSecret(token))
	if errors.Is(err, identity.ErrNotFound) {
		return identity.Proof{}, errInvalid()
	}
	if err != nil {
		return identity.Proof{}, err
	}
	if !c.Open(s.now()) || !c.startedBy(by.Browser) || !c.redeemableBy(by) {
		return identity.Proof{}, errInvalid()
	}
	return c.proof(), nil
}

// ByCode turns a code into a proof: for the challenge that the browser asked
// for last, or with email for any that is open for the address, since a person
// reads the mail on one device and types the code on another. A wrong code is
// counted before this returns, whatever the caller does next.
func (s *Service) ByCode(ctx context.Context, code, email string, by Asker) (identity.Proof, error) {
	var only *identity.ID
	address, err := "", error(nil)
	if email != "" {
		if address, err = identity.CanonicalEmail(email); err != nil {
			return identity.Proof{}, err
		}
	} else {
		c, err := s.newest(ctx, by.Browser)
		if err != nil {
			return identity.Proof{}, err
		}
		address, only = c.Address, &c.ID
	}
	var proof *identity.Proof
	err = s.store.InTx(ctx, func(ctx context.Context) error {
		proof = nil
		if err := s.store.LockAddress(ctx, address); err != nil {
			return err
		}
		now := s.now()
		wrong, err := s.store.CountWrongCodes(ctx, address, now.Add(-Keep))
		if err != nil || wrong >= WrongCodesADay {
			return err
		}
		open, err := s.store.OpenChallenges(ctx, address, now)
		if err != nil {
			return err
		}
		var tried []identity.ID
		for _, c := range open {
			if only != nil && c.ID != *only || c.WrongCodes >= MaxWrongCodes || !c.redeemableBy(by) {
				continue
			}
			if hmac.Equal(c.CodeHash, s.hashCode(c.ID, code)) {
				proof = new(c.proof())
				return nil
			}
			tried = append(tried, c.ID)
		}
		if len(tried) == 0 {
			return nil
		}
		return s.store.AddWrongCode(ctx, tried...)
	})
	if err != nil {
		return identity.Proof{}, err
	}
	if proof == nil {
		return identity.Proof{}, errInvalid()
	}
	return *proof, nil
}

// newest is the last challenge of a browser. Not all of them are tried: one
// browser can ask for a thousand addresses, and would guess at all in one go.
func (s *Service) newest(ctx context.Context, browser string) (Challenge, error) {
	if browser == "" {
		return Challenge{}, errInvalid()
	}
	c, err := s.store.NewestChallenge(ctx, identity.HashSecret(browser))
	if errors.Is(err, identity.ErrNotFound) {
		err = errInvalid()
	}
	return c, err
}

func (c Challenge) startedBy(browser string) bool {
	return browser != "" && hmac.Equal(c.BrowserHash, identity.HashSecret(browser))
}

// redeemableBy reports whether a challenge that acts on a user is redeemed by
// that user, in the session it was asked for by.
func (c Challenge) redeemableBy(by Asker) bool {
	if !c.Purpose.NeedsSession() {
		return true
	}
	return same(c.UserID, by.UserID) && same(c.SessionID, by.SessionID)
}

func same(a, b *identity.ID) bool { return a != nil && b != nil && *a == *b }

// proof has the link's hash as its secret also when it was made by the code, so
// that either uses up both.
func (c Challenge) proof() identity.Proof {
	return identity.Proof{
		Provider: identity.ProviderEmail, Subject: c.Address, Purpose: c.Purpose,
		Email: c.Address, EmailAuthoritative: true,
		Secret: &identity.SingleUse{Hash: c.TokenHash, ExpiresAt: c.ExpiresAt},
	}
}

// errInvalid is the one answer to everything that does not work: which of the
// reasons it is helps only whoever is guessing.
func errInvalid() *identity.Error {
	return identity.NewError(identity.CodeInvalidProof,
		"this link or code is wrong, has been used or replaced, has expired, or was asked for in another browser; ask for a new one")
}

package linking

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/background"
	"github.com/latchkey/latchkey/identity/session"
)

// erase ends a deletion. What an address was of stays known by a keyed hash. That the
// user is in no team any more, and that sessions of the grace end, has events.
func (s *Service) erase(ctx context.Context, u identity.User, now time.Time) error {
	former, err := s.store.MergedFrom(ctx, []identity.ID{u.ID})
	if err != nil {
		return err
	}
	if err := s.store.LockTeamsOf(ctx, u.ID); err != nil {
		return err
	}
	if err := s.endSessions(ctx, identity.Actor{}, u.ID, session.SessionSelector{}, "deletion_requested"); err != nil {
		return err
	}
	memberships, err := s.store.MembershipsOf(ctx, u.ID)
	if err != nil {
		return err
	}
	var events []identity.Event
	for _, m := range memberships {
		e := identity.Actor{}.Event(identity.ActionMemberRemoved, now)
		e.TeamID, e.UserID, e.Data = &m.TeamID, &u.ID, identity.Metadata{"role": m.Role, "reason": "deletion_requested"}
		events = append(events, e)
	}
	if err := s.store.Erase(ctx, append(former[u.ID], u.ID), s.erasedKeys.hash, now); err != nil {
		return err
	}
	return s.store.RecordEvents(ctx, append(events, identity.Event{ID: identity.NewID(), At: now, Action: identity.ActionUserDeleted, UserID: &u.ID})...)
}

const (
	erasePoll  = time.Minute
	eraseBatch = 20
)

// EraseDue erases users whose grace is over, and reports whether more are left.
func (s *Service) EraseDue(ctx context.Context) (more bool, err error) {
	due, err := s.store.DueDeletions(ctx, s.now(), eraseBatch)
	for _, id := range due {
		err = errors.Join(err, s.store.InTx(ctx, func(ctx context.Context) error {
			u, _, err := s.lockLeaving(ctx, id)
			if errors.Is(err, identity.ErrNotFound) {
				return nil
			}
			if err != nil {
				return err
			}
			d, err := s.Leaving(ctx, id)
			if errors.Is(err, identity.ErrNotFound) || err == nil && d.DeletesAt.After(s.now()) {
				return nil // another replica was first, or they came back
			}
			if err != nil {
				return err
			}
			return s.erase(ctx, u, s.now())
		}))
	}
	return err == nil && len(due) == eraseBatch, err
}

// RunDeletions erases users whose grace is over, until ctx ends. Every replica runs
// it; a row lock lets one erase a user.
func (s *Service) RunDeletions(ctx context.Context, log *slog.Logger) {
	hashed := false // what an earlier release left
	background.Loop{Every: erasePoll, Failed: "could not delete users whose grace is over; will retry", Log: log}.Run(ctx, func(ctx context.Context) (bool, error) {
		if !hashed {
			if err := s.store.EraseImported(ctx, s.erasedKeys.hash); err != nil {
				return false, err
			}
			hashed = true
		}
		return s.EraseDue(ctx)
	})
}

// erasedKeys make what is left of erased values, the present key first.
type erasedKeys identity.Keys

func (k erasedKeys) hash(value string) string { return k.hashUnder(k[0], value) }

func (erasedKeys) hashUnder(key []byte, value string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(value))
	return identity.ErasedPrefix + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// HashesOfErased are what may be left of an erased address or subject, one for each key.
func (s *Service) HashesOfErased(value string) []string {
	out := make([]string, len(s.erasedKeys))
	for i, key := range s.erasedKeys {
		out[i] = s.erasedKeys.hashUnder(key, value)
	}
	return out
}

// erasedVouchers lists the vouchers of people who were erased that are about the
// proof's address or identity, as if they had been kept.
func (s *Service) erasedVouchers(ctx context.Context, p identity.Proof, address string) ([]identity.Voucher, error) {
	var out []identity.Voucher
	for _, key := range s.erasedKeys {
		hashed, subject := s.erasedKeys.hashUnder(key, address), s.erasedKeys.hashUnder(key, p.Subject)
		found, err := s.store.VouchersAbout(ctx, hashed, p.Provider, subject)
		if err != nil {
			return nil, fmt.Errorf("erased vouchers: %w", err)
		}
		for _, v := range found {
			if v.Address == hashed {
				v.Address = address
			}
			if v.Subject == subject {
				v.Subject = p.Subject
			}
			out = append(out, v)
		}
	}
	return out, nil
}

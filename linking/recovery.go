package linking

import (
	"context"
	"errors"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/recovery"
	"github.com/latchkey/latchkey/identity/session"
)

// methodRecovery is what a session made by a recovery code shows as its method.
const methodRecovery = "recovery"

// RecoveryStore keeps the hashes of recovery codes that have not been used.
type RecoveryStore interface {
	ReplaceRecoveryCodes(ctx context.Context, user identity.ID, hashes [][]byte, at time.Time) error
	DeleteRecoveryCodes(ctx context.Context, user identity.ID) error
	// RecoveryCodes tells how many are left and when they were made.
	RecoveryCodes(ctx context.Context, user identity.ID) (left int, created *time.Time, err error)
	RecoveryCodeOwner(ctx context.Context, hash []byte) (identity.ID, error)
	// UseRecoveryCode removes a code from the user; false if they no longer have it.
	UseRecoveryCode(ctx context.Context, user identity.ID, hash []byte) (used bool, err error)
}

// NewRecoveryCodes gives the actor, who must be recently verified, ten codes in place of
// all earlier ones. They are shown this once: only hashes are kept.
func (s *Service) NewRecoveryCodes(ctx context.Context, actor identity.Actor) (codes []string, created time.Time, err error) {
	if err := actor.RequireRecentlyVerified(); err != nil {
		return nil, time.Time{}, err
	}
	codes, hashes := recovery.NewCodes()
	created = s.now()
	err = s.store.InTx(ctx, func(ctx context.Context) error {
		locked, err := s.store.LockUsers(ctx, actor.UserID)
		if err != nil {
			return err
		}
		if len(locked) == 0 || !locked[0].Active() {
			return identity.ErrNotFound
		}
		if err := s.store.ReplaceRecoveryCodes(ctx, actor.UserID, hashes, created); err != nil {
			return err
		}
		e := actor.Event(identity.ActionRecoveryCreated, created)
		e.UserID, e.Data = &actor.UserID, identity.Metadata{"codes": len(codes)}
		return s.store.RecordEvents(ctx, e)
	})
	return codes, created, err
}

// RecoveryCodes tells how many codes the user has left, and since when.
func (s *Service) RecoveryCodes(ctx context.Context, user identity.ID) (left int, created *time.Time, err error) {
	return s.store.RecoveryCodes(ctx, user)
}

// Recover signs in with a recovery code. The session can only add a sign-in
// method. The code works once. CodeInvalidProof for anything that is not a valid
// code, without a reason. A session that the new one replaces ends.
func (s *Service) Recover(ctx context.Context, typed string, origin identity.RequestOrigin, replaces *session.Session) (Result, error) {
	hash, ok := recovery.Hash(typed)
	if !ok {
		return Result{}, errNoSuchCode()
	}
	var r Result
	err := s.store.InTx(ctx, func(ctx context.Context) error {
		id, err := s.store.RecoveryCodeOwner(ctx, hash)
		if errors.Is(err, identity.ErrNotFound) {
			return errNoSuchCode()
		}
		if err != nil {
			return err
		}
		locked, err := s.store.LockUsers(ctx, id)
		if err != nil {
			return err
		}
		if len(locked) == 0 || !locked[0].Active() {
			return errNoSuchCode()
		}
		used, err := s.store.UseRecoveryCode(ctx, id, hash)
		if err != nil {
			return err
		}
		if !used {
			return errNoSuchCode() // by someone else, just now
		}
		r = Result{Outcome: OutcomeSignedIn, User: locked[0]}
		if r.Session, r.Token, err = s.sessions.IssueRestricted(ctx, id, methodRecovery, origin, replaces); err != nil {
			return err
		}
		left, _, err := s.store.RecoveryCodes(ctx, id)
		if err != nil {
			return err
		}
		if err := s.notify(ctx, identity.NoticeRecoveryUsed, id, "", origin); err != nil {
			return err
		}
		return s.store.RecordEvents(ctx, identity.Event{
			ID: identity.NewID(), At: s.now(), Action: identity.ActionRecoveryUsed, ActorID: &id, UserID: &id, SessionID: &r.Session.ID,
			IP: origin.IP, UserAgent: origin.UserAgent, Data: identity.Metadata{"left": left},
		})
	})
	return r, err
}

func errNoSuchCode() error {
	return identity.NewError(identity.CodeInvalidProof, "this recovery code is wrong or was already used")
}

package linking

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
)

// Erased is a user who was erased, with the users who were merged into them. It has no
// personal value: it is kept outside of the database, so that a backup from before can
// be brought to the same state.
type Erased struct {
	UserID    identity.ID   `json:"user_id"`
	FormerIDs []identity.ID `json:"former_ids,omitempty"`
	ErasedAt  time.Time     `json:"erased_at"`
}

// ErasedAgain is what EraseAgain did.
type ErasedAgain struct {
	Users []identity.ID // those who were there
	// Ownerless are the names of teams that have no active owner any more.
	Ownerless []string
	// Merged are users whom the restored database has as merged into somebody who was not
	// erased: the merge was undone after the backup. They are left as they are.
	Merged []identity.ID
}

// EraseAgain erases a user of a restored database who was erased before, with those who
// were merged into them. Who is not there, or is erased already, is passed over. Teams
// go on without them: what they decided about their teams is not known any more.
func (s *Service) EraseAgain(ctx context.Context, e Erased) (ErasedAgain, error) {
	var out ErasedAgain
	err := s.store.InTx(ctx, func(ctx context.Context) error {
		out = ErasedAgain{}
		for _, id := range append(slices.Clone(e.FormerIDs), e.UserID) {
			if err := s.eraseAgain(ctx, e, id, &out); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

func (s *Service) eraseAgain(ctx context.Context, e Erased, id identity.ID, out *ErasedAgain) error {
	u, _, err := s.lockLeaving(ctx, id)
	if errors.Is(err, identity.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if u.Status == identity.StatusMerged {
		if into := *u.MergedInto; into != e.UserID && !slices.Contains(e.FormerIDs, into) {
			out.Merged = append(out.Merged, id)
		}
		return nil // the survivor is erased as well
	}
	now := s.now()
	d, err := s.store.Deletion(ctx, id)
	switch {
	case err == nil && d.ErasedAt != nil:
		return nil
	case errors.Is(err, identity.ErrNotFound):
		d = Deletion{UserID: id, RequestedAt: now, DeletesAt: now, RestoresTo: u.Status}
		err = s.store.InsertDeletion(ctx, d)
	}
	if err != nil {
		return err
	}
	if err := s.store.LockTeamsOf(ctx, id); err != nil {
		return err
	}
	if err := s.endSessions(ctx, identity.CommandLine, id, session.SessionSelector{}, "deletion_requested"); err != nil {
		return err
	}
	events, err := s.endKeys(ctx, identity.CommandLine, id)
	if err != nil {
		return err
	}
	if _, err := s.store.CloseInvitationsOf(ctx, id, now); err != nil {
		return err
	}
	u.Status, u.UpdatedAt = identity.StatusDisabled, now
	if err := errors.Join(s.store.KillTickets(ctx, id, now), s.store.RevokeGrantsOf(ctx, id, now), s.store.UpdateUser(ctx, u), s.store.RecordEvents(ctx, events...)); err != nil {
		return err
	}
	ownerless, err := s.store.OwnerlessTeamsOf(ctx, id)
	if err != nil {
		return err
	}
	out.Users, out.Ownerless = append(out.Users, id), append(out.Ownerless, ownerless...)
	return s.erase(ctx, u, now)
}

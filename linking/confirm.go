package linking

import (
	"bytes"
	"context"
	"errors"

	"github.com/latchkey/latchkey/identity"
)

// ReasonConfirmed is why a ticket's identity was linked.
const ReasonConfirmed Reason = "confirmed_by_older_way_in"

// redeemLink links the identity of a link ticket to the user who has just come
// in by an older way in the same browser. A ticket that is not for him here and
// now links nothing and is no error: the sign-in stands by itself.
func (s *Service) redeemLink(ctx context.Context, a Attempt, d Decision, user identity.User) ([]identity.Event, error) {
	t, err := s.store.LockTicket(ctx, identity.HashSecret(a.LinkTicket))
	if errors.Is(err, identity.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	now := s.now()
	if t.Kind != TicketLink || !t.Open(now) || t.OwnerID != user.ID ||
		!bytes.Equal(t.BrowserHash, a.BrowserHash) {
		return nil, nil
	}
	t.UsedAt = &now
	if err := s.store.UseTicket(ctx, t); err != nil {
		return nil, err
	}
	proof := identity.Proof(t.Proof)
	_, _, err = s.store.IdentityOwner(ctx, proof.Provider, proof.Subject)
	if !errors.Is(err, identity.ErrNotFound) {
		return nil, err // it has an owner by now; he keeps it
	}
	confirmed := Attempt{Proof: proof, Client: a.Client}
	linked, err := s.keepIdentity(ctx, confirmed, Decision{Action: ActionJoin}, user, nil)
	if err != nil {
		return nil, err
	}
	if err := s.notify(ctx, identity.NoticeLinked, user.ID, name(linked), a.Client); err != nil {
		return nil, err
	}
	d.Reason = ReasonConfirmed
	return []identity.Event{s.event(confirmed, d, identity.ActionIdentityLinked, user.ID)}, nil
}

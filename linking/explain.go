package linking

import (
	"context"
	"errors"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
)

// errDryRun rolls back what a dry run has locked.
var errDryRun = errors.New("dry run")

// Explanation is a decision with the facts it follows from.
type Explanation struct {
	Facts    Facts
	Decision Decision
}

// Explain returns what a proof would do now, in a browser where the given user is
// signed in and recently verified, or where no user is. It changes nothing.
func (s *Service) Explain(ctx context.Context, proof identity.Proof, signedIn *identity.ID) (Explanation, error) {
	a := Submission{Proof: proof}
	if signedIn != nil {
		a.Current = &session.Principal{
			User:    identity.User{ID: *signedIn},
			Session: session.Session{UserID: *signedIn, AuthenticatedAt: s.now()},
		}
	}
	var out Explanation
	err := s.store.InTx(ctx, func(ctx context.Context) error {
		known, err := s.gather(ctx, a)
		if err != nil {
			return err
		}
		out = Explanation{Facts: known.facts, Decision: Decide(known.facts)}
		out.Decision.Inputs = known.facts.Fingerprint()
		return errDryRun
	})
	if errors.Is(err, errDryRun) {
		err = nil
	}
	return out, err
}

// HistoryStore reads the audit trail.
type HistoryStore interface {
	// EventsOf lists what happened to users, or by them, newest first.
	EventsOf(ctx context.Context, users []identity.ID, p identity.Page) ([]identity.Event, error)
}

// History tells what happened to users, or by them, newest first: why each way
// in was linked, refused or merged, by whom and from where.
func (s *Service) History(ctx context.Context, users []identity.ID, p identity.Page) ([]identity.Event, *identity.ID, error) {
	rows, err := s.store.EventsOf(ctx, users, p)
	rows, next := identity.Next(rows, p, func(e identity.Event) identity.ID { return e.ID })
	return rows, next, err
}

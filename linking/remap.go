package linking

import (
	"context"
	"errors"

	"github.com/latchkey/latchkey/identity"
)

// Remapped is what remapping a subject did, or would do.
type Remapped struct {
	From, To string
	User     *identity.ID // nil if no user has the old subject
}

// RemapStore renames subjects, in the transaction of InTx.
type RemapStore interface {
	// RemapSubject renames a subject of a provider wherever it is kept.
	RemapSubject(ctx context.Context, provider, from, to string) error
}

// Remap renames subjects of an issuer that changed them, for the command line. It
// is one transaction, and refuses with CodeIdentityTaken, changing nothing, where
// a new subject belongs to another user already. With dryRun it only reports.
func (s *Service) Remap(ctx context.Context, provider string, pairs [][2]string, dryRun bool) ([]Remapped, error) {
	switch provider {
	case identity.ProviderEmail, identity.ProviderSIWE, identity.ProviderPasskey, identity.ProviderSolana:
		return nil, identity.NewError(identity.CodeInvalidRequest, "the subjects of %s cannot be remapped: they are what was proven", provider)
	}
	var out []Remapped
	err := s.store.InTx(ctx, func(ctx context.Context) error {
		out = nil
		var events []identity.Event
		for _, p := range pairs {
			r := Remapped{From: p[0], To: p[1]}
			have, owner, err := s.store.IdentityOwner(ctx, provider, r.From)
			if errors.Is(err, identity.ErrNotFound) {
				out = append(out, r)
				continue
			}
			if err != nil {
				return err
			}
			if _, err := s.store.IdentityOwnerID(ctx, provider, r.To); err == nil {
				return identity.NewError(identity.CodeIdentityTaken, "%s %s already belongs to a user: nothing was changed", provider, r.To)
			} else if !errors.Is(err, identity.ErrNotFound) {
				return err
			}
			r.User = &owner.ID
			out = append(out, r)
			if err := s.store.RemapSubject(ctx, provider, r.From, r.To); err != nil {
				return err
			}
			events = append(events, identity.Event{
				ID: identity.NewID(), At: s.now(), Action: identity.ActionIdentityUpdated, UserID: &owner.ID,
				Data: identity.Metadata{"provider": provider, "identity_id": have.ID, "from": r.From, "subject": r.To, "reason": "remapped"},
			})
		}
		if dryRun {
			return errDryRun
		}
		return s.store.RecordEvents(ctx, events...)
	})
	if errors.Is(err, errDryRun) {
		err = nil
	}
	return out, err
}

package linking

import (
	"bytes"
	"context"
	"errors"

	"github.com/latchkey/latchkey/identity"
)

// PasskeyStore keeps what authenticators show, in the transaction of InTx.
type PasskeyStore interface {
	// Passkey returns a passkey by its credential's id; identity.ErrNotFound.
	Passkey(ctx context.Context, credential string) (identity.Passkey, error)
	InsertPasskey(ctx context.Context, p identity.Passkey) error
	// UpdatePasskey keeps what changes of a passkey: counter, backup and suspicion.
	UpdatePasskey(ctx context.Context, p identity.Passkey) error
}

// knownPasskey returns the passkey of a proof as it was kept, now that its owner is
// locked; nil for a new one and for proofs of other providers. One that is not new has to
// be the one that the proof was verified by, for it may have been removed since; one that
// is new must not be known, for its id is not secret and shows nothing about its owner.
func (s *Service) knownPasskey(ctx context.Context, p identity.Proof, have *identity.Identity) (*identity.Passkey, error) {
	created := p.Passkey != nil && p.Passkey.Created
	switch {
	case p.Provider != identity.ProviderPasskey, created && have == nil:
		return nil, nil //nolint:nilnil // there is none
	case created:
		return nil, identity.NewError(identity.CodeInvalidProof, "this passkey is already a sign-in method: use it, or create another one")
	}
	known, err := s.store.Passkey(ctx, p.Subject)
	if errors.Is(err, identity.ErrNotFound) || err == nil && (have == nil || p.Passkey != nil && !bytes.Equal(known.PublicKey, p.Passkey.PublicKey)) {
		return nil, identity.ErrPasskeyUnknown()
	}
	return &known, err
}

// keepPasskey keeps what an authenticator showed. A counter that went back is reported
// and refuses nothing: authenticators that were reset count from the beginning, too.
func (s *Service) keepPasskey(ctx context.Context, a Submission, d Decision, i identity.Identity, known *identity.Passkey) ([]identity.Event, error) {
	if a.Proof.Passkey == nil {
		return nil, nil
	}
	shown := a.Proof.Passkey.Passkey
	if known == nil {
		shown.IdentityID = i.ID
		return nil, s.store.InsertPasskey(ctx, shown)
	}
	kept := *known
	kept.SignCount, kept.BackedUp = shown.SignCount, shown.BackedUp
	var events []identity.Event
	if known.WentBack(shown.SignCount) {
		kept.CloneSuspectedAt = new(s.now())
		e := s.event(a, d, identity.ActionPasskeySuspected, i.UserID)
		e.Data["identity_id"], e.Data["counter"], e.Data["counter_before"] = i.ID, shown.SignCount, known.SignCount
		events = append(events, e)
	}
	if kept.SignCount == known.SignCount && kept.BackedUp == known.BackedUp && len(events) == 0 {
		return nil, nil
	}
	return events, s.store.UpdatePasskey(ctx, kept)
}

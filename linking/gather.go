package linking

import (
	"context"
	"errors"
	"slices"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
)

// lockedFacts are the facts with the rows they were read from, all locked.
type lockedFacts struct {
	facts    Facts
	identity *identity.Identity
	passkey  *identity.Passkey // of identity, as it was before this proof; nil for others
	users    map[identity.ID]identity.User
	// vouchers are those of the proof's address and of its identity. They are not
	// read for a known identity that shows what it showed before.
	vouchers []identity.Voucher
}

// gather locks every user whom the proof may be about and reads the facts then, so
// the decision is about how things are.
func (s *Service) gather(ctx context.Context, a Submission) (lockedFacts, error) {
	k := lockedFacts{
		facts: Facts{Purpose: a.Proof.Purpose, Policy: s.policy(a.Proof.Provider), ByMail: a.Proof.Provider == identity.ProviderEmail, ByBackend: identity.IsBackend(a.Proof.Provider)},
		users: map[identity.ID]identity.User{},
	}
	about := Parties{Provider: a.Proof.Provider, Subject: a.Proof.Subject, Address: a.claims()}
	if a.Current != nil && a.Proof.Purpose.NeedsSession() {
		about.User = &a.Current.User.ID
	}
	rows, err := s.store.LockParties(ctx, about)
	if err != nil {
		return k, err
	}
	if err := s.requireKey(ctx, a.Proof); err != nil {
		return k, err
	}
	if k.passkey, err = s.knownPasskey(ctx, a.Proof, rows.Identity); err != nil {
		return k, err
	}
	for _, u := range rows.Users {
		k.users[u.ID] = u
	}
	if rows.Identity != nil {
		owner := rows.Owner
		if owner.Status == identity.StatusMerged {
			return k, identity.ErrRaced // the identity has moved to the survivor
		}
		k.identity, k.users[owner.ID] = rows.Identity, owner
		k.facts.IdentityOwner = &Party{ID: owner.ID, Active: owner.Active(), Operator: k.facts.ByBackend && owner.Operator}
		if !owner.Active() {
			d, err := s.Leaving(ctx, owner.ID)
			if err != nil && !errors.Is(err, identity.ErrNotFound) {
				return k, err
			}
			k.facts.IdentityOwner.Leaving = err == nil && d.RestoresTo == identity.StatusActive
		}
	}
	if about.User != nil {
		if !k.users[*about.User].Active() {
			return k, session.ErrUnauthenticated() // disabled or merged since the request began
		}
		k.facts.SignedIn = &SignedIn{ID: *about.User, Recent: a.Current.Session.RecentlyVerified(s.now()) || a.Current.Session.Restricted, Operator: k.facts.ByBackend && k.users[*about.User].Operator}
	}
	return k, s.gatherAddress(ctx, a, &k, rows.Address)
}

// requireKey refuses the proof of a backend whose key does not vouch for it any more. The
// key is held, after the users as everywhere: who revokes it waits, and then finds the
// session.
func (s *Service) requireKey(ctx context.Context, p identity.Proof) error {
	if !identity.IsBackend(p.Provider) {
		return nil
	}
	vouches := false
	if p.KeyID != nil {
		var err error
		if vouches, err = s.store.KeyVouches(ctx, *p.KeyID, p.Provider, s.now()); err != nil {
			return err
		}
	}
	if !vouches {
		return identity.NewError(identity.CodeInvalidProof, "the API key that vouched for you no longer works: start again")
	}
	return nil
}

// gatherAddress adds what is known of the proof's verified address, now that
// its owner is locked.
func (s *Service) gatherAddress(ctx context.Context, a Submission, k *lockedFacts, known AddressOwner) error {
	address, owner, disputed := a.claims(), known.Owner, known.Disputed
	k.facts.VerifiedEmail = address != ""
	if owner != nil {
		u, locked := k.users[*owner]
		if !locked {
			return identity.ErrRaced // someone has just claimed it
		}
		k.facts.AddressOwner = &Party{ID: *owner, Active: u.Active(), Operator: k.facts.ByBackend && u.Operator}
	} // else if someone claims it now, claiming it here conflicts
	if err := s.gatherRules(ctx, a.Proof, k); err != nil {
		return err
	}
	if !k.needsVouchers(a.Proof, disputed) {
		return nil
	}
	var err error
	if k.vouchers, err = s.store.VouchersAbout(ctx, address, a.Proof.Provider, a.Proof.Subject); err != nil {
		return err
	}
	erased, err := s.erasedVouchers(ctx, a.Proof, address)
	if err != nil {
		return err
	}
	k.vouchers = append(k.vouchers, erased...)
	if k.identity != nil {
		return s.weighOwn(ctx, a, k, disputed)
	}
	if owner == nil {
		return nil
	}
	unlinkedBy, err := s.store.UnlinkedBy(ctx, a.Proof.Provider, a.Proof.Subject)
	k.facts.UnlinkedBefore = slices.Contains(unlinkedBy, *owner)
	k.facts.Contested = k.contested(a.Proof, address, *owner)
	if err != nil {
		return err
	}
	k.facts.Policy = stricter(k.facts.Policy, s.bestPolicy(k.vouchers, address, *owner))
	k.facts.Granted, err = s.granted(ctx, *k, a.Proof, *owner)
	return err
}

// needsVouchers reports whether the decision, or carrying it out, depends on
// vouchers. It does not for the everyday sign-in.
func (k lockedFacts) needsVouchers(p identity.Proof, disputed bool) bool {
	i := k.identity
	switch {
	case i == nil && !k.facts.VerifiedEmail: // what is said of an address that is left out
		return p.VerifiedEmail() != ""
	case i == nil: // a new user has none
		return k.facts.AddressOwner != nil || p.Purpose == identity.PurposeLink
	case p.Purpose == identity.PurposeLink, k.facts.ByMail && disputed, k.facts.claimable():
		return true
	}
	return p.Reported && (i.VouchesElsewhere || i.Email != p.Email || i.EmailAuthoritative != p.EmailAuthoritative)
}

// weighOwn adds the facts about an identity that has an owner.
func (s *Service) weighOwn(ctx context.Context, a Submission, k *lockedFacts, disputed bool) error {
	owner, address := k.identity.UserID, a.claims()
	k.facts.RemovedBefore = slices.ContainsFunc(k.vouchers, func(v identity.Voucher) bool {
		return v.Address == address && v.Names(owner) && v.Reason == identity.VoucherRemoved
	})
	if !k.facts.ByMail || !disputed || k.facts.AddressOwner == nil || k.facts.AddressOwner.ID != owner {
		return nil
	}
	k.facts.Contested = k.contested(a.Proof, address, owner)
	all, err := s.store.IdentitiesOf(ctx, []identity.ID{owner})
	if err != nil {
		return err
	}
	k.facts.OtherMethod, err = s.anyUsable(ctx, slices.DeleteFunc(all, func(i identity.Identity) bool { return i.ID == k.identity.ID }))
	return err
}

func (k lockedFacts) contested(p identity.Proof, address string, owner identity.ID) bool {
	return slices.ContainsFunc(k.vouchers, func(v identity.Voucher) bool {
		return v.Address == address && v.Contests(p.Provider, p.Subject, owner)
	})
}

// bestPolicy is the least strict policy among those of the providers that vouch
// for the owner's address now.
func (s *Service) bestPolicy(vouchers []identity.Voucher, address string, owner identity.ID) Policy {
	best, found := PolicyOff, false
	for _, v := range vouchers {
		if v.Address == address && v.Live(owner) {
			if p := s.policy(v.Provider); stricter(best, p) == best {
				best = p
			}
			found = true
		}
	}
	if !found {
		return PolicyConfirm // an older replica claimed it; nothing vouches for it yet
	}
	return best
}

// claims is the address that the proof may look up and claim, or "".
func (a Submission) claims() string {
	if a.WithoutAddress {
		return ""
	}
	return a.Proof.VerifiedEmail()
}

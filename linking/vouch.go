package linking

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/latchkey/latchkey/identity"
)

// AddressOwner is who owns an address.
type AddressOwner struct {
	Owner *identity.ID // nil if it has none
	// Disputed reports whether a voucher of the address names someone else, and
	// the owner has not settled that.
	Disputed bool
}

// VoucherStore keeps vouchers and unlinked identities, in the transaction of
// InTx.
type VoucherStore interface {
	// AddressOwner returns who owns an address.
	AddressOwner(ctx context.Context, address string) (AddressOwner, error)
	// VouchersAbout lists the vouchers of an address, and those of an identity.
	VouchersAbout(ctx context.Context, address, provider, subject string) ([]identity.Voucher, error)
	// LiveVouchers lists the vouchers that make addresses the user's.
	LiveVouchers(ctx context.Context, user identity.ID) ([]identity.Voucher, error)
	InsertVoucher(ctx context.Context, v identity.Voucher) error
	// RefuseVoucher stores a voucher without a user, or that it was seen again. What
	// was settled about it stays settled, unless it gives new doubts.
	RefuseVoucher(ctx context.Context, v identity.Voucher) error
	// AcceptVoucher deletes the voucher without a user that the identity left when it
	// was refused.
	AcceptVoucher(ctx context.Context, address, provider, subject string) error
	ReviveVoucher(ctx context.Context, id identity.ID, at time.Time) error
	EndVouchers(ctx context.Context, ids []identity.ID, reason identity.VoucherEnd, at time.Time) error
	// SettleVouchers settles, for the owner, every voucher of the address that
	// names someone else.
	SettleVouchers(ctx context.Context, address string, owner identity.ID) error
	InsertEmail(ctx context.Context, e identity.Email) error
	// DeleteEmail takes an address off its user. Where it was the primary one,
	// the oldest other takes its place.
	DeleteEmail(ctx context.Context, user identity.ID, address string, at time.Time) error
	// SetPrimaryEmailIfNone makes the address primary unless the user has one.
	SetPrimaryEmailIfNone(ctx context.Context, user identity.ID, address string, at time.Time) error

	// UnlinkedBy lists who unlinked an identity, survivors in place of merged users.
	UnlinkedBy(ctx context.Context, provider, subject string) ([]identity.ID, error)
	MarkUnlinked(ctx context.Context, i identity.Identity, at time.Time) error
	ClearUnlinked(ctx context.Context, provider, subject string, user identity.ID) error
}

// vouch keeps what the proof says of addresses: vouchers that the provider
// denies end, the proof's own begins or begins again, and its address is claimed
// where the decision says so. It returns the events of addresses that left the
// user. For a known identity that shows what it showed before it does nothing.
func (s *Service) vouch(ctx context.Context, a Submission, d Decision, user *identity.User, k lockedFacts) ([]identity.Event, error) {
	p, now := a.Proof, s.now()
	if d.links() {
		if err := s.store.ClearUnlinked(ctx, p.Provider, p.Subject, user.ID); err != nil {
			return nil, err
		}
	}
	var denied []identity.Voucher
	for _, v := range k.vouchers {
		if v.By(p.Provider, p.Subject) && v.Live(user.ID) && p.Denies(v.Address) {
			denied = append(denied, v)
		}
	}
	events, err := s.endVouchers(ctx, user.ID, denied, identity.VoucherChanged, a.Origin)
	if err != nil {
		return nil, err
	}
	if len(events) > 0 { // the primary address may be another one now
		locked, err := s.store.LockUsers(ctx, user.ID)
		if err != nil || len(locked) != 1 {
			return nil, cmp.Or(err, identity.ErrRaced)
		}
		*user = locked[0]
	}
	for i := range events {
		events[i].ActorID, events[i].Data["provider"], events[i].Data["subject"] = &user.ID, p.Provider, p.Subject
	}
	if p.VerifiedEmail() == "" || k.identity != nil && k.vouchers == nil && !d.ClaimAddress {
		return events, nil
	}
	if err := s.vouchFor(ctx, p, user.ID, k, d, now); err != nil {
		return nil, err
	}
	if d.ClaimAddress {
		e := identity.Email{Address: p.VerifiedEmail(), UserID: user.ID, Source: p.Provider, VerifiedAt: now}
		if err := s.claim(ctx, e, user); err != nil {
			return nil, err
		}
	}
	owner := k.facts.AddressOwner
	if d.links() && (d.ClaimAddress || owner != nil && owner.ID == user.ID) {
		// Linking is how the owner says that the address is theirs.
		return events, s.store.SettleVouchers(ctx, p.VerifiedEmail(), user.ID)
	}
	return events, nil
}

// vouchFor begins the proof's own voucher. One that was removed comes back by
// linking only.
func (s *Service) vouchFor(ctx context.Context, p identity.Proof, user identity.ID, k lockedFacts, d Decision, now time.Time) error {
	address := p.VerifiedEmail()
	var imported []identity.ID
	var own *identity.Voucher
	for _, v := range k.vouchers {
		switch {
		case v.Address != address || !v.Names(user):
		case v.By(p.Provider, p.Subject) && (own == nil || v.EndedAt == nil):
			own = &v
		case v.Imported() && v.EndedAt == nil:
			imported = append(imported, v.ID)
		}
	}
	if k.identity != nil && !d.links() && k.facts.RemovedBefore {
		return nil
	}
	if err := s.store.EndVouchers(ctx, imported, identity.VoucherReplaced, now); err != nil {
		return err
	}
	if own != nil && own.EndedAt == nil {
		return nil
	}
	if err := s.store.AcceptVoucher(ctx, address, p.Provider, p.Subject); err != nil {
		return err
	}
	if own != nil {
		return s.store.ReviveVoucher(ctx, own.ID, now)
	}
	v := newVoucher(p, &user, now)
	if !d.ClaimAddress {
		v.SettledBy = v.SettledIn(k.vouchers)
	}
	return s.store.InsertVoucher(ctx, v)
}

func newVoucher(p identity.Proof, user *identity.ID, now time.Time) identity.Voucher {
	return identity.Voucher{
		ID: identity.NewID(), Address: p.VerifiedEmail(), Provider: p.Provider, Subject: p.Subject,
		UserID: user, FirstAt: now, LastAt: now,
	}
}

// claim gives the user an address without an owner.
func (s *Service) claim(ctx context.Context, e identity.Email, user *identity.User) error {
	if err := s.store.InsertEmail(ctx, e); err != nil {
		return err
	}
	if user.PrimaryEmail != nil {
		return nil
	}
	user.PrimaryEmail = &e.Address
	return s.store.SetPrimaryEmailIfNone(ctx, user.ID, e.Address, e.VerifiedAt)
}

// endVouchers ends vouchers of a user, and releases their addresses. It returns
// an event for each address that left the user.
func (s *Service) endVouchers(ctx context.Context, user identity.ID, vouchers []identity.Voucher, reason identity.VoucherEnd, origin identity.RequestOrigin) ([]identity.Event, error) {
	if len(vouchers) == 0 {
		return nil, nil
	}
	var ids []identity.ID
	var addresses []string
	for _, v := range vouchers {
		ids = append(ids, v.ID)
		if !slices.Contains(addresses, v.Address) {
			addresses = append(addresses, v.Address)
		}
	}
	if err := s.store.EndVouchers(ctx, ids, reason, s.now()); err != nil {
		return nil, err
	}
	return s.release(ctx, user, addresses, reason, origin)
}

// release takes those of the addresses off a user that nothing vouches for any
// more. Each gets one last notice, and is free for its next owner.
func (s *Service) release(ctx context.Context, user identity.ID, addresses []string, reason identity.VoucherEnd, origin identity.RequestOrigin) ([]identity.Event, error) {
	live, err := s.store.LiveVouchers(ctx, user)
	if err != nil {
		return nil, err
	}
	owned, err := s.store.EmailsOf(ctx, user)
	if err != nil {
		return nil, err
	}
	now := s.now()
	var events []identity.Event
	for _, address := range addresses {
		vouched := slices.ContainsFunc(live, func(v identity.Voucher) bool { return v.Address == address })
		if vouched || !slices.Contains(owned, address) {
			continue
		}
		if err := s.notifyAt(ctx, identity.NoticeAddressRemoved, []string{address}, address, origin); err != nil {
			return nil, err
		}
		if err := s.store.DeleteEmail(ctx, user, address, now); err != nil {
			return nil, err
		}
		events = append(events, identity.Event{
			ID: identity.NewID(), At: now, Action: identity.ActionEmailRemoved, UserID: &user, IP: origin.IP, UserAgent: origin.UserAgent,
			Data: identity.Metadata{"address": address, "reason": reason},
		})
	}
	return events, nil
}

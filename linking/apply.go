package linking

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/internal/tracing"
)

// Service applies proofs.
type Service struct {
	store      Store
	sessions   Sessions
	policy     func(provider string) Policy
	rules      func(provider string) Rules
	hooks      Hooks
	grace      time.Duration
	erasedKeys erasedKeys
	usable     func(provider string) bool
	undoFor    time.Duration
	notices    identity.Notifier
	onDecision func(provider string, d Decision)
	now        identity.Clock
}

// Options are what a deployment chooses.
type Options struct {
	Policy Policy
	// Policies overrides Policy for proofs of a provider.
	Policies map[string]Policy
	// Rules decide who may create an account, and RulesFor does for proofs of a
	// provider instead.
	Rules    Rules
	RulesFor map[string]Rules
	Hooks    Hooks // asked before decisions are applied; nil for none
	// Usable reports whether a provider is configured, so that an identity of it
	// is a usable sign-in method.
	Usable func(provider string) bool
	Grace  time.Duration // how long a user who leaves can come back
	// ErasedKeys make the hashes that are left of the addresses of deleted users.
	ErasedKeys identity.Keys
	UndoFor    time.Duration // how long a merge can be undone
	Notices    identity.Notifier
	// Decided is called with each decision that was applied or recorded; nil for nothing.
	Decided func(provider string, d Decision)
}

// NewService returns the service over a store.
func NewService(store Store, sessions Sessions, o Options, now identity.Clock) *Service {
	policy := func(provider string) Policy {
		if p, ok := o.Policies[provider]; ok {
			return p
		}
		return o.Policy
	}
	rules := func(provider string) Rules {
		if r, ok := o.RulesFor[provider]; ok {
			return r
		}
		return o.Rules
	}
	onDecision := o.Decided
	if onDecision == nil {
		onDecision = func(string, Decision) {}
	}
	return &Service{store: store, sessions: sessions, onDecision: onDecision, policy: policy, rules: rules, hooks: o.Hooks, grace: o.Grace, erasedKeys: erasedKeys(o.ErasedKeys), usable: o.Usable, undoFor: o.UndoFor, notices: o.Notices, now: now}
}

// Submission is a proof with the circumstances it was given in.
type Submission struct {
	Proof       identity.Proof
	Current     *session.Principal // who was signed in where the proof came from
	BrowserHash []byte             // 32 bytes; binds a ticket to this browser
	// LinkTicket is a link ticket that this browser was given, if the sign-in was
	// begun from that ticket's page, or "".
	LinkTicket string
	// WithoutAddress makes an account that does not claim the proof's address,
	// for a person whom someone else's claim would stop. Only for sign_in.
	WithoutAddress bool
	Origin         identity.RequestOrigin
	// Replaces is the session whose token the new one's takes the place of, if
	// the proof signs in; nil for none.
	Replaces *session.Session

	consent consent
}

// Outcome is what an applied proof did.
type Outcome string

// The outcomes of a proof.
const (
	OutcomeCreated   Outcome = "created"
	OutcomeSignedIn  Outcome = "signed_in"
	OutcomeLinked    Outcome = "linked"
	OutcomeSteppedUp Outcome = "stepped_up"
	// OutcomeLeaving is a session in which a user who is leaving can come back, and
	// nothing else; OutcomeRestored is that they have.
	OutcomeLeaving  Outcome = "deletion_pending"
	OutcomeRestored Outcome = "restored"
)

// Result is what an applied proof gave: a session with a token that was never
// used before.
type Result struct {
	Outcome Outcome
	User    identity.User
	Session session.Session
	Token   string
	// Asks is a link ticket that the new session may redeem; nil for none.
	Asks *LinkRequest
}

// Apply decides about a proof and applies the decision in one transaction, the
// only one of a sign-in. Where the application has to be asked first, the
// transaction is rolled back, the application is asked, and another one decides
// again: what was agreed to is applied only if the facts are still the same. The
// proof's secret is burned there whatever the decision, so a refusal cannot be
// retried with the same proof. A refusal is a *identity.Error; where it carries a
// ticket, the ticket is stored.
func (s *Service) Apply(ctx context.Context, a Submission) (Result, error) {
	ctx, span := tracing.Start(ctx, "apply proof")
	defer span.End()
	for {
		result, err := s.apply(ctx, a)
		q, asks := errors.AsType[question](err)
		if !asks {
			return result, err
		}
		if err := s.ask(ctx, &a, q.attempt); err != nil {
			return Result{}, err
		}
	}
}

func (s *Service) apply(ctx context.Context, a Submission) (Result, error) {
	var result Result
	var refusal *identity.Error
	var decided Decision
	err := s.store.InTx(ctx, func(ctx context.Context) error {
		result, refusal = Result{}, nil
		if a.Proof.Secret != nil {
			if err := s.store.BurnSecret(ctx, *a.Proof.Secret); err != nil {
				return err
			}
		}
		known, err := s.gather(ctx, a)
		if err != nil {
			return err
		}
		d := Decide(known.facts)
		d.Inputs = known.facts.Fingerprint()
		decided = d
		if err := s.requireConsent(a, d, known); err != nil {
			return err
		}
		if d.Action == ActionRefuse {
			refusal, err = s.refuse(ctx, a, d, known)
			return err
		}
		if refusal, err = s.refuseAnswer(ctx, a, d); err != nil || refusal != nil {
			decided.Action, decided.Reason = ActionRefuse, ReasonExternalIDTaken
			return err
		}
		result, err = s.carryOut(ctx, a, d, known)
		return err
	})
	if err != nil {
		return Result{}, err
	}
	s.decided(ctx, a, decided)
	if refusal != nil {
		return Result{}, refusal
	}
	return result, nil
}

// decided notes a decision that is kept.
func (s *Service) decided(ctx context.Context, a Submission, d Decision) {
	s.onDecision(a.Proof.Provider, d)
	if span := tracing.Current(ctx); span.Recording() {
		span.Set(tracing.String("latchkey.provider", a.Proof.Provider), tracing.String("latchkey.purpose", string(a.Proof.Purpose)),
			tracing.String("latchkey.decision", string(d.Action)), tracing.String("latchkey.reason", string(d.Reason)))
	}
}

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

func (s *Service) carryOut(ctx context.Context, a Submission, d Decision, k lockedFacts) (Result, error) {
	if d.Action == ActionReturn {
		return s.letReturn(ctx, a, d, k)
	}
	now := s.now()
	var r Result
	var events []identity.Event
	user, isNew := k.users[d.User], d.Action == ActionCreate
	if isNew {
		user = identity.User{
			ID: identity.NewID(), DisplayName: a.Proof.DisplayName, AvatarURL: a.Proof.AvatarURL,
			Status: identity.StatusActive, CreatedAt: now, UpdatedAt: now,
		}
		if name := a.consent.answer.DisplayName; name != nil {
			user.DisplayName = *name
		}
		if id := a.consent.answer.ExternalID; id != "" {
			user.ExternalID = &id
		}
		user.AppMetadata = a.consent.answer.AppMetadata
		if err := s.store.InsertUser(ctx, user); err != nil {
			return r, err
		}
		events = append(events, s.event(a, d, identity.ActionUserCreated, user.ID))
	}
	ident, err := s.keepIdentity(ctx, a, d, user, k.identity)
	if err != nil {
		return r, err
	}
	suspected, err := s.keepPasskey(ctx, a, d, ident, k.passkey)
	if err != nil {
		return r, err
	}
	events = append(events, suspected...)
	if k.identity == nil && !isNew {
		if err := s.notify(ctx, identity.NoticeLinked, user.ID, name(ident), a.Origin); err != nil {
			return r, err
		}
		events = append(events, s.event(a, d, identity.ActionIdentityLinked, user.ID))
	}
	released, err := s.vouch(ctx, a, d, &user, k)
	if err != nil {
		return r, err
	}
	events = append(events, released...)

	switch d.Action {
	case ActionLink, ActionRefresh, ActionStepUp:
		action := identity.ActionSessionRotated
		r.Outcome = OutcomeLinked
		if d.Action == ActionStepUp {
			r.Outcome, action = OutcomeSteppedUp, identity.ActionSessionSteppedUp
		}
		r.Session, r.Token, err = s.sessions.Renew(ctx, a.Current.Session, &ident, d.Action == ActionStepUp)
		events = append(events, s.sessionEvent(a, d, action, user.ID, r.Session.ID))
	default:
		r.Outcome = OutcomeSignedIn
		if isNew {
			r.Outcome = OutcomeCreated
		}
		r.Session, r.Token, err = s.sessions.Issue(ctx, ident, a.Origin, a.Replaces)
		events = append(events, s.sessionEvent(a, d, identity.ActionSessionCreated, user.ID, r.Session.ID))
	}
	if err != nil {
		return r, err
	}
	r.User = user
	if d.Action == ActionSignIn && a.LinkTicket != "" {
		if r.Asks, err = s.holdLinkTicket(ctx, a, user.ID, r.Session.ID); err != nil {
			return r, err
		}
	}
	if d.Duplicate != (identity.ID{}) {
		if err := s.noteDuplicate(ctx, a, d); err != nil {
			return r, err
		}
	}
	return r, s.store.RecordEvents(ctx, events...)
}

// usedEvery bounds how often an identity's last use is written: a sign-in that shows
// nothing new then leaves its row alone.
const usedEvery = time.Minute

// keepIdentity inserts the identity, or keeps what the provider shows of it now.
func (s *Service) keepIdentity(ctx context.Context, a Submission, d Decision, user identity.User, have *identity.Identity) (identity.Identity, error) {
	now := s.now()
	if have != nil {
		i := *have
		if a.Proof.Reported { // silence changes nothing
			i.Email, i.EmailAuthoritative = a.Proof.Email, a.Proof.EmailAuthoritative
		}
		if terms := a.Proof.Terms(); terms != "" {
			i.TermsVersion = terms // what was agreed to stays agreed to
		}
		unchanged := i == *have && now.Sub(i.LastUsedAt) < usedEvery
		if i.KeyID = a.Proof.KeyID; unchanged {
			return i, nil
		}
		i.LastUsedAt = now
		return i, s.store.RefreshIdentity(ctx, i)
	}
	i := identity.Identity{
		ID: identity.NewID(), UserID: user.ID, Provider: a.Proof.Provider, Subject: a.Proof.Subject,
		Label: a.Proof.DisplayName, Email: a.Proof.Email, EmailAuthoritative: a.Proof.EmailAuthoritative,
		CreatedAt: now, LastUsedAt: now, KeyID: a.Proof.KeyID, TermsVersion: a.Proof.Terms(),
	}
	if w := a.Proof.Wallet; w != nil {
		i.WalletAddress, i.WalletChainID, i.WalletKind = &w.Address, &w.ChainID, &w.Kind
		has := false
		if d.Action != ActionCreate {
			var err error
			if has, err = s.store.HasPrimaryWallet(ctx, user.ID); err != nil {
				return i, err
			}
		}
		i.IsPrimary = !has
	}
	return i, s.store.InsertIdentity(ctx, i)
}

// Burn records a single-use secret as used, for proofs that are only fetched
// afterwards. CodeProofUsed if it was used before.
func (s *Service) Burn(ctx context.Context, secret identity.SingleUse) error {
	return s.store.InTx(ctx, func(ctx context.Context) error { return s.store.BurnSecret(ctx, secret) })
}

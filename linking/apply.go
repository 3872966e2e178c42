package linking

import (
	"context"
	"errors"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/internal/tracing"
)

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

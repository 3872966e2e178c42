package linking

import (
	"context"
	"errors"
	"time"

	"github.com/latchkey/latchkey/identity"
)

// Hooks ask the application about a decision before it is applied. They are called
// outside of transactions.
type Hooks interface {
	// Asks reports whether the application is asked before an action.
	Asks(action Action) bool
	// Ask returns what the application says about an attempt, at the latest when ctx
	// ends. An error means that there is no answer and that the attempt is refused.
	Ask(ctx context.Context, a Attempt) (Answer, error)
}

// Attempt is a decision that waits for the application's answer.
type Attempt struct {
	Decision Decision
	Proof    identity.Proof
	User     *identity.User // whom the decision signs in or links to; nil for a new one
	Origin   identity.RequestOrigin
}

// Answer is what the application says about an attempt.
type Answer struct {
	Denied  bool
	Code    string // the application's own, "" for none; only with Denied
	Message string // for the person, "" for none; only with Denied
	// Unanswered reports whether a hook that fails open gave no answer.
	Unanswered bool
	// DisplayName is what a new user is called, nil for what the provider says.
	DisplayName *string
	// ExternalID is the application's own id of a new user, and AppMetadata what it
	// keeps with them; "" for none.
	ExternalID  string
	AppMetadata identity.RawMetadata
}

// hookTime is how long an attempt may wait for the application, all questions
// about it and all retries included.
const hookTime = 3 * time.Second

// The reasons of refusals that are the application's.
const (
	ReasonDeniedByApp  Reason = "denied_by_app"
	ReasonHookFailed   Reason = "hook_failed"
	ReasonFactsChanged Reason = "facts_changed"
	// ReasonExternalIDTaken is that the application gave a new user an id by which
	// somebody is found already.
	ReasonExternalIDTaken Reason = "external_id_taken"
)

// question is returned by a transaction that must not go on before the application
// was asked. It rolls the transaction back.
type question struct{ attempt Attempt }

func (question) Error() string { return "the application has to be asked first" }

// consent is what the application has said about an attempt.
type consent struct {
	inputs   string // the fingerprint of the facts that it was asked about, "" for never
	answer   Answer
	asked    int
	deadline time.Time
}

// covers reports whether the application has agreed to a decision.
func (c consent) covers(d Decision) bool { return c.asked > 0 && c.inputs == d.Inputs }

// requireConsent returns a question if the application has to be asked about a
// decision and has not agreed to it.
func (s *Service) requireConsent(a Submission, d Decision, k lockedFacts) error {
	if s.hooks == nil || d.Action == ActionRefuse || d.Action == ActionReturn || !s.hooks.Asks(d.Action) || a.consent.covers(d) {
		return nil
	}
	attempt := Attempt{Decision: d, Proof: a.Proof, Origin: a.Origin}
	if u, ok := k.users[d.User]; ok {
		attempt.User = &u
	}
	return question{attempt}
}

// ask puts a question to the application. If it agrees, the submission may be
// applied as long as the facts are those that it was asked about. They may change
// once meanwhile. A refusal burns the proof.
func (s *Service) ask(ctx context.Context, a *Submission, q Attempt) error {
	c := &a.consent
	if c.asked++; c.asked > 2 {
		return s.deny(ctx, *a, q, ReasonFactsChanged, identity.NewError(identity.CodeDeniedByApp, "what this sign-in would do changed while it was checked: start again"))
	}
	if c.deadline.IsZero() {
		c.deadline = time.Now().Add(hookTime)
	}
	waiting, cancel := context.WithDeadline(ctx, c.deadline)
	defer cancel()
	answer, err := s.hooks.Ask(waiting, q)
	if err != nil && ctx.Err() != nil {
		return errors.Join(ctx.Err(), err) // the client went away
	}
	if err != nil {
		refusal := identity.NewError(identity.CodeUnavailable, "the application that decides about sign-ins did not answer: start again in a moment")
		return s.deny(ctx, *a, q, ReasonHookFailed, refusal.Wrap(err))
	}
	if answer.Denied {
		refusal := identity.NewError(identity.CodeDeniedByApp, "the application does not allow this sign-in")
		if answer.Message != "" {
			refusal.Detail = answer.Message
		}
		refusal.AppCode = answer.Code
		return s.deny(ctx, *a, q, ReasonDeniedByApp, refusal)
	}
	c.inputs, c.answer = q.Decision.Inputs, answer
	return nil
}

// deny burns the proof, records why, and returns the refusal.
func (s *Service) deny(ctx context.Context, a Submission, q Attempt, reason Reason, refusal *identity.Error) error {
	err := s.store.InTx(ctx, func(ctx context.Context) error {
		if a.Proof.Secret != nil {
			if err := s.store.BurnSecret(ctx, *a.Proof.Secret); err != nil {
				return err
			}
		}
		return s.recordDenial(ctx, a, q.Decision, reason, refusal)
	})
	if err != nil {
		return err
	}
	s.decided(ctx, a, Decision{Action: ActionRefuse, Reason: reason})
	return refusal
}

// recordDenial records why a decision is not applied.
func (s *Service) recordDenial(ctx context.Context, a Submission, would Decision, reason Reason, refusal *identity.Error) error {
	d := Decision{Action: ActionRefuse, Reason: reason, User: would.User, Inputs: would.Inputs}
	e := s.event(a, d, identity.ActionProofRefused, d.User)
	if d.User == (identity.ID{}) {
		e.UserID = nil
	}
	e.Data["code"], e.Data["decision"] = refusal.Code, would.Action
	if refusal.AppCode != "" {
		e.Data["app_code"] = refusal.AppCode
	}
	return s.store.RecordEvents(ctx, e)
}

// refuseAnswer refuses a decision that cannot be applied as the application answered;
// nil if it can.
func (s *Service) refuseAnswer(ctx context.Context, a Submission, d Decision) (*identity.Error, error) {
	id := a.consent.answer.ExternalID
	if d.Action != ActionCreate || id == "" {
		return nil, nil
	}
	_, err := s.store.UserByExternalID(ctx, id)
	if errors.Is(err, identity.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	refusal := identity.NewError(identity.CodeExternalIDTaken, "the application gave your account an id that another one has: ask its operator")
	return refusal, s.recordDenial(ctx, a, d, ReasonExternalIDTaken, refusal)
}

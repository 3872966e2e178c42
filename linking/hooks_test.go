package linking_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
	"github.com/latchkey/latchkey/linking"
)

// asked is an application that answers by a function, and notes what it is asked.
type asked struct {
	answer   func(n int, a linking.Attempt) (linking.Answer, error)
	attempts []linking.Attempt
	left     time.Duration // of the first question
}

func (h *asked) Asks(linking.Action) bool { return true }

func (h *asked) Ask(ctx context.Context, a linking.Attempt) (linking.Answer, error) {
	if at, ok := ctx.Deadline(); ok && h.left == 0 {
		h.left = time.Until(at)
	}
	h.attempts = append(h.attempts, a)
	return h.answer(len(h.attempts), a)
}

func TestTheApplicationIsAskedBeforeADecisionIsApplied(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		plain := newWorld(d, linking.PolicyAuto)
		known := plain.signIn(t, "google", "known", vouched("known@corp.example")).User
		sessions := session.NewService(d.DB, nil, session.Limits{Idle: time.Hour, Lifetime: time.Hour}, d.Clock.Now)
		try := func(h *asked, p identity.Proof) (linking.Result, error) {
			s := linking.NewService(d.DB, sessions, linking.Options{
				Policy: linking.PolicyAuto, Usable: func(string) bool { return true }, UndoFor: undoFor, Hooks: h,
			}, d.Clock.Now)
			return s.Apply(t.Context(), linking.Submission{Proof: p, BrowserHash: plain.browser, Origin: identity.RequestOrigin{IP: "192.0.2.1", UserAgent: "agent"}})
		}
		agree := func(int, linking.Attempt) (linking.Answer, error) { return linking.Answer{}, nil }
		proof := func(subject string) identity.Proof {
			return plain.proof(identity.PurposeSignIn, "google", subject, vouched(subject+"@corp.example"))
		}
		left := func(reason linking.Reason) int {
			t.Helper()
			var n int
			if err := d.SQL.QueryRowContext(t.Context(), `SELECT count(*) FROM audit_events WHERE action = 'proof.refused' AND CAST(data AS TEXT) LIKE '%"`+string(reason)+`"%'`).Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		}

		// It sees the decision and whom it is about, and may name a new user.
		h := &asked{answer: func(int, linking.Attempt) (linking.Answer, error) {
			return linking.Answer{DisplayName: new("Named")}, nil
		}}
		r, err := try(h, proof("new"))
		if err != nil || r.User.DisplayName != "Named" || len(h.attempts) != 1 || h.left <= 0 || h.left > 3*time.Second {
			t.Fatalf("new: %+v, %v, asked %d times, %s left", r, err, len(h.attempts), h.left)
		}
		if a := h.attempts[0]; a.Decision.Action != linking.ActionCreate || a.User != nil || a.Decision.Inputs == "" || a.Origin.IP != "192.0.2.1" {
			t.Errorf("new: asked about %+v", a)
		}

		// It says how a new user begins. An id by which somebody is found is refused, in
		// the transaction, and the proof is used up.
		begins := &asked{answer: func(int, linking.Attempt) (linking.Answer, error) {
			return linking.Answer{ExternalID: "customer-42", AppMetadata: `{"plan":"pro"}`}, nil
		}}
		if r, err = try(begins, proof("begins")); err != nil {
			t.Fatal(err)
		}
		if u, err := d.UserByExternalID(t.Context(), "customer-42"); err != nil || u.ID != r.User.ID || u.AppMetadata != `{"plan":"pro"}` {
			t.Errorf("begins: %+v, %v", u, err)
		}
		if r, err := try(begins, proof("begins")); err != nil || r.Outcome != linking.OutcomeSignedIn {
			t.Errorf("signs in again: %+v, %v", r, err)
		}
		again := proof("taken")
		if _, err := try(begins, again); identity.ErrorCode(err) != identity.CodeExternalIDTaken || left(linking.ReasonExternalIDTaken) != 1 {
			t.Errorf("taken: %v, %d in the trail", err, left(linking.ReasonExternalIDTaken))
		}
		if _, err := try(&asked{answer: agree}, again); identity.ErrorCode(err) != identity.CodeProofUsed {
			t.Errorf("taken: the proof works again: %v", err)
		}
		h = &asked{answer: agree}
		if r, err := try(h, proof("known")); err != nil || r.User.ID != known.ID || h.attempts[0].User == nil || h.attempts[0].User.ID != known.ID || h.attempts[0].Decision.Action != linking.ActionSignIn {
			t.Errorf("known: %v, %v, asked about %+v", r.User, err, h.attempts)
		}

		// What it denies does not happen, and the proof is used up.
		h = &asked{answer: func(int, linking.Attempt) (linking.Answer, error) {
			return linking.Answer{Denied: true, Code: "not_a_customer", Message: "Buy first."}, nil
		}}
		for _, subject := range []string{"denied", "known"} {
			p := proof(subject)
			_, err = try(h, p)
			refused, ok := errors.AsType[*identity.Error](err)
			if !ok || refused.Code != identity.CodeDeniedByApp || refused.AppCode != "not_a_customer" || refused.Detail != "Buy first." {
				t.Errorf("%s, denied: %v", subject, err)
			}
			if _, err := try(&asked{answer: agree}, p); identity.ErrorCode(err) != identity.CodeProofUsed {
				t.Errorf("%s: a denied proof works again: %v", subject, err)
			}
		}
		if n := left(linking.ReasonDeniedByApp); n != 2 {
			t.Errorf("%d denials are in the trail", n)
		}

		// A used proof is not worth a question.
		p := proof("known")
		if _, err := try(&asked{answer: agree}, p); err != nil {
			t.Fatal(err)
		}
		h = &asked{answer: agree}
		if _, err := try(h, p); identity.ErrorCode(err) != identity.CodeProofUsed || len(h.attempts) != 0 {
			t.Errorf("used: %v, asked %d times", err, len(h.attempts))
		}

		// No answer grants nothing.
		h = &asked{answer: func(int, linking.Attempt) (linking.Answer, error) { return linking.Answer{}, errors.New("down") }}
		if _, err := try(h, proof("failed")); identity.ErrorCode(err) != identity.CodeUnavailable || left(linking.ReasonHookFailed) != 1 {
			t.Errorf("no answer: %v, %d in the trail", err, left(linking.ReasonHookFailed))
		}

		// A refusal of ours is not put to the application.
		h = &asked{answer: agree}
		stepUp := plain.proof(identity.PurposeStepUp, "google", "known", vouched("known@corp.example"))
		if _, err := try(h, stepUp); identity.ErrorCode(err) != identity.CodeUnauthenticated || len(h.attempts) != 0 {
			t.Errorf("refused: %v, asked %d times", err, len(h.attempts))
		}

		// Facts that change while it thinks are put to it once more, not twice.
		raced := func(times int) *asked {
			return &asked{answer: func(n int, a linking.Attempt) (linking.Answer, error) {
				switch {
				case n > times:
				case a.User == nil: // someone else gets the address meanwhile
					other := d.User(t)
					d.Identity(t, other.ID, "github", storagetest.Word())
					d.Email(t, other.ID, a.Proof.Email)
				default: // and loses it again
					if err := d.Exec("DELETE FROM emails WHERE address = ?", a.Proof.Email); err != nil {
						t.Error(err)
					}
				}
				return linking.Answer{}, nil
			}}
		}
		h = raced(1)
		r, err = try(h, proof("raced"))
		if err != nil || len(h.attempts) != 2 || h.attempts[1].User == nil || r.User.ID != h.attempts[1].User.ID {
			t.Errorf("raced once: %+v, %v, asked about %+v", r, err, h.attempts)
		}
		h = raced(2)
		if _, err = try(h, proof("raced-twice")); identity.ErrorCode(err) != identity.CodeDeniedByApp || len(h.attempts) != 2 || left(linking.ReasonFactsChanged) != 1 {
			t.Errorf("raced twice: %v, asked %d times", err, len(h.attempts))
		}
	})
}

// A link that its owner confirms later is put to the application like any other, and a
// denial uses the ticket up.
func TestTheApplicationIsAskedAboutAConfirmedLink(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		for _, denied := range []bool{false, true} {
			s := newTicketScene(t, d)
			_, holder := s.holds(s.adaSignsIn(), s.ticket, s.browser)
			id := s.request(holder)
			h := &asked{answer: func(int, linking.Attempt) (linking.Answer, error) { return linking.Answer{Denied: denied}, nil }}
			sessions := session.NewService(d.DB, nil, session.Limits{Idle: time.Hour, Lifetime: time.Hour}, d.Clock.Now)
			service := linking.NewService(d.DB, sessions, linking.Options{
				Policy: linking.PolicyConfirm, Usable: func(string) bool { return true }, UndoFor: undoFor, Hooks: h,
			}, d.Clock.Now)
			_, err := service.RedeemLink(t.Context(), holder, id)
			if denied {
				storagetest.WantCode(t, "a denied link", err, identity.CodeDeniedByApp)
			} else if err != nil {
				t.Error(err)
			}
			if len(h.attempts) != 1 || h.attempts[0].Decision.Action != linking.ActionLink || h.attempts[0].Proof.Subject != s.github.Subject {
				t.Errorf("asked about %+v", h.attempts)
			}
			_, owner, err := s.IdentityOwner(t.Context(), "github", s.github.Subject)
			if linked := err == nil && owner.ID == s.ada; linked == denied {
				t.Errorf("denied %v, linked %v, %v", denied, linked, err)
			}
			_, err = s.service.RedeemLink(t.Context(), holder, id)
			storagetest.WantNotFound(t, "the ticket afterwards", err)
		}
	})
}

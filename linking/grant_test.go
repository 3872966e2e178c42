package linking_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
	"github.com/latchkey/latchkey/linking"
)

// grantScene is a person whose sign-in by GitHub was refused for ada's address under
// the policy off, and an operator.
type grantScene struct {
	*ticketScene
	operator identity.Actor
	user     identity.ID
	provider string
	subject  string
	reason   string
}

func newGrantScene(t *testing.T, d *storagetest.Database) *grantScene {
	t.Helper()
	s := &grantScene{ticketScene: newTicketScene(t, d), provider: "github", reason: "asked to by phone"}
	s.world = newWorld(d, linking.PolicyOff)
	s.user, s.subject = s.ada, s.github.Subject
	op := d.User(t, func(u *identity.User) { u.Operator = true })
	d.Wallet(t, op.ID)
	s.operator = identity.Actor{UserID: op.ID, SessionID: d.Session(t, op.ID).ID, RecentlyVerified: true}
	return s
}

func (s *grantScene) grant() error {
	_, err := s.service.GrantLink(s.t.Context(), s.operator, s.user, s.provider, s.subject, s.reason)
	return err
}

// again proves the refused identity once more, and returns the kind of ticket that
// the refusal gives.
func (s *grantScene) again(subject string) (kind, token string) {
	s.t.Helper()
	p := s.proof(identity.PurposeSignIn, "github", subject, vouched(s.github.Email))
	_, err := s.apply(s.t, p, nil)
	var refusal *identity.Error
	if !errors.As(err, &refusal) || refusal.Code != identity.CodeEmailTaken {
		s.t.Fatalf("signing in again: %v", err)
	}
	return refusal.TicketKind, refusal.Ticket
}

func (s *grantScene) set(user identity.ID, assignment string) {
	s.t.Helper()
	if err := s.Exec("UPDATE users SET "+assignment+" WHERE id = ?", user.String()); err != nil {
		s.t.Fatal(err)
	}
}

func (s *grantScene) removeAddress() {
	s.t.Helper()
	if err := s.service.RemoveEmail(s.t.Context(), s.operator, s.ada, s.github.Email, ""); err != nil {
		s.t.Fatal(err)
	}
}

// Each thing that a grant asks for, taken away by itself.
func TestAGrantIsBound(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		d.Unsound() // tombstones are made by hand
		for _, r := range []struct {
			name    string
			without func(s *grantScene)
			code    identity.Code
		}{
			{"nothing", func(*grantScene) {}, ""},
			{"a person", func(s *grantScene) { s.operator.KeyID = new(identity.NewID()) }, identity.CodeForbidden},
			{"another user than the operator", func(s *grantScene) { s.user = s.operator.UserID }, identity.CodeGrantRefused},
			{"recently verified", func(s *grantScene) { s.operator.RecentlyVerified = false }, identity.CodeReauthRequired},
			{"a reason", func(s *grantScene) { s.reason = "" }, identity.CodeInvalidRequest},
			{"a reason on one line", func(s *grantScene) { s.reason = "a\nb" }, identity.CodeInvalidRequest},
			{"a user", func(s *grantScene) { s.user = identity.NewID() }, identity.CodeNotFound},
			{"the owner of the address", func(s *grantScene) { s.user = s.signIn(s.t, "google", storagetest.Word()).User.ID }, identity.CodeGrantRefused},
			{"an active user", func(s *grantScene) { s.set(s.ada, "status = 'disabled'") }, identity.CodeGrantRefused},
			{"no tombstone", func(s *grantScene) {
				s.set(s.ada, "status = 'merged', merged_into = '"+s.operator.UserID.String()+"'")
			}, identity.CodeGrantRefused},
			{"no operator's account", func(s *grantScene) { s.set(s.ada, "operator = true") }, identity.CodeGrantRefused},
			{"an operator", func(s *grantScene) { s.set(s.operator.UserID, "operator = false") }, identity.CodeOperatorRequired},
			{"an active operator", func(s *grantScene) { s.set(s.operator.UserID, "status = 'disabled'") }, identity.CodeOperatorRequired},
			{"a proof by this subject", func(s *grantScene) { s.subject += "x" }, identity.CodeGrantRefused},
			{"a proof by this provider", func(s *grantScene) { s.provider = "google" }, identity.CodeGrantRefused},
			{"a proof that was refused lately", func(s *grantScene) { s.Clock.Advance(7 * 24 * time.Hour) }, identity.CodeGrantRefused},
			{"an identity that nobody has", func(s *grantScene) { s.signIn(s.t, "github", s.subject) }, identity.CodeGrantRefused},
			{"an address that is the user's still", func(s *grantScene) { s.removeAddress() }, identity.CodeGrantRefused},
		} {
			s := newGrantScene(t, d)
			r.without(s)
			before := [2]int{d.Count(t, "link_grants"), d.Count(t, "audit_events")}
			err := s.grant()
			made := 0
			switch {
			case r.code == identity.CodeNotFound:
				storagetest.WantNotFound(t, r.name, err)
			case r.code != "":
				storagetest.WantCode(t, r.name, err, r.code)
			case err != nil:
				t.Fatal(err)
			default:
				made = 1
			}
			if now := [2]int{d.Count(t, "link_grants"), d.Count(t, "audit_events")}; now != [2]int{before[0] + made, before[1] + made} {
				t.Errorf("%s: grants and events were %v and are %v", r.name, before, now)
			}
		}
	})
}

// What a grant gives is a link ticket, for the identity it names, in the browser of
// its next proof, while the operator is one and the owner is none.
func TestWhatAGrantGives(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		for _, r := range []struct {
			name string
			do   func(s *grantScene)
			kind string
		}{
			{"as granted", func(*grantScene) {}, "link"},
			{"just in time", func(s *grantScene) { s.Clock.Advance(linking.GrantLifetime - time.Second) }, "link"},
			{"granted twice", func(s *grantScene) {
				s.Clock.Advance(time.Hour)
				if err := s.grant(); err != nil {
					s.t.Fatal(err)
				}
				s.Clock.Advance(linking.GrantLifetime - time.Hour)
			}, "link"},
			{"late", func(s *grantScene) { s.Clock.Advance(linking.GrantLifetime) }, ""},
			{"by another account of the provider", func(s *grantScene) { s.subject += "x" }, ""},
			{"after the operator lost the role", func(s *grantScene) { s.set(s.operator.UserID, "operator = false") }, ""},
			{"after the operator was suspended", func(s *grantScene) { s.set(s.operator.UserID, "status = 'disabled'") }, ""},
			{"after the owner became an operator", func(s *grantScene) { s.set(s.ada, "operator = true") }, ""},
			{"after the owner was suspended", func(s *grantScene) { s.set(s.ada, "status = 'disabled'") }, ""},
			{"after the tickets of the owner ended", func(s *grantScene) {
				s.Do(s.t, func(ctx context.Context) error { return s.KillTickets(ctx, s.ada, s.Clock.Now()) })
			}, ""},
		} {
			s := newGrantScene(t, d)
			if kind, _ := s.again(s.subject); kind != "" {
				t.Fatalf("without a grant: a ticket of kind %q", kind)
			}
			if err := s.grant(); err != nil {
				t.Fatal(err)
			}
			r.do(s)
			if kind, _ := s.again(s.subject); kind != r.kind {
				t.Errorf("%s: a ticket of kind %q, want %q", r.name, kind, r.kind)
			}
		}
	})
}

// The ticket links what was granted, once: the next one needs a grant of its own.
func TestAGrantIsForOneLink(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		s := newGrantScene(t, d)
		if err := s.grant(); err != nil {
			t.Fatal(err)
		}
		_, ticket := s.again(s.subject)
		if asks, _ := s.holds(s.adaSignsIn(), ticket, otherBrowser); asks != nil {
			t.Fatal("held in another browser")
		}
		_, h := s.holds(s.adaSignsIn(), ticket, s.browser)
		linked, err := s.service.RedeemLink(t.Context(), h, s.request(h))
		if err != nil || linked.Provider != "github" || linked.Subject != s.subject || s.owner(t, "github", s.subject) != s.ada {
			t.Fatalf("linked %+v, %v", linked, err)
		}
		if n := d.Count(t, "link_grants"); n != 0 {
			t.Errorf("%d grants are left", n)
		}
	})
}

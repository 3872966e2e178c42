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

var otherBrowser = identity.HashSecret("another browser")

// ticketScene is a link ticket for ada's address, and what she signs in with.
type ticketScene struct {
	*world
	t      *testing.T
	ada    identity.ID
	google string
	github identity.Proof // what asks to be linked
	ticket string
}

func newTicketScene(t *testing.T, d *storagetest.Database) *ticketScene {
	t.Helper()
	s := &ticketScene{world: newWorld(d, linking.PolicyConfirm), t: t, google: storagetest.Word()}
	address := "ada-" + storagetest.Word() + "@example.com"
	address, _ = identity.CanonicalEmail(address)
	s.ada = s.signIn(t, "google", s.google, vouched(address)).User.ID
	s.github = s.proof(identity.PurposeSignIn, "github", storagetest.Word(), vouched(address))
	_, err := s.apply(t, s.github, nil)
	var refusal *identity.Error
	if !errors.As(err, &refusal) || refusal.TicketKind != "link" {
		t.Fatalf("no link ticket: %v", err)
	}
	s.ticket = refusal.Ticket
	return s
}

// holds signs in for the ticket and returns what asks, and who holds it.
func (s *ticketScene) holds(p identity.Proof, ticket string, browser []byte) (*linking.LinkRequest, linking.TicketHolder) {
	s.t.Helper()
	r, err := s.service.Apply(s.t.Context(), linking.Submission{Proof: p, BrowserHash: browser, LinkTicket: ticket})
	if err != nil {
		s.t.Fatal(err)
	}
	return r.Asks, linking.TicketHolder{Principal: *principal(r), BrowserHash: browser}
}

func (s *ticketScene) adaSignsIn() identity.Proof {
	return s.proof(identity.PurposeSignIn, "google", s.google)
}

func TestLinkTicketIsHeld(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		for name, c := range map[string]struct {
			by   func(s *ticketScene) (p identity.Proof, ticket string, browser []byte)
			held bool
		}{
			"by its owner, in its browser":           {func(s *ticketScene) (identity.Proof, string, []byte) { return s.adaSignsIn(), s.ticket, s.browser }, true},
			"by a sign-in that was not begun for it": {func(s *ticketScene) (identity.Proof, string, []byte) { return s.adaSignsIn(), "", s.browser }, false},
			"in another browser":                     {func(s *ticketScene) (identity.Proof, string, []byte) { return s.adaSignsIn(), s.ticket, otherBrowser }, false},
			"by another user": {func(s *ticketScene) (identity.Proof, string, []byte) {
				s.signIn(s.t, "google", "eve"+s.google)
				return s.proof(identity.PurposeSignIn, "google", "eve"+s.google), s.ticket, s.browser
			}, false},
			"after it expired": {func(s *ticketScene) (identity.Proof, string, []byte) {
				s.Clock.Advance(linking.TicketLifetime)
				return s.adaSignsIn(), s.ticket, s.browser
			}, false},
			"by a new user": {func(s *ticketScene) (identity.Proof, string, []byte) {
				return s.proof(identity.PurposeSignIn, "google", "new"+s.google), s.ticket, s.browser
			}, false},
			"with an unknown ticket": {func(s *ticketScene) (identity.Proof, string, []byte) { return s.adaSignsIn(), "x", s.browser }, false},
			"with a ticket that is not for linking": {func(s *ticketScene) (identity.Proof, string, []byte) {
				account := storagetest.Address()
				s.must(s.t, s.proof(identity.PurposeLink, "siwe", account, wallet), principal(s.must(s.t, s.adaSignsIn(), nil)))
				eve := s.signIn(s.t, "google", "eve"+s.google)
				_, err := s.apply(s.t, s.proof(identity.PurposeLink, "google", s.google), eve)
				var refusal *identity.Error
				if !errors.As(err, &refusal) || refusal.TicketKind != "merge" {
					s.t.Fatalf("no merge ticket: %v", err)
				}
				return s.proof(identity.PurposeSignIn, "siwe", account, wallet), refusal.Ticket, s.browser
			}, false},
			"after its owner unlinked a method": {func(s *ticketScene) (identity.Proof, string, []byte) {
				ada := principal(s.must(s.t, s.adaSignsIn(), nil))
				account := storagetest.Address()
				r := s.must(s.t, s.proof(identity.PurposeLink, "siwe", account, wallet), ada)
				i, u, err := s.IdentityOwner(s.t.Context(), "google", s.google)
				if err == nil {
					err = s.service.Unlink(s.t.Context(), identity.Actor{UserID: u.ID, SessionID: r.Session.ID, RecentlyVerified: true}, i.ID)
				}
				if err != nil {
					s.t.Fatal(err)
				}
				return s.proof(identity.PurposeSignIn, "siwe", account, wallet), s.ticket, s.browser
			}, false},
		} {
			t.Run(name, func(t *testing.T) {
				s := newTicketScene(t, d)
				asks, h := s.holds(c.by(s))
				if (asks != nil) != c.held {
					t.Fatalf("asks %+v, want %v", asks, c.held)
				}
				if _, _, err := s.IdentityOwner(t.Context(), "github", s.github.Subject); !errors.Is(err, identity.ErrNotFound) {
					t.Errorf("the sign-in linked it: %v", err)
				}
				requests, err := s.service.LinkRequests(t.Context(), h)
				if err != nil || (len(requests) == 1) != c.held {
					t.Errorf("requests %+v, %v", requests, err)
				}
			})
		}
	})
}

func TestLinkTicketIsRedeemed(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		d.Unsound() // rows are changed by hand
		for name, c := range map[string]struct {
			edit func(s *ticketScene, h *linking.TicketHolder)
			want identity.Code // "" links
		}{
			"by its holder":      {func(*ticketScene, *linking.TicketHolder) {}, ""},
			"in another browser": {func(_ *ticketScene, h *linking.TicketHolder) { h.BrowserHash = otherBrowser }, identity.CodeNotFound},
			"by another session of the owner": {func(s *ticketScene, h *linking.TicketHolder) {
				h.Principal = *principal(s.must(s.t, s.adaSignsIn(), nil))
			}, identity.CodeNotFound},
			"by a session of another user": {func(s *ticketScene, h *linking.TicketHolder) {
				h.Principal.User = s.signIn(s.t, "google", "eve"+s.google).User
			}, identity.CodeNotFound},
			"late": {func(s *ticketScene, h *linking.TicketHolder) {
				s.Clock.Advance(linking.TicketLifetime)
				h.Principal.Session.AuthenticatedAt = s.Clock.Now()
			}, identity.CodeNotFound},
			"by a session that is not recently verified": {func(s *ticketScene, _ *linking.TicketHolder) { s.Clock.Advance(11 * time.Minute) }, identity.CodeReauthRequired},
			"after the owner was suspended": {func(s *ticketScene, h *linking.TicketHolder) {
				u := h.Principal.User
				u.Status = identity.StatusDisabled
				if err := s.InTx(s.t.Context(), func(ctx context.Context) error { return s.UpdateUser(ctx, u) }); err != nil {
					s.t.Fatal(err)
				}
			}, identity.CodeNotFound},
			"after someone else linked the identity": {func(s *ticketScene, _ *linking.TicketHolder) {
				eve := s.signIn(s.t, "google", "eve"+s.google)
				p := s.proof(identity.PurposeLink, "github", s.github.Subject)
				s.must(s.t, p, eve)
			}, identity.CodeTicketInvalid},
			"a ticket of another kind": {func(s *ticketScene, h *linking.TicketHolder) { s.setTicket("kind = 'merge'") }, identity.CodeNotFound},
			"a ticket of another owner": {func(s *ticketScene, h *linking.TicketHolder) {
				s.setTicket("owner_id = '" + s.signIn(s.t, "google", "eve"+s.google).User.ID.String() + "'")
			}, identity.CodeNotFound},
			"a ticket that another user holds": {func(s *ticketScene, h *linking.TicketHolder) {
				s.setTicket("holder_id = '" + s.signIn(s.t, "google", "eve"+s.google).User.ID.String() + "'")
			}, identity.CodeNotFound},
			"after the address became someone else's": {func(s *ticketScene, h *linking.TicketHolder) {
				eve := s.signIn(s.t, "google", "eve"+s.google).User.ID
				if err := s.Exec("UPDATE users SET primary_email = NULL WHERE id = ?", s.ada.String()); err != nil {
					s.t.Fatal(err)
				}
				s.Do(s.t, func(ctx context.Context) error { return s.MoveEmails(ctx, []string{s.github.Email}, eve) })
			}, identity.CodeTicketInvalid},
			"after it was dismissed": {func(s *ticketScene, h *linking.TicketHolder) {
				if err := s.service.DismissLink(s.t.Context(), *h, s.request(*h)); err != nil {
					s.t.Fatal(err)
				}
			}, identity.CodeNotFound},
		} {
			t.Run(name, func(t *testing.T) {
				s := newTicketScene(t, d)
				_, h := s.holds(s.adaSignsIn(), s.ticket, s.browser)
				id := s.request(h)
				c.edit(s, &h)
				_, err := s.service.RedeemLink(t.Context(), h, id)
				switch {
				case c.want == identity.CodeNotFound:
					storagetest.WantNotFound(t, name, err)
				case c.want != "":
					storagetest.WantCode(t, name, err, c.want)
				case err != nil:
					t.Fatal(err)
				}
				_, owner, err := s.IdentityOwner(t.Context(), "github", s.github.Subject)
				if linked := err == nil && owner.ID == s.ada; linked != (c.want == "") {
					t.Errorf("linked %v, %v", linked, err)
				}
				if c.want != "" {
					return
				}
				_, err = s.service.RedeemLink(t.Context(), h, id)
				storagetest.WantNotFound(t, "a used ticket", err)
			})
		}
	})
}

// setTicket changes the ticket of the scene by hand.
func (s *ticketScene) setTicket(set string) {
	s.t.Helper()
	t, err := s.TicketByToken(s.t.Context(), identity.HashSecret(s.ticket))
	if err == nil {
		err = s.Exec("UPDATE tickets SET "+set+" WHERE id = ?", t.ID.String())
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// request is the id of what the holder is asked for.
func (s *ticketScene) request(h linking.TicketHolder) identity.ID {
	s.t.Helper()
	requests, err := s.service.LinkRequests(s.t.Context(), h)
	if err != nil || len(requests) != 1 {
		s.t.Fatalf("requests %+v, %v", requests, err)
	}
	return requests[0].ID
}

// A mailbox that may have changed hands needs another method, which it cannot be
// itself. Redeeming the ticket settles the address.
func TestContestedMailbox(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		w := newWorld(d, linking.PolicyAuto)
		address := "ada@contested.example"
		mail := func(purpose identity.Purpose) identity.Proof {
			return w.proof(purpose, identity.ProviderEmail, address, vouched(address))
		}
		ada := w.signIn(t, "siwe", storagetest.Address(), wallet)
		w.must(t, mail(identity.PurposeLink), ada)
		w.must(t, mail(identity.PurposeSignIn), nil)
		// Someone else proves the address elsewhere, and is refused for another reason.
		off := newWorld(d, linking.PolicyOff)
		if _, err := off.apply(t, off.proof(identity.PurposeSignIn, "google", "next", vouched(address)), nil); identity.ErrorCode(err) != identity.CodeEmailTaken {
			t.Fatal(err)
		}
		_, err := w.apply(t, mail(identity.PurposeSignIn), nil)
		var refusal *identity.Error
		if !errors.As(err, &refusal) || refusal.Code != identity.CodeEmailTaken || refusal.TicketKind != "link" {
			t.Fatalf("mail to a contested address: %v", err)
		}
		asked := refusal.Ticket
		eve := w.signIn(t, "siwe", storagetest.Address(), wallet)
		if _, err := w.apply(t, mail(identity.PurposeLink), eve); !errors.As(err, &refusal) || refusal.TicketKind == "merge" {
			t.Fatalf("a merge with the owner of a contested mailbox: %v", err)
		}
		if err := w.service.SettleEmail(t.Context(), identity.Actor{UserID: ada.User.ID, SessionID: ada.Session.ID, RecentlyVerified: true}, address); err != nil {
			t.Fatal(err)
		}
		if got := w.must(t, mail(identity.PurposeSignIn), nil); got.User.ID != ada.User.ID {
			t.Error("settled, and yet another user")
		}
		// What asked is the mailbox itself: it has nothing to confirm.
		got, err := w.service.Apply(t.Context(), linking.Submission{Proof: mail(identity.PurposeSignIn), BrowserHash: w.browser, LinkTicket: asked})
		if err != nil || got.Asks != nil {
			t.Errorf("the mailbox confirms itself: %+v, %v", got.Asks, err)
		}
	})
}

package linking

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/latchkey/latchkey/identity"
)

// ReasonConfirmed is why a link ticket's identity was linked.
const ReasonConfirmed Reason = "confirmed_by_older_method"

// LinkRequest is an identity that asks to be linked to the signed-in user: what a
// link ticket will do, to be shown before it is redeemed.
type LinkRequest struct {
	ID        identity.ID
	Provider  string
	Subject   string
	Email     string
	Name      string // as the provider shows it
	ExpiresAt time.Time
}

func (t Ticket) request() *LinkRequest {
	p := identity.Proof(t.Proof)
	return &LinkRequest{ID: t.ID, Provider: p.Provider, Subject: p.Subject, Email: p.Email, Name: p.DisplayName, ExpiresAt: t.ExpiresAt}
}

// holdLinkTicket gives a link ticket to the session that a sign-in has just
// made, by an identity of the ticket's owner and in the ticket's browser. It
// links nothing yet. A ticket that is not for this user, here and now, gives nil
// and is not an error: the sign-in succeeds on its own.
func (s *Service) holdLinkTicket(ctx context.Context, a Submission, user, session identity.ID) (*LinkRequest, error) {
	t, err := s.store.LockTicket(ctx, identity.HashSecret(a.LinkTicket))
	if errors.Is(err, identity.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if t.Kind != TicketLink || !t.Open(s.now()) || t.OwnerID != user || !bytes.Equal(t.BrowserHash, a.BrowserHash) {
		return nil, nil
	}
	if p := identity.Proof(t.Proof); p.Provider == a.Proof.Provider && p.Subject == a.Proof.Subject {
		return nil, nil // a contested mailbox does not confirm itself
	}
	t.HolderID, t.SessionID = &user, &session
	return t.request(), s.store.HoldTicket(ctx, t)
}

// LinkRequests lists what asks to be linked to the holder, in the session that
// signed in for it.
func (s *Service) LinkRequests(ctx context.Context, h TicketHolder) ([]LinkRequest, error) {
	held, err := s.store.LinkTicketsOf(ctx, h.Principal.Session.ID)
	out := []LinkRequest{}
	for _, t := range held {
		if s.redeemsLink(h, t) {
			out = append(out, *t.request())
		}
	}
	return out, err
}

// RedeemLink links the identity of a link ticket to the holder, who has seen what
// it is. The application is asked as in Apply; its denial uses the ticket up.
// identity.ErrNotFound for a ticket of another session, browser or user;
// CodeReauthRequired unless recently verified; CodeTicketInvalid when the
// identity has an owner by now.
func (s *Service) RedeemLink(ctx context.Context, h TicketHolder, id identity.ID) (LinkRequest, error) {
	a := Submission{Current: &h.Principal, BrowserHash: h.BrowserHash, Origin: h.Origin}
	for {
		out, err := s.redeemLink(ctx, h, id, &a)
		q, asks := errors.AsType[question](err)
		if !asks {
			return out, err
		}
		denied := s.ask(ctx, &a, q.attempt)
		if denied == nil {
			continue
		}
		if _, err := s.settleLink(ctx, h, id, func(context.Context, Ticket) error { return nil }); err != nil && !errors.Is(err, identity.ErrNotFound) {
			return LinkRequest{}, err
		}
		return LinkRequest{}, denied
	}
}

// redeemLink is one transaction of RedeemLink, for what a says of its circumstances.
func (s *Service) redeemLink(ctx context.Context, h TicketHolder, id identity.ID, a *Submission) (LinkRequest, error) {
	return s.settleLink(ctx, h, id, func(ctx context.Context, t Ticket) error {
		proof := identity.Proof(t.Proof)
		have, owner, err := s.store.IdentityOwner(ctx, proof.Provider, proof.Subject)
		switch {
		case err == nil && owner.ID != t.OwnerID:
			return errTicketInvalid() // it belongs to someone else by now
		case err == nil: // a sign-in by mail to a contested address
			return s.store.SettleVouchers(ctx, proof.VerifiedEmail(), have.UserID)
		case !errors.Is(err, identity.ErrNotFound):
			return err
		}
		a.Proof = proof
		a.Proof.Purpose, a.Proof.Secret = identity.PurposeLink, nil // burned when the ticket was made
		return s.linkConfirmed(ctx, *a)
	})
}

// DismissLink ends a link ticket without linking anything.
func (s *Service) DismissLink(ctx context.Context, h TicketHolder, id identity.ID) error {
	_, err := s.settleLink(ctx, h, id, func(ctx context.Context, t Ticket) error {
		e := s.event(Submission{Proof: identity.Proof(t.Proof), Current: &h.Principal, Origin: h.Origin},
			Decision{Reason: ReasonConfirmed}, identity.ActionLinkDismissed, t.OwnerID)
		e.ActorID, e.SessionID = &h.Principal.User.ID, &h.Principal.Session.ID
		return s.store.RecordEvents(ctx, e)
	})
	return err
}

// settleLink uses up a link ticket of the holder and does what they decided.
func (s *Service) settleLink(ctx context.Context, h TicketHolder, id identity.ID, decided func(ctx context.Context, t Ticket) error) (LinkRequest, error) {
	var out LinkRequest
	err := s.store.InTx(ctx, func(ctx context.Context) error {
		locked, err := s.store.LockUsers(ctx, h.Principal.User.ID) // before the ticket, as everywhere
		if err != nil {
			return err
		}
		seen, err := s.store.TicketByID(ctx, id)
		if err != nil {
			return err
		}
		t, err := s.store.LockTicket(ctx, seen.TokenHash)
		if err != nil {
			return err
		}
		if !s.redeemsLink(h, t) || len(locked) == 0 || !locked[0].Active() {
			return identity.ErrNotFound
		}
		now := s.now()
		if err := h.Principal.Actor(now, h.Origin).RequireRecentlyVerified(); err != nil {
			return err
		}
		t.UsedAt = &now
		if err := s.store.UseTicket(ctx, t); err != nil {
			return err
		}
		out = *t.request()
		return decided(ctx, t)
	})
	return out, err
}

// redeemsLink reports whether the holder may redeem the link ticket now.
func (s *Service) redeemsLink(h TicketHolder, t Ticket) bool {
	return t.Kind == TicketLink && t.Open(s.now()) && t.OwnerID == h.Principal.User.ID &&
		t.HolderID != nil && *t.HolderID == h.Principal.User.ID &&
		t.SessionID != nil && *t.SessionID == h.Principal.Session.ID && bytes.Equal(t.BrowserHash, h.BrowserHash)
}

// linkConfirmed links a proven identity without an owner to who has confirmed it.
func (s *Service) linkConfirmed(ctx context.Context, a Submission) error {
	k, err := s.gather(ctx, a)
	if err != nil {
		return err
	}
	d := Decide(k.facts)
	if d.Action != ActionLink {
		return errTicketInvalid() // the address is someone else's by now
	}
	d.Reason, d.Inputs = ReasonConfirmed, k.facts.Fingerprint()
	if err := s.requireConsent(a, d, k); err != nil {
		return err
	}
	user := k.users[d.User]
	if err := s.store.DeleteGrants(ctx, user.ID); err != nil { // each is for one link
		return err
	}
	linked, err := s.keepIdentity(ctx, a, d, user, nil)
	if err != nil {
		return err
	}
	if err := s.notify(ctx, identity.NoticeLinked, user.ID, name(linked), a.Origin); err != nil {
		return err
	}
	events, err := s.vouch(ctx, a, d, &user, k)
	if err != nil {
		return err
	}
	return s.store.RecordEvents(ctx, append(events, s.event(a, d, identity.ActionIdentityLinked, user.ID))...)
}

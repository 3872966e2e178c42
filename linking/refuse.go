package linking

import (
	"context"

	"github.com/latchkey/latchkey/identity"
)

// refuse stores the ticket, if the decision gives one, and the audit event, and
// returns the refusal. Its text never reveals who the other user is.
func (s *Service) refuse(ctx context.Context, a Submission, d Decision, k lockedFacts) (*identity.Error, error) {
	now := s.now()
	refusal := identity.NewError(d.Code, "%s", explain(d))
	if d.Ticket != TicketNone {
		token, hash := identity.NewSecret()
		t := Ticket{
			TokenHash: hash, Kind: d.Ticket, OwnerID: d.User, BrowserHash: a.BrowserHash,
			ID: identity.NewID(), Proof: StoredProof(a.Proof), CreatedAt: now, ExpiresAt: now.Add(TicketLifetime),
		}
		if d.Ticket == TicketMerge {
			t.HolderID, t.SessionID, t.Ground = &a.Current.User.ID, &a.Current.Session.ID, groundOf(d)
		}
		if err := s.store.InsertTicket(ctx, t); err != nil {
			return nil, err
		}
		refusal.Ticket, refusal.TicketKind = token, string(d.Ticket)
	}
	if a.claims() != "" && k.identity == nil && leavesVoucher(d) {
		v := newVoucher(a.Proof, nil, now)
		v.SettledBy = v.SettledIn(k.vouchers)
		if err := s.store.RefuseVoucher(ctx, v); err != nil {
			return nil, err
		}
	}
	e := s.event(a, d, identity.ActionProofRefused, d.User)
	if d.User == (identity.ID{}) {
		e.UserID = nil
	}
	e.Data["code"] = d.Code
	return refusal, s.store.RecordEvents(ctx, e)
}

// leavesVoucher reports whether a refused proof is kept as a voucher without a user.
// A session that must be verified first says nothing about the address.
func leavesVoucher(d Decision) bool {
	switch d.Reason {
	case ReasonStaleSession, ReasonNotSignedIn, ReasonPurposeNotDecided:
		return false
	}
	return true
}

func explain(d Decision) string {
	switch d.Reason {
	case ReasonNotSignedIn:
		return "sign in first"
	case ReasonOwnedByAnother:
		return "this sign-in method belongs to another account; if both are yours, the ticket lets you merge them"
	case ReasonAddressOfAnother:
		return "the address of this sign-in method belongs to another account; if both are yours, the ticket lets you merge them"
	case ReasonStaleSession:
		return identity.ErrReauthRequired().Detail
	case ReasonPolicyConfirm, ReasonContested, ReasonUnlinkedBefore:
		return "an account with this address exists: sign in to it with a method it already has, in this browser"
	case ReasonPolicyOff, ReasonOwnerInactive:
		if d.Ticket == TicketLink {
			return "an account with this address exists: sign in to it with a method it already has, in this browser"
		}
		return "an account with this address exists: sign in to it with a method it already has, then link this one"
	case ReasonOperator:
		if d.Code == identity.CodeEmailTaken {
			return "an account with this address exists: sign in to it with a method it already has"
		}
		return "an application's backend cannot vouch for an operator of this service: sign in with another method"
	case ReasonSignUpClosed:
		return "this service does not let everybody create an account: ask for an invitation to your address"
	case ReasonDomainNotAllowed:
		return "accounts are for verified addresses of certain domains: sign in with a method that has one"
	case ReasonDisabled:
		return "this account is disabled: ask the operator of this service"
	case ReasonNotOwnIdentity:
		return "verify it's you with a sign-in method of the account you are signed in to"
	}
	return "this proof was made for another purpose"
}

// event is the audit event of a decision, with the reason for it.
func (s *Service) event(a Submission, d Decision, action identity.Action, user identity.ID) identity.Event {
	e := identity.Event{
		ID: identity.NewID(), At: s.now(), Action: action, ActorID: &user, UserID: &user,
		IP: a.Origin.IP, UserAgent: a.Origin.UserAgent,
		Data: identity.Metadata{
			"provider": a.Proof.Provider, "subject": a.Proof.Subject, "purpose": a.Proof.Purpose,
			"reason": d.Reason, "policy": s.policy(a.Proof.Provider), "inputs": d.Inputs,
		},
	}
	if a.consent.answer.Unanswered {
		e.Data["hook"] = "unanswered" // and the operator lets that pass
	}
	if d.ClaimAddress {
		e.Data["claimed_address"] = a.Proof.VerifiedEmail()
	}
	if terms := a.Proof.Terms(); terms != "" {
		e.Data["terms_version"] = terms
	}
	if a.Current != nil && a.Proof.Purpose.NeedsSession() {
		e.ActorID = &a.Current.User.ID
		e.SessionID = &a.Current.Session.ID
	} else if action == identity.ActionProofRefused {
		e.ActorID = nil // no user was signed in, and the owner did nothing
	}
	return e
}

func (s *Service) sessionEvent(a Submission, d Decision, action identity.Action, user, session identity.ID) identity.Event {
	e := s.event(a, d, action, user)
	e.ActorID, e.SessionID = &user, &session
	return e
}

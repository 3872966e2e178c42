// Package linking decides what a proof means for the users there are, and
// applies it: sign in, create, link, step up or refuse.
package linking

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/latchkey/latchkey/identity"
)

// Policy is what happens when a new identity proves an address that a user owns.
type Policy string

// The linking policies, the strictest last.
const (
	PolicyAuto    Policy = "auto"    // link and sign in
	PolicyConfirm Policy = "confirm" // sign in by an older method first
	PolicyOff     Policy = "off"     // refuse
)

// stricter returns the stricter of two policies. One that is unknown counts as
// confirm.
func stricter(a, b Policy) Policy {
	if a.strictness() > b.strictness() {
		return a
	}
	return b
}

func (p Policy) strictness() int {
	switch p {
	case PolicyAuto:
		return 0
	case PolicyOff:
		return 2
	}
	return 1
}

// Facts are everything a decision depends on. A nil pointer means none.
type Facts struct {
	Purpose identity.Purpose
	// Policy is the stricter of the policy for the proof's provider and the best
	// of those for the providers that vouch for the address now.
	Policy   Policy
	SignedIn *SignedIn
	// IdentityOwner owns (provider, subject).
	IdentityOwner *Party
	// VerifiedEmail reports whether the proof vouches for an address with
	// authority. AddressOwner then owns it.
	VerifiedEmail bool
	AddressOwner  *Party
	// Contested reports whether another voucher of the address, live or ended,
	// speaks against AddressOwner: see identity.Voucher.Contests.
	Contested bool
	// UnlinkedBefore reports whether AddressOwner once unlinked this identity.
	UnlinkedBefore bool
	// Granted reports whether an operator lets this identity ask AddressOwner, whom
	// the policy would not let it ask.
	Granted bool
	// RemovedBefore reports whether IdentityOwner removed the address.
	RemovedBefore bool
	// ByMail reports whether the identity is the mailbox itself. OtherMethod then
	// reports whether its owner has another usable method.
	ByMail      bool
	OtherMethod bool
	// ByBackend reports whether an application's own backend vouches for the person.
	// It opens no operator.
	ByBackend bool `json:",omitempty"`
	// SignUp is who may create an account by the proof's provider; "" is
	// SignUpOpen. Invited reports whether an invitation waits for the proof's
	// address or wallet, and ForeignDomain whether the address has to be of another
	// domain. They are zero unless the proof would create an account.
	SignUp        SignUp
	Invited       bool
	ForeignDomain bool
}

// Party is a user as far as a decision cares.
type Party struct {
	ID     identity.ID
	Active bool // not suspended, not leaving
	// Leaving reports whether they asked for their account to be deleted, and can
	// still come back. Only IdentityOwner has it.
	Leaving  bool `json:",omitempty"`
	Operator bool `json:",omitempty"`
}

// SignedIn is the user of the session the proof came with.
type SignedIn struct {
	ID     identity.ID
	Recent bool // recently verified

	Operator bool `json:",omitempty"`
}

// Action is what a decision does.
type Action string

// The actions.
const (
	ActionSignIn  Action = "sign_in" // new session for User
	ActionCreate  Action = "create"  // new user, identity and session
	ActionJoin    Action = "join"    // link to User by address, new session
	ActionLink    Action = "link"    // link to User, who is signed in
	ActionRefresh Action = "refresh" // keep what User's identity shows now
	ActionStepUp  Action = "step_up" // the session is recently verified
	ActionReturn  Action = "return"  // a session in which User, who is leaving, can come back
	ActionRefuse  Action = "refuse"  // Code says why
)

// TicketKind is what a refusal lets the person redeem.
type TicketKind string

// The kinds of tickets.
const (
	TicketNone TicketKind = ""
	// TicketMerge lets the person merge two users, both proven: by an identity,
	// or by an address that would have signed them in.
	TicketMerge TicketKind = "merge"
	// TicketLink lets the owner of the address link the identity, after signing
	// in by a method they already have.
	TicketLink TicketKind = "link"
)

// Reason names the row of the table that decided. It is kept in the audit trail.
type Reason string

// The reasons, one for each row of the decision table.
const (
	ReasonIdentityOwned     Reason = "identity_owned"
	ReasonProvedAgain       Reason = "proved_again"
	ReasonOwnedByAnother    Reason = "identity_owned_by_another"
	ReasonLinkedBySession   Reason = "linked_by_fresh_session"
	ReasonAddressOfAnother  Reason = "address_owned_by_another"
	ReasonStaleSession      Reason = "stale_session"
	ReasonSameAddress       Reason = "same_verified_address"
	ReasonPolicyConfirm     Reason = "policy_confirm"
	ReasonPolicyOff         Reason = "policy_off"
	ReasonContested         Reason = "contested_address"
	ReasonUnlinkedBefore    Reason = "unlinked_before"
	ReasonOwnerInactive     Reason = "address_owner_inactive"
	ReasonNewPerson         Reason = "new_person"
	ReasonSignUpClosed      Reason = "sign_up_closed"
	ReasonDomainNotAllowed  Reason = "domain_not_allowed"
	ReasonLeaving           Reason = "account_leaving"
	ReasonDisabled          Reason = "user_disabled"
	ReasonNotSignedIn       Reason = "not_signed_in"
	ReasonNotOwnIdentity    Reason = "step_up_by_foreign_identity"
	ReasonOperator          Reason = "operator_by_backend"
	ReasonPurposeNotDecided Reason = "purpose_not_decided_here"
)

// Decision is what to do, as a value.
type Decision struct {
	Action Action
	Reason Reason
	// User signs in, is linked to, or owns what a refusal is about.
	User identity.ID
	// ClaimAddress reports whether the verified address becomes User's.
	ClaimAddress bool
	// Duplicate is another user who owns the address: with User they may be one
	// person. It is zero for none.
	Duplicate identity.ID
	Code      identity.Code // with ActionRefuse
	Ticket    TicketKind    // with ActionRefuse
	// Inputs is the fingerprint of the facts it was decided by. Decide leaves it
	// empty; it is kept in the audit trail.
	Inputs string
}

// links reports whether a signed-in person linked the identity, for the first time or
// again.
func (d Decision) links() bool { return d.Action == ActionLink || d.Action == ActionRefresh }

// Fingerprint is 32 hexadecimal digits that change with any fact: two decisions
// with the same one were about the same situation.
func (f Facts) Fingerprint() string {
	raw, err := json.Marshal(f)
	if err != nil {
		panic(err) // facts are ids, words and truth values
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:16])
}

// Decide is the linking table. It is pure: the same facts give the same
// decision, and nothing is read or written.
//
// Someone gets into a user's account in one of three ways: by an identity that
// is the user's, by a session that is the user's, or by an address that opens
// the user (see byAddress). There is no fourth.
func Decide(f Facts) Decision {
	switch f.Purpose {
	case identity.PurposeSignIn:
		return decideSignIn(f)
	case identity.PurposeLink, identity.PurposeStepUp:
		if f.SignedIn == nil {
			return refuse(ReasonNotSignedIn, identity.CodeUnauthenticated, identity.ID{}, TicketNone)
		}
		own := f.IdentityOwner != nil && f.IdentityOwner.ID == f.SignedIn.ID
		switch {
		case f.ByBackend && f.SignedIn.Operator:
			return refuse(ReasonOperator, identity.CodeForbidden, f.SignedIn.ID, TicketNone)
		case own && f.Purpose == identity.PurposeStepUp:
			return Decision{Action: ActionStepUp, Reason: ReasonProvedAgain, User: f.SignedIn.ID, ClaimAddress: f.claimable() && !f.RemovedBefore}
		case own:
			return Decision{Action: ActionRefresh, Reason: ReasonProvedAgain, User: f.SignedIn.ID, ClaimAddress: f.claimable()}
		case f.Purpose == identity.PurposeStepUp:
			return refuse(ReasonNotOwnIdentity, identity.CodeIdentityMismatch, f.SignedIn.ID, TicketNone)
		}
		return decideLink(f)
	}
	return refuse(ReasonPurposeNotDecided, identity.CodeInvalidProof, identity.ID{}, TicketNone)
}

// decideSignIn ignores who is signed in: a foreign proof is never linked to a
// session without being asked to.
func decideSignIn(f Facts) Decision {
	if u := f.IdentityOwner; u != nil {
		switch {
		case f.ByBackend && u.Operator:
			return refuse(ReasonOperator, identity.CodeForbidden, u.ID, TicketNone)
		case u.Leaving && !f.contestedMailbox():
			return Decision{Action: ActionReturn, Reason: ReasonLeaving, User: u.ID}
		case !u.Active:
			return refuse(ReasonDisabled, identity.CodeUserDisabled, u.ID, TicketNone)
		case f.contestedMailbox():
			return refuse(ReasonContested, identity.CodeEmailTaken, u.ID, TicketLink)
		}
		d := Decision{Action: ActionSignIn, Reason: ReasonIdentityOwned, User: u.ID, ClaimAddress: f.claimable() && !f.RemovedBefore}
		if f.AddressOwner != nil && f.AddressOwner.ID != u.ID {
			d.Duplicate = f.AddressOwner.ID
		}
		return d
	}
	if f.AddressOwner == nil {
		if reason, code := f.mayCreate(); reason != "" {
			return refuse(reason, code, identity.ID{}, TicketNone)
		}
		return Decision{Action: ActionCreate, Reason: ReasonNewPerson, ClaimAddress: f.claimable()}
	}
	opens, reason, ticket := f.byAddress()
	if opens {
		return Decision{Action: ActionJoin, Reason: reason, User: f.AddressOwner.ID}
	}
	return refuse(reason, identity.CodeEmailTaken, f.AddressOwner.ID, ticket)
}

func decideLink(f Facts) Decision {
	v := f.SignedIn
	switch {
	case f.IdentityOwner != nil && (!f.IdentityOwner.Active || f.ByBackend && f.IdentityOwner.Operator):
		return refuse(ReasonOwnedByAnother, identity.CodeIdentityTaken, f.IdentityOwner.ID, TicketNone)
	case f.IdentityOwner != nil && f.contestedMailbox():
		return refuse(ReasonContested, identity.CodeIdentityTaken, f.IdentityOwner.ID, TicketLink)
	case f.IdentityOwner != nil:
		return refuse(ReasonOwnedByAnother, identity.CodeIdentityTaken, f.IdentityOwner.ID, TicketMerge)
	case !v.Recent:
		return refuse(ReasonStaleSession, identity.CodeReauthRequired, v.ID, TicketNone)
	case f.AddressOwner == nil || f.AddressOwner.ID == v.ID:
		return Decision{Action: ActionLink, Reason: ReasonLinkedBySession, User: v.ID, ClaimAddress: f.claimable()}
	}
	opens, reason, ticket := f.byAddress()
	if opens {
		reason, ticket = ReasonAddressOfAnother, TicketMerge
	}
	return refuse(reason, identity.CodeEmailTaken, f.AddressOwner.ID, ticket)
}

// byAddress reports whether a new identity opens the owner of its address: the
// one rule for signing in and for linking, so that a link followed by a merge
// never yields more than a sign-in. Where it does not, the ticket lets the owner
// link the identity themselves.
func (f Facts) byAddress() (opens bool, reason Reason, ticket TicketKind) {
	switch {
	case !f.AddressOwner.Active:
		// Neither CodeUserDisabled nor a ticket: both would tell of that user.
		return false, ReasonOwnerInactive, TicketNone
	case f.ByBackend && f.AddressOwner.Operator: // by their own methods only, and a ticket would link this one
		return false, ReasonOperator, TicketNone
	case f.Policy == PolicyOff && f.Granted:
		return false, ReasonPolicyOff, TicketLink
	case f.Policy == PolicyOff:
		return false, ReasonPolicyOff, TicketNone
	case f.UnlinkedBefore:
		return false, ReasonUnlinkedBefore, TicketLink
	case f.Contested:
		return false, ReasonContested, TicketLink
	case f.Policy == PolicyAuto:
		return true, ReasonSameAddress, TicketNone
	}
	return false, ReasonPolicyConfirm, TicketLink
}

// contestedMailbox reports whether the mailbox alone does not open its owner: it
// may have changed hands, and the owner has another method to say so.
func (f Facts) contestedMailbox() bool { return f.ByMail && f.Contested && f.OtherMethod }

// claimable reports whether the proof has a verified address without an owner.
func (f Facts) claimable() bool { return f.VerifiedEmail && f.AddressOwner == nil }

func refuse(reason Reason, code identity.Code, about identity.ID, ticket TicketKind) Decision {
	return Decision{Action: ActionRefuse, Reason: reason, Code: code, User: about, Ticket: ticket}
}

// Package linking decides what a proof means for the users there are, and
// applies it: sign in, create, link, step up or refuse.
package linking

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/latchkey/latchkey/identity"
)

// Policy is what happens when a newcomer proves an address that a user owns.
type Policy string

// The linking policies.
const (
	PolicyAuto    Policy = "auto"    // link and sign in
	PolicyConfirm Policy = "confirm" // sign in by an old method first
	PolicyOff     Policy = "off"     // refuse
)

// Facts are everything a decision depends on. No pointer means none.
type Facts struct {
	Purpose  identity.Purpose
	Policy   Policy
	SignedIn *SignedIn
	// IdentityOwner owns (provider, subject).
	IdentityOwner *Party
	// VerifiedEmail tells that the proof vouches for an address with authority;
	// AddressOwner then owns it.
	VerifiedEmail bool
	AddressOwner  *Party
	// Recycled tells that the address owner has another subject of the same
	// provider with this address: it has probably changed hands.
	Recycled bool
}

// Party is a user as far as a decision cares.
type Party struct {
	ID     identity.ID
	Active bool
}

// SignedIn is the user of the session the proof came with.
type SignedIn struct {
	ID    identity.ID
	Fresh bool
}

// Action is what a decision does.
type Action string

// The actions.
const (
	ActionSignIn  Action = "sign_in" // new session for User
	ActionCreate  Action = "create"  // new user, identity and session
	ActionJoin    Action = "join"    // link to User by address, new session
	ActionLink    Action = "link"    // link to User, who is signed in
	ActionRefresh Action = "refresh" // the session becomes fresh
	ActionRefuse  Action = "refuse"  // Code says why
)

// TicketKind is what a refusal lets its receiver redeem.
type TicketKind string

// The kinds of tickets.
const (
	TicketNone  TicketKind = ""
	TicketMerge TicketKind = "merge" // both users are proven
	TicketLink  TicketKind = "link"  // an older way in must confirm
)

// Reason says which row of the table decided. It is kept in the audit trail.
type Reason string

// The reasons, one a row of the decision table.
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
	ReasonRecycledAddress   Reason = "recycled_address"
	ReasonNewPerson         Reason = "new_person"
	ReasonDisabled          Reason = "user_disabled"
	ReasonNotSignedIn       Reason = "not_signed_in"
	ReasonNotOwnIdentity    Reason = "step_up_by_foreign_identity"
	ReasonPurposeNotDecided Reason = "purpose_not_decided_here"
)

// Decision is what to do, as a value.
type Decision struct {
	Action Action
	Reason Reason
	// User is who signs in, or is linked to, or owns what a refusal is about.
	User identity.ID
	// ClaimAddress tells to add the verified address to User.
	ClaimAddress bool
	Code         identity.Code // with ActionRefuse
	Ticket       TicketKind    // with ActionRefuse
	// Inputs is the fingerprint of the facts it was decided by. Decide leaves it
	// empty; it is kept in the audit trail.
	Inputs string
}

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
// Who is signed in matters only for purposes that act on the signed-in user:
// for sign_in a session in hand changes nothing, so a foreign proof can never
// be linked to it silently.
func Decide(f Facts) Decision {
	switch f.Purpose {
	case identity.PurposeSignIn:
		return decideSignIn(f)
	case identity.PurposeLink, identity.PurposeStepUp:
		if f.SignedIn == nil {
			return refuse(ReasonNotSignedIn, identity.CodeUnauthenticated, identity.ID{}, TicketNone)
		}
		if f.IdentityOwner != nil && f.IdentityOwner.ID == f.SignedIn.ID {
			return Decision{Action: ActionRefresh, Reason: ReasonProvedAgain, User: f.SignedIn.ID, ClaimAddress: f.claimable()}
		}
		if f.Purpose == identity.PurposeStepUp {
			return refuse(ReasonNotOwnIdentity, identity.CodeIdentityMismatch, f.SignedIn.ID, TicketNone)
		}
		return decideLink(f)
	}
	return refuse(ReasonPurposeNotDecided, identity.CodeInvalidProof, identity.ID{}, TicketNone)
}

func decideSignIn(f Facts) Decision {
	if u := f.IdentityOwner; u != nil {
		if !u.Active {
			return refuse(ReasonDisabled, identity.CodeUserDisabled, u.ID, TicketNone)
		}
		return Decision{Action: ActionSignIn, Reason: ReasonIdentityOwned, User: u.ID, ClaimAddress: f.claimable()}
	}
	u := f.AddressOwner
	switch {
	case u == nil:
		return Decision{Action: ActionCreate, Reason: ReasonNewPerson, ClaimAddress: f.claimable()}
	case !u.Active:
		return refuse(ReasonDisabled, identity.CodeUserDisabled, u.ID, TicketNone)
	case f.Recycled:
		return refuse(ReasonRecycledAddress, identity.CodeEmailTaken, u.ID, TicketLink)
	case f.Policy == PolicyAuto:
		return Decision{Action: ActionJoin, Reason: ReasonSameAddress, User: u.ID}
	case f.Policy == PolicyOff:
		return refuse(ReasonPolicyOff, identity.CodeEmailTaken, u.ID, TicketNone)
	}
	return refuse(ReasonPolicyConfirm, identity.CodeEmailTaken, u.ID, TicketLink)
}

func decideLink(f Facts) Decision {
	v := f.SignedIn
	switch {
	case f.IdentityOwner != nil && !f.IdentityOwner.Active:
		return refuse(ReasonOwnedByAnother, identity.CodeIdentityTaken, f.IdentityOwner.ID, TicketNone)
	case f.IdentityOwner != nil:
		return refuse(ReasonOwnedByAnother, identity.CodeIdentityTaken, f.IdentityOwner.ID, TicketMerge)
	case !v.Fresh:
		return refuse(ReasonStaleSession, identity.CodeReauthRequired, v.ID, TicketNone)
	case f.AddressOwner != nil && f.AddressOwner.ID != v.ID:
		ticket := TicketMerge
		if !f.AddressOwner.Active {
			ticket = TicketNone
		}
		return refuse(ReasonAddressOfAnother, identity.CodeEmailTaken, f.AddressOwner.ID, ticket)
	}
	return Decision{Action: ActionLink, Reason: ReasonLinkedBySession, User: v.ID, ClaimAddress: f.claimable()}
}

// claimable tells that the proof brings a verified address that nobody owns.
func (f Facts) claimable() bool { return f.VerifiedEmail && f.AddressOwner == nil }

func refuse(reason Reason, code identity.Code, about identity.ID, ticket TicketKind) Decision {
	return Decision{Action: ActionRefuse, Reason: reason, Code: code, User: about, Ticket: ticket}
}

package linking_test

import (
	"testing"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/linking"
)

// The decision table, row by row. U, V and W are three users.
func TestDecisionTable(t *testing.T) {
	t.Parallel()
	u, v, w := identity.NewID(), identity.NewID(), identity.NewID()
	active := func(id identity.ID) *linking.Party { return &linking.Party{ID: id, Active: true} }
	disabled := func(id identity.ID) *linking.Party { return &linking.Party{ID: id} }
	fresh := func(id identity.ID) *linking.SignedIn { return &linking.SignedIn{ID: id, Fresh: true} }
	stale := func(id identity.ID) *linking.SignedIn { return &linking.SignedIn{ID: id} }
	refused := func(reason linking.Reason, code identity.Code, about identity.ID, ticket linking.TicketKind) linking.Decision {
		return linking.Decision{Action: linking.ActionRefuse, Reason: reason, Code: code, User: about, Ticket: ticket}
	}
	signIn, link, stepUp := identity.PurposeSignIn, identity.PurposeLink, identity.PurposeStepUp
	nobody := identity.ID{}

	for _, row := range []struct {
		name  string
		facts linking.Facts
		want  linking.Decision
	}{
		{"U's identity, nobody signed in, sign_in: U",
			linking.Facts{Purpose: signIn, IdentityOwner: active(u)},
			linking.Decision{Action: linking.ActionSignIn, Reason: linking.ReasonIdentityOwned, User: u}},
		{"and a new verified address of nobody is added",
			linking.Facts{Purpose: signIn, IdentityOwner: active(u), VerifiedEmail: true},
			linking.Decision{Action: linking.ActionSignIn, Reason: linking.ReasonIdentityOwned, User: u, ClaimAddress: true}},
		{"U's identity with W's address, sign_in: U, and the address stays W's",
			linking.Facts{Purpose: signIn, IdentityOwner: active(u), VerifiedEmail: true, AddressOwner: active(w)},
			linking.Decision{Action: linking.ActionSignIn, Reason: linking.ReasonIdentityOwned, User: u}},
		{"U's identity, U signed in, step_up: fresh",
			linking.Facts{Purpose: stepUp, IdentityOwner: active(u), SignedIn: stale(u)},
			linking.Decision{Action: linking.ActionRefresh, Reason: linking.ReasonProvedAgain, User: u}},
		{"U's identity, U signed in, link: fresh",
			linking.Facts{Purpose: link, IdentityOwner: active(u), SignedIn: stale(u)},
			linking.Decision{Action: linking.ActionRefresh, Reason: linking.ReasonProvedAgain, User: u}},
		{"U's identity, V signed in, sign_in: U, as if nobody were",
			linking.Facts{Purpose: signIn, IdentityOwner: active(u), SignedIn: fresh(v)},
			linking.Decision{Action: linking.ActionSignIn, Reason: linking.ReasonIdentityOwned, User: u}},
		{"U's identity, V signed in, link: taken, both are proven",
			linking.Facts{Purpose: link, IdentityOwner: active(u), SignedIn: fresh(v)},
			refused(linking.ReasonOwnedByAnother, identity.CodeIdentityTaken, u, linking.TicketMerge)},
		{"disabled U's identity, V signed in, link: taken, and nothing to merge",
			linking.Facts{Purpose: link, IdentityOwner: disabled(u), SignedIn: fresh(v)},
			refused(linking.ReasonOwnedByAnother, identity.CodeIdentityTaken, u, linking.TicketNone)},
		{"U's identity, V signed in, step_up: not his",
			linking.Facts{Purpose: stepUp, IdentityOwner: active(u), SignedIn: fresh(v)},
			refused(linking.ReasonNotOwnIdentity, identity.CodeIdentityMismatch, v, linking.TicketNone)},
		{"nobody's identity, V signed in, step_up: not his",
			linking.Facts{Purpose: stepUp, SignedIn: fresh(v)},
			refused(linking.ReasonNotOwnIdentity, identity.CodeIdentityMismatch, v, linking.TicketNone)},
		{"nobody's identity, V fresh, link: V, with the address",
			linking.Facts{Purpose: link, SignedIn: fresh(v), VerifiedEmail: true},
			linking.Decision{Action: linking.ActionLink, Reason: linking.ReasonLinkedBySession, User: v, ClaimAddress: true}},
		{"nobody's identity with V's address, V fresh, link: V, who has the address",
			linking.Facts{Purpose: link, SignedIn: fresh(v), VerifiedEmail: true, AddressOwner: active(v)},
			linking.Decision{Action: linking.ActionLink, Reason: linking.ReasonLinkedBySession, User: v}},
		{"nobody's identity without an address, V fresh, link: V",
			linking.Facts{Purpose: link, SignedIn: fresh(v)},
			linking.Decision{Action: linking.ActionLink, Reason: linking.ReasonLinkedBySession, User: v}},
		{"nobody's identity with W's address, V fresh, link: taken, both are proven",
			linking.Facts{Purpose: link, SignedIn: fresh(v), VerifiedEmail: true, AddressOwner: active(w)},
			refused(linking.ReasonAddressOfAnother, identity.CodeEmailTaken, w, linking.TicketMerge)},
		{"nobody's identity with disabled W's address, V fresh, link: taken, nothing to merge",
			linking.Facts{Purpose: link, SignedIn: fresh(v), VerifiedEmail: true, AddressOwner: disabled(w)},
			refused(linking.ReasonAddressOfAnother, identity.CodeEmailTaken, w, linking.TicketNone)},
		{"nobody's identity, V stale, link: prove again first",
			linking.Facts{Purpose: link, SignedIn: stale(v)},
			refused(linking.ReasonStaleSession, identity.CodeReauthRequired, v, linking.TicketNone)},
		{"nobody's identity with W's address, V stale, link: prove again first, and W is not told of",
			linking.Facts{Purpose: link, SignedIn: stale(v), VerifiedEmail: true, AddressOwner: active(w)},
			refused(linking.ReasonStaleSession, identity.CodeReauthRequired, v, linking.TicketNone)},
		{"nobody's identity with U's address, sign_in, auto: join U",
			linking.Facts{Purpose: signIn, Policy: linking.PolicyAuto, VerifiedEmail: true, AddressOwner: active(u)},
			linking.Decision{Action: linking.ActionJoin, Reason: linking.ReasonSameAddress, User: u}},
		{"the same, confirm: an older way in first",
			linking.Facts{Purpose: signIn, Policy: linking.PolicyConfirm, VerifiedEmail: true, AddressOwner: active(u)},
			refused(linking.ReasonPolicyConfirm, identity.CodeEmailTaken, u, linking.TicketLink)},
		{"the same, a policy nobody knows: as confirm",
			linking.Facts{Purpose: signIn, Policy: "?", VerifiedEmail: true, AddressOwner: active(u)},
			refused(linking.ReasonPolicyConfirm, identity.CodeEmailTaken, u, linking.TicketLink)},
		{"the same, off: refused",
			linking.Facts{Purpose: signIn, Policy: linking.PolicyOff, VerifiedEmail: true, AddressOwner: active(u)},
			refused(linking.ReasonPolicyOff, identity.CodeEmailTaken, u, linking.TicketNone)},
		{"a recycled address, auto: as confirm",
			linking.Facts{Purpose: signIn, Policy: linking.PolicyAuto, VerifiedEmail: true, AddressOwner: active(u), Recycled: true},
			refused(linking.ReasonRecycledAddress, identity.CodeEmailTaken, u, linking.TicketLink)},
		{"a recycled address, off: as confirm, always",
			linking.Facts{Purpose: signIn, Policy: linking.PolicyOff, VerifiedEmail: true, AddressOwner: active(u), Recycled: true},
			refused(linking.ReasonRecycledAddress, identity.CodeEmailTaken, u, linking.TicketLink)},
		{"nobody's identity, nobody's address, sign_in: a new user",
			linking.Facts{Purpose: signIn, Policy: linking.PolicyAuto, VerifiedEmail: true},
			linking.Decision{Action: linking.ActionCreate, Reason: linking.ReasonNewPerson, ClaimAddress: true}},
		{"nobody's identity, no address, V signed in, sign_in: a new user, never a silent link",
			linking.Facts{Purpose: signIn, Policy: linking.PolicyAuto, SignedIn: fresh(v)},
			linking.Decision{Action: linking.ActionCreate, Reason: linking.ReasonNewPerson}},
		{"disabled U's identity, sign_in: he stays out",
			linking.Facts{Purpose: signIn, IdentityOwner: disabled(u)},
			refused(linking.ReasonDisabled, identity.CodeUserDisabled, u, linking.TicketNone)},
		{"nobody's identity with disabled U's address, auto: he stays out",
			linking.Facts{Purpose: signIn, Policy: linking.PolicyAuto, VerifiedEmail: true, AddressOwner: disabled(u)},
			refused(linking.ReasonDisabled, identity.CodeUserDisabled, u, linking.TicketNone)},
		{"link, nobody signed in",
			linking.Facts{Purpose: link, IdentityOwner: active(u)},
			refused(linking.ReasonNotSignedIn, identity.CodeUnauthenticated, nobody, linking.TicketNone)},
		{"step_up, nobody signed in",
			linking.Facts{Purpose: stepUp, IdentityOwner: active(u)},
			refused(linking.ReasonNotSignedIn, identity.CodeUnauthenticated, nobody, linking.TicketNone)},
		{"merge is decided elsewhere",
			linking.Facts{Purpose: identity.PurposeMerge, IdentityOwner: active(u), SignedIn: fresh(u)},
			refused(linking.ReasonPurposeNotDecided, identity.CodeInvalidProof, nobody, linking.TicketNone)},
		{"a purpose nobody knows",
			linking.Facts{IdentityOwner: active(u)},
			refused(linking.ReasonPurposeNotDecided, identity.CodeInvalidProof, nobody, linking.TicketNone)},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			if got := linking.Decide(row.facts); got != row.want {
				t.Errorf("\n got %+v\nwant %+v", got, row.want)
			}
		})
	}
}

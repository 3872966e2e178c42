package linking_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/linking"
)

// row is a row of the decision table: the documented one is made of them, and
// every combination of facts is decided by the first row that it matches.
type row struct {
	owner, signedIn, purpose, address, decision string // as docs/linking.md has them
	reason                                      linking.Reason
	match                                       func(f linking.Facts) bool
	want                                        func(f linking.Facts) linking.Decision
}

func signIn(f linking.Facts) bool { return f.Purpose == identity.PurposeSignIn }
func link(f linking.Facts) bool   { return f.Purpose == identity.PurposeLink }
func stepUp(f linking.Facts) bool { return f.Purpose == identity.PurposeStepUp }
func own(f linking.Facts) bool    { return f.IdentityOwner != nil && f.IdentityOwner.ID == f.SignedIn.ID }
func free(f linking.Facts) bool   { return f.VerifiedEmail && f.AddressOwner == nil }

// contestedMailbox reports whether the mailbox alone does not open its owner.
func contestedMailbox(f linking.Facts) bool { return f.ByMail && f.Contested && f.OtherMethod }

func refused(code identity.Code, ticket linking.TicketKind, about func(f linking.Facts) identity.ID) func(linking.Facts) linking.Decision {
	return func(f linking.Facts) linking.Decision {
		return linking.Decision{Action: linking.ActionRefuse, Code: code, Ticket: ticket, User: about(f)}
	}
}

func noUser(linking.Facts) identity.ID          { return identity.ID{} }
func identityOwner(f linking.Facts) identity.ID { return f.IdentityOwner.ID }
func addressOwner(f linking.Facts) identity.ID  { return f.AddressOwner.ID }
func sessionUser(f linking.Facts) identity.ID   { return f.SignedIn.ID }

var table = []row{
	{"U", "any", "sign_in", "any", "sign in U; the address is claimed if it has no owner and U has not removed it", linking.ReasonIdentityOwned,
		func(f linking.Facts) bool {
			return signIn(f) && f.IdentityOwner != nil && f.IdentityOwner.Active && !contestedMailbox(f) &&
				(f.AddressOwner == nil || f.AddressOwner.ID == f.IdentityOwner.ID)
		},
		func(f linking.Facts) linking.Decision {
			return linking.Decision{Action: linking.ActionSignIn, User: f.IdentityOwner.ID, ClaimAddress: free(f) && !f.RemovedBefore}
		}},
	{"U", "any", "sign_in", "W", "sign in U, and note U and W as a possible duplicate", linking.ReasonIdentityOwned,
		func(f linking.Facts) bool {
			return signIn(f) && f.IdentityOwner != nil && f.IdentityOwner.Active && !contestedMailbox(f)
		},
		func(f linking.Facts) linking.Decision {
			return linking.Decision{Action: linking.ActionSignIn, User: f.IdentityOwner.ID, Duplicate: f.AddressOwner.ID}
		}},
	{"U, by a contested mailbox, with another method", "any", "sign_in", "U", "409 `email_taken` with a link ticket", linking.ReasonContested,
		func(f linking.Facts) bool { return signIn(f) && f.IdentityOwner != nil && f.IdentityOwner.Active },
		refused(identity.CodeEmailTaken, linking.TicketLink, identityOwner)},
	{"U, leaving", "any", "sign_in", "any", "a session in which U can restore or export the account, and nothing else", linking.ReasonLeaving,
		func(f linking.Facts) bool {
			return signIn(f) && f.IdentityOwner != nil && f.IdentityOwner.Leaving && !contestedMailbox(f)
		},
		func(f linking.Facts) linking.Decision {
			return linking.Decision{Action: linking.ActionReturn, User: f.IdentityOwner.ID}
		}},
	{"U, disabled", "any", "sign_in", "any", "403 `user_disabled`", linking.ReasonDisabled,
		func(f linking.Facts) bool { return signIn(f) && f.IdentityOwner != nil },
		refused(identity.CodeUserDisabled, linking.TicketNone, identityOwner)},
	{"none", "any", "sign_in", "none, and sign-up is closed, or by invitation and none is open", "403 `sign_up_closed`", linking.ReasonSignUpClosed,
		func(f linking.Facts) bool {
			return signIn(f) && f.AddressOwner == nil && (f.SignUp == linking.SignUpClosed || f.SignUp == "?" || f.SignUp == linking.SignUpInvited && !f.Invited)
		},
		refused(identity.CodeSignUpClosed, linking.TicketNone, noUser)},
	{"none", "any", "sign_in", "none, and its domain is not allowed", "403 `domain_not_allowed`", linking.ReasonDomainNotAllowed,
		func(f linking.Facts) bool { return signIn(f) && f.AddressOwner == nil && f.ForeignDomain },
		refused(identity.CodeDomainNotAllowed, linking.TicketNone, noUser)},
	{"none", "any", "sign_in", "none", "create a user, who claims the address", linking.ReasonNewPerson,
		func(f linking.Facts) bool { return signIn(f) && f.AddressOwner == nil },
		func(f linking.Facts) linking.Decision {
			return linking.Decision{Action: linking.ActionCreate, ClaimAddress: f.VerifiedEmail}
		}},
	{"none", "any", "sign_in", "U, disabled", "409 `email_taken`", linking.ReasonOwnerInactive,
		func(f linking.Facts) bool { return signIn(f) && !f.AddressOwner.Active },
		refused(identity.CodeEmailTaken, linking.TicketNone, addressOwner)},
	{"none, let ask by an operator", "any", "sign_in", "U, policy `off`", "409 `email_taken` with a link ticket", linking.ReasonPolicyOff,
		func(f linking.Facts) bool { return signIn(f) && f.Policy == linking.PolicyOff && f.Granted },
		refused(identity.CodeEmailTaken, linking.TicketLink, addressOwner)},
	{"none", "any", "sign_in", "U, policy `off`", "409 `email_taken`", linking.ReasonPolicyOff,
		func(f linking.Facts) bool { return signIn(f) && f.Policy == linking.PolicyOff },
		refused(identity.CodeEmailTaken, linking.TicketNone, addressOwner)},
	{"none, unlinked by U before", "any", "sign_in", "U", "409 `email_taken` with a link ticket", linking.ReasonUnlinkedBefore,
		func(f linking.Facts) bool { return signIn(f) && f.UnlinkedBefore },
		refused(identity.CodeEmailTaken, linking.TicketLink, addressOwner)},
	{"none", "any", "sign_in", "U, contested", "409 `email_taken` with a link ticket", linking.ReasonContested,
		func(f linking.Facts) bool { return signIn(f) && f.Contested },
		refused(identity.CodeEmailTaken, linking.TicketLink, addressOwner)},
	{"none", "any", "sign_in", "U, policy `auto`", "link to U and sign in", linking.ReasonSameAddress,
		func(f linking.Facts) bool { return signIn(f) && f.Policy == linking.PolicyAuto },
		func(f linking.Facts) linking.Decision {
			return linking.Decision{Action: linking.ActionJoin, User: f.AddressOwner.ID}
		}},
	{"none", "any", "sign_in", "U, policy `confirm`", "409 `email_taken` with a link ticket", linking.ReasonPolicyConfirm,
		signIn, refused(identity.CodeEmailTaken, linking.TicketLink, addressOwner)},

	{"any", "no", "link, step_up", "any", "401 `unauthenticated`", linking.ReasonNotSignedIn,
		func(f linking.Facts) bool { return (link(f) || stepUp(f)) && f.SignedIn == nil },
		refused(identity.CodeUnauthenticated, linking.TicketNone, noUser)},
	{"V", "V", "step_up", "any", "the session is recently verified", linking.ReasonProvedAgain,
		func(f linking.Facts) bool { return stepUp(f) && own(f) },
		func(f linking.Facts) linking.Decision {
			return linking.Decision{Action: linking.ActionStepUp, User: f.SignedIn.ID, ClaimAddress: free(f) && !f.RemovedBefore}
		}},
	{"V", "V", "link", "any", "the identity is refreshed, and its address claimed if it has no owner; the session is no more recent", linking.ReasonProvedAgain,
		func(f linking.Facts) bool { return link(f) && own(f) },
		func(f linking.Facts) linking.Decision {
			return linking.Decision{Action: linking.ActionRefresh, User: f.SignedIn.ID, ClaimAddress: free(f)}
		}},
	{"U or none", "V", "step_up", "any", "403 `identity_mismatch`", linking.ReasonNotOwnIdentity,
		stepUp, refused(identity.CodeIdentityMismatch, linking.TicketNone, sessionUser)},
	{"U, disabled", "V", "link", "any", "409 `identity_taken`", linking.ReasonOwnedByAnother,
		func(f linking.Facts) bool { return link(f) && f.IdentityOwner != nil && !f.IdentityOwner.Active },
		refused(identity.CodeIdentityTaken, linking.TicketNone, identityOwner)},
	{"U, by a contested mailbox, with another method", "V", "link", "U", "409 `identity_taken` with a link ticket", linking.ReasonContested,
		func(f linking.Facts) bool { return link(f) && f.IdentityOwner != nil && contestedMailbox(f) },
		refused(identity.CodeIdentityTaken, linking.TicketLink, identityOwner)},
	{"U", "V", "link", "any", "409 `identity_taken` with a merge ticket", linking.ReasonOwnedByAnother,
		func(f linking.Facts) bool { return link(f) && f.IdentityOwner != nil },
		refused(identity.CodeIdentityTaken, linking.TicketMerge, identityOwner)},
	{"none", "V, not recently verified", "link", "any", "403 `reauth_required`", linking.ReasonStaleSession,
		func(f linking.Facts) bool { return link(f) && !f.SignedIn.Recent },
		refused(identity.CodeReauthRequired, linking.TicketNone, sessionUser)},
	{"none", "V, recently verified", "link", "none or V", "link to V, who claims the address", linking.ReasonLinkedBySession,
		func(f linking.Facts) bool {
			return link(f) && (f.AddressOwner == nil || f.AddressOwner.ID == f.SignedIn.ID)
		},
		func(f linking.Facts) linking.Decision {
			return linking.Decision{Action: linking.ActionLink, User: f.SignedIn.ID, ClaimAddress: free(f)}
		}},
	{"none", "V, recently verified", "link", "W, disabled", "409 `email_taken`", linking.ReasonOwnerInactive,
		func(f linking.Facts) bool { return link(f) && !f.AddressOwner.Active },
		refused(identity.CodeEmailTaken, linking.TicketNone, addressOwner)},
	{"none, let ask by an operator", "V, recently verified", "link", "W, policy `off`", "409 `email_taken` with a link ticket", linking.ReasonPolicyOff,
		func(f linking.Facts) bool { return link(f) && f.Policy == linking.PolicyOff && f.Granted },
		refused(identity.CodeEmailTaken, linking.TicketLink, addressOwner)},
	{"none", "V, recently verified", "link", "W, policy `off`", "409 `email_taken`", linking.ReasonPolicyOff,
		func(f linking.Facts) bool { return link(f) && f.Policy == linking.PolicyOff },
		refused(identity.CodeEmailTaken, linking.TicketNone, addressOwner)},
	{"none, unlinked by W before", "V, recently verified", "link", "W", "409 `email_taken` with a link ticket", linking.ReasonUnlinkedBefore,
		func(f linking.Facts) bool { return link(f) && f.UnlinkedBefore },
		refused(identity.CodeEmailTaken, linking.TicketLink, addressOwner)},
	{"none", "V, recently verified", "link", "W, contested", "409 `email_taken` with a link ticket", linking.ReasonContested,
		func(f linking.Facts) bool { return link(f) && f.Contested },
		refused(identity.CodeEmailTaken, linking.TicketLink, addressOwner)},
	{"none", "V, recently verified", "link", "W, policy `auto`", "409 `email_taken` with a merge ticket", linking.ReasonAddressOfAnother,
		func(f linking.Facts) bool { return link(f) && f.Policy == linking.PolicyAuto },
		refused(identity.CodeEmailTaken, linking.TicketMerge, addressOwner)},
	{"none", "V, recently verified", "link", "W, policy `confirm`", "409 `email_taken` with a link ticket", linking.ReasonPolicyConfirm,
		link, refused(identity.CodeEmailTaken, linking.TicketLink, addressOwner)},
	{"any", "any", "merge", "any", "401 `invalid_proof`", linking.ReasonPurposeNotDecided,
		func(linking.Facts) bool { return true }, refused(identity.CodeInvalidProof, linking.TicketNone, noUser)},
}

// everyFact calls f with every combination of facts, for three users.
func everyFact(f func(linking.Facts)) {
	ids := []identity.ID{{1}, {2}, {3}}
	bools := []bool{false, true}
	party := func(n int, active [3]bool) *linking.Party {
		if n == len(ids) {
			return nil
		}
		return &linking.Party{ID: ids[n], Active: active[n]}
	}
	each := func(n int, do func(n int)) {
		for i := range n {
			do(i)
		}
	}
	purposes := []identity.Purpose{identity.PurposeSignIn, identity.PurposeLink, identity.PurposeStepUp, identity.PurposeMerge, "?"}
	policies := []linking.Policy{linking.PolicyAuto, linking.PolicyConfirm, linking.PolicyOff, "?"}
	for _, purpose := range purposes {
		for _, policy := range policies {
			each(3, func(session int) { // no user, not recently verified, recently verified
				each(8, func(activity int) {
					active := [3]bool{activity&1 > 0, activity&2 > 0, activity&4 > 0}
					var signedIn *linking.SignedIn
					if session > 0 {
						if !active[0] {
							return // sessions of other users do not get this far
						}
						signedIn = &linking.SignedIn{ID: ids[0], Recent: session == 2}
					}
					each(4, func(owner int) {
						for _, verified := range bools {
							each(4, func(addressOwner int) {
								if !verified && addressOwner < 3 {
									return
								}
								each(64, func(n int) {
									facts := linking.Facts{
										Purpose: purpose, Policy: policy, SignedIn: signedIn, IdentityOwner: party(owner, active),
										VerifiedEmail: verified, AddressOwner: party(addressOwner, active),
										Contested: n&1 > 0, UnlinkedBefore: n&2 > 0, RemovedBefore: n&4 > 0, ByMail: n&8 > 0, OtherMethod: n&16 > 0, Granted: n&32 > 0,
									}
									f(facts)
									if facts.IdentityOwner != nil && !facts.IdentityOwner.Active {
										leaving := facts
										leaving.IdentityOwner = &linking.Party{ID: facts.IdentityOwner.ID, Leaving: true}
										f(leaving)
									}
									if facts.IdentityOwner == nil && facts.AddressOwner == nil {
										everyRule(facts, f)
									}
								})
							})
						}
					})
				})
			})
		}
	}
}

// everyRule calls f with every combination of the rules about creating accounts.
func everyRule(facts linking.Facts, f func(linking.Facts)) {
	for _, facts.SignUp = range []linking.SignUp{linking.SignUpOpen, linking.SignUpInvited, linking.SignUpClosed, "?"} {
		for _, facts.Invited = range []bool{false, true} {
			for _, facts.ForeignDomain = range []bool{false, true} {
				f(facts)
			}
		}
	}
}

func rowOf(f linking.Facts) int {
	for n, r := range table {
		if r.match(f) {
			return n
		}
	}
	panic("the last row matches all")
}

func TestDecideFollowsTheTable(t *testing.T) {
	t.Parallel()
	used := make([]int, len(table))
	everyFact(func(f linking.Facts) {
		n := rowOf(f)
		used[n]++
		want := table[n].want(f)
		want.Reason = table[n].reason
		if got := linking.Decide(f); got != want {
			t.Fatalf("facts %s\n got %+v\nwant %+v", describe(f), got, want)
		}
	})
	for n, times := range used {
		if times == 0 {
			t.Errorf("nothing is decided by the row %q", table[n].decision)
		}
	}
}

// The document has the table of this test, word for word.
func TestTableIsDocumented(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("../docs/linking.md")
	if err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	want.WriteString("| identity owner | signed in | purpose | owner of the verified address | decision | reason |\n|---|---|---|---|---|---|\n")
	for _, r := range table {
		fmt.Fprintf(&want, "| %s | %s | %s | %s | %s | `%s` |\n", r.owner, r.signedIn, r.purpose, r.address, r.decision, r.reason)
	}
	if !strings.Contains(string(doc), want.String()) {
		t.Errorf("docs/linking.md lacks this table:\n%s", want.String())
	}
}

func is(p *linking.Party, id identity.ID) bool { return p != nil && p.ID == id }

// Access to an account requires a proven identity of it, a session of it,
// or has an address that opens it.
func TestNobodyGetsInWithoutAProof(t *testing.T) {
	t.Parallel()
	everyFact(func(f linking.Facts) {
		d := linking.Decide(f)
		if d.Action == linking.ActionRefuse || d.Action == linking.ActionCreate {
			return
		}
		if d.Action == linking.ActionReturn {
			if !is(f.IdentityOwner, d.User) || !f.IdentityOwner.Leaving || d.ClaimAddress || contestedMailbox(f) {
				t.Fatalf("facts %s let back %+v", describe(f), d)
			}
			return
		}
		byIdentity := is(f.IdentityOwner, d.User) && f.IdentityOwner.Active && (!contestedMailbox(f) || !signIn(f))
		bySession := !signIn(f) && f.SignedIn != nil && f.SignedIn.ID == d.User
		byAddress := signIn(f) && f.IdentityOwner == nil && is(f.AddressOwner, d.User) && f.AddressOwner.Active && f.VerifiedEmail &&
			f.Policy == linking.PolicyAuto && !f.Contested && !f.UnlinkedBefore
		if !byIdentity && !bySession && !byAddress {
			t.Fatalf("facts %s let in %+v", describe(f), d)
		}
		if (d.Action == linking.ActionJoin || d.Action == linking.ActionLink) && f.IdentityOwner != nil {
			t.Fatalf("facts %s link what has an owner: %+v", describe(f), d)
		}
		if d.Action == linking.ActionLink && !f.SignedIn.Recent {
			t.Fatalf("facts %s link without a recent proof: %+v", describe(f), d)
		}
	})
}

// A link followed by a merge never yields more than signing in with the same
// proof: who gets a merge ticket for an account could have signed in to it.
func TestLinkAndMergeIsNoDetour(t *testing.T) {
	t.Parallel()
	tickets := 0
	everyFact(func(f linking.Facts) {
		d := linking.Decide(f)
		if d.Ticket != linking.TicketMerge {
			return
		}
		tickets++
		direct := f
		direct.Purpose, direct.SignedIn = identity.PurposeSignIn, nil
		in := linking.Decide(direct)
		if in.User != d.User || in.Action != linking.ActionSignIn && in.Action != linking.ActionJoin {
			t.Fatalf("facts %s give a merge ticket %+v, and signing in gives %+v", describe(f), d, in)
		}
	})
	if tickets == 0 {
		t.Fatal("no facts give a merge ticket")
	}
}

func TestRefusalsRevealNothing(t *testing.T) {
	t.Parallel()
	everyFact(func(f linking.Facts) {
		d := linking.Decide(f)
		if isRefused := d.Action == linking.ActionRefuse; isRefused != (d.Code != "") || !isRefused && d.Ticket != linking.TicketNone || isRefused && d.ClaimAddress {
			t.Fatalf("facts %s: %+v", describe(f), d)
		}
		if d.Code == identity.CodeUserDisabled && !is(f.IdentityOwner, d.User) {
			t.Fatalf("facts %s tell of another user: %+v", describe(f), d)
		}
		if d.Ticket == linking.TicketNone {
			return
		}
		owner := f.IdentityOwner
		if owner == nil {
			owner = f.AddressOwner
		}
		if !is(owner, d.User) || !owner.Active || f.SignedIn != nil && !signIn(f) && d.User == f.SignedIn.ID {
			t.Fatalf("facts %s give a ticket for no other active user: %+v", describe(f), d)
		}
	})
}

// What must not matter does not.
func TestDecideIgnores(t *testing.T) {
	t.Parallel()
	everyFact(func(f linking.Facts) {
		d, other := linking.Decide(f), f
		if signIn(f) {
			other.SignedIn = nil
			if got := linking.Decide(other); got != d {
				t.Fatalf("facts %s: signing in depends on who is signed in: %+v and %+v", describe(f), d, got)
			}
		}
		if !signIn(f) || f.IdentityOwner != nil || f.AddressOwner != nil {
			other := f
			other.SignUp, other.ForeignDomain = linking.SignUpClosed, true
			if got := linking.Decide(other); got != d {
				t.Fatalf("facts %s: the rules about creating accounts matter to somebody who has one: %+v and %+v", describe(f), d, got)
			}
		}
		if f.IdentityOwner != nil || f.AddressOwner == nil {
			other := f
			other.Policy, other.UnlinkedBefore = linking.PolicyOff, true
			if got := linking.Decide(other); got != d {
				t.Fatalf("facts %s: the policy matters without an address to join by: %+v and %+v", describe(f), d, got)
			}
		}
	})
}

func describe(f linking.Facts) string {
	party := func(p *linking.Party) string {
		if p == nil {
			return "none"
		}
		return fmt.Sprintf("%d active %v leaving %v", p.ID[0], p.Active, p.Leaving)
	}
	signedIn := "no user"
	if f.SignedIn != nil {
		signedIn = fmt.Sprintf("%d recent %v", f.SignedIn.ID[0], f.SignedIn.Recent)
	}
	return fmt.Sprintf("%s by policy %s, signed in %s, identity of %s, address verified %v of %s, contested %v, unlinked %v, removed %v, mail %v, other method %v, granted %v, sign-up %q, invited %v, foreign domain %v",
		f.Purpose, f.Policy, signedIn, party(f.IdentityOwner), f.VerifiedEmail, party(f.AddressOwner),
		f.Contested, f.UnlinkedBefore, f.RemovedBefore, f.ByMail, f.OtherMethod, f.Granted, f.SignUp, f.Invited, f.ForeignDomain)
}

// Whatever the facts are, an application's backend opens no operator, and gets no ticket
// that would. For everyone else it is a provider like any other.
func TestABackendOpensNoOperator(t *testing.T) {
	t.Parallel()
	everyFact(func(f linking.Facts) {
		plain := linking.Decide(f)
		f.ByBackend = true
		if got := linking.Decide(f); got != plain {
			t.Fatalf("facts %s: a backend gets %+v, another provider %+v", describe(f), got, plain)
		}
		var ids []identity.ID
		for _, p := range []*linking.Party{f.IdentityOwner, f.AddressOwner} {
			if p != nil {
				ids = append(ids, p.ID)
			}
		}
		if f.SignedIn != nil {
			ids = append(ids, f.SignedIn.ID)
		}
		for _, operator := range ids {
			marked := f
			if p := f.IdentityOwner; p != nil {
				marked.IdentityOwner = &linking.Party{ID: p.ID, Active: p.Active, Leaving: p.Leaving, Operator: p.ID == operator}
			}
			if p := f.AddressOwner; p != nil {
				marked.AddressOwner = &linking.Party{ID: p.ID, Active: p.Active, Operator: p.ID == operator}
			}
			if s := f.SignedIn; s != nil {
				marked.SignedIn = &linking.SignedIn{ID: s.ID, Recent: s.Recent, Operator: s.ID == operator}
			}
			if d := linking.Decide(marked); d.User == operator && (d.Action != linking.ActionRefuse || d.Ticket != linking.TicketNone) {
				t.Fatalf("facts %s: opens an operator: %+v", describe(marked), d)
			}
		}
	})
}

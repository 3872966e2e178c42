package linking_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/linking"
)

// facts draws what a transaction may find: three users, each active or not.
// Whoever is signed in is active, for a session of any other does not come so far.
func facts(t *rapid.T) linking.Facts {
	people := []linking.Party{{ID: identity.ID{1}}, {ID: identity.ID{2}}, {ID: identity.ID{3}}}
	for i := range people {
		people[i].Active = rapid.Bool().Draw(t, "active")
	}
	someone := func(label string) *linking.Party {
		if n := rapid.IntRange(0, len(people)).Draw(t, label); n < len(people) {
			return &people[n]
		}
		return nil
	}
	f := linking.Facts{
		Purpose: rapid.SampledFrom([]identity.Purpose{
			identity.PurposeSignIn, identity.PurposeLink, identity.PurposeStepUp, identity.PurposeMerge, "",
		}).Draw(t, "purpose"),
		Policy: rapid.SampledFrom([]linking.Policy{linking.PolicyAuto, linking.PolicyConfirm, linking.PolicyOff, ""}).Draw(t, "policy"),
	}
	if p := someone("signed in"); p != nil {
		p.Active = true
		f.SignedIn = &linking.SignedIn{ID: p.ID, Fresh: rapid.Bool().Draw(t, "fresh")}
	}
	f.IdentityOwner = someone("identity owner")
	if f.VerifiedEmail = rapid.Bool().Draw(t, "verified"); f.VerifiedEmail {
		f.AddressOwner = someone("address owner")
		f.Recycled = f.AddressOwner != nil && f.IdentityOwner == nil && rapid.Bool().Draw(t, "recycled")
	}
	return f
}

func is(p *linking.Party, id identity.ID) bool { return p != nil && p.ID == id }

func TestDecideProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f := facts(t)
		d := linking.Decide(f)
		if again := linking.Decide(f); again != d {
			t.Fatal("the same facts gave two decisions")
		}
		links := d.Action == linking.ActionLink || d.Action == linking.ActionJoin
		lets := d.Action != linking.ActionRefuse && d.Action != linking.ActionCreate

		switch d.Action {
		case linking.ActionSignIn, linking.ActionCreate, linking.ActionJoin, linking.ActionLink, linking.ActionRefresh, linking.ActionRefuse:
		default:
			t.Fatalf("action %q", d.Action)
		}
		if d.Reason == "" {
			t.Fatal("no reason")
		}
		if refused := d.Action == linking.ActionRefuse; refused != (d.Code != "") || !refused && d.Ticket != linking.TicketNone || refused && d.ClaimAddress {
			t.Fatalf("a refusal has a code, and only a refusal a ticket: %+v", d)
		}
		if lets {
			session := f.Purpose != identity.PurposeSignIn && f.SignedIn != nil && f.SignedIn.ID == d.User
			address := f.Policy == linking.PolicyAuto && is(f.AddressOwner, d.User) && !f.Recycled
			if !is(f.IdentityOwner, d.User) && !session && !address {
				t.Fatalf("lets in one who proved nothing: %+v", d)
			}
			if is(f.IdentityOwner, d.User) && !f.IdentityOwner.Active || is(f.AddressOwner, d.User) && !f.AddressOwner.Active {
				t.Fatalf("lets in a disabled user: %+v", d)
			}
		}
		if links && f.IdentityOwner != nil {
			t.Fatalf("links what has an owner: %+v", d)
		}
		if d.Action == linking.ActionJoin && (f.Policy != linking.PolicyAuto || f.Recycled || !f.VerifiedEmail || f.Purpose != identity.PurposeSignIn) {
			t.Fatalf("joins: %+v", d)
		}
		if d.Action == linking.ActionLink && (f.SignedIn == nil || !f.SignedIn.Fresh || f.Purpose != identity.PurposeLink || d.User != f.SignedIn.ID) {
			t.Fatalf("links without a fresh session for it: %+v", d)
		}
		if d.Action == linking.ActionCreate && (f.IdentityOwner != nil || f.AddressOwner != nil || f.Purpose != identity.PurposeSignIn) {
			t.Fatalf("creates: %+v", d)
		}
		if f.Purpose == identity.PurposeStepUp && d.Action != linking.ActionRefresh && d.Action != linking.ActionRefuse {
			t.Fatalf("a step-up does more: %+v", d)
		}
		if d.ClaimAddress && (!f.VerifiedEmail || f.AddressOwner != nil) {
			t.Fatalf("claims an address: %+v", d)
		}
		switch d.Ticket {
		case linking.TicketMerge:
			other := f.IdentityOwner
			if other == nil {
				other = f.AddressOwner
			}
			if f.SignedIn == nil || other == nil || !other.Active || other.ID == f.SignedIn.ID || d.User != other.ID || f.Purpose != identity.PurposeLink {
				t.Fatalf("a merge of two who are not both proven and active: %+v", d)
			}
		case linking.TicketLink:
			if f.Purpose != identity.PurposeSignIn || !is(f.AddressOwner, d.User) || !f.AddressOwner.Active {
				t.Fatalf("a link ticket: %+v", d)
			}
		}
	})
}

// What must not matter, does not.
func TestDecideIgnores(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f := facts(t)
		d := linking.Decide(f)
		if f.Purpose == identity.PurposeSignIn {
			other := f
			other.SignedIn = facts(t).SignedIn
			if got := linking.Decide(other); got != d {
				t.Fatalf("a sign-in depends on who is signed in: %+v and %+v", d, got)
			}
		}
		if !f.VerifiedEmail || f.IdentityOwner != nil {
			other := f
			other.Policy = rapid.SampledFrom([]linking.Policy{linking.PolicyAuto, linking.PolicyConfirm, linking.PolicyOff}).Draw(t, "other policy")
			if got := linking.Decide(other); got != d {
				t.Fatalf("the policy matters without an address to join by: %+v and %+v", d, got)
			}
		}
	})
}

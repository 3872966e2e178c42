package linking_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/internal/testkit"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
	"github.com/latchkey/latchkey/linking"
)

func actorOf(p *session.Principal) identity.Actor {
	return identity.Actor{UserID: p.User.ID, SessionID: p.Session.ID, RecentlyVerified: true}
}

func (w *world) addresses(t *testing.T, user identity.ID) []string {
	t.Helper()
	out, err := w.EmailsOf(t.Context(), user)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// An address says which identity alone keeps it: unlinking that one takes it off the
// user, and unlinking another does not.
func TestWhatKeepsAnAddress(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		w := newWorld(d, linking.PolicyAuto)
		subject := storagetest.Word()
		address, _ := identity.CanonicalEmail("a" + subject + "@example.com")
		ada := w.signIn(t, "google", subject, vouched(address))
		onlyBy := func() *identity.ID {
			t.Helper()
			list, err := w.Emails(t.Context(), ada.User.ID)
			if err != nil || len(list) != 1 {
				t.Fatalf("%+v, %v", list, err)
			}
			return list[0].OnlyBy
		}
		google, _, err := w.IdentityOwner(t.Context(), "google", subject)
		if err != nil {
			t.Fatal(err)
		}
		storagetest.Same(t, onlyBy(), google.ID)
		ada = principal(w.must(t, w.proof(identity.PurposeLink, "github", subject, vouched(address)), ada))
		ada = principal(w.must(t, w.proof(identity.PurposeLink, "siwe", storagetest.Address(), wallet), ada))
		if id := onlyBy(); id != nil {
			t.Errorf("two vouch for it, and only %s keeps it", id)
		}
		github, _, err := w.IdentityOwner(t.Context(), "github", subject)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.service.Unlink(t.Context(), actorOf(ada), github.ID); err != nil {
			t.Fatal(err)
		}
		storagetest.Same(t, onlyBy(), google.ID)
		if err := w.service.Unlink(t.Context(), actorOf(ada), google.ID); err != nil || len(w.addresses(t, ada.User.ID)) > 0 {
			t.Errorf("left are %v, %v", w.addresses(t, ada.User.ID), err)
		}
	})
}

// What a provider says of addresses, or does not say, decides what stays.
func TestWhatAProviderReports(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		for name, c := range map[string]struct {
			report func(p *identity.Proof, old string)
			keeps  bool
		}{
			"the same again":                {func(p *identity.Proof, old string) { vouched(old)(p) }, true},
			"nothing":                       {func(*identity.Proof, string) {}, true},
			"another address":               {func(p *identity.Proof, old string) { vouched("new-" + old)(p) }, false},
			"another, and this one too":     {func(p *identity.Proof, old string) { vouched("new-" + old)(p); p.Kept = []string{old} }, true},
			"another, without authority":    {func(p *identity.Proof, old string) { shown("new-" + old)(p) }, false},
			"this one, no longer verified":  {func(p *identity.Proof, old string) { shown(old)(p) }, false},
			"this one, without saying more": {func(p *identity.Proof, old string) { shown(old)(p); p.Kept = []string{old} }, true},
			"a list without a usable one":   {func(p *identity.Proof, _ string) { p.Reported = true }, false},
		} {
			t.Run(name, func(t *testing.T) {
				w := newWorld(d, linking.PolicyAuto)
				subject := storagetest.Word()
				old, _ := identity.CanonicalEmail("a" + subject + "@example.com")
				ada := w.signIn(t, "github", subject, vouched(old))
				w.must(t, w.proof(identity.PurposeSignIn, "github", subject, func(p *identity.Proof) { c.report(p, old) }), nil)
				if got := slices.Contains(w.addresses(t, ada.User.ID), old); got != c.keeps {
					t.Errorf("the address is still theirs: %v", got)
				}
				if u, err := w.DB.User(t.Context(), ada.User.ID); err != nil || (len(w.addresses(t, ada.User.ID)) > 0) != (u.PrimaryEmail != nil) {
					t.Errorf("primary address %v, %v", u.PrimaryEmail, err)
				}
			})
		}
	})
}

// A GitHub address that is kept as a secondary one leaves once the list is
// without it, although what the identity shows has not changed.
func TestKeptAddressLeavesLater(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		w := newWorld(d, linking.PolicyAuto)
		ada := w.signIn(t, "github", "1", vouched("first@example.com"))
		second := func(kept ...string) func(p *identity.Proof) {
			return func(p *identity.Proof) { vouched("second@example.com")(p); p.Kept = kept }
		}
		w.must(t, w.proof(identity.PurposeSignIn, "github", "1", second("first@example.com")), nil)
		storagetest.Same(t, w.addresses(t, ada.User.ID), []string{"first@example.com", "second@example.com"})
		w.must(t, w.proof(identity.PurposeSignIn, "github", "1", second()), nil)
		storagetest.Same(t, w.addresses(t, ada.User.ID), []string{"second@example.com"})
	})
}

// However an address left its owner, its next owner is another person.
func TestNextOwnerOfAnAddressIsAnother(t *testing.T) {
	const address = "ada@corp.example"
	for name, leave := range map[string]func(t *testing.T, w *world, ada *session.Principal){
		"unlinked": func(t *testing.T, w *world, ada *session.Principal) {
			i, _, err := w.IdentityOwner(t.Context(), "google", "ada")
			if err = errors.Join(err, w.service.Unlink(t.Context(), actorOf(ada), i.ID)); err != nil {
				t.Fatal(err)
			}
		},
		"renamed": func(t *testing.T, w *world, _ *session.Principal) {
			w.must(t, w.proof(identity.PurposeSignIn, "google", "ada", vouched("ada.smith@corp.example")), nil)
		},
		"removed": func(t *testing.T, w *world, ada *session.Principal) {
			if err := w.service.RemoveEmail(t.Context(), actorOf(ada), ada.User.ID, address, ""); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
				w := newWorld(d, linking.PolicyAuto)
				ada := w.signIn(t, "google", "ada", vouched(address))
				ada = principal(w.must(t, w.proof(identity.PurposeLink, "siwe", storagetest.Address(), wallet), ada))
				leave(t, w, ada)
				next := w.signIn(t, "google", "next", vouched(address))
				if next.User.ID == ada.User.ID || !slices.Contains(w.addresses(t, next.User.ID), address) {
					t.Fatal("the next owner is Ada, or has no address")
				}
				// Nor does the address open the next owner to Ada, who had it once: her
				// voucher has ended, and is reason for doubt still.
				_, err := w.apply(t, w.proof(identity.PurposeSignIn, "github", "ada", vouched(address)), nil)
				storagetest.WantCode(t, "a contested address", err, identity.CodeEmailTaken)
			})
		})
	}
}

func TestUnlinkedIdentityNeverJoinsAgain(t *testing.T) {
	for _, policy := range []linking.Policy{linking.PolicyAuto, linking.PolicyConfirm, linking.PolicyOff} {
		t.Run(string(policy), func(t *testing.T) {
			storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
				w := newWorld(d, policy)
				const address = "ada@example.com"
				ada := w.signIn(t, "google", "ada", vouched(address))
				ada = principal(w.must(t, w.proof(identity.PurposeLink, "github", "ada", vouched(address)), ada))
				i, _, err := w.IdentityOwner(t.Context(), "google", "ada")
				if err = errors.Join(err, w.service.Unlink(t.Context(), actorOf(ada), i.ID)); err != nil {
					t.Fatal(err)
				}
				// GitHub still vouches for the address, so it is still hers.
				if !slices.Contains(w.addresses(t, ada.User.ID), address) {
					t.Fatal("the address left although another identity vouches for it")
				}
				_, err = w.apply(t, w.proof(identity.PurposeSignIn, "google", "ada", vouched(address)), nil)
				storagetest.WantCode(t, "the unlinked identity", err, identity.CodeEmailTaken)
				eve := w.signIn(t, "siwe", storagetest.Address(), wallet)
				_, err = w.apply(t, w.proof(identity.PurposeLink, "google", "ada", vouched(address)), eve)
				var refusal *identity.Error
				if !errors.As(err, &refusal) || refusal.TicketKind == "merge" {
					t.Errorf("linking it elsewhere: %v", err)
				}
				// Linking it while signed in clears the mark.
				again := w.signIn(t, "github", "ada", vouched(address))
				w.must(t, w.proof(identity.PurposeLink, "google", "ada", vouched(address)), again)
			})
		})
	}
}

// The stricter of the two policies counts: that of the proof's provider, and the
// best of those that vouch for the owner's address.
func TestPolicyOfTheOwnersProviders(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		base := newWorld(d, linking.PolicyAuto)
		sessions := session.NewService(d.DB, nil, session.Limits{Idle: 1000, Lifetime: 2000}, d.Clock.Now)
		service := linking.NewService(d.DB, sessions, linking.Options{
			Policy: linking.PolicyAuto, Policies: map[string]linking.Policy{"google": linking.PolicyConfirm},
			Usable: func(string) bool { return true },
		}, d.Clock.Now)
		w := &world{Database: d, service: service, browser: base.browser}
		ada := w.signIn(t, "google", "ada", vouched("ada@example.com"))
		_, err := w.apply(t, w.proof(identity.PurposeSignIn, "github", "1", vouched("ada@example.com")), nil)
		storagetest.WantCode(t, "only a provider with confirm vouches", err, identity.CodeEmailTaken)
		w.must(t, w.proof(identity.PurposeLink, identity.ProviderEmail, "ada@example.com", vouched("ada@example.com")), ada)
		if got := w.signIn(t, "github", "1", vouched("ada@example.com")); got.User.ID != ada.User.ID {
			t.Error("mail with auto vouches too, and still another user")
		}
	})
}

func TestTwoClaimOneAddressAtOnce(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		w := newWorld(d, linking.PolicyConfirm)
		var people []*session.Principal
		for range 8 {
			people = append(people, w.signIn(t, "google", storagetest.Word()))
		}
		var c tally
		testkit.Together(len(people), func(n int) {
			c.add(w.apply(t, w.proof(identity.PurposeLink, "github", storagetest.Word(), vouched("one@example.com")), people[n]))
		})
		storagetest.Same(t, c.counts, map[string]int{"linked": 1, "email_taken": 7})
		storagetest.Same(t, d.Count(t, "emails"), 1)
	})
}

// An unlink while its address is used to sign in: either the newcomer joined
// before it, or they got an account of their own.
func TestUnlinkWhileItsAddressSignsIn(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		for range 6 {
			w := newWorld(d, linking.PolicyAuto)
			word := storagetest.Word()
			address, _ := identity.CanonicalEmail(word + "@example.com")
			ada := w.signIn(t, "google", word, vouched(address))
			ada = principal(w.must(t, w.proof(identity.PurposeLink, "siwe", storagetest.Address(), wallet), ada))
			i, _, err := w.IdentityOwner(t.Context(), "google", word)
			if err != nil {
				t.Fatal(err)
			}
			testkit.Together(2, func(n int) {
				if n == 0 {
					if err := w.service.Unlink(context.WithoutCancel(t.Context()), actorOf(ada), i.ID); err != nil {
						t.Error(err)
					}
					return
				}
				if _, err := w.apply(t, w.proof(identity.PurposeSignIn, "github", word, vouched(address)), nil); err != nil {
					t.Error(err)
				}
			})
			owner, err := w.AddressOwner(t.Context(), address)
			if err != nil || owner.Owner == nil || *owner.Owner != w.owner(t, "github", word) {
				t.Errorf("the address is of %v, GitHub of %s, %v", owner.Owner, w.owner(t, "github", word), err)
			}
		}
	})
}

// A provider reports another address while the user is merged: the address ends
// up with the owner of the identity.
func TestAddressChangesDuringAMerge(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		for range 6 {
			w := newWorld(d, linking.PolicyAuto)
			word := storagetest.Word()
			before, _ := identity.CanonicalEmail("a" + word + "@example.com")
			after, _ := identity.CanonicalEmail("b" + word + "@example.com")
			a, b := w.signIn(t, "google", word, vouched(before)), w.signIn(t, "github", word)
			testkit.Together(2, func(n int) {
				if n == 0 {
					if _, err := w.service.AdminMerge(context.WithoutCancel(t.Context()), nil, a.User.ID, b.User.ID, linking.MergeChoices{}, false); err != nil {
						t.Error(err)
					}
					return
				}
				if _, err := w.apply(t, w.proof(identity.PurposeSignIn, "google", word, vouched(after)), nil); err != nil {
					t.Error(err)
				}
			})
			storagetest.Same(t, w.addresses(t, w.owner(t, "google", word)), []string{after})
		}
	})
}

// An account of a provider that was refused can be proven for ever, also long after
// its owner had the mailbox for a day. Once the owner of the address has settled it,
// proving it again contests nothing. A mailbox that is proven again does.
func TestARefusedProofIsSettledOnce(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		w := newWorld(d, linking.PolicyConfirm)
		for provider, again := range map[string]bool{"github": false, identity.ProviderEmail: true} {
			word := storagetest.Word()
			address, err := identity.CanonicalEmail(word + "@example.com")
			if err != nil {
				t.Fatal(err)
			}
			ada, subject := w.signIn(t, "google", word, vouched(address)), word
			if provider == identity.ProviderEmail {
				subject = address
			}
			refused := func() {
				t.Helper()
				if _, err := w.apply(t, w.proof(identity.PurposeSignIn, provider, subject, vouched(address)), nil); identity.ErrorCode(err) != identity.CodeEmailTaken {
					t.Fatal(err)
				}
			}
			disputed := func(when string, want bool) {
				t.Helper()
				if owner, err := w.AddressOwner(t.Context(), address); err != nil || owner.Disputed != want {
					t.Errorf("%s, %s: disputed %v, want %v; %v", provider, when, owner.Disputed, want, err)
				}
			}
			refused()
			disputed("refused", true)
			if err := w.service.SettleEmail(t.Context(), identity.Actor{UserID: ada.User.ID, SessionID: ada.Session.ID, RecentlyVerified: true}, address); err != nil {
				t.Fatal(err)
			}
			disputed("settled", false)
			refused()
			disputed("refused again", again)
			if again {
				continue
			}
			// Nor does an account of its own, without the address, or leaving it.
			own, err := w.service.Apply(t.Context(), linking.Submission{
				Proof: w.proof(identity.PurposeSignIn, provider, subject, vouched(address)), BrowserHash: w.browser, WithoutAddress: true,
			})
			if err != nil {
				t.Fatal(err)
			}
			disputed("in an account of its own", false)
			identities, err := w.IdentitiesOf(t.Context(), []identity.ID{own.User.ID})
			if err != nil {
				t.Fatal(err)
			}
			w.must(t, w.proof(identity.PurposeLink, "discord", word), principal(own))
			if err := w.service.Unlink(t.Context(), identity.Actor{UserID: own.User.ID, SessionID: own.Session.ID, RecentlyVerified: true}, identities[0].ID); err != nil {
				t.Fatal(err)
			}
			disputed("unlinked", false)
			refused()
			disputed("refused after that", false)
		}
	})
}

// What a provider does not say changes nothing that is shown of the identity, and a
// sign-in that names no terms leaves those that its wallet agreed to.
func TestSilenceChangesNothingShown(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		w := newWorld(d, linking.PolicyAuto)
		account := storagetest.Address()
		address, _ := identity.CanonicalEmail("a" + account + "@example.com")
		terms := func(version string) func(p *identity.Proof) {
			return func(p *identity.Proof) { wallet(p); p.Wallet.TermsVersion = version }
		}
		silent := func(*identity.Proof) {}
		for _, r := range []struct {
			provider string
			edit     func(p *identity.Proof)
			email    string
			vouches  bool
			terms    string
		}{
			{"google", vouched(address), address, true, ""},
			{"google", silent, address, true, ""},
			{"google", shown("shown-" + address), "shown-" + address, false, ""},
			{"google", silent, "shown-" + address, false, ""},
			{"google", func(p *identity.Proof) { p.Reported = true }, "", false, ""}, // it says that there is none
			{"siwe", terms("2026-01"), "", false, "2026-01"},
			{"siwe", terms(""), "", false, "2026-01"},
			{"siwe", terms("2026-02"), "", false, "2026-02"},
		} {
			w.signIn(t, r.provider, account, r.edit)
			i, _, err := w.IdentityOwner(t.Context(), r.provider, account)
			if err != nil || i.Email != r.email || i.EmailAuthoritative != r.vouches || i.TermsVersion != r.terms {
				t.Errorf("%s shows %q, with authority %v, terms %q, %v; want %+v", r.provider, i.Email, i.EmailAuthoritative, i.TermsVersion, err, r)
			}
		}
	})
}

// An address that its owner removed comes back when they confirm it by mail or link
// an identity again, with a voucher, and by nothing else that a provider says.
func TestARemovedAddressComesBackByLinkingOnly(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		for _, r := range []struct {
			name     string
			purpose  identity.Purpose
			provider string
			back     bool
		}{
			{"signing in", identity.PurposeSignIn, "google", false},
			{"stepping up", identity.PurposeStepUp, "google", false},
			{"linking the identity again", identity.PurposeLink, "google", true},
			{"linking another identity", identity.PurposeLink, "github", true},
			{"confirming it by mail", identity.PurposeLink, identity.ProviderEmail, true},
		} {
			w := newWorld(d, linking.PolicyAuto)
			subject := storagetest.Word()
			address, _ := identity.CanonicalEmail("a" + subject + "@example.com")
			ada := w.signIn(t, "google", subject, vouched(address))
			ada = principal(w.must(t, w.proof(identity.PurposeLink, "siwe", storagetest.Address(), wallet), ada))
			if err := w.service.RemoveEmail(t.Context(), actorOf(ada), ada.User.ID, address, ""); err != nil {
				t.Fatal(err)
			}
			ada = w.signIn(t, "google", subject) // the removal ended no session, but this one is the latest
			by := subject
			if r.provider == identity.ProviderEmail {
				by = address
			}
			got := w.must(t, w.proof(r.purpose, r.provider, by, vouched(address)), ada)
			live, err := w.LiveVouchers(t.Context(), ada.User.ID)
			if err != nil || got.User.ID != ada.User.ID {
				t.Fatalf("%s: %v, in %s", r.name, err, got.User.ID)
			}
			if owned := slices.Contains(w.addresses(t, ada.User.ID), address); owned != r.back || (len(live) == 1) != r.back {
				t.Errorf("%s: the address is theirs: %v, by the vouchers %+v; want %v", r.name, owned, live, r.back)
			}
		}
	})
}

// An owner settles for themselves only: what earlier owners of an address settled
// about each other leaves it contested for the next one.
func TestWhatAnotherOwnerSettledIsNotSettled(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		w := newWorld(d, linking.PolicyAuto)
		word := storagetest.Word()
		address, _ := identity.CanonicalEmail("a" + word + "@example.com")
		claim := func(provider string) *session.Principal {
			t.Helper()
			p := w.signIn(t, provider, word, vouched(address))
			if owner, err := w.AddressOwner(t.Context(), address); err != nil || owner.Owner == nil || *owner.Owner != p.User.ID {
				t.Fatalf("the address is of %v, %v", owner.Owner, err)
			}
			return p
		}
		disputed := func(want bool) {
			t.Helper()
			if owner, err := w.AddressOwner(t.Context(), address); err != nil || owner.Disputed != want {
				t.Errorf("disputed %v, want %v; %v", owner.Disputed, want, err)
			}
		}
		leave := func(provider string) {
			t.Helper()
			w.must(t, w.proof(identity.PurposeSignIn, provider, word, vouched(provider+"-"+address)), nil)
		}
		claim("google")
		leave("google")
		for _, next := range []string{"microsoft", "google"} { // each settles what the other said
			if err := w.service.SettleEmail(t.Context(), actorOf(claim(next)), address); err != nil {
				t.Fatal(err)
			}
			disputed(false)
			leave(next)
		}
		third := claim("gitlab")
		disputed(true)
		_, err := w.apply(t, w.proof(identity.PurposeSignIn, "github", word, vouched(address)), nil)
		storagetest.WantCode(t, "before the third owner settled it", err, identity.CodeEmailTaken)
		if err := w.service.SettleEmail(t.Context(), actorOf(third), address); err != nil {
			t.Fatal(err)
		}
		disputed(false)
		if got := w.signIn(t, "github", word, vouched(address)); got.User.ID != third.User.ID {
			t.Errorf("joined %s, want %s", got.User.ID, third.User.ID)
		}
	})
}

package linking_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/internal/testkit"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
	"github.com/latchkey/latchkey/linking"
)

// tally counts outcomes and codes of what runs at once.
type tally struct {
	mu     sync.Mutex
	counts map[string]int
	users  map[identity.ID]bool
}

func (c *tally) add(r linking.Result, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.counts == nil {
		c.counts, c.users = map[string]int{}, map[identity.ID]bool{}
	}
	switch {
	case err == nil:
		c.counts[string(r.Outcome)]++
		c.users[r.User.ID] = true
	case identity.ErrorCode(err) != "":
		c.counts[string(identity.ErrorCode(err))]++
	default:
		c.counts[err.Error()]++
	}
}

func TestManyFirstSignInsOfOneIdentityMakeOneUser(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		// Two replicas, as two handles on one database.
		replicas := []*world{newWorld(d, linking.PolicyAuto), newWorldOver(d, storagetest.Connect(t, d.URL), linking.PolicyAuto)}
		var c tally
		testkit.Together(100, func(n int) {
			w := replicas[n%2]
			c.add(w.apply(t, w.proof(identity.PurposeSignIn, "google", "one", vouched("ada@example.com")), nil))
		})
		storagetest.Same(t, c.counts, map[string]int{"created": 1, "signed_in": 99})
		storagetest.Same(t, []int{len(c.users), d.Count(t, "users"), d.Count(t, "identities"), d.Count(t, "emails"), d.Count(t, "sessions")},
			[]int{1, 1, 1, 1, 100})
	})
}

func TestManyPeopleAtOnceGetTheirOwnUsers(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		w := newWorld(d, linking.PolicyAuto)
		var c tally
		testkit.Together(100, func(int) {
			word := storagetest.Word()
			c.add(w.apply(t, w.proof(identity.PurposeSignIn, "google", word, vouched(word+"@example.com")), nil))
		})
		storagetest.Same(t, c.counts, map[string]int{"created": 100})
		storagetest.Same(t, len(c.users), 100)
	})
}

func TestProvidersThatVouchForOneAddressAtOnceMakeOneUser(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		w := newWorld(d, linking.PolicyAuto)
		for round := range 5 {
			address := storagetest.Word() + "@example.com"
			var c tally
			testkit.Together(20, func(n int) {
				provider := []string{"google", "github", "issuer"}[n%3]
				c.add(w.apply(t, w.proof(identity.PurposeSignIn, provider, address, vouched(address)), nil))
			})
			storagetest.Same(t, c.counts, map[string]int{"created": 1, "signed_in": 19})
			storagetest.Same(t, []int{len(c.users), d.Count(t, "users"), d.Count(t, "identities")}, []int{1, round + 1, 3 * (round + 1)})
		}
	})
}

func TestOneWalletLinkedByTwoAtOnce(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		w := newWorld(d, linking.PolicyAuto)
		for range 10 {
			address := storagetest.Address()
			ada, bob := w.signIn(t, "google", storagetest.Word()), w.signIn(t, "google", storagetest.Word())
			var c tally
			var mu sync.Mutex
			var refusal *identity.Error
			testkit.Together(2, func(n int) {
				p := w.proof(identity.PurposeLink, "siwe", address, wallet)
				r, err := w.apply(t, p, []*session.Principal{ada, bob}[n])
				c.add(r, err)
				mu.Lock()
				defer mu.Unlock()
				errors.As(err, &refusal)
			})
			storagetest.Same(t, c.counts, map[string]int{"linked": 1, "identity_taken": 1})
			if refusal == nil || refusal.Ticket == "" || refusal.TicketKind != "merge" {
				t.Errorf("the refusal is %+v", refusal)
			}
			if !c.users[w.owner(t, "siwe", address)] {
				t.Error("the wallet is not of the one who got it")
			}
		}
	})
}

func TestAUsedSecretWorksOnce(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		w := newWorld(d, linking.PolicyAuto)
		p := w.proof(identity.PurposeSignIn, "siwe", storagetest.Address(), wallet)
		var c tally
		testkit.Together(50, func(int) { c.add(w.apply(t, p, nil)) })
		storagetest.Same(t, c.counts, map[string]int{"created": 1, "proof_used": 49})
		storagetest.Same(t, []int{d.Count(t, "users"), d.Count(t, "sessions"), d.Count(t, "burned_secrets")}, []int{1, 1, 1})
	})
}

// Each renews one session by its token of before: one wins, and its token is
// the only one that works from then on.
func TestOneSessionSteppedUpByManyAtOnce(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		w := newWorld(d, linking.PolicyAuto)
		ada := w.signIn(t, "google", "ada")
		var c tally
		testkit.Together(20, func(int) { c.add(w.apply(t, w.proof(identity.PurposeStepUp, "google", "ada"), ada)) })
		storagetest.Same(t, c.counts, map[string]int{"stepped_up": 1, "unauthenticated": 19})
	})
}

// Two people who each try to link the other's identity lock the same users in
// opposite orders.
func TestPeopleLinkEachOthersWaysInAtOnce(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		w := newWorld(d, linking.PolicyAuto)
		ada, bob := w.signIn(t, "google", "ada"), w.signIn(t, "google", "bob")
		var c tally
		testkit.Together(10, func(n int) {
			if n%2 == 0 {
				c.add(w.apply(t, w.proof(identity.PurposeLink, "google", "bob"), ada))
			} else {
				c.add(w.apply(t, w.proof(identity.PurposeLink, "google", "ada"), bob))
			}
		})
		storagetest.Same(t, c.counts, map[string]int{"identity_taken": 10})
	})
}

func TestAllWaysInUnlinkedAtOnceLeaveOne(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		w := newWorld(d, linking.PolicyAuto)
		ada := w.signIn(t, "google", "ada")
		for range 3 {
			ada = principal(w.must(t, w.proof(identity.PurposeLink, "siwe", storagetest.Address(), wallet), ada))
		}
		all, err := d.IdentitiesOf(t.Context(), []identity.ID{ada.User.ID})
		if err != nil || len(all) != 4 {
			t.Fatalf("%v, %v", all, err)
		}
		actor := ada.Actor(d.Clock.Now(), identity.RequestOrigin{})
		var c tally
		testkit.Together(len(all), func(n int) {
			c.add(linking.Result{Outcome: "unlinked"}, w.service.Unlink(t.Context(), actor, all[n].ID))
		})
		storagetest.Same(t, c.counts, map[string]int{"unlinked": 3, "last_identity": 1})
	})
}

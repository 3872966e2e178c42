package linking_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
	"github.com/latchkey/latchkey/linking"
)

// everyday is a store of which only what an everyday sign-in asks is there: any
// other call ends the test.
type everyday struct {
	store // nil
	db    store
	asked []string
}

func (s *everyday) InTx(ctx context.Context, fn func(ctx context.Context) error) error {
	return s.db.InTx(ctx, fn)
}

func (s *everyday) BurnSecret(ctx context.Context, secret identity.SingleUse) error {
	s.asked = append(s.asked, "BurnSecret")
	return s.db.BurnSecret(ctx, secret)
}

func (s *everyday) LockParties(ctx context.Context, p linking.Parties) (linking.PartyRows, error) {
	s.asked = append(s.asked, "LockParties")
	return s.db.LockParties(ctx, p)
}

func (s *everyday) RefreshIdentity(ctx context.Context, i identity.Identity) error {
	s.asked = append(s.asked, "RefreshIdentity")
	return s.db.RefreshIdentity(ctx, i)
}

func (s *everyday) InsertSession(ctx context.Context, one session.Session) error {
	s.asked = append(s.asked, "InsertSession")
	return s.db.InsertSession(ctx, one)
}

func (s *everyday) RecordEvents(ctx context.Context, events ...identity.Event) error {
	s.asked = append(s.asked, "RecordEvents")
	return s.db.RecordEvents(ctx, events...)
}

// A sign-in by a known identity that shows what it showed before reads no vouchers
// and writes none: these are all the calls it makes. A new one here is one more
// for everyone who signs in.
func TestStatementsOfAnEverydaySignIn(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		want := []string{"BurnSecret", "LockParties", "InsertSession", "RecordEvents"}
		later := []string{"BurnSecret", "LockParties", "RefreshIdentity", "InsertSession", "RecordEvents"}
		address := "ada-" + identity.NewID().String() + "@example.com"
		for _, r := range []struct {
			name string
			edit func(p *identity.Proof)
		}{
			{"siwe", wallet},
			{"google", vouched(address)},
			{"email", vouched("mail-" + address)},
			{"github", func(*identity.Proof) {}}, // says nothing
		} {
			w := newWorld(d, linking.PolicyAuto)
			subject := storagetest.Address()
			if r.name == identity.ProviderEmail {
				subject = "mail-" + address
			}
			first := w.signIn(t, r.name, subject, r.edit)
			s := &everyday{db: d.DB}
			again := newWorldOver(d, s, linking.PolicyAuto).signIn(t, r.name, subject, r.edit)
			if again.User.ID != first.User.ID || !slices.Equal(s.asked, want) {
				t.Errorf("%s asks %v, want %v", r.name, s.asked, want)
			}
			d.Clock.Advance(time.Minute)
			s.asked = nil
			newWorldOver(d, s, linking.PolicyAuto).signIn(t, r.name, subject, r.edit)
			i, _, err := d.IdentityOwner(t.Context(), r.name, subject)
			if err != nil || !slices.Equal(s.asked, later) || !i.LastUsedAt.Equal(d.Clock.Now()) {
				t.Errorf("%s asks %v a minute later, want %v; last used at %s, %v", r.name, s.asked, later, i.LastUsedAt, err)
			}
		}
	})
}

// away is a store that answers some questions, and others not.
type away struct {
	store
	deletions, users bool // which it does not answer
	begun            int  // transactions
}

var errAway = errors.New("the database is away")

func (s *away) InTx(ctx context.Context, fn func(ctx context.Context) error) error {
	return s.store.InTx(ctx, func(ctx context.Context) error { s.begun++; return fn(ctx) })
}

func (s *away) Deletion(ctx context.Context, user identity.ID) (linking.Deletion, error) {
	if s.deletions {
		return linking.Deletion{}, errAway
	}
	return s.store.Deletion(ctx, user)
}

func (s *away) LockUsers(ctx context.Context, ids ...identity.ID) ([]identity.User, error) {
	if s.users {
		return nil, errAway
	}
	return s.store.LockUsers(ctx, ids...)
}

// A database that does not answer is neither somebody who is not there nor a race
// that was lost.
func TestLeavingAndVouchingWithoutAnAnswer(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		s := &away{store: d.DB}
		w := newWorldOver(d, s, linking.PolicyAuto)
		p := w.signIn(t, "google", "ada", vouched("ada@example.com"))
		operator := identity.Actor{UserID: d.User(t).ID, RecentlyVerified: true}
		for name, c := range map[string]struct {
			deletions, users bool
			call             func() error
		}{
			"returning": {true, false, func() error {
				_, err := w.service.Return(t.Context(), *p, identity.RequestOrigin{})
				return err
			}},
			"cancelling": {true, false, func() error {
				return w.service.CancelDeletion(t.Context(), operator, p.User.ID, "")
			}},
			"another address": {false, true, func() error {
				_, err := w.apply(t, w.proof(identity.PurposeSignIn, "google", "ada", vouched("new@example.com")), nil)
				return err
			}},
		} {
			s.deletions, s.users, s.begun = c.deletions, c.users, 0
			err := c.call()
			if !errors.Is(err, errAway) || errors.Is(err, identity.ErrNotFound) || errors.Is(err, identity.ErrRaced) || s.begun != 1 {
				t.Errorf("%s: %v, in %d transactions", name, err, s.begun)
			}
		}
	})
}

// How often a sign-in, and what else a proof does, waits for PostgreSQL.
func TestRoundTrips(t *testing.T) {
	t.Parallel()
	d, wire := storagetest.OpenOnWire(t)
	w := newWorld(d, linking.PolicyAuto)
	known, address := storagetest.Address(), storagetest.Word()+"@example.com"
	one := w.signIn(t, "siwe", known, wallet)
	w.signIn(t, "google", address, vouched(address))
	newWord := func() string { return storagetest.Word() + "@example.com" }
	for _, c := range []struct {
		name string
		call func()
		want int
	}{
		{"a wallet again", func() { w.signIn(t, "siwe", known, wallet) }, 2},
		{"a new wallet", func() { w.signIn(t, "siwe", storagetest.Address(), wallet) }, 2},
		{"Google again", func() { w.signIn(t, "google", address, vouched(address)) }, 2},
		{"Google, first", func() { a := newWord(); w.signIn(t, "google", a, vouched(a)) }, 2},
		{"a used proof", func() {
			p := w.proof(identity.PurposeSignIn, "siwe", known, wallet)
			w.must(t, p, nil)
			_, err := w.apply(t, p, nil)
			storagetest.WantCode(t, "again", err, identity.CodeProofUsed)
		}, 2 + 2},
		{"a burned secret", func() {
			if err := w.service.Burn(t.Context(), *w.proof(identity.PurposeSignIn, "google", "x").Secret); err != nil {
				t.Error(err)
			}
		}, 2},
		{"a wallet linked", func() {
			r := w.must(t, w.proof(identity.PurposeLink, "siwe", storagetest.Address(), wallet), one)
			one = principal(r)
		}, 4},
		{"a wallet linked and unlinked", func() {
			subject := storagetest.Address()
			one = principal(w.must(t, w.proof(identity.PurposeLink, "siwe", subject, wallet), one))
			i, _, err := w.IdentityOwner(t.Context(), "siwe", subject)
			if err == nil {
				err = w.service.Unlink(t.Context(), identity.Actor{UserID: one.User.ID, SessionID: one.Session.ID, RecentlyVerified: true}, i.ID)
			}
			if err != nil {
				t.Error(err)
			}
		}, 4 + 1 + 5},
	} {
		trips, asked := wire.Count(t, c.call)
		if trips != c.want {
			t.Errorf("%s: %d round trips, want %d: %q", c.name, trips, c.want, asked)
		}
	}
}

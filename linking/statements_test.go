package linking_test

import (
	"context"
	"slices"
	"testing"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
	"github.com/latchkey/latchkey/linking"
)

// everyday is a store of which only what an everyday sign-in asks is there: any
// other call ends the test. Each call is a statement.
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

func (s *everyday) AddressOwner(ctx context.Context, address string) (linking.AddressOwner, error) {
	s.asked = append(s.asked, "AddressOwner")
	return s.db.AddressOwner(ctx, address)
}

func (s *everyday) IdentityOwnerID(ctx context.Context, provider, subject string) (identity.ID, error) {
	s.asked = append(s.asked, "IdentityOwnerID")
	return s.db.IdentityOwnerID(ctx, provider, subject)
}

func (s *everyday) LockUsers(ctx context.Context, ids ...identity.ID) ([]identity.User, error) {
	s.asked = append(s.asked, "LockUsers")
	return s.db.LockUsers(ctx, ids...)
}

func (s *everyday) IdentityOwner(ctx context.Context, provider, subject string) (identity.Identity, identity.User, error) {
	s.asked = append(s.asked, "IdentityOwner")
	return s.db.IdentityOwner(ctx, provider, subject)
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
// and writes none: these are all the statements it makes. A new one here is one more
// for everyone who signs in.
func TestStatementsOfAnEverydaySignIn(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		written := []string{"RefreshIdentity", "InsertSession", "RecordEvents"}
		withAddress := append([]string{"BurnSecret", "AddressOwner", "IdentityOwnerID", "LockUsers", "IdentityOwner", "AddressOwner"}, written...)
		address := "ada-" + identity.NewID().String() + "@example.com"
		for _, r := range []struct {
			name string
			edit func(p *identity.Proof)
			want []string
		}{
			{"siwe", wallet, append([]string{"BurnSecret", "IdentityOwner"}, written...)},
			{"google", vouched(address), withAddress},
			{"email", vouched("mail-" + address), withAddress},
			{"github", func(*identity.Proof) {}, append([]string{"BurnSecret", "IdentityOwner"}, written...)}, // says nothing
		} {
			w := newWorld(d, linking.PolicyAuto)
			subject := storagetest.Address()
			if r.name == identity.ProviderEmail {
				subject = "mail-" + address
			}
			first := w.signIn(t, r.name, subject, r.edit)
			s := &everyday{db: d.DB}
			again := newWorldOver(d, s, linking.PolicyAuto).signIn(t, r.name, subject, r.edit)
			if again.User.ID != first.User.ID || !slices.Equal(s.asked, r.want) {
				t.Errorf("%s asks %v, want %v", r.name, s.asked, r.want)
			}
		}
	})
}

package storage_test

import (
	"context"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

func testIdentities(t *testing.T, d *storagetest.Database) {
	t.Run("every field comes back, with the owner", func(t *testing.T) {
		u := d.User(t)
		w := d.Wallet(t, u.ID, func(i *identity.Identity) {
			i.Label, i.WalletChainID, i.WalletKind, i.IsPrimary = "hardware", new(int64(1<<53+1)), new("contract"), true
			i.TermsVersion, i.LastUsedAt = "2026-01", i.CreatedAt.Add(time.Microsecond)
		})
		got, owner, err := d.IdentityOwner(t.Context(), w.Provider, w.Subject)
		if err != nil {
			t.Fatal(err)
		}
		storagetest.Same(t, got, w)
		storagetest.Same(t, owner, u)
		storagetest.Same(t, must[identity.Identity](t)(d.DB.Identity(t.Context(), w.ID)), w)

		g := identity.Identity{
			ID: identity.NewID(), UserID: u.ID, Provider: "google", Subject: storagetest.Word(), Label: "Ada", Email: "ada@example.com",
			EmailAuthoritative: true, CreatedAt: d.Clock.Now(), LastUsedAt: d.Clock.Now(),
		}
		d.Do(t, func(ctx context.Context) error { return d.InsertIdentity(ctx, g) })
		got, _, err = d.IdentityOwner(t.Context(), g.Provider, g.Subject)
		if err != nil {
			t.Fatal(err)
		}
		storagetest.Same(t, got, g)
	})

	t.Run("the key is provider and subject, byte for byte", func(t *testing.T) {
		subject := "aB" + storagetest.Word()
		d.Identity(t, d.User(t).ID, "google", subject)
		for _, other := range [][2]string{
			{"github", subject},
			{"google", "ab" + subject[2:]}, // another case
			{"google", subject + " "},      // PostgreSQL's char type would ignore it
			{"google", "%"},                // no pattern
		} {
			_, _, err := d.IdentityOwner(t.Context(), other[0], other[1])
			storagetest.WantNotFound(t, other[0]+" "+other[1], err)
		}
		_, err := d.DB.Identity(t.Context(), identity.NewID())
		storagetest.WantNotFound(t, "no id", err)
	})

	t.Run("a refresh keeps what the provider shows now, and nothing else", func(t *testing.T) {
		i := d.Identity(t, d.User(t).ID, "google", storagetest.Word())
		changed := i
		changed.Email, changed.EmailAuthoritative, changed.LastUsedAt = "new@example.com", true, i.LastUsedAt.Add(time.Hour)
		changed.TermsVersion = "2"
		want := changed
		changed.Label, changed.Subject, changed.UserID = "x", "y", d.User(t).ID
		d.Do(t, func(ctx context.Context) error { return d.RefreshIdentity(ctx, changed) })
		storagetest.Same(t, must[identity.Identity](t)(d.DB.Identity(t.Context(), i.ID)), want)
		want.Label = "mine"
		d.Do(t, func(ctx context.Context) error { return d.SetLabel(ctx, want) })
		storagetest.Same(t, must[identity.Identity](t)(d.DB.Identity(t.Context(), i.ID)), want)
	})

	t.Run("the primary wallet moves, and only to an own one", func(t *testing.T) {
		u, other := d.User(t), d.User(t)
		storagetest.Same(t, must[bool](t)(d.HasPrimaryWallet(t.Context(), u.ID)), false)
		first, second, foreign := d.Wallet(t, u.ID), d.Wallet(t, u.ID), d.Wallet(t, other.ID)
		storagetest.Same(t, must[bool](t)(d.HasPrimaryWallet(t.Context(), u.ID)), false)
		for _, w := range []identity.Identity{first, second, second} {
			d.Do(t, func(ctx context.Context) error { return d.SetPrimaryWallet(ctx, u.ID, w.ID) })
			storagetest.Same(t, primaries(t, d, u.ID), []identity.ID{w.ID})
		}
		d.Do(t, func(ctx context.Context) error { return d.SetPrimaryWallet(ctx, u.ID, foreign.ID) })
		storagetest.Same(t, primaries(t, d, other.ID), []identity.ID{})
		storagetest.Same(t, must[bool](t)(d.HasPrimaryWallet(t.Context(), other.ID)), false)
	})

	t.Run("lists are of the users asked for, oldest first", func(t *testing.T) {
		a, b, c := d.User(t), d.User(t), d.User(t)
		wb, wa := d.Wallet(t, b.ID), d.Wallet(t, a.ID)
		got := must[[]identity.Identity](t)(d.IdentitiesOf(t.Context(), []identity.ID{a.ID, b.ID}))
		var owners []identity.ID
		for _, i := range got {
			owners = append(owners, i.UserID)
		}
		storagetest.Same(t, owners, []identity.ID{a.ID, b.ID, b.ID, a.ID})
		storagetest.Same(t, got[2:], []identity.Identity{wb, wa})
		storagetest.Same(t, len(must[[]identity.Identity](t)(d.IdentitiesOf(t.Context(), nil))), 0)
		storagetest.Same(t, len(must[[]identity.Identity](t)(d.Identities(t.Context(), c.ID, identity.Page{Limit: 9}))), 1)
	})
}

func primaries(t *testing.T, d *storagetest.Database, user identity.ID) []identity.ID {
	t.Helper()
	out := []identity.ID{}
	for _, i := range must[[]identity.Identity](t)(d.Identities(t.Context(), user, identity.Page{Limit: 50})) {
		if i.IsPrimary {
			out = append(out, i.ID)
		}
	}
	return out
}

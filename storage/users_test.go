package storage_test

import (
	"context"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

func testUsers(t *testing.T, d *storagetest.Database) {
	t.Run("every field comes back", func(t *testing.T) {
		onboarded := d.Clock.Now().Add(-time.Microsecond)
		full := d.User(t, func(u *identity.User) {
			u.DisplayName, u.AvatarURL, u.Operator, u.OnboardedAt = "Ada Löw", "https://a.example/b?c=d", true, &onboarded
			u.Metadata = identity.Metadata{"a": []any{1.5, nil, true}, "b": map[string]any{}}.Raw()
			u.CreatedAt = u.CreatedAt.Add(-time.Hour)
		})
		storagetest.Same(t, must[identity.User](t)(d.DB.User(t.Context(), full.ID)), full)
		bare := d.User(t, func(u *identity.User) { u.DisplayName = "" })
		storagetest.Same(t, must[identity.User](t)(d.DB.User(t.Context(), bare.ID)), bare)
		_, err := d.DB.User(t.Context(), identity.NewID())
		storagetest.WantNotFound(t, "unknown", err)
	})

	t.Run("an update writes what may change, and nothing else", func(t *testing.T) {
		u := d.User(t)
		changed := u
		later, creation := u.CreatedAt.Add(time.Hour), u.CreatedAt
		changed.DisplayName, changed.AvatarURL, changed.Operator, changed.OnboardedAt = "B", "https://b.example", true, &later
		changed.Metadata, changed.UpdatedAt, changed.CreatedAt = identity.Metadata{"k": "v"}.Raw(), later, later
		d.Do(t, func(ctx context.Context) error { return d.UpdateUser(ctx, changed) })
		changed.CreatedAt = creation
		storagetest.Same(t, must[identity.User](t)(d.DB.User(t.Context(), u.ID)), changed)
		changed.OnboardedAt, changed.Operator, changed.Metadata, changed.Status = nil, false, "", identity.StatusDisabled
		d.Do(t, func(ctx context.Context) error { return d.UpdateUser(ctx, changed) })
		storagetest.Same(t, must[identity.User](t)(d.DB.User(t.Context(), u.ID)), changed)
	})

	t.Run("the id of a merged user finds the survivor", func(t *testing.T) {
		survivor := d.User(t)
		middle := d.User(t, merged(survivor.ID))
		first := d.User(t, merged(middle.ID))
		for _, id := range []identity.ID{first.ID, middle.ID, survivor.ID} {
			storagetest.Same(t, must[identity.User](t)(d.DB.User(t.Context(), id)), survivor)
		}
	})

	t.Run("verified addresses come in the order they were verified", func(t *testing.T) {
		u := d.User(t)
		a := identity.Email{Address: "z" + storagetest.Word() + "@example.com", UserID: u.ID, Source: "github", VerifiedAt: u.CreatedAt}
		b := identity.Email{Address: "a" + storagetest.Word() + "@example.com", UserID: u.ID, Source: "google", VerifiedAt: u.CreatedAt.Add(time.Second)}
		d.Do(t, func(ctx context.Context) error { return d.Claim(ctx, b) })
		d.Do(t, func(ctx context.Context) error { return d.Claim(ctx, a) })
		d.Email(t, d.User(t).ID, "b"+storagetest.Word()+"@example.com")
		storagetest.Same(t, must[[]identity.Email](t)(d.DB.Emails(t.Context(), u.ID)), []identity.Email{a, b})
		storagetest.Same(t, len(must[[]identity.Email](t)(d.DB.Emails(t.Context(), identity.NewID()))), 0)
	})

	t.Run("locked users come in id order, once each, and only those there are", func(t *testing.T) {
		a, b, c := d.User(t), d.User(t), d.User(t)
		d.Do(t, func(ctx context.Context) error {
			got, err := d.LockUsers(ctx, c.ID, a.ID, c.ID, identity.NewID(), b.ID)
			storagetest.Same(t, got, []identity.User{a, b, c})
			return err
		})
		d.Do(t, func(ctx context.Context) error {
			got, err := d.LockUsers(ctx)
			storagetest.Same(t, len(got), 0)
			return err
		})
		d.Identity(t, a.ID, "google", storagetest.Word())
		d.Do(t, func(ctx context.Context) error {
			got, identities, err := d.LockWithIdentities(ctx, a.ID)
			storagetest.Same(t, got, a)
			storagetest.Same(t, identities, must[[]identity.Identity](t)(d.IdentitiesOf(ctx, []identity.ID{a.ID})))
			storagetest.Same(t, len(identities), 2)
			return err
		})
		d.Do(t, func(ctx context.Context) error {
			_, _, err := d.LockWithIdentities(ctx, identity.NewID())
			storagetest.WantNotFound(t, "no user", err)
			return nil
		})
	})

	t.Run("addresses", func(t *testing.T) { testAddresses(t, d) })

	t.Run("lists narrow to an address and to a wallet", func(t *testing.T) {
		a, b := d.User(t), d.User(t)
		e, w := d.Email(t, a.ID, storagetest.Word()+"@example.com"), d.Wallet(t, b.ID)
		// The same wallet by its code on another chain: one user still.
		d.Wallet(t, b.ID, func(i *identity.Identity) {
			i.WalletAddress, i.WalletKind, i.Subject = w.WalletAddress, new("contract"), "eip155:10:"+*w.WalletAddress
		})
		list := func(f identity.UserFilter) []identity.ID {
			rows := must[[]identity.User](t)(d.Users(t.Context(), f, identity.Page{Limit: 5}))
			return idsOf(rows, func(u identity.User) identity.ID { return u.ID })
		}
		storagetest.Same(t, list(identity.UserFilter{Email: e.Address}), []identity.ID{a.ID})
		storagetest.Same(t, list(identity.UserFilter{Wallet: *w.WalletAddress}), []identity.ID{b.ID})
		storagetest.Same(t, list(identity.UserFilter{Email: e.Address, Wallet: *w.WalletAddress}), []identity.ID{})
		storagetest.Same(t, list(identity.UserFilter{Email: "%"}), []identity.ID{})
	})
}

func merged(into identity.ID) func(u *identity.User) {
	return func(u *identity.User) { u.Status, u.MergedInto = identity.StatusMerged, &into }
}

func testAddresses(t *testing.T, d *storagetest.Database) {
	u, address := d.User(t), storagetest.Word()+"@example.com"
	_, err := d.EmailOwner(t.Context(), address)
	storagetest.WantNotFound(t, "an unknown address", err)
	d.Email(t, u.ID, address)
	storagetest.Same(t, must[identity.ID](t)(d.EmailOwner(t.Context(), address)), u.ID)

	later := u.UpdatedAt.Add(time.Second)
	d.Do(t, func(ctx context.Context) error { return d.SetPrimaryEmailIfNone(ctx, u.ID, address, later) })
	u.PrimaryEmail, u.UpdatedAt = &address, later
	storagetest.Same(t, must[identity.User](t)(d.DB.User(t.Context(), u.ID)), u)

	second := d.Email(t, u.ID, storagetest.Word()+"@example.com")
	d.Do(t, func(ctx context.Context) error {
		return d.SetPrimaryEmailIfNone(ctx, u.ID, second.Address, later.Add(time.Second))
	})
	storagetest.Same(t, must[identity.User](t)(d.DB.User(t.Context(), u.ID)), u) // has one already

	d.Do(t, func(ctx context.Context) error { return d.SetPrimaryEmail(ctx, u.ID, second.Address, later) })
	u.PrimaryEmail = &second.Address
	storagetest.Same(t, must[identity.User](t)(d.DB.User(t.Context(), u.ID)), u)
}

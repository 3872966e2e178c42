package storage_test

import (
	"context"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity/token"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

func testSigningKeys(t *testing.T, d *storagetest.Database) {
	now := d.Clock.Now()
	insert := func(active time.Duration) token.Key {
		t.Helper()
		k := token.Key{
			Kid: storagetest.Word(), Alg: token.ES256, PublicJWK: `{"kty":"EC"}`, Sealed: hash(), CreatedAt: now, ActiveAt: now.Add(active),
		}
		d.Do(t, func(ctx context.Context) error { return d.InsertSigningKey(ctx, k) })
		return k
	}
	keys := func() []token.Key {
		t.Helper()
		return must[[]token.Key](t)(d.SigningKeys(t.Context()))
	}
	if len(keys()) > 0 {
		t.Error("keys without a signer")
	}
	first := insert(time.Hour)
	storagetest.Same(t, keys(), []token.Key{first})
	expires := now.Add(2 * time.Hour)
	retire := func(at time.Time) {
		d.Do(t, func(ctx context.Context) error { return d.RetireSigningKeys(ctx, at) })
	}
	retire(expires)
	first.ExpiresAt = &expires
	second := insert(time.Minute)
	storagetest.Same(t, keys(), []token.Key{second, first}) // by when they sign
	retire(expires.Add(time.Hour))                          // does not prolong the first
	later := expires.Add(time.Hour)
	second.ExpiresAt = &later
	d.Do(t, func(ctx context.Context) error {
		locked, err := d.LockSigningKeys(ctx)
		storagetest.Same(t, locked, []token.Key{second, first})
		return err
	})
	if _, err := d.Sweep(t.Context(), expires.Add(token.KeepRetired), expires); err != nil {
		t.Fatal(err)
	}
	storagetest.Same(t, keys(), []token.Key{second, first})
	if _, err := d.Sweep(t.Context(), expires.Add(token.KeepRetired+time.Microsecond), expires); err != nil {
		t.Fatal(err)
	}
	storagetest.Same(t, keys(), []token.Key{second})
	d.Do(t, func(ctx context.Context) error { return d.DeleteSigningKeys(ctx) })
	storagetest.Same(t, len(keys()), 0)

	t.Run("who locks waits, also while there is none", func(t *testing.T) {
		held, free := make(chan struct{}), make(chan struct{})
		got := make(chan int, 1)
		go func() {
			<-held
			_ = d.InTx(context.WithoutCancel(t.Context()), func(ctx context.Context) error {
				keys, err := d.LockSigningKeys(ctx)
				got <- len(keys)
				return err
			})
			close(free)
		}()
		d.Do(t, func(ctx context.Context) error {
			if _, err := d.LockSigningKeys(ctx); err != nil {
				return err
			}
			close(held)
			return d.InsertSigningKey(ctx, token.Key{Kid: storagetest.Word(), Alg: token.EdDSA, Sealed: hash(), CreatedAt: now, ActiveAt: now})
		})
		<-free
		if n := <-got; n != 1 {
			t.Errorf("the second saw %d keys", n)
		}
	})
}

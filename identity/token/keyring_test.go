package token_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/token"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

const secret = "a secret that is long enough for tests"

func newKeyring(store token.KeyStore, d *storagetest.Database) *token.Keyring {
	return token.NewKeyring(store, identity.Secrets{secret}, token.EdDSA, slog.New(slog.DiscardHandler), d.Clock.Now)
}

// kids are the ids of the keys that a replica publishes.
func kids(t *testing.T, k *token.Keyring) []string {
	t.Helper()
	keys, err := k.JWKS(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, raw := range keys {
		var jwk map[string]any
		if err := json.Unmarshal(raw, &jwk); err != nil {
			t.Fatal(err)
		}
		for _, private := range []string{"d", "p", "q", "k"} {
			if _, there := jwk[private]; there {
				t.Fatalf("a private part is published: %s", raw)
			}
		}
		out = append(out, jwk["kid"].(string))
	}
	return out
}

// signs is the id of the key that a replica signs with now.
func signs(t *testing.T, k *token.Keyring, now time.Time) string {
	t.Helper()
	all, err := k.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range all {
		if token.State(key, all, now) == "signs" {
			return key.Kid
		}
	}
	t.Fatal("no key signs")
	return ""
}

func TestRotationOverlaps(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		a, b := newKeyring(d.DB, d), newKeyring(storagetest.Connect(t, d.URL), d)
		first := kids(t, a)
		storagetest.Same(t, kids(t, b), first)
		if len(first) != 1 {
			t.Fatalf("a fresh deployment has keys %v", first)
		}
		second, err := a.Rotate(t.Context(), false)
		if err != nil {
			t.Fatal(err)
		}
		d.Clock.Advance(token.ReloadEvery - time.Microsecond)
		storagetest.Same(t, kids(t, b), first) // the bound is not better than stated
		d.Clock.Advance(time.Microsecond)
		both := []string{first[0], second.Kid}
		storagetest.Same(t, kids(t, b), both)
		// A client that fetched the keys just before, and may keep them, has the new one
		// before anything is signed with it.
		if second.ActiveAt.Sub(second.CreatedAt) < token.ReloadEvery+token.JWKSMaxAge {
			t.Errorf("it signs %s after it was made", second.ActiveAt.Sub(second.CreatedAt))
		}
		d.Clock.Set(second.ActiveAt.Add(-time.Microsecond))
		storagetest.Same(t, signs(t, a, d.Clock.Now()), first[0])
		d.Clock.Set(second.ActiveAt)
		storagetest.Same(t, signs(t, a, d.Clock.Now()), second.Kid)
		d.Clock.Set(second.ActiveAt.Add(token.AccessLifetime + token.ReloadEvery))
		storagetest.Same(t, kids(t, b), both) // what the old one signed last still verifies
		d.Clock.Set(second.ActiveAt.Add(token.RetireAfter))
		storagetest.Same(t, kids(t, b), []string{second.Kid})
		if n := d.Count(t, "audit_events WHERE action = 'signing_key.created'"); n != 2 {
			t.Errorf("%d events of two keys", n)
		}
	})
}

func TestRotatesByItselfOnce(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		first := kids(t, newKeyring(d.DB, d))
		d.Clock.Advance(token.RotateEvery - time.Microsecond)
		storagetest.Same(t, kids(t, newKeyring(d.DB, d)), first)
		d.Clock.Advance(time.Microsecond)
		var replicas sync.WaitGroup
		for range 8 {
			k := newKeyring(storagetest.Connect(t, d.URL), d)
			replicas.Go(func() {
				if n := len(kids(t, k)); n != 2 {
					t.Errorf("%d keys", n)
				}
			})
		}
		replicas.Wait()
		if n := d.Count(t, "signing_keys"); n != 2 {
			t.Errorf("eight replicas left %d keys, want the old and one new", n)
		}
	})
}

func TestCompromisedKeysGoAtOnce(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		k := newKeyring(d.DB, d)
		kids(t, k)
		if _, err := k.Rotate(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		s := newService(t, d, k)
		p := principal(t, d)
		before := issue(t, s, p)
		fresh, err := k.Rotate(t.Context(), true)
		if err != nil {
			t.Fatal(err)
		}
		d.Clock.Advance(token.ReloadEvery)
		storagetest.Same(t, kids(t, k), []string{fresh.Kid})
		storagetest.Same(t, signs(t, k, d.Clock.Now()), fresh.Kid)
		if _, err := s.Verify(t.Context(), before); !errors.Is(err, token.ErrNotOurs) {
			t.Errorf("a token of a removed key: %v", err)
		}
		if _, err := s.Verify(t.Context(), issue(t, s, p)); err != nil {
			t.Error(err)
		}
		if n := d.Count(t, "audit_events WHERE action = 'signing_key.removed'"); n != 2 {
			t.Errorf("%d events of two removed keys", n)
		}
	})
}

// Under another secret nothing is signed, and nothing breaks that could be
// repaired by setting the old one again.
func TestAnotherSecretSignsNothing(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		first := kids(t, newKeyring(d.DB, d))
		other := token.NewKeyring(d.DB, identity.Secrets{"another secret that is long enough too"}, token.ES256, slog.New(slog.DiscardHandler), d.Clock.Now)
		_, err := newService(t, d, other).Issue(t.Context(), principal(t, d), token.Ask{}, identity.RequestOrigin{})
		storagetest.WantCode(t, "signing", err, identity.CodeUnavailable)
		if !strings.Contains(err.Error(), "keys rotate --compromised") {
			t.Errorf("it does not say what to do: %v", err)
		}
		storagetest.Same(t, kids(t, other), first)
		if _, err := other.Rotate(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		d.Clock.Advance(token.ReloadEvery)
		s := newService(t, d, other)
		if _, err := s.Verify(t.Context(), issue(t, s, principal(t, d))); err != nil {
			t.Error(err)
		}
	})
}

func TestPrivateKeysAreSealed(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		k := newKeyring(d.DB, d)
		kids(t, k)
		all, err := k.Keys(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		// PKCS #8 of an Ed25519 key begins so.
		if bytes.Contains(all[0].Sealed, []byte{0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70}) {
			t.Error("the private key is readable in the database")
		}
		sealer := identity.NewSealer(identity.DeriveKey(secret, "signing keys"))
		if _, err := sealer.Unseal(all[0].Sealed, []byte(all[0].Kid)); err != nil {
			t.Error(err)
		}
		if _, err := sealer.Unseal(all[0].Sealed, []byte("another row")); err == nil {
			t.Error("it opens in another row")
		}
	})
}

// counting is a store that counts reads, and may be down.
type counting struct {
	token.KeyStore
	reads atomic.Int64
	down  atomic.Bool
}

var errDown = errors.New("down")

func (c *counting) SigningKeys(ctx context.Context) ([]token.Key, error) {
	c.reads.Add(1)
	if c.down.Load() {
		return nil, errDown
	}
	return c.KeyStore.SigningKeys(ctx)
}

func TestAFloodOfKeyIDsIsBounded(t *testing.T) {
	t.Parallel()
	d := storagetest.Open(t, storagetest.SQLite)
	store := &counting{KeyStore: d.DB}
	s := newService(t, d, newKeyring(store, d))
	good := issue(t, s, principal(t, d))
	store.reads.Store(0)
	for range 10 {
		var flood sync.WaitGroup
		for range 50 {
			flood.Go(func() {
				if _, err := s.Verify(t.Context(), withHeader(t, good, map[string]any{"kid": storagetest.Word()})); !errors.Is(err, token.ErrNotOurs) {
					t.Error(err)
				}
			})
		}
		flood.Wait()
		d.Clock.Advance(token.ReloadEvery / 5)
	}
	if n := store.reads.Load(); n > 3 {
		t.Errorf("500 made-up key ids in a minute cost %d reads", n)
	}
}

func TestAStoreThatIsDownAcceptsNothing(t *testing.T) {
	t.Parallel()
	d := storagetest.Open(t, storagetest.SQLite)
	store := &counting{KeyStore: d.DB}
	k := newKeyring(store, d)
	s, p := newService(t, d, k), principal(t, d)
	good := issue(t, s, p)
	known := kids(t, k)
	store.down.Store(true)
	d.Clock.Advance(token.ReloadEvery)
	if _, err := s.Verify(t.Context(), good); !errors.Is(err, errDown) {
		t.Errorf("verified by old keys: %v", err)
	}
	if _, err := s.Issue(t.Context(), p, token.Ask{}, identity.RequestOrigin{}); !errors.Is(err, errDown) {
		t.Errorf("signed by an old key: %v", err)
	}
	storagetest.Same(t, kids(t, k), known) // others may go on for a while
	d.Clock.Advance(token.KeepStale)
	if _, err := k.JWKS(t.Context()); !errors.Is(err, errDown) {
		t.Errorf("old keys are published forever: %v", err)
	}
}

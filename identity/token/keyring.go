package token

import (
	"cmp"
	"context"
	"crypto"
	"encoding/json"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/background"
	"github.com/latchkey/latchkey/internal/tracing"
)

// How keys follow each other. A key is published for publishFor before it signs:
// longer than a replica takes to see it (ReloadEvery) and what was fetched
// before may be kept (JWKSMaxAge). It stays published for retireAfter once the
// next one signs: longer than its last token lives.
const (
	RotateEvery = 90 * 24 * time.Hour
	ReloadEvery = 30 * time.Second
	JWKSMaxAge  = 5 * time.Minute
	publishFor  = 10 * time.Minute
	retireAfter = 10 * time.Minute
	// KeepRetired is how long a key is kept once it is no longer published: an ID
	// token that has expired may still name a session (id_token_hint).
	KeepRetired = 90 * 24 * time.Hour
	// keepStale is how long known public keys are published while the
	// store does not answer. Nothing is signed or accepted by them meanwhile.
	keepStale = 15 * time.Minute
)

// KeyStore keeps signing keys. Changes run in the transaction that InTx opened.
type KeyStore interface {
	InTx(ctx context.Context, fn func(ctx context.Context) error) error
	// SigningKeys returns all keys, the earliest to sign first.
	SigningKeys(ctx context.Context) ([]Key, error)
	// LockSigningKeys is SigningKeys that keeps every other caller of it waiting
	// until the transaction ends, also while there is no key.
	LockSigningKeys(ctx context.Context) ([]Key, error)
	InsertSigningKey(ctx context.Context, k Key) error
	// RetireSigningKeys sets the expiry of all keys that have none.
	RetireSigningKeys(ctx context.Context, at time.Time) error
	// ResealSigningKey replaces the sealed private half of a key.
	ResealSigningKey(ctx context.Context, k Key) error
	// DeleteSigningKeys deletes all keys.
	DeleteSigningKeys(ctx context.Context) error
	RecordEvents(ctx context.Context, events ...identity.Event) error
}

// Keyring holds the signing keys of a deployment. Every replica has one, and
// reads it again when it is older than ReloadEvery, to see changes of others.
type Keyring struct {
	store  KeyStore
	sealer identity.Sealer
	alg    Alg
	now    identity.Clock
	log    *slog.Logger
	lazy   bool // there is no key before one is asked for
	held   atomic.Pointer[ring]
	loads  singleflight.Group
}

// ring is the keys at one time.
type ring struct {
	at   time.Time
	keys []Key
}

// NewKeyring returns the keyring. New keys are of the algorithm; older ones
// stay what they are until they are rotated.
func NewKeyring(store KeyStore, secrets identity.Secrets, alg Alg, log *slog.Logger, now identity.Clock) *Keyring {
	return &Keyring{store: store, sealer: identity.NewSealer(secrets.Keys("signing keys")...), alg: alg, log: log, now: now}
}

// NewIDTokenKeyring returns the keyring of ID tokens in an algorithm that access
// tokens may not have. It has no key before the first signature.
func NewIDTokenKeyring(store KeyStore, secrets identity.Secrets, alg Alg, log *slog.Logger, now identity.Clock) *Keyring {
	k := NewKeyring(store, secrets, alg, log, now)
	k.lazy = true
	return k
}

// current returns the keys as they were at most ReloadEvery ago. Many callers
// at once, and tokens with made-up key ids, cause one read.
func (k *Keyring) current(ctx context.Context) (*ring, error) {
	if r := k.held.Load(); r != nil && age(k.now(), r) < ReloadEvery {
		return r, nil
	}
	detached := tracing.Detach(ctx)
	loaded := k.loads.DoChan("", func() (any, error) {
		ctx, cancel := context.WithTimeout(detached, 5*time.Second)
		defer cancel()
		return k.load(ctx)
	})
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case r := <-loaded:
		if r.Err != nil {
			return nil, r.Err
		}
		return r.Val.(*ring), nil
	}
}

// age counts a ring of the future as old: the clock was set back.
func age(now time.Time, r *ring) time.Duration { return now.Sub(r.at).Abs() }

func (k *Keyring) load(ctx context.Context) (*ring, error) {
	now := k.now()
	keys, err := k.store.SigningKeys(ctx)
	if err == nil && due(keys, now) && !(k.lazy && len(keys) == 0) {
		keys, err = k.rotate(ctx, "due", func(keys []Key) bool { return due(keys, now) }, false)
	}
	if err != nil {
		return nil, err
	}
	r := &ring{at: now, keys: keys}
	k.held.Store(r)
	return r, nil
}

// due reports whether there has to be a new key: the newest one is old, or there
// is none.
func due(keys []Key, now time.Time) bool {
	return len(keys) == 0 || !now.Before(keys[len(keys)-1].ActiveAt.Add(RotateEvery))
}

// Rotate makes a new key. It is published now and signs after publishFor; the
// others end when nothing they signed lives any more. If they are compromised,
// or cannot be read because LATCHKEY_SECRET is another, they go at once, with
// every access token they signed, and the new one signs at once.
func (k *Keyring) Rotate(ctx context.Context, compromised bool) (Key, error) {
	keys, err := k.rotate(ctx, "asked for", func([]Key) bool { return true }, compromised)
	if err != nil {
		return Key{}, err
	}
	return keys[len(keys)-1], nil
}

// rotate is decided under a lock that all replicas share, so of several that
// find a rotation due one does it.
func (k *Keyring) rotate(ctx context.Context, reason string, wanted func([]Key) bool, compromised bool) ([]Key, error) {
	var keys []Key
	err := k.store.InTx(ctx, func(ctx context.Context) (err error) {
		if keys, err = k.store.LockSigningKeys(ctx); err != nil || !wanted(keys) {
			return err
		}
		now := k.now()
		active := now.Add(publishFor)
		if compromised || len(keys) == 0 {
			active = now // there is nothing to go on with meanwhile
		}
		key, err := newKey(k.alg, k.sealer, now, active)
		if err != nil {
			return err
		}
		created := identity.Event{ID: identity.NewID(), At: now, Action: identity.ActionSigningKeyCreated,
			Data: identity.Metadata{"kid": key.Kid, "alg": key.Alg, "active_at": active, "reason": reason}}
		events := []identity.Event{created}
		// The others first: of keys without an expiry the schema takes one.
		if compromised {
			for _, old := range keys {
				events = append(events, identity.Event{ID: identity.NewID(), At: now, Action: identity.ActionSigningKeyRemoved,
					Data: identity.Metadata{"kid": old.Kid, "reason": "compromised"}})
			}
			err = k.store.DeleteSigningKeys(ctx)
		} else {
			err = k.store.RetireSigningKeys(ctx, active.Add(retireAfter))
		}
		if err != nil {
			return err
		}
		if err := k.store.InsertSigningKey(ctx, key); err != nil {
			return err
		}
		if err := k.store.RecordEvents(ctx, events...); err != nil {
			return err
		}
		keys, err = k.store.SigningKeys(ctx)
		return err
	})
	return keys, err
}

// signing returns the key that signs now: the newest that may.
func (r *ring) signing(now time.Time) (Key, bool) {
	for _, key := range slices.Backward(r.keys) {
		if !now.Before(key.ActiveAt) && key.Lives(now) {
			return key, true
		}
	}
	return Key{}, false
}

// ensure makes the first key where there is none yet.
func (k *Keyring) ensure(ctx context.Context) error {
	r, err := k.current(ctx)
	if err != nil || len(r.keys) > 0 {
		return err
	}
	keys, err := k.rotate(ctx, "first use", func(keys []Key) bool { return len(keys) == 0 }, false)
	if err == nil {
		k.held.Store(&ring{at: k.now(), keys: keys})
	}
	return err
}

// signer returns the key that signs now, opened.
func (k *Keyring) signer(ctx context.Context) (Key, crypto.Signer, error) {
	if k.lazy {
		if err := k.ensure(ctx); err != nil {
			return Key{}, nil, err
		}
	}
	r, err := k.current(ctx)
	if err != nil {
		return Key{}, nil, err
	}
	key, ok := r.signing(k.now())
	if !ok {
		return Key{}, nil, errNoKey(nil)
	}
	private, err := key.open(k.sealer)
	if err != nil {
		return Key{}, nil, errNoKey(err)
	}
	return key, private, nil
}

func errNoKey(err error) error {
	return identity.NewError(identity.CodeUnavailable, "there is no key to sign with; see the log of the service").Wrap(err)
}

// find returns a published key by its id. An id that is not there is not looked
// for again before ReloadEvery has passed.
func (k *Keyring) find(ctx context.Context, kid string) (Key, bool, error) {
	r, err := k.current(ctx)
	if err != nil {
		return Key{}, false, err
	}
	now := k.now()
	for _, key := range r.keys {
		if key.Kid == kid && key.Lives(now) {
			return key, true, nil
		}
	}
	return Key{}, false, nil
}

// JWKS returns the public keys (RFC 7517), those included that sign later.
func (k *Keyring) JWKS(ctx context.Context) ([]json.RawMessage, error) {
	now := k.now()
	r, err := k.current(ctx)
	if err != nil {
		if r = k.held.Load(); r == nil || age(now, r) > keepStale {
			return nil, err
		}
	}
	out := []json.RawMessage{}
	for _, key := range r.keys {
		if key.Lives(now) {
			out = append(out, json.RawMessage(key.PublicJWK))
		}
	}
	return out, nil
}

// Keys lists all keys, the newest first.
func (k *Keyring) Keys(ctx context.Context) ([]Key, error) {
	keys, err := k.store.SigningKeys(ctx)
	slices.Reverse(keys)
	return keys, err
}

// State returns what a key does at now: it signs, will sign, is still published or
// has expired.
func State(key Key, all []Key, now time.Time) string {
	r := &ring{keys: slices.SortedFunc(slices.Values(all), func(a, b Key) int {
		return cmp.Or(a.ActiveAt.Compare(b.ActiveAt), a.CreatedAt.Compare(b.CreatedAt))
	})}
	signing, ok := r.signing(now)
	switch {
	case ok && signing.Kid == key.Kid:
		return "signs"
	case !key.Lives(now):
		return "expired"
	case now.Before(key.ActiveAt):
		return "published, signs later"
	}
	return "published, signs no more"
}

// Run keeps the keys rotated until ctx ends.
func (k *Keyring) Run(ctx context.Context) {
	loop := background.Loop{Every: ReloadEvery, Failed: "cannot read the signing keys; will retry", Log: k.log}
	loop.Run(ctx, func(ctx context.Context) (bool, error) {
		_, err := k.current(ctx)
		return false, err
	})
}

// Reseal seals the private keys under the present secret that are sealed under the
// previous one, and returns how many those were. One that does not open is an error,
// and then none is changed.
func (k *Keyring) Reseal(ctx context.Context) (int, error) {
	n := 0
	err := k.store.InTx(ctx, func(ctx context.Context) error {
		n = 0
		keys, err := k.store.LockSigningKeys(ctx)
		if err != nil {
			return err
		}
		var events []identity.Event
		for _, key := range keys {
			sealed, changed, err := k.sealer.Reseal(key.Sealed, []byte(key.Kid))
			if err != nil {
				return errSealed(key.Kid)
			}
			if !changed {
				continue
			}
			n++
			key.Sealed = sealed
			if err := k.store.ResealSigningKey(ctx, key); err != nil {
				return err
			}
			events = append(events, identity.Event{ID: identity.NewID(), At: k.now(), Action: identity.ActionSigningKeyResealed,
				Data: identity.Metadata{"kid": key.Kid}})
		}
		return k.store.RecordEvents(ctx, events...)
	})
	return n, err
}

// Check returns how many of the keys that still live are sealed under the present
// secret, under the previous one, and under neither. It changes nothing.
func (k *Keyring) Check(ctx context.Context) (present, previous, neither int, err error) {
	keys, err := k.store.SigningKeys(ctx)
	for _, key := range keys {
		switch _, changed, err := k.sealer.Reseal(key.Sealed, []byte(key.Kid)); {
		case !key.Lives(k.now()):
		case err != nil:
			neither++
		case changed:
			previous++
		default:
			present++
		}
	}
	return present, previous, neither, err
}

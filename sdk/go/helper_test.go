package latchkey_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	latchkey "github.com/latchkey/latchkey/sdk/go"
)

const audience = "https://api.example.com"

// issuer is a stand-in for Latchkey that publishes keys, counts who asks for them, and
// can be broken.
type issuer struct {
	*httptest.Server
	t       *testing.T
	fetches atomic.Int32

	mu   sync.Mutex
	keys []jose.JSONWebKey
	fail http.HandlerFunc // answers instead, unless nil
	time time.Time
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{t: t, time: time.Now()}
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/.well-known/jwks.json" {
			http.NotFound(w, r)
			return
		}
		i.fetches.Add(1)
		i.mu.Lock()
		fail, keys := i.fail, i.keys
		i.mu.Unlock()
		if fail != nil {
			fail(w, r)
			return
		}
		// A key of a kind that go-jose does not know, as a future version may have.
		unknown := json.RawMessage(`{"kty":"FUTURE","kid":"x","alg":"FUTURE"}`)
		all := []any{unknown}
		for _, k := range keys {
			all = append(all, k)
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": all})
	}))
	t.Cleanup(i.Close)
	return i
}

// broken has the keys answered by something else; nil ends it.
func (i *issuer) broken(by http.HandlerFunc) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.fail = by
}

func (i *issuer) now() time.Time {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.time
}

func (i *issuer) advance(d time.Duration) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.time = i.time.Add(d)
}

// publish replaces the published keys.
func (i *issuer) publish(keys ...key) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = nil
	for _, k := range keys {
		i.keys = append(i.keys, jose.JSONWebKey{Key: k.private.Public(), KeyID: k.id, Algorithm: string(k.alg), Use: "sig"})
	}
}

func (i *issuer) verifier(opts ...latchkey.Option) *latchkey.Verifier {
	return latchkey.NewVerifier(i.URL, audience, append(opts, latchkey.WithClock(i.now))...)
}

type key struct {
	id      string
	alg     jose.SignatureAlgorithm
	private crypto.Signer
}

func newKey(t *testing.T, id string, alg jose.SignatureAlgorithm) key {
	t.Helper()
	var private crypto.Signer
	var err error
	if alg == jose.ES256 {
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	} else {
		_, private, err = ed25519.GenerateKey(rand.Reader)
	}
	if err != nil {
		t.Fatal(err)
	}
	return key{id, alg, private}
}

type values map[string]any

// with returns the claims with others in place of some; nil takes one out.
func (v values) with(other values) values {
	out := maps.Clone(v)
	for name, value := range other {
		out[name] = value
		if value == nil {
			delete(out, name)
		}
	}
	return out
}

// claims are those of a user's token, by the stand-in's clock.
func (i *issuer) claims() values {
	now := i.now().Unix()
	return values{
		"iss": i.URL, "aud": audience, "sub": "user-1", "sid": "session-1", "iat": now, "exp": now + 300, "auth_time": now - 60,
		"amr": []string{"google", "siwe"}, "client_id": "web", "team": "team-1", "role": "admin", "jti": "1",
	}
}

// sign returns a token by a key, with other headers in place of some.
func (i *issuer) sign(by key, claims values, header ...values) string {
	i.t.Helper()
	h := values{"typ": "at+jwt", "kid": by.id}
	for _, other := range header {
		h = h.with(other)
	}
	o := &jose.SignerOptions{}
	for name, value := range h {
		o = o.WithHeader(jose.HeaderKey(name), value)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: by.alg, Key: by.private}, o)
	if err != nil {
		i.t.Fatal(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		i.t.Fatal(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		i.t.Fatal(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		i.t.Fatal(err)
	}
	return token
}

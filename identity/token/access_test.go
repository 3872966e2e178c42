package token_test

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/token"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

const issuer = "https://id.example.com"

func newService(t *testing.T, d *storagetest.Database, k *token.Keyring) *token.Service {
	t.Helper()
	sessions := session.NewService(d.DB, nil, session.Limits{Idle: time.Hour, Lifetime: 24 * time.Hour}, d.Clock.Now)
	return token.NewService(d.DB, k, sessions, inTeams(d), identity.Secrets{secret}, token.Options{Issuer: issuer, Clients: token.Clients{
		{ID: "web", Audience: "https://api.example.com", Offline: true}, {ID: "other", Audience: "https://other.example.com"},
	}}, d.Clock.Now)
}

func principal(t *testing.T, d *storagetest.Database) session.Principal {
	t.Helper()
	s := d.Session(t, d.User(t).ID)
	p, err := d.PrincipalBySession(t.Context(), s.ID, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func issue(t *testing.T, s *token.Service, p session.Principal) string {
	t.Helper()
	g, err := s.Issue(t.Context(), p, token.Ask{}, identity.RequestOrigin{})
	if err != nil {
		t.Fatal(err)
	}
	return g.AccessToken
}

func decode(t *testing.T, part string) map[string]any {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func encode(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

// withHeader changes the header of a token and keeps the rest.
func withHeader(t *testing.T, raw string, change map[string]any) string {
	t.Helper()
	parts := strings.Split(raw, ".")
	header := decode(t, parts[0])
	for name, v := range change {
		header[name] = v
	}
	return encode(t, header) + "." + parts[1] + "." + parts[2]
}

// forge signs the changed header and claims of a token again with the deployment's
// own key: what is refused then is refused for what it says.
func forge(t *testing.T, d *storagetest.Database, raw string, header, claims map[string]any) string {
	t.Helper()
	parts := strings.Split(raw, ".")
	h, c := decode(t, parts[0]), decode(t, parts[1])
	for part, change := range map[*map[string]any]map[string]any{&h: header, &c: claims} {
		for name, v := range change {
			if v == nil {
				delete(*part, name)
			} else {
				(*part)[name] = v
			}
		}
	}
	all, err := d.SigningKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	signed := encode(t, h) + "." + encode(t, c)
	return signed + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(opened(t, all[0]), []byte(signed)))
}

func opened(t *testing.T, k token.Key) ed25519.PrivateKey {
	t.Helper()
	der, err := identity.NewSealer(identity.DeriveKey(secret, "signing keys")).Unseal(k.Sealed, []byte(k.Kid))
	if err != nil {
		t.Fatal(err)
	}
	return ed25519.NewKeyFromSeed(der[len(der)-ed25519.SeedSize:])
}

func TestWhatATokenSays(t *testing.T) {
	t.Parallel()
	d := storagetest.Open(t, storagetest.SQLite)
	p := principal(t, d)
	for _, alg := range []token.Alg{token.EdDSA, token.ES256} {
		k := token.NewKeyring(d.DB, identity.Secrets{secret}, alg, nil, d.Clock.Now)
		if _, err := k.Rotate(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		s := newService(t, d, k)
		raw := issue(t, s, p)
		parts := strings.Split(raw, ".")
		header, claims := decode(t, parts[0]), decode(t, parts[1])
		storagetest.Same(t, header, map[string]any{"typ": "at+jwt", "alg": string(alg), "kid": kids(t, k)[0]})
		if claims["jti"] == "" || claims["jti"] == nil {
			t.Error("no jti")
		}
		now := d.Clock.Now().Unix()
		delete(claims, "jti")
		storagetest.Same(t, claims, map[string]any{
			"iss": issuer, "sub": p.User.ID.String(), "aud": []any{"https://api.example.com"}, "client_id": "web",
			"iat": float64(now), "exp": float64(now + 300), "auth_time": float64(p.Session.AuthenticatedAt.Unix()),
			"sid": p.Session.ID.String(), "amr": []any{p.Session.Methods[0]},
		})
		got, err := s.Verify(t.Context(), raw)
		if err != nil || got.Subject != p.User.ID.String() || *got.SessionID != p.Session.ID {
			t.Errorf("%s: %+v, %v", alg, got, err)
		}
	}
}

func TestHostileTokens(t *testing.T) {
	t.Parallel()
	d := storagetest.Open(t, storagetest.SQLite)
	k := newKeyring(d.DB, d)
	s := newService(t, d, k)
	good := issue(t, s, principal(t, d))
	if _, err := s.Verify(t.Context(), forge(t, d, good, nil, nil)); err != nil {
		t.Fatalf("a token that was signed again is refused, so no refusal here means anything: %v", err)
	}
	parts := strings.Split(good, ".")
	all, err := d.SigningKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	kid := all[0].Kid

	mine, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	byMine := func(header map[string]any) string {
		h := map[string]any{"typ": "at+jwt", "alg": "EdDSA"}
		for name, v := range header {
			h[name] = v
		}
		signed := encode(t, h) + "." + parts[1]
		return signed + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(private, []byte(signed)))
	}
	jwk := jose.JSONWebKey{Key: mine, KeyID: kid, Algorithm: "EdDSA"}
	hs := func(alg string, key []byte) string {
		signed := encode(t, map[string]any{"typ": "at+jwt", "alg": alg, "kid": kid}) + "." + parts[1]
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(signed))
		return signed + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
	}
	public := decodeKey(t, []byte(all[0].PublicJWK))
	now := d.Clock.Now()
	for name, raw := range map[string]string{
		"nothing":                    "",
		"no token":                   "abc",
		"two parts":                  parts[0] + "." + parts[1],
		"four parts":                 good + ".",
		"no signature":               parts[0] + "." + parts[1] + ".",
		"changed claims":             parts[0] + "." + encode(t, map[string]any{"sub": "x"}) + "." + parts[2],
		"padded":                     good + "=",
		"other bits at the end":      good[:len(good)-1] + flip(good[len(good)-1]),
		"longer than ours":           good + strings.Repeat("A", 5000),
		"alg none":                   encode(t, map[string]any{"typ": "at+jwt", "alg": "none", "kid": kid}) + "." + parts[1] + ".",
		"alg None":                   encode(t, map[string]any{"typ": "at+jwt", "alg": "None", "kid": kid}) + "." + parts[1] + "." + parts[2],
		"alg none, signed":           withHeader(t, good, map[string]any{"alg": "none"}),
		"no alg":                     forge(t, d, good, map[string]any{"alg": nil}, nil),
		"HS256 by the public key":    hs("HS256", public),
		"HS256 by the public JWK":    hs("HS256", []byte(all[0].PublicJWK)),
		"HS256 by nothing":           hs("HS256", nil),
		"RS256":                      forge(t, d, good, map[string]any{"alg": "RS256"}, nil),
		"ES256, the key is Ed25519":  forge(t, d, good, map[string]any{"alg": "ES256"}, nil),
		"a key of its own, kid ours": byMine(map[string]any{"kid": kid}),
		"a jwk of its own":           byMine(map[string]any{"kid": kid, "jwk": jwk}),
		"a jku of its own":           byMine(map[string]any{"kid": kid, "jku": "https://evil.example/jwks.json"}),
		"an x5u of its own":          byMine(map[string]any{"kid": kid, "x5u": "https://evil.example/x.pem"}),
		"no kid":                     forge(t, d, good, map[string]any{"kid": nil}, nil),
		"empty kid":                  forge(t, d, good, map[string]any{"kid": ""}, nil),
		"kid that is no text":        forge(t, d, good, map[string]any{"kid": []string{kid}}, nil),
		"kid with a path":            forge(t, d, good, map[string]any{"kid": "../../dev/null"}, nil),
		"kid with SQL":               forge(t, d, good, map[string]any{"kid": "' OR 1=1 --"}, nil),
		"unknown crit":               forge(t, d, good, map[string]any{"crit": []string{"exp"}}, nil),
		"empty crit":                 forge(t, d, good, map[string]any{"crit": []string{}}, nil),
		"an ID token":                forge(t, d, good, map[string]any{"typ": "JWT"}, nil),
		"no typ":                     forge(t, d, good, map[string]any{"typ": nil}, nil),
		"typ that is no text":        forge(t, d, good, map[string]any{"typ": 1}, nil),
		"no exp":                     forge(t, d, good, nil, map[string]any{"exp": nil}),
		"exp is now":                 forge(t, d, good, nil, map[string]any{"exp": now.Unix()}),
		"nbf to come":                forge(t, d, good, nil, map[string]any{"nbf": now.Add(time.Hour).Unix()}),
		"another issuer":             forge(t, d, good, nil, map[string]any{"iss": "https://id.example.com.evil.example"}),
		"no issuer":                  forge(t, d, good, nil, map[string]any{"iss": nil}),
		"another audience":           forge(t, d, good, nil, map[string]any{"aud": []string{"https://evil.example"}}),
		"another client's audience":  forge(t, d, good, nil, map[string]any{"aud": []string{"https://other.example.com"}}),
		"one audience too many":      forge(t, d, good, nil, map[string]any{"aud": []string{"https://api.example.com", "https://evil.example"}}),
		"no audience":                forge(t, d, good, nil, map[string]any{"aud": nil}),
		"another client":             forge(t, d, good, nil, map[string]any{"client_id": "other"}),
		"no such client":             forge(t, d, good, nil, map[string]any{"client_id": "unknown"}),
		"no client":                  forge(t, d, good, nil, map[string]any{"client_id": nil}),
	} {
		if c, err := s.Verify(t.Context(), raw); !errors.Is(err, token.ErrNotOurs) {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
	for name, raw := range map[string]string{
		"the long media type": forge(t, d, good, map[string]any{"typ": "application/at+jwt"}, nil),
		"typ in capitals":     forge(t, d, good, map[string]any{"typ": "AT+JWT"}, nil), // RFC 7515, section 4.1.9
		"audience as text":    forge(t, d, good, nil, map[string]any{"aud": "https://api.example.com"}),
	} {
		if _, err := s.Verify(t.Context(), raw); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	d.Clock.Advance(token.AccessLifetime)
	if _, err := s.Verify(t.Context(), good); !errors.Is(err, jwt.ErrTokenExpired) {
		t.Errorf("five minutes later: %v", err)
	}
}

func decodeKey(t *testing.T, raw []byte) []byte {
	t.Helper()
	var jwk jose.JSONWebKey
	if err := json.Unmarshal(raw, &jwk); err != nil {
		t.Fatal(err)
	}
	return jwk.Key.(ed25519.PublicKey)
}

// flip changes the bits of the last character that belong to no byte.
func flip(c byte) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return string(alphabet[strings.IndexByte(alphabet, c)^1])
}

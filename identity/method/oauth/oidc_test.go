package oauth_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/method"
	"github.com/latchkey/latchkey/identity/method/oauth"
)

func TestOIDCProves(t *testing.T) {
	t.Parallel()
	i := newIssuer(t, nil)
	p := i.provider(nil)

	raw, err := p.AuthCodeURL(context.Background(), i.flow)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	for name, want := range map[string]string{
		"client_id": clientID, "redirect_uri": redirectURL, "response_type": "code", "scope": "openid email profile",
		"state": i.flow.State, "nonce": i.flow.Nonce, "code_challenge_method": "S256",
	} {
		if got := q.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if !strings.HasPrefix(raw, i.URL+"/authorize?") || strings.Contains(raw, i.flow.Verifier) {
		t.Errorf("authorization URL is %s", raw)
	}

	callback := i.standin.Callback(i.flow, i.who)
	proof, err := p.Prove(context.Background(), i.flow, callback)
	if err != nil {
		t.Fatal(err)
	}
	want := identity.Proof{
		Provider: "test", Subject: "subject-1", Email: "ada@example.com", EmailAuthoritative: true, Reported: true,
		DisplayName: "Ada", AvatarURL: "https://pictures.example/ada.png",
	}
	if !reflect.DeepEqual(proof, want) {
		t.Errorf("got %+v, want %+v", proof, want)
	}
	form := i.Form("/token")
	sum := sha256.Sum256([]byte(form.Get("code_verifier")))
	if base64.RawURLEncoding.EncodeToString(sum[:]) != q.Get("code_challenge") {
		t.Error("the verifier does not fit the challenge")
	}
	for name, want := range map[string]string{"grant_type": "authorization_code", "code": callback.Code, "redirect_uri": redirectURL} {
		if got := form.Get(name); got != want {
			t.Errorf("token request: %s is %q, want %q", name, got, want)
		}
	}
}

func TestIDTokenIsRefused(t *testing.T) {
	t.Parallel()
	set := func(name string, value any) func(*issuer) {
		return func(i *issuer) { i.claims = func(c jwt.MapClaims) { c[name] = value } }
	}
	drop := func(name string) func(*issuer) {
		return func(i *issuer) { i.claims = func(c jwt.MapClaims) { delete(c, name) } }
	}
	signed := func(sign func(*issuer, jwt.MapClaims) string) func(*issuer) {
		return func(i *issuer) { i.sign = func(c jwt.MapClaims) string { return sign(i, c) } }
	}
	now := time.Now()
	cases := map[string]func(*issuer){
		"nonce missing":   drop("nonce"),
		"nonce empty":     set("nonce", ""),
		"nonce wrong":     set("nonce", "another"),
		"nonce no string": set("nonce", 1),
		"nonce in a list": func(i *issuer) { i.claims = func(c jwt.MapClaims) { c["nonce"] = []string{i.flow.Nonce} } },
		"nonce by case":   func(i *issuer) { i.claims = func(c jwt.MapClaims) { c["Nonce"] = c["nonce"]; delete(c, "nonce") } },
		"aud other":       set("aud", "client-2"),
		"aud missing":     drop("aud"),
		"aud empty list":  set("aud", []string{}),
		"aud prefix":      set("aud", clientID+"0"),
		"aud two, no azp": func(i *issuer) {
			i.claims = func(c jwt.MapClaims) { c["aud"] = []string{clientID, "client-2"}; delete(c, "azp") }
		},
		"azp other":     set("azp", "client-2"),
		"azp empty":     set("azp", ""),
		"azp no string": set("azp", []string{clientID}),
		"aud two, azp them": func(i *issuer) {
			i.claims = func(c jwt.MapClaims) { c["aud"], c["azp"] = []string{clientID, "client-2"}, "client-2" }
		},
		"iss other":         set("iss", "https://evil.example"),
		"iss slash":         func(i *issuer) { i.claims = func(c jwt.MapClaims) { c["iss"] = i.URL + "/" } },
		"iss missing":       drop("iss"),
		"expired":           set("exp", now.Add(-time.Second).Unix()),
		"exp missing":       drop("exp"),
		"exp null":          set("exp", nil),
		"exp no number":     set("exp", "tomorrow"),
		"iat missing":       drop("iat"),
		"iat null":          set("iat", nil),
		"iat in the future": set("iat", now.Add(time.Hour).Unix()),
		"nbf in the future": set("nbf", now.Add(time.Hour).Unix()),
		"sub missing":       drop("sub"),
		"sub empty":         set("sub", ""),
		"sub number":        set("sub", 7),
		"sub null":          set("sub", nil),
		"sub long":          set("sub", strings.Repeat("s", 256)),
		"sub with NUL":      set("sub", "a\x00b"),
		"sub with newline":  set("sub", "a\nb"),
		"sub not ASCII":     set("sub", "а"), // Cyrillic
		"alg none": signed(func(_ *issuer, c jwt.MapClaims) string {
			return signedWith(c, jwt.SigningMethodNone, "", jwt.UnsafeAllowNoneSignatureType)
		}),
		"HS256 with the public key": signed(func(i *issuer, c jwt.MapClaims) string {
			key := i.publicKey()
			der, _ := x509.MarshalPKIXPublicKey(key.Key)
			return signedWith(c, jwt.SigningMethodHS256, key.KeyID, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
		}),
		"HS256 with the client secret": signed(func(_ *issuer, c jwt.MapClaims) string {
			return signedWith(c, jwt.SigningMethodHS256, "", []byte("secret-1"))
		}),
		// A symmetric key without "alg" is one that go-oidc does not leave out of the set.
		"HS256 with a published key": func(i *issuer) {
			shared := []byte("a key that everybody can read, 32")
			i.publish(jose.JSONWebKey{Key: shared, KeyID: "k1"})
			i.sign = func(c jwt.MapClaims) string { return signedWith(c, jwt.SigningMethodHS256, "k1", shared) }
		},
		"alg not announced": func(i *issuer) {
			i.metadata = func(m map[string]any) {
				m["id_token_signing_alg_values_supported"] = []string{"RS256", "HS256", "none"}
			}
		},
		"another key by the same id": signed(func(i *issuer, c jwt.MapClaims) string {
			return signedWith(c, jwt.SigningMethodES256, i.publicKey().KeyID, newKey(t))
		}),
		"kid unknown":       signed(func(_ *issuer, c jwt.MapClaims) string { return signedWith(c, jwt.SigningMethodES256, "k2", newKey(t)) }),
		"signature cut":     signed(func(i *issuer, c jwt.MapClaims) string { s := i.signed(c); return s[:len(s)-8] }),
		"signature missing": signed(func(i *issuer, c jwt.MapClaims) string { s := i.signed(c); return s[:strings.LastIndex(s, ".")+1] }),
		"payload changed": signed(func(i *issuer, c jwt.MapClaims) string {
			parts := strings.Split(i.signed(c), ".")
			c["sub"] = "somebody else"
			parts[1] = strings.Split(i.signed(c), ".")[1]
			return strings.Join(parts, ".")
		}),
		"no JWT": signed(func(*issuer, jwt.MapClaims) string { return "id-token" }),
	}
	for name, bend := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := newIssuer(t, bend)
			proof, err := i.prove(i.provider(nil))
			wantCode(t, err, identity.CodeInvalidProof)
			if proof.Subject != "" || proof.Email != "" {
				t.Errorf("a refused proof tells %+v", proof)
			}
		})
	}
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// publish replaces the key set of the issuer.
func (i *issuer) publish(keys ...jose.JSONWebKey) {
	i.Break("/jwks", func(w http.ResponseWriter, _ *http.Request) { reply(w, http.StatusOK, jose.JSONWebKeySet{Keys: keys}) })
}

func TestIDTokenIsAccepted(t *testing.T) {
	t.Parallel()
	claims := func(bend func(jwt.MapClaims)) func(*issuer) { return func(i *issuer) { i.claims = bend } }
	cases := map[string]func(*issuer){
		"no azp":             claims(func(c jwt.MapClaims) { delete(c, "azp") }),
		"azp ours":           claims(func(c jwt.MapClaims) { c["azp"] = clientID }),
		"aud two, azp ours":  claims(func(c jwt.MapClaims) { c["aud"], c["azp"] = []string{"client-2", clientID}, clientID }),
		"iat a little ahead": claims(func(c jwt.MapClaims) { c["iat"] = time.Now().Add(30 * time.Second).Unix() }),
		"long sub":           claims(func(c jwt.MapClaims) { c["sub"] = strings.Repeat("s", 255) }),
		"RS256, as Google signs": func(i *issuer) {
			key, err := rsa.GenerateKey(rand.Reader, 2048)
			if err != nil {
				t.Error(err)
			}
			i.publish(jose.JSONWebKey{Key: &key.PublicKey, KeyID: "k1", Algorithm: "RS256", Use: "sig"})
			i.sign = func(c jwt.MapClaims) string { return signedWith(c, jwt.SigningMethodRS256, "k1", key) }
		},
	}
	for name, bend := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := newIssuer(t, bend)
			if _, err := i.prove(i.provider(nil)); err != nil {
				t.Error(err)
			}
		})
	}
}

// An issuer that signs with the very moment its token ends has nothing left.
func TestIDTokenThatExpiresNowIsRefused(t *testing.T) {
	t.Parallel()
	now := time.Now().Truncate(time.Second)
	i := newIssuer(t, func(i *issuer) { i.claims = func(c jwt.MapClaims) { c["exp"] = now.Unix() } })
	_, err := i.prove(i.provider(func(c *oauth.OIDCConfig) { c.Now = func() time.Time { return now } }))
	wantCode(t, err, identity.CodeInvalidProof)
}

func TestEmailIsVerifiedOnlyByTrue(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		verified any
		want     bool
	}{
		"true": {true, true}, "false": {false, false}, "string": {"true", false}, "number": {1, false},
		"null": {nil, false}, "list": {[]bool{true}, false}, "object": {map[string]any{"value": true}, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := newIssuer(t, func(i *issuer) { i.claims = func(m jwt.MapClaims) { m["email_verified"] = c.verified } })
			proof, err := i.prove(i.provider(nil))
			if err != nil {
				t.Fatal(err)
			}
			if proof.Email != "ada@example.com" || proof.EmailAuthoritative != c.want {
				t.Errorf("got %q, authoritative %v; want %v", proof.Email, proof.EmailAuthoritative, c.want)
			}
		})
	}
}

func TestEmailAndFlag(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		bend  func(jwt.MapClaims)
		email string
	}{
		"flag absent":          {func(c jwt.MapClaims) { delete(c, "email_verified") }, "ada@example.com"},
		"flag by another case": {func(c jwt.MapClaims) { delete(c, "email_verified"); c["Email_Verified"] = true }, "ada@example.com"},
		"address absent":       {func(c jwt.MapClaims) { delete(c, "email") }, ""},
		"address in a list":    {func(c jwt.MapClaims) { c["email"] = []string{"ada@example.com"} }, ""},
		"address null":         {func(c jwt.MapClaims) { c["email"] = nil }, ""},
		"two addresses":        {func(c jwt.MapClaims) { c["email"] = "ada@example.com,eve@evil.example" }, ""},
		"several @":            {func(c jwt.MapClaims) { c["email"] = "ada@evil.example@example.com" }, ""},
		"dotless i":            {func(c jwt.MapClaims) { c["email"] = "adİ@example.com" }, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := newIssuer(t, func(i *issuer) { i.claims = c.bend })
			proof, err := i.prove(i.provider(nil))
			if err != nil {
				t.Fatal(err)
			}
			if proof.Email != c.email || proof.EmailAuthoritative || proof.VerifiedEmail() != "" {
				t.Errorf("got %q, authoritative %v", proof.Email, proof.EmailAuthoritative)
			}
		})
	}
}

func TestGenericIssuerIsNoAuthorityUnlessConfigured(t *testing.T) {
	t.Parallel()
	i := newIssuer(t, nil)
	proof, err := i.prove(i.provider(func(c *oauth.OIDCConfig) { c.Authoritative = nil }))
	if err != nil || proof.Email == "" || proof.EmailAuthoritative {
		t.Errorf("got %+v, %v", proof, err)
	}
}

func TestProfileIsMadeFitToShow(t *testing.T) {
	t.Parallel()
	cases := map[string]struct{ name, picture, wantName, wantPicture any }{
		"plain":          {"Ada Lovelace", "https://p.example/a.png?s=1", "Ada Lovelace", "https://p.example/a.png?s=1"},
		"controls":       {"A\x00d\x1b[31ma\r\nL", "http://p.example/a.png", "Ad[31ma L", ""},
		"direction":      {"Ada\u202egnp.exe\u2066", "javascript:alert(1)", "Adagnp.exe", ""},
		"long":           {strings.Repeat("é", 4000), "https://p.example/" + strings.Repeat("a", 4000), strings.Repeat("é", 128), ""},
		"no strings":     {7, []string{"https://p.example"}, "", ""},
		"userinfo":       {" ", "https://u:p@p.example/a.png", "", ""},
		"data":           {"a\u00a0 b", "data:image/png;base64,AA", "a b", ""},
		"line break":     {"", "https://p.example/\na", "", ""},
		"no host":        {"\u2028x", "https:///a.png", "x", ""},
		"scheme in case": {"x", "HTTPS://p.example/a.png", "x", "https://p.example/a.png"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := newIssuer(t, func(i *issuer) {
				i.claims = func(m jwt.MapClaims) { m["name"], m["picture"] = c.name, c.picture }
			})
			proof, err := i.prove(i.provider(nil))
			if err != nil || proof.DisplayName != c.wantName || proof.AvatarURL != c.wantPicture {
				t.Errorf("got %q, %q, %v; want %q, %q", proof.DisplayName, proof.AvatarURL, err, c.wantName, c.wantPicture)
			}
		})
	}
}

func TestAuthorizationResponseIssuer(t *testing.T) {
	t.Parallel()
	const ours = "ours"
	cases := map[string]struct {
		announced any
		iss       string
		want      identity.Code
	}{
		"absent":                {nil, "", ""},
		"ours":                  {nil, ours, ""},
		"announced, ours":       {true, ours, ""},
		"announced, absent":     {true, "", identity.CodeInvalidProof},
		"announced, theirs":     {true, "https://evil.example", identity.CodeInvalidProof},
		"theirs":                {nil, "https://evil.example", identity.CodeInvalidProof},
		"announced as a string": {"true", "", ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := newIssuer(t, func(i *issuer) {
				i.metadata = func(m map[string]any) { m["authorization_response_iss_parameter_supported"] = c.announced }
			})
			if c.iss == ours {
				c.iss = i.URL
			}
			callback := i.standin.Callback(i.flow, i.who)
			callback.Issuer = c.iss
			_, err := i.provider(nil).Prove(context.Background(), i.flow, callback)
			if got := identity.ErrorCode(err); got != c.want {
				t.Errorf("got %q (%v), want %q", got, err, c.want)
			}
			if c.want != "" && i.Hits("/token") != 0 {
				t.Error("the code was sent although iss is wrong")
			}
		})
	}
}

func TestUnusableCodeIsNotSent(t *testing.T) {
	t.Parallel()
	i := newIssuer(t, nil)
	for _, code := range []string{"", strings.Repeat("c", 1<<20)} {
		_, err := i.provider(nil).Prove(context.Background(), i.flow, method.Callback{Code: code})
		wantCode(t, err, identity.CodeInvalidProof)
	}
	if i.Hits("/token") != 0 {
		t.Error("the token endpoint was asked")
	}
}

// The parallel logins share one discovery and one fetch of keys, and none gets
// somebody else's subject.
func TestParallelLoginsKeepTheirSubjects(t *testing.T) {
	t.Parallel()
	const logins = 200
	i := newIssuer(t, nil)
	p := i.provider(nil)
	var wg sync.WaitGroup
	for n := range logins {
		wg.Go(func() {
			flow, who := newFlow(t, fmt.Sprintf("browser-%d", n)), method.Person{Subject: fmt.Sprintf("subject-%d", n)}
			proof, err := p.Prove(context.Background(), flow, i.standin.Callback(flow, who))
			if err != nil || proof.Subject != who.Subject {
				t.Errorf("login %d: got %q, %v", n, proof.Subject, err)
			}
		})
	}
	wg.Wait()
	if got := i.Hits("/.well-known/openid-configuration"); got != 1 {
		t.Errorf("discovery was fetched %d times, want 1", got)
	}
}

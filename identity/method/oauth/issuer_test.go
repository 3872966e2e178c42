package oauth_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/method"
	"github.com/latchkey/latchkey/identity/method/oauth"
)

const (
	clientID    = "client-1"
	redirectURL = "http://localhost:8080/v1/auth/test/callback"
	// patience is the deadline of proofs that are meant to run into it.
	patience = 300 * time.Millisecond
)

var signingKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// issuer is an OpenID provider whose every answer a test can bend.
type issuer struct {
	*httptest.Server
	t      *testing.T
	flow   method.Flow
	claims func(jwt.MapClaims)        // bends the ID token
	sign   func(jwt.MapClaims) string // replaces its signature
	meta   func(map[string]any)       // bends the metadata
	routes map[string]http.HandlerFunc

	mu   sync.Mutex
	hits map[string]int
	form url.Values // the last token request
}

func newIssuer(t *testing.T, bend func(*issuer)) *issuer {
	t.Helper()
	i := &issuer{t: t, hits: map[string]int{}, routes: map[string]http.HandlerFunc{}}
	i.flow = newFlow(t, "browser-1")
	i.routes["/.well-known/openid-configuration"] = i.discovery
	i.routes["/token"] = i.token
	i.routes["/jwks"] = i.jwks
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.mu.Lock()
		i.hits[r.URL.Path]++
		i.mu.Unlock()
		if h, ok := i.routes[r.URL.Path]; ok {
			h(w, r)
			return
		}
		http.NotFound(w, r)
	}))
	t.Cleanup(i.Close)
	if bend != nil {
		bend(i)
	}
	return i
}

// newFlow is a round trip of a sign-in, begun in a browser.
func newFlow(t *testing.T, browser string) method.Flow {
	t.Helper()
	attempts := method.NewAttempts("a secret of the operator")
	a, err := method.Begin(method.ByRedirect, "test", identity.PurposeSignIn, method.Requester{Browser: identity.HashSecret(browser)}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	token, err := attempts.Seal(a)
	if err != nil {
		t.Fatal(err)
	}
	return attempts.Flow(a, token, browser, redirectURL)
}

func (i *issuer) count(path string) int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.hits[path]
}

func (i *issuer) discovery(w http.ResponseWriter, _ *http.Request) {
	doc := map[string]any{
		"issuer":                                i.URL,
		"authorization_endpoint":                i.URL + "/authorize",
		"token_endpoint":                        i.URL + "/token",
		"jwks_uri":                              i.URL + "/jwks",
		"id_token_signing_alg_values_supported": []string{"RS256", "HS256", "none"},
	}
	if i.meta != nil {
		i.meta(doc)
	}
	reply(w, http.StatusOK, doc)
}

func (i *issuer) jwks(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusOK, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{
		{Key: &signingKey().PublicKey, KeyID: "k1", Algorithm: "RS256", Use: "sig"},
	}})
}

func (i *issuer) token(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	i.mu.Lock()
	i.form = r.PostForm
	i.mu.Unlock()
	now := time.Now()
	c := jwt.MapClaims{
		"iss": i.URL, "sub": "subject-1", "aud": clientID, "nonce": i.flow.Nonce,
		"iat": now.Unix(), "exp": now.Add(time.Minute).Unix(),
		"email": "ada@example.com", "email_verified": true, "name": "Ada", "picture": "https://pictures.example/ada.png",
	}
	if i.claims != nil {
		i.claims(c)
	}
	signed := ""
	if i.sign != nil {
		signed = i.sign(c)
	} else {
		signed = signRS256(c)
	}
	reply(w, http.StatusOK, map[string]any{"access_token": "access-1", "token_type": "Bearer", "id_token": signed})
}

// provider returns the provider that a test asks, with an authority policy that
// believes every verified address.
func (i *issuer) provider(bend func(*oauth.OIDCConfig)) *oauth.OIDC {
	i.t.Helper()
	cfg := oauth.OIDCConfig{
		Name: "test", Issuer: i.URL, ClientID: clientID, ClientSecret: "secret-1",
		Authoritative: func(oauth.Claims) bool { return true },
	}
	if bend != nil {
		bend(&cfg)
	}
	p, err := oauth.NewOIDC(cfg)
	if err != nil {
		i.t.Fatal(err)
	}
	return p
}

func (i *issuer) prove(p method.Redirect) (identity.Proof, error) {
	return p.Prove(context.Background(), i.flow, method.Callback{Code: "code-1"})
}

func signRS256(c jwt.MapClaims) string {
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, c)
	token.Header["kid"] = "k1"
	signed, err := token.SignedString(signingKey())
	if err != nil {
		panic(err)
	}
	return signed
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func wantCode(t *testing.T, err error, codes ...identity.Code) {
	t.Helper()
	got := identity.ErrorCode(err)
	for _, want := range codes {
		if got == want {
			return
		}
	}
	t.Fatalf("got %q (%v), want one of %q", got, err, codes)
}

// canary is a server inside the private network that must never be called.
func canary(t *testing.T) (address string, hits *atomic.Int32) {
	t.Helper()
	hits = new(atomic.Int32)
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	t.Cleanup(s.Close)
	return s.URL, hits
}

// troubles are endpoints that give nothing usable.
var troubles = map[string]struct {
	handler http.HandlerFunc
	code    identity.Code
}{
	"hangs": {func(_ http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm() // the server notices that the client left once the body is read
		<-r.Context().Done()
	}, identity.CodeProviderUnavailable},
	"hangs in the body": {func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		_, _ = w.Write([]byte("{"))
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}, identity.CodeProviderUnavailable},
	"429":             {status(http.StatusTooManyRequests, `{"error":"slow_down"}`), identity.CodeProviderUnavailable},
	"500":             {status(http.StatusInternalServerError, `{}`), identity.CodeProviderUnavailable},
	"503 HTML":        {status(http.StatusServiceUnavailable, `<html>`), identity.CodeProviderUnavailable},
	"connection ends": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, identity.CodeProviderUnavailable},
	"HTML":            {status(http.StatusOK, `<!doctype html><title>Sign in</title>`), identity.CodeProviderFailed},
	"empty":           {status(http.StatusOK, ``), identity.CodeProviderFailed},
	"JSON null":       {status(http.StatusOK, `null`), identity.CodeProviderFailed},
	"JSON string":     {status(http.StatusOK, `"ok"`), identity.CodeProviderFailed},
	"404":             {status(http.StatusNotFound, `<html>`), identity.CodeProviderFailed},
	"endless":         {endless, identity.CodeProviderFailed},
}

func status(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(code)
		_, _ = w.Write([]byte(body))
	}
}

func endless(w http.ResponseWriter, r *http.Request) {
	chunk := make([]byte, 64<<10)
	for n := range chunk {
		chunk[n] = ' '
	}
	for r.Context().Err() == nil {
		if _, err := w.Write(chunk); err != nil {
			return
		}
	}
}

package oauth_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/method"
	"github.com/latchkey/latchkey/identity/method/oauth"
	"github.com/latchkey/latchkey/identity/method/oidc"
	"github.com/latchkey/latchkey/internal/devmode"
	"github.com/latchkey/latchkey/internal/testkit/providertest"
)

const (
	clientID    = "client-1"
	redirectURL = "http://localhost:8080/v1/auth/test/callback"
	// patience is the deadline of proofs that are meant to run into it.
	patience = 300 * time.Millisecond
)

// issuer is the stand-in of an OpenID provider, bent as a test wants.
type issuer struct {
	*providertest.Server
	t        *testing.T
	standin  *providertest.Provider
	client   devmode.Client
	flow     method.Flow
	who      method.Person
	claims   func(jwt.MapClaims)        // bends the ID token
	sign     func(jwt.MapClaims) string // replaces its signature
	metadata func(map[string]any)       // bends the metadata
}

func newIssuer(t *testing.T, bend func(*issuer)) *issuer {
	t.Helper()
	i := &issuer{
		Server: providertest.NewServer(t), t: t, client: devmode.Client{ID: clientID, Secret: "secret-1"}, flow: newFlow(t, "browser-1"),
		who: method.Person{Name: "Ada", Email: "ada@example.com", Verified: true, Subject: "subject-1"},
	}
	if bend != nil {
		bend(i)
	}
	spec := oidc.Spec("test")
	spec.Standin.Claims = func(p method.Person) map[string]any {
		claims := method.OpenIDClaims(p)
		claims["picture"] = "https://pictures.example/ada.png"
		return claims
	}
	i.standin = i.Add(spec, i.client)
	i.standin.Faults = devmode.Faults{
		// What only some issuers have is missing, and keys of every kind are believed in.
		Metadata: func(m map[string]any) {
			delete(m, "userinfo_endpoint")
			delete(m, "authorization_response_iss_parameter_supported")
			delete(m, "token_endpoint_auth_methods_supported")
			m["id_token_signing_alg_values_supported"] = []string{"ES256", "RS256", "HS256", "none"}
			if i.metadata != nil {
				i.metadata(m)
			}
		},
		Claims: func(c jwt.MapClaims) {
			if i.claims != nil {
				i.claims(c)
			}
		},
		Sign: func(c jwt.MapClaims) (string, error) {
			if i.sign != nil {
				return i.sign(c), nil
			}
			return i.standin.Sign(c)
		},
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
	return p.Prove(context.Background(), i.flow, i.standin.Callback(i.flow, i.who))
}

// signed returns the ID token that the issuer would give.
func (i *issuer) signed(c jwt.MapClaims) string {
	signed, err := i.standin.Sign(c)
	if err != nil {
		i.t.Error(err)
	}
	return signed
}

// publicKey returns the key that anybody can read at the issuer.
func (i *issuer) publicKey() jose.JSONWebKey {
	out := httptest.NewRecorder()
	i.Answer(out, httptest.NewRequest(http.MethodGet, "/jwks", nil))
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(out.Body.Bytes(), &set); err != nil || len(set.Keys) != 1 {
		i.t.Errorf("the key set is %s, %v", out.Body, err)
	}
	return set.Keys[0]
}

// signedWith returns an ID token by another key or algorithm.
func signedWith(c jwt.MapClaims, algorithm jwt.SigningMethod, keyID string, key any) string {
	token := jwt.NewWithClaims(algorithm, c)
	if keyID != "" {
		token.Header["kid"] = keyID
	}
	signed, err := token.SignedString(key)
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

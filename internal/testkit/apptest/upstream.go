package apptest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/latchkey/latchkey/identity"
)

// Upstream is an OpenID provider in place of Google, and a GitHub, on one
// server. Unlike the stand-ins it says whatever a test wants, and can be broken.
type Upstream struct {
	*httptest.Server
	t   *testing.T
	key *ecdsa.PrivateKey

	mu     sync.Mutex
	broken map[string]http.HandlerFunc // by path; "" is every path
	hits   map[string]int
	grants map[string]grant
	tokens map[string]grant
	// Secrets are all codes and tokens it has given out.
	secrets []string
}

type grant struct {
	redirectURI, challenge, nonce string
	google                        map[string]any // ID token claims
	github                        GitHubAccount
}

// GitHubAccount is what GitHub's API says of an account.
type GitHubAccount struct {
	User   map[string]any
	Emails any
}

const clientSecret = "upstream-client-secret"

// NewUpstream starts one.
func NewUpstream(t *testing.T) *Upstream {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	u := &Upstream{
		t: t, key: key, broken: map[string]http.HandlerFunc{}, hits: map[string]int{},
		grants: map[string]grant{}, tokens: map[string]grant{}, secrets: []string{clientSecret},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", u.discovery)
	mux.HandleFunc("GET /jwks", u.jwks)
	mux.HandleFunc("POST /token", u.token)
	mux.HandleFunc("POST /login/oauth/access_token", u.token)
	mux.HandleFunc("GET /api/user", func(w http.ResponseWriter, r *http.Request) { u.api(w, r, func(a GitHubAccount) any { return a.User }) })
	mux.HandleFunc("GET /api/user/emails", func(w http.ResponseWriter, r *http.Request) {
		u.api(w, r, func(a GitHubAccount) any { return a.Emails })
	})
	u.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u.mu.Lock()
		u.hits[r.URL.Path]++
		h := u.broken[r.URL.Path]
		if h == nil {
			h = u.broken[""]
		}
		u.mu.Unlock()
		if h == nil {
			h = mux.ServeHTTP
		}
		h(w, r)
	}))
	t.Cleanup(u.Close)
	return u
}

// Env configures both providers.
func (u *Upstream) Env() []string {
	return []string{
		"LATCHKEY_GOOGLE_CLIENT_ID=client", "LATCHKEY_GOOGLE_CLIENT_SECRET=" + clientSecret, "LATCHKEY_GOOGLE_ISSUER=" + u.URL,
		"LATCHKEY_GITHUB_CLIENT_ID=client", "LATCHKEY_GITHUB_CLIENT_SECRET=" + clientSecret,
		"LATCHKEY_GITHUB_URL=" + u.URL, "LATCHKEY_GITHUB_API_URL=" + u.URL + "/api",
	}
}

// Break lets h answer a path, or every one for ""; nil repairs it.
func (u *Upstream) Break(path string, h http.HandlerFunc) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.broken[path] = h
}

// Hits counts the requests to a path.
func (u *Upstream) Hits(path string) int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.hits[path]
}

// Secrets are what must not be in any log or answer.
func (u *Upstream) Secrets() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return append([]string(nil), u.secrets...)
}

// Google grants an authorization request for a person with these claims, and
// returns the callback.
func (u *Upstream) Google(authorize string, claims map[string]any) string {
	u.t.Helper()
	return u.grant(authorize, grant{google: claims})
}

// GitHub is Google for an account.
func (u *Upstream) GitHub(authorize string, account GitHubAccount) string {
	u.t.Helper()
	return u.grant(authorize, grant{github: account})
}

func (u *Upstream) grant(authorize string, g grant) string {
	u.t.Helper()
	to, err := url.Parse(authorize)
	if err != nil || !strings.HasPrefix(authorize, u.URL+"/") {
		u.t.Fatalf("the browser was sent to %s", authorize)
	}
	q := to.Query()
	if q.Get("code_challenge_method") != "S256" || q.Get("state") == "" {
		u.t.Fatalf("no PKCE or state: %s", authorize)
	}
	g.redirectURI, g.challenge, g.nonce = q.Get("redirect_uri"), q.Get("code_challenge"), q.Get("nonce")
	code := u.secret()
	u.mu.Lock()
	u.grants[code] = g
	u.mu.Unlock()
	params := url.Values{"state": {q.Get("state")}, "code": {code}}
	return g.redirectURI + "?" + params.Encode()
}

func (u *Upstream) secret() string {
	s, _ := identity.NewSecret()
	u.mu.Lock()
	defer u.mu.Unlock()
	u.secrets = append(u.secrets, s)
	return s
}

func (u *Upstream) discovery(w http.ResponseWriter, _ *http.Request) {
	u.reply(w, http.StatusOK, map[string]any{
		"issuer": u.URL, "authorization_endpoint": u.URL + "/authorize", "token_endpoint": u.URL + "/token", "jwks_uri": u.URL + "/jwks",
		"id_token_signing_alg_values_supported": []string{"ES256"}, "token_endpoint_auth_methods_supported": []string{"client_secret_post"},
	})
}

func (u *Upstream) jwks(w http.ResponseWriter, _ *http.Request) {
	point, err := u.key.PublicKey.Bytes()
	if err != nil {
		u.t.Error(err)
	}
	u.reply(w, http.StatusOK, map[string]any{"keys": []map[string]string{{
		"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": "1",
		"x": base64.RawURLEncoding.EncodeToString(point[1:33]), "y": base64.RawURLEncoding.EncodeToString(point[33:]),
	}}})
}

func (u *Upstream) token(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil || r.PostForm.Get("client_secret") != clientSecret {
		u.reply(w, http.StatusUnauthorized, map[string]string{"error": "invalid_client"})
		return
	}
	u.mu.Lock()
	g, ok := u.grants[r.PostForm.Get("code")]
	delete(u.grants, r.PostForm.Get("code"))
	u.mu.Unlock()
	sum := sha256.Sum256([]byte(r.PostForm.Get("code_verifier")))
	if !ok || g.redirectURI != r.PostForm.Get("redirect_uri") || g.challenge != base64.RawURLEncoding.EncodeToString(sum[:]) {
		u.reply(w, http.StatusBadRequest, map[string]string{"error": "invalid_grant"})
		return
	}
	access := u.secret()
	answer := map[string]any{"access_token": access, "token_type": "Bearer"}
	u.mu.Lock()
	u.tokens[access] = g
	u.mu.Unlock()
	if g.google != nil {
		now := identity.SystemClock()
		claims := jwt.MapClaims{"iss": u.URL, "aud": "client", "nonce": g.nonce, "iat": now.Unix(), "exp": now.Unix() + 600}
		for name, value := range g.google {
			claims[name] = value
		}
		token := jwt.NewWithClaims(jwt.SigningMethodES256, claims)
		token.Header["kid"] = "1"
		signed, err := token.SignedString(u.key)
		if err != nil {
			u.t.Error(err)
		}
		answer["id_token"] = signed
		u.mu.Lock()
		u.secrets = append(u.secrets, signed)
		u.mu.Unlock()
	}
	u.reply(w, http.StatusOK, answer)
}

func (u *Upstream) api(w http.ResponseWriter, r *http.Request, pick func(GitHubAccount) any) {
	u.mu.Lock()
	g, ok := u.tokens[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
	u.mu.Unlock()
	if !ok {
		u.reply(w, http.StatusUnauthorized, map[string]string{"message": "Bad credentials"})
		return
	}
	u.reply(w, http.StatusOK, pick(g.github))
}

func (u *Upstream) reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the service may have given up waiting
}

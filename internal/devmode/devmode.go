// Package devmode holds the stand-ins for Google and GitHub that a development
// server carries: real protocols, on which one types who one is. They prove
// nothing about anybody, so they exist on a loopback address only.
package devmode

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/method/github"
	"github.com/latchkey/latchkey/identity/method/google"
)

const (
	codeLife  = time.Minute      // of an authorization code
	tokenLife = 10 * time.Minute // of an access token and an ID token
	maxGrants = 4096             // codes, and as many access tokens, kept at once
	maxForm   = 64 << 10         // bytes of a request body
)

//go:embed page.html mail.html style.css
var files embed.FS

// Standins are the two stand-ins of one process. Everything secret in them is
// made anew by New and gone with the process.
type Standins struct {
	google, github *standin
	key            *ecdsa.PrivateKey
	keyID          string
	now            identity.Clock
}

// standin is what both have in common: one registered client, and the grants
// that are under way.
type standin struct {
	title        string // "Google" or "GitHub", for the page
	kind         string // identity.ProviderGoogle or ProviderGitHub
	issuer       string // `iss`, RFC 9207
	action       string // path of the authorization endpoint
	clientID     string
	clientSecret string
	redirectURI  string
	codes        *vault[grant]
	tokens       *vault[person]
	now          identity.Clock
}

// New returns stand-ins below {publicURL}/dev/. It refuses a public URL that is
// not loopback: anybody who reaches a stand-in is whoever they say.
func New(publicURL string, now identity.Clock) (*Standins, error) {
	u, err := url.Parse(publicURL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || !loopback(u.Hostname()) {
		return nil, fmt.Errorf("development mode needs a loopback public URL, not %q", publicURL)
	}
	base := u.Scheme + "://" + u.Host
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making the signing key of the stand-in: %w", err)
	}
	point, err := key.PublicKey.Bytes()
	if err != nil {
		return nil, fmt.Errorf("encoding the signing key of the stand-in: %w", err)
	}
	sum := sha256.Sum256(point)
	return &Standins{
		google: newStandin("Google", identity.ProviderGoogle, base, "/dev/google", now),
		github: newStandin("GitHub", identity.ProviderGitHub, base, "/dev/github/login/oauth", now),
		key:    key,
		keyID:  hex.EncodeToString(sum[:8]),
		now:    now,
	}, nil
}

func newStandin(title, kind, base, issuerPath string, now identity.Clock) *standin {
	secret, _ := identity.NewSecret()
	return &standin{
		title:        title,
		kind:         kind,
		issuer:       base + issuerPath,
		action:       issuerPath + "/authorize",
		clientID:     "latchkey-dev-" + kind,
		clientSecret: secret,
		redirectURI:  base + "/v1/auth/" + kind + "/callback",
		codes:        newVault[grant](maxGrants, codeLife),
		tokens:       newVault[person](maxGrants, tokenLife),
		now:          now,
	}
}

// Google is the configuration under which the Google stand-in is used.
func (s *Standins) Google() google.Config {
	return google.Config{
		Issuer: s.google.issuer, ClientID: s.google.clientID, ClientSecret: s.google.clientSecret, Now: s.now,
	}
}

// GitHub is the configuration under which the GitHub stand-in is used.
func (s *Standins) GitHub() github.Config {
	site := s.github.issuer[:len(s.github.issuer)-len("/login/oauth")]
	return github.Config{
		URL: site, APIURL: site + "/api",
		ClientID: s.github.clientID, ClientSecret: s.github.clientSecret,
	}
}

// Handler serves everything below /dev/. Mount it there without stripping the
// prefix.
func (s *Standins) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /dev/style.css", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFileFS(w, r, files, "style.css")
	})

	mux.HandleFunc("GET /dev/google/.well-known/openid-configuration", s.discovery)
	mux.HandleFunc("GET /dev/google/jwks", s.jwks)
	mux.HandleFunc("GET /dev/google/authorize", s.google.showPage)
	mux.HandleFunc("POST /dev/google/authorize", s.google.decide)
	mux.HandleFunc("POST /dev/google/token", s.googleToken)
	mux.HandleFunc("GET /dev/google/userinfo", s.userinfo)

	mux.HandleFunc("GET /dev/github/login/oauth/authorize", s.github.showPage)
	mux.HandleFunc("POST /dev/github/login/oauth/authorize", s.github.decide)
	mux.HandleFunc("POST /dev/github/login/oauth/access_token", s.githubToken)
	mux.HandleFunc("GET /dev/github/api/user", s.githubUser)
	mux.HandleFunc("GET /dev/github/api/user/emails", s.githubEmails)

	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		// No form-action: browsers apply it to the redirects that follow the
		// form, and those end at the application, on whatever port it runs.
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'")
		// Not no-referrer: with it a browser posts our own form as Origin: null.
		h.Set("Referrer-Policy", "same-origin")
		mux.ServeHTTP(w, r)
	})
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

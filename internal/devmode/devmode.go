// Package devmode holds the stand-ins for the providers that a development
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
	"slices"
	"strings"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/method"
	"github.com/latchkey/latchkey/internal/methods"
)

const (
	codeLife  = time.Minute      // of an authorization code
	tokenLife = 10 * time.Minute // of an access token and an ID token
	maxGrants = 4096             // codes, and as many access tokens, kept at once
	maxForm   = 64 << 10         // bytes of a request body
)

//go:embed page.html mail.html style.css
var files embed.FS

// Standins are the stand-ins of one process, one for each provider of the list.
// Everything secret in them is created by New and ends with the process.
type Standins struct {
	all   []*standin
	key   *ecdsa.PrivateKey
	keyID string
	now   identity.Clock
}

// standin is one registered client of one provider, and the grants that are
// under way.
type standin struct {
	method.Standin
	name         string // of the provider
	title        string // for the page
	root         string // URL
	path         string // of root
	issuer       string // `iss`, RFC 9207; "" for none
	clientID     string
	clientSecret string
	redirectURI  string
	codes        *vault[grant]
	tokens       *vault[person]
	now          identity.Clock
}

// New returns stand-ins below {publicURL}/dev/. It refuses a public URL that is
// not loopback: anybody who reaches a stand-in is anybody who they say.
func New(publicURL string, now identity.Clock) (*Standins, error) {
	u, err := url.Parse(publicURL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || !loopback(u.Hostname()) {
		return nil, fmt.Errorf("development mode needs a loopback public URL, not %q", publicURL)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making the signing key of the stand-ins: %w", err)
	}
	point, err := key.PublicKey.Bytes()
	if err != nil {
		return nil, fmt.Errorf("encoding the signing key of the stand-ins: %w", err)
	}
	sum := sha256.Sum256(point)
	out := &Standins{key: key, keyID: hex.EncodeToString(sum[:8]), now: now}
	for _, spec := range methods.Redirects() {
		out.all = append(out.all, newStandin(spec, u.Scheme+"://"+u.Host, now))
	}
	return out, nil
}

func newStandin(spec method.Spec, base string, now identity.Clock) *standin {
	secret, _ := identity.NewSecret()
	s := &standin{
		Standin:      spec.Standin,
		name:         spec.Name,
		title:        spec.Label,
		path:         "/dev/" + spec.Name,
		clientID:     "latchkey-dev-" + spec.Name,
		clientSecret: secret,
		redirectURI:  base + "/v1/auth/" + spec.Name + "/callback",
		codes:        newVault[grant](maxGrants, codeLife),
		tokens:       newVault[person](maxGrants, tokenLife),
		now:          now,
	}
	s.root = base + s.path
	if s.OpenID {
		s.Authorize, s.Token, s.issuer = "/authorize", "/token", s.root
	} else if s.Issuer != "" {
		s.issuer = s.root + s.Issuer
	}
	return s
}

func (s *Standins) get(name string) *standin {
	i := slices.IndexFunc(s.all, func(s *standin) bool { return s.name == name })
	if i < 0 {
		return nil
	}
	return s.all[i]
}

// Options are the settings under which the stand-in of a listed provider is used.
func (s *Standins) Options(name string) method.Options {
	one := s.get(name)
	return method.Options{
		Name: name, ClientID: one.clientID, ClientSecret: one.clientSecret, URLs: one.URLs(one.root), Now: s.now,
	}
}

// Handler serves everything below /dev/. Mount it there without stripping the
// prefix.
func (s *Standins) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /dev/style.css", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFileFS(w, r, files, "style.css")
	})

	for _, one := range s.all {
		mux.HandleFunc("GET "+one.path+one.Authorize, one.showPage)
		mux.HandleFunc("POST "+one.path+one.Authorize, one.decide)
		if one.OpenID {
			s.handleOpenID(mux, one)
		} else {
			one.handlePlain(mux)
		}
	}

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

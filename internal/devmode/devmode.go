// Package devmode holds the stand-ins for the providers that a development
// server carries: real protocols, on which one types who one is. They prove
// nothing about anybody, so they exist on a loopback address only.
package devmode

import (
	"embed"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/method"
	"github.com/latchkey/latchkey/internal/methods"
)

const maxForm = 64 << 10 // bytes of a request body

//go:embed page.html mail.html style.css
var files embed.FS

// Standins are the stand-ins of one process, one for each provider of the list.
// Everything secret in them is created by New and ends with the process.
type Standins struct {
	all []*Standin
	now identity.Clock
}

// New returns stand-ins below {publicURL}/dev/. It refuses a public URL that is
// not loopback: anybody who reaches a stand-in is anybody who they say.
func New(publicURL string, now identity.Clock) (*Standins, error) {
	u, err := url.Parse(publicURL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || !loopback(u.Hostname()) {
		return nil, fmt.Errorf("development mode needs a loopback public URL, not %q", publicURL)
	}
	out := &Standins{now: now}
	base := u.Scheme + "://" + u.Host
	for _, spec := range methods.Redirects() {
		secret, _ := identity.NewSecret()
		one, err := NewStandin(spec, base+"/dev/"+spec.Name, Client{
			ID: "latchkey-dev-" + spec.Name, Secret: secret, RedirectURI: base + "/v1/auth/" + spec.Name + "/callback",
		}, now)
		if err != nil {
			return nil, err
		}
		out.all = append(out.all, one)
	}
	return out, nil
}

func (s *Standins) get(name string) *Standin {
	i := slices.IndexFunc(s.all, func(s *Standin) bool { return s.name == name })
	if i < 0 {
		return nil
	}
	return s.all[i]
}

// Options are the settings under which the stand-in of a listed provider is used.
func (s *Standins) Options(name string) method.Options {
	one := s.get(name)
	return method.Options{
		Name: name, ClientID: one.client.ID, ClientSecret: one.client.Secret, URLs: one.URLs(one.root), Now: s.now,
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
		one.Handle(mux)
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

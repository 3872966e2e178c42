// Package providertest runs the development stand-ins of providers on a server of
// its own, where they say what a test wants and can be broken.
package providertest

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"golang.org/x/oauth2"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/method"
	"github.com/latchkey/latchkey/identity/method/github"
	"github.com/latchkey/latchkey/identity/method/google"
	"github.com/latchkey/latchkey/internal/devmode"
)

// Server is providers at one URL, on the paths that each of them has.
type Server struct {
	*httptest.Server
	t   *testing.T
	mux *http.ServeMux

	mu      sync.Mutex
	broken  map[string]http.HandlerFunc // by path; "" is every path
	hits    map[string]int
	forms   map[string]url.Values // of the last request, by path
	secrets []string
}

// NewServer starts a server without providers.
func NewServer(t *testing.T) *Server {
	t.Helper()
	s := &Server{
		t: t, mux: http.NewServeMux(), broken: map[string]http.HandlerFunc{}, hits: map[string]int{}, forms: map[string]url.Values{},
	}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.hits[r.URL.Path]++
		h := s.broken[r.URL.Path]
		if h == nil {
			h = s.broken[""]
		}
		s.mu.Unlock()
		if h == nil {
			h = s.Answer
		}
		h(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

// Provider is the stand-in of one provider on a server.
type Provider struct {
	*devmode.Standin
	server *Server
	client devmode.Client
}

// Add adds the stand-in of a provider. It must come before any request.
func (s *Server) Add(spec method.Spec, client devmode.Client) *Provider {
	s.t.Helper()
	one, err := devmode.NewStandin(spec, s.URL, client, identity.SystemClock)
	if err != nil {
		s.t.Fatal(err)
	}
	one.Handle(s.mux)
	s.keep(client.Secret)
	return &Provider{Standin: one, server: s, client: client}
}

// Options are the settings under which the stand-in is used.
func (p *Provider) Options() method.Options {
	return method.Options{ClientID: p.client.ID, ClientSecret: p.client.Secret, URLs: p.URLs(p.server.URL)}
}

// Callback is what the browser of a person who said who they are comes back with.
func (p *Provider) Callback(flow method.Flow, who method.Person) method.Callback {
	q := p.grant(url.Values{
		"redirect_uri": {flow.RedirectURL}, "state": {flow.State}, "nonce": {flow.Nonce},
		"code_challenge": {oauth2.S256ChallengeFromVerifier(flow.Verifier)},
	}, who)
	return method.Callback{Code: q.Get("code"), Issuer: q.Get("iss")}
}

func (p *Provider) grant(request url.Values, who method.Person) url.Values {
	q := p.Grant(request, who)
	p.server.keep(q.Get("code"))
	return q
}

// Answer answers as the stand-ins do, whatever is broken.
func (s *Server) Answer(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		s.mux.ServeHTTP(w, r)
		return
	}
	_ = r.ParseForm()
	s.mu.Lock()
	s.forms[r.URL.Path] = r.PostForm
	s.mu.Unlock()
	out := httptest.NewRecorder()
	s.mux.ServeHTTP(out, r)
	var tokens struct {
		Access string `json:"access_token"`
		ID     string `json:"id_token"`
	}
	if json.Unmarshal(out.Body.Bytes(), &tokens) == nil {
		s.keep(tokens.Access, tokens.ID)
	}
	maps.Copy(w.Header(), out.Header())
	w.WriteHeader(out.Code)
	_, _ = w.Write(out.Body.Bytes()) // the service may have given up waiting
}

// Break lets h answer a path, or every one for ""; nil repairs it.
func (s *Server) Break(path string, h http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken[path] = h
}

// Hits counts the requests to a path.
func (s *Server) Hits(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hits[path]
}

// Form is the form of the last request to a path that was answered by Answer.
func (s *Server) Form(path string) url.Values {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.forms[path]
}

// Secrets are all codes and tokens that the stand-ins gave out, and the client
// secret: what must not be in any log or answer.
func (s *Server) Secrets() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.secrets...)
}

func (s *Server) keep(secrets ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, secret := range secrets {
		if secret != "" {
			s.secrets = append(s.secrets, secret)
		}
	}
}

// Upstream is a Google and a GitHub on one server, that say of a person whatever a
// test wants.
type Upstream struct {
	*Server
	google, github *Provider
	says           map[string]any // by subject at the stand-in
}

// GitHubAccount is what GitHub's API says of an account.
type GitHubAccount struct {
	User   map[string]any
	Emails any
}

// NewUpstream starts one.
func NewUpstream(t *testing.T) *Upstream {
	t.Helper()
	u := &Upstream{Server: NewServer(t), says: map[string]any{}}
	client := devmode.Client{ID: "client", Secret: "upstream-client-secret"}
	asGoogle, asGitHub := google.Spec, github.Spec
	asGoogle.Standin.Claims = func(p method.Person) map[string]any { return u.said(p).(map[string]any) }
	asGitHub.Standin.API = map[string]func(method.Person, string) any{
		"/api/user":        func(p method.Person, _ string) any { return u.said(p).(GitHubAccount).User },
		"/api/user/emails": func(p method.Person, _ string) any { return u.said(p).(GitHubAccount).Emails },
	}
	u.google, u.github = u.Add(asGoogle, client), u.Add(asGitHub, client)
	return u
}

// Env configures both providers.
func (u *Upstream) Env() []string {
	id, secret := u.google.client.ID, u.google.client.Secret
	return []string{
		"LATCHKEY_GOOGLE_CLIENT_ID=" + id, "LATCHKEY_GOOGLE_CLIENT_SECRET=" + secret, "LATCHKEY_GOOGLE_ISSUER=" + u.URL,
		"LATCHKEY_GITHUB_CLIENT_ID=" + id, "LATCHKEY_GITHUB_CLIENT_SECRET=" + secret,
		"LATCHKEY_GITHUB_URL=" + u.URL, "LATCHKEY_GITHUB_API_URL=" + u.URL + "/api",
	}
}

// Google grants an authorization request for a person with these claims, and
// returns the callback.
func (u *Upstream) Google(authorize string, claims map[string]any) string {
	u.t.Helper()
	return u.grant(u.google, authorize, claims)
}

// GitHub is Google for an account.
func (u *Upstream) GitHub(authorize string, account GitHubAccount) string {
	u.t.Helper()
	return u.grant(u.github, authorize, account)
}

func (u *Upstream) grant(p *Provider, authorize string, says any) string {
	u.t.Helper()
	to, err := url.Parse(authorize)
	if err != nil || !strings.HasPrefix(authorize, u.URL+"/") {
		u.t.Fatalf("the browser was sent to %s", authorize)
	}
	q := to.Query()
	if q.Get("code_challenge_method") != "S256" || q.Get("state") == "" {
		u.t.Fatalf("no PKCE or state: %s", authorize)
	}
	subject := identity.NewID().String()
	u.mu.Lock()
	u.says[subject] = says
	u.mu.Unlock()
	return q.Get("redirect_uri") + "?" + p.grant(q, method.Person{Subject: subject}).Encode()
}

func (u *Upstream) said(p method.Person) any {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.says[p.Subject]
}

// Package authserver is the authorization server (OAuth 2.1, OpenID Connect Core):
// which requests get an authorization code, and what codes, refresh tokens and
// credentials are traded for. It knows no HTTP.
package authserver

import (
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/client"
)

// Request is an authorization request (RFC 6749, section 4.1.1; OpenID Connect Core,
// section 3.1.2.1) whose client and redirect URI belong together.
type Request struct {
	ClientID    string       `json:"c"`
	RedirectURI string       `json:"r"`
	State       string       `json:"s,omitempty"`
	Nonce       string       `json:"n,omitempty"`
	Challenge   string       `json:"p"` // PKCE, S256 (RFC 7636)
	Scopes      []string     `json:"o,omitempty"`
	Resources   []string     `json:"u,omitempty"` // RFC 8707
	Prompt      []string     `json:"m,omitempty"`
	MaxAge      *int64       `json:"a,omitempty"` // seconds
	LoginHint   string       `json:"l,omitempty"`
	Subject     string       `json:"h,omitempty"` // of the id_token_hint: who is to be signed in
	TeamID      *identity.ID `json:"t,omitempty"` // an extension: to act in
}

// Refusal is what an application reads in the redirect (RFC 6749, section 4.1.2.1;
// OpenID Connect Core, section 3.1.2.6).
type Refusal struct{ Code, Description string }

func refuse(code, description string) *Refusal { return &Refusal{code, description} }

// Limits of what is sealed and comes back in an address.
const (
	maxState = 1024
	maxHint  = 320
)

// Prompts (OpenID Connect Core, section 3.1.2.1).
const (
	promptNone    = "none"
	promptLogin   = "login"
	promptConsent = "consent"
	promptSelect  = "select_account"
)

var challengeShape = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)

// Parse reads the parameters of a request whose client and redirect URI were checked.
// Unknown ones are ignored, and so is an empty one (RFC 6749, section 3.1).
func Parse(c client.Client, form url.Values) (Request, *Refusal) {
	r := Request{
		ClientID: c.ID, RedirectURI: form.Get("redirect_uri"), State: form.Get("state"), Nonce: form.Get("nonce"),
		Challenge: form.Get("code_challenge"), LoginHint: shortHint(form), TeamID: c.TeamID,
	}
	switch response := form.Get("response_type"); {
	case len(r.State) > maxState || !utf8.ValidString(r.State):
		r.State = "" // it would not be the same
		return r, refuse("invalid_request", "state is not UTF-8 of at most 1024 bytes")
	case response == "":
		return r, refuse("invalid_request", "response_type is missing")
	case response != "code":
		return r, refuse("unsupported_response_type", "the only response_type is code")
	case !c.Has(client.GrantCode):
		return r, refuse("unauthorized_client", "this client cannot use the authorization code grant")
	case form.Has("request"):
		return r, refuse("request_not_supported", "request objects are not supported")
	case form.Has("request_uri"):
		return r, refuse("request_uri_not_supported", "request objects are not supported")
	case form.Has("registration"):
		return r, refuse("registration_not_supported", "registration is not supported")
	case form.Get("response_mode") != "" && form.Get("response_mode") != "query":
		return r, refuse("invalid_request", "the only response_mode is query")
	case len(r.Nonce) > maxState || !utf8.ValidString(r.Nonce):
		return r, refuse("invalid_request", "nonce is not UTF-8 of at most 1024 bytes")
	}
	for _, read := range []func(client.Client, url.Values) *Refusal{r.readPKCE, r.readScope, r.readResources, r.readPrompt, r.readTeam} {
		if refusal := read(c, form); refusal != nil {
			return r, refusal
		}
	}
	return r, nil
}

// shortHint returns the login_hint of a request, which is left out where it is too long.
func shortHint(form url.Values) string {
	if hint := form.Get("login_hint"); len(hint) <= maxHint {
		return hint
	}
	return ""
}

func (r *Request) readPKCE(_ client.Client, form url.Values) *Refusal {
	switch {
	case r.Challenge == "":
		return refuse("invalid_request", "code_challenge is missing: PKCE is required (RFC 7636)")
	case form.Get("code_challenge_method") != "S256":
		return refuse("invalid_request", "code_challenge_method must be S256")
	case !challengeShape.MatchString(r.Challenge):
		return refuse("invalid_request", "code_challenge is not the base64url of a SHA-256 hash")
	}
	return nil
}

// readScope keeps what the client may have of what it asks for; the answer names what
// it got (RFC 6749, section 3.3).
func (r *Request) readScope(c client.Client, form url.Values) *Refusal {
	asked := strings.Fields(form.Get("scope"))
	for _, s := range asked {
		if mayHave(c, s) && !slices.Contains(r.Scopes, s) {
			r.Scopes = append(r.Scopes, s)
		}
	}
	if len(asked) > 0 && len(r.Scopes) == 0 {
		return refuse("invalid_scope", "the client may have none of these scopes")
	}
	if slices.Contains(r.Scopes, client.ScopeOffline) && !c.Has(client.GrantRefresh) {
		return refuse("invalid_scope", "this client cannot have refresh tokens")
	}
	return nil
}

func mayHave(c client.Client, scope string) bool {
	return scope == client.ScopeOpenID || c.AllowsScope(scope)
}

// stillFor reports whether a client may still have what it was given, or asked for, as
// it is registered now.
func stillFor(c client.Client, scopes, resources []string, team *identity.ID) bool {
	return (c.TeamID == nil || team != nil && *team == *c.TeamID) &&
		!slices.ContainsFunc(scopes, func(s string) bool { return !mayHave(c, s) }) &&
		(c.Has(client.GrantRefresh) || !slices.Contains(scopes, client.ScopeOffline)) &&
		c.Resources.HasAll(resources)
}

func (r *Request) readResources(c client.Client, form url.Values) *Refusal {
	for _, asked := range form["resource"] {
		if asked == "" {
			continue
		}
		uri, ok := client.FindResource(c.Resources, asked)
		if !ok {
			return refuse("invalid_target", "the client cannot have tokens for this resource")
		}
		if !slices.Contains(r.Resources, uri) {
			r.Resources = append(r.Resources, uri)
		}
	}
	return nil
}

func (r *Request) readPrompt(_ client.Client, form url.Values) *Refusal {
	for _, p := range strings.Fields(form.Get("prompt")) {
		switch p {
		case promptNone, promptLogin, promptConsent, promptSelect:
		default:
			return refuse("invalid_request", "prompt is none, or any of login, consent and select_account")
		}
		if !slices.Contains(r.Prompt, p) {
			r.Prompt = append(r.Prompt, p)
		}
	}
	if r.asks(promptNone) && len(r.Prompt) > 1 {
		return refuse("invalid_request", "prompt=none cannot be combined with another")
	}
	if raw := form.Get("max_age"); raw != "" {
		seconds, err := strconv.ParseInt(raw, 10, 32)
		if err != nil || seconds < 0 {
			return refuse("invalid_request", "max_age is not a number of seconds")
		}
		r.MaxAge = &seconds
	}
	return nil
}

func (r *Request) readTeam(c client.Client, form url.Values) *Refusal {
	raw := form.Get("team")
	if raw == "" {
		return nil
	}
	id, err := uuid.Parse(raw)
	switch {
	case err != nil || id.String() != raw:
		return refuse("invalid_request", "team is not the id of a team")
	case c.TeamID != nil && *c.TeamID != id:
		return refuse("access_denied", "this client is for another team")
	}
	r.TeamID = &id
	return nil
}

func (r *Request) asks(prompt string) bool { return slices.Contains(r.Prompt, prompt) }

// Answer returns the redirect URI with parameters of an answer, state and issuer
// (RFC 9207) among them.
func (r *Request) Answer(issuer string, params url.Values) string {
	if r.State != "" {
		params.Set("state", r.State)
	}
	params.Set("iss", issuer)
	return withQuery(r.RedirectURI, params)
}

// withQuery returns a registered URI with parameters added. What it has stays as it is,
// byte for byte.
func withQuery(uri string, params url.Values) string {
	separator := "?"
	if strings.Contains(uri, "?") {
		separator = "&"
	}
	return uri + separator + params.Encode()
}

// trip is a request on its way through the pages of this service.
type trip struct {
	Request
	// Since is when it first came, in microseconds: a sign-in that the application
	// asks for is one after that.
	Since int64 `json:"i"`
	// Agreed is the session in which the person has agreed on this trip.
	Agreed *identity.ID `json:"g,omitempty"`
	// Form is a request of a client whose document is only fetched once the person has
	// signed in, as it came. Request is empty until then.
	Form url.Values `json:"f,omitempty"`
}

// parameters are those of an authorization request.
var parameters = []string{
	"client_id", "redirect_uri", "response_type", "response_mode", "scope", "state", "nonce", "code_challenge", "code_challenge_method",
	"resource", "prompt", "max_age", "login_hint", "id_token_hint", "team", "request", "request_uri", "registration",
}

// tripLifetime is how long a request can be on its way, and with it how long a sign-in or
// an agreement counts for the request that led to it.
const tripLifetime = time.Hour

func (t *trip) begunAt() time.Time { return time.UnixMicro(t.Since) }

// step is what a request needs next.
type step int

const (
	stepCode step = iota
	stepSignIn
	stepConsent
)

// facts are what a request is judged by.
type facts struct {
	now             time.Time
	user            identity.ID // zero if no one is signed in
	session         identity.ID
	authenticatedAt time.Time
	trusted         bool // the client asks for no consent
	assured         bool // the answer reaches the client and no other
	covered         bool // the person has agreed to all of it before
}

// next decides what a request needs, or why it gets no code.
func (t *trip) next(f facts) (step, *Refusal) {
	silent := t.asks(promptNone)
	if t.needsSignIn(f) {
		if silent {
			return 0, refuse("login_required", "the person has to sign in")
		}
		return stepSignIn, nil
	}
	now := t.Agreed != nil && *t.Agreed == f.session
	// An app that poses as a native one must not be answered by what the person agreed to
	// before (RFC 8252, section 8.6). Of a trusted one the operator has said that nothing is
	// asked.
	before := f.assured && !t.asks(promptConsent)
	agreed := f.trusted || f.covered && (now || before)
	if !agreed {
		if silent {
			return 0, refuse("consent_required", "the person has to agree")
		}
		return stepConsent, nil
	}
	return stepCode, nil
}

func (t *trip) needsSignIn(f facts) bool {
	if f.user == (identity.ID{}) || t.Subject != "" && t.Subject != f.user.String() {
		return true
	}
	if !f.authenticatedAt.Before(t.begunAt()) { // on this trip
		return false
	}
	if t.asks(promptLogin) || t.asks(promptSelect) {
		return true
	}
	return t.MaxAge != nil && f.now.Sub(f.authenticatedAt) > time.Duration(*t.MaxAge)*time.Second
}

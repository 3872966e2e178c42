package latchkey

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
)

const maxIntrospectionSize = 1 << 20

// Introspector asks Latchkey for the current state of each token (RFC 7662): a session
// that has ended is refused at once. Each token costs a request.
type Introspector struct {
	issuer, apiKey string
	options        options
}

// NewIntrospector returns an introspector that asks Latchkey at issuer, its
// LATCHKEY_PUBLIC_URL, with an API key that has the scope introspect. To authenticate
// requests by access tokens it needs [WithAudience].
func NewIntrospector(issuer, apiKey string, opts ...Option) *Introspector {
	return &Introspector{issuer: strings.TrimSuffix(issuer, "/"), apiKey: apiKey, options: newOptions(opts)}
}

// Introspection is the current state of a token.
type Introspection struct {
	Active   bool
	Kind     string // access_token, refresh_token or session
	Audience string // of an access token and a refresh token
	User     *User
	Machine  *Machine // instead of a user, for a team's API key
}

// Introspect returns the current state of a token. clientIP is the address of the client
// that sent it, "" if it is not known: then a team with allowed networks refuses the
// session. A token that is not valid is not Active, and no error. The error is
// ErrUnavailable.
func (i *Introspector) Introspect(ctx context.Context, token, clientIP string) (*Introspection, error) {
	if i == nil || i.issuer == "" || i.apiKey == "" {
		return nil, unavailable("the introspector has no issuer or no API key")
	}
	if token == "" || len(token) > maxTokenLength {
		return &Introspection{}, nil
	}
	form := url.Values{"token": {token}}
	if clientIP != "" {
		form.Set("client_ip", clientIP)
	}
	body, err := i.post(ctx, form)
	if err != nil {
		return nil, unavailable("introspection: %w", err)
	}
	var said struct {
		claims
		Active   bool   `json:"active"`
		Issuer   string `json:"iss"`
		Kind     string `json:"token_kind"`
		Audience string `json:"aud"`
	}
	if err := json.Unmarshal(body, &said); err != nil {
		return nil, unavailable("introspection: %w", err)
	}
	if !said.Active {
		return &Introspection{}, nil
	}
	if said.Issuer != i.issuer {
		return nil, unavailable("introspection: Latchkey calls itself %s, not %s", said.Issuer, i.issuer)
	}
	c, err := said.caller()
	if err != nil { // not an ErrUnauthenticated: the answer is wrong, not the token
		return nil, unavailable("introspection: %s", err.Error())
	}
	return &Introspection{Active: true, Kind: said.Kind, Audience: said.Audience, User: c.user, Machine: c.machine}, nil
}

func (i *Introspector) post(ctx context.Context, form url.Values) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, i.issuer+"/v1/introspect", strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Authorization", "Bearer "+i.apiKey)
	res, err := i.options.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	switch res.StatusCode {
	case http.StatusOK:
	case http.StatusUnauthorized, http.StatusForbidden:
		return nil, errors.New("Latchkey refused the API key: it has expired, or lacks the scope introspect") //nolint:staticcheck // Latchkey is a name
	default:
		return nil, fmt.Errorf("Latchkey answered %s", res.Status) //nolint:staticcheck // Latchkey is a name
	}
	return io.ReadAll(io.LimitReader(res.Body, maxIntrospectionSize))
}

// Verify returns the user whose access token it is, for the audience of WithAudience. An
// Introspector without one takes session tokens instead. The error is ErrUnauthenticated
// or ErrUnavailable; for the token of a machine it is ErrMachine.
func (i *Introspector) Verify(ctx context.Context, token string) (*User, error) {
	c, err := i.verify(ctx, token, "")
	if err != nil {
		return nil, err
	}
	if c.user == nil {
		return nil, ErrMachine
	}
	return c.user, nil
}

func (i *Introspector) verify(ctx context.Context, token, ip string) (caller, error) {
	said, err := i.Introspect(ctx, token, ip)
	switch {
	case err != nil:
		return caller{}, err
	case !said.Active:
		return caller{}, refused("the token is not active")
	case said.Kind == "refresh_token":
		return caller{}, refused("a refresh token does not sign a request")
	case said.Kind == "access_token" && i.options.audience == "":
		return caller{}, unavailable("the introspector has no audience: an access token for another service would count")
	case said.Audience != i.options.audience: // that of a session token is ""
		return caller{}, refused("the token is for %q", said.Audience)
	}
	return caller{user: said.User, machine: said.Machine}, nil
}

// Authenticate implements [Authenticator]. It sends Latchkey the address that the
// request came from; behind a reverse proxy, set RemoteAddr from its header first.
func (i *Introspector) Authenticate(r *http.Request) (*http.Request, error) {
	return authenticate(r, i.verify, i != nil && i.options.machines)
}

// Middleware is [Verifier.Middleware], asking Latchkey for each request.
func (i *Introspector) Middleware(next http.Handler) http.Handler { return require(i, next) }

// Optional is [Verifier.Optional], asking Latchkey for each request with a token.
func (i *Introspector) Optional(next http.Handler) http.Handler { return optional(i, next) }

// WriteError implements [Authenticator].
func (i *Introspector) WriteError(w http.ResponseWriter, err error) {
	if i == nil {
		writeError(w, err, "")
		return
	}
	writeError(w, err, i.options.resource)
}

// clientIP is the address of a request, "" if it is not an IP address.
func clientIP(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil || net.ParseIP(host) == nil {
		return ""
	}
	return host
}

// fields splits at spaces; none are nil.
func fields(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Fields(s)
}

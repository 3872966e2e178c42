package latchkey

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// DefaultLeeway is how far the clocks of Latchkey and of this service may be apart.
const DefaultLeeway = 5 * time.Second

const (
	requestTimeout = 5 * time.Second
	maxTokenLength = 8192
)

// Verifier checks access tokens by Latchkey's public keys. It is safe for concurrent
// use; a service has one. The zero Verifier refuses every token with ErrUnavailable.
type Verifier struct {
	issuer, audience string
	options          options
	keys             *keySet
}

// NewVerifier returns a verifier of the tokens that Latchkey at issuer, its
// LATCHKEY_PUBLIC_URL, makes for audience: that of LATCHKEY_CLIENTS, or the URI of a
// resource. It sends no request: keys are fetched for the first token, and once a
// minute while there are tokens.
func NewVerifier(issuer, audience string, opts ...Option) *Verifier {
	v := &Verifier{issuer: strings.TrimSuffix(issuer, "/"), audience: audience, options: newOptions(opts)}
	v.keys = &keySet{url: v.issuer + "/.well-known/jwks.json", client: v.options.client, now: v.options.now}
	return v
}

// Verify returns the user whose access token it is. The error is ErrUnauthenticated or
// ErrUnavailable; for the token of a machine it is ErrMachine.
func (v *Verifier) Verify(ctx context.Context, token string) (*User, error) {
	c, err := v.verify(ctx, token, "")
	if err != nil {
		return nil, err
	}
	if c.user == nil {
		return nil, ErrMachine
	}
	return c.user, nil
}

// VerifyMachine returns the machine whose access token it is, for the audience or for
// Latchkey itself, as the tokens of API keys are. A user's token is an
// ErrUnauthenticated.
func (v *Verifier) VerifyMachine(ctx context.Context, token string) (*Machine, error) {
	c, err := v.verify(ctx, token, "")
	if err != nil {
		return nil, err
	}
	if c.machine == nil {
		return nil, refused("the token is of a user, not of a machine")
	}
	return c.machine, nil
}

func (v *Verifier) verify(ctx context.Context, token, _ string) (caller, error) {
	if v == nil || v.keys == nil || v.issuer == "" || v.audience == "" {
		return caller{}, unavailable("the verifier has no issuer or no audience")
	}
	if len(token) > maxTokenLength {
		return caller{}, refused("the token is too long")
	}
	// What is wrong in itself costs no request.
	parsed, err := jose.ParseSignedCompact(token, algorithms)
	if err != nil {
		return caller{}, refused("%w", err)
	}
	header := parsed.Signatures[0].Header
	typ, _ := header.ExtraHeaders[jose.HeaderType].(string)
	if strings.TrimPrefix(strings.ToLower(typ), "application/") != "at+jwt" { // RFC 9068, section 4
		return caller{}, refused("not an access token: its type is %q", typ)
	}
	key, found, err := v.keys.find(ctx, header.KeyID)
	if err != nil {
		return caller{}, err
	}
	if !found || key.Algorithm != header.Algorithm {
		return caller{}, refused("the token is signed by an unknown key")
	}
	payload, err := parsed.Verify(key)
	if err != nil {
		return caller{}, refused("%w", err)
	}
	var standard jwt.Claims
	var own claims
	if err := json.Unmarshal(payload, &standard); err != nil {
		return caller{}, refused("%w", err)
	}
	if err := json.Unmarshal(payload, &own); err != nil {
		return caller{}, refused("%w", err)
	}
	audiences := jwt.Audience{v.audience}
	if own.Session == "" { // that of API keys is Latchkey: they ask for no resource
		audiences = append(audiences, v.issuer)
	}
	expected := jwt.Expected{Issuer: v.issuer, AnyAudience: audiences, Time: v.options.now()}
	if err := standard.ValidateWithLeeway(expected, v.options.leeway); err != nil {
		return caller{}, refused("%w", err)
	}
	if standard.Expiry == nil {
		return caller{}, refused("the token has no expiry")
	}
	return own.caller()
}

// Option changes how a [Verifier] or an [Introspector] works.
type Option func(*options)

type options struct {
	client   *http.Client
	now      func() time.Time
	leeway   time.Duration
	machines bool
	audience string
	resource string
}

func newOptions(opts []Option) options {
	o := options{
		client: &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		now:    time.Now,
		leeway: DefaultLeeway,
	}
	for _, opt := range opts {
		if opt != nil {
			opt(&o)
		}
	}
	return o
}

// WithHTTPClient has requests to Latchkey sent by a client of your own. nil changes
// nothing.
func WithHTTPClient(c *http.Client) Option {
	return func(o *options) {
		if c != nil {
			o.client = c
		}
	}
}

// WithClock replaces time.Now, for tests. nil changes nothing.
func WithClock(now func() time.Time) Option {
	return func(o *options) {
		if now != nil {
			o.now = now
		}
	}
}

// WithLeeway replaces DefaultLeeway. A negative one is none.
func WithLeeway(d time.Duration) Option {
	return func(o *options) { o.leeway = max(d, 0) }
}

// WithMachines lets the middleware accept machines as well: read them with MachineFrom.
// Without it they are refused, so that no handler takes an API key for a person. The
// audience of their tokens is the issuer: a service that gets one could use it at another
// that accepts machines, for as long as it lives.
func WithMachines() Option {
	return func(o *options) { o.machines = true }
}

// WithAudience says which service an [Introspector] is of: access tokens for others are
// refused. A Verifier has its audience already.
func WithAudience(audience string) Option {
	return func(o *options) { o.audience = audience }
}

// WithResource has a 401 name the metadata of a protected resource (RFC 9728), at which
// agents find the way to sign in: see [ResourceMetadata]. resource is the https URI
// under which Latchkey knows the API; it is usually the audience too.
func WithResource(resource string) Option {
	return func(o *options) { o.resource = resource }
}

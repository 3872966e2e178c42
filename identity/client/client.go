// Package client holds the applications that the authorization server signs people
// in to, the APIs that their tokens are for, and what people let them do.
package client

import (
	"crypto/subtle"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/latchkey/latchkey/identity"
)

// Kind reports whether a client can keep a secret (RFC 6749, section 2.1).
type Kind string

// The kinds of clients.
const (
	Public       Kind = "public"       // apps on people's devices, pages in a browser
	Confidential Kind = "confidential" // servers
)

// The grants that a client can have. A team's API key needs no client for
// client_credentials: the key is one.
const (
	GrantCode    = "authorization_code"
	GrantRefresh = "refresh_token"
	GrantDevice  = "urn:ietf:params:oauth:grant-type:device_code" // RFC 8628
)

// The scopes that every client can have. Others are those of its resources.
const (
	ScopeOpenID  = "openid"
	ScopeProfile = "profile"
	ScopeEmail   = "email"
	ScopeWallets = "wallets"
	ScopeOffline = "offline_access"
)

// StandardScopes are the scopes of a client that names none.
var StandardScopes = Words{ScopeOpenID, ScopeProfile, ScopeEmail, ScopeWallets, ScopeOffline}

// The claims that a client can have: attributes of people, and ClaimOfApp with the name
// of a member of their application metadata.
const (
	ClaimEmail     = "email" // verified; in tokens with ScopeEmail
	ClaimName      = "name"  // in tokens with ScopeProfile
	ClaimOnboarded = "onboarded"
	ClaimOfApp     = "app_metadata."
)

// Client is an application that may send people here to sign in.
type Client struct {
	ID      string // made here; the URL of its metadata for one that DocumentHash is of
	Name    string
	LogoURI string // https, or ""
	Kind    Kind
	// SecretHash is of a confidential client only. After a rotation the secret
	// before works until PreviousSecretUntil, where an overlap was asked for.
	SecretHash          []byte
	PreviousSecretHash  []byte
	PreviousSecretUntil *time.Time
	RedirectURIs        Words  `bun:"redirect_uris"`
	PostLogoutURIs      Words  `bun:"post_logout_uris"`
	BackchannelURI      string // where logout tokens are sent, or ""
	Grants              Words
	Scopes              Words
	Resources           Words // the URIs of resources that it may ask tokens for
	Claims              Words // what its tokens say of a person in the claim app; see ClaimEmail
	IDTokenAlg          string
	Trusted             bool         // asks for no consent: the deployment's own
	TeamID              *identity.ID // the team that it serves: only its members sign in
	// DocumentHash is of the metadata document that a client published at its ID;
	// nil for one that was registered here.
	DocumentHash []byte
	CreatedBy    *identity.ID // nil for the command line
	CreatedAt    time.Time
	UpdatedAt    time.Time
	DeletedAt    *time.Time
}

// Has reports whether the client may use a grant.
func (c Client) Has(grant string) bool { return slices.Contains(c.Grants, grant) }

// HasClaim reports whether the client's tokens have a claim, see ClaimEmail.
func (c Client) HasClaim(name string) bool { return slices.Contains(c.Claims, name) }

// AllowsScope reports whether the client may ask for a scope.
func (c Client) AllowsScope(scope string) bool { return slices.Contains(c.Scopes, scope) }

// AllowsResource reports whether the client may ask for tokens for a resource.
func (c Client) AllowsResource(uri string) bool { return slices.Contains(c.Resources, uri) }

// FindResource returns which of some resources a URI means: it itself, or where it is a
// bare host, the one that differs by a slash at the end, which URL libraries add.
func FindResource(among []string, uri string) (string, bool) {
	if slices.Contains(among, uri) {
		return uri, true
	}
	u, err := url.Parse(uri)
	if err != nil || u.Host == "" || u.RawQuery != "" || u.Path != "" && u.Path != "/" {
		return "", false
	}
	other := uri + "/"
	if u.Path != "" {
		other = strings.TrimSuffix(uri, "/")
	}
	return other, slices.Contains(among, other)
}

// AllowsPostLogout reports whether a person may be sent to uri after logging out.
func (c Client) AllowsPostLogout(uri string) bool { return allows(c.PostLogoutURIs, uri) }

// AllowsRedirect reports whether answers may be sent to uri: one of the client's,
// byte for byte. Only the port of an http loopback address may be another: a native
// app takes one that is free (RFC 8252, section 7.3).
func (c Client) AllowsRedirect(uri string) bool { return allows(c.RedirectURIs, uri) }

// Assured reports whether an answer that is sent to uri reaches this client and no other:
// others can neither use a code of a confidential client, nor claim an https address. Any
// app of a device can listen on its loopback address, or claim a scheme (RFC 8252,
// section 8.6).
func (c Client) Assured(uri string) bool {
	u, fault := parse(uri)
	return c.Kind == Confidential || fault == "" && u.Scheme == "https" && !isLoopback(u.Hostname())
}

// VerifySecret reports whether secret is the client's at now. A public client has
// none.
func (c Client) VerifySecret(secret string, now time.Time) bool {
	hash := identity.HashSecret(secret)
	present := subtle.ConstantTimeCompare(hash, c.SecretHash) == 1
	previous := subtle.ConstantTimeCompare(hash, c.PreviousSecretHash) == 1
	return present || previous && c.PreviousSecretUntil != nil && now.Before(*c.PreviousSecretUntil)
}

// Resource is an API that access tokens can be for.
type Resource struct {
	URI       string // the `resource` of requests and the `aud` of tokens
	Name      string
	Scopes    Words // what it understands besides
	CreatedAt time.Time
}

// Grant is what a person lets a client do, in a team or, without one, by itself.
type Grant struct {
	ID           identity.ID
	UserID       identity.ID
	ClientID     string
	TeamID       *identity.ID
	Scopes       Words
	Resources    Words
	DocumentHash []byte // of the document that the person agreed to
	CreatedAt    time.Time
	UpdatedAt    time.Time
	LastUsedAt   *time.Time // to the hour
	RevokedAt    *time.Time
}

// Covers reports whether the person has agreed to all of this. Another document is
// another question.
func (g Grant) Covers(c Client, scopes, resources []string) bool {
	return g.RevokedAt == nil && string(g.DocumentHash) == string(c.DocumentHash) && g.Scopes.HasAll(scopes) && g.Resources.HasAll(resources)
}

// Words are those of identity: a list of URIs, grants or scopes.
type Words = identity.Words

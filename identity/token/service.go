package token

import (
	"cmp"
	"context"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/apikey"
	"github.com/latchkey/latchkey/identity/session"
)

// Sessions is what tokens ask of sessions.
type Sessions interface {
	// ByID returns who a session is of, acting in the named team session or in none.
	ByID(ctx context.Context, id identity.ID, teamSession *identity.ID, origin identity.RequestOrigin) (session.Principal, error)
	// Admit is ByID of what the store has returned.
	Admit(p *session.Principal, teamSession *identity.ID, origin identity.RequestOrigin) (session.Principal, error)
	Authenticate(ctx context.Context, token string, origin identity.RequestOrigin) (session.Principal, error)
	// Use notes that the session is used.
	Use(ctx context.Context, p session.Principal) error
}

// TeamSessions are those of Sessions that act in teams.
type TeamSessions interface {
	// InTeam returns the principal acting in a team, with the open team session
	// that their session has there, if the team's policy allows it.
	InTeam(ctx context.Context, p session.Principal, team identity.ID, origin identity.RequestOrigin) (session.Principal, error)
}

// Machines are the API keys that tokens were given to.
type Machines interface {
	APIKey(ctx context.Context, id identity.ID) (apikey.Key, error)
}

// Service gives and reads tokens.
type Service struct {
	store    RefreshStore
	keys     *Keyring
	sessions Sessions
	inTeams  TeamSessions
	clients  Clients
	machines Machines
	idKeys   map[Alg]*Keyring
	issuer   string
	parser   *jwt.Parser
	source   ClaimSource
	now      identity.Clock

	refreshKeys  identity.Keys
	refreshGrace time.Duration
}

// Options are what a deployment decides about tokens.
type Options struct {
	Issuer  string  // the public URL
	Clients Clients // none: DefaultClient alone
	// IDTokenKeys sign ID tokens in the algorithms that Keyring does not.
	IDTokenKeys []*Keyring
	Machines    Machines // nil: tokens of machines are of no use
	// RefreshGrace is how long a used refresh token returns its successor again
	// while that is unused. Longer forgives longer outages of a client's
	// network; a stolen token that its owner has just used works for the thief as
	// long, until either uses the successor and the other comes back. 0 is
	// DefaultRefreshGrace.
	RefreshGrace time.Duration
	Claims       ClaimSource // what the application adds; nil for nothing
}

// NewService returns the service over a store.
func NewService(store RefreshStore, keys *Keyring, sessions Sessions, inTeams TeamSessions, secrets identity.Secrets, o Options, now identity.Clock) *Service {
	if len(o.Clients) == 0 {
		o.Clients = Clients{{ID: DefaultClient, Audience: o.Issuer}}
	}
	idKeys := map[Alg]*Keyring{}
	for _, k := range o.IDTokenKeys {
		idKeys[k.alg] = k
	}
	return &Service{
		idKeys: idKeys, machines: o.Machines, store: store, refreshKeys: secrets.Keys("refresh tokens"), refreshGrace: cmp.Or(o.RefreshGrace, DefaultRefreshGrace), keys: keys, sessions: sessions, inTeams: inTeams, clients: o.Clients, issuer: o.Issuer, source: o.Claims, now: now,
		parser: jwt.NewParser(
			jwt.WithValidMethods([]string{string(EdDSA), string(ES256)}), jwt.WithIssuer(o.Issuer),
			jwt.WithExpirationRequired(), jwt.WithStrictDecoding(), jwt.WithTimeFunc(now),
		),
	}
}

// Configured reports whether a client is one of LATCHKEY_CLIENTS.
func (s *Service) Configured(clientID string) bool { return s.clients.has(clientID) }

// Keyring returns the keys that sign.
func (s *Service) Keyring() *Keyring { return s.keys }

// Ask is what a client asks for.
type Ask struct {
	ClientID string       // "" for the first client
	TeamID   *identity.ID // to act in
	Offline  bool         // a refresh token, too
}

// Grant is what a client gets.
type Grant struct {
	AccessToken  string
	ExpiresIn    time.Duration // of the access token
	RefreshToken string        // "" if none was asked for
}

// Issue gives a signed-in user's client an access token, and a refresh token if it
// asks for one and may have it (CodeUnauthorizedClient). With a team, the session
// must have an open team session there: see teamsession.Service.InTeam.
func (s *Service) Issue(ctx context.Context, p session.Principal, ask Ask, from identity.RequestOrigin) (Grant, error) {
	c, err := s.clients.pick(ask.ClientID)
	if err != nil {
		return Grant{}, err
	}
	p.Team = nil // the team is the one that is asked for, or none
	if ask.TeamID != nil {
		if p, err = s.inTeams.InTeam(ctx, p, *ask.TeamID, from); err != nil {
			return Grant{}, err
		}
	}
	g := Grant{ExpiresIn: AccessLifetime}
	if g.AccessToken, err = s.sign(ctx, p, c); err == nil && ask.Offline {
		g.RefreshToken, err = s.newFamily(ctx, p, c, from)
	}
	if err != nil {
		return Grant{}, err
	}
	return g, nil
}

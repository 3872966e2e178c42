package token

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/apikey"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
)

// AccessLifetime is how long an access token is believed by those who do not
// ask.
const AccessLifetime = 5 * time.Minute

const accessType = "at+jwt" // RFC 9068, section 2.1

// maxTokenLength bounds what is parsed. Ours have about 700 characters.
const maxTokenLength = 4096

// Claims are what an access token says (RFC 9068, section 2.2). Of a machine, which
// is a team's API key, the subject is the key and there is no session.
type Claims struct {
	jwt.RegisteredClaims                 // iss, sub (user id), aud, exp, iat, jti
	ClientID             string          `json:"client_id"`
	Scope                string          `json:"scope,omitempty"`     // of an application
	AuthTime             int64           `json:"auth_time,omitempty"` // seconds since 1970: when the user was last verified
	AMR                  []string        `json:"amr,omitempty"`       // the providers that verified them, see session.Methods
	SessionID            *identity.ID    `json:"sid,omitempty"`       // nil for a machine
	TeamID               *identity.ID    `json:"team,omitempty"`
	TeamSessionID        *identity.ID    `json:"tsid,omitempty"`
	Role                 team.Role       `json:"role,omitempty"` // in the team, when it was signed
	App                  json.RawMessage `json:"app,omitempty"`  // what the application says, see ClaimSource
}

// sign returns an access token for a principal, with the team they act in, if any.
func (s *Service) sign(ctx context.Context, p session.Principal, c Client) (string, error) {
	return s.signFor(ctx, p, c, "", nil)
}

// SignApplication returns an access token for an application's session. audience is
// the resource that it is for, or the issuer; app is what its claim app always has.
func (s *Service) SignApplication(ctx context.Context, p session.Principal, audience string, scopes []string, app map[string]any) (string, error) {
	return s.signFor(ctx, p, Client{ID: *p.Session.ClientID, Audience: audience}, strings.Join(scopes, " "), app)
}

func (s *Service) signFor(ctx context.Context, p session.Principal, c Client, scope string, always map[string]any) (string, error) {
	app, err := s.appClaims(ctx, p, c, always)
	if err != nil {
		return "", err
	}
	claims := s.claims(p.User.ID, c)
	claims.App = app
	claims.Scope, claims.AuthTime, claims.AMR, claims.SessionID = scope, p.Session.AuthenticatedAt.Unix(), p.Session.Methods.AMR(), &p.Session.ID
	if p.Team != nil {
		claims.TeamID, claims.TeamSessionID, claims.Role = &p.Team.TeamID, &p.Team.ID, p.Team.Role
	}
	return s.signClaims(ctx, claims)
}

// SignMachine returns an access token for a team's API key.
func (s *Service) SignMachine(ctx context.Context, k apikey.Key, audience string) (string, error) {
	claims := s.claims(k.ID, Client{ID: k.ID.String(), Audience: audience})
	claims.TeamID, claims.Role = k.TeamID, *k.Role
	return s.signClaims(ctx, claims)
}

// claims are those that every access token has.
func (s *Service) claims(subject identity.ID, c Client) Claims {
	now := s.now()
	return Claims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: s.issuer, Subject: subject.String(), Audience: jwt.ClaimStrings{c.Audience},
			IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(AccessLifetime)), ID: identity.NewID().String(),
		},
		ClientID: c.ID,
	}
}

func (s *Service) signClaims(ctx context.Context, claims Claims) (string, error) {
	key, private, err := s.keys.signer(ctx)
	if err != nil {
		return "", err
	}
	t := jwt.NewWithClaims(key.Alg.method(), claims)
	t.Header["typ"], t.Header["kid"] = accessType, key.Kid
	return t.SignedString(private)
}

// errNotOurs is a token that says nothing: any fault of it.
var errNotOurs = errors.New("this is not a valid access token of this service")

// verify reads an access token. Only the key that its kid names is tried, by that
// key's own algorithm; jwk, jku and x5u are not looked at, and critical
// extensions are none we know (RFC 7515, section 4.1.11). The error wraps
// errNotOurs, unless the keys could not be read.
func (s *Service) verify(ctx context.Context, raw string) (Claims, error) {
	var claims Claims
	if len(raw) > maxTokenLength {
		return claims, errNotOurs
	}
	var down error
	_, err := s.parser.ParseWithClaims(raw, &claims, func(t *jwt.Token) (any, error) {
		typ, _ := t.Header["typ"].(string)
		if _, critical := t.Header["crit"]; critical || strings.TrimPrefix(strings.ToLower(typ), "application/") != accessType {
			return nil, errNotOurs
		}
		kid, _ := t.Header["kid"].(string)
		key, ok, err := s.keys.find(ctx, kid)
		if err != nil {
			down = err
			return nil, err
		}
		if !ok || string(key.Alg) != t.Method.Alg() {
			return nil, errNotOurs
		}
		return key.public()
	})
	if down != nil {
		return Claims{}, down
	}
	if err != nil {
		return Claims{}, errors.Join(errNotOurs, err)
	}
	if claims.ClientID == "" || len(claims.Audience) != 1 {
		return Claims{}, errNotOurs
	}
	return claims, nil
}

// clientOf returns the client of an access token whose session is of a kind. A
// browser's session gives tokens to the configured clients, for their audience now;
// an application's session to its own client.
func (s *Service) clientOf(claims Claims, of session.Session) (Client, error) {
	if of.Kind == session.KindApplication {
		if of.ClientID == nil || *of.ClientID != claims.ClientID {
			return Client{}, errNotOurs
		}
		return Client{ID: claims.ClientID, Audience: claims.Audience[0]}, nil
	}
	c, err := s.clients.pick(claims.ClientID)
	if err != nil || claims.Audience[0] != c.Audience {
		return Client{}, errNotOurs
	}
	return c, nil
}

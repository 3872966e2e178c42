package token

import (
	"context"
	"crypto"
	"encoding/json"
	"slices"

	"github.com/golang-jwt/jwt/v5"

	"github.com/latchkey/latchkey/identity"
)

// IDTokenAlgs are the algorithms of ID tokens, the default first.
var IDTokenAlgs = []Alg{RS256, ES256, EdDSA}

// SignJWT signs a token that is no access token: an ID token, whose type is "JWT".
func (s *Service) SignJWT(ctx context.Context, alg Alg, typ string, claims map[string]any) (string, error) {
	key, private, err := s.idSigner(ctx, alg)
	if err != nil {
		return "", err
	}
	t := jwt.NewWithClaims(key.Alg.method(), jwt.MapClaims(claims))
	t.Header["typ"], t.Header["kid"] = typ, key.Kid
	return t.SignedString(private)
}

// idSigner returns the active key of an algorithm: there is one of each.
func (s *Service) idSigner(ctx context.Context, alg Alg) (Key, crypto.Signer, error) {
	key, private, err := s.keys.signer(ctx)
	if err != nil || key.Alg == alg {
		return key, private, err
	}
	ring, ok := s.idKeys[alg]
	if !ok {
		return Key{}, nil, errNoKey(nil)
	}
	return ring.signer(ctx)
}

// CanSignIDToken is CanSign for an ID token.
func (s *Service) CanSignIDToken(ctx context.Context, alg Alg) error {
	_, _, err := s.idSigner(ctx, alg)
	return err
}

// JWKS returns the public keys (RFC 7517) of access tokens and ID tokens, those
// included that sign later. The key of the default algorithm is published before it
// signs.
func (s *Service) JWKS(ctx context.Context) ([]json.RawMessage, error) {
	out, err := s.keys.JWKS(ctx)
	if err != nil {
		return nil, err
	}
	for _, alg := range IDTokenAlgs {
		ring, ok := s.idKeys[alg]
		if !ok {
			continue
		}
		if alg == IDTokenAlgs[0] {
			if err := ring.ensure(ctx); err != nil && ring.held.Load() == nil {
				return nil, err
			}
		}
		more, err := ring.JWKS(ctx)
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	return out, nil
}

// IDTokenHint are the claims of an ID token that came back, as at logout.
type IDTokenHint struct {
	Subject   string
	Audience  []string
	SessionID identity.ID
}

// ReadIDTokenHint reads an ID token of this service, which may have expired, and whose
// key may no longer be published. CodeInvalidRequest if it is none.
func (s *Service) ReadIDTokenHint(ctx context.Context, raw string) (IDTokenHint, error) {
	if len(raw) > maxTokenLength {
		return IDTokenHint{}, errNoHint()
	}
	var claims struct {
		jwt.RegisteredClaims
		SessionID identity.ID `json:"sid"`
	}
	var down error
	parser := jwt.NewParser(jwt.WithValidMethods([]string{string(RS256), string(ES256), string(EdDSA)}), jwt.WithStrictDecoding(), jwt.WithoutClaimsValidation())
	_, err := parser.ParseWithClaims(raw, &claims, func(t *jwt.Token) (any, error) {
		_, critical := t.Header["crit"]
		kid, _ := t.Header["kid"].(string)
		if critical || t.Header["typ"] != idTokenType {
			return nil, errNotOurs
		}
		key, ok, err := s.anyKey(ctx, kid)
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
		return IDTokenHint{}, down
	}
	if err != nil || claims.Issuer != s.issuer || len(claims.Audience) == 0 {
		return IDTokenHint{}, errNoHint()
	}
	return IDTokenHint{Subject: claims.Subject, Audience: claims.Audience, SessionID: claims.SessionID}, nil
}

// idTokenType is the `typ` of ID tokens.
const idTokenType = "JWT"

// anyKey finds a key by its id, also one that is no longer published.
func (s *Service) anyKey(ctx context.Context, kid string) (Key, bool, error) {
	rings := []*Keyring{s.keys}
	for _, alg := range IDTokenAlgs {
		if ring, ok := s.idKeys[alg]; ok {
			rings = append(rings, ring)
		}
	}
	for _, ring := range rings {
		r, err := ring.current(ctx)
		if err != nil {
			return Key{}, false, err
		}
		if i := slices.IndexFunc(r.keys, func(k Key) bool { return k.Kid == kid }); i >= 0 {
			return r.keys[i], true, nil
		}
	}
	return Key{}, false, nil
}

func errNoHint() error {
	return identity.NewError(identity.CodeInvalidRequest, "this is not an ID token of this service").WithField("id_token_hint")
}

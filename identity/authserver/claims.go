package authserver

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"slices"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/client"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/token"
)

// IDTokenLifetime is how long an ID token can be taken. A client checks it once.
const IDTokenLifetime = 5 * time.Minute

// canSign refuses, before anything is used up, where nothing can be signed.
func (s *Service) canSign(ctx context.Context, c client.Client, scopes []string) error {
	if err := s.tokens.CanSign(ctx); err != nil || !slices.Contains(scopes, client.ScopeOpenID) {
		return err
	}
	return s.tokens.CanSignIDToken(ctx, token.Alg(c.IDTokenAlg))
}

func (s *Service) tokensOf(ctx context.Context, c client.Client, p session.Principal, scopes []string, audience, nonce, refresh string) (Tokens, error) {
	app, err := s.clientClaims(ctx, c, p.User, scopes)
	if err != nil {
		return Tokens{}, err
	}
	access, err := s.tokens.SignApplication(ctx, p, audience, scopes, app)
	if err != nil {
		return Tokens{}, err
	}
	out := Tokens{Access: access, ExpiresIn: token.AccessLifetime, Refresh: refresh, Scopes: scopes}
	if slices.Contains(scopes, client.ScopeOpenID) {
		out.ID, err = s.idToken(ctx, c, p, scopes, nonce, access, app)
	}
	return out, err
}

// idToken returns an ID token (OpenID Connect Core, section 2).
func (s *Service) idToken(ctx context.Context, c client.Client, p session.Principal, scopes []string, nonce, access string, app map[string]any) (string, error) {
	claims, err := s.claims(ctx, p, scopes)
	if err != nil {
		return "", err
	}
	if err := s.addFormer(ctx, claims, c.ID, p); err != nil {
		return "", err
	}
	if len(app) > 0 {
		claims["app"] = app
	}
	now, alg := s.now(), token.Alg(c.IDTokenAlg)
	claims["iss"], claims["aud"], claims["azp"] = s.issuer, c.ID, c.ID
	claims["iat"], claims["exp"] = now.Unix(), now.Add(IDTokenLifetime).Unix()
	claims["auth_time"], claims["amr"], claims["sid"] = p.Session.AuthenticatedAt.Unix(), p.Session.Methods.AMR(), p.Session.ID
	claims["at_hash"] = accessHash(alg, access)
	if nonce != "" {
		claims["nonce"] = nonce
	}
	return s.tokens.SignJWT(ctx, alg, "JWT", claims)
}

// accessHash binds an ID token to the access token that comes with it (OpenID Connect
// Core, section 3.1.3.6). Ed25519 hashes with SHA-512.
func accessHash(alg token.Alg, access string) string {
	if alg == token.EdDSA {
		sum := sha512.Sum512([]byte(access))
		return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
	}
	sum := sha256.Sum256([]byte(access))
	return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
}

// Userinfo returns the claims about the person that an access token is of
// (OpenID Connect Core, section 5.3). CodeUnauthenticated for a token that does not
// work here, CodeInsufficientScope for one without openid.
func (s *Service) Userinfo(ctx context.Context, raw string) (map[string]any, error) {
	p, claims, err := s.tokens.Application(ctx, raw, identity.RequestOrigin{})
	if err != nil {
		return nil, err
	}
	if claims.Audience[0] != s.issuer {
		return nil, identity.NewError(identity.CodeUnauthenticated, "the access token is for another resource")
	}
	scopes := narrowScopes(p.Session.Scopes, claims.Scope)
	if !slices.Contains(scopes, client.ScopeOpenID) {
		return nil, identity.NewError(identity.CodeInsufficientScope, "this requires the scope openid")
	}
	out, err := s.claims(ctx, p, scopes)
	if err == nil && p.Session.ClientID != nil {
		err = s.addFormer(ctx, out, *p.Session.ClientID, p)
	}
	return out, err
}

// FormerSubjects returns the former ids of a principal's user that a client was given.
func (s *Service) FormerSubjects(ctx context.Context, client string, p session.Principal) ([]identity.ID, error) {
	if len(p.FormerIDs) == 0 {
		return nil, nil
	}
	return s.store.FormerSubjects(ctx, client, p.User.ID)
}

// addFormer adds the former ids that the client was given.
func (s *Service) addFormer(ctx context.Context, claims map[string]any, client string, p session.Principal) error {
	former, err := s.FormerSubjects(ctx, client, p)
	if len(former) > 0 {
		claims["former_subs"] = former
	}
	return err
}

// narrowScopes are the scopes of a token that its session still has.
func narrowScopes(granted []string, of string) []string {
	out, err := narrowed(granted, of)
	if err != nil || of == "" {
		return nil
	}
	return out
}

// claims are what scopes say of a person (OpenID Connect Core, section 5.4). Only a
// verified address is one.
func (s *Service) claims(ctx context.Context, p session.Principal, scopes []string) (map[string]any, error) {
	u := p.User
	out := map[string]any{"sub": u.ID.String()}
	set := func(name, value string) {
		if value != "" {
			out[name] = value
		}
	}
	if slices.Contains(scopes, client.ScopeProfile) {
		set("name", u.DisplayName)
		set("picture", u.AvatarURL)
		out["updated_at"] = u.UpdatedAt.Unix()
		out["onboarded"] = u.OnboardedAt != nil
		set("preferred_username", username(p, scopes))
	}
	if slices.Contains(scopes, client.ScopeEmail) && u.PrimaryEmail != nil {
		out["email"], out["email_verified"] = *u.PrimaryEmail, true
	}
	if slices.Contains(scopes, client.ScopeWallets) {
		wallets, err := s.store.WalletsOf(ctx, u.ID)
		if err != nil {
			return nil, err
		}
		list := make([]map[string]any, len(wallets))
		for i, w := range wallets {
			list[i] = map[string]any{"address": w.Address, "chain_id": w.ChainID, "kind": w.Kind}
		}
		out["wallets"] = list
	}
	if p.Team != nil {
		out["team"], out["role"] = p.Team.TeamID, p.Team.Role
	}
	return out, nil
}

// username is what a person without an address is known by, too. It tells an address
// only to those who may know it.
func username(p session.Principal, scopes []string) string {
	switch {
	case p.User.PrimaryEmail != nil && slices.Contains(scopes, client.ScopeEmail):
		return *p.User.PrimaryEmail
	case p.User.PrimaryEmail == nil && p.MadeBy != nil && p.MadeBy.Wallet != nil:
		return p.MadeBy.Wallet.Address
	case p.User.DisplayName != "":
		return p.User.DisplayName
	}
	return p.User.ID.String()
}

package devmode

import (
	"encoding/base64"
	"maps"
	"net/http"

	"github.com/golang-jwt/jwt/v5"
)

// discovery is the metadata of OpenID Connect Discovery section 3.
func (s *Standins) discovery(w http.ResponseWriter, _ *http.Request) {
	issuer := s.google.issuer
	writeJSON(w, http.StatusOK, map[string]any{
		"issuer":                                issuer,
		"authorization_endpoint":                issuer + "/authorize",
		"token_endpoint":                        issuer + "/token",
		"userinfo_endpoint":                     issuer + "/userinfo",
		"jwks_uri":                              issuer + "/jwks",
		"response_types_supported":              []string{"code"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{"ES256"},
		"scopes_supported":                      []string{"openid", "email", "profile"},
		"token_endpoint_auth_methods_supported": []string{"client_secret_post", "client_secret_basic"},
		"code_challenge_methods_supported":      []string{"S256"},
		"claims_supported":                      []string{"iss", "sub", "aud", "azp", "exp", "iat", "auth_time", "nonce", "email", "email_verified", "hd", "name"},

		"authorization_response_iss_parameter_supported": true,
	})
}

// jwks is a JWK Set (RFC 7517) of the one signing key.
func (s *Standins) jwks(w http.ResponseWriter, _ *http.Request) {
	point, err := s.key.PublicKey.Bytes() // 0x04, X, Y
	if err != nil {
		http.Error(w, "the key cannot be encoded", http.StatusInternalServerError)
		return
	}
	half := (len(point) - 1) / 2
	writeJSON(w, http.StatusOK, map[string]any{"keys": []map[string]string{{
		"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": s.keyID,
		"x": base64.RawURLEncoding.EncodeToString(point[1 : 1+half]),
		"y": base64.RawURLEncoding.EncodeToString(point[1+half:]),
	}}})
}

func (s *Standins) googleToken(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err == nil && r.PostForm.Get("grant_type") != "authorization_code" {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": "unsupported_grant_type"})
		return
	}
	g, code := s.google.redeem(r)
	if code != "" {
		status := http.StatusBadRequest
		if code == "invalid_client" {
			status = http.StatusUnauthorized
		}
		writeJSON(w, status, map[string]string{"error": code})
		return
	}
	now := s.now()
	claims := jwt.MapClaims{
		"iss": s.google.issuer, "aud": s.google.clientID, "azp": s.google.clientID,
		"iat": now.Unix(), "exp": now.Add(tokenLife).Unix(),
		"auth_time": now.Unix(), // one says who one is every time
	}
	if g.nonce != "" {
		claims["nonce"] = g.nonce
	}
	maps.Copy(claims, googleClaims(g.person))
	token := jwt.NewWithClaims(jwt.SigningMethodES256, claims)
	token.Header["kid"] = s.keyID
	signed, err := token.SignedString(s.key)
	if err != nil {
		http.Error(w, "the token cannot be signed", http.StatusInternalServerError)
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"access_token": s.google.tokens.put(g.person, now),
		"token_type":   "Bearer",
		"expires_in":   int(tokenLife.Seconds()),
		"scope":        g.scope,
		"id_token":     signed,
	})
}

func (s *Standins) userinfo(w http.ResponseWriter, r *http.Request) {
	who, ok := s.google.bearer(r)
	if !ok {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		writeJSON(w, http.StatusUnauthorized, map[string]string{"error": "invalid_token"})
		return
	}
	writeJSON(w, http.StatusOK, googleClaims(who))
}

// googleClaims are the claims about a person, as Google spells them.
func googleClaims(p person) map[string]any {
	claims := map[string]any{"sub": p.Subject}
	if p.Name != "" {
		claims["name"] = p.Name
	}
	if p.Email != "" {
		claims["email"], claims["email_verified"] = p.Email, p.Verified
	}
	if p.HostedDomain != "" {
		claims["hd"] = p.HostedDomain
	}
	return claims
}

package devmode

import (
	"encoding/base64"
	"maps"
	"net/http"

	"github.com/golang-jwt/jwt/v5"
)

// handleOpenID adds the endpoints of an issuer.
func (s *Standin) handleOpenID(mux *http.ServeMux) {
	mux.HandleFunc("GET "+s.path+"/.well-known/openid-configuration", s.discovery)
	mux.HandleFunc("GET "+s.path+"/jwks", s.jwks)
	mux.HandleFunc("POST "+s.path+s.Token, s.idToken)
	mux.HandleFunc("GET "+s.path+"/userinfo", s.userinfo)
}

// discovery is the metadata of OpenID Connect Discovery section 3.
func (s *Standin) discovery(w http.ResponseWriter, _ *http.Request) {
	issuer := s.issuer
	metadata := map[string]any{
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
	}
	if s.Faults.Metadata != nil {
		s.Faults.Metadata(metadata)
	}
	writeJSON(w, http.StatusOK, metadata)
}

// jwks is a JWK Set (RFC 7517) of the one signing key.
func (s *Standin) jwks(w http.ResponseWriter, _ *http.Request) {
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

func (s *Standin) idToken(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err == nil && r.PostForm.Get("grant_type") != "authorization_code" {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": "unsupported_grant_type"})
		return
	}
	g, code := s.redeem(r)
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
		"iss": s.issuer, "aud": s.client.ID, "azp": s.client.ID,
		"iat": now.Unix(), "exp": now.Add(tokenLife).Unix(),
		"auth_time": now.Unix(), // people say who they are every time
	}
	if g.nonce != "" {
		claims["nonce"] = g.nonce
	}
	maps.Copy(claims, s.Claims(g.person))
	if s.Faults.Claims != nil {
		s.Faults.Claims(claims)
	}
	sign := s.Sign
	if s.Faults.Sign != nil {
		sign = s.Faults.Sign
	}
	signed, err := sign(claims)
	if err != nil {
		http.Error(w, "the token cannot be signed", http.StatusInternalServerError)
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"access_token": s.tokens.put(g.person, now),
		"token_type":   "Bearer",
		"expires_in":   int(tokenLife.Seconds()),
		"scope":        g.scope,
		"id_token":     signed,
	})
}

// Sign returns claims as an ID token that the key of the stand-in signed.
func (s *Standin) Sign(claims jwt.MapClaims) (string, error) {
	token := jwt.NewWithClaims(jwt.SigningMethodES256, claims)
	token.Header["kid"] = s.keyID
	return token.SignedString(s.key)
}

func (s *Standin) userinfo(w http.ResponseWriter, r *http.Request) {
	who, ok := s.bearer(r)
	if !ok {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		writeJSON(w, http.StatusUnauthorized, map[string]string{"error": "invalid_token"})
		return
	}
	writeJSON(w, http.StatusOK, s.Claims(who))
}

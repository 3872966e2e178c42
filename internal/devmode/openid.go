package devmode

import (
	"encoding/base64"
	"maps"
	"net/http"

	"github.com/golang-jwt/jwt/v5"
)

// handleOpenID adds the endpoints of an issuer.
func (s *Standins) handleOpenID(mux *http.ServeMux, one *standin) {
	mux.HandleFunc("GET "+one.path+"/.well-known/openid-configuration", one.discovery)
	mux.HandleFunc("GET "+one.path+"/jwks", s.jwks)
	mux.HandleFunc("POST "+one.path+one.Token, func(w http.ResponseWriter, r *http.Request) { s.idToken(one, w, r) })
	mux.HandleFunc("GET "+one.path+"/userinfo", one.userinfo)
}

// discovery is the metadata of OpenID Connect Discovery section 3.
func (s *standin) discovery(w http.ResponseWriter, _ *http.Request) {
	issuer := s.issuer
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

func (s *Standins) idToken(one *standin, w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err == nil && r.PostForm.Get("grant_type") != "authorization_code" {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": "unsupported_grant_type"})
		return
	}
	g, code := one.redeem(r)
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
		"iss": one.issuer, "aud": one.clientID, "azp": one.clientID,
		"iat": now.Unix(), "exp": now.Add(tokenLife).Unix(),
		"auth_time": now.Unix(), // one says who one is every time
	}
	if g.nonce != "" {
		claims["nonce"] = g.nonce
	}
	maps.Copy(claims, one.Claims(g.person))
	token := jwt.NewWithClaims(jwt.SigningMethodES256, claims)
	token.Header["kid"] = s.keyID
	signed, err := token.SignedString(s.key)
	if err != nil {
		http.Error(w, "the token cannot be signed", http.StatusInternalServerError)
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"access_token": one.tokens.put(g.person, now),
		"token_type":   "Bearer",
		"expires_in":   int(tokenLife.Seconds()),
		"scope":        g.scope,
		"id_token":     signed,
	})
}

func (s *standin) userinfo(w http.ResponseWriter, r *http.Request) {
	who, ok := s.bearer(r)
	if !ok {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		writeJSON(w, http.StatusUnauthorized, map[string]string{"error": "invalid_token"})
		return
	}
	writeJSON(w, http.StatusOK, s.Claims(who))
}

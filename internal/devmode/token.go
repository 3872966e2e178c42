package devmode

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
)

// redeem checks an access token request (RFC 6749 section 4.1.3) and uses the
// code up. The error is a code of section 5.2, "" if there is none.
func (s *Standin) redeem(r *http.Request) (g grant, errorCode string) {
	if err := r.ParseForm(); err != nil {
		return g, "invalid_request"
	}
	id, secret := r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
	if user, password, ok := r.BasicAuth(); ok {
		id, _ = url.QueryUnescape(user)
		secret, _ = url.QueryUnescape(password)
	}
	if id != s.client.ID || subtle.ConstantTimeCompare([]byte(secret), []byte(s.client.Secret)) != 1 {
		return g, "invalid_client"
	}
	// Taken before anything else about it is checked: a code that was tried
	// wrongly is used up as well.
	g, ok := s.codes.take(r.PostForm.Get("code"), s.now())
	sum := sha256.Sum256([]byte(r.PostForm.Get("code_verifier")))
	challenge := base64.RawURLEncoding.EncodeToString(sum[:])
	if !ok || r.PostForm.Get("redirect_uri") != g.redirectURI ||
		subtle.ConstantTimeCompare([]byte(challenge), []byte(g.challenge)) != 1 {
		return g, "invalid_grant"
	}
	return g, ""
}

// bearer returns whose access token the request carries (RFC 6750 section 2.1).
func (s *Standin) bearer(r *http.Request) (person, bool) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") && !strings.EqualFold(scheme, "token") {
		return person{}, false
	}
	return s.tokens.get(token, s.now())
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client is gone, nothing to tell it
}

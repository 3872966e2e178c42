package devmode

import (
	"net/http"
	"net/url"
	"strings"
)

// handlePlain adds the endpoints of a provider that speaks OAuth without OpenID
// Connect: its token endpoint and its API.
func (s *Standin) handlePlain(mux *http.ServeMux) {
	mux.HandleFunc("POST "+s.path+s.Token, s.accessToken)
	for path, answer := range s.API {
		mux.HandleFunc("GET "+s.path+path, func(w http.ResponseWriter, r *http.Request) {
			who, ok := s.bearer(r)
			if !ok {
				writeJSON(w, http.StatusUnauthorized, map[string]string{"message": "Bad credentials"})
				return
			}
			writeJSON(w, http.StatusOK, answer(who, r.URL.Query().Get("page")))
		})
	}
}

func (s *Standin) accessToken(w http.ResponseWriter, r *http.Request) {
	reply, status := map[string]string{}, http.StatusOK
	if g, code := s.redeem(r); code == "" {
		reply["access_token"] = s.tokens.put(g.person, s.now())
		reply["token_type"] = "bearer"
		reply["scope"] = strings.Join(strings.Fields(g.scope), ",")
	} else if own, ok := s.TokenErrors[code]; ok {
		reply["error"] = own
	} else {
		reply["error"], status = code, http.StatusBadRequest
	}
	if s.TokenErrors == nil || strings.Contains(r.Header.Get("Accept"), "application/json") {
		writeJSON(w, status, reply)
		return
	}
	form := make(url.Values, len(reply))
	for name, value := range reply {
		form.Set(name, value)
	}
	w.Header().Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	_, _ = w.Write([]byte(form.Encode()))
}

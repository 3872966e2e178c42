package devmode

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
)

// githubErrors are GitHub's own words, and the status is always 200.
var githubErrors = map[string]string{
	"invalid_client":  "incorrect_client_credentials",
	"invalid_grant":   "bad_verification_code",
	"invalid_request": "bad_verification_code",
}

// githubToken answers in the form encoding unless asked for JSON, as GitHub does.
func (s *Standins) githubToken(w http.ResponseWriter, r *http.Request) {
	reply := map[string]string{}
	if g, code := s.github.redeem(r); code != "" {
		reply["error"] = githubErrors[code]
	} else {
		reply["access_token"] = s.github.tokens.put(g.person, s.now())
		reply["token_type"] = "bearer"
		reply["scope"] = strings.Join(strings.Fields(g.scope), ",")
	}
	if strings.Contains(r.Header.Get("Accept"), "application/json") {
		writeJSON(w, http.StatusOK, reply)
		return
	}
	form := make(url.Values, len(reply))
	for name, value := range reply {
		form.Set(name, value)
	}
	w.Header().Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	_, _ = w.Write([]byte(form.Encode()))
}

func (s *Standins) githubUser(w http.ResponseWriter, r *http.Request) {
	who, ok := s.githubBearer(w, r)
	if !ok {
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"id": json.Number(who.Subject), "login": who.login(), "name": who.Name,
		"email": nil, "avatar_url": "", "type": "User",
	})
}

// githubEmails lists the address typed and, as GitHub does, the noreply address
// that every account has.
func (s *Standins) githubEmails(w http.ResponseWriter, r *http.Request) {
	who, ok := s.githubBearer(w, r)
	if !ok {
		return
	}
	list := []map[string]any{}
	if page := r.URL.Query().Get("page"); page == "" || page == "1" {
		if who.Email != "" {
			list = append(list, map[string]any{
				"email": who.Email, "primary": true, "verified": who.Verified, "visibility": "private",
			})
		}
		list = append(list, map[string]any{
			"email":   who.Subject + "+" + who.login() + "@users.noreply.github.com",
			"primary": false, "verified": true, "visibility": nil,
		})
	}
	writeJSON(w, http.StatusOK, list)
}

func (s *Standins) githubBearer(w http.ResponseWriter, r *http.Request) (person, bool) {
	who, ok := s.github.bearer(r)
	if !ok {
		writeJSON(w, http.StatusUnauthorized, map[string]string{"message": "Bad credentials"})
	}
	return who, ok
}

package devmode

import (
	"bytes"
	"html/template"
	"net/http"
	"net/url"
)

var page = template.Must(template.ParseFS(files, "page.html"))

// authorization is an authorization request (RFC 6749 section 4.1.1, RFC 7636
// section 4.3) for our one client.
type authorization struct {
	RedirectURI, State, Nonce, Scope, Challenge string
}

func readAuthorization(q url.Values) authorization {
	return authorization{
		RedirectURI: q.Get("redirect_uri"), State: q.Get("state"), Nonce: q.Get("nonce"), Scope: q.Get("scope"), Challenge: q.Get("code_challenge"),
	}
}

// grant is what a code was issued for.
type grant struct {
	person      person
	redirectURI string
	nonce       string
	scope       string
	// challenge is the PKCE code challenge, S256.
	challenge string
}

// pageData fills page.html.
type pageData struct {
	Title    string
	Hosted   bool // asks for the hosted domain
	Subject  bool // the account id is any text
	Action   string
	Hidden   map[string]string
	Person   person
	Derived  string // the subject of the address shown
	Message  string
	Rejected bool // no form: the request itself is at fault
}

// showPage answers GET of the authorization endpoint. It changes nothing; the
// fields may be filled by query parameters of their names, and the address by
// login_hint.
func (s *Standin) showPage(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	request, ok := s.readRequest(w, r, q)
	if !ok {
		return
	}
	who := person{Name: "Ada Lovelace", Email: "ada@example.com", Verified: true}
	if q.Has("login_hint") || q.Has("email") {
		who.Name, who.Email = "", q.Get("login_hint")
	}
	if q.Has("email") {
		who.Email = q.Get("email")
	}
	if q.Has("name") {
		who.Name = q.Get("name")
	}
	if q.Has("email_verified") {
		who.Verified = q.Get("email_verified") == "true"
	}
	who.HostedDomain, who.Subject = q.Get("hd"), q.Get("sub")
	s.render(w, http.StatusOK, request, who, "")
}

// decide answers the form: a code, or access_denied.
func (s *Standin) decide(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		s.reject(w, "The form cannot be read.")
		return
	}
	request, ok := s.readRequest(w, r, r.PostForm)
	if !ok {
		return
	}
	if r.PostForm.Get("decision") == "cancel" {
		s.redirect(w, r, url.Values{"error": {"access_denied"}, "state": {request.State}})
		return
	}
	who, message := s.readPerson(r.PostForm)
	if message != "" {
		s.render(w, http.StatusBadRequest, request, who, message)
		return
	}
	s.redirect(w, r, s.grant(request, who))
}

// Grant grants an authorization request without the page, and returns the
// parameters of the redirect. Any redirect_uri will do.
func (s *Standin) Grant(request url.Values, who person) url.Values {
	return s.withIssuer(s.grant(readAuthorization(request), who))
}

func (s *Standin) grant(request authorization, who person) url.Values {
	code := s.codes.put(grant{
		person: s.identified(who), redirectURI: request.RedirectURI, nonce: request.Nonce, scope: request.Scope, challenge: request.Challenge,
	}, s.now())
	return url.Values{"code": {code}, "state": {request.State}}
}

// readRequest checks the authorization request. A wrong client or redirect_uri
// is shown to the person and never redirected (RFC 6749 section 4.1.2.1);
// everything else goes back to the client. ok is false when it has answered.
func (s *Standin) readRequest(w http.ResponseWriter, r *http.Request, q url.Values) (a authorization, ok bool) {
	a = readAuthorization(q)
	if q.Get("client_id") != s.client.ID || a.RedirectURI != s.client.RedirectURI {
		s.reject(w, "This stand-in serves only the Latchkey it is part of: client_id or redirect_uri is another one.")
		return a, false
	}
	refuse := func(code, why string) (authorization, bool) {
		s.redirect(w, r, url.Values{"error": {code}, "error_description": {why}, "state": {a.State}})
		return a, false
	}
	responseType := q.Get("response_type")
	if responseType == "" && !s.OpenID {
		responseType = "code" // GitHub, for one, does not ask for it
	}
	switch {
	case responseType != "code":
		return refuse("unsupported_response_type", "response_type must be code")
	case q.Get("code_challenge_method") != "S256" || len(a.Challenge) != 43:
		return refuse("invalid_request", "PKCE with S256 is required")
	}
	return a, true
}

// redirect sends the browser back.
func (s *Standin) redirect(w http.ResponseWriter, r *http.Request, params url.Values) {
	http.Redirect(w, r, s.client.RedirectURI+"?"+s.withIssuer(params).Encode(), http.StatusSeeOther)
}

// withIssuer adds `iss` (RFC 9207).
func (s *Standin) withIssuer(params url.Values) url.Values {
	if s.issuer != "" {
		params.Set("iss", s.issuer)
	}
	return params
}

func (s *Standin) render(w http.ResponseWriter, status int, a authorization, who person, message string) {
	s.write(w, status, pageData{
		Hidden: map[string]string{
			"client_id": s.client.ID, "redirect_uri": s.client.RedirectURI, "response_type": "code", "scope": a.Scope,
			"state": a.State, "nonce": a.Nonce, "code_challenge": a.Challenge, "code_challenge_method": "S256",
		},
		Person:  who,
		Message: message,
	})
}

func (s *Standin) reject(w http.ResponseWriter, message string) {
	s.write(w, http.StatusBadRequest, pageData{Message: message, Rejected: true})
}

func (s *Standin) write(w http.ResponseWriter, status int, data pageData) {
	data.Title, data.Hosted, data.Subject, data.Action = s.title, s.HostedDomain, s.ParseSubject == nil, s.path+s.Authorize
	if data.Person.Email != "" {
		data.Derived = s.subjectOf(data.Person.Email)
	}
	var out bytes.Buffer
	if err := page.Execute(&out, data); err != nil {
		http.Error(w, "the page cannot be made", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(out.Bytes())
}

package oauth_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/method"
	"github.com/latchkey/latchkey/identity/method/github"
	"github.com/latchkey/latchkey/internal/devmode"
	"github.com/latchkey/latchkey/internal/testkit/providertest"
)

// hub is the stand-in of GitHub, bent as a test wants.
type hub struct {
	*providertest.Server
	standin *providertest.Provider
}

const (
	ghToken  = "/login/oauth/access_token"
	ghUser   = "/api/user"
	ghEmails = "/api/user/emails"
)

func newGitHub(t *testing.T, user, emails string) *hub {
	t.Helper()
	g := &hub{Server: providertest.NewServer(t)}
	spec := github.Spec
	spec.Standin.API = map[string]func(method.Person, string) any{
		ghUser:   func(method.Person, string) any { return json.RawMessage(user) },
		ghEmails: func(method.Person, string) any { return json.RawMessage(emails) },
	}
	g.standin = g.Add(spec, devmode.Client{ID: clientID, Secret: "secret-1"})
	return g
}

func (g *hub) provider(t *testing.T, bend func(*method.Options)) *github.GitHub {
	t.Helper()
	cfg := method.Options{ClientID: clientID, ClientSecret: "secret-1", URLs: map[string]string{"URL": g.URL, "API_URL": g.URL + "/api/"}}
	if bend != nil {
		bend(&cfg)
	}
	p, err := github.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (g *hub) prove(t *testing.T, p *github.GitHub) (identity.Proof, error) {
	t.Helper()
	flow := newFlow(t, "b")
	return p.Prove(context.Background(), flow, g.standin.Callback(flow, method.Person{Subject: "1"}))
}

const (
	octocat       = `{"id":583231,"login":"octocat","name":"The Octocat","email":"claimed@victim.example","avatar_url":"https://avatars.example/u/583231"}`
	octocatEmails = `[{"email":"second@example.com","primary":false,"verified":true},{"email":"Octocat@Example.com","primary":true,"verified":true}]`
)

func TestGitHubProves(t *testing.T) {
	t.Parallel()
	g := newGitHub(t, octocat, octocatEmails)
	p := g.provider(t, nil)
	flow := newFlow(t, "b")
	raw, err := p.AuthCodeURL(context.Background(), flow)
	if err != nil {
		t.Fatal(err)
	}
	u, _ := url.Parse(raw)
	for name, want := range map[string]string{
		"client_id": clientID, "redirect_uri": redirectURL, "scope": "read:user user:email", "state": flow.State, "code_challenge_method": "S256",
	} {
		if got := u.Query().Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if !strings.HasPrefix(raw, g.URL+"/login/oauth/authorize?") || len(u.Query().Get("code_challenge")) != 43 {
		t.Errorf("authorization URL is %s", raw)
	}
	for _, path := range []string{ghUser, ghEmails} {
		g.Break(path, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("X-GitHub-Api-Version") == "" || !strings.HasPrefix(r.Header.Get("User-Agent"), "Latchkey") {
				t.Errorf("%s was asked with %v", path, r.Header)
			}
			g.Answer(w, r)
		})
	}
	callback := g.standin.Callback(flow, method.Person{Subject: "1"})
	if callback.Issuer != g.URL+"/login/oauth" {
		t.Errorf("the callback names %q", callback.Issuer)
	}
	proof, err := p.Prove(context.Background(), flow, callback)
	if err != nil {
		t.Fatal(err)
	}
	want := identity.Proof{
		Provider: "github", Subject: "583231", Email: "octocat@example.com", EmailAuthoritative: true, Reported: true, Kept: []string{"second@example.com"},
		DisplayName: "The Octocat", AvatarURL: "https://avatars.example/u/583231",
	}
	if !reflect.DeepEqual(proof, want) {
		t.Errorf("got %+v, want %+v", proof, want)
	}
	form := g.Form(ghToken)
	if form.Get("code_verifier") != flow.Verifier || form.Get("client_secret") != "secret-1" || form.Get("redirect_uri") != redirectURL {
		t.Errorf("token request was %v", form)
	}
}

func TestGitHubAddresses(t *testing.T) {
	t.Parallel()
	one := func(email, primary, verified string) string {
		return fmt.Sprintf(`[{"email":%s,"primary":%s,"verified":%s}]`, email, primary, verified)
	}
	for name, c := range map[string]struct{ emails, want string }{
		"primary and verified":      {one(`"a@example.com"`, "true", "true"), "a@example.com"},
		"unverified":                {one(`"a@example.com"`, "true", "false"), ""},
		"not primary":               {one(`"a@example.com"`, "false", "true"), ""},
		"verified as a string":      {one(`"a@example.com"`, "true", `"true"`), ""},
		"verified as 1":             {one(`"a@example.com"`, "true", "1"), ""},
		"primary as a string":       {one(`"a@example.com"`, `"true"`, "true"), ""},
		"verified null":             {one(`"a@example.com"`, "true", "null"), ""},
		"verified absent":           {`[{"email":"a@example.com","primary":true}]`, ""},
		"verified by another case":  {`[{"email":"a@example.com","primary":true,"Verified":true}]`, ""},
		"flags on two entries":      {`[{"email":"a@example.com","primary":true,"verified":false},{"email":"b@example.com","primary":false,"verified":true}]`, ""},
		"noreply":                   {one(`"583231+octocat@users.noreply.github.com"`, "true", "true"), ""},
		"noreply in capitals":       {one(`"octocat@Users.NoReply.GitHub.com"`, "true", "true"), ""},
		"noreply of GitHub":         {one(`"octocat@noreply.github.com"`, "true", "true"), ""},
		"only looks like noreply":   {one(`"a@usersnoreply.github.com.example"`, "true", "true"), "a@usersnoreply.github.com.example"},
		"no list entry":             {`[]`, ""},
		"address no string":         {one(`["a@example.com"]`, "true", "true"), ""},
		"two addresses in one":      {one(`"a@example.com, b@example.com"`, "true", "true"), ""},
		"address with a quoted dot": {one(`"\"a\"@example.com"`, "true", "true"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGitHub(t, octocat, c.emails)
			proof, err := g.prove(t, g.provider(t, nil))
			if err != nil || proof.Email != c.want || proof.EmailAuthoritative != (c.want != "") || proof.Subject != "583231" {
				t.Errorf("got %+v, %v; want %q", proof, err, c.want)
			}
		})
	}
}

func TestGitHubIDs(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{
		"1": "1", "583231": "583231", "9223372036854775807": "9223372036854775807",
		"0": "", "-1": "", "-0": "", "1.0": "", "1e3": "", `"583231"`: "", "null": "", "true": "", "[1]": "", "{}": "",
		"9223372036854775808": "", "99999999999999999999999999": "", "1.5": "",
	} {
		g := newGitHub(t, `{"id":`+id+`,"login":"octocat"}`, octocatEmails)
		proof, err := g.prove(t, g.provider(t, nil))
		if proof.Subject != want || (want == "") != (identity.ErrorCode(err) == identity.CodeProviderFailed) {
			t.Errorf("id %s: got %q, %v; want %q", id, proof.Subject, err, want)
		}
	}
	for _, user := range []string{`{"login":"octocat"}`, `{"ID":1}`, `{"id":null,"node_id":"x"}`} {
		g := newGitHub(t, user, octocatEmails)
		_, err := g.prove(t, g.provider(t, nil))
		wantCode(t, err, identity.CodeProviderFailed)
	}
}

func TestGitHubPagination(t *testing.T) {
	t.Parallel()
	page := func(n, count int) []map[string]any {
		list := make([]map[string]any, count)
		for e := range list {
			list[e] = map[string]any{"email": fmt.Sprintf("p%d-%d@example.com", n, e), "primary": n == 3, "verified": true}
		}
		return list
	}
	pages := func(next bool, last, perPage int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			n := 0
			_, _ = fmt.Sscan(r.URL.Query().Get("page"), &n)
			if next && n < last {
				w.Header().Set("Link", `<http://169.254.169.254/steal>; rel="next"`)
			}
			_ = json.NewEncoder(w).Encode(page(n, perPage))
		}
	}
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		want    string
		asked   int
	}{
		"full pages":             {pages(false, 3, 100), "p3-0@example.com", 10}, // its other addresses may be on any
		"short pages with links": {pages(true, 3, 2), "p3-0@example.com", 3},
		"short page, no link":    {pages(false, 3, 2), "", 1},
		"pages without end": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Link", `<x>; rel="next"`)
			_ = json.NewEncoder(w).Encode(page(1, 100))
		}, "", 10},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGitHub(t, octocat, "")
			g.Break(ghEmails, c.handler)
			proof, err := g.prove(t, g.provider(t, nil))
			if err != nil || proof.Email != c.want || g.Hits(ghEmails) != c.asked {
				t.Errorf("got %q, %v after %d pages; want %q after %d", proof.Email, err, g.Hits(ghEmails), c.want, c.asked)
			}
		})
	}
}

func TestGitHubTroubleAtEveryEndpoint(t *testing.T) {
	t.Parallel()
	for _, path := range []string{ghToken, ghUser, ghEmails} {
		for name, trouble := range troubles {
			if path == ghEmails && name == "404" {
				continue // no address, see TestGitHubRefusesAddresses
			}
			t.Run(path+" "+name, func(t *testing.T) {
				t.Parallel()
				g := newGitHub(t, octocat, octocatEmails)
				g.Break(path, trouble.handler)
				_, err := g.prove(t, g.provider(t, func(c *method.Options) {
					if strings.HasPrefix(name, "hangs") {
						c.Timeout = patience
					}
				}))
				wantCode(t, err, trouble.code)
				wantNoSecrets(t, err, g.Secrets())
			})
		}
	}
}

func TestGitHubRefusesAddresses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		code    identity.Code
	}{
		"403":                 {plain(http.StatusForbidden, nil), ""},
		"404":                 {plain(http.StatusNotFound, nil), ""},
		"401":                 {plain(http.StatusUnauthorized, nil), identity.CodeProviderFailed},
		"403 rate limited":    {plain(http.StatusForbidden, map[string]string{"X-RateLimit-Remaining": "0"}), identity.CodeProviderUnavailable},
		"403 secondary limit": {plain(http.StatusForbidden, map[string]string{"Retry-After": "60"}), identity.CodeProviderUnavailable},
		"429":                 {plain(http.StatusTooManyRequests, nil), identity.CodeProviderUnavailable},
		"redirect to another": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://169.254.169.254/", http.StatusFound)
		}, identity.CodeProviderFailed},
		"object instead of list": {status(http.StatusOK, `{"email":"a@example.com","primary":true,"verified":true}`), identity.CodeProviderFailed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGitHub(t, octocat, "")
			g.Break(ghEmails, c.handler)
			proof, err := g.prove(t, g.provider(t, nil))
			if identity.ErrorCode(err) != c.code || proof.Email != "" || c.code == "" && proof.Subject != "583231" {
				t.Errorf("got %+v, %v; want %q", proof, err, c.code)
			}
		})
	}
}

func plain(code int, header map[string]string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for name, value := range header {
			w.Header().Set(name, value)
		}
		w.WriteHeader(code)
	}
}

func TestGitHubTokenErrors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		contentType, body string
		code              identity.Code
	}{
		"code replayed":         {"application/json", `{"error":"bad_verification_code"}`, identity.CodeInvalidProof},
		"secret is wrong":       {"application/json", `{"error":"incorrect_client_credentials"}`, identity.CodeProviderFailed},
		"callback is wrong":     {"application/json", `{"error":"redirect_uri_mismatch"}`, identity.CodeProviderFailed},
		"code replayed, form":   {"application/x-www-form-urlencoded", `error=bad_verification_code`, identity.CodeInvalidProof},
		"form without a token":  {"application/x-www-form-urlencoded", `<html>`, identity.CodeProviderFailed},
		"form that is no form":  {"application/x-www-form-urlencoded", `%zz`, identity.CodeProviderFailed},
		"JSON without a token":  {"application/json", `{"token_type":"bearer"}`, identity.CodeProviderFailed},
		"token in another case": {"application/json", `{"Access_Token":"access-1","token_type":"bearer"}`, identity.CodeProviderFailed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGitHub(t, octocat, octocatEmails)
			g.Break(ghToken, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", c.contentType)
				_, _ = w.Write([]byte(c.body))
			})
			_, err := g.prove(t, g.provider(t, nil))
			if identity.ErrorCode(err) != c.code {
				t.Errorf("got %v, want %q", err, c.code)
			}
		})
	}
}

// GitHub answers a form where something on the way took the wish for JSON away.
func TestGitHubTokenInAForm(t *testing.T) {
	t.Parallel()
	g := newGitHub(t, octocat, octocatEmails)
	g.Break(ghToken, func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del("Accept")
		g.Answer(w, r)
		if got := w.Header().Get("Content-Type"); !strings.HasPrefix(got, "application/x-www-form-urlencoded") {
			t.Errorf("the stand-in answered %s", got)
		}
	})
	if proof, err := g.prove(t, g.provider(t, nil)); err != nil || proof.Subject != "583231" {
		t.Errorf("got %+v, %v", proof, err)
	}
}

func TestGitHubCallback(t *testing.T) {
	t.Parallel()
	g := newGitHub(t, octocat, octocatEmails)
	p := g.provider(t, nil)
	flow := newFlow(t, "b")
	for _, callback := range []method.Callback{
		{}, {Code: strings.Repeat("c", 4096)}, {Code: "c", Issuer: "https://accounts.google.com"}, {Code: "c", Issuer: g.URL},
	} {
		_, err := p.Prove(context.Background(), flow, callback)
		wantCode(t, err, identity.CodeInvalidProof)
	}
	if n := g.Hits(ghToken) + g.Hits(ghUser); n != 0 {
		t.Errorf("the network was used %d times", n)
	}
}

func TestGitHubNameFallsBackToLogin(t *testing.T) {
	t.Parallel()
	g := newGitHub(t, `{"id":1,"login":"octocat","name":null,"avatar_url":"http://p.example/a"}`, `[]`)
	proof, err := g.prove(t, g.provider(t, nil))
	if err != nil || proof.DisplayName != "octocat" || proof.AvatarURL != "" {
		t.Errorf("got %+v, %v", proof, err)
	}
}

func TestGitHubConfiguration(t *testing.T) {
	t.Parallel()
	p, err := github.New(method.Options{ClientID: "c", ClientSecret: "s"})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := p.AuthCodeURL(context.Background(), method.Flow{})
	if err != nil || !strings.HasPrefix(raw, "https://github.com/login/oauth/authorize?") {
		t.Errorf("got %s, %v", raw, err)
	}
	for _, cfg := range []method.Options{
		{}, {ClientID: "c"}, {ClientSecret: "s"}, {ClientID: "c", ClientSecret: "s", URLs: map[string]string{"URL": "github.com"}},
		{ClientID: "c", ClientSecret: "s", URLs: map[string]string{"API_URL": "https://u:p@api.example"}},
	} {
		if _, err := github.New(cfg); err == nil {
			t.Errorf("%+v is accepted", cfg)
		}
	}
}

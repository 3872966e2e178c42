package api_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity/client"
	"github.com/latchkey/latchkey/internal/app"
	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

// agent is an application that describes itself at its client_id.
type agent struct {
	application
	hits     atomic.Int32
	document atomic.Pointer[map[string]any]
}

// newAgent publishes a document on this machine, which development mode takes over http.
func newAgent(t *testing.T, a *apptest.App) *agent {
	t.Helper()
	g := &agent{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		g.hits.Add(1)
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(*g.document.Load())
	}))
	t.Cleanup(server.Close)
	g.application = register(t, a)
	g.ID, g.Secret, g.oauth.ClientID, g.oauth.ClientSecret = server.URL+"/client.json", "", server.URL+"/client.json", ""
	g.oauth.RedirectURL = "http://127.0.0.1:4000/callback"
	g.publish()
	return g
}

func (g *agent) publish(change ...map[string]any) {
	document := map[string]any{
		"client_id": g.ID, "client_name": "Grafana <b>", "logo_uri": "https://grafana.com/logo.png", "redirect_uris": []string{"http://127.0.0.1/callback", "https://evil.example/callback"},
		"grant_types": []string{"authorization_code", "refresh_token"}, "token_endpoint_auth_method": "none",
	}
	for _, c := range change {
		for name, v := range c {
			document[name] = v
		}
	}
	g.document.Store(&document)
}

// An application that no operator registered is fetched for a person who is signed in, asks
// them by the name of its host, and is kept once they agree.
func TestApplicationThatDescribesItself(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		if a.Browser().GET("/.well-known/oauth-authorization-server").Get("client_id_metadata_document_supported") != true {
			t.Error("the metadata does not say so")
		}
		if _, err := app.Clients(a.Config, a.DB, a.Now).CreateResource(t.Context(), nil, client.Resource{URI: "https://mcp.example.com/mcp", Scopes: client.Words{"tools"}}); err != nil {
			t.Fatal(err)
		}
		g := newAgent(t, a)
		b := a.Browser()
		b.GET(g.request("prompt", "none")).WantProblem(http.StatusBadRequest, "client_not_found")
		to := g.follow(b, g.request("scope", "openid tools", "resource", "https://mcp.example.com/mcp", "login_hint", "ada@gmail.com"))
		if to.Path != "/sign-in" || to.Query().Get("login_hint") != "ada@gmail.com" {
			t.Fatalf("%s", to)
		}
		on := to.Query().Get("return_to")
		if to := g.follow(b, on); to.Path != "/sign-in" || to.Query().Get("return_to") != on {
			t.Errorf("without signing in it goes on to %s", to)
		}
		g.token(t, "grant_type", "refresh_token", "refresh_token", "x").Want(http.StatusUnauthorized)
		if n := g.hits.Load(); n != 0 {
			t.Fatalf("fetched %d times for strangers", n)
		}
		b.Provider("google", "sign_in", apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
		asked := ""
		a.Unchanged(t, func() { asked = g.consent(b, on) })
		q := b.GET("/v1/consent?request=" + asked).Want(http.StatusOK)
		if q.String("client.document_host")+"/client.json" != strings.TrimPrefix(g.ID, "http://") || q.Get("client.logo_uri") != nil || q.String("client.name") != "Grafana <b>" ||
			q.String("client.id") != g.ID || q.String("redirect_host") != "127.0.0.1:4000" || q.Len("scopes") != 2 || q.Len("resources") != 1 {
			t.Errorf("%s", q.Body)
		}
		if n := g.hits.Load(); n != 1 {
			t.Errorf("fetched %d times", n)
		}
		if to := g.follow(b, g.decide(b, asked, "allow").Want(http.StatusOK).String("url")); to.Query().Get("code") == "" || to.Query().Get("iss") != a.URL {
			t.Fatalf("%s", to)
		}
		if n := a.Count("audit_events", "action IN ('client.created', 'grant.created')"); n != 3 { // and the registered one
			t.Errorf("%d events", n)
		}
		signIn := func() *apptest.Answer {
			t.Helper()
			to := g.allow(b, g.request("scope", "openid tools", "resource", "https://mcp.example.com/mcp"))
			return g.exchange(t, to.Query().Get("code"), verifierOfRFC7636, "resource", "https://mcp.example.com/mcp").Want(http.StatusOK)
		}
		got := signIn()
		if access := claimsOf(t, b, got.String("access_token")); !slices.Equal(access["aud"].([]any), []any{"https://mcp.example.com/mcp"}) || access["client_id"] != g.ID || access["scope"] != "openid tools" {
			t.Errorf("%v", access)
		}
		got = g.refresh(t, got.String("refresh_token"), "resource", "https://mcp.example.com/mcp").Want(http.StatusOK)
		if grants := b.GET("/v1/me/grants"); grants.Get("data.0.client.document") != true || grants.String("data.0.client.client_id") != g.ID {
			t.Errorf("%s", grants.Body)
		}
		// Any program can listen on a loopback address: each sign-in is asked for.
		g.consent(b, g.request())
		if to := g.follow(b, g.request("prompt", "none")); to.Query().Get("error") != "consent_required" {
			t.Errorf("%s", to)
		}
		for name, path := range map[string]string{
			"elsewhere":       g.request("redirect_uri", "https://evil.example/callback"),
			"an unnamed path": g.request("redirect_uri", "http://127.0.0.1:4000/other"),
			"another host":    g.request("redirect_uri", "http://localhost:4000/callback"),
			"none":            g.request("redirect_uri", ""),
		} {
			if refused := b.GET(path).WantProblem(http.StatusBadRequest, "invalid_redirect_uri"); refused.Header.Get("Location") != "" {
				t.Errorf("%s: leads to %s", name, refused.Header.Get("Location"))
			}
		}
		if to := g.follow(b, g.request("resource", "https://mcp.example.com/other")); to.Query().Get("error") != "invalid_target" {
			t.Errorf("%s", to)
		}
		g.publish(map[string]any{"client_id": "https://other.example/"})
		b.GET(g.request()).WantProblem(http.StatusBadRequest, "invalid_client_document")
		page := b.With("Accept", "text/html").GET(g.request()).Want(http.StatusBadRequest)
		if !strings.Contains(page.Header.Get("Content-Type"), "text/html") {
			t.Errorf("%v", page.Header)
		}
		op := operator(t, a)
		path := "/v1/admin/clients/" + url.PathEscape(g.ID)
		if shown := op.GET(path).Want(http.StatusOK); shown.Get("document") != true || shown.String("client_id") != g.ID {
			t.Errorf("%s", shown.Body)
		}
		op.PATCH(path, object{"name": "Mine"}).WantProblem(http.StatusBadRequest, "invalid_request")
		b.DELETE("/v1/me/grants/" + b.GET("/v1/me/grants").String("data.0.id")).Want(http.StatusNoContent)
		wantOAuth(t, g.refresh(t, got.String("refresh_token")), http.StatusBadRequest, "invalid_grant", "invalid_grant")
		op.DELETE(path).Want(http.StatusNoContent)
		op.GET(path).WantProblem(http.StatusNotFound, "not_found")
	})
}

// The verifier of challenge.
const verifierOfRFC7636 = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"

// Operators say which hosts may describe applications, and a person causes so many
// fetches and no more.
func TestWhichApplicationsMayDescribeThemselves(t *testing.T) {
	t.Parallel()
	for name, env := range map[string]string{"none": "LATCHKEY_CLIENT_DOCUMENT_HOSTS=none", "another": "LATCHKEY_CLIENT_DOCUMENT_HOSTS=agent.example"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := apptest.SQLite(t, env)
			g := newAgent(t, a)
			b := google(t, a, apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
			if a.Browser().GET("/.well-known/openid-configuration").Get("client_id_metadata_document_supported") != (name == "another") {
				t.Error("the metadata says otherwise")
			}
			for _, who := range []*apptest.Browser{b, a.Browser()} {
				who.GET(g.request()).WantProblem(http.StatusBadRequest, "client_not_found")
			}
			if g.hits.Load() > 0 {
				t.Error("it was fetched")
			}
		})
	}
	t.Run("too many", func(t *testing.T) {
		t.Parallel()
		a := apptest.SQLite(t, "LATCHKEY_RATE_LIMITS=1")
		a.Freeze()
		g := newAgent(t, a)
		ada, bob := google(t, a, apptest.Person{Name: "Ada", Email: "ada@gmail.com"}), google(t, a, apptest.Person{Name: "Bob", Email: "bob@gmail.com"})
		for range 30 {
			g.consent(ada, g.request())
		}
		if refused := ada.GET(g.request()).WantProblem(http.StatusTooManyRequests, "rate_limited"); refused.Header.Get("Retry-After") == "" {
			t.Error("it does not say when to try again")
		}
		g.consent(bob, g.request())
		a.Advance(2 * time.Second)
		g.consent(ada, g.request())
		if n := g.hits.Load(); n != 32 {
			t.Errorf("%d fetches", n)
		}
	})
	t.Run("on an address that is not public", func(t *testing.T) {
		t.Parallel()
		server := httptest.NewTLSServer(http.NotFoundHandler())
		t.Cleanup(server.Close)
		// In production this machine is no exception.
		a := apptest.SQLite(t, "LATCHKEY_PUBLIC_URL=https://id.example.com")
		o := application{App: a, ID: server.URL + "/client.json"}
		o.oauth.RedirectURL = server.URL + "/callback"
		b := a.Browser()
		b.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
		b.GET(o.request()).WantProblem(http.StatusServiceUnavailable, "client_unavailable")
		o.ID = strings.Replace(o.ID, "https:", "http:", 1)
		b.GET(o.request()).WantProblem(http.StatusBadRequest, "client_not_found")
	})
}

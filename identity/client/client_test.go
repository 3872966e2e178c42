package client_test

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/client"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

// A redirect goes to what was registered, byte for byte.
func TestAllowsRedirect(t *testing.T) {
	t.Parallel()
	c := client.Client{RedirectURIs: client.Words{
		"https://app.example.com/cb", "https://app.example.com/cb?tenant=1", "http://127.0.0.1/cb", "http://[::1]:8000/cb", "http://localhost:3000/cb",
		"com.example.app:/cb", "https://127.0.0.1/cb",
	}}
	for _, uri := range append([]string{
		"http://127.0.0.1:1/cb", "http://127.0.0.1:51234/cb", "http://[::1]/cb", "http://[::1]:65535/cb", "http://localhost:4000/cb", "http://localhost/cb",
	}, c.RedirectURIs...) {
		if !c.AllowsRedirect(uri) {
			t.Errorf("%s is refused", uri)
		}
	}
	for _, uri := range []string{
		"", " ", "https://app.example.com", "https://app.example.com/", "https://app.example.com/cb/", "https://app.example.com/CB",
		"https://app.example.com/cb?", "https://app.example.com/cb?tenant=2", "https://app.example.com/cb?tenant=1&x=2", "https://app.example.com/cb#", "https://app.example.com/cb#x",
		"https://app.example.com:443/cb", "https://app.example.com:8443/cb", "https://APP.example.com/cb", "HTTPS://app.example.com/cb", "http://app.example.com/cb",
		"https://app.example.com./cb", "https://app.example.com/./cb", "https://app.example.com/x/../cb", "https://app.example.com//cb", "https://app.example.com/%63b",
		"https://app.example.com\\cb", "https://app.example.com/cb\x00", "https://app.example.com/cb%00", "https://app.example.com/cb ", " https://app.example.com/cb", "https://app.example.com/cb\n",
		"https://user@app.example.com/cb", "https://app.example.com@evil.example/cb", "https://evil.example/https://app.example.com/cb", "https://app.example.com.evil.example/cb",
		"https://evilapp.example.com/cb", "//app.example.com/cb", "https:app.example.com/cb", "https:/app.example.com/cb", "https:///app.example.com/cb", "/cb",
		"http://127.0.0.1:0/cb", "http://127.0.0.1:65536/cb", "http://127.0.0.1:080/cb", "http://127.0.0.1:/cb", "http://127.0.0.1:1:2/cb", "http://127.0.0.1:80@evil.example/cb", "http://127.0.0.1:80/cb?x=1", "http://127.0.0.1:80/cb#x",
		"http://127.0.0.1.evil.example/cb", "http://127.0.0.1:8.evil.example/cb", "http://127.1/cb", "http://127.0.0.2/cb", "http://2130706433/cb", "http://0x7f.0.0.1/cb", "http://0.0.0.0/cb", "http://[::ffff:127.0.0.1]/cb",
		"http://localhost.evil.example/cb", "http://localhost:3000/cb/", "http://localhost:3000", "https://localhost:3000/cb", "https://127.0.0.1:8443/cb",
		"com.example.app:/cb/", "com.example.app://cb", "COM.example.app:/cb", "com.example.app2:/cb", "com.example.app:/cb?x", "javascript:alert(1)", "data:text/html,x",
	} {
		if c.AllowsRedirect(uri) {
			t.Errorf("%q is allowed", uri)
		}
	}
}

// A resource is named as it is registered, but for the slash of a bare host.
func TestFindResource(t *testing.T) {
	t.Parallel()
	known := []string{"https://api.example.com", "https://mcp.example.com/", "https://mcp.example.com/v1"}
	for uri, want := range map[string]string{
		known[0]: known[0], known[1]: known[1], known[2]: known[2], "https://api.example.com/": known[0], "https://mcp.example.com": known[1],
		"https://mcp.example.com/v1/": "", "https://api.example.com//": "", "https://api.example.com/?": "", "https://api.example.com/?x": "", "https://api.example.com/#": "",
		"https://API.example.com/": "", "https://api.example.com.evil.example/": "", "": "", "/": "", "https://": "", "https:///": "",
	} {
		if got, ok := client.FindResource(known, uri); ok != (want != "") || ok && got != want {
			t.Errorf("%q: %q, %v", uri, got, ok)
		}
	}
}

// What a person agreed to before counts unasked only for who it was agreed with.
func TestAssured(t *testing.T) {
	t.Parallel()
	public, server := client.Client{Kind: client.Public}, client.Client{Kind: client.Confidential}
	for uri, want := range map[string]bool{
		"https://app.example.com/cb": true, "http://127.0.0.1:4000/cb": false, "http://[::1]/cb": false, "http://localhost/cb": false, "https://localhost/cb": false,
		"https://127.0.0.1/cb": false, "com.example.app:/cb": false, "com.example.app://cb": false, "": false,
	} {
		if public.Assured(uri) != want {
			t.Errorf("%s: a public client is not assured %v", uri, want)
		}
		if !server.Assured(uri) {
			t.Errorf("%s: a server is not assured", uri)
		}
	}
}

func sound(edit func(c *client.Client)) client.Client {
	c := client.Client{Name: "App", RedirectURIs: client.Words{"https://app.example.com/cb"}}
	edit(&c)
	return c
}

func newService(d *storagetest.Database) *client.Service {
	return client.NewService(d.DB, client.Options{BackchannelHTTP: func(u *url.URL) bool { return u.Host == "grafana:3000" }}, d.Clock.Now)
}

// What could not be served, or would open a hole, is refused with its field, and
// leaves nothing.
func TestWhatAClientCanBe(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		s := newService(d)
		if _, err := s.CreateResource(t.Context(), nil, client.Resource{URI: "https://api.example.com", Scopes: client.Words{"read"}}); err != nil {
			t.Fatal(err)
		}
		clients, events := d.Count(t, "clients"), d.Count(t, "audit_events")
		redirect := func(uri string) func(*client.Client) {
			return func(c *client.Client) { c.RedirectURIs = client.Words{uri} }
		}
		public := func(uri string) func(*client.Client) {
			return func(c *client.Client) { c.Kind, c.RedirectURIs = client.Public, client.Words{uri} }
		}
		type bad struct {
			field string
			edit  func(c *client.Client)
		}
		for name, b := range map[string]bad{
			"no name":             {"name", func(c *client.Client) { c.Name = " " }},
			"a long name":         {"name", func(c *client.Client) { c.Name = strings.Repeat("a", 101) }},
			"a name of two lines": {"name", func(c *client.Client) { c.Name = "a\nb" }},
			"a name that turns":   {"name", func(c *client.Client) { c.Name = "a\u202eb" }},
			"unknown kind":        {"kind", func(c *client.Client) { c.Kind = "x" }},
			"a logo over http":    {"logo_uri", func(c *client.Client) { c.LogoURI = "http://a.example/l.png" }},
			"a logo of script":    {"logo_uri", func(c *client.Client) { c.LogoURI = "javascript:alert(1)" }},
			"no redirect":         {"redirect_uris", func(c *client.Client) { c.RedirectURIs = nil }},
			"the same twice": {"redirect_uris", func(c *client.Client) {
				c.RedirectURIs = c.RedirectURIs.With(nil)
				c.RedirectURIs = append(c.RedirectURIs, c.RedirectURIs[0])
			}},
			"too many": {"redirect_uris", func(c *client.Client) {
				for range 51 {
					c.RedirectURIs = append(c.RedirectURIs, "https://app.example.com/"+storagetest.Word())
				}
			}},
			"http":                       {"redirect_uris", redirect("http://app.example.com/cb")},
			"a fragment":                 {"redirect_uris", redirect("https://app.example.com/cb#x")},
			"an empty fragment":          {"redirect_uris", redirect("https://app.example.com/cb#")},
			"a wildcard":                 {"redirect_uris", redirect("https://*.example.com/cb")},
			"a user":                     {"redirect_uris", redirect("https://u@app.example.com/cb")},
			"no host":                    {"redirect_uris", redirect("https:///cb")},
			"opaque":                     {"redirect_uris", redirect("https:app.example.com/cb")},
			"relative":                   {"redirect_uris", redirect("/cb")},
			"capitals":                   {"redirect_uris", redirect("https://App.example.com/cb")},
			"a scheme in capitals":       {"redirect_uris", redirect("HTTPS://app.example.com/cb")},
			"a dot at the end":           {"redirect_uris", redirect("https://app.example.com./cb")},
			"a parent folder":            {"redirect_uris", redirect("https://app.example.com/a/../cb")},
			"a backslash":                {"redirect_uris", redirect("https://app.example.com\\cb")},
			"a space":                    {"redirect_uris", redirect("https://app.example.com/c b")},
			"other letters":              {"redirect_uris", redirect("https://äpp.example.com/cb")},
			"port 0":                     {"redirect_uris", redirect("https://app.example.com:0/cb")},
			"a zone":                     {"redirect_uris", redirect("https://[fe80::1%25en0]/cb")},
			"no address":                 {"redirect_uris", redirect("https://[127.0.0.1]/cb")},
			"a long one":                 {"redirect_uris", redirect("https://app.example.com/" + strings.Repeat("a", 2000))},
			"an app's own, a server":     {"redirect_uris", redirect("com.example.app:/cb")},
			"an app's, without dot":      {"redirect_uris", public("myapp:/cb")},
			"script":                     {"redirect_uris", public("javascript:alert(1)")},
			"a file":                     {"redirect_uris", public("file:///etc/passwd")},
			"a mail":                     {"redirect_uris", public("mailto:a@example.com")},
			"after logout":               {"post_logout_uris", func(c *client.Client) { c.PostLogoutURIs = client.Words{"http://app.example.com/"} }},
			"a back channel":             {"backchannel_logout_uri", func(c *client.Client) { c.BackchannelURI = "http://app.example.com/logout" }},
			"another port of it":         {"backchannel_logout_uri", func(c *client.Client) { c.BackchannelURI = "http://grafana:3001/logout" }},
			"a channel by file":          {"backchannel_logout_uri", func(c *client.Client) { c.BackchannelURI = "file://grafana:3000/logout" }},
			"unknown grant":              {"grants", func(c *client.Client) { c.Grants = client.Words{"password"} }},
			"implicit":                   {"grants", func(c *client.Client) { c.Grants = client.Words{"authorization_code", "implicit"} }},
			"a device's by another name": {"grants", func(c *client.Client) { c.Grants = client.Words{client.GrantCode, "device_code"} }},
			"only refresh":               {"grants", func(c *client.Client) { c.Grants = client.Words{client.GrantRefresh} }},
			"unknown resource":           {"resources", func(c *client.Client) { c.Resources = client.Words{"https://other.example.com"} }},
			"unknown team":               {"team_id", func(c *client.Client) { c.TeamID = new(identity.NewID()) }},
			"unknown scope":              {"scopes", func(c *client.Client) { c.Scopes = client.Words{"admin"} }},
			"a resource's scope":         {"scopes", func(c *client.Client) { c.Scopes = client.Words{"read"} }},
			"a claim of ours":            {"claims", func(c *client.Client) { c.Claims = client.Words{"email", "role"} }},
			"a claim without a name":     {"claims", func(c *client.Client) { c.Claims = client.Words{"app_metadata."} }},
			"the person's own claim":     {"claims", func(c *client.Client) { c.Claims = client.Words{"metadata.role"} }},
			"a claim twice":              {"claims", func(c *client.Client) { c.Claims = client.Words{"email", "email"} }},
			"ID tokens by HS256":         {"id_token_alg", func(c *client.Client) { c.IDTokenAlg = "HS256" }},
		} {
			_, _, err := s.Create(t.Context(), nil, sound(b.edit))
			storagetest.WantCode(t, name, err, identity.CodeInvalidRequest)
			if e, ok := err.(*identity.Error); ok && e.Field != b.field { //nolint:errorlint // as it was made
				t.Errorf("%s: the field is %s", name, e.Field)
			}
		}
		if d.Count(t, "clients") != clients || d.Count(t, "audit_events") != events {
			t.Error("what was refused has left something")
		}
		for name, edit := range map[string]func(c *client.Client){
			"a server": func(*client.Client) {},
			"a device": func(c *client.Client) {
				c.Kind, c.RedirectURIs, c.Grants = client.Public, nil, client.Words{client.GrantDevice, client.GrantRefresh}
			},
			"with every grant": func(c *client.Client) {
				c.Grants = client.Words{client.GrantCode, client.GrantRefresh, client.GrantDevice}
			},
			"loopback": func(c *client.Client) {
				c.RedirectURIs = client.Words{"http://127.0.0.1/cb", "http://[::1]:80/cb", "http://localhost:3000/cb"}
			},
			"an app":        public("com.example.app:/cb"),
			"an app's host": public("com.example.app://cb"),
			"everything": func(c *client.Client) {
				c.LogoURI, c.PostLogoutURIs, c.BackchannelURI = "https://a.example/l.png", client.Words{"https://a.example/"}, "https://a.example/logout"
				c.Resources, c.Scopes, c.IDTokenAlg, c.Trusted = client.Words{"https://api.example.com"}, client.Words{"openid", "read"}, "ES256", true
				c.Claims = client.Words{"email", "name", "onboarded", "app_metadata.role"}
			},
			"a private back channel": func(c *client.Client) { c.BackchannelURI = "http://grafana:3000/logout" },
		} {
			if _, _, err := s.Create(t.Context(), nil, sound(edit)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		for name, r := range map[string]client.Resource{
			"twice": {URI: "https://api.example.com"}, "no URI": {}, "a fragment": {URI: "https://b.example.com#x"}, "http": {URI: "http://b.example.com"}, "a URN": {URI: "urn:x"},
			"a standard scope": {URI: "https://b.example.com", Scopes: client.Words{"openid"}}, "no scope": {URI: "https://b.example.com", Scopes: client.Words{"a\"b"}},
			"a name": {URI: "https://b.example.com", Name: "a\nb"},
		} {
			_, err := s.CreateResource(t.Context(), nil, r)
			storagetest.WantCode(t, name, err, identity.CodeInvalidRequest)
		}
	})
}

// A secret is the client's until it is rotated, and for the overlap that was asked for.
func TestSecrets(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		s := newService(d)
		c, first, err := s.Create(t.Context(), nil, sound(func(*client.Client) {}))
		if err != nil {
			t.Fatal(err)
		}
		works := func(secret string) bool {
			t.Helper()
			now, err := s.Get(t.Context(), c.ID)
			if err != nil {
				t.Fatal(err)
			}
			return now.VerifySecret(secret, d.Clock.Now())
		}
		if !works(first) || works("") || works(first+"x") || works(string(c.SecretHash)) {
			t.Error("the secret is not what is verified")
		}
		_, second, err := s.Rotate(t.Context(), nil, c.ID, 0)
		if err != nil || works(first) || !works(second) {
			t.Errorf("rotated at once: %v", err)
		}
		_, third, err := s.Rotate(t.Context(), nil, c.ID, time.Hour)
		if err != nil || !works(second) || !works(third) {
			t.Errorf("rotated with an overlap: %v", err)
		}
		d.Clock.Advance(time.Hour)
		if works(second) || !works(third) {
			t.Error("the overlap is over")
		}
		for _, overlap := range []time.Duration{-1, client.MaxOverlap + 1} {
			_, _, err = s.Rotate(t.Context(), nil, c.ID, overlap)
			storagetest.WantCode(t, "an overlap", err, identity.CodeInvalidRequest)
		}

		app, none, err := s.Create(t.Context(), nil, sound(func(c *client.Client) { c.Kind = client.Public }))
		if err != nil || none != "" || app.VerifySecret("", d.Clock.Now()) {
			t.Errorf("a public client has %q, %v", none, err)
		}
		_, _, err = s.Rotate(t.Context(), nil, app.ID, 0)
		storagetest.WantCode(t, "a public client", err, identity.CodeInvalidRequest)

		was, err := s.Update(t.Context(), nil, c.ID, func(c *client.Client) {
			c.ID, c.Name, c.SecretHash, c.Kind, c.DocumentHash = "x", "Another", identity.HashSecret("mine"), client.Public, identity.HashSecret("d")
		})
		if err != nil || was.ID != c.ID || was.Name != "Another" || was.Kind != client.Confidential || works("mine") || !works(third) {
			t.Errorf("an update changes %+v, %v", was, err)
		}
		_, err = s.Update(t.Context(), nil, c.ID, func(c *client.Client) { c.RedirectURIs = client.Words{"http://evil.example"} })
		storagetest.WantCode(t, "an update", err, identity.CodeInvalidRequest)

		stale := identity.Actor{UserID: identity.NewID(), SessionID: identity.NewID()}
		_, _, created := s.Create(t.Context(), &stale, sound(func(*client.Client) {}))
		_, updated := s.Update(t.Context(), &stale, c.ID, func(*client.Client) {})
		_, _, rotated := s.Rotate(t.Context(), &stale, c.ID, 0)
		_, added := s.CreateResource(t.Context(), &stale, client.Resource{URI: "https://api.example.com"})
		for name, err := range map[string]error{"create": created, "update": updated, "rotate": rotated, "resource": added, "delete": s.Delete(t.Context(), &stale, c.ID)} {
			storagetest.WantCode(t, name, err, identity.CodeReauthRequired)
		}
		if err := s.Delete(t.Context(), nil, c.ID); err != nil {
			t.Error(err)
		}
		_, err = s.Get(t.Context(), c.ID)
		storagetest.WantNotFound(t, "a deleted client", err)
		storagetest.WantNotFound(t, "deleted twice", s.Delete(t.Context(), nil, c.ID))
	})
}

// What a person agrees to adds up in one grant, which they alone can end.
func TestGrants(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		s := newService(d)
		u, other := d.User(t), d.User(t)
		app, agent := d.OAuthClient(t), d.OAuthClient(t, func(c *client.Client) { c.DocumentHash = identity.HashSecret("one") })
		by := identity.Actor{UserID: u.ID, SessionID: identity.NewID()}
		agree := func(c client.Consent) client.Grant {
			t.Helper()
			g, err := s.Agree(t.Context(), by, c)
			if err != nil {
				t.Fatal(err)
			}
			return g
		}
		first := agree(client.Consent{ClientID: app.ID, Scopes: []string{"openid", "openid"}})
		events := d.Count(t, "audit_events")
		if again := agree(client.Consent{ClientID: app.ID, Scopes: []string{"openid"}}); again.ID != first.ID || d.Count(t, "audit_events") != events {
			t.Error("agreeing again is an event")
		}
		wider := agree(client.Consent{ClientID: app.ID, Scopes: []string{"email"}, Resources: []string{"https://r"}})
		storagetest.Same(t, wider.Scopes, client.Words{"openid", "email"})
		if wider.ID != first.ID || d.Count(t, "audit_events") != events+1 {
			t.Error("it is not the same grant, or no event")
		}
		for name, c := range map[string]struct {
			scopes, resources []string
			want              bool
		}{
			"all": {[]string{"email", "openid"}, []string{"https://r"}, true}, "less": {[]string{"email"}, nil, true}, "another scope": {[]string{"profile"}, nil, false},
			"another resource": {nil, []string{"https://s"}, false},
		} {
			if wider.Covers(app, c.scopes, c.resources) != c.want {
				t.Errorf("%s: covered is not %v", name, c.want)
			}
		}
		g := agree(client.Consent{ClientID: agent.ID, Scopes: []string{"openid"}, Document: &agent})
		changed := agent
		changed.DocumentHash = identity.HashSecret("two")
		if !g.Covers(agent, []string{"openid"}, nil) || g.Covers(changed, []string{"openid"}, nil) {
			t.Error("a changed document does not ask again")
		}

		_, err := s.Agree(t.Context(), identity.Actor{KeyID: &u.ID}, client.Consent{ClientID: app.ID})
		storagetest.WantCode(t, "a key agrees", err, identity.CodeForbidden)
		suspended, deleted := d.User(t, func(u *identity.User) { u.Status = identity.StatusDisabled }), d.OAuthClient(t)
		if err := s.Delete(t.Context(), nil, deleted.ID); err != nil {
			t.Error(err)
		}
		grants := d.Count(t, "client_grants")
		for name, id := range map[string]identity.ID{"suspended": suspended.ID, "unknown": identity.NewID()} {
			_, err = s.Agree(t.Context(), identity.Actor{UserID: id, SessionID: identity.NewID()}, client.Consent{ClientID: app.ID})
			storagetest.WantCode(t, name, err, identity.CodeUnauthenticated)
		}
		_, err = s.Agree(t.Context(), by, client.Consent{ClientID: deleted.ID})
		storagetest.WantNotFound(t, "a deleted client", err)
		if d.Count(t, "client_grants") != grants {
			t.Error("what was refused has left a grant")
		}
		storagetest.WantCode(t, "a key revokes", s.Revoke(t.Context(), identity.Actor{KeyID: &u.ID}, first.ID), identity.CodeForbidden)
		storagetest.WantNotFound(t, "another's", s.Revoke(t.Context(), identity.Actor{UserID: other.ID, SessionID: identity.NewID()}, first.ID))
		made := func(user identity.ID, of client.Client, grant *identity.ID) session.Session {
			return d.Session(t, user, func(s *session.Session) {
				s.Kind, s.Application = session.KindApplication, session.Application{ClientID: &of.ID, GrantID: grant}
			})
		}
		byGrant, byOther, theirs, browser := made(u.ID, app, &first.ID), made(u.ID, agent, &g.ID), made(other.ID, app, nil), d.Session(t, u.ID)
		open := func(want ...session.Session) {
			t.Helper()
			for _, one := range []session.Session{byGrant, byOther, theirs, browser} {
				var now session.Session
				d.Do(t, func(ctx context.Context) (err error) { now, err = d.LockSession(ctx, one.ID); return err })
				if wanted := slices.ContainsFunc(want, func(s session.Session) bool { return s.ID == one.ID }); wanted != (now.EndedAt == nil) {
					t.Errorf("the session of %v ended at %v", one.ClientID, now.EndedAt)
				}
			}
		}
		open(byGrant, byOther, theirs, browser)
		if err := s.Revoke(t.Context(), by, first.ID); err != nil {
			t.Error(err)
		}
		open(byOther, theirs, browser)
		storagetest.WantNotFound(t, "twice", s.Revoke(t.Context(), by, first.ID))
		if n := agree(client.Consent{ClientID: app.ID}); n.ID == first.ID {
			t.Error("a revoked grant works again")
		}
		if err := s.Delete(t.Context(), nil, app.ID); err != nil {
			t.Error(err)
		}
		open(byOther, browser)
		own, next, err := s.ListOwn(t.Context(), u.ID, identity.Page{Limit: 9})
		if err != nil || next != nil || len(own) != 1 || own[0].ClientID != agent.ID {
			t.Errorf("left: %+v, %v", own, err)
		}
	})
}

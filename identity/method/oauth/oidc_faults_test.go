package oauth_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/method/oauth"
	"github.com/latchkey/latchkey/internal/devmode"
)

func TestTroubleAtEveryEndpoint(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/.well-known/openid-configuration", "/token", "/jwks", "/userinfo"} {
		for name, trouble := range troubles {
			t.Run(path+" "+name, func(t *testing.T) {
				t.Parallel()
				i := newIssuer(t, func(i *issuer) {
					if path == "/userinfo" {
						i.metadata = func(m map[string]any) { m["userinfo_endpoint"] = i.URL + "/userinfo" }
						i.claims = func(c jwt.MapClaims) { delete(c, "email") }
					}
					i.Break(path, trouble.handler)
				})
				p := i.provider(func(c *oauth.OIDCConfig) {
					if strings.HasPrefix(name, "hangs") {
						c.Timeout = patience
					}
				})
				proof, err := i.prove(p)
				if path == "/userinfo" && name == "404" {
					if err != nil || proof.Email != "" {
						t.Fatalf("got %+v, %v; want a proof without an address", proof, err)
					}
					return
				}
				wantCode(t, err, trouble.code)
				wantNoSecrets(t, err, i.Secrets())
			})
		}
	}
}

// wantNoSecrets looks into the whole error, which goes to the logs.
func wantNoSecrets(t *testing.T, err error, secrets []string) {
	t.Helper()
	for _, secret := range append(secrets, "access-1", "code-1", "eyJ") {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%q tells %q", err, secret)
		}
	}
}

func TestTokenEndpointErrors(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		status int
		body   string
		code   identity.Code
	}{
		"code replayed":         {400, `{"error":"invalid_grant","error_description":"code-1 was used"}`, identity.CodeInvalidProof},
		"our secret is wrong":   {401, `{"error":"invalid_client"}`, identity.CodeProviderFailed},
		"other":                 {400, `{"error":"unauthorized_client"}`, identity.CodeProviderFailed},
		"error with 200":        {200, `{"error":"invalid_grant"}`, identity.CodeInvalidProof},
		"400 without error":     {400, `{}`, identity.CodeProviderFailed},
		"no access token":       {200, `{"token_type":"Bearer","id_token":"x"}`, identity.CodeProviderFailed},
		"no id token":           {200, `{"access_token":"access-1","token_type":"Bearer"}`, identity.CodeProviderFailed},
		"other token type":      {200, `{"access_token":"access-1","token_type":"DPoP","id_token":"x"}`, identity.CodeProviderFailed},
		"tokens are no strings": {200, `{"access_token":1,"token_type":"Bearer","id_token":{}}`, identity.CodeProviderFailed},
		"invalid_grant, 500":    {500, `{"error":"invalid_grant"}`, identity.CodeProviderUnavailable},
		"invalid_grant, 429":    {429, `{"error":"invalid_grant"}`, identity.CodeProviderUnavailable},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := newIssuer(t, func(i *issuer) { i.Break("/token", status(c.status, c.body)) })
			_, err := i.prove(i.provider(nil))
			wantCode(t, err, c.code)
			wantNoSecrets(t, err, i.Secrets())
			if c.code == identity.CodeProviderUnavailable && errorOf(t, err).RetryAfter != 7*time.Second {
				t.Errorf("Retry-After was lost: %+v", err)
			}
		})
	}
}

func errorOf(t *testing.T, err error) *identity.Error {
	t.Helper()
	e, ok := errors.AsType[*identity.Error](err)
	if !ok {
		t.Fatalf("%T is no *identity.Error", err)
	}
	return e
}

func TestClientAuthentication(t *testing.T) {
	t.Parallel()
	const basic, post = "client_secret_basic", "client_secret_post"
	cases := map[string]struct {
		announced []string
		held      string // the method this client is held to
	}{
		"nothing announced":      {nil, basic},
		"nothing announced, but": {nil, post},
		"basic":                  {[]string{basic}, basic},
		"post":                   {[]string{post}, post},
		"both, held to basic":    {[]string{post, basic}, basic},
		"both, held to post":     {[]string{post, basic}, post},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := newIssuer(t, func(i *issuer) {
				if c.announced != nil {
					i.metadata = func(m map[string]any) { m["token_endpoint_auth_methods_supported"] = c.announced }
				}
				i.client = devmode.Client{ID: "client:1", Secret: "s /"}
				i.Break("/token", func(w http.ResponseWriter, r *http.Request) {
					_ = r.ParseForm()
					user, password, ok := r.BasicAuth()
					if c.held == post {
						user, password = r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
					}
					if ok != (c.held == basic) || user != "client%3A1" && user != "client:1" || password != "s+%2F" && password != "s /" {
						reply(w, http.StatusUnauthorized, map[string]string{"error": "invalid_client"})
						return
					}
					i.Answer(w, r)
				})
			})
			p := i.provider(func(cfg *oauth.OIDCConfig) { cfg.ClientID, cfg.ClientSecret = "client:1", "s /" })
			if _, err := i.prove(p); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestDiscoveryIsRefused(t *testing.T) {
	t.Parallel()
	set := func(name string, value any) func(*issuer) {
		return func(i *issuer) { i.metadata = func(m map[string]any) { m[name] = value } }
	}
	cases := map[string]func(*issuer){
		"issuer other":             set("issuer", "https://evil.example"),
		"issuer missing":           set("issuer", nil),
		"issuer with a slash":      func(i *issuer) { i.metadata = func(m map[string]any) { m["issuer"] = i.URL + "/" } },
		"authorization missing":    set("authorization_endpoint", nil),
		"authorization javascript": set("authorization_endpoint", "javascript:alert(1)"),
		"authorization relative":   set("authorization_endpoint", "/authorize"),
		"token missing":            set("token_endpoint", ""),
		"token file":               set("token_endpoint", "file:///etc/passwd"),
		"token gopher":             set("token_endpoint", "gopher://127.0.0.1:25/x"),
		"token userinfo":           set("token_endpoint", "https://u:p@idp.example/token"),
		"jwks missing":             set("jwks_uri", nil),
		"jwks data":                set("jwks_uri", "data:,{}"),
		"userinfo relative":        set("userinfo_endpoint", "userinfo"),
	}
	for name, bend := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := newIssuer(t, bend)
			_, err := i.provider(nil).AuthCodeURL(context.Background(), i.flow)
			wantCode(t, err, identity.CodeProviderFailed)
		})
	}
}

func TestDiscoveryOutageIsNotKept(t *testing.T) {
	t.Parallel()
	i := newIssuer(t, nil)
	i.Break("/.well-known/openid-configuration", status(http.StatusServiceUnavailable, ""))
	p := i.provider(nil) // starting does not touch the network
	if i.Hits("/.well-known/openid-configuration") != 0 {
		t.Fatal("the provider was asked at the start")
	}
	_, err := p.AuthCodeURL(context.Background(), i.flow)
	wantCode(t, err, identity.CodeProviderUnavailable)
	i.Break("/.well-known/openid-configuration", nil)
	for range 3 {
		if _, err := p.AuthCodeURL(context.Background(), i.flow); err != nil {
			t.Fatal(err)
		}
	}
	if got := i.Hits("/.well-known/openid-configuration"); got != 2 {
		t.Errorf("discovery was fetched %d times, want 2", got)
	}
}

// The one who started the shared request may hang up; the others still get it.
func TestDiscoveryOutlivesItsFirstCaller(t *testing.T) {
	t.Parallel()
	started, release := make(chan struct{}), make(chan struct{})
	i := newIssuer(t, nil)
	i.Break("/.well-known/openid-configuration", func(w http.ResponseWriter, r *http.Request) {
		close(started) // a second request would panic here
		<-release
		i.Answer(w, r)
	})
	p := i.provider(nil)
	first, hangUp := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		_, err := p.AuthCodeURL(first, i.flow)
		if identity.ErrorCode(err) != identity.CodeProviderUnavailable {
			t.Errorf("the one who hung up got %v", err)
		}
	})
	<-started
	wg.Go(func() {
		if _, err := p.AuthCodeURL(context.Background(), i.flow); err != nil {
			t.Errorf("the one who waited got %v", err)
		}
	})
	hangUp()
	close(release)
	wg.Wait()
}

func TestUnreachableIssuer(t *testing.T) {
	t.Parallel()
	i := newIssuer(t, nil)
	p := i.provider(nil)
	i.Close()
	_, err := p.AuthCodeURL(context.Background(), i.flow)
	wantCode(t, err, identity.CodeProviderUnavailable)
}

func TestProviderCannotLeadIntoThePrivateNetwork(t *testing.T) {
	t.Parallel()
	type attack = func(i *issuer, target string)
	names := func(member string) attack {
		return func(i *issuer, target string) {
			i.metadata = func(m map[string]any) { m[member] = target + "/latest/meta-data" }
			i.claims = func(c jwt.MapClaims) { delete(c, "email") }
		}
	}
	redirects := func(path string, code int) attack {
		return func(i *issuer, target string) {
			i.Break(path, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, target+path, code) })
			i.metadata = func(m map[string]any) { m["userinfo_endpoint"] = i.URL + "/userinfo" }
			i.claims = func(c jwt.MapClaims) { delete(c, "email") }
		}
	}
	for name, bend := range map[string]attack{
		"jwks_uri":                 names("jwks_uri"),
		"token_endpoint":           names("token_endpoint"),
		"userinfo_endpoint":        names("userinfo_endpoint"),
		"jwks redirects":           redirects("/jwks", http.StatusFound),
		"discovery redirects":      redirects("/.well-known/openid-configuration", http.StatusMovedPermanently),
		"userinfo redirects":       redirects("/userinfo", http.StatusTemporaryRedirect),
		"token redirects the POST": redirects("/token", http.StatusTemporaryRedirect),
		"token redirects to a GET": redirects("/token", http.StatusSeeOther),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			local, hits := canary(t)
			for _, target := range []string{
				local, strings.Replace(local, "127.0.0.1", "localhost", 1), strings.Replace(local, "127.0.0.1", "[::ffff:127.0.0.1]", 1),
				"http://169.254.169.254", "http://10.0.0.1", "http://[::1]:1", "http://[fd00:ec2::254]",
			} {
				i := newIssuer(t, func(i *issuer) { bend(i, target) })
				_, err := i.prove(i.provider(func(c *oauth.OIDCConfig) { c.Timeout = 5 * time.Second }))
				wantCode(t, err, identity.CodeProviderFailed)
			}
			if hits.Load() != 0 {
				t.Errorf("the private server was asked %d times", hits.Load())
			}
		})
	}
}

// No picture and no other URL of a claim is ever fetched.
func TestClaimsAreNotFetched(t *testing.T) {
	t.Parallel()
	target, hits := canary(t)
	i := newIssuer(t, func(i *issuer) {
		i.claims = func(c jwt.MapClaims) {
			c["picture"], c["profile"], c["website"] = target, target, target
			c["_claim_names"] = map[string]string{"address": "src1"}
			c["_claim_sources"] = map[string]any{"src1": map[string]string{"endpoint": target}}
		}
	})
	if _, err := i.prove(i.provider(nil)); err != nil {
		t.Fatal(err)
	}
	if hits.Load() != 0 {
		t.Error("a URL of a claim was fetched")
	}
}

func TestUserInfo(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		idToken func(jwt.MapClaims)
		info    map[string]any
		email   string
		vouched bool
		code    identity.Code
	}{
		"address only there": {
			func(c jwt.MapClaims) { delete(c, "email"); delete(c, "email_verified") },
			map[string]any{"sub": "subject-1", "email": "ada@example.com", "email_verified": true}, "ada@example.com", true, "",
		},
		"address there, flag here": {
			func(c jwt.MapClaims) { delete(c, "email") },
			map[string]any{"sub": "subject-1", "email": "ada@example.com"}, "ada@example.com", false, "",
		},
		"address here, flag there": {
			func(c jwt.MapClaims) { delete(c, "email_verified") },
			map[string]any{"sub": "subject-1", "email": "ada@example.com", "email_verified": true}, "ada@example.com", false, "",
		},
		"flag as a string": {
			func(c jwt.MapClaims) { delete(c, "email") },
			map[string]any{"sub": "subject-1", "email": "ada@example.com", "email_verified": "true"}, "ada@example.com", false, "",
		},
		"somebody else": {
			func(c jwt.MapClaims) { delete(c, "email") },
			map[string]any{"sub": "subject-2", "email": "eve@example.com", "email_verified": true}, "", false, identity.CodeInvalidProof,
		},
		"no subject": {
			func(c jwt.MapClaims) { delete(c, "email") },
			map[string]any{"email": "eve@example.com", "email_verified": true}, "", false, identity.CodeInvalidProof,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := newIssuer(t, func(i *issuer) {
				i.claims = c.idToken
				i.metadata = func(m map[string]any) { m["userinfo_endpoint"] = i.URL + "/userinfo" }
				i.Break("/userinfo", func(w http.ResponseWriter, r *http.Request) {
					if !slices.Contains(i.Secrets(), strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")) {
						w.WriteHeader(http.StatusUnauthorized)
						return
					}
					reply(w, http.StatusOK, c.info)
				})
			})
			proof, err := i.prove(i.provider(nil))
			if identity.ErrorCode(err) != c.code || proof.Email != c.email || proof.EmailAuthoritative != c.vouched {
				t.Errorf("got %q, %v, %v", proof.Email, proof.EmailAuthoritative, err)
			}
		})
	}
}

func TestOIDCConfiguration(t *testing.T) {
	t.Parallel()
	good := oauth.OIDCConfig{Name: "corp", Issuer: "https://idp.example", ClientID: "c"}
	for name, bend := range map[string]func(*oauth.OIDCConfig){
		"no name":        func(c *oauth.OIDCConfig) { c.Name = "" },
		"no client":      func(c *oauth.OIDCConfig) { c.ClientID = "" },
		"no issuer":      func(c *oauth.OIDCConfig) { c.Issuer = "" },
		"issuer path":    func(c *oauth.OIDCConfig) { c.Issuer = "/idp" },
		"issuer ftp":     func(c *oauth.OIDCConfig) { c.Issuer = "ftp://idp.example" },
		"issuer query":   func(c *oauth.OIDCConfig) { c.Issuer = "https://idp.example?x=1" },
		"issuer secret":  func(c *oauth.OIDCConfig) { c.Issuer = "https://u:p@idp.example" },
		"without openid": func(c *oauth.OIDCConfig) { c.Scopes = []string{"email"} },
	} {
		cfg := good
		bend(&cfg)
		if _, err := oauth.NewOIDC(cfg); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if p, err := oauth.NewOIDC(good); err != nil || p.Name() != "corp" {
		t.Errorf("got %v, %v", p, err)
	}
}

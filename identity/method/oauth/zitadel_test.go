package oauth_test

import (
	"context"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"reflect"
	"testing"

	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/method"
	"github.com/latchkey/latchkey/identity/method/oauth"
)

// A whole round trip with an OpenID provider that somebody else wrote, including
// its login page and the replay of the code.
func TestRoundTripWithZitadelOP(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(nil)
	issuer := "http://" + server.Listener.Addr().String() + "/"
	clients := map[string]*storage.Client{}
	web := storage.WebClient("web", "secret-1", redirectURL)
	clients["web"] = web
	store := storage.NewStorageWithClients(storage.NewUserStore(issuer), clients)
	server.Config.Handler = exampleop.SetupServer(issuer, store, nil, false, op.WithAllowInsecure())
	server.Start()
	t.Cleanup(server.Close)

	p, err := oauth.NewOIDC(oauth.OIDCConfig{
		Name: "zitadel", Issuer: issuer, ClientID: "web", ClientSecret: "secret-1",
		Authoritative: func(oauth.Claims) bool { return true },
	})
	if err != nil {
		t.Fatal(err)
	}
	flow := newFlow(t, "browser")
	start, err := p.AuthCodeURL(context.Background(), flow)
	if err != nil {
		t.Fatal(err)
	}

	jar, _ := cookiejar.New(nil)
	browser := &http.Client{Jar: jar, CheckRedirect: func(req *http.Request, _ []*http.Request) error {
		if req.URL.Path == "/v1/auth/test/callback" {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	login, err := browser.Get(start)
	if err != nil {
		t.Fatal(err)
	}
	_ = login.Body.Close()
	page := login.Request.URL
	done, err := browser.PostForm(page.Scheme+"://"+page.Host+page.Path, url.Values{
		"id": {page.Query().Get("authRequestID")}, "username": {"test-user@127.0.0.1"}, "password": {"verysecure"},
	})
	if err != nil {
		t.Fatal(err)
	}
	_ = done.Body.Close()
	back, err := done.Location()
	if err != nil {
		t.Fatalf("the login page answered %d", done.StatusCode)
	}
	q := back.Query()
	if q.Get("state") != flow.State {
		t.Errorf("state came back as %q", q.Get("state"))
	}
	callback := method.Callback{Code: q.Get("code"), Issuer: q.Get("iss")}

	stolen := newFlow(t, "thief")
	_, err = p.Prove(context.Background(), stolen, callback)
	wantCode(t, err, identity.CodeInvalidProof)

	proof, err := p.Prove(context.Background(), flow, callback)
	if err != nil {
		t.Fatal(err)
	}
	want := identity.Proof{
		Provider: "zitadel", Subject: "id1", Email: "test-user@zitadel.ch", EmailAuthoritative: true, Reported: true, DisplayName: "Test User",
	}
	if !reflect.DeepEqual(proof, want) {
		t.Errorf("got %+v, want %+v", proof, want)
	}
	_, err = p.Prove(context.Background(), flow, callback)
	wantCode(t, err, identity.CodeInvalidProof)
}

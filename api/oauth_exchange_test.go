package api_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/authserver"
	"github.com/latchkey/latchkey/identity/client"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/teamsession"
	"github.com/latchkey/latchkey/identity/token"
	"github.com/latchkey/latchkey/internal/app"
	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

// A code is for the client, the address and the verifier that it was made for. What
// does not match uses nothing up.
func TestCodeIsBound(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		ada := google(t, a, apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
		o, thief := register(t, a), register(t, a)
		native := register(t, a, func(c *client.Client) {
			c.Kind, c.RedirectURIs = client.Public, client.Words{"http://127.0.0.1/cb"}
		})
		code, verifier := o.code(ada)
		wrong := func(what string, got *apptest.Answer) {
			t.Helper()
			if got.Status != http.StatusBadRequest || got.String("error") != "invalid_grant" || got.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s: %d %s", what, got.Status, got.Body)
			}
		}
		wrong("another verifier", o.exchange(t, code, oauth2.GenerateVerifier()))
		wrong("no verifier", o.exchange(t, code, ""))
		wrong("the challenge as verifier", o.exchange(t, code, oauth2.S256ChallengeFromVerifier(verifier)))
		wrong("a short verifier", o.exchange(t, code, "x"))
		wrong("another redirect URI", o.exchange(t, code, verifier, "redirect_uri", redirectURI+"/"))
		wrong("another client", thief.exchange(t, code, verifier))
		wrong("a public client", native.exchange(t, code, verifier))
		wrong("a changed code", o.exchange(t, code[:len(code)-4]+"AAAA", verifier))
		wrong("half of the code", o.exchange(t, code[:len(code)/2], verifier))
		wrong("no code of ours", o.exchange(t, "x", verifier))
		wantOAuth(t, o.exchange(t, "", verifier), http.StatusBadRequest, "invalid_request", "invalid_request")
		wantOAuth(t, o.exchange(t, code, verifier, "redirect_uri", ""), http.StatusBadRequest, "invalid_request", "invalid_request")
		wantOAuth(t, o.exchange(t, code, verifier, "client_secret", "x"), http.StatusUnauthorized, "invalid_client", "invalid_client")
		wantOAuth(t, o.exchange(t, code, verifier, "client_id", "x"), http.StatusUnauthorized, "invalid_client", "invalid_client")
		wantOAuth(t, o.exchange(t, code, verifier, "resource", "https://api.example.com"), http.StatusBadRequest, "invalid_target", "invalid_target")
		wantOAuth(t, o.exchange(t, code, verifier, "client_assertion", "eyJ"), http.StatusUnauthorized, "invalid_client", "invalid_client")
		wantOAuth(t, o.token(t, "grant_type", "password"), http.StatusBadRequest, "unsupported_grant_type", "unsupported_grant_type")
		wantOAuth(t, o.token(t), http.StatusBadRequest, "invalid_request", "invalid_request")
		got := o.exchange(t, code, verifier, "unknown", "x").Want(http.StatusOK)
		if got.String("token_type") != "Bearer" || got.Get("expires_in") != 300.0 || got.String("scope") != "openid profile email" || got.Header.Get("Cache-Control") != "no-store" || got.Header.Get("Pragma") != "no-cache" {
			t.Errorf("%s %v", got.Body, got.Header)
		}
		// By HTTP Basic, whose parts are encoded as in a form.
		code, verifier = o.code(ada)
		form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {redirectURI}, "code_verifier": {verifier}}
		basic := func(id, secret string) string {
			return "Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+secret))
		}
		denied := post(a.Browser(), "/oauth2/token", form, "Authorization", basic(o.ID, "x"))
		wantOAuth(t, denied, http.StatusUnauthorized, "invalid_client", "invalid_client")
		if !strings.HasPrefix(denied.Header.Get("WWW-Authenticate"), "Basic ") {
			t.Errorf("%v", denied.Header)
		}
		wantOAuth(t, post(a.Browser(), "/oauth2/token", form, "Authorization", "Bearer x"), http.StatusUnauthorized, "invalid_client", "invalid_client")
		form.Set("client_secret", o.Secret)
		wantOAuth(t, post(a.Browser(), "/oauth2/token", form, "Authorization", basic(o.ID, o.Secret)), http.StatusBadRequest, "invalid_request", "invalid_request")
		form.Del("client_secret")
		post(a.Browser(), "/oauth2/token", form, "Authorization", basic(url.QueryEscape(o.ID), url.QueryEscape(o.Secret))).Want(http.StatusOK)

		// It works for a minute, and not without the session.
		code, verifier = o.code(ada)
		a.Advance(time.Minute)
		wrong("after a minute", o.exchange(t, code, verifier))
		code, verifier = o.code(ada)
		ada.DELETE("/v1/session").Want(http.StatusNoContent)
		wrong("after signing out", o.exchange(t, code, verifier))
	})
}

// The form is the only way to send parameters, and each comes once.
func TestTokenEndpointTakesForms(t *testing.T) {
	t.Parallel()
	a := apptest.SQLite(t)
	o := register(t, a)
	b := a.Browser()
	wantOAuth(t, b.POST("/oauth2/token", object{"grant_type": "authorization_code"}), http.StatusUnsupportedMediaType, "invalid_request", "unsupported_media_type")
	wantOAuth(t, post(b, "/oauth2/token?client_secret=x", url.Values{"grant_type": {"authorization_code"}}), http.StatusBadRequest, "invalid_request", "invalid_request")
	wantOAuth(t, post(b, "/oauth2/token", url.Values{"grant_type": {"authorization_code", "refresh_token"}}), http.StatusBadRequest, "invalid_request", "invalid_request")
	wantOAuth(t, post(b, "/oauth2/token", url.Values{}), http.StatusBadRequest, "invalid_request", "invalid_request")
	wantOAuth(t, o.token(t, "grant_type", strings.Repeat("x", 70<<10)), http.StatusRequestEntityTooLarge, "invalid_request", "body_too_large")
	b.GET("/oauth2/token").Want(http.StatusMethodNotAllowed)
}

// A code that comes back ends what its first use made, however late, and nothing else.
func TestCodeReplay(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		ada := google(t, a, apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
		o := register(t, a)
		for name, wait := range map[string]time.Duration{"at once": 0, "after the code's life": 2 * time.Minute} {
			other := o.signIn(ada)
			code, verifier := o.code(ada)
			first := o.exchange(t, code, verifier).Want(http.StatusOK)
			a.Advance(wait)
			// One who has only the code ends nothing.
			wantOAuth(t, o.exchange(t, code, oauth2.GenerateVerifier()), http.StatusBadRequest, "invalid_grant", "invalid_grant")
			o.userinfo(t, first.String("access_token")).Want(http.StatusOK)
			wantOAuth(t, o.exchange(t, code, verifier), http.StatusBadRequest, "invalid_grant", "invalid_grant")
			o.dead(t, name, first.String("access_token"), first.String("refresh_token"))
			o.userinfo(t, other.AccessToken).Want(http.StatusOK)
			ada.GET("/v1/session").Want(http.StatusOK)
		}
		history := ada.GET("/v1/me/history").Want(http.StatusOK)
		if !strings.Contains(string(history.Body), `"code.replayed"`) || !strings.Contains(string(history.Body), `"application.signed_in"`) {
			t.Errorf("%s", history.Body)
		}
	})
}

func TestCodeIsUsedOnce(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		ada := google(t, a, apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
		o := register(t, a)
		code, verifier := o.code(ada)
		const n = 8
		answers := make(chan *apptest.Answer, n)
		for range n {
			go func() { answers <- o.exchange(t, code, verifier) }()
		}
		worked := 0
		for range n {
			if got := <-answers; got.Status == http.StatusOK {
				worked++
				defer o.dead(t, "used "+"in parallel", got.String("access_token"), got.String("refresh_token"))
			}
		}
		if worked != 1 {
			t.Errorf("%d of %d uses worked", worked, n)
		}
	})
}

// speechless is an application's backend that fails when it is asked for claims.
type speechless struct{}

func (speechless) AppClaims(context.Context, token.ClaimQuestion) (json.RawMessage, error) {
	return nil, identity.NewError(identity.CodeUnavailable, "no claims")
}

// What happens between reading the client and using the code, and after that, on an
// authorization server that is asked without the API.
func TestExchangeUnderWay(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		ada := google(t, a, apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
		clients, log := app.Clients(a.Config, a.DB, a.Now), slog.New(slog.DiscardHandler)
		server := func(source token.ClaimSource) *authserver.Service {
			remembered := session.NewCache(a.Config.SessionCache)
			t.Cleanup(remembered.Close)
			sessions := session.NewService(a.DB, remembered, session.Limits{Idle: a.Config.SessionIdle, Lifetime: a.Config.SessionLifetime}, a.Now)
			tokens := token.NewService(a.DB, app.Keyring(a.Config, a.DB, log, a.Now), sessions, nil, a.Config.Secrets(), token.Options{
				Issuer: a.URL, Claims: source, IDTokenKeys: app.IDTokenKeyrings(a.Config, a.DB, log, a.Now),
			}, a.Now)
			return authserver.New(authserver.Deps{Store: a.DB, Sessions: teamsession.NewService(a.DB, sessions, a.Now), Tokens: tokens, Consents: clients, Secrets: a.Config.Secrets(), Issuer: a.URL, Now: a.Now})
		}
		exchange := func(o application, s *authserver.Service, meanwhile func()) error {
			code, verifier := o.code(ada)
			c, err := s.Client(t.Context(), authserver.Credentials{ID: o.ID, Secret: o.Secret})
			if err != nil {
				t.Fatal(err)
			}
			meanwhile()
			form := url.Values{"code": {code}, "redirect_uri": {redirectURI}, "code_verifier": {verifier}}
			_, err = s.Exchange(t.Context(), c, form, identity.RequestOrigin{})
			return err
		}
		made := func(o application) int { return a.Count("sessions", "client_id = '%s'", o.ID) }

		kept := register(t, a)
		if err := exchange(kept, server(nil), func() {}); err != nil || made(kept) != 1 {
			t.Errorf("%d sessions, %v", made(kept), err)
		}
		deleted := register(t, a)
		err := exchange(deleted, server(nil), func() {
			if err := clients.Delete(t.Context(), nil, deleted.ID); err != nil {
				t.Fatal(err)
			}
		})
		if identity.ErrorCode(err) != identity.CodeInvalidGrant || made(deleted) != 0 {
			t.Errorf("a client that was deleted: %d sessions, %v", made(deleted), err)
		}
		// Tokens that could not be signed leave no session that goes on, and the error is theirs.
		unsigned := register(t, a)
		err = exchange(unsigned, server(speechless{}), func() {})
		if identity.ErrorCode(err) != identity.CodeUnavailable || made(unsigned) != 1 ||
			a.Count("sessions", "client_id = '%s' AND end_reason = 'not_signed'", unsigned.ID) != 1 {
			t.Errorf("tokens that were not signed: %d sessions, %v", made(unsigned), err)
		}
		if history := ada.GET("/v1/me/history").Want(http.StatusOK); !strings.Contains(string(history.Body), `"session.ended"`) {
			t.Errorf("%s", history.Body)
		}
	})
}

func TestRefreshOfAnApplication(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		ada := google(t, a, apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
		o, other := register(t, a), register(t, a)
		got := o.signIn(ada)
		wantOAuth(t, o.refresh(t, got.RefreshToken, "scope", "openid wallets"), http.StatusBadRequest, "invalid_scope", "invalid_scope")
		wantOAuth(t, o.refresh(t, got.RefreshToken, "resource", "https://api.example.com"), http.StatusBadRequest, "invalid_target", "invalid_target")
		wantOAuth(t, other.refresh(t, got.RefreshToken), http.StatusBadRequest, "invalid_grant", "invalid_grant")
		wantOAuth(t, o.refresh(t, ""), http.StatusBadRequest, "invalid_request", "invalid_request")
		wantOAuth(t, o.refresh(t, got.AccessToken), http.StatusBadRequest, "invalid_grant", "invalid_grant")
		less := o.refresh(t, got.RefreshToken, "scope", "openid").Want(http.StatusOK)
		if less.String("scope") != "openid" || o.userinfo(t, less.String("access_token")).Want(http.StatusOK).Get("email") != nil {
			t.Errorf("%s", less.Body)
		}
		// An answer that was lost is given again; then everything that was granted is.
		again := o.refresh(t, got.RefreshToken).Want(http.StatusOK)
		if again.String("refresh_token") != less.String("refresh_token") || again.String("scope") != "openid profile email" {
			t.Errorf("%s", again.Body)
		}
		newest := o.refresh(t, again.String("refresh_token"), "scope", "openid email openid").Want(http.StatusOK)
		if newest.String("scope") != "openid email" {
			t.Errorf("%s", newest.Body)
		}
		// Two hold the same token: the application's session ends, the browser's does not.
		wantOAuth(t, o.refresh(t, got.RefreshToken, "client_ip", "x\x00"), http.StatusBadRequest, "invalid_grant", "invalid_grant")
		if n := a.Count("audit_events", "action = 'refresh.reused' AND NOT EXISTS (SELECT 1 FROM audit_keys AS k WHERE k.event_id = id AND k.ip IS NOT NULL)"); n != 1 {
			t.Errorf("%d events without an address: one that is none is kept", n)
		}
		o.dead(t, "reused", newest.String("access_token"), newest.String("refresh_token"))
		ada.GET("/v1/session").Want(http.StatusOK)
		// Tokens of one endpoint are none of the other.
		got = o.signIn(ada)
		a.Browser().POST("/v1/token/refresh", object{"refresh_token": got.RefreshToken, "client_id": "default"}).Want(http.StatusUnauthorized)
		once := register(t, a, func(c *client.Client) { c.Grants = client.Words{client.GrantCode} })
		if only := once.signIn(ada); only.RefreshToken != "" {
			t.Error("a refresh token for a client without the grant")
		}
		wantOAuth(t, once.refresh(t, got.RefreshToken), http.StatusBadRequest, "unauthorized_client", "unauthorized_client")
	})
}

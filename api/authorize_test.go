package api_test

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/latchkey/latchkey/identity/client"
	"github.com/latchkey/latchkey/internal/app"
	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

const redirectURI = "https://app.example.net/callback"

// application is one that signs people in by the authorization server, on the
// libraries that Go applications use.
type application struct {
	*apptest.App
	ID, Secret string
	oauth      oauth2.Config
	provider   *oidc.Provider
	ctx        context.Context
}

// register registers an application: a trusted server, unless edit says otherwise.
func register(t *testing.T, a *apptest.App, edit ...func(*client.Client)) application {
	t.Helper()
	c := client.Client{
		Name: "App", Kind: client.Confidential, Trusted: true, RedirectURIs: client.Words{redirectURI},
		Grants: client.Words{client.GrantCode, client.GrantRefresh}, Scopes: client.StandardScopes,
	}
	for _, e := range edit {
		e(&c)
	}
	made, secret, err := app.Clients(a.Config, a.DB, a.Now).Create(t.Context(), nil, c)
	if err != nil {
		t.Fatal(err)
	}
	ctx := oidc.ClientContext(t.Context(), a.Browser().Client)
	provider, err := oidc.NewProvider(ctx, a.URL)
	if err != nil {
		t.Fatal(err)
	}
	return application{a, made.ID, secret, oauth2.Config{
		ClientID: made.ID, ClientSecret: secret, Endpoint: provider.Endpoint(), RedirectURL: c.RedirectURIs[0],
		Scopes: []string{"openid", "profile", "email"},
	}, provider, ctx}
}

// visit sends a browser to the authorization endpoint and returns where it leads.
func (o application) visit(b *apptest.Browser, options ...oauth2.AuthCodeOption) *url.URL {
	b.T.Helper()
	return o.follow(b, o.oauth.AuthCodeURL("state", options...))
}

func (o application) follow(b *apptest.Browser, to string) *url.URL {
	b.T.Helper()
	u, err := url.Parse(b.GET(to).Want(http.StatusFound).Header.Get("Location"))
	if err != nil {
		b.T.Fatal(err)
	}
	return u
}

// code returns the code that a browser brings back, and its verifier.
func (o application) code(b *apptest.Browser, options ...oauth2.AuthCodeOption) (code, verifier string) {
	b.T.Helper()
	verifier = oauth2.GenerateVerifier()
	to := o.visit(b, append(options, oauth2.S256ChallengeOption(verifier))...)
	if q := to.Query(); q.Get("code") == "" || q.Get("state") != "state" || q.Get("iss") != o.URL || !strings.HasPrefix(to.String(), o.oauth.RedirectURL) {
		b.T.Fatalf("no code: %s", to)
	}
	return to.Query().Get("code"), verifier
}

// signIn returns the tokens of a whole sign-in.
func (o application) signIn(b *apptest.Browser, options ...oauth2.AuthCodeOption) *oauth2.Token {
	b.T.Helper()
	code, verifier := o.code(b, options...)
	got, err := o.oauth.Exchange(o.ctx, code, oauth2.VerifierOption(verifier))
	if err != nil {
		b.T.Fatal(err)
	}
	return got
}

// idToken verifies the ID token of an answer, as go-oidc does.
func (o application) idToken(t *testing.T, got *oauth2.Token) (*oidc.IDToken, map[string]any) {
	t.Helper()
	raw, _ := got.Extra("id_token").(string)
	parsed, err := o.provider.VerifierContext(o.ctx, &oidc.Config{ClientID: o.ID, Now: o.Now}).Verify(o.ctx, raw)
	if err != nil {
		t.Fatal(err)
	}
	if err := parsed.VerifyAccessToken(got.AccessToken); err != nil {
		t.Error(err)
	}
	var claims map[string]any
	if err := parsed.Claims(&claims); err != nil {
		t.Fatal(err)
	}
	return parsed, claims
}

// post sends a form to an endpoint.
func post(b *apptest.Browser, path string, form url.Values, header ...string) *apptest.Answer {
	b.T.Helper()
	req, err := http.NewRequestWithContext(b.T.Context(), http.MethodPost, b.App.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.T.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	return b.Send(req)
}

// token sends a form to the token endpoint, with the application's credentials.
func (o application) token(t *testing.T, form ...string) *apptest.Answer {
	t.Helper()
	values := url.Values{"client_id": {o.ID}}
	if o.Secret != "" {
		values.Set("client_secret", o.Secret)
	}
	for i := 0; i+1 < len(form); i += 2 {
		values.Set(form[i], form[i+1])
	}
	return post(o.Browser().In(t), "/oauth2/token", values)
}

func (o application) exchange(t *testing.T, code, verifier string, more ...string) *apptest.Answer {
	t.Helper()
	return o.token(t, append([]string{"grant_type", "authorization_code", "code", code, "redirect_uri", o.oauth.RedirectURL, "code_verifier", verifier}, more...)...)
}

func (o application) refresh(t *testing.T, token string, more ...string) *apptest.Answer {
	t.Helper()
	return o.token(t, append([]string{"grant_type", "refresh_token", "refresh_token", token}, more...)...)
}

// userinfo asks who an access token is of.
func (o application) userinfo(t *testing.T, access string) *apptest.Answer {
	t.Helper()
	b := o.Browser().In(t)
	b.Bearer = access
	return b.GET("/oauth2/userinfo")
}

// dead asserts that the tokens of an answer are refused everywhere, at once.
func (o application) dead(t *testing.T, what, access, refresh string) {
	t.Helper()
	if a := o.userinfo(t, access); a.Status != http.StatusUnauthorized || !strings.Contains(a.Header.Get("WWW-Authenticate"), `error="invalid_token"`) {
		t.Errorf("%s: userinfo answers %d %s", what, a.Status, a.Body)
	}
	if a := o.introspect(t, access); a.Get("active") != false {
		t.Errorf("%s: active: %s", what, a.Body)
	}
	if refresh != "" {
		wantOAuth(t, o.refresh(t, refresh), http.StatusBadRequest, "invalid_grant", "invalid_grant")
	}
}

func (o application) introspect(t *testing.T, raw string) *apptest.Answer {
	t.Helper()
	return post(o.Browser().In(t), "/oauth2/introspect", url.Values{"client_id": {o.ID}, "client_secret": {o.Secret}, "token": {raw}}).Want(http.StatusOK)
}

func TestSignInToAnApplication(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		ada := google(t, a, apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
		o := register(t, a)
		got := o.signIn(ada, oidc.Nonce("n1"))
		id, claims := o.idToken(t, got)
		session := ada.GET("/v1/session")
		if id.Subject != me(ada) || id.Nonce != "n1" || claims["email"] != "ada@gmail.com" || claims["email_verified"] != true || claims["name"] != "Ada" ||
			claims["sid"] == session.String("session.id") || claims["azp"] != o.ID || id.Expiry.Sub(id.IssuedAt) != 5*time.Minute ||
			!slices.Equal(claims["amr"].([]any), []any{"google"}) {
			t.Errorf("%v", claims)
		}
		info, err := o.provider.UserInfo(o.ctx, oauth2.StaticTokenSource(got))
		if err != nil || info.Subject != id.Subject || info.Email != "ada@gmail.com" || !info.EmailVerified {
			t.Errorf("%+v %v", info, err)
		}
		byHeader := post(a.Browser(), "/oauth2/userinfo", nil, "Authorization", "bearer "+got.AccessToken).Want(http.StatusOK)
		inBody := post(a.Browser(), "/oauth2/userinfo", url.Values{"access_token": {got.AccessToken}}).Want(http.StatusOK)
		if byHeader.String("sub") != id.Subject || inBody.String("sub") != id.Subject {
			t.Errorf("%s %s", byHeader.Body, inBody.Body)
		}
		post(a.Browser(), "/oauth2/userinfo", url.Values{"access_token": {got.AccessToken}}, "Authorization", "Bearer "+got.AccessToken).Want(http.StatusBadRequest)
		ada.GET("/oauth2/userinfo").Want(http.StatusUnauthorized) // a cookie is no access token
		// The access token is one, with the application's session.
		access := claimsOf(t, ada, got.AccessToken)
		if access["sid"] != claims["sid"] || access["client_id"] != o.ID || access["scope"] != "openid profile email" || access["aud"].([]any)[0] != a.URL {
			t.Errorf("%v", access)
		}
		if i := o.introspect(t, got.AccessToken); i.Get("active") != true || i.String("sub") != id.Subject || i.String("client_id") != o.ID || i.String("scope") != "openid profile email" {
			t.Errorf("%s", i.Body)
		}
		// x/oauth2 refreshes by itself.
		next, err := o.oauth.TokenSource(o.ctx, &oauth2.Token{RefreshToken: got.RefreshToken, Expiry: time.Now().Add(-time.Hour)}).Token()
		if err != nil || next.RefreshToken == got.RefreshToken || next.AccessToken == got.AccessToken {
			t.Fatalf("%+v %v", next, err)
		}
		if again, _ := o.idToken(t, next); again.Subject != id.Subject || again.Nonce != "" {
			t.Errorf("%+v", again)
		}
		// Signing out of the browser ends it.
		ada.DELETE("/v1/session").Want(http.StatusNoContent)
		o.dead(t, "signed out", next.AccessToken, next.RefreshToken)
	})
}

func claimsOf(t *testing.T, b *apptest.Browser, raw string) map[string]any {
	t.Helper()
	return claims(t, b, raw)
}

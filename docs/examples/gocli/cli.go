// Package gocli is the Go example of docs/applications.md: a command line that signs
// people in by their browser, stays signed in between its runs, and signs out.
package gocli

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// CLI is a command line that people sign in to.
type CLI struct {
	Issuer   string                 // LATCHKEY_PUBLIC_URL
	ClientID string                 // of a public client
	File     string                 // where the tokens are kept, in a folder of the person's own
	Open     func(url string) error // opens the person's browser
	Out      io.Writer              // what the person reads
}

// User is who signed in.
type User struct {
	ID   string `json:"sub"`
	Name string `json:"name"`
}

// ErrSignedOut says that the person has to sign in: for the first time, or because the
// session was ended on the account page or by an administrator.
var ErrSignedOut = errors.New("you are not signed in")

func (c *CLI) config(ctx context.Context) (*oidc.Provider, *oauth2.Config, error) {
	provider, err := oidc.NewProvider(ctx, c.Issuer)
	if err != nil {
		return nil, nil, err
	}
	return provider, &oauth2.Config{
		ClientID: c.ClientID, Endpoint: provider.Endpoint(), Scopes: []string{oidc.ScopeOpenID, "profile", oidc.ScopeOfflineAccess},
	}, nil
}

// Login sends the person's browser to Latchkey and waits for the answer on a free port.
func (c *CLI) Login(ctx context.Context) (User, error) {
	provider, config, err := c.config(ctx)
	if err != nil {
		return User{}, err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return User{}, err
	}
	config.RedirectURL = "http://" + listener.Addr().String() + "/callback"
	state, nonce, verifier := rand.Text(), rand.Text(), oauth2.GenerateVerifier()
	answers := make(chan url.Values, 1)
	server := &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		if r.URL.Path != "/callback" || q.Get("state") != state || q.Get("iss") != c.Issuer {
			http.NotFound(w, r) // not the answer: the page of a stranger may ask
			return
		}
		_, _ = fmt.Fprintln(w, "You can close this window and go back to the terminal.")
		select {
		case answers <- q:
		default: // the first counts
		}
	})}
	go func() { _ = server.Serve(listener) }()
	defer func() { _ = server.Shutdown(context.WithoutCancel(ctx)) }()

	to := config.AuthCodeURL(state, oidc.Nonce(nonce), oauth2.S256ChallengeOption(verifier))
	if err := c.Open(to); err != nil {
		_, _ = fmt.Fprintln(c.Out, "Open this address in your browser:", to)
	}
	var answer url.Values
	select {
	case <-ctx.Done():
		return User{}, ctx.Err()
	case answer = <-answers:
	}
	if refused := answer.Get("error"); refused != "" {
		return User{}, fmt.Errorf("%s: %s", refused, answer.Get("error_description"))
	}
	token, err := config.Exchange(ctx, answer.Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		return User{}, err
	}
	return c.finish(ctx, provider, token, nonce)
}

// LoginElsewhere signs in without a browser on this machine, as on a server: the person
// enters a code on another device. The client needs the grant device_code.
func (c *CLI) LoginElsewhere(ctx context.Context) (User, error) {
	provider, config, err := c.config(ctx)
	if err != nil {
		return User{}, err
	}
	codes, err := config.DeviceAuth(ctx)
	if err != nil {
		return User{}, err
	}
	_, _ = fmt.Fprintf(c.Out, "Open %s on any device and enter %s\n", codes.VerificationURI, codes.UserCode)
	token, err := config.DeviceAccessToken(ctx, codes) // waits until the person has decided
	if err != nil {
		return User{}, err
	}
	return c.finish(ctx, provider, token, "")
}

func (c *CLI) finish(ctx context.Context, provider *oidc.Provider, token *oauth2.Token, nonce string) (User, error) {
	raw, _ := token.Extra("id_token").(string)
	id, err := provider.Verifier(&oidc.Config{ClientID: c.ClientID}).Verify(ctx, raw)
	if err != nil {
		return User{}, err
	}
	if id.Nonce != nonce {
		return User{}, errors.New("the ID token is of another sign-in")
	}
	var u User
	if err := id.Claims(&u); err != nil {
		return User{}, err
	}
	return u, c.save(token)
}

// AccessToken returns a token for calls of an API. It refreshes one that has expired:
// a refresh token works once, so what comes back is kept before it is used.
func (c *CLI) AccessToken(ctx context.Context) (string, error) {
	kept, err := c.load()
	if err != nil {
		return "", err
	}
	_, config, err := c.config(ctx)
	if err != nil {
		return "", err
	}
	token, err := config.TokenSource(ctx, kept).Token()
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) && refused.ErrorCode == "invalid_grant" {
		return "", errors.Join(ErrSignedOut, os.Remove(c.File))
	}
	if err != nil {
		return "", err
	}
	if token.AccessToken != kept.AccessToken {
		err = c.save(token)
	}
	return token.AccessToken, err
}

// Logout ends the session at Latchkey and forgets the tokens.
func (c *CLI) Logout(ctx context.Context) error {
	kept, err := c.load()
	if err != nil {
		return err
	}
	provider, _, err := c.config(ctx)
	if err != nil {
		return err
	}
	var metadata struct {
		Revocation string `json:"revocation_endpoint"`
	}
	if err := provider.Claims(&metadata); err != nil {
		return err
	}
	form := url.Values{"client_id": {c.ClientID}, "token": {kept.RefreshToken}}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, metadata.Revocation, strings.NewReader(form))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("signing out: %s", res.Status)
	}
	return os.Remove(c.File)
}

func (c *CLI) load() (*oauth2.Token, error) {
	raw, err := os.ReadFile(c.File)
	if errors.Is(err, os.ErrNotExist) {
		return nil, ErrSignedOut
	}
	if err != nil {
		return nil, err
	}
	var token oauth2.Token
	return &token, json.Unmarshal(raw, &token)
}

// save replaces the file in one step, readable by the person alone.
func (c *CLI) save(token *oauth2.Token) error {
	raw, err := json.Marshal(token)
	if err != nil {
		return err
	}
	if err := os.WriteFile(c.File+".new", raw, 0o600); err != nil {
		return err
	}
	return os.Rename(c.File+".new", c.File)
}

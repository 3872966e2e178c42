package oauth

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/oauth2"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/method"
)

// token is what the token endpoint granted. It lives no longer than one proof
// and is never logged.
type token struct{ access, id string }

// errInvalidClient is the token endpoint's `invalid_client`.
var errInvalidClient = errors.New("token endpoint: invalid_client")

// refusedCodes say that the code itself is not, or no longer, good. The second
// is GitHub's word for invalid_grant.
var refusedCodes = map[string]bool{"invalid_grant": true, "bad_verification_code": true}

// exchange redeems the code of a callback. styles are how the client may send its secret
// (OpenID Connect Core section 9), in the order to try. x/oauth2 can try both itself, but
// does so after any error, when the code may already be used up.
func (r remote) exchange(ctx context.Context, cfg oauth2.Config, flow method.Flow, code string, styles ...oauth2.AuthStyle) (token, error) {
	cfg.RedirectURL = flow.RedirectURL
	if cfg.ClientSecret == "" { // a public client names itself in the body
		styles = []oauth2.AuthStyle{oauth2.AuthStyleInParams}
	}
	ctx = context.WithValue(ctx, oauth2.HTTPClient, &http.Client{Transport: tokenTransport{r}})
	var err error
	for _, style := range styles {
		cfg.Endpoint.AuthStyle = style
		var granted *oauth2.Token
		if granted, err = cfg.Exchange(ctx, code, oauth2.VerifierOption(flow.Verifier)); err == nil {
			id, _ := granted.Extra("id_token").(string)
			return token{access: granted.AccessToken, id: id}, nil
		}
		// Issuers list every method they know, but hold each client to the one it
		// was registered with. The client is checked before the code is used up.
		if !errors.Is(err, errInvalidClient) {
			break
		}
	}
	var known *identity.Error
	if !errors.As(err, &known) {
		// An error of x/oauth2 itself may quote the response, and a token in it.
		known = Failed(r.name, "token endpoint: %T", err)
	}
	return token{}, known
}

// tokenTransport sends a token request like every other request to a provider. It returns
// a response that grants tokens, with only the members that are used, and a typed error
// for anything else. Without it, x/oauth2 returns one kind of untyped error for timeouts,
// HTML and oversized responses, quotes the response in it, and ignores the case of
// members.
type tokenTransport struct{ remote remote }

// RoundTrip implements http.RoundTripper.
func (t tokenTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := t.remote.do(req.Clone(req.Context()))
	if err != nil {
		return nil, err
	}
	granted, err := t.remote.readGrant(res)
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(granted)
	if err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Request: req,
		Body: io.NopCloser(bytes.NewReader(body)),
	}, nil
}

// readGrant returns the members of a response that grants tokens. The error is a
// *identity.Error.
func (r remote) readGrant(res *Response) (map[string]string, error) {
	if res.Status == http.StatusTooManyRequests || res.Status >= 500 {
		return nil, StatusError(r.name, "token endpoint", res)
	}
	reply, ok := parseTokenReply(res)
	if !ok {
		return nil, Failed(r.name, "token endpoint: status %d with an unreadable body", res.Status)
	}
	// GitHub reports errors with status 200.
	if code := reply.Text("error"); code != "" {
		if refusedCodes[code] {
			return nil, Unproven(r.name, "token endpoint: %.64q", code)
		}
		if code == "invalid_client" {
			return nil, Failed(r.name, "%w", errInvalidClient)
		}
		return nil, Failed(r.name, "token endpoint: status %d, %.64q", res.Status, code)
	}
	if res.Status != http.StatusOK {
		return nil, StatusError(r.name, "token endpoint", res)
	}
	granted := map[string]string{}
	for _, name := range []string{"access_token", "token_type", "id_token"} {
		if v := reply.Text(name); v != "" {
			granted[name] = v
		}
	}
	if kind := granted["token_type"]; granted["access_token"] == "" || kind != "" && !strings.EqualFold(kind, "Bearer") {
		return nil, Failed(r.name, "token endpoint: no bearer token")
	}
	return granted, nil
}

// parseTokenReply reads JSON, or the form encoding that GitHub falls back to.
func parseTokenReply(res *Response) (Object, bool) {
	media, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if media != "application/x-www-form-urlencoded" {
		return ParseObject(res.Body)
	}
	values, err := url.ParseQuery(string(res.Body))
	if err != nil {
		return nil, false
	}
	reply := make(Object, len(values))
	for name := range values {
		quoted, err := json.Marshal(values.Get(name))
		if err != nil {
			return nil, false
		}
		reply[name] = quoted
	}
	return reply, true
}

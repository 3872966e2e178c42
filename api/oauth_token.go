package api

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/latchkey/latchkey/api/contract"
	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/apikey"
	"github.com/latchkey/latchkey/identity/authserver"
	"github.com/latchkey/latchkey/identity/client"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/token"
)

// credentialsOf reads how a client says who it is (RFC 6749, section 2.3.1). It uses one
// way only.
func credentialsOf(c *gin.Context, form url.Values) (authserver.Credentials, error) {
	by := authserver.Credentials{ID: form.Get("client_id"), Secret: form.Get("client_secret")}
	if form.Has("client_assertion") || form.Has("client_assertion_type") {
		return by, identity.NewError(identity.CodeInvalidClient, "authenticate with HTTP Basic or client_secret")
	}
	h := c.GetHeader("Authorization")
	if h == "" {
		return by, nil
	}
	id, secret, ok := c.Request.BasicAuth()
	if !ok {
		return by, identity.NewError(identity.CodeInvalidClient, "authenticate with HTTP Basic or client_secret")
	}
	// Both are encoded as in a form. Many clients send them as they are.
	id, secret = formDecoded(id), formDecoded(secret)
	if by.Secret != "" && secret != "" || by.ID != "" && by.ID != id {
		return by, errInvalidRequest("the client authenticates in two ways")
	}
	return authserver.Credentials{ID: id, Secret: secret}, nil
}

// clientOf returns the client that a form is from, once it has authenticated.
func (s *Server) clientOf(ctx context.Context) (client.Client, error) {
	by, err := credentialsOf(ctx.(*gin.Context), requestInfoOf(ctx).form)
	if err != nil {
		return client.Client{}, err
	}
	return s.AuthServer.Client(ctx, by)
}

func formDecoded(s string) string {
	if decoded, err := url.QueryUnescape(s); err == nil {
		return decoded
	}
	return s
}

// ExchangeToken is the token endpoint.
func (s *Server) ExchangeToken(ctx context.Context, _ contract.ExchangeTokenRequestObject) (contract.ExchangeTokenResponseObject, error) {
	c, info := ctx.(*gin.Context), requestInfoOf(ctx)
	by, err := credentialsOf(c, info.form)
	if err != nil {
		return nil, err
	}
	t, err := s.exchange(ctx, by, info)
	if err != nil {
		return nil, err
	}
	return contract.ExchangeToken200JSONResponse{
		Headers: contract.ExchangeToken200ResponseHeaders{Pragma: new("no-cache")},
		Body: contract.OAuthTokens{
			AccessToken: t.Access, TokenType: contract.OAuthTokensTokenTypeBearer, ExpiresIn: int(t.ExpiresIn.Seconds()),
			RefreshToken: optional(t.Refresh), IdToken: optional(t.ID), Scope: optional(strings.Join(t.Scopes, " ")),
		},
	}, nil
}

func (s *Server) exchange(ctx context.Context, by authserver.Credentials, info *requestInfo) (authserver.Tokens, error) {
	grant := info.form.Get("grant_type")
	switch grant {
	case "":
		return authserver.Tokens{}, errInvalidRequest("grant_type is missing").WithField("grant_type")
	case "client_credentials":
		return s.AuthServer.ClientCredentials(ctx, by, info.form)
	case client.GrantCode, client.GrantRefresh, client.GrantDevice:
	default:
		return authserver.Tokens{}, identity.NewError(identity.CodeUnsupportedGrant, "this grant type is not supported").WithField("grant_type")
	}
	if grant == client.GrantRefresh && s.Tokens.Configured(by.ID) {
		g, err := s.Tokens.Refresh(ctx, info.form.Get("refresh_token"), by.ID, info.origin)
		return authserver.Tokens{Access: g.AccessToken, ExpiresIn: g.ExpiresIn, Refresh: g.RefreshToken}, err
	}
	app, err := s.AuthServer.Client(ctx, by)
	if err != nil {
		return authserver.Tokens{}, err
	}
	info.form.Set("client_ip", hopText(info.form.Get("client_ip")))
	switch grant {
	case client.GrantRefresh:
		return s.AuthServer.Refresh(ctx, app, info.form, info.origin)
	case client.GrantDevice:
		return s.AuthServer.ExchangeDevice(ctx, app, info.form, info.origin)
	}
	return s.AuthServer.Exchange(ctx, app, info.form, info.origin)
}

// RevokeToken ends the session of a token.
func (s *Server) RevokeToken(ctx context.Context, _ contract.RevokeTokenRequestObject) (contract.RevokeTokenResponseObject, error) {
	info := requestInfoOf(ctx)
	app, err := s.clientOf(ctx)
	if err != nil {
		return nil, err
	}
	return contract.RevokeToken200Response{}, s.AuthServer.Revoke(ctx, app, info.form.Get("token"), info.origin)
}

// GetUserinfo returns claims about the person of an access token.
func (s *Server) GetUserinfo(ctx context.Context, _ contract.GetUserinfoRequestObject) (contract.GetUserinfoResponseObject, error) {
	claims, err := s.userinfo(ctx, "")
	return userinfo(claims), err
}

// PostUserinfo is GetUserinfo with POST.
func (s *Server) PostUserinfo(ctx context.Context, _ contract.PostUserinfoRequestObject) (contract.PostUserinfoResponseObject, error) {
	claims, err := s.userinfo(ctx, requestInfoOf(ctx).form.Get("access_token"))
	return userinfo(claims), err
}

func (s *Server) userinfo(ctx context.Context, inForm string) (map[string]any, error) {
	raw := inForm
	if h := ctx.(*gin.Context).GetHeader("Authorization"); h != "" {
		scheme, bearer, _ := strings.Cut(h, " ")
		if !strings.EqualFold(scheme, "Bearer") || inForm != "" {
			return nil, errInvalidRequest("send the access token once, as a bearer token")
		}
		raw = bearer
	}
	if raw == "" {
		return nil, session.ErrUnauthenticated()
	}
	return s.AuthServer.Userinfo(ctx, raw)
}

// userinfo are claims as they go out.
type userinfo map[string]any

// VisitGetUserinfoResponse implements contract.GetUserinfoResponseObject.
func (u userinfo) VisitGetUserinfoResponse(w http.ResponseWriter) error { return u.write(w) }

// VisitPostUserinfoResponse implements contract.PostUserinfoResponseObject.
func (u userinfo) VisitPostUserinfoResponse(w http.ResponseWriter) error { return u.write(w) }

func (u userinfo) write(to http.ResponseWriter) error {
	to.Header()["Content-Type"] = jsonContent
	return json.NewEncoder(to).Encode(u)
}

// IntrospectToken is Introspect for clients: with an API key, as there, or for what was
// given to the client itself or is for one of its resources.
func (s *Server) IntrospectToken(ctx context.Context, _ contract.IntrospectTokenRequestObject) (contract.IntrospectTokenResponseObject, error) {
	c, info := ctx.(*gin.Context), requestInfoOf(ctx)
	raw := info.form.Get("token")
	mayRead, app, err := s.introspector(ctx, c, info.form)
	if err != nil {
		return nil, err
	}
	if raw == "" {
		return nil, errInvalidRequest("token is missing").WithField("token")
	}
	out, i, err := s.introspect(ctx, raw, info.form.Get("client_ip"))
	if err != nil || !mayRead(i) {
		return contract.IntrospectToken200JSONResponse{}, err
	}
	if app != "" && i.Machine == nil && len(i.Principal.FormerIDs) > 0 {
		// An application learns only those that it was given.
		former, err := s.AuthServer.FormerSubjects(ctx, app, i.Principal)
		if err != nil {
			return nil, err
		}
		out.FormerIds = new(append([]identity.ID{}, former...))
	}
	return contract.IntrospectToken200JSONResponse(out), nil
}

// introspector returns what the caller may ask about, and the client that it is; "" for
// an API key.
func (s *Server) introspector(ctx context.Context, c *gin.Context, form url.Values) (func(token.Introspection) bool, string, error) {
	key, bearer := strings.CutPrefix(c.GetHeader("Authorization"), "Bearer ")
	if !bearer {
		_, key, _ = c.Request.BasicAuth()
	}
	if bearer || apikey.Looks(key) {
		k, err := s.APIKeys.Authenticate(ctx, key)
		if err == nil && (k.TeamID != nil || !k.Has(apikey.ScopeIntrospect)) {
			err = identity.NewError(identity.CodeInsufficientScope, "this requires a key with the scope %s", apikey.ScopeIntrospect)
		}
		return func(token.Introspection) bool { return true }, "", err
	}
	by, err := credentialsOf(c, form)
	if err != nil {
		return nil, "", err
	}
	app, err := s.AuthServer.Client(ctx, by)
	if err == nil && app.Kind != client.Confidential {
		err = identity.NewError(identity.CodeUnauthorizedClient, "a public client cannot introspect tokens")
	}
	return func(i token.Introspection) bool {
		return i.Client != nil && i.Kind != token.KindSession && (i.Client.ID == app.ID || app.AllowsResource(i.Client.Audience))
	}, app.ID, err
}

package api

import (
	"context"
	"encoding/base64"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/latchkey/latchkey/api/contract"
	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/client"
)

// AdminListClients lists the clients, to operators.
func (s *Server) AdminListClients(ctx context.Context, r contract.AdminListClientsRequestObject) (contract.AdminListClientsResponseObject, error) {
	limit, after := defaultLimit, ""
	if r.Params.Limit != nil {
		limit = *r.Params.Limit
	}
	if r.Params.Cursor != nil {
		raw, err := base64.RawURLEncoding.DecodeString(*r.Params.Cursor)
		if err != nil || len(raw) == 0 || !utf8.Valid(raw) {
			return nil, errInvalidRequest("this is not a next_cursor of this list").WithField("cursor")
		}
		after = string(raw)
	}
	rows, next, err := s.Clients.List(ctx, after, limit)
	return contract.AdminListClients200JSONResponse{
		Data: each(rows, clientOf), NextCursor: optional(base64.RawURLEncoding.EncodeToString([]byte(next))),
	}, err
}

// AdminGetClient shows a client, to operators.
func (s *Server) AdminGetClient(ctx context.Context, r contract.AdminGetClientRequestObject) (contract.AdminGetClientResponseObject, error) {
	c, err := s.Clients.Get(ctx, r.Client)
	return contract.AdminGetClient200JSONResponse(clientOf(c)), err
}

// AdminCreateClient makes a client, whose secret only this answer has.
func (s *Server) AdminCreateClient(ctx context.Context, r contract.AdminCreateClientRequestObject) (contract.AdminCreateClientResponseObject, error) {
	b, actor := r.Body, s.actor(ctx)
	c := client.Client{Name: b.Name, Kind: client.Kind(value(b.Kind)), TeamID: b.TeamId}
	clientFields{
		logo: b.LogoUri, redirect: b.RedirectUris, postLogout: b.PostLogoutUris, backchannel: b.BackchannelLogoutUri, grants: b.Grants,
		scopes: b.Scopes, resources: b.Resources, claims: b.Claims, alg: b.IdTokenAlg, trusted: b.Trusted,
	}.set(&c)
	c, secret, err := s.Clients.Create(ctx, &actor, c)
	return contract.AdminCreateClient201JSONResponse(clientSecret(c, secret)), err
}

// AdminUpdateClient changes what the request names.
func (s *Server) AdminUpdateClient(ctx context.Context, r contract.AdminUpdateClientRequestObject) (contract.AdminUpdateClientResponseObject, error) {
	b, actor := r.Body, s.actor(ctx)
	var teamID *identity.ID
	if text := value(b.TeamId); text != "" {
		id, err := uuid.Parse(text)
		if err != nil {
			return nil, errInvalidRequest("this is not the id of a team").WithField("team_id")
		}
		teamID = &id
	}
	c, err := s.Clients.Update(ctx, &actor, r.Client, func(c *client.Client) {
		if b.Name != nil {
			c.Name = *b.Name
		}
		if b.TeamId != nil {
			c.TeamID = teamID
		}
		clientFields{
			logo: b.LogoUri, redirect: b.RedirectUris, postLogout: b.PostLogoutUris, backchannel: b.BackchannelLogoutUri, grants: b.Grants,
			scopes: b.Scopes, resources: b.Resources, claims: b.Claims, alg: b.IdTokenAlg, trusted: b.Trusted,
		}.set(c)
	})
	return contract.AdminUpdateClient200JSONResponse(clientOf(c)), err
}

// clientFields are what a new client and a change have alike; nil is not given.
type clientFields struct {
	logo, backchannel                               *string
	redirect, postLogout, scopes, resources, claims *[]string
	grants                                          *[]contract.ClientGrantType
	alg                                             *contract.IDTokenAlg
	trusted                                         *bool
}

func (f clientFields) set(c *client.Client) {
	for to, from := range map[*string]*string{&c.LogoURI: f.logo, &c.BackchannelURI: f.backchannel} {
		if from != nil {
			*to = *from
		}
	}
	for to, from := range map[*client.Words]*[]string{
		&c.RedirectURIs: f.redirect, &c.PostLogoutURIs: f.postLogout, &c.Scopes: f.scopes, &c.Resources: f.resources, &c.Claims: f.claims,
	} {
		if from != nil {
			*to = *from
		}
	}
	if f.grants != nil {
		c.Grants = each(*f.grants, func(g contract.ClientGrantType) string { return string(g) })
	}
	if f.alg != nil {
		c.IDTokenAlg = string(*f.alg)
	}
	if f.trusted != nil {
		c.Trusted = *f.trusted
	}
}

// AdminDeleteClient ends a client.
func (s *Server) AdminDeleteClient(ctx context.Context, r contract.AdminDeleteClientRequestObject) (contract.AdminDeleteClientResponseObject, error) {
	actor := s.actor(ctx)
	return contract.AdminDeleteClient204Response{}, s.Clients.Delete(ctx, &actor, r.Client)
}

// AdminRotateClientSecret makes another secret, which only this answer has.
func (s *Server) AdminRotateClientSecret(ctx context.Context, r contract.AdminRotateClientSecretRequestObject) (contract.AdminRotateClientSecretResponseObject, error) {
	var overlap time.Duration
	if r.Body != nil {
		overlap = time.Duration(value(r.Body.OverlapSeconds)) * time.Second
	}
	actor := s.actor(ctx)
	c, secret, err := s.Clients.Rotate(ctx, &actor, r.Client, overlap)
	return contract.AdminRotateClientSecret201JSONResponse(clientSecret(c, secret)), err
}

// ListMyGrants lists the applications with access to the signed-in user.
func (s *Server) ListMyGrants(ctx context.Context, r contract.ListMyGrantsRequestObject) (contract.ListMyGrantsResponseObject, error) {
	p, err := page(r.Params.Limit, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	rows, next, err := s.Clients.ListOwn(ctx, userID(ctx), p)
	return contract.ListMyGrants200JSONResponse{Data: each(rows, clientGrantOf), NextCursor: nextCursor(next)}, err
}

// RevokeMyGrant removes an application's access.
func (s *Server) RevokeMyGrant(ctx context.Context, r contract.RevokeMyGrantRequestObject) (contract.RevokeMyGrantResponseObject, error) {
	return contract.RevokeMyGrant204Response{}, s.Clients.Revoke(ctx, s.actor(ctx), r.Grant)
}

func clientGrantOf(g client.GrantWithClient) contract.Grant {
	out := contract.Grant{
		Id: g.ID, Scopes: texts(g.Scopes), Resources: texts(g.Resources), TeamId: g.TeamID, CreatedAt: g.CreatedAt, LastUsedAt: g.LastUsedAt,
	}
	out.Client.ClientId, out.Client.Name, out.Client.LogoUri = g.Client.ID, g.Client.Name, g.Client.LogoURI
	out.Client.Trusted, out.Client.Document = g.Client.Trusted, g.Client.DocumentHash != nil
	return out
}

func clientSecret(c client.Client, secret string) contract.OAuthClientSecret {
	return contract.OAuthClientSecret{Client: clientOf(c), ClientId: c.ID, ClientSecret: optional(secret)}
}

func clientOf(c client.Client) contract.OAuthClient {
	return contract.OAuthClient{
		ClientId: c.ID, Name: c.Name, LogoUri: c.LogoURI, Kind: contract.ClientKind(c.Kind), RedirectUris: texts(c.RedirectURIs),
		PostLogoutUris: texts(c.PostLogoutURIs), BackchannelLogoutUri: c.BackchannelURI,
		Grants: each(c.Grants, func(g string) contract.ClientGrantType { return contract.ClientGrantType(g) }),
		Scopes: texts(c.Scopes), Resources: texts(c.Resources), Claims: texts(c.Claims), IdTokenAlg: contract.IDTokenAlg(c.IDTokenAlg), Trusted: c.Trusted, TeamId: c.TeamID,
		Document: c.DocumentHash != nil, PreviousSecretUntil: c.PreviousSecretUntil, CreatedBy: c.CreatedBy, CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt,
	}
}

// texts are words that are never null in JSON.
func texts(w client.Words) []string { return each(w, func(s string) string { return s }) }

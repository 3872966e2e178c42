package api

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/latchkey/latchkey/api/contract"
	"github.com/latchkey/latchkey/identity"
)

// RegisterClient gives an application that registers itself its id (RFC 7591, section 3).
func (s *Server) RegisterClient(_ context.Context, r contract.RegisterClientRequestObject) (contract.RegisterClientResponseObject, error) {
	if s.Registrations == nil {
		return nil, identity.NewError(identity.CodeNotFound, "applications cannot register themselves here: LATCHKEY_DYNAMIC_REGISTRATION is not true")
	}
	raw, err := json.Marshal(r.Body)
	if err != nil {
		return nil, err
	}
	c, err := s.Registrations.Register(raw)
	if err != nil {
		return nil, err
	}
	return contract.RegisterClient201JSONResponse{
		Headers: contract.RegisterClient201ResponseHeaders{CacheControl: "no-store"},
		Body: contract.RegisteredClient{
			ClientId: c.ID, ClientIdIssuedAt: c.At.Unix(), ClientName: c.Name, RedirectUris: texts(c.RedirectURIs), GrantTypes: texts(c.Grants),
			ResponseTypes: []string{"code"}, TokenEndpointAuthMethod: "none", Scope: optional(strings.Join(c.Scopes, " ")), IdTokenSignedResponseAlg: c.IDTokenAlg,
		},
	}, nil
}

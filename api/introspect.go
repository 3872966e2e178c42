package api

import (
	"context"
	"encoding/json"
	"net/url"

	"github.com/latchkey/latchkey/api/contract"
	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/token"
)

// Introspect returns whether a token is valid now, and for whom, to a backend.
func (s *Server) Introspect(ctx context.Context, r contract.IntrospectRequestObject) (contract.IntrospectResponseObject, error) {
	// A session token is used from there, which is kept: what is no address is none.
	from, _ := parseHop(value(r.Body.ClientIp))
	i, err := s.Tokens.Introspect(ctx, r.Body.Token, identity.RequestOrigin{IP: addrText(from)})
	if err != nil || !i.Active {
		return contract.Introspect200JSONResponse{}, err
	}
	p := i.Principal
	issued, expires := i.IssuedAt.Unix(), i.ExpiresAt.Unix()
	out := contract.Introspect200JSONResponse{
		Active: true, TokenKind: new(contract.IntrospectionTokenKind(i.Kind)), Iss: new(origin(s.Config.PublicURL)),
		Sub: new(p.User.ID.String()), Sid: &p.Session.ID, Jti: optional(i.ID), Iat: &issued, Exp: &expires,
		AuthTime: new(p.Session.AuthenticatedAt.Unix()), Amr: new([]string(p.Session.Methods)),
	}
	if i.Kind != token.KindRefresh {
		out.TokenType = new(contract.IntrospectionTokenTypeBearer)
	}
	if i.Client != nil {
		out.ClientId, out.Aud = &i.Client.ID, &i.Client.Audience
	}
	if p.Team != nil {
		out.Team, out.Role = &p.Team.TeamID, new(contract.Role(p.Team.Role))
	}
	return out, nil
}

// formToJSON returns the object of a form, as clients send it by RFC 7662, in
// which every name is unique.
func formToJSON(body []byte) ([]byte, error) {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, errInvalidRequest("the body is not a form")
	}
	fields := make(map[string]string, len(form))
	for name, values := range form {
		if len(values) != 1 {
			return nil, errInvalidRequest("a field of the form is given twice")
		}
		fields[name] = values[0]
	}
	return json.Marshal(fields)
}

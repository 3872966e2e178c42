package api

import (
	"context"
	"encoding/json"
	"net/url"

	"github.com/gin-gonic/gin"

	"github.com/latchkey/latchkey/api/contract"
	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/token"
)

// Introspect returns whether a token is valid now, and for whom, to a backend.
func (s *Server) Introspect(ctx context.Context, r contract.IntrospectRequestObject) (contract.IntrospectResponseObject, error) {
	out, _, err := s.introspect(ctx, r.Body.Token, value(r.Body.ClientIp))
	return contract.Introspect200JSONResponse(out), err
}

func (s *Server) introspect(ctx context.Context, raw, clientIP string) (contract.Introspection, token.Introspection, error) {
	// A session token is used from there, which is kept.
	i, err := s.Tokens.Introspect(ctx, raw, identity.RequestOrigin{IP: hopText(clientIP)})
	if err != nil || !i.Active {
		return contract.Introspection{}, i, err
	}
	issued, expires := i.IssuedAt.Unix(), i.ExpiresAt.Unix()
	out := contract.Introspection{
		Active: true, TokenKind: new(contract.IntrospectionTokenKind(i.Kind)), Iss: new(origin(s.Config.PublicURL)),
		Jti: optional(i.ID), Iat: &issued, Exp: &expires, Scope: optional(i.Scope),
	}
	if i.Kind != token.KindRefresh {
		out.TokenType = new(contract.IntrospectionTokenTypeBearer)
	}
	if i.Client != nil {
		out.ClientId, out.Aud = &i.Client.ID, &i.Client.Audience
	}
	if k := i.Machine; k != nil {
		out.Sub, out.Team, out.Role = new(k.ID.String()), k.TeamID, new(contract.Role(*k.Role))
		return out, i, nil
	}
	p := i.Principal
	out.Sub, out.Sid = new(p.User.ID.String()), &p.Session.ID
	out.AuthTime, out.Amr = new(p.Session.AuthenticatedAt.Unix()), new(p.Session.Methods.AMR())
	out.FormerIds = new(append([]identity.ID{}, p.FormerIDs...))
	if p.Team != nil {
		out.Team, out.Role = &p.Team.TeamID, new(contract.Role(p.Team.Role))
	}
	return out, i, nil
}

// formToJSON returns the object of a form, as clients send it by RFC 6749 and RFC 7662:
// every name is unique, and what is empty or not declared does not count (RFC 6749,
// section 3.2). A client may name itself by HTTP Basic.
func formToJSON(c *gin.Context, body []byte, declared map[string]bool) ([]byte, error) {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, errInvalidRequest("the body is not a form")
	}
	fields := make(map[string]string, len(form))
	for name, values := range form {
		if len(values) != 1 {
			return nil, errInvalidRequest("a field of the form is given twice")
		}
		if declared[name] && values[0] != "" {
			fields[name] = values[0]
		}
	}
	if id, _, ok := c.Request.BasicAuth(); ok && declared["client_id"] && fields["client_id"] == "" {
		fields["client_id"] = formDecoded(id)
	}
	return json.Marshal(fields)
}

package api

import (
	"context"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/apikey"
	"github.com/latchkey/latchkey/identity/method"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
)

// authenticate finds out who calls, where the specification asks for a session.
// Where it is optional, a cookie that does not work counts as none, but a bearer
// token must work: a client that sends one relies on it. A store that does not
// answer ends the request.
func (s *Server) authenticate(c *gin.Context) {
	info := requestInfoOf(c)
	if !info.operation.security {
		return
	}
	token, bearer := s.token(c)
	if token == "" {
		if info.operation.required {
			s.fail(c, session.ErrUnauthenticated())
		}
		return
	}
	if bearer && apikey.Looks(token) {
		s.authenticateKey(c, token)
		return
	}
	if !info.operation.sessions {
		s.fail(c, identity.NewError(identity.CodeUnauthenticated, "this call requires an API key"))
		return
	}
	p, err := s.Sessions.Authenticate(c.Request.Context(), token, info.origin) // not c: see ownContext
	if identity.ErrorCode(err) == identity.CodeUnauthenticated && !bearer && !info.operation.required {
		return
	}
	if err != nil {
		if !bearer && info.operation.endings && identity.ErrorCode(err) == identity.CodeUnauthenticated {
			err = s.Sessions.Ending(c.Request.Context(), token)
		}
		s.fail(c, err)
		return
	}
	if p.Leaving && !info.operation.leaving {
		if info.operation.required {
			s.fail(c, identity.NewError(identity.CodeDeletionPending,
				"this account is being deleted: restore it or export its data, or sign out"))
		}
		return // as without a session: another account can sign in here
	}
	if p.Session.Restricted && !p.Leaving && !info.operation.restricted {
		s.fail(c, identity.NewError(identity.CodeRecoveryRestricted,
			"you signed in with a recovery code: add a sign-in method first"))
		return
	}
	if info.operation.operators && !p.User.Operator {
		s.fail(c, errOperatorRequired())
		return
	}
	info.principal, info.bearer = &p, bearer
}

// authenticateKey lets a service call what its key has the scope for, which the
// specification names. Everything else needs a person.
func (s *Server) authenticateKey(c *gin.Context, raw string) {
	info := requestInfoOf(c)
	k, err := s.APIKeys.Authenticate(c.Request.Context(), raw)
	if err == nil {
		err = mayCall(k, *info.operation)
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	info.key = &k
}

// mayCall looks at the operation only: whether the team in the path is the key's
// is for who asks for its role there.
func mayCall(k apikey.Key, op operation) error {
	switch {
	case op.scope == "":
		return identity.NewError(identity.CodeForbidden, "API keys cannot make this call; use a session")
	case op.scope.OfTeams() && k.TeamID == nil:
		return identity.NewError(identity.CodeForbidden, "an API key of the deployment is not in a team; use a session, or a key of the team")
	case !op.scope.OfTeams() && k.TeamID != nil:
		return identity.NewError(identity.CodeForbidden, "an API key of a team can act in its team only")
	case op.scope.OfTeams() && !k.Has(op.scope):
		return identity.NewError(identity.CodeInsufficientScope, "this requires a key of the team with the role admin")
	case !k.Has(op.scope):
		return identity.NewError(identity.CodeInsufficientScope, "this requires a key with the scope %s", op.scope)
	}
	return nil
}

// token returns the session token of the request. A bearer token (RFC 6750)
// goes before the cookie.
func (s *Server) token(c *gin.Context) (token string, bearer bool) {
	if h := c.GetHeader("Authorization"); h != "" {
		// Clients of RFC 7662 have HTTP Basic: the key is the password.
		if _, key, ok := c.Request.BasicAuth(); ok && requestInfoOf(c).operation.oauth && apikey.Looks(key) {
			return key, true
		}
		scheme, value, _ := strings.Cut(h, " ")
		if !strings.EqualFold(scheme, "Bearer") || value == "" {
			return "-", true // another scheme is not supported
		}
		return value, true
	}
	return s.cookies.sessionOf(c), false
}

// actor is the signed-in user, or the service, as the author of a change. Only for
// operations that require one.
func (s *Server) actor(ctx context.Context) identity.Actor {
	info := requestInfoOf(ctx)
	if info.key != nil {
		return info.key.Actor(info.origin)
	}
	return info.principal.Actor(s.Now(), info.origin)
}

func userID(ctx context.Context) identity.ID { return requestInfoOf(ctx).principal.User.ID }

// isCurrent reports whether a session is the one in hand; a service has none.
func isCurrent(ctx context.Context, id identity.ID) bool {
	p := requestInfoOf(ctx).principal
	return p != nil && p.Session.ID == id
}

// recheckOperator is for a long response to an operator, who may have lost the
// rights, the session or the key since. It does not count as a use of the
// session.
func (s *Server) recheckOperator(ctx context.Context) error {
	info := requestInfoOf(ctx)
	if info.key != nil {
		return s.APIKeys.Recheck(ctx, *info.key)
	}
	p, err := s.Sessions.ByID(ctx, info.principal.Session.ID, nil, info.origin)
	if err == nil && !p.User.Operator {
		err = errOperatorRequired()
	}
	return err
}

// recheckMember is recheckOperator for a member of a team, including its policy, and
// returns the role.
func (s *Server) recheckMember(ctx context.Context, id identity.ID) (team.Role, error) {
	info, actor := requestInfoOf(ctx), s.actor(ctx)
	mine, err := s.Teams.Get(ctx, actor, id)
	if err != nil {
		return "", err
	}
	if info.key != nil {
		return mine.Role, s.TeamSessions.RequireMachineIn(ctx, actor, id)
	}
	p, err := s.Sessions.ByID(ctx, info.principal.Session.ID, nil, info.origin)
	if err != nil {
		return "", err
	}
	return mine.Role, s.TeamSessions.RequireIn(ctx, p, info.origin, id, false)
}

// recheckManager is recheckMember for admins and owners of the team.
func (s *Server) recheckManager(ctx context.Context, id identity.ID) error {
	role, err := s.recheckMember(ctx, id)
	if err == nil {
		err = role.RequireManages()
	}
	return err
}

func errOperatorRequired() error {
	return identity.NewError(identity.CodeOperatorRequired, "only operators of this deployment can do this")
}

// requester returns who sends a request, as attempts are bound to it: the browser with a
// flow value, or "", the current session, and the origin of the page.
func (s *Server) requester(c *gin.Context, flow string) method.Requester {
	by := method.Requester{Origin: s.originOf(c)}
	if flow != "" {
		by.Browser = identity.HashSecret(flow)
	}
	if p := requestInfoOf(c).principal; p != nil {
		by.User, by.Session = &p.User.ID, &p.Session.ID
	}
	return by
}

// originOf is the origin that asks, if it is one of ours, else the public one.
func (s *Server) originOf(c *gin.Context) string {
	if o := c.GetHeader("Origin"); s.origins[o] {
		return o
	}
	return origin(s.Config.PublicURL)
}

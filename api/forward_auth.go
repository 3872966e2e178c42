package api

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/latchkey/latchkey/api/contract"
	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
)

// forwardAuthRoute answers reverse proxies whether a request may pass.
const forwardAuthRoute = "/v1/forward-auth"

// The headers by which a proxy tells the application who a person is.
const (
	authUser  = "X-Auth-Request-User"
	authEmail = "X-Auth-Request-Email"
	authTeam  = "X-Auth-Request-Team"
	authRole  = "X-Auth-Request-Role"
	// authRedirect is where a proxy sends a navigation that it does not let pass.
	authRedirect = "X-Auth-Request-Redirect"
)

// clearAuthHeaders sets them, empty: a proxy that copies those of an answer must not be
// left with what a client has sent, whatever the answer is.
func clearAuthHeaders(c *gin.Context) {
	for _, name := range []string{authUser, authEmail, authTeam, authRole} {
		c.Writer.Header()[name] = []string{""} // c.Header would remove it
	}
}

// ForwardAuth reports to a reverse proxy whether a request may pass, and who sends it.
func (s *Server) ForwardAuth(ctx context.Context, r contract.ForwardAuthRequestObject) (contract.ForwardAuthResponseObject, error) {
	c, info := ctx.(*gin.Context), requestInfoOf(ctx)
	if r.Params.Role != nil && r.Params.Team == nil {
		return nil, errInvalidRequest("a role is one in a team: name the team").WithField("role")
	}
	if info.principal == nil {
		return s.forwardToSignIn(c)
	}
	p := *info.principal
	if id := r.Params.Team; id != nil {
		var err error
		if p, err = s.TeamSessions.ActingIn(ctx, p, *id, info.origin); err != nil {
			return nil, err
		}
		if err := requireRoleIn(p, team.Role(value(r.Params.Role))); err != nil {
			return nil, err
		}
	}
	h := c.Writer.Header()
	h[authUser] = []string{p.User.ID.String()}
	if p.User.PrimaryEmail != nil {
		h[authEmail] = []string{*p.User.PrimaryEmail}
	}
	if p.Team != nil {
		h[authTeam], h[authRole] = []string{p.Team.TeamID.String()}, []string{string(p.Team.Role)}
	}
	return forwarded(http.StatusOK), nil
}

// requireRoleIn refuses a principal who does not act in the team that was asked for, or
// has a lower role there; "" is any.
func requireRoleIn(p session.Principal, least team.Role) error {
	switch {
	case p.Refused != nil:
		e := identity.NewError(identity.CodePolicyUnsatisfied, "%s", p.Refused.Detail)
		e.Rule, e.Missing = string(p.Refused.Rule), p.Refused.Missing
		return e
	case p.Team == nil:
		return identity.NewError(identity.CodeTeamSessionRequired, "start a team session in this team first")
	case least != "" && least.Above(p.Team.Role):
		return identity.NewError(identity.CodeForbidden, "this requires the role %s in the team", least)
	}
	return nil
}

// forwardToSignIn answers for someone who is not signed in: a navigation to an address
// that they can return to is sent to sign-in.
func (s *Server) forwardToSignIn(c *gin.Context) (contract.ForwardAuthResponseObject, error) {
	asked, original := s.askedFor(c)
	if asked == "" {
		return nil, session.ErrUnauthenticated()
	}
	to := origin(s.Config.PublicURL) + "/sign-in?" + url.Values{"return_to": {asked}}.Encode()
	if original {
		c.Header(authRedirect, to)
		return nil, session.ErrUnauthenticated()
	}
	c.Header("Location", to)
	return forwarded(http.StatusFound), nil
}

// askedFor returns the address of a navigation that a trusted proxy asks about, if the
// browser can be sent back to it and has a session there then; "" otherwise. The second
// result reports whether the proxy named it in X-Original-URL.
func (s *Server) askedFor(c *gin.Context) (string, bool) {
	peer, ok := parseHop(c.Request.RemoteAddr)
	if !ok || !isTrusted(peer, s.Config.TrustedProxies) {
		return "", false
	}
	one := func(name string) string {
		if v := c.Request.Header.Values(name); len(v) == 1 {
			return v[0]
		}
		return ""
	}
	original := len(c.Request.Header.Values("X-Original-Url")) > 0
	raw, method := one("X-Original-Url"), one("X-Original-Method")
	if !original {
		uri := one("X-Forwarded-Uri")
		if method = one("X-Forwarded-Method"); !strings.HasPrefix(uri, "/") {
			return "", false
		}
		raw = one("X-Forwarded-Proto") + "://" + one("X-Forwarded-Host") + uri
	}
	if !isNavigation(c.Request.Header, method) || strings.HasPrefix(raw, "/") || raw == "" {
		return "", original
	}
	checked, err := s.returnTo.Check(raw)
	if err != nil {
		return "", original
	}
	if u, err := url.Parse(checked); err != nil || !s.cookieReaches(u) {
		return "", original
	}
	return checked, original
}

// cookieReaches reports whether the session's cookie is sent to an address: elsewhere a
// person would be sent to sign-in for ever.
func (s *Server) cookieReaches(u *url.URL) bool {
	host := strings.ToLower(u.Hostname())
	if host == strings.ToLower(s.Config.PublicURL.Hostname()) {
		return true
	}
	domain := s.Config.CookieDomain
	return domain != "" && (host == domain || strings.HasSuffix(host, "."+domain))
}

// isNavigation reports whether a browser wants to show what it asks for. One that does
// not say so (Fetch Metadata) takes HTML.
func isNavigation(h http.Header, method string) bool {
	if method != http.MethodGet && method != http.MethodHead && method != "" {
		return false
	}
	if mode := h.Get("Sec-Fetch-Mode"); mode != "" {
		return mode == "navigate"
	}
	return strings.Contains(h.Get("Accept"), "text/html")
}

// forwarded is an answer without a body, whose headers are set.
type forwarded int

// VisitForwardAuthResponse implements contract.ForwardAuthResponseObject.
func (f forwarded) VisitForwardAuthResponse(w http.ResponseWriter) error {
	w.WriteHeader(int(f))
	return nil
}

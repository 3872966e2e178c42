// Package api is the HTTP face of Latchkey: the contract (openapi.yaml, from which
// package contract is generated), the handlers by resource, and the middleware in
// front of them. It knows no database.
package api

import (
	"context"
	_ "embed" // openapi.yaml
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"go.opentelemetry.io/otel/trace"

	"github.com/latchkey/latchkey/api/contract"
	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/apikey"
	"github.com/latchkey/latchkey/identity/audit"
	"github.com/latchkey/latchkey/identity/authserver"
	"github.com/latchkey/latchkey/identity/client"
	"github.com/latchkey/latchkey/identity/feed"
	"github.com/latchkey/latchkey/identity/figures"
	"github.com/latchkey/latchkey/identity/method"
	"github.com/latchkey/latchkey/identity/method/backend"
	"github.com/latchkey/latchkey/identity/method/email"
	"github.com/latchkey/latchkey/identity/method/passkey"
	"github.com/latchkey/latchkey/identity/method/solana"
	"github.com/latchkey/latchkey/identity/method/wallet"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/identity/teamsession"
	"github.com/latchkey/latchkey/identity/token"
	"github.com/latchkey/latchkey/identity/user"
	"github.com/latchkey/latchkey/identity/webhook"
	"github.com/latchkey/latchkey/internal/metrics"
	"github.com/latchkey/latchkey/internal/ratelimit"
	"github.com/latchkey/latchkey/linking"
	"github.com/latchkey/latchkey/siwe"
	"github.com/latchkey/latchkey/siwe/ens"
	"github.com/latchkey/latchkey/web"
)

//go:embed openapi.yaml
var specification []byte

// Config is what the HTTP layer needs to know of the deployment.
type Config struct {
	PublicURL      *url.URL       // origin only
	HSTSSubdomains bool           // whether hosts below that of PublicURL have https too
	AllowedOrigins []string       // besides the public one
	CookieDomain   string         // whose subdomains get the session; "" for the public host alone
	TrustedProxies []netip.Prefix // whose X-Forwarded-For counts
	Limits         Limits
	WalletConnect  string // project id, or "" for no wallets on phones
	// ChallengeLifetime is how long a wallet can answer; 0 is method.Lifetime.
	ChallengeLifetime time.Duration
	ClientDocuments   bool   // whether clients may describe themselves
	Database          string // the engine, as operators see it
	Version           string // of the service
}

// Deps are the parts that the handlers put to work.
type Deps struct {
	Config   Config
	Linking  *linking.Service
	Sessions *session.Service
	// TeamSessions are those of Sessions that act in teams.
	TeamSessions *teamsession.Service
	Tokens       *token.Service
	APIKeys      *apikey.Service
	Clients      *client.Service
	// Registrations names applications that register themselves; nil lets none.
	Registrations *client.Registrations
	AuthServer    *authserver.Service
	Teams         *team.Service
	Feed          *team.Feed
	Stopping      <-chan struct{} // closed when streams have to end
	Users         *user.Service
	Audit         *audit.Service
	Events        *feed.Service
	Webhooks      *webhook.Service
	Hooks         func() []identity.HookStatus
	Figures       *figures.Service
	Methods       method.Offers
	Attempts      *method.Attempts // that go by way of a provider
	Email         *email.Service   // nil: e-mail sign-in is off
	Wallet        *wallet.Service
	Passkey       *passkey.Service
	Solana        *solana.Service
	Backend       *backend.Service
	Limiter       ratelimit.Limiter
	ENS           *ens.Resolver                            // names of wallets; nil for none
	Places        func(ip string) string                   // about where an address is, "" for unknown; nil for no file
	RPCHealth     func(context.Context) []siwe.ChainHealth // Ethereum RPCs; nil for none
	Ready         func(context.Context) error
	Draining      func() bool // requests should go elsewhere, see Readyz; nil for never
	Log           *slog.Logger
	Metrics       *metrics.Metrics
	Tracer        trace.Tracer // nil for no traces
	Now           identity.Clock
	Web           *web.App                // pages; nil for none
	Mounts        map[string]http.Handler // path prefix -> what else is served, such as /dev/
}

// Server implements the generated strict interface.
type Server struct {
	Deps
	returnTo *method.ReturnTo
	origins  map[string]bool
	cookies  cookies

	readiness readiness
}

var _ contract.StrictServerInterface = (*Server)(nil)

// specificationRoute serves openapi.yaml, which does not describe itself.
const specificationRoute = "/openapi.yaml"

// streamRoutes answer for as long as their readers want.
var streamRoutes = []string{"/v1/teams/:team/events", "/v1/events"}

// New returns the handler of the whole service.
func New(deps Deps) (http.Handler, error) {
	public := origin(deps.Config.PublicURL)
	returnTo, err := method.NewReturnTo(public, deps.Config.AllowedOrigins)
	if err != nil {
		return nil, err
	}
	go loadOperations() //nolint:errcheck // attachOperation does
	s := &Server{Deps: deps, returnTo: returnTo, origins: map[string]bool{public: true}, cookies: newCookies(deps.Config.PublicURL, deps.Config.CookieDomain)}
	s.cookies.longer = max(0, deps.Config.ChallengeLifetime-method.Lifetime)
	s.readiness.check = s.checkReady
	s.Metrics.RateLimits(limitNames()...)
	s.Metrics.Streams(streamRoutes...)
	for _, o := range deps.Config.AllowedOrigins {
		s.origins[o] = true
	}

	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.ContextWithFallback = true // handlers pass the gin.Context on as the request's context
	engine.HandleMethodNotAllowed = true
	engine.RedirectTrailingSlash = false
	engine.UseRawPath = true // the id of a client can be a URL, with its slashes encoded
	engine.Use(s.logRequest, s.recoverPanic)
	engine.NoMethod(func(c *gin.Context) { s.fail(c, errMethodNotAllowed) })
	engine.NoRoute(s.pages)
	engine.GET(specificationRoute, func(c *gin.Context) {
		c.Data(http.StatusOK, "application/yaml; charset=utf-8", specification)
	})
	for prefix, h := range deps.Mounts {
		engine.Any(prefix+"*path", gin.WrapH(h))
	}
	group := engine.Group("", s.attachOperation, s.limitAddress, s.sameOrigin, s.limitBody, s.authenticate, s.limitUser, s.validate(), s.requireTeamPolicy)
	contract.RegisterHandlersWithOptions(group,
		contract.NewStrictHandlerWithOptions(s, []contract.StrictMiddlewareFunc{ownContext}, contract.StrictGinServerOptions{
			RequestErrorHandlerFunc:  func(c *gin.Context, err error) { s.fail(c, malformed(err)) },
			HandlerErrorFunc:         s.fail,
			ResponseErrorHandlerFunc: s.fail,
		}),
		contract.GinServerOptions{ErrorHandler: func(c *gin.Context, err error, _ int) { s.fail(c, malformed(err)) }})
	answerHead(engine, group)
	return s.securityHeaders(s.crossOrigin(engine)), nil
}

// finishRoute and logoutPath are the GETs that use something up: the code and the state
// of a round trip, and a session. A HEAD of them, as link scanners send, must not.
const finishRoute = "/v1/auth/:provider/callback"

// answerHead answers HEAD on every route as GET (RFC 9110, section 9.3.2); net/http
// leaves the body out.
func answerHead(engine *gin.Engine, group *gin.RouterGroup) {
	for _, r := range engine.Routes() {
		switch {
		case r.Method != http.MethodGet || r.Path == finishRoute || r.Path == logoutPath || strings.HasSuffix(r.Path, "*path"):
		case r.Path == specificationRoute:
			engine.HEAD(r.Path, r.HandlerFunc)
		default:
			group.HEAD(r.Path, r.HandlerFunc)
		}
	}
}

// isHead reports whether only the headers of an answer are asked for, so that one
// without an end stops behind them.
func isHead(ctx context.Context) bool { return ctx.(*gin.Context).Request.Method == http.MethodHead }

// ownContext gives each request's handler a context of its own. Gin reuses
// contexts, and code that still watches one after its request, as database/sql
// does for a while, would watch that of another request.
func ownContext(next contract.StrictHandlerFunc, _ string) contract.StrictHandlerFunc {
	return func(c *gin.Context, request any) (any, error) {
		own := c.Copy()
		own.Writer = c.Writer
		return next(own, request)
	}
}

// pages serves the web app where no route matched. Below /v1 there are none.
func (s *Server) pages(c *gin.Context) {
	if s.Web == nil || isAPI(c.Request.URL.Path) {
		s.fail(c, identity.ErrNotFound)
		return
	}
	// Before anything begins: what a page begins by itself, and what the person begins
	// at the same time, would each make a flow value, and one of them would be lost.
	if web.IsPage(c.Request.URL.Path) && s.cookies.flowOf(c) == "" {
		s.cookies.keepFlow(c, s.cookies.flowOrNew(c))
	}
	c.Status(http.StatusOK)
	s.Web.ServeHTTP(c.Writer, c.Request)
}

// NewHTTPServer returns the server with its limits: slow clients, huge headers
// and forgotten connections cost a bounded amount.
func NewHTTPServer(addr string, h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Addr: addr, Handler: h, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      60 * time.Second, // more than a provider may take
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
	}
}

func origin(u *url.URL) string { return u.Scheme + "://" + u.Host }

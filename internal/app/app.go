// Package app puts the parts of the service together, for the binary and for the
// tests that go through all of it. It is the only place that knows all of them.
package app

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/latchkey/latchkey/api"
	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/apikey"
	"github.com/latchkey/latchkey/identity/audit"
	"github.com/latchkey/latchkey/identity/authserver"
	"github.com/latchkey/latchkey/identity/figures"
	"github.com/latchkey/latchkey/identity/method"
	"github.com/latchkey/latchkey/identity/method/backend"
	"github.com/latchkey/latchkey/identity/method/passkey"
	"github.com/latchkey/latchkey/identity/method/solana"
	"github.com/latchkey/latchkey/identity/method/wallet"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/identity/teamsession"
	"github.com/latchkey/latchkey/identity/token"
	"github.com/latchkey/latchkey/identity/user"
	"github.com/latchkey/latchkey/internal/config"
	"github.com/latchkey/latchkey/internal/demo"
	"github.com/latchkey/latchkey/internal/devmode"
	"github.com/latchkey/latchkey/internal/metrics"
	"github.com/latchkey/latchkey/internal/outbox"
	"github.com/latchkey/latchkey/internal/ratelimit"
	"github.com/latchkey/latchkey/linking"
	"github.com/latchkey/latchkey/siwe"
	"github.com/latchkey/latchkey/siwe/ens"
	"github.com/latchkey/latchkey/storage"
	"github.com/latchkey/latchkey/web"
)

// Parts are what the service is built from.
type Parts struct {
	Config  config.Config
	DB      *storage.DB
	Metrics *metrics.Metrics
	Tracer  trace.Tracer // nil for no traces
	// Limits are what this process has counted, kept over a reload; nil for a new count.
	Limits *ratelimit.Memory
	// Draining reports whether no new requests should come; nil for never.
	Draining func() bool
	// Demo serves addresses that sign in as the people of a demonstration, in
	// development mode.
	Demo    bool
	Version string // of this binary, as operators see it
	Log     *slog.Logger
	Now     identity.Clock
	Context context.Context //nolint:containedctx // ends what works behind requests, not a request
}

// App is the whole service: its handler, and what it does besides.
type App struct {
	http.Handler
	// Remembered is what session checks are answered from; nil for nothing.
	Remembered *session.Cache
	// Demo signs in as the people of the demonstration; nil without one.
	Demo *demo.Handler

	parts    Parts
	tasks    *outbox.Worker
	logouts  *outbox.Worker
	events   *events
	sessions *session.Service
	feed     *team.Feed
	keys     *token.Keyring
	linking  *linking.Service
	figures  *figures.Kept
	deps     api.Deps
}

// Export returns everything that is kept about a user, as GET /v1/me/export does.
func (a *App) Export(ctx context.Context, user identity.ID) (any, error) {
	return api.Export(ctx, a.deps, user)
}

// Run does what requests have left to be done, until ctx ends.
func (a *App) Run(ctx context.Context) {
	var work sync.WaitGroup
	work.Go(func() { a.tasks.Run(ctx) })
	work.Go(func() { a.logouts.Run(ctx) })
	work.Go(func() { a.events.publish(ctx) })
	work.Go(func() { a.events.workers.Run(ctx) })
	work.Go(func() { a.keys.Run(ctx) })
	work.Go(func() { a.sessions.Jobs().Run(ctx, a.parts.Log) })
	work.Go(func() { a.sessions.RunUses(ctx, a.parts.Log) })
	work.Go(func() { a.linking.RunDeletions(ctx, a.parts.Log) })
	work.Go(func() { a.rewriteAudit(ctx) })
	work.Go(func() { a.figures.Run(ctx, a.parts.Log) })
	work.Go(func() { a.parts.DB.Watch(ctx, changes{a.Remembered, a.feed, a.events}, a.parts.Log) })
	work.Wait()
}

// CountFigures counts what metrics show, as Run does now and then.
func (a *App) CountFigures(ctx context.Context) error { return a.figures.Count(ctx) }

// WriteUses writes when sessions were last used, as Run does once a second.
func (a *App) WriteUses(ctx context.Context) error {
	_, err := a.sessions.WriteUses(ctx)
	return err
}

// New returns the whole service.
func New(parts Parts) (*App, error) {
	cfg, db, now := parts.Config, parts.DB, parts.Now
	db.SealAuditWith(cfg.Secrets())
	remembered := session.NewCache(cfg.SessionCache)
	context.AfterFunc(parts.Context, remembered.Close)
	mailbox := devmode.NewMailbox(now)
	places, err := openPlaces(parts)
	if err != nil {
		return nil, err
	}
	post, err := newPost(parts, mailbox, places)
	if err != nil {
		return nil, err
	}
	limits, err := newLimiter(parts)
	if err != nil {
		return nil, err
	}
	feed, attempts := team.NewFeed(), method.NewAttempts(cfg.Secrets()...)
	asked, err := newHooks(parts)
	if err != nil {
		return nil, err
	}
	hooks := Webhooks(cfg, db, post.notices, now)
	happened := newEvents(parts, hooks)
	var deps api.Deps
	sessions := session.NewService(db, remembered, session.Limits{Idle: cfg.SessionIdle, Lifetime: cfg.SessionLifetime}, now, session.CollectUses())
	inTeams := teamsession.NewService(db, sessions, now,
		teamsession.WithProviders(func(name string) bool { return cfg.Offers(name) || apikey.IsBackendName(name) }), teamsession.WithNotices(post.notices))
	tokens, keys, clients := newTokens(parts, sessions, inTeams, asked.Token), apikey.NewService(db, now), Clients(cfg, db, now)
	registrations := newRegistrations(parts)
	deps = api.Deps{
		Email: post.email,
		Config: api.Config{
			PublicURL: &cfg.PublicURL, HSTSSubdomains: cfg.HSTSSubdomains, AllowedOrigins: cfg.AllowedOrigins, TrustedProxies: cfg.TrustedProxies,
			CookieDomain: cfg.CookieDomain, Limits: api.Limits{Factor: float64(cfg.RateLimits), Exempt: cfg.RateLimitExempt},
			WalletConnect: cfg.WalletConnectProjectID, ClientDocuments: cfg.TakesDocuments(),
			ChallengeLifetime: time.Duration(cfg.SIWEChallengeMinutes) * time.Minute,
			Database:          cfg.Engine(), Version: parts.Version,
		},
		Linking: linking.NewService(db, sessions, linking.Options{
			Policy:     linking.Policy(cfg.Linking),
			Usable:     cfg.Offers,
			Policies:   policies(cfg),
			Rules:      linking.Rules{SignUp: linking.SignUp(cfg.SignUp), Domains: cfg.AllowedEmailDomains},
			RulesFor:   rules(cfg),
			Hooks:      asked.SignIn,
			Grace:      time.Duration(cfg.DeletionGraceDays) * 24 * time.Hour,
			ErasedKeys: identity.Secrets(cfg.Secrets()).Keys("erased values"),
			UndoFor:    time.Duration(cfg.MergeUndoDays) * 24 * time.Hour,
			Notices:    post.notices,
			Decided: func(provider string, d linking.Decision) {
				parts.Metrics.Decision(api.ProviderLabel(provider), string(d.Action), string(d.Reason))
			},
		}, now),
		Sessions:      sessions,
		TeamSessions:  inTeams,
		Places:        places,
		Tokens:        tokens,
		APIKeys:       keys,
		Clients:       clients,
		Registrations: registrations,
		AuthServer: authserver.New(authserver.Deps{
			Store: db, Sessions: inTeams, Tokens: tokens, Consents: clients, Documents: newDocuments(parts, limits, registrations), APIKeys: keys,
			Secrets: cfg.Secrets(), Issuer: cfg.PublicURL.String(), Now: now,
		}),
		Teams:    team.NewService(db, now, post.teams...),
		Feed:     feed,
		Stopping: parts.Context.Done(),
		Users:    user.NewService(db, post.notices, now, user.OnboardedByBackend(cfg.OnboardedBy == config.OnboardedByBackend)),
		Audit:    audit.NewService(db),
		Events:   happened.feed,
		Webhooks: hooks,
		Hooks:    asked.Status,
		Figures:  figures.NewService(db, now),
		Attempts: attempts,
		Backend:  backend.NewService(db, attempts, cfg.Secrets(), now),
		Limiter:  limits,
		Ready:    db.Ready,
		Draining: parts.Draining,
		Log:      parts.Log, Metrics: parts.Metrics, Tracer: parts.Tracer, Now: now,
	}
	var contracts siwe.ContractVerifier
	if len(cfg.EthereumRPC) > 0 {
		asked, err := siwe.NewContracts(cfg.EthereumRPC, siwe.ContractsOptions{Transport: rpcTransport(parts)})
		if err != nil {
			return nil, err
		}
		contracts, deps.RPCHealth = asked, asked.Health
	}
	deps.Wallet = wallet.NewService(wallet.Config{
		Chains: cfg.SIWEChains, Statement: cfg.SIWEStatement, TermsVersion: cfg.SIWETermsVersion, Resources: cfg.SIWEResources,
		Contracts: slices.Collect(maps.Keys(cfg.EthereumRPC)), Lifetime: deps.Config.ChallengeLifetime,
	}, attempts, contracts, parts.Log, now)
	deps.Solana = solana.NewService(solana.Config{
		Networks: cfg.SolanaNetworks, Statement: cfg.SIWEStatement, TermsVersion: cfg.SIWETermsVersion, Resources: cfg.SIWEResources,
	}, attempts, now)
	deps.Passkey = passkey.NewService(passkey.Config{
		Domain: cfg.PasskeyDomain(), Name: cfg.BrandName, Origins: cfg.PasskeyPages(), Verified: cfg.PasskeyVerification == config.PasskeyVerificationRequired,
	}, attempts, db, now)
	if mainnet := cfg.EthereumRPC[1]; len(mainnet) > 0 {
		names, err := ens.New(mainnet, ens.Options{Transport: rpcTransport(parts), OnError: func(err error) { parts.Log.Debug("looking up an ENS name", "error", err) }})
		if err != nil {
			return nil, err
		}
		context.AfterFunc(parts.Context, names.Close)
		deps.ENS = names
	}
	var standins *devmode.Standins
	var demonstration *demo.Handler
	if cfg.Dev {
		if standins, err = devmode.New(cfg.PublicURL.String(), now); err != nil {
			return nil, err
		}
		dev := http.NewServeMux()
		dev.Handle("/dev/", standins.Handler())
		dev.Handle("/dev/mail", mailbox.Handler())
		dev.Handle("/dev/mail/", mailbox.Handler())
		if parts.Demo {
			demonstration = demo.NewHandler(cfg.PublicURL.String(), db, sessions, deps.Config.SessionCookie, now)
			dev.Handle(demo.Path, demonstration)
		}
		deps.Mounts = map[string]http.Handler{"/dev/": dev}
	}
	if deps.Methods, err = newOffers(cfg, standins, now); err != nil {
		return nil, err
	}
	deps.Web = web.New(pages(cfg, deps.Methods))
	kept := figures.NewKept(db, now)
	watch(parts, remembered, kept, deps)
	handler, err := api.New(deps)
	if err == nil && cfg.Dev {
		handler = devmode.Guard(handler, cfg.PublicURL, cfg.DevAllowRemote)
	}
	return &App{Handler: handler, Remembered: remembered, Demo: demonstration, parts: parts, tasks: post.worker, logouts: newLogouts(parts, deps.Tokens), events: happened, sessions: sessions, feed: feed, keys: deps.Tokens.Keyring(), linking: deps.Linking, figures: kept, deps: deps}, err
}

// Keyring returns the keys that sign access tokens.
func Keyring(cfg config.Config, db *storage.DB, log *slog.Logger, now identity.Clock) *token.Keyring {
	return token.NewKeyring(db, cfg.Secrets(), token.Alg(cfg.TokenAlg), log, now)
}

// IDTokenKeyrings returns the keys that sign ID tokens, by algorithm.
func IDTokenKeyrings(cfg config.Config, db *storage.DB, log *slog.Logger, now identity.Clock) []*token.Keyring {
	rings := make([]*token.Keyring, len(token.IDTokenAlgs))
	for i, alg := range token.IDTokenAlgs {
		rings[i] = token.NewIDTokenKeyring(db.IDTokenKeys(alg), cfg.Secrets(), alg, log, now)
	}
	return rings
}

func newTokens(parts Parts, sessions *session.Service, inTeams *teamsession.Service, claims token.ClaimSource) *token.Service {
	o := token.Options{
		Issuer: parts.Config.PublicURL.String(), RefreshGrace: parts.Config.RefreshGrace, Machines: parts.DB, Claims: claims,
		IDTokenKeys: IDTokenKeyrings(parts.Config, parts.DB, parts.Log, parts.Now),
	}
	for _, c := range parts.Config.Clients {
		o.Clients = append(o.Clients, token.Client{ID: c.ID, Audience: c.Audience, Offline: true})
	}
	return token.NewService(parts.DB, Keyring(parts.Config, parts.DB, parts.Log, parts.Now), sessions, inTeams, parts.Config.Secrets(), o, parts.Now)
}

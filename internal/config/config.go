// Package config reads Latchkey's configuration from the environment. All that
// is wrong is found at once, and nothing that is half set is guessed at: the
// service does not start on it.
package config

import (
	"crypto/rand"
	"log/slog"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Linking is what happens when a new identity vouches for an address that a
// user already has.
type Linking string

// The linking policies.
const (
	LinkingAuto    Linking = "auto"
	LinkingConfirm Linking = "confirm"
	LinkingOff     Linking = "off"
)

// SignUp is who may create an account.
type SignUp string

// The rules about creating accounts.
const (
	SignUpOpen    SignUp = "open"
	SignUpInvited SignUp = "invited"
	SignUpClosed  SignUp = "closed"
)

// OnboardedBy is who sets that a user is onboarded.
type OnboardedBy string

// Who sets that a user is onboarded.
const (
	OnboardedByUser    OnboardedBy = "user"
	OnboardedByBackend OnboardedBy = "backend"
)

// PasskeyVerification is whether the authenticator of a passkey has to verify the person.
type PasskeyVerification string

// Whether authenticators have to verify the person.
const (
	PasskeyVerificationPreferred PasskeyVerification = "preferred"
	PasskeyVerificationRequired  PasskeyVerification = "required"
)

// AllowedDomains are the domains of addresses that may create an account: nil if
// it is not set, and empty for any.
type AllowedDomains []string

// LogFormat is how log lines are written.
type LogFormat string

// The log formats.
const (
	LogJSON LogFormat = "json"
	LogText LogFormat = "text"
)

// LogLevel is a slog.Level that is configured by one of four names. It is a
// slog.Leveler.
type LogLevel slog.Level

// Level implements slog.Leveler.
func (l LogLevel) Level() slog.Level { return slog.Level(l) }

// TokenAlg is the algorithm of new signing keys, by its name in RFC 7518.
type TokenAlg string

// The algorithms.
const (
	TokenEdDSA TokenAlg = "EdDSA"
	TokenES256 TokenAlg = "ES256"
)

// Client is an application and the audience of its tokens.
type Client struct{ ID, Audience string }

// Clients are applications in the order they were named.
type Clients []Client

// MinSecretLength is the least number of characters of LATCHKEY_SECRET.
const MinSecretLength = 32

// Config is the checked configuration. Its tags are the one list of variables:
// parsing, [Describe] and docs/configuration.md all come from them.
type Config struct {
	DatabaseURL SecretURL `env:"LATCHKEY_DATABASE_URL" envDefault:"sqlite://latchkey.db" secret:"true" doc:"Where everything is kept: sqlite://PATH (sqlite:///PATH from the root) or postgres://USER:PASSWORD@HOST:PORT/DATABASE. It may lead through a pooler such as PgBouncer. Each replica opens at most 20 connections; ?pool_max_conns=N changes that."`

	DatabaseDirectURL SecretURL `env:"LATCHKEY_DATABASE_DIRECT_URL" secret:"true" doc:"The same PostgreSQL without the pooler that LATCHKEY_DATABASE_URL leads through, for migrations and notifications of changes. Without it everything works, but through a pooler sessions are not cached: every check reads."`

	PublicURL url.URL `env:"LATCHKEY_PUBLIC_URL" envDefault:"http://localhost:8080" doc:"The origin people reach Latchkey at: scheme and host, no path. https, unless the host is loopback. When unset with serve --dev, it has the port of LATCHKEY_LISTEN."`
	// PublicURLSet reports whether the operator chose PublicURL.
	PublicURLSet bool

	Listen string `env:"LATCHKEY_LISTEN" envDefault:"127.0.0.1:8080" doc:"The address to serve on, HOST:PORT. An empty host is every interface, which serve --dev refuses without --dev-allow-remote."`

	// MetricsListen is "" when metrics are off.
	MetricsListen string `env:"LATCHKEY_METRICS_LISTEN" envDefault:"127.0.0.1:9090" doc:"The address to serve Prometheus metrics on, or off. It has no authentication: keep it private. When unset and the port is busy, Latchkey goes on without metrics and warns."`
	// MetricsListenSet reports whether the operator chose MetricsListen: then a
	// busy port is an error, else it only warns.
	MetricsListenSet bool

	// DebugListen is "" when there are no profiles to be had.
	DebugListen string `env:"LATCHKEY_DEBUG_LISTEN" envDefault:"off" doc:"A loopback address, such as 127.0.0.1:6060, to serve runtime profiles on below /debug/pprof/ (go tool pprof), or off. Profiles show what the process does and no secrets of people, but taking one costs time."`

	Secret         Secret         `env:"LATCHKEY_SECRET" secret:"true" doc:"The key that nonces, states and tickets are authenticated by, at least 32 characters; the same on every replica. Required, except with serve --dev, which creates one at each start."`
	SecretPrevious Secret         `env:"LATCHKEY_SECRET_PREVIOUS" secret:"true" empty:"true" doc:"Another value of LATCHKEY_SECRET while it is being changed: what was made under it is still accepted, and nothing is made under it. See docs/database.md for the steps. After a leak leave it out. Its file may be empty while there is none."`
	AllowedOrigins Origins        `env:"LATCHKEY_ALLOWED_ORIGINS" doc:"Other origins whose pages may call Latchkey with the person's cookie and be returned to, comma separated."`
	HSTSSubdomains bool           `env:"LATCHKEY_HSTS_INCLUDE_SUBDOMAINS" envDefault:"false" doc:"Whether Strict-Transport-Security also keeps browsers on https for every host below that of LATCHKEY_PUBLIC_URL (includeSubDomains). Only where all of them have https: browsers remember it for a year."`
	CookieDomain   string         `env:"LATCHKEY_COOKIE_DOMAIN" doc:"A domain, such as example.com, whose every subdomain is sent the session cookie: the host of LATCHKEY_PUBLIC_URL or a parent of it. Unset, it is for that host alone. Read docs/security.md first."`
	TrustedProxies []netip.Prefix `env:"LATCHKEY_TRUSTED_PROXIES" doc:"Addresses and CIDR ranges of the reverse proxies in front, comma separated. Only they are believed about the client's address, which they send in X-Forwarded-For. List your backends as well that call with a person's cookie or token and send that person's address on."`

	RateLimits      Factor         `env:"LATCHKEY_RATE_LIMITS" envDefault:"1" doc:"What all rate limits are multiplied by, such as 0.5 or 4, or off; 100 when unset with serve --dev. A multiple also allows as many more guesses at mailed codes, see security.md."`
	RateLimitExempt []netip.Prefix `env:"LATCHKEY_RATE_LIMIT_EXEMPT" doc:"Addresses and CIDR ranges that rate limits by address leave out, comma separated: backends of yours that call for many people. Limits by identity, user and team hold for them too."`

	// Providers are those that people are sent to, configured or not, in the order
	// of the list and then by name.
	Providers []Provider `env:"-"`

	PasskeyRPID    string  `env:"LATCHKEY_PASSKEY_RP_ID" doc:"The domain that passkeys are made for (the RP ID of WebAuthn): the host of LATCHKEY_PUBLIC_URL or a parent of it, such as example.com, so that pages of its subdomains can use them. Unset: that host. Passkeys are kept for one domain for ever: a change makes all of them useless. There are none where the host is an IP address."`
	PasskeyOrigins Origins `env:"LATCHKEY_PASSKEY_ORIGINS" doc:"Those of LATCHKEY_ALLOWED_ORIGINS whose own pages may ask for passkeys, comma separated. Unset: all of them. They are listed at /.well-known/webauthn, so that browsers also allow it where one is not of that domain (related origins)."`

	PasskeyVerification PasskeyVerification `env:"LATCHKEY_PASSKEY_USER_VERIFICATION" envDefault:"preferred" doc:"Whether the authenticator of a passkey has to verify the person, by a PIN, a fingerprint or a face: preferred needs it for a step-up alone, and also takes security keys without a PIN elsewhere; required needs it to sign in and to link too. See docs/passkeys.md."`

	SIWEChains       []uint64 `env:"LATCHKEY_SIWE_CHAINS" envDefault:"1" doc:"Chain ids (EIP-155) that wallets may sign in on, comma separated."`
	SIWEStatement    string   `env:"LATCHKEY_SIWE_STATEMENT" doc:"A line that the wallet shows when it asks for the signature."`
	SIWETermsVersion string   `env:"LATCHKEY_SIWE_TERMS_VERSION" doc:"The version of the terms that LATCHKEY_SIWE_STATEMENT agrees to; kept with each wallet that signs it."`
	SIWEResources    []string `env:"LATCHKEY_SIWE_RESOURCES" doc:"Resources (RFC 3986 URIs) of the messages that wallets sign, comma separated."`

	SIWEChallengeMinutes int `env:"LATCHKEY_SIWE_CHALLENGE_MINUTES" envDefault:"10" doc:"For how many minutes a wallet can answer a challenge, 1 to 1440. The owners of a contract wallet who sign one after the other, or approve on the chain, may need hours; the page has to stay open meanwhile. See docs/wallets.md."`

	// SolanaNetworks are those on which Solana wallets sign in, the default first.
	SolanaNetworks SolanaNetworks `env:"LATCHKEY_SOLANA_NETWORKS" doc:"Solana networks whose accounts may sign in, comma separated: mainnet, devnet, testnet. Turns Sign-In with Solana on; its texts have the LATCHKEY_SIWE_STATEMENT and resources too. An account is another identity on each network."`

	EthereumRPC RPCs    `env:"LATCHKEY_ETHEREUM_RPC" secret:"true" doc:"JSON-RPC endpoints for contract wallets, CHAIN=URL, comma separated; several of one chain are tried in order. Without one, contract wallets of that chain cannot sign in. Those of chain 1 also resolve ENS names: wallets are shown with theirs, and operators can search by one."`
	Linking     Linking `env:"LATCHKEY_LINKING" envDefault:"auto" doc:"What happens when a new identity vouches for the address of a user: auto links it and notifies the user, confirm asks for an older sign-in method first, off refuses."`

	MergeUndoDays     int         `env:"LATCHKEY_MERGE_UNDO_DAYS" envDefault:"30" doc:"For how many days a merge of two users can be undone."`
	OnboardedBy       OnboardedBy `env:"LATCHKEY_ONBOARDED_BY" envDefault:"user" doc:"Who sets that a user is onboarded: user is the person, or the backend too; backend is an API key with users:write alone, so that your application can rely on it."`
	DeletionGraceDays int         `env:"LATCHKEY_DELETION_GRACE_DAYS" envDefault:"14" doc:"For how many days somebody who deletes their account can restore it; 0 deletes it at once."`
	AuditIPDays       int         `env:"LATCHKEY_AUDIT_IP_DAYS" envDefault:"90" doc:"For how many days events of the audit trail are found by the network address they came from, which is kept in plain for that."`

	AuditRetention  Retention `env:"LATCHKEY_AUDIT_RETENTION" envDefault:"off" doc:"For how long events stay in the audit trail, such as 365d or 720h, or off for good. Older ones are exported to files in LATCHKEY_AUDIT_ARCHIVE_DIR, the files are verified, and then the events are dropped, see docs/audit.md."`
	AuditArchiveDir string    `env:"LATCHKEY_AUDIT_ARCHIVE_DIR" doc:"A directory for what has to outlive the database: files of old audit events, and the list of erased users that a restore applies. Required with LATCHKEY_AUDIT_RETENTION. All replicas that have it must see the same directory."`

	EmailLinking Linking `env:"LATCHKEY_EMAIL_LINKING" doc:"LATCHKEY_LINKING for e-mail links alone."`

	SignUp              SignUp         `env:"LATCHKEY_SIGN_UP" envDefault:"open" doc:"Who may create an account: open is everybody, invited those with an open invitation to a team, closed no one. People who have an account sign in as before."`
	AllowedEmailDomains AllowedDomains `env:"LATCHKEY_ALLOWED_EMAIL_DOMAINS" doc:"Only verified addresses of these domains may create an account, comma separated, such as acme.com,acme.org; their subdomains may not. A wallet has no address, so it cannot. Unset or any: every domain, and none."`
	EmailSignUp         SignUp         `env:"LATCHKEY_EMAIL_SIGN_UP" doc:"LATCHKEY_SIGN_UP for e-mail links alone."`
	EmailAllowedDomains AllowedDomains `env:"LATCHKEY_EMAIL_ALLOWED_EMAIL_DOMAINS" doc:"LATCHKEY_ALLOWED_EMAIL_DOMAINS for e-mail links alone."`
	SIWESignUp          SignUp         `env:"LATCHKEY_SIWE_SIGN_UP" doc:"LATCHKEY_SIGN_UP for wallets alone."`
	SIWEAllowedDomains  AllowedDomains `env:"LATCHKEY_SIWE_ALLOWED_EMAIL_DOMAINS" doc:"LATCHKEY_ALLOWED_EMAIL_DOMAINS for wallets alone; any is the only value, since a wallet has no address."`

	SolanaSignUp         SignUp         `env:"LATCHKEY_SOLANA_SIGN_UP" doc:"LATCHKEY_SIGN_UP for Solana wallets alone."`
	SolanaAllowedDomains AllowedDomains `env:"LATCHKEY_SOLANA_ALLOWED_EMAIL_DOMAINS" doc:"LATCHKEY_ALLOWED_EMAIL_DOMAINS for Solana wallets alone; any is the only value, since a wallet has no address."`

	HookSignInURL           WebURL      `env:"LATCHKEY_HOOK_SIGN_IN_URL" doc:"A URL of your application that is asked before a proof is applied: it can deny a sign-in. See docs/hooks.md."`
	HookSignInSecret        HookSecrets `env:"LATCHKEY_HOOK_SIGN_IN_SECRET" secret:"true" doc:"What requests to that hook are signed by (Standard Webhooks): whsec_ and base64. Two, comma separated, while it is being changed."`
	HookSignInOnFailure     OnFailure   `env:"LATCHKEY_HOOK_SIGN_IN_ON_FAILURE" envDefault:"deny" doc:"What happens when that hook does not answer within 3 seconds: deny or allow. Deny refuses the sign-in."`
	HookUserCreateURL       WebURL      `env:"LATCHKEY_HOOK_USER_CREATE_URL" doc:"A URL of your application that is asked before a user is created: it can deny that, or say how the user begins. See docs/hooks.md."`
	HookUserCreateSecret    HookSecrets `env:"LATCHKEY_HOOK_USER_CREATE_SECRET" secret:"true" doc:"What requests to that hook are signed by (Standard Webhooks): whsec_ and base64. Two, comma separated, while it is being changed."`
	HookUserCreateOnFailure OnFailure   `env:"LATCHKEY_HOOK_USER_CREATE_ON_FAILURE" envDefault:"deny" doc:"What happens when that hook does not answer within 3 seconds: deny or allow. Deny creates no user."`
	HookTokenURL            WebURL      `env:"LATCHKEY_HOOK_TOKEN_URL" doc:"A URL of your application that is asked before a token is signed: it can add claims. See docs/hooks.md."`
	HookTokenSecret         HookSecrets `env:"LATCHKEY_HOOK_TOKEN_SECRET" secret:"true" doc:"What requests to that hook are signed by (Standard Webhooks): whsec_ and base64. Two, comma separated, while it is being changed."`
	HookTokenOnFailure      OnFailure   `env:"LATCHKEY_HOOK_TOKEN_ON_FAILURE" envDefault:"allow" doc:"What happens when that hook does not answer within 3 seconds: deny or allow. Allow signs the token without claims."`
	HookAllowedHosts        Hosts       `env:"LATCHKEY_HOOK_ALLOWED_HOSTS" doc:"Hosts that hooks and webhooks may be on although they are not public or not reached by https, HOST or HOST:PORT, comma separated, such as hooks.internal or 10.0.0.5:8080."`
	WebhookAllowedHosts     Hosts       `env:"LATCHKEY_WEBHOOK_ALLOWED_HOSTS" doc:"More hosts that webhooks alone may be on although they are not public or not reached by https, in the same form: those of LATCHKEY_HOOK_ALLOWED_HOSTS count for webhooks too. Operators choose the URLs of webhooks."`

	SessionIdle     time.Duration `env:"LATCHKEY_SESSION_IDLE" envDefault:"168h" doc:"How long a session lives without being used, such as 30m or 168h."`
	SessionLifetime time.Duration `env:"LATCHKEY_SESSION_LIFETIME" envDefault:"720h" doc:"How long a session lives at most."`

	Clients                 Clients       `env:"LATCHKEY_CLIENTS" doc:"The applications that may ask for tokens, CLIENT_ID=AUDIENCE, comma separated, such as web=https://api.example.com,mobile=https://api.example.com. The audience is the API that takes the client's access tokens (aud). Listed clients may have refresh tokens. Unset: one client, default, whose audience is LATCHKEY_PUBLIC_URL, without them."`
	RefreshGrace            time.Duration `env:"LATCHKEY_REFRESH_GRACE" envDefault:"24h" doc:"How long a used refresh token returns the same successor again, while that is unused: the answer was lost on the way. Longer forgives longer outages of a device's network; shorter leaves less time to a stolen token that its owner has just used. A use after its successor was used always ends the session."`
	ClientDocumentHosts     DocumentHosts `env:"LATCHKEY_CLIENT_DOCUMENT_HOSTS" doc:"Hosts whose applications may sign people in without being registered: the client_id is an https URL at which the application describes itself (Client ID Metadata Documents), as agents do. HOST or HOST:PORT, comma separated, none, or any. People are always asked. Hosts that are listed may be at addresses that are not public. Unset: any. With serve --dev this machine is one, over http too."`
	DynamicRegistration     bool          `env:"LATCHKEY_DYNAMIC_REGISTRATION" envDefault:"false" doc:"Whether applications may register themselves at /oauth2/register (RFC 7591), true or false: for agents that cannot describe themselves at a URL. They are public clients, people are always asked, and nothing is kept until somebody agrees. What was registered ends when this is false again, and when the secret that it was registered under is gone."`
	BackchannelAllowedHosts Hosts         `env:"LATCHKEY_BACKCHANNEL_ALLOWED_HOSTS" doc:"Hosts of applications that logout tokens may be sent to although they are not public or not reached by https, HOST or HOST:PORT, comma separated, such as grafana:3000. With serve --dev this machine is allowed."`

	TokenAlg     TokenAlg      `env:"LATCHKEY_TOKEN_ALG" envDefault:"EdDSA" doc:"The signature of access tokens, EdDSA (Ed25519) or ES256. A change applies to the next key; latchkey keys rotate creates one."`
	SessionCache int           `env:"LATCHKEY_SESSION_CACHE" envDefault:"20000" doc:"How many sessions each replica remembers, so that checking them reads nothing; 0 for none. They take at most 3 KB times this: 60 MB by default. A session whose user has much metadata takes the room of several. A session that was ended is refused everywhere within LATCHKEY_SESSION_LEASE. On PostgreSQL this needs one connection that does not go through a pooler, see LATCHKEY_DATABASE_DIRECT_URL; through one, nothing is remembered."`
	SessionLease time.Duration `env:"LATCHKEY_SESSION_LEASE" envDefault:"100ms" doc:"How long a replica answers from memory after PostgreSQL has shown that it still sends all changes, from 100ms to 10s. It asks three times in that time. Changes usually arrive at once; this bounds how long an ended session works on a replica that the network has cut off. A database whose answers take longer, as in another region, needs more: without it every check reads."`

	GeoIPFile string `env:"LATCHKEY_GEOIP_FILE" doc:"A MaxMind DB file of cities or countries, such as GeoLite2-City.mmdb, to show about where sessions are. Read at start, and again when it has changed."`

	BrandName              string `env:"LATCHKEY_BRAND_NAME" envDefault:"Latchkey" doc:"What the pages and mails call this service, at most 60 characters. Unset, mails name its host."`
	BrandLogoURL           WebURL `env:"LATCHKEY_BRAND_LOGO_URL" doc:"A square picture beside the name, an https URL. Unset: a key."`
	BrandHomeURL           WebURL `env:"LATCHKEY_BRAND_HOME_URL" doc:"Where the application is that people come from, an https URL. The pages link back to it."`
	BrandTermsURL          WebURL `env:"LATCHKEY_BRAND_TERMS_URL" doc:"The terms that people agree to by signing in, an https URL. The sign-in page links to them."`
	BrandPrivacyURL        WebURL `env:"LATCHKEY_BRAND_PRIVACY_URL" doc:"The privacy policy, an https URL. The sign-in page links to it."`
	BrandColor             string `env:"LATCHKEY_BRAND_COLOR" doc:"The colour of buttons and links in pages and mails, #rrggbb. Pages darken it where white text on it could not be read."`
	WalletConnectProjectID string `env:"LATCHKEY_WALLETCONNECT_PROJECT_ID" doc:"Project of WalletConnect (Reown Cloud), 32 hexadecimal digits; offers wallets on phones. The pages may then speak to its relay."`

	LogLevel        LogLevel      `env:"LATCHKEY_LOG_LEVEL" envDefault:"info" doc:"debug, info, warn or error."`
	LogFormat       LogFormat     `env:"LATCHKEY_LOG_FORMAT" envDefault:"json" doc:"json or text; text when unset with serve --dev."`
	DrainDelay      Delay         `env:"LATCHKEY_DRAIN_DELAY" envDefault:"5s" doc:"How long after SIGTERM requests are still taken, while /readyz answers 503 already: time for load balancers to notice. 0s when unset with serve --dev."`
	ShutdownTimeout time.Duration `env:"LATCHKEY_SHUTDOWN_TIMEOUT" envDefault:"10s" doc:"How long requests in flight may take to end after that."`

	SMTPURL  SecretURL `env:"LATCHKEY_SMTP_URL" secret:"true" doc:"Mail server, smtp://USER:PASSWORD@HOST:587 (STARTTLS, which a host other than this machine must offer unless ?starttls=never is added) or smtps://USER:PASSWORD@HOST:465. With the sender, turns e-mail sign-in on."`
	MailFrom string    `env:"LATCHKEY_MAIL_FROM" doc:"Sender of all mail, such as id@example.com or Example <id@example.com>. Required with LATCHKEY_SMTP_URL."`
	RedisURL SecretURL `env:"LATCHKEY_REDIS_URL" secret:"true" doc:"Redis, redis://USER:PASSWORD@HOST:6379/DATABASE or rediss:// for TLS. With it, replicas share their rate limits; while it does not answer, each limits on its own. A request waits 75 ms for it, or as long as ?read_timeout=200ms says."`

	// Dev reports whether this is `serve --dev`, and DevAllowRemote whether that
	// was allowed to listen beyond loopback and to answer to any name.
	Dev, DevAllowRemote bool

	unknown []string // variables with our prefix that are none, a sentence each
}

// Engine is "postgres" or "sqlite".
func (c Config) Engine() string {
	if c.DatabaseURL.scheme() == "sqlite" {
		return "sqlite"
	}
	return "postgres"
}

// Option changes how the configuration is read.
type Option func(*Config)

// AllowRemoteDev is `serve --dev-allow-remote`: development mode may listen
// beyond loopback. Everybody who reaches it can then sign in as anybody and read
// the mail, so it is for a container or a virtual machine whose port is published
// on loopback only.
func AllowRemoteDev(allow bool) Option {
	return func(c *Config) { c.DevAllowRemote = allow }
}

// Load reads the configuration from variables in the form of os.Environ. dev
// is `serve --dev`: it takes a random secret when none is set, logs text, and
// serves on loopback only, at a public URL that follows LATCHKEY_LISTEN when none
// is set.
//
// The error is a [*Error] with everything that is wrong.
func Load(environ []string, dev bool, opts ...Option) (Config, error) {
	return load(environ, dev, true, opts...)
}

// LoadWithoutSecret is Load for commands that sign nothing, such as migrations
// by hand: LATCHKEY_SECRET may be missing. All else is checked alike.
func LoadWithoutSecret(environ []string) (Config, error) {
	return load(environ, false, false)
}

func load(environ []string, dev, needSecret bool, opts ...Option) (Config, error) {
	var problems problems
	values, unknown := readEnvironment(environ, &problems)
	_, metricsSet := values["LATCHKEY_METRICS_LISTEN"]
	_, publicURLSet := values["LATCHKEY_PUBLIC_URL"]
	if dev {
		setDefault(values, "LATCHKEY_LOG_FORMAT", string(LogText))
		setDefault(values, "LATCHKEY_RATE_LIMITS", "100")
		setDefault(values, "LATCHKEY_DRAIN_DELAY", "0s")
		if !problems.has("LATCHKEY_SECRET") {
			setDefault(values, "LATCHKEY_SECRET", rand.Text()+rand.Text())
		}
		if at, ok := publicURLAt(values["LATCHKEY_LISTEN"]); ok && !problems.has("LATCHKEY_PUBLIC_URL") {
			setDefault(values, "LATCHKEY_PUBLIC_URL", at.String())
		}
	}
	c := Config{Dev: dev, MetricsListenSet: metricsSet, PublicURLSet: publicURLSet, unknown: unknown}
	for _, set := range opts {
		set(&c)
	}
	parse(&c, values, &problems)
	c.readProviders(values, &problems)
	c.check(needSecret, &problems)
	if err := problems.err(); err != nil {
		return Config{}, err
	}
	return c, nil
}

// Secrets are LATCHKEY_SECRET and, if set, LATCHKEY_SECRET_PREVIOUS.
func (c Config) Secrets() []string {
	if c.SecretPrevious == "" {
		return []string{c.Secret.Reveal()}
	}
	return []string{c.Secret.Reveal(), c.SecretPrevious.Reveal()}
}

// HasSecret reports whether LATCHKEY_SECRET is set, of itself or by a file.
func HasSecret(environ []string) bool {
	return slices.ContainsFunc(environ, func(pair string) bool {
		name, value, _ := strings.Cut(pair, "=")
		return value != "" && (name == "LATCHKEY_SECRET" || name == "LATCHKEY_SECRET_FILE")
	})
}

func setDefault(values map[string]string, name, value string) {
	if _, set := values[name]; !set {
		values[name] = value
	}
}

package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/publicsuffix"

	"github.com/latchkey/latchkey/internal/ratelimit"
	"github.com/latchkey/latchkey/siwe"
)

// The bounds of LATCHKEY_SESSION_LEASE: below, a busy machine could not keep it; above, an
// ended session would work for long.
const (
	minSessionLease = 100 * time.Millisecond
	maxSessionLease = 10 * time.Second
)

// check checks values against each other and for what their types cannot express.
func (c *Config) check(needSecret bool, problems *problems) {
	checkScheme(problems, "LATCHKEY_DATABASE_URL", c.DatabaseURL, "sqlite", "postgres", "postgresql")
	checkScheme(problems, "LATCHKEY_DATABASE_DIRECT_URL", c.DatabaseDirectURL, "postgres", "postgresql")
	c.checkDirect(problems)
	checkScheme(problems, "LATCHKEY_SMTP_URL", c.SMTPURL, "smtp", "smtps")
	checkScheme(problems, "LATCHKEY_REDIS_URL", c.RedisURL, "redis", "rediss")
	c.checkRedis(problems)
	c.checkPublicURL(problems)
	c.checkCookieDomain(problems)
	c.checkListen(problems)
	c.checkSecret(needSecret, problems)
	c.checkPasskeys(problems)
	c.checkWallets(problems)
	c.checkMail(problems)
	c.checkPages(problems)
	c.checkHooks(problems)
	if !problems.has("LATCHKEY_SESSION_LEASE") && (c.SessionLease < minSessionLease || c.SessionLease > maxSessionLease) {
		problems.add("LATCHKEY_SESSION_LEASE", "is %s; give %s to %s", c.SessionLease, minSessionLease, maxSessionLease)
	}
	if !problems.has("LATCHKEY_SESSION_IDLE") && !problems.has("LATCHKEY_SESSION_LIFETIME") && c.SessionIdle > c.SessionLifetime {
		problems.add("LATCHKEY_SESSION_IDLE", "is %s, longer than LATCHKEY_SESSION_LIFETIME (%s); make it at most that", c.SessionIdle, c.SessionLifetime)
	}
}

func (c *Config) checkDirect(problems *problems) {
	const name = "LATCHKEY_DATABASE_DIRECT_URL"
	if c.DatabaseDirectURL != "" && !problems.has(name) && !problems.has("LATCHKEY_DATABASE_URL") && c.Engine() == "sqlite" {
		problems.add(name, "is set, but LATCHKEY_DATABASE_URL is SQLite; remove it, or set both to the same PostgreSQL")
	}
}

func (c *Config) checkRedis(problems *problems) {
	const name = "LATCHKEY_REDIS_URL"
	if c.RedisURL == "" || problems.has(name) {
		return
	}
	if err := ratelimit.CheckURL(c.RedisURL.Reveal()); err != nil {
		problems.add(name, "%v", err)
	}
}

func (c *Config) checkPublicURL(problems *problems) {
	const name = "LATCHKEY_PUBLIC_URL"
	loopback := Loopback(c.PublicURL.Hostname())
	switch {
	case problems.has(name):
	case c.Dev && !loopback:
		problems.add(name, "is %s, but with serve --dev anybody can sign in as anybody, so it serves on a loopback host only; use http://localhost:8080 for example, or serve without --dev", c.PublicURL.String())
	case c.PublicURL.Scheme != "https" && !loopback:
		problems.add(name, "is %s; a host that is not loopback needs https, or cookies and tokens travel in the clear", c.PublicURL.String())
	}
}

// checkCookieDomain accepts what browsers accept: the public host or a parent of it
// that belongs to one owner.
func (c *Config) checkCookieDomain(problems *problems) {
	const name = "LATCHKEY_COOKIE_DOMAIN"
	domain, host := c.CookieDomain, c.PublicURL.Hostname()
	if domain == "" || problems.has("LATCHKEY_PUBLIC_URL") {
		return
	}
	_, err := netip.ParseAddr(host)
	suffix, _ := publicsuffix.PublicSuffix(domain)
	switch {
	case c.PublicURL.Scheme != "https":
		problems.add(name, "is set, but LATCHKEY_PUBLIC_URL is %s; a cookie for subdomains needs https", c.PublicURL.String())
	case !hostname.MatchString(domain) || err == nil:
		problems.add(name, "is %.100q; give a DNS name in lower case without a dot in front, such as example.com", domain)
	case domain != host && !strings.HasSuffix(host, "."+domain):
		problems.add(name, "is %.100q, which is neither %s nor a parent of it; browsers would refuse the cookie", domain, host)
	case suffix == domain:
		problems.add(name, "is %.100q, under which anyone can register a name; give a domain of your own", domain)
	}
}

func (c *Config) checkListen(problems *problems) {
	checkAddress(problems, "LATCHKEY_LISTEN", c.Listen)
	if host, _, err := net.SplitHostPort(c.Listen); c.Dev && !c.DevAllowRemote && err == nil && !Loopback(host) && !problems.has("LATCHKEY_LISTEN") {
		problems.add("LATCHKEY_LISTEN", "is %s, but everybody who reaches serve --dev can sign in as anybody and read all mail; use 127.0.0.1, or add --dev-allow-remote where only you can reach it", c.Listen)
	}
	c.MetricsListen = c.checkOwnAddress(problems, "LATCHKEY_METRICS_LISTEN", c.MetricsListen)
	c.DebugListen = c.checkOwnAddress(problems, "LATCHKEY_DEBUG_LISTEN", c.DebugListen)
	if host, _, err := net.SplitHostPort(c.DebugListen); err == nil && !Loopback(host) && !problems.has("LATCHKEY_DEBUG_LISTEN") {
		problems.add("LATCHKEY_DEBUG_LISTEN", "is %s, but profiles are served without authentication; use a loopback address such as 127.0.0.1:6060", c.DebugListen)
	}
}

// checkOwnAddress checks the address of a listener that may be off, and returns it,
// or "" for off.
func (c *Config) checkOwnAddress(problems *problems, name, address string) string {
	if address == "off" {
		return ""
	}
	checkAddress(problems, name, address)
	if address == c.Listen && !strings.HasSuffix(c.Listen, ":0") {
		problems.add(name, "is the address of LATCHKEY_LISTEN too; give it another port, or off")
	}
	return address
}

func (c *Config) checkSecret(need bool, problems *problems) {
	const name = "LATCHKEY_SECRET"
	switch n := utf8.RuneCountInString(c.Secret.Reveal()); {
	case problems.has(name) || n == 0 && !need:
	case n == 0:
		problems.add(name, "is not set; make one with `openssl rand -base64 32`, and give it here or in a file named by %s%s", name, fileSuffix)
	case n < MinSecretLength:
		problems.add(name, "has %d characters, fewer than %d; make one with `openssl rand -base64 32`", n, MinSecretLength)
	}
	const previous = "LATCHKEY_SECRET_PREVIOUS"
	switch n := utf8.RuneCountInString(c.SecretPrevious.Reveal()); {
	case problems.has(previous) || n == 0:
	case n < MinSecretLength:
		problems.add(previous, "has %d characters, fewer than %d: no LATCHKEY_SECRET was that short", n, MinSecretLength)
	case c.SecretPrevious == c.Secret:
		problems.add(previous, "is the value of %s; set another one, or none", name)
	}
}

func (c *Config) checkWallets(problems *problems) {
	if strings.ContainsFunc(c.SIWEStatement, func(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) }) {
		problems.add("LATCHKEY_SIWE_STATEMENT", "has a character that cannot be shown; give one line of printable text")
	}
	if c.SIWETermsVersion != "" && c.SIWEStatement == "" {
		problems.add("LATCHKEY_SIWE_TERMS_VERSION", "is set without LATCHKEY_SIWE_STATEMENT, so no wallet agrees to it; set the statement too")
	}
	for _, r := range c.SIWEResources {
		if u, err := url.Parse(r); err != nil || u.Scheme == "" || strings.ContainsAny(r, " \"<>\\^`{|}") {
			problems.add("LATCHKEY_SIWE_RESOURCES", "has %.60q, which is not a URI; give absolute URIs, comma separated", r)
		}
	}
	if n := c.SIWEChallengeMinutes; n < 1 || n > 1440 {
		problems.add("LATCHKEY_SIWE_CHALLENGE_MINUTES", "is %d; give 1 to 1440 minutes", n)
	}
	c.checkMessages(problems)
	c.checkSolana(problems)
	if len(c.SIWEAllowedDomains) > 0 {
		problems.add("LATCHKEY_SIWE_ALLOWED_EMAIL_DOMAINS", "has a domain, but wallets have no address; give any to let them create accounts, or remove it")
	}
	if c.MergeUndoDays < 0 {
		problems.add("LATCHKEY_MERGE_UNDO_DAYS", "is negative; give a number of days, 0 for none")
	}
	if c.DeletionGraceDays < 0 || c.DeletionGraceDays > 365 {
		problems.add("LATCHKEY_DELETION_GRACE_DAYS", "is %d; give 0 to 365 days", c.DeletionGraceDays)
	}
	if c.AuditIPDays < 1 || c.AuditIPDays > 3650 {
		problems.add("LATCHKEY_AUDIT_IP_DAYS", "is %d; give 1 to 3650 days", c.AuditIPDays)
	}
	c.checkArchive(problems)
	if problems.has("LATCHKEY_SIWE_CHAINS") {
		return
	}
	for chain := range c.EthereumRPC {
		if !slices.Contains(c.SIWEChains, chain) {
			problems.add("LATCHKEY_ETHEREUM_RPC", "names chain %d, which is not in LATCHKEY_SIWE_CHAINS; add it there or remove it here", chain)
		}
	}
}

// checkArchive does not look for the directory: one that is not there, like a full one,
// stops no sign-in.
func (c *Config) checkArchive(problems *problems) {
	const name = "LATCHKEY_AUDIT_ARCHIVE_DIR"
	switch {
	case problems.has(name) || problems.has("LATCHKEY_AUDIT_RETENTION"):
	case c.AuditRetention > 0 && c.AuditArchiveDir == "":
		problems.add(name, "is not set, so LATCHKEY_AUDIT_RETENTION has nowhere to keep what is dropped; name a directory")
	}
}

// checkMessages builds the messages that wallets will be asked to sign, so that
// a challenge need not check again what is configured.
func (c *Config) checkMessages(problems *problems) {
	for _, name := range []string{"LATCHKEY_PUBLIC_URL", "LATCHKEY_ALLOWED_ORIGINS", "LATCHKEY_SIWE_CHAINS", "LATCHKEY_SIWE_STATEMENT", "LATCHKEY_SIWE_RESOURCES"} {
		if problems.has(name) {
			return
		}
	}
	check := func(name, what string, change func(*siwe.Message)) bool {
		m := siwe.Message{Domain: c.PublicURL.Host, URI: c.PublicURL.Scheme + "://" + c.PublicURL.Host, ChainID: 1}
		change(&m)
		var e *siwe.Error
		if err := siwe.CheckTemplate(m); errors.As(err, &e) {
			problems.add(name, "has %s, which cannot be used in the messages that wallets sign (EIP-4361): the %s %s", what, e.Field, e.Reason)
		}
		return e == nil
	}
	fine := check("LATCHKEY_PUBLIC_URL", "an origin", func(*siwe.Message) {})
	for _, origin := range c.AllowedOrigins {
		_, host, _ := strings.Cut(origin, "://")
		fine = check("LATCHKEY_ALLOWED_ORIGINS", origin, func(m *siwe.Message) { m.Domain, m.URI = host, origin }) && fine
	}
	for _, chain := range c.SIWEChains {
		fine = check("LATCHKEY_SIWE_CHAINS", fmt.Sprintf("chain %d", chain), func(m *siwe.Message) { m.ChainID = chain }) && fine
	}
	fine = check("LATCHKEY_SIWE_STATEMENT", "a line", func(m *siwe.Message) { m.Statement = c.SIWEStatement }) && fine
	for _, r := range c.SIWEResources {
		fine = check("LATCHKEY_SIWE_RESOURCES", fmt.Sprintf("%.60q", r), func(m *siwe.Message) { m.Resources = []string{r} }) && fine
	}
	if fine && len(c.SIWEResources) > 0 {
		check("LATCHKEY_SIWE_RESOURCES", "a list", func(m *siwe.Message) { m.Statement, m.Resources = c.SIWEStatement, c.SIWEResources })
	}
}

// checkScheme takes SCHEME://something. It quotes nothing, for the password.
func checkScheme(problems *problems, name string, value SecretURL, schemes ...string) {
	if value == "" || problems.has(name) {
		return
	}
	scheme, rest, _ := strings.Cut(string(value), "://")
	if !slices.Contains(schemes, scheme) {
		problems.add(name, "does not begin with %s://", strings.Join(schemes, ":// or "))
		return
	}
	u, err := url.Parse(string(value))
	switch {
	case rest == "":
		problems.add(name, "has no host or path after %s://", scheme)
	case scheme == "sqlite": // a path, which need not be a URL
	case err != nil:
		problems.add(name, "is not a URL; special characters in its password must be percent-encoded")
	case u.Host == "" && scheme != "postgres" && scheme != "postgresql": // PostgreSQL may be on a socket
		problems.add(name, "has no host; write %s://HOST:PORT", scheme)
	}
}

func checkAddress(problems *problems, name, value string) {
	if problems.has(name) {
		return
	}
	host, port, err := net.SplitHostPort(value)
	if err != nil || !validPort(port, 0) {
		problems.add(name, "is %.100q; give HOST:PORT, such as 127.0.0.1:8080 or [::1]:8080", value)
		return
	}
	if _, err := netip.ParseAddr(host); err != nil && host != "" && !hostname.MatchString(strings.ToLower(host)) {
		problems.add(name, "is %.100q, whose host is not an address or a name", value)
	}
}

package api

import (
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"golang.org/x/net/publicsuffix"

	"github.com/latchkey/latchkey/identity"
)

// flowLifetime outlives a nonce, so that a phone that returns late gets the error
// that the nonce expired, not that it is another browser.
const flowLifetime = time.Hour

// cookies sets and reads the cookies: the session's token, the flow value that
// binds nonces, states and tickets to one browser and what belongs to it, and what
// the browser is known by.
type cookies struct {
	prefix string // "__Host-" on https: no subdomain and no http page can set it
	secure bool
	// domain is whose subdomains get the session, "" for the public host alone.
	// The other cookies never leave it.
	domain string
	wider  []string // what a domain may have been configured to be
	// longer is by how much a challenge may outlive method.Lifetime.
	longer time.Duration
}

const (
	hostSession   = "__Host-latchkey"
	domainSession = "__Secure-latchkey"
)

func newCookies(publicURL *url.URL, domain string) cookies {
	if publicURL.Scheme != "https" {
		return cookies{}
	}
	k := cookies{prefix: "__Host-", secure: true, domain: domain}
	host := publicURL.Hostname()
	top, err := publicsuffix.EffectiveTLDPlusOne(host)
	if err != nil || net.ParseIP(host) != nil {
		return k // such a host has no wider one
	}
	for host != top {
		k.wider = append(k.wider, host)
		_, host, _ = strings.Cut(host, ".")
	}
	k.wider = append(k.wider, top)
	return k
}

func (k cookies) session() string {
	if k.domain != "" {
		return domainSession
	}
	return k.prefix + "latchkey"
}

func (k cookies) flow() string { return k.prefix + "latchkey-flow" }

// known holds what shows that this browser has signed in before, see
// email.KnownBrowser. Signing out leaves it.
func (k cookies) known() string { return k.prefix + "latchkey-known" }

// ticket holds a link ticket until the person has signed in with an older method.
func (k cookies) ticket() string { return k.prefix + "latchkey-ticket" }

// completed holds the receipt of the last round trip to a provider.
func (k cookies) completed() string { return k.prefix + "latchkey-completed" }

// set writes a cookie; a lifetime of zero clears it. SameSite=Lax, because
// coming back from a provider is a navigation from another site.
func (k cookies) set(c *gin.Context, name, value string, lifetime time.Duration) {
	k.setFor(c, "", name, value, lifetime)
}

func (k cookies) setFor(c *gin.Context, domain, name, value string, lifetime time.Duration) {
	maxAge := int(lifetime.Seconds())
	if maxAge <= 0 {
		maxAge = -1
	}
	http.SetCookie(c.Writer, k.cookie(domain, name, value, maxAge))
}

func (k cookies) cookie(domain, name, value string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name: name, Value: value, Domain: domain, Path: "/", MaxAge: maxAge,
		HttpOnly: true, Secure: k.secure, SameSite: http.SameSiteLaxMode,
	}
}

// SessionCookie returns the cookie that holds the token of a session, until the
// browser is closed.
func (c Config) SessionCookie(token string) *http.Cookie {
	k := newCookies(c.PublicURL, c.CookieDomain)
	return k.cookie(k.domain, k.session(), token, 0)
}

func (k cookies) setSession(c *gin.Context, token string, lifetime time.Duration) {
	k.setFor(c, k.domain, k.session(), token, lifetime)
}

// clearSession takes the session from the browser, also where it has one from
// before the domain was configured otherwise, or one that a subdomain planted.
func (k cookies) clearSession(c *gin.Context) {
	if k.secure && len(c.Request.CookiesNamed(hostSession)) > 0 && k.domain != "" {
		k.set(c, hostSession, "", 0)
	}
	if n := len(c.Request.CookiesNamed(domainSession)); n > 1 || n == 1 && k.domain == "" {
		k.set(c, domainSession, "", 0)
		for _, domain := range k.wider {
			if domain != k.domain {
				k.setFor(c, domain, domainSession, "", 0)
			}
		}
	}
	k.setSession(c, "", 0)
}

// sessionOf returns the token of the session cookie, "" for none. Where a
// subdomain may write it there can be two, in an order that is the writer's to
// choose: then neither counts, and the browser is asked to delete them.
func (k cookies) sessionOf(c *gin.Context) string {
	found := c.Request.CookiesNamed(k.session())
	if len(found) > 1 {
		k.clearSession(c)
	}
	if len(found) != 1 {
		return ""
	}
	return found[0].Value
}

// flowOf returns the browser's flow value, or "" if it has none.
func (k cookies) flowOf(c *gin.Context) string {
	v, err := c.Request.Cookie(k.flow())
	if err != nil || len(v.Value) != 43 { // what NewSecret makes
		return ""
	}
	return v.Value
}

// flowOrNew returns the browser's flow value, or one that it may be given.
func (k cookies) flowOrNew(c *gin.Context) string {
	flow := k.flowOf(c)
	if flow == "" {
		flow, _ = identity.NewSecret()
	}
	return flow
}

// keepFlow makes sure that the browser keeps its flow value long enough. Several tabs
// share one value.
func (k cookies) keepFlow(c *gin.Context, flow string) {
	k.set(c, k.flow(), flow, flowLifetime+k.longer)
}

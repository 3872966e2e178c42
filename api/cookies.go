package api

import (
	"net/http"
	"net/url"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/latchkey/latchkey/identity"
)

// flowLifetime outlives a nonce, so that a phone which comes back late is told
// that the nonce expired rather than that it is another browser.
const flowLifetime = time.Hour

// cookies sets and reads the two cookies: the session's token, and the flow
// value that binds nonces, states and tickets to one browser.
type cookies struct {
	prefix string // "__Host-" on https: no subdomain and no http page can set it
	secure bool
}

func newCookies(publicURL *url.URL) cookies {
	if publicURL.Scheme == "https" {
		return cookies{prefix: "__Host-", secure: true}
	}
	return cookies{}
}

func (k cookies) session() string { return k.prefix + "latchkey" }
func (k cookies) flow() string    { return k.prefix + "latchkey-flow" }

// ticket holds a link ticket until the person has come in by an older way.
func (k cookies) ticket() string { return k.prefix + "latchkey-ticket" }

// set writes a cookie; a lifetime of zero clears it. SameSite=Lax, because
// coming back from a provider is a navigation from another site.
func (k cookies) set(c *gin.Context, name, value string, lifetime time.Duration) {
	maxAge := int(lifetime.Seconds())
	if maxAge <= 0 {
		maxAge = -1
	}
	http.SetCookie(c.Writer, &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: maxAge,
		HttpOnly: true, Secure: k.secure, SameSite: http.SameSiteLaxMode,
	})
}

func (k cookies) setSession(c *gin.Context, token string, lifetime time.Duration) {
	k.set(c, k.session(), token, lifetime)
}

// flowOf returns the browser's flow value, or "" if it has none.
func (k cookies) flowOf(c *gin.Context) string {
	v, err := c.Request.Cookie(k.flow())
	if err != nil || len(v.Value) != 43 { // what NewSecret makes
		return ""
	}
	return v.Value
}

// ensureFlow returns the browser's flow value and makes sure it keeps it long
// enough. Several tabs share one value.
func (k cookies) ensureFlow(c *gin.Context) string {
	flow := k.flowOf(c)
	if flow == "" {
		flow, _ = identity.NewSecret()
	}
	k.set(c, k.flow(), flow, flowLifetime)
	return flow
}

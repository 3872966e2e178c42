package api

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"mime"
	"net/http"
	"net/netip"
	"net/url"
	"runtime/debug"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gin-gonic/gin"
	"github.com/rs/cors"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/apikey"
	"github.com/latchkey/latchkey/identity/session"
)

// maxBodyBytes bounds a request body before anything reads it: the largest
// honest one is a message of 8 KiB with a contract wallet's signature of 32 KiB
// of hexadecimal.
const maxBodyBytes = 64 << 10

const maxUserAgent = 512

// isRoutine reports whether an operation is called for each request to an application, or
// again and again by what watches the service; success is logged at level debug only.
func (o *operation) isRoutine() bool {
	if o == probe {
		return true
	}
	id := o.route.Operation.OperationID
	return id == "getSession" || id == "forwardAuth"
}

// requestInfo is what the middleware knows of a request.
type requestInfo struct {
	id        string
	operation *operation
	origin    identity.RequestOrigin
	addr      netip.Addr // the client's; invalid where the peer has none
	quotas    quotas
	principal *session.Principal
	key       *apikey.Key // a service, which has no principal
	bearer    bool        // the session came as a bearer token
	form      url.Values  // of an operation that takes nothing else
	returnTo  string      // checked: where a round trip to a provider is to end
	overLimit error       // the network has had its quota, and the handler is to decide about it
	lasting   bool        // the answer lasts as long as its reader wants
	err       error
}

// requestInfoKey is the key of the requestInfo in the context of the request. It is
// found there through Gin's context, through the request's own, and through every
// context made from either.
type requestInfoKey struct{}

// requestInfoOf returns what is known of the request of ctx. For a context of no
// request that is nothing: no principal, no key, no address.
func requestInfoOf(ctx context.Context) *requestInfo {
	if info, ok := ctx.Value(requestInfoKey{}).(*requestInfo); ok {
		return info
	}
	return &requestInfo{}
}

// logRequest gives the request its id, records its origin, and writes one log line
// and its metrics when it is done.
func (s *Server) logRequest(c *gin.Context) {
	start := time.Now()
	addr := clientAddr(c.Request, s.Config.TrustedProxies)
	info := &requestInfo{id: rand.Text(), addr: addr, origin: identity.RequestOrigin{
		IP: addrText(addr), UserAgent: printable(c.Request.UserAgent(), maxUserAgent),
		Language: identity.PreferredLanguage(c.GetHeader("Accept-Language")),
	}}
	ctx, span := s.startSpan(c, info)
	c.Request = c.Request.WithContext(context.WithValue(ctx, requestInfoKey{}, info))
	c.Header("X-Request-Id", info.id)
	done := s.Metrics.Begin()
	defer done()
	c.Next()

	route := c.FullPath()
	took, status := time.Since(start), c.Writer.Status()
	endSpan(span, status, info)
	if info.lasting && status < http.StatusBadRequest {
		s.Metrics.Stream(route)
	} else {
		s.Metrics.Request(c.Request.Method, route, status, took)
	}
	isPage := route == "" && !isAPI(c.Request.URL.Path)
	if route == "" {
		route = "unmatched"
	}
	level := slog.LevelInfo
	switch {
	case status >= http.StatusInternalServerError,
		info.err != nil && statuses[refusal(info.err).Code].status >= http.StatusInternalServerError: // passed on to return_to
		level = slog.LevelError
	case status == http.StatusOK && info.operation != nil && info.operation.isRoutine(),
		isPage && status < http.StatusBadRequest: // pages and what they load
		level = slog.LevelDebug
	}
	if !s.Log.Enabled(c, level) {
		return
	}
	attrs := make([]slog.Attr, 0, 9)
	attrs = append(attrs,
		slog.String("request_id", info.id), slog.String("method", c.Request.Method), slog.String("route", route),
		slog.Int("status", status), slog.Float64("duration_ms", milliseconds(took)), slog.String("ip", info.origin.IP))
	if info.principal != nil {
		attrs = append(attrs, slog.String("user_id", info.principal.User.ID.String()), slog.String("session_id", info.principal.Session.ID.String()))
	}
	if info.key != nil {
		attrs = append(attrs, slog.String("api_key", info.key.Prefix))
	}
	if info.err != nil {
		attrs = append(attrs, slog.String("error", info.err.Error()))
	}
	// The path and its query stay out: codes, states and tickets travel there.
	s.Log.LogAttrs(c, level, "request", attrs...)
}

// milliseconds is a time in the unit of the log, to the microsecond.
func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func (s *Server) recoverPanic(c *gin.Context) {
	defer func() {
		r := recover()
		if r == nil {
			return
		}
		if r == http.ErrAbortHandler { //nolint:errorlint // compared as net/http documents it
			panic(r)
		}
		s.Log.Error("panic", "request_id", requestInfoOf(c).id, "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
		s.fail(c, fmt.Errorf("panic: %v", r))
	}()
	c.Next()
}

// strictTransport keeps browsers on https for a year. It speaks for this host
// alone: whether hosts below it have https is for the operator to say.
const strictTransport = "max-age=31536000"

// securityHeaders wraps everything that answers, preflights too.
func (s *Server) securityHeaders(next http.Handler) http.Handler {
	// A browser takes it for the host on every port, and on a loopback host there
	// are others, who serve http.
	hsts := s.Config.PublicURL.Scheme == "https" && !isLoopback(s.Config.PublicURL.Hostname())
	always := map[string]string{
		"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
		"Cross-Origin-Opener-Policy": "same-origin", "Content-Security-Policy": s.pagePolicy(),
	}
	if hsts {
		always["Strict-Transport-Security"] = strictTransport
		if s.Config.HSTSSubdomains {
			always["Strict-Transport-Security"] += "; includeSubDomains"
		}
	}
	pages := headers(always)
	calls := maps.Clone(pages)
	calls["Cache-Control"], calls["Content-Security-Policy"] = []string{"no-store"}, []string{apiPolicy}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isAPI(r.URL.Path) {
			maps.Copy(w.Header(), calls)
		} else {
			maps.Copy(w.Header(), pages)
		}
		next.ServeHTTP(w, r)
	})
}

// headers makes values that every answer may share: each is full, so that adding
// to one makes a copy.
func headers(values map[string]string) http.Header {
	out := http.Header{}
	for name, value := range values {
		out[name] = []string{value}
	}
	return out
}

const (
	apiPolicy  = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
	pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: https:; " +
		"connect-src 'self'%s; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
	// walletConnectRelay is where wallets on phones are met, under both names that
	// the library tries.
	walletConnectRelay = " wss://relay.walletconnect.org wss://relay.walletconnect.com"
)

// pagePolicy lets pages speak to this service alone, and where wallets on phones
// are offered to the relay that they are met at.
func (s *Server) pagePolicy() string {
	if s.Config.WalletConnect == "" {
		return fmt.Sprintf(pagePolicy, "")
	}
	return fmt.Sprintf(pagePolicy, walletConnectRelay)
}

func isAPI(path string) bool {
	return strings.HasPrefix(path, "/v1/") || path == "/v1" || strings.HasPrefix(path, "/oauth2/")
}

// crossOrigin lets the allowed origins read answers (CORS), and every origin those
// that no cookie counts for. It permits nothing by itself: sameOrigin decides about
// writes.
func (s *Server) crossOrigin(next http.Handler) http.Handler {
	options := cors.Options{
		AllowOriginFunc: func(o string) bool { return s.origins[o] },
		AllowedMethods:  []string{"GET", "HEAD", "POST", "PATCH", "PUT", "DELETE"},
		// Tracing libraries and retrying clients send theirs by themselves.
		AllowedHeaders:   []string{"Content-Type", "Authorization", "Traceparent", "Tracestate", "Baggage", "Idempotency-Key"},
		ExposedHeaders:   []string{"X-Request-Id", "Retry-After", "RateLimit", "RateLimit-Policy", "WWW-Authenticate"},
		AllowCredentials: true,
		MaxAge:           600,
	}
	ours := cors.New(options).Handler(next)
	options.AllowOriginFunc, options.AllowedOrigins, options.AllowCredentials = nil, []string{"*"}, false
	everyone := cors.New(options).Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == forwardAuthRoute {
			next.ServeHTTP(w, r) // a preflight that is answered would let a request pass
		} else if openToAll(r) {
			everyone.ServeHTTP(w, r)
		} else {
			ours.ServeHTTP(w, r)
		}
	})
}

// openToAll reports whether a request, or the one that a preflight asks about, is for
// an operation that any origin may call.
func openToAll(r *http.Request) bool {
	if !strings.HasPrefix(r.URL.Path, "/oauth2/") && !strings.HasPrefix(r.URL.Path, "/.well-known/") {
		return false
	}
	method := r.Method
	if asked := r.Header.Get("Access-Control-Request-Method"); method == http.MethodOptions && asked != "" {
		method = asked
	}
	if method == http.MethodHead {
		method = http.MethodGet
	}
	all, err := loadOperations()
	if err != nil {
		return false
	}
	op := all[method+" "+r.URL.Path]
	return op != nil && op.anyOrigin
}

var crossOriginProtection = http.NewCrossOriginProtection()

// sameOrigin refuses writes that a browser sends from a foreign origin, with or
// without a session: signing a victim in as the attacker is such a write. Where
// there is an Origin, it must be one of ours, scheme and port included: neither
// the http page of the same host nor a sibling subdomain is. Without one,
// Sec-Fetch-Site decides.
func (s *Server) sameOrigin(c *gin.Context) {
	if requestInfoOf(c).operation.anyOrigin {
		return
	}
	switch c.Request.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return
	}
	if o := c.GetHeader("Origin"); o != "" {
		if !s.origins[o] {
			s.fail(c, s.errForeignOrigin(nil))
		}
		return
	}
	if err := crossOriginProtection.Check(c.Request); err != nil {
		s.fail(c, s.errForeignOrigin(err))
	}
}

// errForeignOrigin names the right address: who meets this is mostly a person who
// opened the pages at another name of the same host.
func (s *Server) errForeignOrigin(cause error) error {
	return identity.NewError(identity.CodeOriginNotAllowed,
		"this request comes from another origin: open Latchkey at %s, or add the origin to LATCHKEY_ALLOWED_ORIGINS", origin(s.Config.PublicURL)).Wrap(cause)
}

func isLoopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.Unmap().IsLoopback()
}

var emptyObject = []byte("{}")

// limitBody reads the body, bounded, and refuses what is not JSON that means the
// same to every reader. A call that takes no body may still be sent an empty object.
func (s *Server) limitBody(c *gin.Context) {
	if c.Request.ContentLength > maxBodyBytes {
		// Else net/http waits for the rest of a body it takes for short.
		c.Header("Connection", "close")
		s.fail(c, errTooLarge)
		return
	}
	formOnly := requestInfoOf(c).operation.formOnly
	if c.Request.Body == nil || c.Request.Body == http.NoBody {
		if formOnly {
			s.setForm(c, nil)
			return
		}
		s.setBody(c, emptyObject)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.Writer, c.Request.Body, maxBodyBytes))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		s.fail(c, errTooLarge)
		return
	case err != nil:
		s.fail(c, errRequestTimeout(err))
		return
	case len(body) == 0 && formOnly:
		s.setForm(c, nil)
		return
	case len(body) == 0:
		s.setBody(c, emptyObject)
		return
	}
	media, params, err := mime.ParseMediaType(c.GetHeader("Content-Type"))
	if formOnly {
		if err != nil || media != formType {
			s.fail(c, errFormOnly)
			return
		}
		s.setForm(c, body)
		return
	}
	if err == nil && media == formType && requestInfoOf(c).operation.form {
		if body, err = formToJSON(c, body, requestInfoOf(c).operation.fields); err != nil {
			s.fail(c, err)
			return
		}
		media = "application/json"
	}
	if err != nil || media != "application/json" ||
		params["charset"] != "" && !strings.EqualFold(params["charset"], "utf-8") {
		s.fail(c, errMediaType)
		return
	}
	if err := checkJSON(body); err != nil {
		s.fail(c, err)
		return
	}
	s.setBody(c, body)
}

// setForm reads a form in which every name is unique but for lists. A field without a
// value is as good as none (RFC 6749, section 3.2).
func (s *Server) setForm(c *gin.Context, body []byte) {
	info := requestInfoOf(c)
	form, err := url.ParseQuery(string(body))
	if err != nil {
		s.fail(c, errInvalidRequest("the body is not a form").Wrap(err))
		return
	}
	for name, values := range form {
		if len(values) > 1 && !info.operation.lists[name] {
			s.fail(c, errInvalidRequest("a field of the form is given twice").WithField(printable(name, maxFieldName)))
			return
		}
	}
	info.form = present(form)
	text := info.form.Encode()
	c.Request.Body = io.NopCloser(strings.NewReader(text))
	c.Request.ContentLength = int64(len(text))
	c.Request.Header.Set("Content-Type", formType)
}

const formType = "application/x-www-form-urlencoded"

func (s *Server) setBody(c *gin.Context, body []byte) {
	if !requestInfoOf(c).operation.hasBody {
		if len(bytes.TrimSpace(body)) != len(emptyObject) {
			s.fail(c, errInvalidRequest("this call does not take a body"))
			return
		}
		c.Request.Body = http.NoBody
		return
	}
	c.Request.Body = io.NopCloser(bytes.NewReader(body))
	c.Request.ContentLength = int64(len(body))
	c.Request.Header.Set("Content-Type", "application/json")
}

// printable cuts a header to size and makes it text that can be stored, logged
// and shown: valid UTF-8 without control characters.
func printable(s string, limit int) string {
	if len(s) > limit {
		s = s[:limit]
	}
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || unicode.IsControl(r) {
			return -1
		}
		return r
	}, s)
}

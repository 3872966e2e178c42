package method

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/latchkey/latchkey/identity"
)

// maxReturnTo is in bytes, and leaves a state under its own bound.
const maxReturnTo = 1024

// resultParams are the query parameters with which Latchkey reports the result. A
// return_to must not bring its own: the author of the link could speak in
// Latchkey's name, or plant a ticket.
var resultParams = map[string]bool{"error": true, "ticket": true, "ticket_kind": true, "request_id": true}

// ReturnTo decides where a browser may be sent after a round trip, so that
// Latchkey is no open redirector (RFC 6819 section 4.2.4).
type ReturnTo struct{ origins map[string]bool }

// NewReturnTo allows paths of publicURL and URLs of allowedOrigins, each
// `scheme://host[:port]`. The error names the one that is no origin.
func NewReturnTo(publicURL string, allowedOrigins []string) (*ReturnTo, error) {
	r := &ReturnTo{origins: make(map[string]bool, len(allowedOrigins)+1)}
	for _, raw := range append([]string{publicURL}, allowedOrigins...) {
		u, err := url.Parse(raw)
		if err != nil || !WebURL(u) {
			return nil, fmt.Errorf("%q is not an origin: want http(s)://host[:port]", raw)
		}
		r.origins[Origin(u)] = true
	}
	return r, nil
}

// Check returns where to send the browser for a return_to: an absolute path
// (`/a/b?c#d`) or a URL of an allowed origin, "/" for "". Only printable ASCII
// without backslash, at most 1024 bytes: browsers drop tabs and line breaks and
// read backslashes as slashes, Go does not, and the difference is where open
// redirects live. CodeInvalidReturnTo otherwise.
func (r *ReturnTo) Check(raw string) (string, error) {
	if raw == "" {
		return "/", nil
	}
	if len(raw) > maxReturnTo || strings.ContainsFunc(raw, func(c rune) bool { return c <= ' ' || c >= 0x7f || c == '\\' }) {
		return "", errInvalidReturnTo()
	}
	u, err := url.Parse(raw)
	if err != nil {
		return "", errInvalidReturnTo()
	}
	if strings.HasPrefix(raw, "/") {
		if u.Scheme != "" || u.Host != "" || u.User != nil || !cleanPath(u) {
			return "", errInvalidReturnTo()
		}
	} else if !WebURL(u) || !r.origins[Origin(u)] {
		return "", errInvalidReturnTo()
	}
	dropQuery(u, func(name string) bool { return resultParams[name] })
	return u.String(), nil
}

// WithQuery adds parameters (`error`, `ticket` ...) to a checked return_to,
// before its fragment, replacing those of the same name. Empty values are left
// out.
func WithQuery(returnTo string, params url.Values) string {
	u, err := url.Parse(returnTo)
	if err != nil { // not one that Check returned
		u = &url.URL{Path: "/"}
	}
	dropQuery(u, params.Has)
	added := make(url.Values, len(params))
	for name := range params {
		if v := params.Get(name); v != "" {
			added.Set(name, v)
		}
	}
	if u.RawQuery != "" && len(added) > 0 {
		u.RawQuery += "&"
	}
	u.RawQuery += added.Encode()
	return u.String()
}

// cleanPath reports whether the path is absolute and has no empty and no dot
// segments, however spelt: resolving `/x/..//e` once more would make it `//e`,
// another host. `//` alone parses as no path at all.
func cleanPath(u *url.URL) bool {
	if !strings.HasPrefix(u.Path, "/") {
		return false
	}
	segments := strings.Split(strings.TrimPrefix(u.Path, "/"), "/")
	for i, s := range segments {
		if s == "." || s == ".." || strings.Contains(s, `\`) || s == "" && i < len(segments)-1 {
			return false
		}
	}
	return true
}

// WebURL reports whether u is an absolute http or https URL with a host and
// without userinfo.
func WebURL(u *url.URL) bool {
	return (u.Scheme == "https" || u.Scheme == "http") && u.Opaque == "" && u.Hostname() != "" && u.User == nil
}

// Origin is the origin of RFC 6454 in one spelling.
func Origin(u *url.URL) string { return u.Scheme + "://" + HostPort(u) }

// HostPort is host:port in lower case, the port always given.
func HostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[u.Scheme]
	}
	return strings.ToLower(u.Hostname()) + ":" + port
}

// dropQuery removes parameters without touching order or spelling of the rest.
func dropQuery(u *url.URL, drop func(name string) bool) {
	if u.RawQuery == "" {
		return
	}
	kept := make([]string, 0, 4)
	for pair := range strings.SplitSeq(u.RawQuery, "&") {
		name, _, _ := strings.Cut(pair, "=")
		if decoded, err := url.QueryUnescape(name); err == nil && drop(decoded) {
			continue
		}
		kept = append(kept, pair)
	}
	u.RawQuery = strings.Join(kept, "&")
}

func errInvalidReturnTo() *identity.Error {
	return identity.NewError(identity.CodeInvalidReturnTo,
		"return_to must be an absolute path of this service or a URL of an allowed origin").WithField("return_to")
}

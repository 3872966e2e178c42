package client

import (
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// maxURI bounds what is kept and compared.
const maxURI = 2000

// allows reports whether uri is one of all, but for the port of a loopback address.
func allows(all []string, uri string) bool {
	if slices.Contains(all, uri) {
		return true
	}
	// Only what could be registered itself can differ by its port.
	bare, ok := withoutPort(uri)
	return ok && checkRedirect(uri, true) == "" && slices.ContainsFunc(all, func(known string) bool {
		other, ok := withoutPort(known)
		return ok && other == bare
	})
}

// withoutPort cuts the port from the text of an http URI whose host is a loopback
// address, or localhost (RFC 9700, section 2.1).
func withoutPort(uri string) (string, bool) {
	rest, ok := strings.CutPrefix(uri, "http://")
	if !ok {
		return "", false
	}
	for _, host := range []string{"127.0.0.1", "[::1]", "localhost"} {
		after, ok := strings.CutPrefix(rest, host)
		if !ok {
			continue
		}
		if digits, ok := strings.CutPrefix(after, ":"); ok {
			after = strings.TrimLeft(digits, "0123456789")
		}
		if after == "" || after[0] == '/' || after[0] == '?' {
			return host + after, true
		}
	}
	return "", false
}

// checkRedirect says what is wrong with a URI that people are sent to, "" if nothing
// is. native allows schemes of an app's own.
func checkRedirect(uri string, native bool) string {
	u, fault := parse(uri)
	if fault != "" {
		return fault
	}
	switch {
	case u.Scheme == "https":
		return checkHost(u)
	case u.Scheme == "http":
		if !isLoopback(u.Hostname()) {
			return "must be https: http is for loopback addresses"
		}
		return checkHost(u)
	case !strings.Contains(u.Scheme, "."):
		return "must be https, an http loopback address, or a scheme of the app's own with a dot in it, such as com.example.app"
	case !native:
		return "is for native apps: create the client as public"
	}
	return ""
}

// checkBackchannel says what is wrong with a URI that logout tokens are sent to.
// allowed reports what may be reached over http.
func checkBackchannel(uri string, allowed func(u *url.URL) bool) string {
	u, fault := parse(uri)
	if fault != "" {
		return fault
	}
	if u.Scheme != "https" && (u.Scheme != "http" || allowed == nil || !allowed(u)) {
		return "must be https: http is for the hosts in LATCHKEY_BACKCHANNEL_ALLOWED_HOSTS"
	}
	return checkHost(u)
}

// parse reads an absolute URI that browsers and servers read alike: printable ASCII
// without what one of them rewrites.
func parse(uri string) (*url.URL, string) {
	if uri == "" || len(uri) > maxURI {
		return nil, "must have 1 to 2000 characters"
	}
	if strings.ContainsFunc(uri, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("\\\"<>^`{|}*", r) }) {
		return nil, "must be a URI without spaces, wildcards or characters outside ASCII"
	}
	u, err := url.Parse(uri)
	switch {
	case err != nil || u.Scheme == "":
		return nil, "must be an absolute URI"
	case strings.Contains(uri, "#"):
		return nil, "must not have a fragment"
	case u.User != nil || strings.Contains(u.Host, "@"):
		return nil, "must not name a user"
	case !strings.HasPrefix(uri, u.Scheme+":"):
		return nil, "must have its scheme in lower case"
	case slices.ContainsFunc(strings.Split(u.Path, "/"), func(s string) bool { return s == "." || s == ".." }):
		return nil, "must not have . or .. in its path"
	}
	return u, ""
}

// checkHost says what is wrong with the host of an http or https URI.
func checkHost(u *url.URL) string {
	host := u.Hostname()
	switch {
	case u.Opaque != "" || host == "":
		return "must name a host"
	case u.Host != strings.ToLower(u.Host):
		return "must have its host in lower case"
	case strings.HasSuffix(host, ".") || strings.Contains(host, "..") || strings.HasPrefix(host, "."):
		return "must name a host without a dot at its ends"
	case !goodPort(u):
		return "must have a port from 1 to 65535, or none"
	}
	if strings.HasPrefix(u.Host, "[") {
		if a, err := netip.ParseAddr(host); err != nil || !a.Is6() || a.Zone() != "" {
			return "must name a host"
		}
		return ""
	}
	for _, c := range host {
		if !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '.' || c == '_') {
			return "must name a host in ASCII"
		}
	}
	return ""
}

// goodPort reports whether the port is left out, or one from 1 to 65535 as browsers
// write it.
func goodPort(u *url.URL) bool {
	if u.Port() == "" {
		return !strings.HasSuffix(u.Host, ":")
	}
	n, err := strconv.ParseUint(u.Port(), 10, 16)
	return err == nil && n > 0 && strconv.FormatUint(n, 10) == u.Port()
}

func isLoopback(host string) bool { return host == "127.0.0.1" || host == "::1" || host == "localhost" }

package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// hostname is a DNS name in ASCII, in which browsers send all names. No dot at
// the end: to a browser that is another origin.
var hostname = regexp.MustCompile(`^[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?$`)

// webURL parses what all our http URLs have in common. The error never quotes
// the value when it may hold a password.
func webURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil:
		// The text of net/url would quote userinfo.
		return nil, errors.New("is not a URL; use the form https://id.example.com")
	case u.User != nil:
		return nil, errors.New("has a user name or password in it; leave them out")
	case u.Scheme != "https" && u.Scheme != "http" || u.Opaque != "":
		return nil, fmt.Errorf("%.200q does not begin with https:// or http://", s)
	case u.RawQuery != "" || u.ForceQuery || strings.Contains(s, "#"):
		return nil, fmt.Errorf("%.200q has a query or fragment; leave it out", s)
	}
	host := strings.ToLower(u.Hostname())
	a, err := netip.ParseAddr(host)
	if isAddr := err == nil && a.Zone() == ""; !isAddr && !hostname.MatchString(host) {
		return nil, fmt.Errorf("%.200q has no usable host; give a DNS name (in its ASCII form) or an address", s)
	}
	if !validPort(u.Port(), 1) && u.Port() != "" || strings.HasSuffix(u.Host, ":") {
		return nil, fmt.Errorf("%.200q has a port that is not 1 to 65535", s)
	}
	return u, nil
}

func parseWebURL(s string) (WebURL, error) {
	_, err := webURL(s)
	return WebURL(s), err
}

// parseOrigin returns scheme and host in the one spelling of browsers: lower
// case, without the scheme's own port.
func parseOrigin(s string) (url.URL, error) {
	u, err := webURL(s)
	if err != nil {
		return url.URL{}, err
	}
	if u.Path != "" && u.Path != "/" {
		return url.URL{}, fmt.Errorf("%.200q has a path; give scheme and host only, %s://%s", s, u.Scheme, u.Host)
	}
	host := strings.ToLower(u.Host)
	host = strings.TrimSuffix(host, map[string]string{"http": ":80", "https": ":443"}[u.Scheme])
	return url.URL{Scheme: u.Scheme, Host: host}, nil
}

func parseOrigins(s string) (Origins, error) {
	parts, err := list(s)
	if err != nil {
		return nil, err
	}
	origins := make(Origins, len(parts))
	for i, p := range parts {
		u, err := parseOrigin(p)
		if err != nil {
			return nil, err
		}
		origins[i] = u.String()
		if slices.Contains(origins[:i], origins[i]) {
			return nil, fmt.Errorf("names %s twice", origins[i])
		}
	}
	return origins, nil
}

// Loopback reports whether a host, without port, reaches only this machine:
// localhost, 127.0.0.0/8 or ::1. Other names are not asked for, because what
// they resolve to may change.
func Loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	a, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && a.Unmap().IsLoopback()
}

// validPort takes a decimal port of at least least.
func validPort(s string, least uint64) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n >= least
}

// publicURLAt returns where a browser on this machine reaches what listens on an
// address: localhost, unless it listens on another loopback address. A port that
// the system is yet to choose has no URL.
func publicURLAt(listen string) (url.URL, bool) {
	host, port, err := net.SplitHostPort(listen)
	if err != nil || !validPort(port, 1) {
		return url.URL{}, false
	}
	a, err := netip.ParseAddr(host)
	if a = a.Unmap(); err != nil || !a.IsLoopback() || a == netip.IPv6Loopback() || a == netip.AddrFrom4([4]byte{127, 0, 0, 1}) {
		host = "localhost"
	}
	u, err := parseOrigin("http://" + net.JoinHostPort(host, port))
	return u, err == nil
}

// ListeningAt returns the configuration for where the service does listen. In
// development mode a public URL that is not set follows it, so that
// LATCHKEY_LISTEN may leave the port to the system.
func (c Config) ListeningAt(address string) Config {
	if u, ok := publicURLAt(address); ok && c.Dev && !c.PublicURLSet {
		c.PublicURL = u
	}
	return c
}

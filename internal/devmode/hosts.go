package devmode

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// Guard serves next under loopback names only. A page whose own name was rebound
// to 127.0.0.1 is of one origin with us to its browser, so it could read the
// mailbox and sign in as anybody; it cannot choose the Host header though. anyHost
// lets every name pass.
//
// Sign-in works at one origin, so people who navigate to another loopback name of
// the same port are redirected to the public URL.
func Guard(next http.Handler, public url.URL, anyHost bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, port := splitHost(r.Host)
		switch {
		case r.Host == public.Host:
		case !loopback(name) && !anyHost:
			w.Header().Set("Cache-Control", "no-store")
			http.Error(w, fmt.Sprintf("This is a development server. It answers at %s only.", public.String()), http.StatusMisdirectedRequest)
			return
		case loopback(name) && loopback(public.Hostname()) && port == public.Port() && navigates(r):
			http.Redirect(w, r, public.Scheme+"://"+public.Host+r.URL.RequestURI(), http.StatusTemporaryRedirect) //nolint:gosec // to the public URL's host only
			return
		}
		next.ServeHTTP(w, r)
	})
}

// navigates reports whether a person opens a page, rather than a program calling.
func navigates(r *http.Request) bool {
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) && strings.Contains(r.Header.Get("Accept"), "text/html")
}

// splitHost splits a Host header, whose port is optional.
func splitHost(host string) (name, port string) {
	if name, port, err := net.SplitHostPort(host); err == nil {
		return name, port
	}
	return strings.Trim(host, "[]"), ""
}

package oauth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"

	"github.com/latchkey/latchkey/identity/method"
	"github.com/latchkey/latchkey/internal/tracing"
)

const (
	// DefaultTimeout bounds a whole proof: every request to a provider together.
	DefaultTimeout = 10 * time.Second
	maxBody        = 1 << 20  // bytes, after decompression
	maxHeader      = 64 << 10 // bytes
	maxRedirects   = 3
	userAgent      = "Latchkey (+https://github.com/latchkey/latchkey)"
)

var (
	errNotPublic    = errors.New("address is not public, and the host was not configured by the operator")
	errBodyTooLarge = fmt.Errorf("response is larger than %d bytes", maxBody)
)

// NewHTTPClient returns the client for every request to a provider. It gives up
// after timeout (0: DefaultTimeout), body included; reads at most 1 MiB of a
// body; follows redirects of GET within one origin only.
//
// It also keeps a provider from making Latchkey send requests to its own network
// (SSRF). Hosts of the configured URLs, which the operator chose, may
// be anywhere. Every other host, such as one that only a discovery document
// names, must resolve to a public address; that is checked on the address dialed,
// so a name cannot resolve differently between check and use. Proxies
// of the environment are not used, because they would dial behind that check.
func NewHTTPClient(timeout time.Duration, configured ...*url.URL) *http.Client {
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	trusted := make(map[string]bool, len(configured))
	for _, u := range configured {
		trusted[method.HostPort(u)] = true
	}
	anywhere := &net.Dialer{Timeout: timeout}
	public := &net.Dialer{Timeout: timeout, Control: requirePublic}
	return &http.Client{
		Timeout: timeout,
		Transport: limitBody{tracing.Transport(&http.Transport{
			DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
				if trusted[addr] {
					return anywhere.DialContext(ctx, network, addr)
				}
				return public.DialContext(ctx, network, addr)
			},
			TLSHandshakeTimeout:    timeout,
			ResponseHeaderTimeout:  timeout,
			MaxResponseHeaderBytes: maxHeader,
			MaxIdleConnsPerHost:    16,
			IdleConnTimeout:        90 * time.Second,
			ForceAttemptHTTP2:      true,
		})},
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			first := via[0]
			// A redirected POST would carry the client secret and the code along.
			if first.Method != http.MethodGet || len(via) > maxRedirects || method.Origin(req.URL) != method.Origin(first.URL) {
				return http.ErrUseLastResponse
			}
			return nil
		},
	}
}

// requirePublic is called with the resolved address, right before connecting.
func requirePublic(_, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil || !publicAddress(ap.Addr()) {
		return fmt.Errorf("%s: %w", address, errNotPublic)
	}
	return nil
}

// reserved are the ranges of the IANA special-purpose registries that netip has
// no predicate for and that do not belong to the public internet, or reach an
// embedded IPv4 address.
var reserved = prefixes(
	"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15",
	"198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
	"2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
)

// globalUnicast6 is all that IANA hands out of IPv6 so far. It leaves out unique
// local addresses, NAT64 and IPv4-compatible ones.
var globalUnicast6 = netip.MustParsePrefix("2000::/3")

func publicAddress(a netip.Addr) bool {
	a = a.Unmap()
	if !a.IsGlobalUnicast() || a.IsPrivate() || a.Is6() && !globalUnicast6.Contains(a) {
		return false
	}
	for _, p := range reserved {
		if p.Contains(a) {
			return false
		}
	}
	return true
}

func prefixes(cidrs ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(cidrs))
	for i, c := range cidrs {
		out[i] = netip.MustParsePrefix(c)
	}
	return out
}

// limitBody bounds response bodies. It wraps http.Transport, so that
// it counts bytes after decompression.
type limitBody struct{ next http.RoundTripper }

func (l limitBody) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := l.next.RoundTrip(req)
	if err == nil {
		res.Body = &limitedBody{ReadCloser: res.Body, left: maxBody}
	}
	return res, err
}

type limitedBody struct {
	io.ReadCloser
	left int64
}

func (b *limitedBody) Read(p []byte) (int, error) {
	// One byte more than allowed tells a body that ends at the limit from one
	// that goes on.
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.ReadCloser.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, errBodyTooLarge
	}
	return n, err
}

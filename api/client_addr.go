package api

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// clientAddr returns where a request comes from. It starts at the peer and goes
// X-Forwarded-For from its right end as long as what it holds is a trusted
// proxy: each of them has added the address of its client. Anybody may have written
// what is further left. An entry that is no address ends the walk at the proxy that
// sent it. No other header counts, neither X-Real-Ip nor Forwarded (RFC 7239).
//
// The address has no zone, and IPv4 is never written as IPv6. It is invalid only
// where the peer has none.
func clientAddr(r *http.Request, trusted []netip.Prefix) netip.Addr {
	addr, ok := parseHop(r.RemoteAddr)
	if !ok || !isTrusted(addr, trusted) {
		return addr
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		next, ok := parseHop(strings.TrimSpace(hop))
		if !ok {
			break
		}
		if addr = next; !isTrusted(addr, trusted) {
			break
		}
	}
	return addr
}

func isTrusted(addr netip.Addr, trusted []netip.Prefix) bool {
	return slices.ContainsFunc(trusted, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// parseHop takes an address as proxies write it: alone, in brackets, or with a
// port.
func parseHop(s string) (netip.Addr, bool) {
	addr, err := netip.ParseAddr(s)
	if err != nil {
		var withPort netip.AddrPort
		withPort, err = netip.ParseAddrPort(s)
		addr = withPort.Addr()
	}
	if inner, ok := strings.CutPrefix(s, "["); err != nil && ok && strings.HasSuffix(inner, "]") {
		addr, err = netip.ParseAddr(strings.TrimSuffix(inner, "]"))
	}
	return addr.Unmap().WithZone(""), err == nil
}

// hopText is an address that a caller names, as addrText writes it: what is no address is
// none.
func hopText(s string) string {
	addr, _ := parseHop(s)
	return addrText(addr)
}

// addrText is "" for an address that is none.
func addrText(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

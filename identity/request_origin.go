package identity

import "net/netip"

// RequestOrigin is where a request came from, for sessions and the audit trail.
type RequestOrigin struct {
	IP        string
	UserAgent string
	Language  Language // that the browser prefers
}

// Addr returns the address, or one that is in no network.
func (o RequestOrigin) Addr() netip.Addr {
	a, err := netip.ParseAddr(o.IP)
	if err != nil {
		return netip.Addr{}
	}
	return a
}

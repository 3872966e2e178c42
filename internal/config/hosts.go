package config

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// HostPorts are hosts with a port, in lower case.
type HostPorts []string

// Allows reports whether a host and port is one of them or, in development mode, on
// this machine.
func (h HostPorts) Allows(hostport string, dev bool) bool {
	host, _, err := net.SplitHostPort(hostport)
	return slices.Contains(h, strings.ToLower(hostport)) || dev && err == nil && Loopback(host)
}

func parseHostPorts(s string) (HostPorts, error) {
	parts, err := list(s)
	if err != nil {
		return nil, err
	}
	for i, p := range parts {
		host, port, err := net.SplitHostPort(strings.ToLower(p))
		n, numeric := strconv.ParseUint(port, 10, 16)
		_, address := netip.ParseAddr(host)
		if err != nil || numeric != nil || n == 0 || address != nil && !hostname.MatchString(host) {
			return nil, fmt.Errorf("%.100q is not HOST:PORT; use the form grafana:3000,10.0.0.7:8080", p)
		}
		parts[i] = net.JoinHostPort(host, strconv.FormatUint(n, 10))
	}
	return parts, nil
}

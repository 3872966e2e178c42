//go:build !linux

package storage

import (
	"context"
	"net"
)

// dial connects to a server.
func dial(ctx context.Context, network, address string) (net.Conn, error) {
	return (&net.Dialer{KeepAlive: tcpUserTimeout}).DialContext(ctx, network, address)
}

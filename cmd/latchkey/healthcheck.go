package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/latchkey/latchkey/internal/config"
)

const healthTimeout = 2 * time.Second

func newHealthcheckCommand() *cobra.Command {
	return &cobra.Command{
		Use: "healthcheck", Short: "Check whether the service on this machine is ready; for containers", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := config.LoadWithoutSecret(os.Environ())
			if err != nil {
				return err
			}
			return healthcheck(cmd.Context(), cfg.Listen)
		},
	}
}

// healthcheck returns nil when the service that listens there is ready.
func healthcheck(ctx context.Context, listen string) error {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+reachable(listen)+"/readyz", nil)
	if err != nil {
		return err
	}
	// Without a proxy: for a proxy, 127.0.0.1 is the proxy itself.
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		if ue, ok := errors.AsType[*url.Error](err); ok {
			err = ue.Err
		}
		return fmt.Errorf("nothing answers at %s: %w", req.URL.Host, err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s is not ready: it answered %d", req.URL.Host, res.StatusCode)
	}
	return nil
}

// reachable returns a listen address as one that can be called: the address of
// every interface becomes loopback.
func reachable(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return listen
	}
	switch a, err := netip.ParseAddr(host); {
	case host == "" || err == nil && a.Unmap() == netip.IPv4Unspecified():
		host = "127.0.0.1"
	case err == nil && a == netip.IPv6Unspecified():
		host = "::1"
	}
	return net.JoinHostPort(host, port)
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/jackc/pgx/v5"
)

// takeProfile writes a CPU profile of the service while it checks sessions and signs
// wallets in, half of the time each: what deploy/build optimizes by.
func takeProfile(ctx context.Context, m *machine, _ *table) error {
	defer m.stop()
	if m.profile == "" {
		return errors.New("the part profile needs -profile FILE")
	}
	url, err := m.database(ctx)
	if err != nil {
		return err
	}
	debug, err := freeAddress()
	if err != nil {
		return err
	}
	c, err := m.service(ctx, m.binaries[0], url, "LATCHKEY_DEBUG_LISTEN="+debug)
	if err != nil {
		return err
	}
	people, err := newWallets(wallets)
	if err != nil {
		return err
	}
	if err := signInAll(c.address, people); err != nil {
		return err
	}
	cookies, err := signedIn(c.address)
	if err != nil {
		return err
	}
	l, err := newLoad(c.address, m.connections)
	if err != nil {
		return err
	}
	defer l.close()

	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()

	taken := make(chan error, 1)
	go func() { taken <- saveProfile(ctx, debug, m.duration, m.profile) }()
	for _, round := range []func(context.Context, *meter, time.Duration) (int, error){
		sessionRound(c.address, sessionPath, l, cookies), signInRound(c.address, l, people, true),
	} {
		for until := time.Now().Add(m.duration / 2); time.Now().Before(until); {
			if _, err := round(ctx, &meter{server: c.pid(), postgres: conn}, m.duration/20); err != nil {
				return err
			}
		}
	}
	return <-taken
}

func saveProfile(ctx context.Context, debug string, lasting time.Duration, file string) error {
	url := fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", debug, int(lasting.Seconds()))
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	profile, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("the profile: %s: %s", res.Status, profile)
	}
	if err != nil {
		return err
	}
	return os.WriteFile(file, profile, 0o644) //nolint:gosec // part of the sources
}

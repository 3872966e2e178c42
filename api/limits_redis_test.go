//go:build unix

package api_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/latchkey/latchkey/internal/testkit/apptest"
	"github.com/latchkey/latchkey/internal/testkit/testredis"
)

// Two replicas with one Redis give a client one quota; without it each gives
// its own, and never none or an error; with it again, one.
func TestReplicasShareLimits(t *testing.T) {
	t.Parallel()
	server := testredis.Start(t)
	database := apptest.DatabaseURL(t, "sqlite")
	env := []string{"LATCHKEY_RATE_LIMITS=1", "LATCHKEY_TRUSTED_PROXIES=127.0.0.0/8,::1", "LATCHKEY_REDIS_URL=" + server.URL}
	a, b := apptest.StartAt(t, database, env...), apptest.StartAt(t, database, env...)
	tried := func(n int, address string, apps ...*apptest.App) (let int) {
		t.Helper()
		for i := range n {
			answer := tryCode(from(apps[i%len(apps)].Browser(), address))
			switch answer.Status {
			case http.StatusUnauthorized:
				let++
			case http.StatusTooManyRequests:
			default:
				t.Fatalf("%s: %d %s", address, answer.Status, answer.Body)
			}
		}
		return let
	}
	// shared waits until both let in one quota of a client together, and returns
	// the client.
	clients := 0
	shared := func() (address string) {
		t.Helper()
		until(t, "limits are shared", func() bool {
			clients++
			address = fmt.Sprintf("2001:db8:0:%x::1", clients)
			return tried(20, address, a, b) == 10
		})
		return address
	}
	known := shared()
	server.Stop()
	if n := tried(8, known, a, b); n != 0 {
		t.Errorf("both let in %d more when Redis stopped", n)
	}
	for _, app := range []*apptest.App{a, b} {
		if n := tried(14, "198.51.100.2", app); n != 10 {
			t.Errorf("one replica alone let in %d, want 10", n)
		}
	}
	server.Start()
	shared()
}

// Guesses are counted over the replicas together. What they have learned of Redis
// holds when it stops, and codes are not free then.
func TestReplicasShareGuesses(t *testing.T) {
	t.Parallel()
	server := testredis.Start(t)
	database := apptest.DatabaseURL(t, "sqlite")
	env := []string{"LATCHKEY_RATE_LIMITS=1", "LATCHKEY_TRUSTED_PROXIES=127.0.0.0/8,::1", "LATCHKEY_REDIS_URL=" + server.URL}
	apps := []*apptest.App{apptest.StartAt(t, database, env...), apptest.StartAt(t, database, env...)}
	network := 0
	guesses := func(n int, ip string) int {
		return guess(t, n, func(i int) *apptest.Browser { return from(apps[i%2].Browser(), fmt.Sprintf("%s::%x", ip, i+1)) })
	}
	ip := ""
	until(t, "guesses are shared", func() bool {
		network++
		ip = fmt.Sprintf("2001:db8:0:%x", network)
		return guesses(26, ip) == 20
	})
	server.Stop()
	if n := guesses(4, ip); n != 0 {
		t.Errorf("%d more were compared when Redis stopped", n)
	}
	alone := guess(t, 24, func(i int) *apptest.Browser { return from(apps[0].Browser(), fmt.Sprintf("2001:db8:1:2::%x", i+1)) })
	if alone != 20 {
		t.Errorf("one replica without Redis compared %d, want 20", alone)
	}
}

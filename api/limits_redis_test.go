//go:build unix

package api_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/latchkey/latchkey/internal/apptest"
	"github.com/latchkey/latchkey/internal/testredis"
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
	if n := tried(16, "198.51.100.1", a, b); n != 10 {
		t.Errorf("both let in %d, want 10", n)
	}
	server.Stop()
	if n := tried(8, "198.51.100.1", a, b); n != 0 {
		t.Errorf("both let in %d more when Redis stopped", n)
	}
	for _, app := range []*apptest.App{a, b} {
		if n := tried(14, "198.51.100.2", app); n != 10 {
			t.Errorf("one replica alone let in %d, want 10", n)
		}
	}
	server.Start()
	for end, i := time.Now().Add(20*time.Second), 0; ; i++ {
		if tried(20, fmt.Sprintf("2001:db8:0:%x::1", i), a, b) == 10 {
			break
		}
		if time.Now().After(end) {
			t.Fatal("limits are not shared again")
		}
	}
}

//go:build unix

package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/latchkey/latchkey/internal/testkit"
	"github.com/latchkey/latchkey/internal/testkit/testpg"
)

// newReplica starts one on a database, and does not wait for it.
func newReplica(t *testing.T, databaseURL string, more ...string) *replica {
	t.Helper()
	r := &replica{
		t: t, addr: "127.0.0.1:" + testkit.FreePort(t), log: filepath.Join(t.TempDir(), "log"),
		http: &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}},
	}
	r.env = environ(databaseURL, append(more, "LATCHKEY_PUBLIC_URL=http://"+r.addr, "LATCHKEY_LISTEN="+r.addr, "LATCHKEY_LOG_LEVEL=info")...)
	r.start()
	t.Cleanup(func() { r.signal(syscall.SIGKILL) })
	return r
}

func (r *replica) status(path string) int {
	got, err := r.ask(http.MethodGet, path, "", nil)
	if err != nil {
		return 0
	}
	return got.status
}

func (r *replica) said() string {
	text, _ := os.ReadFile(r.log)
	return string(text)
}

// After a signal to stop, a replica reports it by /readyz and keeps answering until load
// balancers have noticed.
func TestDrain(t *testing.T) {
	t.Parallel()
	r := newReplica(t, "sqlite://"+filepath.Join(t.TempDir(), "l.db"), "LATCHKEY_DRAIN_DELAY=60s")
	r.awaitReady()
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	until(t, "says that it stops", func() bool { return r.status("/readyz") == http.StatusServiceUnavailable })
	for range 20 {
		if got := r.status("/v1/auth/providers"); got != http.StatusOK {
			t.Errorf("a request meanwhile: %d", got)
		}
	}
	r.signal(syscall.SIGTERM) // who says it twice does not wait
	if code := r.cmd.ProcessState.ExitCode(); code != exitOK {
		t.Errorf("ended with %d: %s", code, r.said())
	}
}

// After SIGHUP a replica reads its files again. What is wrong with them
// changes nothing.
func TestHangup(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "project")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	first, second := strings.Repeat("1", 32), strings.Repeat("2", 32)
	write(first)
	r := newReplica(t, "sqlite://"+filepath.Join(t.TempDir(), "l.db"), "LATCHKEY_WALLETCONNECT_PROJECT_ID_FILE="+file, "LATCHKEY_DRAIN_DELAY=0s", "LATCHKEY_LOG_LEVEL=info")
	r.awaitReady()
	shows := func(what string) bool {
		got, err := r.ask(http.MethodGet, "/v1/auth/providers", "", nil)
		return err == nil && strings.Contains(string(got.body), what)
	}
	if !shows(first) {
		t.Fatal("the first value is not there")
	}
	hangup := func(says string) {
		t.Helper()
		if err := r.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		until(t, says, func() bool { return strings.Contains(r.said(), says) })
	}
	hangup("nothing has changed")
	write("no project")
	hangup("the configuration is wrong")
	if !shows(first) {
		t.Error("what is wrong has changed something")
	}
	write(second)
	hangup(`"reloaded"`)
	if !shows(second) || shows(first) {
		t.Error("the second value is not there")
	}
	r.awaitReady()
	r.signal(syscall.SIGTERM)
	if code := r.cmd.ProcessState.ExitCode(); code != exitOK {
		t.Errorf("ended with %d: %s", code, r.said())
	}
}

// A database that is down when a replica starts is waited for.
func TestDatabaseDownAtStart(t *testing.T) {
	t.Parallel()
	server := testpg.NewServer(t)
	databaseURL := testpg.URLOf(server)
	server.Stop("INT")
	r := newReplica(t, databaseURL)
	until(t, "lives", func() bool { return r.status("/healthz") == http.StatusOK })
	for _, path := range []string{"/readyz", "/v1/me"} {
		got, err := r.ask(http.MethodGet, path, strings.Repeat("x", 43), nil)
		if err != nil || got.status != http.StatusServiceUnavailable && (path == "/readyz" || got.status != http.StatusUnauthorized) {
			t.Errorf("%s while it is down: %+v, %v", path, got, err)
		}
	}
	server.Start()
	r.awaitReady()
}

// Profiles are served where they are asked for, and nowhere else.
func TestProfiles(t *testing.T) {
	t.Parallel()
	at := "127.0.0.1:" + testkit.FreePort(t)
	r := newReplica(t, "sqlite://"+filepath.Join(t.TempDir(), "l.db"), "LATCHKEY_DEBUG_LISTEN="+at)
	r.awaitReady()
	if got := r.status("/debug/pprof/cmdline"); got != http.StatusNotFound {
		t.Errorf("on the port of the service: %d", got)
	}
	res, err := r.http.Get("http://" + at + "/debug/pprof/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		t.Errorf("on its own port: %s", res.Status)
	}
}

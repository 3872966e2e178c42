//go:build unix

// Package testredis gives tests a Redis. It is a private one, started from the
// installed redis-server; where there is none, tests are skipped and say why, or
// fail with CI set.
package testredis

import (
	"context"
	"io"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/latchkey/latchkey/internal/testkit"
)

// Variable names a server to use instead of a private one, where a test does not
// stop it.
const Variable = "LATCHKEY_TEST_REDIS_URL"

// The server ends with what holds the other end of its supervisor's input: with
// the test, or with its process, however that ends.
const supervise = `"$@" >"$DIR/log" 2>&1 & server=$!; read -r _; kill $server; wait $server`

// Server is a private Redis that its test stops and starts.
type Server struct {
	URL string

	t     testing.TB
	dir   string
	port  string
	life  io.Closer
	ended chan struct{}
}

// URL returns a Redis that other tests may use too.
func URL(t testing.TB) string {
	t.Helper()
	if given := os.Getenv(Variable); given != "" {
		return given
	}
	return Start(t).URL
}

// Start starts a private, empty server, which ends with the test.
func Start(t testing.TB) *Server {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		testkit.Missing(t, "redis-server is not installed (on Debian: apt-get install redis-server)")
	}
	s := &Server{t: t, dir: t.TempDir(), port: testkit.FreePort(t)}
	// A busy machine answers late, and that is no outage.
	s.URL = "redis://127.0.0.1:" + s.port + "?read_timeout=1m"
	t.Cleanup(s.Stop)
	s.Start()
	return s
}

// Start starts the server again, on the same port and without what it knew. It
// returns when the server answers.
func (s *Server) Start() {
	s.t.Helper()
	cmd := exec.Command("/bin/sh", "-c", supervise, "testredis", "redis-server", "--bind", "127.0.0.1", //nolint:noctx,gosec // ends by its input, see supervise
		"--port", s.port, "--dir", s.dir, "--save", "", "--appendonly", "no")
	cmd.Env = append(os.Environ(), "DIR="+s.dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // an interrupt from the keyboard is for the tests
	life, err := cmd.StdinPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.life, s.ended = life, make(chan struct{})
	ended := s.ended
	go func() {
		_ = cmd.Wait() // it was signalled to end
		close(ended)
	}()
	options, err := redis.ParseURL(s.URL)
	if err != nil {
		s.t.Fatal(err)
	}
	client := redis.NewClient(options)
	defer func() { _ = client.Close() }()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if err = client.Ping(context.Background()).Err(); err == nil {
			return
		}
		if time.Now().After(deadline) {
			said, _ := os.ReadFile(s.dir + "/log")
			s.t.Fatalf("redis-server does not answer: %v\n%s", err, said)
		}
	}
}

// Stop ends the server and returns when it is gone.
func (s *Server) Stop() {
	if s.life == nil {
		return
	}
	_ = s.life.Close()
	<-s.ended
	s.life = nil
}

//go:build unix

package testpg

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/latchkey/latchkey/internal/testkit"
)

// supervised ends the server with the signal that it receives or, when the test
// process has ended, at once and with all its data.
const supervised = `"$@" >>"$DIR/log" 2>&1 & server=$!
read -r how; kill -s "${how:-QUIT}" $server; wait $server
if [ -z "$how" ]; then cd / && rm -rf "$DIR"; fi`

// Server is a private PostgreSQL that its test stops, starts and promotes. It
// listens on a port of 127.0.0.1, and what it acknowledged survives a crash of
// its processes (not one of the machine).
type Server struct {
	tb         testing.TB
	bin, dir   string
	port       string
	credential *syscall.Credential
	life       io.WriteCloser
	ended      chan struct{}
}

// NewServer starts a server, which ends with the test. Without PostgreSQL the
// test is skipped, or fails with CI set. more are lines of its configuration.
func NewServer(tb testing.TB, more ...string) *Server {
	tb.Helper()
	s := newServer(tb)
	s.configure(strings.Join(more, "\n"))
	s.Start()
	return s
}

// NewPair starts a server and its hot standby. A commit is acknowledged when the
// standby has applied it.
func NewPair(tb testing.TB) (primary, standby *Server) {
	tb.Helper()
	primary, standby = newServer(tb), newServer(tb) // copies of one cluster, whose files are a backup
	primary.configure("synchronous_standby_names = '*'\nsynchronous_commit = remote_apply")
	standby.configure(fmt.Sprintf("primary_conninfo = 'host=127.0.0.1 port=%s user=postgres'", primary.port))
	if err := os.WriteFile(filepath.Join(standby.data(), "standby.signal"), nil, 0o600); err != nil {
		tb.Fatal(err)
	}
	if c := standby.credential; c != nil {
		if err := os.Chown(filepath.Join(standby.data(), "standby.signal"), int(c.Uid), int(c.Gid)); err != nil {
			tb.Fatal(err)
		}
	}
	primary.Start()
	standby.Start()
	for deadline := time.Now().Add(startTimeout); ; time.Sleep(10 * time.Millisecond) {
		var n int
		err := primary.query("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'", &n)
		if err == nil && n == 1 {
			return primary, standby
		}
		if time.Now().After(deadline) {
			tb.Fatalf("testpg: the standby does not follow: %v\n%s", err, standby.log())
		}
	}
}

func newServer(tb testing.TB) *Server {
	tb.Helper()
	skipUnlessNamed(tb)
	s := &Server{tb: tb, bin: binaries()}
	if s.bin == "" {
		none(tb, fmt.Errorf("%w: initdb, pg_ctl and postgres are not installed (on Debian: apt-get install postgresql)", errNone))
	}
	data, err := cluster(s.bin)
	if err == nil {
		s.dir, s.credential, err = directory(data)
	}
	if err != nil {
		none(tb, err)
	}
	tb.Cleanup(func() {
		s.Stop("QUIT")
		_ = os.RemoveAll(s.dir)
	})
	s.port = testkit.FreePort(tb)
	return s
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

func (s *Server) log() string {
	said, _ := os.ReadFile(filepath.Join(s.dir, "log"))
	return string(said[max(0, len(said)-4000):])
}

func (s *Server) configure(more string) {
	f, err := os.OpenFile(filepath.Join(s.data(), "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		s.tb.Fatal(err)
	}
	_, err = fmt.Fprintf(f, `
listen_addresses = '127.0.0.1'
port = %s
unix_socket_directories = ''
max_connections = 150
shared_buffers = 32MB
fsync = off
jit = off
timezone = 'UTC'
%s
`, s.port, more)
	if err := errors.Join(err, f.Close()); err != nil {
		s.tb.Fatal(err)
	}
}

func (s *Server) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(program, args...) //nolint:noctx,gosec // the installed programs, on our own directory
	cmd.Dir = s.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC", "DIR=" + s.dir}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: s.credential}
	return cmd
}

func (s *Server) must(cmd *exec.Cmd) {
	s.tb.Helper()
	if said, err := cmd.CombinedOutput(); err != nil {
		s.tb.Fatalf("testpg: %v: %v\n%s", cmd.Args, err, said)
	}
}

// Start starts the server with the data it had, and returns when it answers.
func (s *Server) Start() {
	s.tb.Helper()
	cmd := s.command("/bin/sh", "-c", supervised, "testpg", filepath.Join(s.bin, "postgres"), "-D", s.data())
	life, err := cmd.StdinPipe()
	if err != nil {
		s.tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		s.tb.Fatal(err)
	}
	ended := make(chan struct{})
	s.life, s.ended = life, ended
	go func() {
		_ = cmd.Wait() // it was signalled to end
		close(ended)
	}()
	for deadline := time.Now().Add(startTimeout); ; time.Sleep(10 * time.Millisecond) {
		var one int
		err := s.query("SELECT 1", &one)
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			s.tb.Fatalf("testpg: %v\n%s", err, s.log())
		}
	}
}

// Stop ends the server by a signal and returns when it is gone: INT lets it say
// goodbye to its clients, QUIT is a crash.
func (s *Server) Stop(signal string) {
	if s.life == nil {
		return
	}
	_, _ = io.WriteString(s.life, signal+"\n")
	<-s.ended
	_ = s.life.Close()
	s.life = nil
}

// Execute runs a statement as the superuser, outside of a transaction.
func (s *Server) Execute(statement string) {
	s.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	if err := execute(ctx, strings.TrimSuffix(URLOf(s), "&target_session_attrs=read-write"), statement); err != nil {
		s.tb.Fatalf("testpg: %v", err)
	}
}

// LimitFiles keeps the files of the server from growing beyond a size in bytes, which
// is what a full disk is like: a page that would cross it is written in part, and the
// server answers 53100. The size must be no multiple of a page's and above that of a
// WAL segment, 16 MiB; 0 lifts the limit. It holds for clients that are connected,
// too.
func (s *Server) LimitFiles(size int) {
	s.tb.Helper()
	limit := "unlimited"
	if size > 0 {
		limit = strconv.Itoa(size)
	}
	file, err := os.ReadFile(filepath.Join(s.data(), "postmaster.pid"))
	if err != nil {
		s.tb.Fatal(err)
	}
	postmaster, _, _ := strings.Cut(string(file), "\n") // clients to come inherit its limit
	var clients string
	err = s.query("SELECT string_agg(pid::text, ' ') FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()", &clients)
	if err != nil {
		s.tb.Fatal(err)
	}
	for _, pid := range append(strings.Fields(clients), postmaster) {
		s.must(s.command("prlimit", "--pid", pid, "--fsize="+limit+":"))
	}
}

// RequirePassword makes a role sign in with its password.
func (s *Server) RequirePassword(role string) {
	s.tb.Helper()
	hba := filepath.Join(s.data(), "pg_hba.conf")
	old, err := os.ReadFile(hba) //nolint:gosec // ours
	if err == nil {
		f, openErr := os.OpenFile(hba, os.O_WRONLY|os.O_TRUNC, 0) //nolint:gosec // ours
		if err = openErr; err == nil {
			_, err = fmt.Fprintf(f, "host all %s 127.0.0.1/32 scram-sha-256\n%s", role, old)
			err = errors.Join(err, f.Close())
		}
	}
	if err != nil {
		s.tb.Fatal(err)
	}
	s.Execute("SELECT pg_reload_conf()")
}

// Promote makes a standby the primary and returns when it is.
func (s *Server) Promote() {
	s.tb.Helper()
	var promoted bool
	if err := s.query("SELECT pg_promote(true, 60)", &promoted); err != nil || !promoted {
		s.tb.Fatalf("testpg: promoting: %t, %v\n%s", promoted, err, s.log())
	}
}

// URLOf leads to the maintenance database of whichever of the servers can be
// written to.
func URLOf(servers ...*Server) string {
	hosts := make([]string, len(servers))
	for i, s := range servers {
		hosts[i] = "127.0.0.1:" + s.port
	}
	return (&url.URL{
		Scheme: "postgres", User: url.User("postgres"), Host: strings.Join(hosts, ","), Path: "/postgres",
		RawQuery: "sslmode=disable&target_session_attrs=read-write",
	}).String()
}

func (s *Server) query(statement string, into any) error {
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	conn, err := pgx.Connect(ctx, strings.TrimSuffix(URLOf(s), "&target_session_attrs=read-write"))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	return conn.QueryRow(ctx, statement).Scan(into)
}

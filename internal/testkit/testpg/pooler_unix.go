//go:build unix

package testpg

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/latchkey/latchkey/internal/testkit"
)

// supervisedPooler ends the pooler when its test does, or is gone.
const supervisedPooler = `"$@" >>"$DIR/pooler.log" 2>&1 & pooler=$!
read -r how; kill -s INT $pooler; wait $pooler`

// Pooler starts PgBouncer before the server, in a mode of its own: transaction or
// session. It ends with the test, and is returned as the URL of the maintenance
// database through it. more are lines of its configuration. Without PgBouncer
// the test is skipped, or fails with CI set.
func (s *Server) Pooler(tb testing.TB, mode string, more ...string) string {
	tb.Helper()
	program := "/usr/sbin/pgbouncer" // which is on root's PATH only
	if found, err := exec.LookPath("pgbouncer"); err == nil {
		program = found
	}
	if _, err := os.Stat(program); err != nil {
		none(tb, fmt.Errorf("%w: pgbouncer is not installed (on Debian: apt-get install pgbouncer)", errNone))
	}
	port := testkit.FreePort(tb)
	users, configuration := filepath.Join(s.dir, "users-"+port), filepath.Join(s.dir, "pooler-"+port+".ini")
	text := fmt.Sprintf(`[databases]
* = host=127.0.0.1 port=%s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %s
unix_socket_dir =
auth_type = trust
auth_file = %s
pool_mode = %s
max_client_conn = 500
default_pool_size = 20
`, s.port, port, users, mode)
	for _, line := range more {
		text += line + "\n"
	}
	for name, content := range map[string]string{users: "\"postgres\" \"\"\n", configuration: text} {
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil { //nolint:gosec // read by the user that the server runs as
			tb.Fatal(err)
		}
	}
	cmd := s.command("/bin/sh", "-c", supervisedPooler, "testpg", program, configuration)
	life, err := cmd.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		_ = life.Close()
		_ = cmd.Wait() // it was signalled to end
	})
	pooled := (&url.URL{Scheme: "postgres", User: url.User("postgres"), Host: "127.0.0.1:" + port, Path: "/postgres", RawQuery: "sslmode=disable"}).String()
	for deadline := time.Now().Add(startTimeout); ; time.Sleep(10 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
		conn, err := pgx.Connect(ctx, pooled)
		if err == nil {
			_ = conn.Close(ctx)
		}
		cancel()
		if err == nil {
			return pooled
		}
		if time.Now().After(deadline) {
			said, _ := os.ReadFile(filepath.Join(s.dir, "pooler.log"))
			tb.Fatalf("testpg: %v\n%s", err, said)
		}
	}
}

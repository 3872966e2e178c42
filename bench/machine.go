package main

import (
	"bytes"
	"cmp"
	"context"
	"debug/buildinfo"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/latchkey/latchkey/internal/testkit/testpg"
	"github.com/latchkey/latchkey/siwe"
)

// machine is what all parts run on: a PostgreSQL, the built binary, and the
// processes started from it.
type machine struct {
	options
	dir        string
	binaries   []string
	durability string
	dropped    []func() error
	children   []*child
	stopped    []*child // of the part before
}

func newMachine(ctx context.Context, o options) (*machine, error) {
	dir, err := os.MkdirTemp("", "latchkey-bench-")
	if err != nil {
		return nil, err
	}
	m := &machine{options: o, dir: dir}
	if err := m.prepare(ctx); err != nil {
		return nil, errors.Join(err, m.close())
	}
	return m, nil
}

func (m *machine) prepare(ctx context.Context) error {
	if m.options.binaries != "" {
		m.binaries = strings.Split(m.options.binaries, ",")
	} else if err := m.build(ctx); err != nil {
		return err
	}
	testpg.OnDisk = true
	url, err := m.database(ctx)
	if err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	if os.Getenv(testpg.Variable) == "" {
		// The private server was made for tests and syncs nothing. Commits that
		// cost nothing would favour the side that needs more of them.
		for _, setting := range []string{"fsync", "full_page_writes", "synchronous_commit"} {
			if _, err := conn.Exec(ctx, fmt.Sprintf("ALTER SYSTEM SET %s = %t", setting, m.fsync)); err != nil {
				return err
			}
		}
		if _, err := conn.Exec(ctx, "SELECT pg_reload_conf()"); err != nil {
			return err
		}
	}
	// A new connection, because the reload reaches this one a moment later.
	var version, fsync, commit string
	fresh, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer func() { _ = fresh.Close(ctx) }()
	err = fresh.QueryRow(ctx, "SELECT current_setting('server_version'), current_setting('fsync'), current_setting('synchronous_commit')").
		Scan(&version, &fsync, &commit)
	m.durability = fmt.Sprintf("PostgreSQL %s, fsync %s, synchronous_commit %s", version, fsync, commit)
	return err
}

// build builds the binary as it ships, with the implementation of secp256k1 that
// this program was built with.
func (m *machine) build(ctx context.Context) error {
	root, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/latchkey/latchkey").Output()
	if err != nil {
		return fmt.Errorf("looking for the sources: %w", err)
	}
	out := filepath.Join(m.dir, "latchkey")
	cmd := exec.CommandContext(ctx, filepath.Join(strings.TrimSpace(string(root)), "deploy", "build"), out) //nolint:gosec // our own directory
	cmd.Env = append(os.Environ(), "CGO_ENABLED="+map[bool]string{true: "1", false: "0"}[cgo])
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("deploy/build: %w\n%s", err, said)
	}
	m.binaries = []string{out}
	return nil
}

// database returns an empty database, dropped at the end.
func (m *machine) database(ctx context.Context) (string, error) {
	url, drop, err := testpg.Create(ctx)
	if err == nil {
		m.dropped = append(m.dropped, drop)
	}
	return url, err
}

func (m *machine) describe() string {
	return fmt.Sprintf("%d cores, %s/%s, %s; %s; keys recovered by %s",
		runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(), m.durability, m.secp256k1())
}

// secp256k1 names the implementation in this program, and in each binary that
// was built with another one.
func (m *machine) secp256k1() string {
	text, own := siwe.Secp256k1, "0"
	if cgo {
		own = "1"
	}
	for _, binary := range m.binaries {
		info, err := buildinfo.ReadFile(binary)
		if err != nil {
			text += fmt.Sprintf(", by %s with what is not known", filepath.Base(binary))
			continue
		}
		with := map[string]string{}
		for _, s := range info.Settings {
			with[s.Key] = s.Value
		}
		if with["CGO_ENABLED"] != own {
			text += fmt.Sprintf(", by %s with CGO_ENABLED=%s", filepath.Base(binary), with["CGO_ENABLED"])
		}
	}
	return text
}

// stop ends the children of one part, so that the next has the machine alone.
func (m *machine) stop() {
	for _, c := range m.children {
		c.stop()
	}
	m.children, m.stopped = nil, m.children
}

func (m *machine) close() error {
	m.stop()
	var errs []error
	for _, drop := range m.dropped {
		errs = append(errs, drop())
	}
	return cmp.Or(errors.Join(errs...), os.RemoveAll(m.dir))
}

// lastLog is the end of what each child of a failed part said.
func (m *machine) lastLog() string {
	var out strings.Builder
	for _, c := range m.stopped {
		if said, err := os.ReadFile(c.log.Name()); err == nil {
			lines := bytes.Split(bytes.TrimSpace(said), []byte("\n"))
			fmt.Fprintf(&out, "\n%s: %s", c.name, bytes.Join(lines[max(0, len(lines)-5):], []byte("\n")))
		}
	}
	return out.String()
}

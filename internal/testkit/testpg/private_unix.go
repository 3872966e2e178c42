//go:build unix

package testpg

import (
	_ "embed"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"strings"
	"syscall"
	"time"
)

//go:embed supervise.sh
var supervise string

// lifelines keeps the pipe that the supervisor reads from reachable: the garbage
// collector would close it. It is never written to; the kernel closes it when
// this process ends, however it ends.
var lifelines []*os.File

// startPrivate starts a server that lives as long as this process.
func startPrivate() (string, error) {
	bin := binaries()
	if bin == "" {
		return "", fmt.Errorf("%w: %s is not set, and initdb, pg_ctl and postgres are not installed (on Debian: apt-get install postgresql)", errNone, Variable)
	}
	dir, err := os.MkdirTemp(parent(), "testpg-")
	if err != nil {
		return "", err
	}
	credential, err := unprivileged(dir)
	if err != nil {
		_ = os.RemoveAll(dir)
		return "", err
	}
	if err := start(bin, dir, credential); err != nil {
		return "", fmt.Errorf("starting %s/postgres: %w", bin, err)
	}
	// url.Values orders its keys; host first reads better, and nothing needs escaping.
	return (&url.URL{Scheme: "postgres", Path: "/postgres", RawQuery: "host=" + dir + "&user=postgres&sslmode=disable"}).String(), nil
}

// unprivileged returns whom to run the server as, and gives them the directory.
// PostgreSQL refuses to run as root. nil means ourselves.
func unprivileged(dir string) (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err1 != nil || err2 != nil {
			continue
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, os.Chown(dir, int(uid), int(gid))
	}
	return nil, fmt.Errorf("%w: running as root, and there is no user postgres or nobody to run the server as", errNone)
}

// start returns when the server answers. The supervisor removes the directory
// when the server is done, or could not start.
func start(bin, dir string, credential *syscall.Credential) error {
	life, ours, err := os.Pipe()
	if err != nil {
		return err
	}
	defer func() { _ = life.Close() }()
	lifelines = append(lifelines, ours)
	cmd := exec.Command("/bin/sh", "-c", supervise, "testpg", bin, dir) //nolint:noctx,gosec // must outlive every context of a test; the programs are the installed ones
	cmd.Stdin = life
	cmd.Dir = dir
	// Nothing of PGDATA, PGPORT and the like, which would lead to another server.
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC"}
	// A group of its own: an interrupt from the keyboard must end the tests, not
	// the one who cleans up behind them.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: credential}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	defer func() { _ = out.Close() }()
	if err := cmd.Start(); err != nil {
		return err
	}
	if err := out.(*os.File).SetReadDeadline(time.Now().Add(startTimeout)); err != nil {
		return err
	}
	// One byte at a time up to "ready", or to the end: then it is the reason.
	said, b := strings.Builder{}, make([]byte, 1)
	for said.String() != "ready\n" {
		if _, err := io.ReadFull(out, b); err != nil {
			_ = ours.Close()
			return fmt.Errorf("%w: %s", err, strings.TrimSpace(said.String()))
		}
		said.Write(b)
	}
	return nil
}

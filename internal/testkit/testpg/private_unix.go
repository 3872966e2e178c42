//go:build unix

package testpg

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/latchkey/latchkey/internal/testkit"
)

//go:embed supervise.sh
var supervise string

// lifelines keeps the pipe that the supervisor reads from reachable: the garbage
// collector would close it. It is never written to; the kernel closes it when
// this process ends, however it ends.
var lifelines []*os.File

// startPrivate starts a server that lives as long as this process, with the databases
// of a template that has a key, or with none.
func startPrivate(template *Template) (string, error) {
	bin := binaries()
	if bin == "" {
		return "", fmt.Errorf("%w: %s is not set, and initdb, pg_ctl and postgres are not installed (on Debian: apt-get install postgresql)", errNone, Variable)
	}
	data, err := cluster(bin)
	if err == nil && template != nil {
		data, err = filled(bin, data, template)
	}
	if err != nil {
		return "", err
	}
	dir, credential, err := directory(data)
	if err != nil {
		return "", err
	}
	life, err := start(bin, dir, credential)
	if err != nil {
		return "", fmt.Errorf("starting %s/postgres: %w", bin, err)
	}
	lifelines = append(lifelines, life)
	return adminURL(dir), nil
}

// directory returns a new directory with a copy of a cluster in it, and whom to run its
// server as.
func directory(data string) (dir string, credential *syscall.Credential, err error) {
	if dir, err = os.MkdirTemp(parent(), "testpg-"); err != nil {
		return "", nil, err
	}
	if credential, err = unprivileged(dir); err == nil {
		err = copyCluster(data, filepath.Join(dir, "data"), credential)
	}
	if err != nil {
		_ = os.RemoveAll(dir)
	}
	return dir, credential, err
}

// cluster returns an empty cluster to copy: one without databases, of a server that is
// not running.
func cluster(bin string) (string, error) {
	version, err := exec.Command(filepath.Join(bin, "postgres"), "--version").Output() //nolint:noctx,gosec // the installed program
	if err != nil {
		return "", err
	}
	return testkit.Kept(strings.Join([]string{"empty cluster", bin, string(version)}, "\n"), func(kept string) error {
		dir, err := os.MkdirTemp(parent(), "testpg-")
		if err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(dir) }()
		credential, err := unprivileged(dir)
		if err != nil {
			return err
		}
		data := filepath.Join(dir, "data")
		initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync") //nolint:noctx,gosec // the installed program
		if err := run(initdb, dir, credential); err != nil {
			return err
		}
		return copyCluster(data, filepath.Join(kept, "data"), nil)
	})
}

// filled returns a cluster that has the template's database, too.
func filled(bin, empty string, template *Template) (string, error) {
	return testkit.Kept(strings.Join([]string{"filled", empty, template.Key}, "\n"), func(kept string) error {
		dir, credential, err := directory(empty)
		if err != nil {
			return err
		}
		life, err := start(bin, dir, credential)
		if err != nil {
			return err
		}
		defer func() { _ = life.Close() }()
		ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
		defer cancel()
		admin := adminURL(dir)
		if err := execute(ctx, admin, "CREATE DATABASE "+templateName); err != nil {
			return err
		}
		databaseURL, err := inDatabase(admin, templateName)
		if err != nil {
			return err
		}
		if err := template.Fill(ctx, databaseURL); err != nil {
			return err
		}
		data := filepath.Join(dir, "data")
		stop := exec.Command(filepath.Join(bin, "pg_ctl"), "-D", data, "-m", "fast", "-w", "stop") //nolint:noctx,gosec // the installed program
		if err := run(stop, dir, credential); err != nil {
			return err
		}
		return copyCluster(data, filepath.Join(kept, "data"), nil)
	})
}

// copyCluster copies the files of a cluster whose server is not running, for a user.
func copyCluster(from, to string, credential *syscall.Credential) error {
	if filepath.Base(from) != "data" {
		from = filepath.Join(from, "data")
	}
	commands := []*exec.Cmd{exec.Command("cp", "-R", "-p", from, to)} //nolint:noctx,gosec // short, directories of ours
	if credential != nil {
		commands = append(commands, exec.Command("chown", "-R", fmt.Sprintf("%d:%d", credential.Uid, credential.Gid), to)) //nolint:noctx,gosec // short, a directory of ours
	}
	for _, cmd := range commands {
		if err := run(cmd, "/", nil); err != nil {
			return err
		}
	}
	return nil
}

// run runs a program as a user in a directory.
func run(cmd *exec.Cmd, dir string, credential *syscall.Credential) error {
	cmd.Dir, cmd.Env = dir, environment()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: credential}
	said, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%v: %w\n%s", cmd.Args, err, said)
	}
	return nil
}

// environment has nothing of PGDATA, PGPORT and the like, which would lead to another
// server.
func environment() []string { return []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC"} }

// adminURL is the maintenance database of the server in a directory.
func adminURL(dir string) string {
	// url.Values orders its keys; host first reads better, and nothing needs escaping.
	return (&url.URL{Scheme: "postgres", Path: "/postgres", RawQuery: "host=" + dir + "&user=postgres&sslmode=disable"}).String()
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

// start returns when the server answers, with what it lives by until it is closed. The
// supervisor removes the directory when the server is done, or could not start.
func start(bin, dir string, credential *syscall.Credential) (ours *os.File, err error) {
	life, ours, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer func() { _ = life.Close() }()
	defer func() {
		if err != nil {
			_ = ours.Close()
		}
	}()
	cmd := exec.Command("/bin/sh", "-c", supervise, "testpg", bin, dir) //nolint:noctx,gosec // must outlive every context of a test; the programs are the installed ones
	cmd.Stdin = life
	cmd.Dir, cmd.Env = dir, environment()
	// A group of its own: an interrupt from the keyboard must end the tests, not
	// the one who cleans up behind them.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: credential}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	defer func() { _ = out.Close() }()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	if err := out.(*os.File).SetReadDeadline(time.Now().Add(startTimeout)); err != nil {
		return nil, err
	}
	// One byte at a time up to "ready", or to the end: then it is the reason.
	said, b := strings.Builder{}, make([]byte, 1)
	for said.String() != "ready\n" {
		if _, err := io.ReadFull(out, b); err != nil {
			return nil, fmt.Errorf("%w: %s", err, strings.TrimSpace(said.String()))
		}
		said.Write(b)
	}
	return ours, nil
}

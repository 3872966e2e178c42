package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

const (
	startTimeout = 30 * time.Second
	stopTimeout  = 15 * time.Second
)

// child is a server in a process of its own, so that neither side's garbage
// collector works for the load generator.
type child struct {
	name    string
	address string // HOST:PORT
	log     *os.File
	cmd     *exec.Cmd
	done    chan struct{}
}

// service starts latchkey as in production: JSON log at level info to a file.
// It returns when it answers.
func (m *machine) service(ctx context.Context, binary, databaseURL string, env ...string) (*child, error) {
	c, err := m.newChild("latchkey" + label(m, binary))
	if err != nil {
		return nil, err
	}
	c.cmd = exec.CommandContext(ctx, binary, "serve")
	c.cmd.Env = append(serviceEnv(c.address, databaseURL), env...)
	return c, c.start(ctx)
}

func serviceEnv(address, databaseURL string) []string {
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"),
		"LATCHKEY_DATABASE_URL=" + databaseURL,
		"LATCHKEY_PUBLIC_URL=http://" + address,
		"LATCHKEY_LISTEN=" + address,
		"LATCHKEY_SECRET=a secret of the benchmark, long enough",
		"LATCHKEY_METRICS_LISTEN=off",
		"LATCHKEY_RATE_LIMITS=1000000", // counted, but out of the way
	}
}

// commandOf runs a command of the service on a database, and returns what it prints.
func commandOf(ctx context.Context, binary, databaseURL string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, binary, args...) //nolint:gosec // the binary that is measured
	cmd.Env = serviceEnv("127.0.0.1:9", databaseURL)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("latchkey %s %s: %w", args[0], args[1], err)
	}
	return out, nil
}

// bare starts this program as the handler by hand.
func (m *machine) bare(ctx context.Context, databaseURL string) (*child, error) {
	c, err := m.newChild("bare")
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c.cmd = exec.CommandContext(ctx, self, bareCommand) //nolint:gosec // ourselves
	c.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "BENCH_LISTEN=" + c.address, "BENCH_DATABASE_URL=" + databaseURL}
	return c, c.start(ctx)
}

func (m *machine) newChild(name string) (*child, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	log, err := os.CreateTemp(m.dir, "log-")
	if err != nil {
		return nil, err
	}
	c := &child{name: name, address: address, log: log, done: make(chan struct{})}
	m.children = append(m.children, c)
	return c, nil
}

// freeAddress is free at the moment, which is enough on a machine of one's own.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

func (c *child) start(ctx context.Context) error {
	c.cmd.Stdout, c.cmd.Stderr = c.log, c.log
	c.cmd.Dir = filepath.Dir(c.log.Name())
	if err := c.cmd.Start(); err != nil {
		return err
	}
	go func() { _ = c.cmd.Wait(); close(c.done) }()
	return c.awaitHealthy(ctx)
}

// awaitHealthy polls closely: the part start measures by it.
func (c *child) awaitHealthy(ctx context.Context) error {
	request := get(c.address, "/readyz", "")
	for deadline := time.Now().Add(startTimeout); time.Now().Before(deadline) && ctx.Err() == nil; time.Sleep(500 * time.Microsecond) {
		select {
		case <-c.done:
			return fmt.Errorf("%s ended", c.name)
		default:
		}
		conn, err := dial(c.address)
		if err != nil {
			continue
		}
		a, err := conn.do(request)
		conn.close()
		if err == nil && a.status == 200 {
			return nil
		}
	}
	return fmt.Errorf("%s did not answer within %v", c.name, startTimeout)
}

func (c *child) stop() {
	if c.cmd == nil || c.cmd.Process == nil {
		return
	}
	_ = c.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-c.done:
	case <-time.After(stopTimeout):
		_ = c.cmd.Process.Kill()
		<-c.done
	}
	_ = c.log.Close()
}

func (c *child) pid() int { return c.cmd.Process.Pid }

//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/latchkey/latchkey/internal/testkit"
)

// asBinary makes this test binary the one that it tests.
const asBinary = "LATCHKEY_TEST_AS_BINARY"

func TestMain(m *testing.M) {
	if os.Getenv(asBinary) != "" {
		_ = os.Unsetenv(asBinary) // or it would be taken for a misspelt variable
		if os.Args[1] == "serve" {
			go func() {
				_, _ = io.Copy(io.Discard, os.Stdin) // ends when the test is gone, even if it was killed
				os.Exit(1)
			}()
		}
		main()
	}
	os.Exit(m.Run())
}

// replica is the service in a process of its own.
type replica struct {
	t *testing.T
	// program is the binary of another release; "" is this one.
	program string
	env     []string
	addr    string
	log     string
	http    *http.Client
	cmd     *exec.Cmd
	life    io.Closer
	over    chan struct{} // closed when the process is gone
	// dead is set while the test has it killed: no answer is no fault then.
	dead atomic.Bool
}

// newReplicas starts three on one database.
func newReplicas(t *testing.T, databaseURL string) []*replica {
	t.Helper()
	return newReplicasOf(t, "", databaseURL, 3)
}

// newReplicasOf starts n of a program; "" is this one. more is their environment.
func newReplicasOf(t *testing.T, program, databaseURL string, n int, more ...string) []*replica {
	t.Helper()
	out := make([]*replica, n)
	for i := range out {
		r := &replica{
			t: t, program: program, addr: "127.0.0.1:" + testkit.FreePort(t), log: filepath.Join(t.TempDir(), "log"),
			http: &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}},
		}
		out[i] = r
		r.env = environ(databaseURL, append(more, "LATCHKEY_PUBLIC_URL=http://"+out[0].addr, "LATCHKEY_LISTEN="+r.addr)...)
		r.start()
		t.Cleanup(func() {
			if t.Failed() {
				said, _ := os.ReadFile(r.log)
				t.Logf("%s said:\n%s", r.addr, said[max(0, len(said)-3000):])
			}
			r.signal(syscall.SIGKILL)
		})
	}
	for _, r := range out {
		r.awaitReady()
	}
	return out
}

func environ(databaseURL string, more ...string) []string {
	return append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), asBinary + "=1",
		"LATCHKEY_DATABASE_URL=" + databaseURL,
		"LATCHKEY_SECRET=a secret that is long enough for tests",
		"LATCHKEY_METRICS_LISTEN=off",
		"LATCHKEY_RATE_LIMITS=1000000", // counted, but out of the way
		"LATCHKEY_LOG_LEVEL=warn",
	}, more...)
}

func (r *replica) start() {
	r.t.Helper()
	log, err := os.OpenFile(r.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = log.Close() }() // the child has its own
	cmd := exec.Command(os.Args[0], "serve")
	cmd.Env, cmd.Stdout, cmd.Stderr = r.env, log, log
	if r.program != "" {
		cmd = exec.Command(r.program, "serve")
		cmd.Env = slices.DeleteFunc(slices.Clone(r.env), func(v string) bool { return strings.HasPrefix(v, asBinary) })
		cmd.Stdout, cmd.Stderr = log, log
	}
	cmd.Dir = filepath.Dir(r.log)
	if r.life, err = cmd.StdinPipe(); err != nil {
		r.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	over := make(chan struct{})
	r.cmd, r.over = cmd, over
	go func() { _ = cmd.Wait(); close(over) }()
}

// signal ends the process and returns when it is gone.
func (r *replica) signal(s syscall.Signal) {
	_ = r.cmd.Process.Signal(s)
	<-r.over
	r.http.CloseIdleConnections()
}

func (r *replica) awaitReady() {
	r.t.Helper()
	until(r.t, r.addr+" is ready", func() bool {
		select {
		case <-r.over:
			said, _ := os.ReadFile(r.log)
			r.t.Fatalf("%s ended: %s", r.addr, said)
		default:
		}
		got, err := r.ask(http.MethodGet, "/readyz", "", nil)
		return err == nil && got.status == http.StatusOK
	})
}

// answer is what a replica said.
type answer struct {
	status  int
	body    []byte
	cookies []*http.Cookie
	header  http.Header
}

// text is the value at a path such as "session.id".
func (a answer) text(path string) string {
	var v any
	_ = json.Unmarshal(a.body, &v)
	for key := range strings.SplitSeq(path, ".") {
		m, _ := v.(map[string]any)
		v = m[key]
	}
	s, _ := v.(string)
	return s
}

func (a answer) cookie(name string) string {
	for _, c := range a.cookies {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// ask sends a request with a session's token, or with the flow cookies given.
func (r *replica) ask(method, path, token string, body any, cookies ...*http.Cookie) (answer, error) {
	var reader io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return answer{}, err
		}
		reader = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(context.Background(), method, "http://"+r.addr+path, reader)
	if err != nil {
		return answer{}, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for _, c := range cookies {
		req.AddCookie(c)
	}
	res, err := r.http.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return answer{}, fmt.Errorf("%s %s: %w", method, path, err)
	}
	return answer{res.StatusCode, raw, res.Cookies(), res.Header}, nil
}

func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: never", what)
		}
	}
}

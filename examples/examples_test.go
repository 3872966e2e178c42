// Package examples_test runs the examples beside the service, as `examples/start` does.
package examples_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/latchkey/latchkey/internal/testkit"
	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

// asBuilt has the examples share compiled dependencies with the service.
const asBuilt = "GOFLAGS=-trimpath -tags=netgo,osusergo"

// python returns a Python that has these modules.
func python(t *testing.T, modules ...string) string {
	t.Helper()
	for _, p := range []string{"python3", "/usr/bin/python3"} {
		if exec.CommandContext(t.Context(), p, "-c", "import "+strings.Join(modules, ", ")).Run() == nil {
			return p
		}
	}
	testkit.Missing(t, "no Python with "+strings.Join(modules, ", ")+" (Debian: apt-get install python3-jwt python3-cryptography python3-djangorestframework)")
	return ""
}

// run starts an example and returns where it answers.
func run(t *testing.T, name string, env ...string) string {
	t.Helper()
	return runAt(t, name, testkit.FreePort(t), env...)
}

// runAt starts an example on a port.
func runAt(t *testing.T, name, port string, env ...string) string {
	t.Helper()
	program, err := filepath.Abs(filepath.Join(name, "run"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), program)
	cmd.Env = append(os.Environ(), append(env, "PORT="+port, "TMPDIR="+dir, asBuilt, "DATABASE="+filepath.Join(dir, "example.db"), "PYTHONDONTWRITEBYTECODE=1")...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	// A group of its own, so that nothing that it started stays.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { defer close(ended); _ = cmd.Wait() }()
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		<-ended
		if t.Failed() {
			t.Logf("%s said: %s", name, &said)
		}
	})
	url := "http://localhost:" + port
	up := apptest.Eventually(func() bool {
		select {
		case <-ended:
			return true
		default:
		}
		res, err := http.Get(url)
		if err == nil {
			_ = res.Body.Close()
		}
		return err == nil
	})
	select {
	case <-ended:
		t.Fatalf("%s has ended", name)
	default:
	}
	if !up {
		t.Fatalf("%s does not answer", name)
	}
	return url
}

// answer is what an example answered.
type answer struct {
	status int
	header http.Header
	body   string
}

// call sends a request with a token, "" for none.
func call(t *testing.T, method, url, token string, body any) answer {
	t.Helper()
	var sent bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&sent).Encode(body); err != nil {
			t.Fatal(err)
		}
	}
	req, err := http.NewRequestWithContext(t.Context(), method, url, &sent)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "bearer "+token)
	}
	return send(t, req)
}

func send(t *testing.T, req *http.Request) answer {
	t.Helper()
	res, err := http.DefaultTransport.RoundTrip(req) // without following redirects
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var read bytes.Buffer
	if _, err := read.ReadFrom(res.Body); err != nil {
		t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, strings.TrimSpace(read.String())}
}

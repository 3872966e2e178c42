package main

import (
	"bytes"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/siwe"
)

// latchkey runs the command line in an environment of these variables.
func latchkey(t *testing.T, environ map[string]string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	for name, value := range environ {
		t.Setenv(name, value)
	}
	var out, errs bytes.Buffer
	code = run(t.Context(), args, &out, &errs)
	return code, out.String(), errs.String()
}

func TestExitCodes(t *testing.T) {
	absent := "sqlite://" + filepath.Join(t.TempDir(), "absent", "x.db")
	for name, tt := range map[string]struct {
		environ map[string]string
		args    []string
		code    int
		says    string // on standard error
	}{
		"version":             {nil, []string{"version"}, 0, ""},
		"help":                {nil, []string{"--help"}, 0, ""},
		"unknown command":     {nil, []string{"sevre"}, 2, "sevre"},
		"unknown flag":        {nil, []string{"serve", "--devv"}, 2, "--devv"},
		"argument too many":   {nil, []string{"version", "x"}, 2, "x"},
		"flag missing":        {nil, []string{"admin", "grant"}, 2, "email"},
		"no secret":           {nil, []string{"serve"}, 2, "LATCHKEY_SECRET: "},
		"dev beyond loopback": {map[string]string{"LATCHKEY_LISTEN": "0.0.0.0:0"}, []string{"serve", "--dev"}, 2, "--dev-allow-remote"},
		"remote without dev":  {nil, []string{"serve", "--dev-allow-remote"}, 2, "--dev"},
		"database not there":  {map[string]string{"LATCHKEY_DATABASE_URL": absent}, []string{"migrate", "status"}, 1, "x.db"},
		"no listener":         {map[string]string{"LATCHKEY_LISTEN": "127.0.0.1:1"}, []string{"healthcheck"}, 1, "127.0.0.1:1"},
	} {
		t.Run(name, func(t *testing.T) {
			code, _, stderr := latchkey(t, tt.environ, tt.args...)
			if code != tt.code || !strings.Contains(stderr, tt.says) {
				t.Errorf("exits %d, want %d, and says %q, want %q", code, tt.code, stderr, tt.says)
			}
		})
	}
}

func TestDoctor(t *testing.T) {
	code, stdout, stderr := latchkey(t, map[string]string{"LATCHKEY_LINKING": "maybe"}, "doctor")
	if code != 1 || !strings.Contains(stdout, "fail  configuration  LATCHKEY_LINKING") || stderr != "" {
		t.Errorf("exits %d with %q and %q", code, stdout, stderr)
	}
	code, stdout, stderr = latchkey(t, map[string]string{
		"LATCHKEY_LINKING": "", "LATCHKEY_DATABASE_URL": "sqlite://" + filepath.Join(t.TempDir(), "x.db"),
	}, "migrate", "up")
	if code != 0 || stdout == "" {
		t.Fatalf("exits %d with %q and %q", code, stdout, stderr)
	}
	code, stdout, stderr = latchkey(t, nil, "doctor", "--dev")
	if code != 0 || !strings.Contains(stdout, "ok    schema         is up to date") {
		t.Errorf("exits %d with %q and %q", code, stdout, stderr)
	}
}

func TestHealthcheck(t *testing.T) {
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/readyz" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		w.WriteHeader(status)
	}))
	defer server.Close()
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"127.0.0.1", "", "0.0.0.0"} {
		if code, _, stderr := latchkey(t, map[string]string{"LATCHKEY_LISTEN": host + ":" + port}, "healthcheck"); code != 0 {
			t.Errorf("%q: exits %d and says %s", host, code, stderr)
		}
	}
	status = http.StatusServiceUnavailable
	if code, _, stderr := latchkey(t, nil, "healthcheck"); code != 1 || !strings.Contains(stderr, "503") {
		t.Errorf("exits %d and says %s", code, stderr)
	}
	if got := reachable("[::]:8080"); got != "[::1]:8080" {
		t.Errorf("[::] is asked at %s", got)
	}
}

func TestVersion(t *testing.T) {
	info := &debug.BuildInfo{GoVersion: "go1.26", Settings: []debug.BuildSetting{
		{Key: "vcs.revision", Value: "0123456789abcdef"}, {Key: "vcs.modified", Value: "true"}, {Key: "vcs.time", Value: "2026-01-02T03:04:05Z"},
	}}
	for _, tt := range []struct {
		release string
		info    *debug.BuildInfo
		want    string
	}{
		{"", info, "latchkey development, commit 0123456789ab with changes of 2026-01-02T03:04:05Z, go1.26, " + siwe.Secp256k1},
		{"v1.2.3", &debug.BuildInfo{}, "latchkey v1.2.3, " + siwe.Secp256k1},
	} {
		if got := describe(tt.release, tt.info); got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
}

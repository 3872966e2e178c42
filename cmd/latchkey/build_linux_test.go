package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/internal/testkit"
)

// deploy/build links statically on Linux only.
//
// TestBuildChoosesTheImplementation runs deploy/build with a go command that
// answers `go env` and prints how it was called to build.
func TestBuildChoosesTheImplementation(t *testing.T) {
	if _, err := exec.LookPath("cc"); err != nil {
		testkit.Missing(t, "there is no C compiler (Debian: apt-get install gcc)")
	}
	dir := t.TempDir()
	fake := filepath.Join(dir, "go")
	script := "#!/bin/sh\nif [ \"$1\" = env ]; then exec go \"$@\"; fi\necho \"CGO_ENABLED=$CGO_ENABLED CC=$CC $*\"\n"
	if err := os.WriteFile(fake, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	const absent = "there-is-no-such-compiler"
	for name, tt := range map[string]struct {
		environ []string
		fails   bool
		wants   []string // in what the go command was given
		says    string   // on standard error
	}{
		"a C compiler":         {[]string{"CC=cc"}, false, []string{"CGO_ENABLED=1", "CC=cc", "-tags netgo,osusergo", "-linkmode external -extldflags -static", "-s -w", "-trimpath"}, ""},
		"none":                 {[]string{"CC=" + absent}, false, []string{"CGO_ENABLED=0", "-tags netgo,osusergo", "-s -w", "-trimpath"}, "pure Go build"},
		"none, but wanted":     {[]string{"CC=" + absent, "CGO_ENABLED=1"}, true, nil, absent},
		"one, but not wanted":  {[]string{"CC=cc", "CGO_ENABLED=0"}, false, []string{"CGO_ENABLED=0"}, ""},
		"for another machine":  {[]string{"GOOS=plan9", "GOARCH=amd64"}, false, []string{"CGO_ENABLED=0"}, "pure Go build"},
		"a version":            {[]string{"CC=cc", "VERSION=v1.2.3"}, false, []string{"-X main.release=v1.2.3"}, ""},
		"a compiler with flag": {[]string{"CC=cc -O2"}, false, []string{"CGO_ENABLED=1", "CC=cc -O2"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), "../../deploy/build", filepath.Join(dir, "out"))
			cmd.Env = append(os.Environ(), "GO="+fake, "CGO_ENABLED=", "VERSION=")
			cmd.Env = append(cmd.Env, tt.environ...)
			var out, errs bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &errs
			if err := cmd.Run(); (err != nil) != tt.fails {
				t.Fatalf("%v: %s", err, &errs)
			}
			for _, want := range tt.wants {
				if !strings.Contains(out.String(), want) {
					t.Errorf("lacks %q: %s", want, &out)
				}
			}
			if strings.Contains(out.String(), "CGO_ENABLED=0") && strings.Contains(out.String(), "static") {
				t.Errorf("links a pure Go build: %s", &out)
			}
			if tt.says == "" && errs.Len() > 0 || !strings.Contains(errs.String(), tt.says) {
				t.Errorf("says %q, want %q", &errs, tt.says)
			}
		})
	}
}

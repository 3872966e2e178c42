package latchkey_test

import (
	"archive/zip"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const version = "v0.1.0"

// What `go get` brings into an empty folder works there: the modules as they are tagged,
// without the replacements that they have in this repository.
func TestPackedModules(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("compiles")
	}
	proxy := t.TempDir()
	pack(t, proxy, ".", "github.com/latchkey/latchkey/sdk/go")
	pack(t, proxy, "latchkeygin", "github.com/latchkey/latchkey/sdk/go/latchkeygin")

	settings, err := exec.CommandContext(t.Context(), "go", "env", "GOMODCACHE", "GOPROXY").Output()
	if err != nil {
		t.Fatal(err)
	}
	cache, usual, _ := strings.Cut(strings.TrimSpace(string(settings)), "\n")
	dir := t.TempDir()
	// The dependencies come from what this machine has, if it has them.
	env := append(os.Environ(), "GOPROXY=file://"+proxy+",file://"+cache+"/cache/download,"+usual, "GOSUMDB=off", "GOWORK=off",
		"GOMODCACHE="+t.TempDir(), "GOFLAGS=-modcacherw -trimpath -tags=netgo,osusergo")
	run := func(name string, args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), name, args...)
		cmd.Dir, cmd.Env = dir, env
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	const program = `package main

import (
	"context"
	"errors"
	"fmt"

	latchkey "github.com/latchkey/latchkey/sdk/go"
)

func main() {
	_, err := latchkey.NewVerifier("https://auth.example.com", "https://api.example.com").Verify(context.Background(), "x")
	fmt.Println(errors.Is(err, latchkey.ErrUnauthenticated))
}
`
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	run("go", "mod", "init", "example.com/app")
	run("go", "get", "github.com/latchkey/latchkey/sdk/go@"+version)
	if got := run("go", "run", "."); got != "true\n" {
		t.Errorf("the program prints %q", got)
	}
	if got := strings.Fields(run("go", "list", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}", ".")); !only(got, "example.com/app", "github.com/latchkey/latchkey/sdk/go", "github.com/go-jose/go-jose/v4") {
		t.Errorf("it needs %v", got)
	}
	// That for Gin resolves to the same version of the library.
	run("go", "get", "github.com/latchkey/latchkey/sdk/go/latchkeygin@"+version)
	if got := run("go", "list", "-m", "github.com/latchkey/latchkey/sdk/go"); !strings.HasSuffix(strings.TrimSpace(got), version) {
		t.Errorf("with Gin: %s", got)
	}
}

func only(got []string, allowed ...string) bool {
	for _, one := range got {
		if !strings.Contains(" "+strings.Join(allowed, " ")+" ", " "+one+" ") {
			return false
		}
	}
	return true
}

// pack writes a module as a module proxy has it (https://go.dev/ref/mod#goproxy-protocol).
func pack(t *testing.T, proxy, dir, module string) {
	t.Helper()
	at := filepath.Join(proxy, filepath.FromSlash(module), "@v")
	if err := os.MkdirAll(at, 0o700); err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	out, err := os.Create(filepath.Join(at, version+".zip"))
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(out)
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if _, err := os.Stat(filepath.Join(path, "go.mod")); err == nil && path != dir {
				return fs.SkipDir // another module
			}
			return nil
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		w, err := z.Create(module + "@" + version + "/" + filepath.ToSlash(name))
		if err == nil {
			_, err = w.Write(text)
		}
		return err
	})
	if err == nil {
		err = z.Close()
	}
	if err == nil {
		err = out.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"list": version + "\n", version + ".info": fmt.Sprintf(`{"Version":%q,"Time":"2026-01-01T00:00:00Z"}`, version), version + ".mod": string(mod)} {
		if err := os.WriteFile(filepath.Join(at, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

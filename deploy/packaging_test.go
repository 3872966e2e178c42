// Package deploy_test checks the files that Latchkey is deployed and released by: with
// the configuration and the paths of this version, and with each other.
package deploy_test

import (
	"encoding/json"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/internal/config"
)

// The compose file needs no build, keeps secrets in files, and lets a replica drain.
func TestCompose(t *testing.T) {
	t.Parallel()
	file := readYAML(t, "../docker-compose.yml")
	service := at(t, file, "services", "latchkey").(object)
	if service["build"] != nil {
		t.Error("it builds an image")
	}
	if image := at(t, service, "image"); image != "${LATCHKEY_IMAGE:-ghcr.io/latchkey/latchkey:v"+release(t)+"}" {
		t.Errorf("the image is %v", image)
	}
	for name, value := range at(t, service, "environment").(object) {
		text, _ := value.(string)
		checkVariable(t, "docker-compose.yml", name, strings.TrimPrefix(text, "${"+name+":-}"))
		secret, isFile := strings.CutPrefix(text, "/run/secrets/")
		if isFile && (!slices.Contains(at(t, service, "secrets").([]any), any(secret)) || at(t, file, "secrets").(object)[secret] == nil) {
			t.Errorf("%s is %s, which is no secret of the service", name, text)
		}
	}
	if grace := duration(t, at(t, service, "stop_grace_period").(string)); grace <= stopping(t) {
		t.Errorf("it is killed %s after SIGTERM, but takes %s to stop", grace, stopping(t))
	}
	listening := regexp.MustCompile(`LATCHKEY_LISTEN=:(\d+)`).FindStringSubmatch(readFile(t, "../Dockerfile"))
	if ports := at(t, service, "ports").([]any); len(ports) != 1 || listening == nil || ports[0] != "127.0.0.1:8080:"+listening[1] {
		t.Errorf("ports %v; the image listens on %v", ports, listening)
	}
	made := readFile(t, "make-secrets")
	for name := range at(t, file, "secrets").(object) {
		if !strings.Contains(made, "make_secret "+name+"\n") {
			t.Errorf("deploy/make-secrets does not make %s", name)
		}
	}
	if at(t, readYAML(t, "compose.build.yaml"), "services", "latchkey", "build") == nil {
		t.Error("compose.build.yaml does not build")
	}
}

// stopping is how long a replica takes to stop at most, by default.
func stopping(t *testing.T) (sum time.Duration) {
	t.Helper()
	for _, v := range config.Describe() {
		if v.Name == "LATCHKEY_DRAIN_DELAY" || v.Name == "LATCHKEY_SHUTDOWN_TIMEOUT" {
			sum += duration(t, v.Default)
		}
	}
	return sum
}

// release is the version of all packages.
func release(t *testing.T) string {
	t.Helper()
	var about struct{ Version string }
	if err := json.Unmarshal([]byte(readFile(t, "../web/package.json")), &about); err != nil || about.Version == "" {
		t.Fatal(about, err)
	}
	return about.Version
}

// The chart is of the version of everything else, until the release workflow sets it.
func TestChartHasTheVersion(t *testing.T) {
	t.Parallel()
	about := readYAML(t, chart+"/Chart.yaml")
	if about["version"] != release(t) || about["appVersion"] != release(t) {
		t.Errorf("versions %v and %v, want %s", about["version"], about["appVersion"], release(t))
	}
}

// What GoReleaser builds on Linux is what deploy/build does, so that what is measured and
// tested is what ships.
func TestReleasesAreBuiltAsEverythingElse(t *testing.T) {
	t.Parallel()
	script := readFile(t, "build")
	file := readYAML(t, "../.goreleaser.yaml")
	builds := at(t, file, "builds").([]any)
	if len(builds) != 2 {
		t.Fatalf("%d builds", len(builds))
	}
	for i, want := range []struct {
		cgo   string
		links string
	}{{"CGO_ENABLED=1", " -linkmode external -extldflags -static"}, {"CGO_ENABLED=0", ""}} {
		build := builds[i]
		if at(t, build, "env", 0) != want.cgo {
			t.Errorf("build %d: %v", i, at(t, build, "env"))
		}
		if got := at(t, build, "ldflags", 0); got != "-s -w -X main.release={{ .Tag }}"+want.links {
			t.Errorf("build %d: ldflags %v", i, got)
		}
		if got := at(t, build, "tags"); !slices.Equal(got.([]any), []any{"netgo", "osusergo"}) {
			t.Errorf("build %d: tags %v", i, got)
		}
		if got := at(t, build, "flags"); !slices.Equal(got.([]any), []any{"-pgo=off", "-trimpath"}) {
			t.Errorf("build %d: flags %v", i, got)
		}
	}
	for _, part := range []string{
		`ldflags="-s -w"`, `ldflags="$ldflags -X main.release=$VERSION"`, `ldflags="$ldflags -linkmode external -extldflags -static"`,
		`pgo=${PGO:-off}`, ` -trimpath -tags netgo,osusergo `, "linux/amd64) CC=x86_64-linux-gnu-gcc", "linux/arm64) CC=aarch64-linux-gnu-gcc",
	} {
		if !strings.Contains(script, part) {
			t.Errorf("deploy/build has no %s: change .goreleaser.yaml with it", part)
		}
	}
	if cc := at(t, builds[0], "env", 1); cc != `CC={{ if eq .Arch "arm64" }}aarch64-linux-gnu-gcc{{ else }}x86_64-linux-gnu-gcc{{ end }}` {
		t.Errorf("the C compiler is %v", cc)
	}
	if !strings.Contains(readFile(t, "../cmd/latchkey/version.go"), "\nvar release string\n") {
		t.Error("there is no main.release, which the version of a release is written to")
	}
}

// Each file of the Debian package is there, and its unit starts what it installs.
func TestDebianPackage(t *testing.T) {
	t.Parallel()
	deb := at(t, readYAML(t, "../.goreleaser.yaml"), "nfpms", 0)
	installed := map[string]string{at(t, deb, "bindir").(string) + "/latchkey": "the binary"}
	for _, c := range at(t, deb, "contents").([]any) {
		source, _ := c.(object)["src"].(string)
		if source != "" {
			readFile(t, filepath.Join("..", source))
		}
		installed[at(t, c, "dst").(string)] = source
	}
	for _, script := range []string{"postinstall", "preremove", "postremove"} {
		if text := readFile(t, filepath.Join("..", at(t, deb, "scripts", script).(string))); !strings.HasPrefix(text, "#!/bin/sh\n") {
			t.Errorf("%s is no script", script)
		}
	}
	unit := parseUnit(readFile(t, "systemd/latchkey.service"))
	program, _, _ := strings.Cut(unit["ExecStart"][0], " ")
	if installed[program] == "" {
		t.Errorf("the unit starts %s", program)
	}
	if file := strings.TrimPrefix(unit["EnvironmentFile"][0], "-"); installed[file] != "deploy/systemd/latchkey.env" {
		t.Errorf("the unit reads %s, which is %q", file, installed[file])
	}
	script := readFile(t, "deb/postinstall")
	for _, pair := range unit["Environment"] {
		name, value, _ := strings.Cut(pair, "=")
		checkVariable(t, "latchkey.service", name, value)
		if folder, ok := strings.CutSuffix(value, "/latchkey_secret"); ok {
			if _, there := installed[folder]; !there || !strings.Contains(script, "secrets="+folder+"\n") {
				t.Errorf("%s is not installed", folder)
			}
		}
	}
	if grace := duration(t, unit["TimeoutStopSec"][0]); grace <= stopping(t) {
		t.Errorf("it is killed %s after SIGTERM, but takes %s to stop", grace, stopping(t))
	}
	for name, want := range map[string]string{
		"User": "latchkey", "StateDirectory": "latchkey", "NoNewPrivileges": "yes", "CapabilityBoundingSet": "", "ProtectSystem": "strict",
		"PrivateDevices": "yes", "MemoryDenyWriteExecute": "yes", "RestrictNamespaces": "yes", "SystemCallArchitectures": "native",
	} {
		if got := unit[name]; len(got) == 0 || got[0] != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	example := regexp.MustCompile(`(?m)^#(LATCHKEY_\w+)=(.*)$`).FindAllStringSubmatch(readFile(t, "systemd/latchkey.env"), -1)
	if len(example) < 5 {
		t.Errorf("%d variables in latchkey.env", len(example))
	}
	for _, m := range example {
		checkVariable(t, "latchkey.env", m[1], m[2])
	}
}

// parseUnit returns the values of each setting of a systemd unit.
func parseUnit(text string) map[string][]string {
	out := map[string][]string{}
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if ok && !strings.HasPrefix(name, "#") {
			out[name] = append(out[name], value)
		}
	}
	return out
}

// Workflows use actions by commit, may do only what they say, and run goals that there
// are.
func TestWorkflows(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../.github/workflows/*.yml")
	if err != nil || len(files) < 3 {
		t.Fatal(files, err)
	}
	pinned := regexp.MustCompile(`^[\w.-]+/[\w./-]+@[0-9a-f]{40}$`)
	versions := map[string]string{}
	makefile := readFile(t, "../Makefile")
	for _, file := range files {
		workflow := readYAML(t, file)
		if at(t, workflow, "permissions", "contents") != "read" {
			t.Errorf("%s: permissions are %v", file, workflow["permissions"])
		}
		for name, job := range at(t, workflow, "jobs").(object) {
			if at(t, job, "timeout-minutes") == nil {
				t.Errorf("%s: %s has no timeout", file, name)
			}
			for _, step := range at(t, job, "steps").([]any) {
				action, _ := step.(object)["uses"].(string)
				if action != "" {
					if !pinned.MatchString(action) {
						t.Errorf("%s: %s uses %s", file, name, action)
					}
					of, commit, _ := strings.Cut(action, "@")
					if other := versions[of]; other != "" && other != commit {
						t.Errorf("%s: %s has two versions", file, of)
					}
					versions[of] = commit
				}
				run, _ := step.(object)["run"].(string)
				for _, goal := range regexp.MustCompile(`(?m)^make ([\w-]+)$`).FindAllStringSubmatch(run, -1) {
					if !strings.Contains(makefile, "\n"+goal[1]+":") {
						t.Errorf("%s: there is no goal %s", file, goal[1])
					}
				}
				if strings.Contains(run, "${{") {
					t.Errorf("%s: %s puts an expression into a script: %s", file, name, run)
				}
			}
		}
	}
}

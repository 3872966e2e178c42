//go:build unix

package main

import (
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/latchkey/latchkey/internal/testkit"
	"github.com/latchkey/latchkey/internal/testkit/apptest"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
	"github.com/latchkey/latchkey/internal/testkit/testpg"
	"github.com/latchkey/latchkey/storage"
)

// previousRelease is the release that today's schema must carry: its tag or, before
// the first one, a commit before the authorization server.
const previousRelease = "17a6ecd71c31ceb891427ef7730f71c610b45c3f"

// previousBinary builds the previous release from the history of this repository, once:
// it is kept in bin. Without that commit, as in a shallow clone or a release's archive,
// the test is skipped, and fails in CI.
func previousBinary(t *testing.T) string {
	t.Helper()
	git := func(args ...string) ([]byte, error) {
		return exec.CommandContext(t.Context(), "git", append([]string{"-C", "../.."}, args...)...).Output()
	}
	if _, err := git("cat-file", "-e", previousRelease+"^{commit}"); err != nil {
		testkit.Missing(t, "the previous release, commit "+previousRelease+", is not in the history: clone all of it, or name another")
	}
	kept, err := filepath.Abs("../../bin/latchkey-" + previousRelease[:12])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(kept); err == nil {
		return kept
	}
	archive, err := git("archive", previousRelease)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(kept), 0o755); err != nil {
		t.Fatal(err)
	}
	source, out := t.TempDir(), kept+".new"
	unpack := exec.CommandContext(t.Context(), "tar", "-x", "-C", source)
	unpack.Stdin = bytes.NewReader(archive)
	build := exec.CommandContext(t.Context(), filepath.Join(source, "deploy", "build"), out)
	build.Env = append(os.Environ(), "VERSION=previous")
	for _, cmd := range []*exec.Cmd{unpack, build} {
		if said, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", cmd.Args, err, said)
		}
	}
	if err := os.Rename(out, kept); err != nil {
		t.Fatal(err)
	}
	return kept
}

// The previous release goes on while today's migrates its database, and beside
// replicas of today's: people sign in, enter teams and leave at both, what one has
// revoked the other refuses in time, and every list is still there.
func TestUpgradeFromThePreviousRelease(t *testing.T) {
	t.Parallel()
	previous := previousBinary(t)
	for _, engine := range storagetest.Engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			databaseURL, n := "sqlite://"+filepath.Join(t.TempDir(), "latchkey.db"), 1
			if engine == storagetest.Postgres {
				databaseURL, n = testpg.URLOf(testpg.NewServer(t)), 2
			}
			replicas := newReplicasOf(t, previous, databaseURL, n)
			l := newTraffic(t, replicas)
			l.goOn("the previous release alone")
			l.lists("before")
			applied, code := l.binary(databaseURL, "migrate", "up")
			if code != 0 || !strings.Contains(applied, "clients") {
				t.Fatalf("migrate up: %d %s", code, applied)
			}
			l.goOn("on the new schema")
			l.lists("on the new schema")
			for i, r := range replicas {
				l.restart(r, previous) // it starts on the newer schema, too
				l.goOn("started on the new schema")
				l.restart(r, "")
				l.goOn("one replica more has the new release")
				l.lists("replica " + string(rune('1'+i)) + " has the new release")
			}
			if engine == storagetest.Postgres {
				l.reckon(databaseURL)
				return
			}
			l.stop()
			db, err := storage.Open(t.Context(), databaseURL)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = db.Close() }()
			if violations, err := db.Violations(t.Context()); err != nil || len(violations) > 0 {
				t.Errorf("invariants: %v, %v", violations, err)
			}
		})
	}
}

// restart ends a replica and starts it by a program; "" is this one.
func (l *traffic) restart(r *replica, program string) {
	l.t.Helper()
	r.dead.Store(true)
	r.signal(syscall.SIGKILL)
	r.program = program
	r.start()
	r.awaitReady()
	r.dead.Store(false)
}

// lists reads what there is of someone who has something of everything, at every
// replica.
func (l *traffic) lists(when string) {
	l.t.Helper()
	keeper := l.keepers[0]
	for i := range l.replicas {
		address := apptest.NewWallet(l.t).Address.Hex()
		l.do(i, http.MethodPost, keeper.team+"/invitations", keeper.token, map[string]any{"wallet": address, "role": "member"}, http.StatusCreated)
		l.do(i, http.MethodPost, keeper.team+"/api-keys", keeper.token, map[string]any{"name": "CI", "role": "member"}, http.StatusCreated)
		l.do(i, http.MethodPatch, "/v1/me", keeper.token, map[string]any{"display_name": when}, http.StatusOK)
		for _, path := range []string{
			"/v1/me", "/v1/me/identities", "/v1/me/emails", "/v1/me/sessions", "/v1/me/history", "/v1/me/invitations", "/v1/me/link-requests",
			"/v1/me/recovery-codes", "/v1/teams", keeper.team, keeper.team + "/policy", keeper.team + "/sessions", keeper.team + "/members",
			keeper.team + "/invitations", keeper.team + "/api-keys", keeper.team + "/audit", keeper.team + "/audit/export",
		} {
			l.do(i, http.MethodGet, path, keeper.token, nil, http.StatusOK)
		}
	}
}

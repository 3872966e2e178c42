//go:build unix

package main

import (
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/latchkey/latchkey/internal/testkit/testpg"
	"github.com/latchkey/latchkey/storage"
)

// PostgreSQL stops, crashes and comes back, and a replica is killed, while three
// replicas are in use: what was revoked is never answered, nothing that was
// acknowledged is lost, and all of it serves again.
func TestOutages(t *testing.T) {
	t.Parallel()
	server := testpg.NewServer(t)
	databaseURL := testpg.URLOf(server)
	replicas := newReplicas(t, databaseURL)
	l := newTraffic(t, replicas)
	l.goOn("before")
	l.outage("stopped", func() { server.Stop("INT") }, server.Start)
	l.outage("crashed", func() { server.Stop("QUIT") }, server.Start)

	victim := replicas[1]
	victim.dead.Store(true)
	victim.signal(syscall.SIGKILL)
	l.others("a replica is dead")
	victim.start()
	victim.awaitReady()
	victim.dead.Store(false)
	l.goOn("a replica killed")
	l.reckon(databaseURL)
}

// PostgreSQL fails over to its standby under the same conditions.
func TestFailover(t *testing.T) {
	t.Parallel()
	primary, standby := testpg.NewPair(t)
	databaseURL := testpg.URLOf(primary, standby)
	l := newTraffic(t, newReplicas(t, databaseURL))
	l.goOn("before")
	l.outage("failed over", func() { primary.Stop("QUIT") }, standby.Promote)
	l.reckon(databaseURL)
}

var idPattern = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}`)

// reckon stops the traffic and compares what is kept with what was
// acknowledged.
func (l *traffic) reckon(databaseURL string) {
	t := l.t
	t.Helper()
	l.stop()
	t.Log(l)

	// The trail tells of all that was acknowledged, and is whole.
	conn, err := pgx.Connect(t.Context(), databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	rows, err := conn.Query(t.Context(), "SELECT action, coalesce(session_id::text, '') || data::text FROM audit_events")
	if err != nil {
		t.Fatal(err)
	}
	recorded := map[string]bool{}
	var action, about string
	if _, err := pgx.ForEachRow(rows, []any{&action, &about}, func() error {
		for _, id := range idPattern.FindAllString(about, -1) {
			recorded[action+" "+id] = true
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	unknown := 0
	for _, v := range append(l.visits, l.keepers...) {
		want := []string{"session.created " + v.id}
		if v.entered != "" {
			want = append(want, "team_session.created "+v.entered)
		}
		if !v.ended.IsZero() && v.kind == ofTeam {
			want = append(want, "team_session.revoked "+v.entered)
		} else if !v.ended.IsZero() {
			want = append(want, "session.ended "+v.id)
		}
		for _, w := range want {
			if !recorded[w] {
				t.Errorf("lost: the trail does not tell of %s", w)
			}
		}
		// All replicas say the same, and what they must (see check).
		if v.ending && v.ended.IsZero() {
			unknown++
		}
		status := l.check(0, v)
		for i := range l.replicas[1:] {
			if other := l.check(i+1, v); other != status {
				t.Errorf("one replica answers %d, another %d about session %s", status, other, v.id)
			}
		}
		if status != http.StatusOK && status != http.StatusUnauthorized {
			t.Errorf("session %s: %d", v.id, status)
		}
	}
	t.Logf("%d sessions; the end of %d was not acknowledged", len(l.visits)+len(l.keepers), unknown)
	until(t, "all events are chained", func() bool {
		said, code := l.binary(databaseURL, "audit", "verify")
		if code != 0 {
			t.Fatalf("audit verify: %s", said)
		}
		return !strings.Contains(said, "not chained yet")
	})
	db, err := storage.Open(t.Context(), databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if violations, err := db.Violations(t.Context()); err != nil || len(violations) > 0 {
		t.Errorf("invariants: %v, %v", violations, err)
	}
}

// binary runs a command of the binary.
func (l *traffic) binary(databaseURL string, args ...string) (string, int) {
	cmd := exec.CommandContext(l.t.Context(), os.Args[0], args...)
	cmd.Env, cmd.Dir = environ(databaseURL), l.t.TempDir()
	said, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		l.t.Fatal(err)
	}
	return string(said), cmd.ProcessState.ExitCode()
}

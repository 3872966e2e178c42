package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/audit"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

func TestAuditVerify(t *testing.T) {
	for _, engine := range storagetest.Engines() {
		t.Run(engine, func(t *testing.T) { testAuditVerify(t, storagetest.Open(t, engine)) })
	}
}

func testAuditVerify(t *testing.T, d *storagetest.Database) {
	team := d.Team(t, d.User(t).ID).ID
	d.RecordChained(t, team, d.Event(&team)) // by a release without seals
	d.RecordChained(t, audit.Deployment, d.Event(nil))
	for range 2 {
		d.Record(t, d.Event(&team), d.Event(nil))
	}
	verify := func(code int, want string, args ...string) string {
		t.Helper()
		got, stdout, stderr := latchkey(t, map[string]string{"LATCHKEY_DATABASE_URL": d.URL}, append([]string{"audit", "verify"}, args...)...)
		if got != code || !strings.Contains(stdout+stderr, want) {
			t.Fatalf("verify %v exits %d with\n%s%s", args, got, stdout, stderr)
		}
		return stdout
	}
	verify(0, "4 events are not chained yet")
	trail := audit.NewService(d.DB)
	d.Seal(t)
	if out := verify(0, "6 events in 2 chains: whole"); strings.Contains(out, "not chained") || !strings.Contains(out, "head    the deployment: event 3, ") {
		t.Error(out)
	}
	out := verify(0, "3 events in 1 chains: whole", "--team", team.String())
	verify(0, "3 events in 1 chains: whole", "--team", "deployment")
	anchor := out[strings.Index(out, "event 3, ")+len("event 3, "):][:64]
	verify(0, "whole", "--expect", strings.ToUpper(anchor))
	verify(1, "BROKEN  "+anchor+" was in the trail before", "--team", "deployment", "--expect", anchor)
	verify(1, "nothing is chained here", "--team", identity.NewID().String())
	verify(1, "--team", "--team", "x")
	verify(1, "64 hexadecimal digits", "--expect", anchor[:63])
	verify(2, "team file", "--team", team.String(), "--file", "x")

	var export bytes.Buffer
	err := trail.Export(t.Context(), audit.Filter{}, func(rows []audit.Record) error {
		for _, r := range rows {
			if err := json.NewEncoder(&export).Encode(r); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(strings.TrimSpace(export.String()), "\n")
	file := func(lines ...string) string {
		name := filepath.Join(t.TempDir(), "audit.ndjson")
		if err := os.WriteFile(name, []byte(strings.Join(lines, "")), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	verify(0, "6 events in 2 chains: whole", "--file", file(lines...), "--expect", anchor)
	verify(1, "event 3: event 2 before it is missing", "--file", file(lines[0], lines[2]))
	verify(1, "event 3: event 2 before it is missing", "--file", file(lines[0], lines[2], lines[1]))
	verify(1, "was in the trail before", "--file", file(lines[:5]...), "--expect", anchor)
	verify(1, "goes on here, behind another", "--file", file(lines[0], lines[3], lines[4], lines[1]))
	verify(1, "event 2: it was changed", "--file", file(lines[0], strings.Replace(lines[1], "agent", "other", 1)))
	verify(1, "line 2: this is not an event", "--file", file(lines[0], "x"))
	verify(1, "no such file", "--file", filepath.Join(t.TempDir(), "absent"))

	// From a checkpoint only what came since is walked, and the event it names.
	checkpoint := file(verify(0, "6 events in 2 chains: whole"))
	d.RecordChained(t, team, d.Event(&team))
	d.Record(t, d.Event(&team))
	d.Seal(t)
	verify(0, "4 events in 2 chains: whole", "--from", checkpoint)
	verify(0, "3 events in 1 chains: whole", "--from", checkpoint, "--team", team.String())
	verify(1, "is not the output of a run", "--from", file(lines...))
	verify(1, "no such file", "--from", filepath.Join(t.TempDir(), "absent"))
	verify(2, "archive file", "--archive", "x", "--file", "x")
	verify(1, "event 3: it is not the event that was verified before", "--from", file(strings.Replace(string(read(t, checkpoint)), anchor[:8], "00000000", 1)))
	verify(1, "event 9: it is not the event that was verified before", "--from", file(strings.Replace(string(read(t, checkpoint)), "event 3", "event 9", 2)))
	d.Unguarded(t, fmt.Sprintf("DELETE FROM audit_events WHERE id = (SELECT event_id FROM audit_seals WHERE chain = '%s' AND seq = 5)", team))
	verify(1, "it ends at event 4, but event 5 was the last: the end is missing", "--from", checkpoint)
	d.Unguarded(t, fmt.Sprintf("DELETE FROM audit_events WHERE id = (SELECT event_id FROM audit_seals WHERE chain = '%s' AND seq = 2)", team))
	verify(1, "BROKEN  team "+team.String()+": it ends at event 4")
	verify(1, "6 events in 2 chains: broken in 2 places")
}

func TestSealing(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			seal(ctx, audit.NewService(d.DB), time.Millisecond, slog.New(slog.DiscardHandler))
			close(done)
		}()
		for range 3 {
			d.Record(t, d.Event(nil))
			for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
				if b, err := d.Backlog(t.Context()); err == nil && b.Events == 0 {
					break
				} else if time.Now().After(end) {
					t.Fatalf("%+v are not chained: %v", b, err)
				}
			}
		}
		stop()
		<-done
	})
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

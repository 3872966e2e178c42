package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/internal/backup"
	"github.com/latchkey/latchkey/internal/testkit"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

// The database is copied and restored by other programs, for PostgreSQL by the commands of
// docs/backup.md, and `restore --data-restored` does the rest.
func TestRestoredByOtherPrograms(t *testing.T) {
	for _, engine := range storagetest.Engines() {
		t.Run(engine, func(t *testing.T) {
			testRestoredByOtherPrograms(t, engine)
		})
	}
}

func testRestoredByOtherPrograms(t *testing.T, engine string) {
	d := storagetest.Open(t, engine)
	secret := strings.Repeat("s3cret-", 8)
	d.SealAuditWith(identity.Secrets{secret})
	environ := map[string]string{"LATCHKEY_DATABASE_URL": d.URL, "LATCHKEY_SECRET": secret, "LATCHKEY_DELETION_GRACE_DAYS": "0"}
	run := func(want int, says string, args ...string) string {
		t.Helper()
		code, stdout, stderr := latchkey(t, environ, args...)
		if code != want || !strings.Contains(stdout+stderr, says) {
			t.Fatalf("%v exits %d with\n%s%s\nwant %d and %q", args, code, stdout, stderr, want, says)
		}
		return stdout
	}
	ada := d.User(t, func(u *identity.User) { u.DisplayName = "Ada" })
	d.Email(t, ada.ID, "ada@example.com")
	d.Record(t, d.Event(nil, func(e *identity.Event) { e.At, e.UserID = time.Now().UTC(), &ada.ID }))
	bob := d.User(t)
	d.Session(t, bob.ID)

	dir := t.TempDir()
	to, dump := storagetest.URL(t, engine), filepath.Join(dir, "latchkey.dump")
	if engine == storagetest.Postgres {
		runDocumented(t, "pg_dump", d.URL, nil, dump)
	} else if err := backup.Take(t.Context(), d.URL, dump); err != nil { // such as a snapshot has
		t.Fatal(err)
	}
	if before, err := d.ActiveSessions(t.Context(), bob.ID, d.Clock.Now(), identity.Page{Limit: 10}); err != nil || len(before) != 1 {
		t.Fatalf("%v, %v", before, err)
	}
	run(0, "deleted", "user", "delete", ada.ID.String(), "--yes")
	list := filepath.Join(dir, "erased.ndjson")
	if err := os.WriteFile(list, []byte(run(0, ada.ID.String(), "user", "erased")), 0o600); err != nil {
		t.Fatal(err)
	}

	run(exitFailed, "stop the service first", "restore", "--data-restored", "--yes")
	environ["LATCHKEY_DATABASE_URL"] = to
	run(exitFailed, "", "restore", "--data-restored", "--yes") // there is nothing yet, and nothing is created
	run(exitUsage, "", "restore", dump, "--data-restored", "--yes")
	run(exitUsage, "", "restore", "--data-restored", "--replace", "--yes")
	run(exitUsage, "", "restore", "--yes")
	if engine == storagetest.Postgres {
		in, err := os.Open(dump)
		if err != nil {
			t.Fatal(err)
		}
		runDocumented(t, "pg_restore", to, in, "")
		if err := in.Close(); err != nil {
			t.Fatal(err)
		}
	} else if err := os.Rename(dump, strings.TrimPrefix(to, "sqlite://")); err != nil {
		t.Fatal(err)
	}
	out := run(0, "whole", "restore", "--data-restored", "--erased", list, "--yes")
	for _, want := range []string{"0 migrations applied", "all sessions ended", "1 users erased again, of 1 on the list"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q: %s", want, out)
		}
	}
	restored := storagetest.Connect(t, to)
	if u, err := restored.User(t.Context(), ada.ID); err != nil || u.DisplayName != "" {
		t.Errorf("who was erased is back: %q, %v", u.DisplayName, err)
	}
	if left, err := restored.ActiveSessions(t.Context(), bob.ID, d.Clock.Now(), identity.Page{Limit: 10}); err != nil || len(left) != 0 {
		t.Errorf("a session from the backup still works: %v, %v", left, err)
	}
	run(exitFailed, "stop the service first", "restore", "--data-restored", "--yes") // restored is connected
}

// runDocumented runs the command of docs/backup.md that runs a program in PostgreSQL's
// container, for another server and database. Its output goes to a file.
func runDocumented(t *testing.T, program, databaseURL string, in *os.File, file string) {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "backup.md"))
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`docker compose exec --no-TTY postgres ` + program + ` ([^<>|&\n]+)`).FindSubmatch(page)
	if found == nil {
		t.Fatalf("docs/backup.md does not run %s", program)
	}
	path, err := backup.Program(program)
	if err != nil {
		testkit.Missing(t, err.Error())
	}
	args := []string{"--dbname=" + databaseURL}
	for _, arg := range strings.Fields(string(found[1])) {
		if arg != "--username=latchkey" && arg != "--dbname=latchkey" {
			args = append(args, arg)
		}
	}
	var said, out bytes.Buffer
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Stdout, cmd.Stderr = &out, &said
	if in != nil {
		cmd.Stdin = in
	}
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %v: %v: %s", program, args, err, said.String())
	}
	if file != "" {
		if err := os.WriteFile(file, out.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

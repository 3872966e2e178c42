package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/internal/erased"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
	"github.com/latchkey/latchkey/linking"
)

// A backup is taken, people are erased, and it is restored: into an empty database and
// over what is there, with those who were erased meanwhile gone again. Files of the
// archive and the database are one trail throughout.
func TestBackupAndRestore(t *testing.T) {
	for _, engine := range storagetest.Engines() {
		t.Run(engine, func(t *testing.T) {
			testBackupAndRestore(t, engine)
		})
	}
}

func testBackupAndRestore(t *testing.T, engine string) {
	dir := t.TempDir()
	archive := filepath.Join(dir, "archive")
	if err := os.Mkdir(archive, 0o700); err != nil {
		t.Fatal(err)
	}
	d := storagetest.Open(t, engine)
	d.SealAuditWith(identity.Secrets{strings.Repeat("s3cret-", 8)})
	environ := map[string]string{
		"LATCHKEY_DATABASE_URL": d.URL, "LATCHKEY_SECRET": strings.Repeat("s3cret-", 8), "LATCHKEY_DELETION_GRACE_DAYS": "0", "LATCHKEY_AUDIT_ARCHIVE_DIR": archive,
	}
	run := func(want int, says string, args ...string) string {
		t.Helper()
		code, stdout, stderr := latchkey(t, environ, args...)
		if code != want || !strings.Contains(stdout+stderr, says) {
			t.Fatalf("%v exits %d with\n%s%s\nwant %d and %q", args, code, stdout, stderr, want, says)
		}
		return stdout
	}
	people := map[string]identity.ID{}
	for _, name := range []string{"ada", "bob"} {
		u := d.User(t, func(u *identity.User) { u.DisplayName = name })
		d.Identity(t, u.ID, "google", name)
		d.Email(t, u.ID, name+"@example.com")
		people[name] = u.ID
		d.Record(t, d.Event(nil, func(e *identity.Event) {
			e.At, e.UserID, e.Data = time.Now().UTC(), &u.ID, identity.Metadata{"email": name + "@example.com"}
		}))
	}
	run(exitFailed, "LATCHKEY_AUDIT_RETENTION", "audit", "archive")
	run(0, "2 events", "audit", "archive", "--before", time.Now().Add(time.Minute).UTC().Format(time.RFC3339))
	d.Record(t, d.Event(nil))
	run(0, "behind  the deployment: event 2, ", "audit", "verify", "--archive", archive)
	run(0, "2 events in 1 chains: whole", "audit", "verify", "--file", archive)
	files, err := filepath.Glob(filepath.Join(archive, "audit-*.ndjson"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	if read := run(0, "ada@example.com", "audit", "read", files[0]); !strings.Contains(read, "bob@example.com") {
		t.Error(read)
	}

	file := filepath.Join(dir, "latchkey.backup")
	run(0, "latchkey.backup: ", "backup", file)
	run(exitFailed, "is there already", "backup", file)
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}

	run(0, "deleted", "user", "delete", people["ada"].String(), "--yes")
	list := filepath.Join(dir, "list")
	if err := os.WriteFile(list, []byte(run(0, people["ada"].String(), "user", "erased")), 0o600); err != nil {
		t.Fatal(err)
	}
	kept := erased.NewFile(d.DB, archive)
	for _, want := range []int{1, 0} {
		if n, err := kept.Update(t.Context()); n != want || err != nil {
			t.Fatalf("%d added, %v", n, err)
		}
	}
	if read := run(0, "bob@example.com", "audit", "read", files[0]); strings.Contains(read, "ada@") {
		t.Errorf("what was erased is in the archive: %s", read)
	}
	run(exitFailed, "there is a database already", "restore", file, "--yes")
	bad := filepath.Join(dir, "bad")
	if err := os.WriteFile(bad, []byte("not a backup of anything"), 0o600); err != nil {
		t.Fatal(err)
	}
	run(exitFailed, "not a usable backup", "restore", bad, "--replace", "--yes")
	run(exitFailed, "stop the service first", "restore", file, "--replace", "--yes")

	environ["LATCHKEY_DATABASE_URL"] = storagetest.URL(t, engine) // an empty one
	out := run(0, "whole", "restore", file, "--archive", archive, "--yes")
	for _, want := range []string{"1 users erased again, of 1 on the list", "all sessions ended", "behind  the deployment: event 2"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q: %s", want, out)
		}
	}
	restored := storagetest.Connect(t, environ["LATCHKEY_DATABASE_URL"])
	for name, want := range map[string]string{"ada": "", "bob": "bob"} {
		u, err := restored.User(t.Context(), people[name])
		if err != nil || u.DisplayName != want {
			t.Errorf("%s is %q, %v", name, u.DisplayName, err)
		}
	}
	if read := run(0, "bob@example.com", "audit", "read", files[0]); strings.Contains(read, "ada@") {
		t.Errorf("what was erased is back: %s", read)
	}
	run(0, "0 users erased again, of 1", "user", "erase-again", list, "--yes")
	var entry linking.Erased
	if err := json.Unmarshal([]byte(run(0, "", "user", "erased")), &entry); err != nil || entry.UserID != people["ada"] {
		t.Errorf("%+v, %v", entry, err)
	}
	if err := restored.Close(); err != nil {
		t.Fatal(err)
	}
	if out := run(0, "whole", "restore", file, "--replace", "--erased", "-", "--keep-sessions", "--yes"); strings.Contains(out, "sessions ended") {
		t.Error(out)
	}
	again := storagetest.Connect(t, environ["LATCHKEY_DATABASE_URL"])
	if u, err := again.User(t.Context(), people["ada"]); err != nil || u.DisplayName != "ada" {
		t.Errorf("%+v, %v", u, err)
	}
}

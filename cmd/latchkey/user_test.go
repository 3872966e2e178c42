package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/audit"
	"github.com/latchkey/latchkey/storage"
)

// The command line deletes a user, restores them while the grace lasts, and erases at
// once without one. The trail names no actor.
func TestUserCommands(t *testing.T) {
	dir := t.TempDir()
	source, databaseURL := filepath.Join(dir, "users.csv"), "sqlite://"+filepath.Join(dir, "x.db")
	lines := "id,email,email_verified,name,created_at,provider,subject\n" +
		"1,ada@example.com,true,Ada,2020-01-01,google,1\n2,grace@example.com,true,Grace,2021-01-01,google,2\n"
	if err := os.WriteFile(source, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	environ := map[string]string{
		"LATCHKEY_DATABASE_URL": databaseURL, "LATCHKEY_PUBLIC_URL": "https://id.example.com", "LATCHKEY_SECRET": strings.Repeat("s3cret-", 8),
		"LATCHKEY_GOOGLE_CLIENT_ID": "id", "LATCHKEY_GOOGLE_CLIENT_SECRET": "secret",
	}
	run := func(want int, says string, args ...string) {
		t.Helper()
		code, stdout, stderr := latchkey(t, environ, args...)
		if code != want || !strings.Contains(stdout+stderr, says) {
			t.Fatalf("%v exits %d with\n%s%s", args, code, stdout, stderr)
		}
	}
	users := func(status identity.Status) (names []string) {
		inDatabase(t, databaseURL, func(ctx context.Context, db *storage.DB) error {
			all, err := db.Users(ctx, identity.UserFilter{}, identity.Page{Limit: 9})
			for _, u := range all {
				if u.Status == status {
					names = append(names, u.DisplayName)
				}
			}
			return err
		})
		return names
	}
	run(0, "", "migrate", "up")
	run(0, "", "import", "--from", "csv", "--source", source)
	run(exitUsage, "yes", "user", "delete", "ada@example.com")
	run(exitFailed, "signed in", "user", "delete", "eve@example.com", "--yes")
	run(exitFailed, "team", "user", "delete", "ada@example.com", "--delete-team", "x", "--yes")
	run(exitFailed, "not one that this user owns", "user", "delete", "ada@example.com", "--delete-team", "01a1fe31-9906-7bc0-9b24-2b1d5cf5ff2b", "--yes")
	run(exitFailed, "not being deleted", "user", "restore", "ada@example.com", "--yes")
	if got := users(identity.StatusActive); len(got) != 2 {
		t.Fatalf("active are %v", got)
	}
	run(0, "latchkey user restore", "user", "delete", "ada@example.com", "--reason", "she asked", "--yes")
	if got := users(identity.StatusDisabled); len(got) != 1 || got[0] != "Ada" {
		t.Errorf("disabled are %v", got)
	}
	run(0, "restored", "user", "restore", "ada@example.com", "--yes")
	if got := users(identity.StatusActive); len(got) != 2 {
		t.Errorf("active are %v", got)
	}
	run(0, "user.deletion_cancelled", "explain", "--email", "ada@example.com")
	environ["LATCHKEY_DELETION_GRACE_DAYS"] = "0"
	run(0, "no grace", "user", "delete", "ada@example.com", "--yes")
	run(exitFailed, "signed in", "user", "restore", "ada@example.com", "--yes")
	inDatabase(t, databaseURL, func(ctx context.Context, db *storage.DB) error {
		events, err := db.Events(ctx, audit.Filter{Action: identity.ActionUserDeletionRequested}, identity.Page{Limit: 9})
		if err == nil && (len(events) != 2 || events[0].ActorID != nil || events[0].SessionID != nil) {
			t.Errorf("%+v", events)
		}
		return err
	})
}

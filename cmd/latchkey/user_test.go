package main

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/audit"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
	"github.com/latchkey/latchkey/storage"
)

// The command line deletes a user, restores them while the grace lasts, and erases at
// once without one. The trail names no actor.
func TestUserCommands(t *testing.T) {
	environ := adaAndGrace(t)
	environ["LATCHKEY_SECRET"] = strings.Repeat("s3cret-", 8)
	databaseURL := environ["LATCHKEY_DATABASE_URL"]
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
	run(0, `"display_name":"Ada"`, "user", "export", "ada@example.com")
	run(exitFailed, "signed in", "user", "export", "eve@example.com")

	d := storagetest.OpenURL(t, storagetest.SQLite, databaseURL)
	people := map[string]identity.ID{}
	all, err := d.Users(t.Context(), identity.UserFilter{}, identity.Page{Limit: 9})
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range all {
		people[u.DisplayName] = u.ID
	}
	kept, dropped := d.Team(t, people["Ada"]).ID, d.Team(t, people["Ada"]).ID
	d.Member(t, kept, people["Grace"], team.RoleMember)
	run(exitFailed, "no other active owner", "user", "delete", "ada@example.com", "--delete-team", dropped.String(), "--yes")
	run(exitFailed, "named twice", "user", "delete", "ada@example.com", "--delete-team", dropped.String(), "--delete-team", dropped.String(), "--yes")
	run(0, "restore", "user", "delete", "ada@example.com", "--transfer", kept.String()+"=grace@example.com", "--delete-team", dropped.String(), "--yes")
	if m, err := d.Membership(t.Context(), kept, people["Grace"]); err != nil || m.Role != team.RoleOwner {
		t.Errorf("the team went to %+v, %v", m, err)
	}
	if err := d.InTx(t.Context(), func(ctx context.Context) error { _, err := d.LockTeam(ctx, dropped); return err }); !errors.Is(err, identity.ErrNotFound) {
		t.Errorf("the other team is still there: %v", err)
	}
	run(0, "restored", "user", "restore", "ada@example.com", "--yes")
	environ["LATCHKEY_DELETION_GRACE_DAYS"] = "0"
	run(0, "no grace", "user", "delete", "ada@example.com", "--yes")
	run(exitFailed, "signed in", "user", "restore", "ada@example.com", "--yes")
	inDatabase(t, databaseURL, func(ctx context.Context, db *storage.DB) error {
		events, err := db.Events(ctx, audit.Filter{Action: identity.ActionUserDeletionRequested}, identity.Page{Limit: 9})
		if err == nil && (len(events) != 3 || events[0].ActorID != nil || events[0].SessionID != nil) {
			t.Errorf("%+v", events)
		}
		return err
	})
}

package main

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/storage"
)

// adaAndGrace imports two users into a new database, and returns the environment that
// leads to it.
func adaAndGrace(t *testing.T) map[string]string {
	t.Helper()
	dir := t.TempDir()
	source := filepath.Join(dir, "users.csv")
	lines := "id,email,email_verified,name,created_at,provider,subject\n" +
		"1,ada@example.com,true,Ada,2020-01-01,google,1\n2,grace@example.com,true,Grace,2021-01-01,github,2\n"
	if err := os.WriteFile(source, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	environ := map[string]string{
		"LATCHKEY_DATABASE_URL": "sqlite://" + filepath.Join(dir, "x.db"), "LATCHKEY_PUBLIC_URL": "https://id.example.com",
		"LATCHKEY_GOOGLE_CLIENT_ID": "id", "LATCHKEY_GOOGLE_CLIENT_SECRET": "secret",
	}
	for _, args := range [][]string{{"migrate", "up"}, {"import", "--from", "csv", "--source", source}} {
		if code, _, stderr := latchkey(t, environ, args...); code != 0 {
			t.Fatalf("%v exits %d: %s", args, code, stderr)
		}
	}
	return environ
}

// The command line merges an operator's account after showing it, and undoes it.
func TestMergeCommand(t *testing.T) {
	environ := adaAndGrace(t)
	databaseURL := environ["LATCHKEY_DATABASE_URL"]
	if code, _, stderr := latchkey(t, environ, "admin", "grant", "--email", "grace@example.com"); code != 0 {
		t.Fatalf("grant exits %d: %s", code, stderr)
	}
	operators := func() (names []string) {
		inDatabase(t, databaseURL, func(ctx context.Context, db *storage.DB) error {
			users, err := db.Users(ctx, identity.UserFilter{}, identity.Page{Limit: 9})
			for _, u := range users {
				if u.Operator {
					names = append(names, u.DisplayName)
				}
			}
			return err
		})
		return names
	}
	run := func(want int, args ...string) (stdout, stderr string) {
		t.Helper()
		code, stdout, stderr := latchkey(t, nil, args...)
		if code != want {
			t.Fatalf("%v exits %d with\n%s%s", args, code, stdout, stderr)
		}
		return stdout, stderr
	}
	for says, args := range map[string][]string{
		"is required":     {"merge", "ada@example.com", "grace@example.com"},
		"accepts 2 arg":   {"merge", "ada@example.com", "--dry-run"},
		"signed in":       {"merge", "ada@example.com", "nobody@example.com", "--dry-run"},
		"two different":   {"merge", "ada@example.com", "ada@example.com", "--dry-run"},
		"no such merge":   {"merge", "undo", "01a1fe31-9906-7bc0-9b24-2b1d5cf5ff2b", "--yes"},
		"required flag":   {"merge", "undo", "01a1fe31-9906-7bc0-9b24-2b1d5cf5ff2b"},
		"id of the merge": {"merge", "undo", "x", "--yes"},
	} {
		if code, _, stderr := latchkey(t, nil, args...); code == 0 || !strings.Contains(stderr, says) {
			t.Errorf("%v exits %d and says %s, want %q", args, code, stderr, says)
		}
	}

	shown, _ := run(0, "merge", "ada@example.com", "grace@example.com", "--dry-run")
	for _, says := range []string{`("Grace") into`, `("Ada")`, "moves github 2", "moves the address grace@example.com", "display_name is Grace or Ada", "survivor gains the rights of an operator"} {
		if !strings.Contains(shown, says) {
			t.Errorf("%q is not in\n%s", says, shown)
		}
	}
	if got := operators(); len(got) != 1 || got[0] != "Grace" {
		t.Errorf("after a dry run operators are %v", got)
	}
	done, _ := run(0, "merge", "ada@example.com", "grace@example.com", "--yes")
	if got := operators(); len(got) != 1 || got[0] != "Ada" {
		t.Errorf("after the merge operators are %v", got)
	}
	id := regexp.MustCompile(`merge undo (\S+)` + "`").FindStringSubmatch(done)
	if id == nil {
		t.Fatalf("it does not name the merge: %s", done)
	}
	run(0, "merge", "undo", id[1], "--yes")
	if got := operators(); len(got) != 1 || got[0] != "Grace" {
		t.Errorf("after the undo operators are %v", got)
	}
	run(exitFailed, "merge", "undo", id[1], "--yes")

	run(0, "merge", "ada@example.com", "grace@example.com", "--survivor", "grace@example.com", "--take", "display_name", "--yes")
	if got := operators(); len(got) != 1 || got[0] != "Ada" { // her account, with the other's name
		t.Errorf("with Grace's account as the survivor operators are %v", got)
	}
}

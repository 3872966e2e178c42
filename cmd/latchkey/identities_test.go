package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/storage"
)

func TestRemapCommand(t *testing.T) {
	dir := t.TempDir()
	databaseURL := "sqlite://" + filepath.Join(dir, "x.db")
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	users := write("users.csv", "id,email,email_verified,name,created_at,provider,subject\n"+
		"1,ada@example.com,true,Ada,2020-01-01,google,1\n2,grace@example.com,true,Grace,2021-01-01,google,2\n")
	environ := map[string]string{
		"LATCHKEY_DATABASE_URL": databaseURL, "LATCHKEY_PUBLIC_URL": "https://id.example.com",
		"LATCHKEY_GOOGLE_CLIENT_ID": "id", "LATCHKEY_GOOGLE_CLIENT_SECRET": "secret",
	}
	for _, args := range [][]string{{"migrate", "up"}, {"import", "--from", "csv", "--source", users}} {
		if code, _, stderr := latchkey(t, environ, args...); code != 0 {
			t.Fatalf("%v exits %d: %s", args, code, stderr)
		}
	}
	subjects := func() (out []string) {
		inDatabase(t, databaseURL, func(ctx context.Context, db *storage.DB) error {
			for _, s := range []string{"1", "2", "new-1"} {
				if _, err := db.IdentityOwnerID(ctx, "google", s); err == nil {
					out = append(out, s)
				}
			}
			return nil
		})
		return out
	}
	for _, c := range []struct {
		csv, flag, says string
		code            int
		left            string
	}{
		{"1,new-1\n7,new-7\n", "--dry-run", "1 of 2 would be renamed", 0, "1 2"},
		{"1,new-1\n2\n", "--yes", "wrong number of fields", 1, "1 2"},
		{"1,new-1\n2,new-1\n", "--yes", "line 2", 1, "1 2"},
		{"1,new-1\n", "--yes", "1 of 1 renamed", 0, "2 new-1"},
		{"1,new-1\n", "--yes", "no such identity", 0, "2 new-1"},
		{"2,new-1\n", "--yes", "nothing was changed", 1, "2 new-1"},
	} {
		code, stdout, stderr := latchkey(t, nil, "identities", "remap", "--provider", "google", "--file", write("map.csv", c.csv), c.flag)
		if code != c.code || !strings.Contains(stdout+stderr, c.says) {
			t.Errorf("%q exits %d with\n%s%s", c.csv, code, stdout, stderr)
		}
		if got := strings.Join(subjects(), " "); got != c.left {
			t.Errorf("%q leaves %s, want %s", c.csv, got, c.left)
		}
	}
}

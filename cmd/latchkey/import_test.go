package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestImportAndDedupe(t *testing.T) {
	dir := t.TempDir()
	source := filepath.Join(dir, "users.csv")
	lines := "id,email,email_verified,name,provider,subject\n1,ada@example.com,true,Ada,google,1\n2,ADA@example.com,true,Ada L,github,2\n3,,,x,twitter,3\n"
	if err := os.WriteFile(source, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	environ := map[string]string{"LATCHKEY_DATABASE_URL": "sqlite://" + filepath.Join(dir, "x.db")}
	mapped := filepath.Join(dir, "map.csv")
	// The first one also migrates the database.
	if code, stdout, stderr := latchkey(t, environ, "dedupe", "--dry-run"); code != 0 {
		t.Fatal(stdout, stderr)
	}
	for _, step := range []struct {
		args   []string
		code   int
		stdout string
		stderr string
	}{
		{[]string{"import", "--from", "csv"}, 2, "", "source"},
		{[]string{"import", "--from", "csv", "--source", source, "--batch", "0"}, 1, "", "batch"},
		{[]string{"import", "--from", "csv", "--source", source, "--dry-run"}, 3, "users created   2", "read 3"},
		{[]string{"dedupe", "--dry-run"}, 0, "0 to merge or merged", ""},
		{[]string{"import", "--from", "csv", "--source", source, "--trust", "okta"}, 1, "", "which domains"},
		{[]string{"import", "--from", "csv", "--source", source, "--provider", "x"}, 1, "", "NAME=PROVIDER"},
		{[]string{"import", "--from", "csv", "--source", source, "--map", mapped, "--report", filepath.Join(dir, "report.csv")}, 3, "users created   2", "left out"},
		{[]string{"import", "--from", "csv", "--source", source}, 3, "2 by an earlier import", ""},
		{[]string{"dedupe"}, 2, "", "dry-run"},
		{[]string{"dedupe", "--dry-run", "--yes"}, 2, "", "dry-run"},
		{[]string{"dedupe", "--dry-run"}, 0, "spelling: the same verified address in another spelling", ""},
		{[]string{"dedupe", "--yes"}, 0, "1 to merge or merged, 0 left", ""},
		{[]string{"dedupe", "--yes"}, 0, "0 to merge or merged, 0 left", ""},
		{[]string{"import", "--from", "csv", "--source", source}, 3, "2 by an earlier import", ""},
	} {
		code, stdout, stderr := latchkey(t, nil, step.args...)
		if code != step.code || !strings.Contains(stdout, step.stdout) || !strings.Contains(stderr, step.stderr) {
			t.Errorf("%v exits %d with\n%s%s", step.args, code, stdout, stderr)
		}
	}
	for path, want := range map[string]string{mapped: "old_id,new_id\n1,", filepath.Join(dir, "report.csv"): `left out,"no account that Latchkey can sign in, and no verified address",3,4,,`} {
		if got, err := os.ReadFile(path); err != nil || !strings.Contains(string(got), want) {
			t.Errorf("%s has %q, want %q", path, got, want)
		}
	}
}

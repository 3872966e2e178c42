package main

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestKeys(t *testing.T) {
	environ := map[string]string{"LATCHKEY_DATABASE_URL": "sqlite://" + filepath.Join(t.TempDir(), "x.db")}
	if code, _, stderr := latchkey(t, environ, "migrate", "up"); code != 0 {
		t.Fatal(stderr)
	}
	if code, _, stderr := latchkey(t, nil, "keys", "rotate"); code != 2 || !strings.Contains(stderr, "LATCHKEY_SECRET") {
		t.Errorf("without a secret: exits %d and says %s", code, stderr)
	}
	environ = map[string]string{"LATCHKEY_SECRET": "a secret that is long enough for tests"}
	for _, args := range [][]string{{"keys", "rotate"}, {"keys", "rotate"}} {
		if code, out, stderr := latchkey(t, environ, args...); code != 0 || !strings.Contains(out, "(EdDSA) signs from") {
			t.Errorf("%v: exits %d and says %s%s", args, code, out, stderr)
		}
	}
	_, out, _ := latchkey(t, nil, "keys", "list")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != 2 || !strings.HasSuffix(lines[0], "published, signs later") || !strings.HasSuffix(lines[1], "signs") {
		t.Errorf("%s", out)
	}
	environ["LATCHKEY_TOKEN_ALG"] = "ES256"
	if code, out, stderr := latchkey(t, environ, "keys", "rotate", "--compromised"); code != 0 || !strings.Contains(out, "(ES256)") {
		t.Errorf("exits %d and says %s%s", code, out, stderr)
	}
	if _, out, _ := latchkey(t, nil, "keys", "list"); strings.Count(out, "\n") != 1 || !strings.HasSuffix(strings.TrimSpace(out), "signs") {
		t.Errorf("%s", out)
	}
}

func TestKeysUnderAnotherSecret(t *testing.T) {
	environ := map[string]string{
		"LATCHKEY_DATABASE_URL": "sqlite://" + filepath.Join(t.TempDir(), "x.db"), "LATCHKEY_SECRET": "a secret that is long enough for tests",
	}
	for _, args := range [][]string{{"migrate", "up"}, {"keys", "rotate"}} {
		if code, _, stderr := latchkey(t, environ, args...); code != 0 {
			t.Fatal(stderr)
		}
	}
	secret := func() string {
		_, out, _ := latchkey(t, nil, "doctor")
		for line := range strings.Lines(out) {
			if level, rest, _ := strings.Cut(line, " "); strings.HasPrefix(strings.TrimSpace(rest), "secret ") {
				return level
			}
		}
		return out
	}
	if got := secret(); got != "ok" {
		t.Errorf("the secret itself: %s", got)
	}
	environ = map[string]string{"LATCHKEY_SECRET": "another secret that is long enough for tests"}
	latchkey(t, environ, "keys", "list")
	if got := secret(); got != "fail" {
		t.Errorf("another secret: %s", got)
	}
	if code, _, stderr := latchkey(t, nil, "keys", "reseal"); code == 0 || !strings.Contains(stderr, "LATCHKEY_SECRET") {
		t.Errorf("without the old one: exits %d and says %s", code, stderr)
	}
	latchkey(t, map[string]string{"LATCHKEY_SECRET_PREVIOUS": "a secret that is long enough for tests"}, "keys", "list")
	if got := secret(); got != "warn" {
		t.Errorf("before they are sealed again: %s", got)
	}
	for _, want := range []string{"1 signing keys", "0 signing keys"} {
		if code, out, stderr := latchkey(t, nil, "keys", "reseal"); code != 0 || !strings.Contains(out, want) {
			t.Errorf("exits %d and says %s%s", code, out, stderr)
		}
	}
	latchkey(t, map[string]string{"LATCHKEY_SECRET_PREVIOUS": ""}, "keys", "list")
	if got := secret(); got != "ok" {
		t.Errorf("afterwards: %s", got)
	}
}

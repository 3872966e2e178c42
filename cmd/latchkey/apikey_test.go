package main

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestAPIKeyCommands(t *testing.T) {
	environ := map[string]string{"LATCHKEY_DATABASE_URL": "sqlite://" + filepath.Join(t.TempDir(), "x.db")}
	if code, _, stderr := latchkey(t, environ, "migrate", "up"); code != 0 {
		t.Fatal(stderr)
	}
	code, out, stderr := latchkey(t, nil, "admin", "api-key", "create", "--name", "billing", "--scope", "introspect,admin:read")
	key := strings.TrimSpace(out)
	if code != 0 || !strings.HasPrefix(key, "lk_") || len(key) != 59 || strings.Contains(stderr, key) {
		t.Fatalf("exits %d and says %q, %s", code, out, stderr)
	}
	_, list, _ := latchkey(t, nil, "admin", "api-key", "list")
	if !strings.Contains(list, key[:15]+"  billing  [admin:read introspect]  until ") || strings.Contains(list, key[16:]) {
		t.Errorf("%s", list)
	}
	id := strings.Fields(list)[0]
	if code, _, stderr := latchkey(t, nil, "admin", "api-key", "revoke", id); code != 0 {
		t.Errorf("exits %d and says %s", code, stderr)
	}
	if _, list, _ := latchkey(t, nil, "admin", "api-key", "list"); !strings.Contains(list, "revoked ") {
		t.Errorf("%s", list)
	}
	for says, args := range map[string][]string{
		"scopes":      {"create", "--name", "x", "--scope", "root"},
		"366 days":    {"create", "--name", "x", "--scope", "introspect", "--days", "400"},
		"no such key": {"revoke", "01a1fe31-9906-7bc0-9b24-2b1d5cf5ff2b"},
	} {
		if code, _, stderr := latchkey(t, nil, append([]string{"admin", "api-key"}, args...)...); code != 1 || !strings.Contains(stderr, says) {
			t.Errorf("%v: exits %d and says %s", args, code, stderr)
		}
	}
}

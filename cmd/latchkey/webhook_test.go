package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

func TestWebhookCommands(t *testing.T) {
	environ := map[string]string{
		"LATCHKEY_DATABASE_URL": "sqlite://" + filepath.Join(t.TempDir(), "x.db"),
		"LATCHKEY_SECRET":       "a secret that is long enough for tests", "LATCHKEY_PUBLIC_URL": "https://auth.example.com",
	}
	if code, _, stderr := latchkey(t, environ, "migrate", "up"); code != 0 {
		t.Fatal(stderr)
	}
	run := func(into any, args ...string) {
		t.Helper()
		code, out, stderr := latchkey(t, nil, args...)
		if code != 0 || stderr != "" {
			t.Fatalf("%v: exits %d and says %q, %s", args, code, out, stderr)
		}
		if into != nil {
			if err := json.Unmarshal([]byte(out), into); err != nil {
				t.Fatal(err)
			}
		}
	}
	var made, rotated map[string]any
	run(&made, "webhook", "create", "--url", "http://127.0.0.1:9/in", "--type", "user.created", "--type", "user.merged", "--json")
	id, _ := made["id"].(string)
	if secret, _ := made["secret"].(string); !strings.HasPrefix(secret, "whsec_") || len(made["types"].([]any)) != 2 || made["status"] != "enabled" {
		t.Errorf("%v", made)
	}
	run(&rotated, "webhook", "rotate-secret", id, "--json")
	if rotated["secret"] == made["secret"] || rotated["id"] != id {
		t.Errorf("%v", rotated)
	}
	run(nil, "webhook", "test", id)
	run(nil, "webhook", "replay", id, "--since", "2026-01-01T00:00:00Z")
	run(nil, "webhook", "disable", id)
	var list, deliveries []map[string]any
	run(&list, "webhook", "list", "--json")
	if len(list) != 1 || list[0]["status"] != "disabled" || list[0]["secret"] != nil {
		t.Errorf("%v", list)
	}
	run(&deliveries, "webhook", "deliveries", id, "--json")
	if len(deliveries) != 0 { // the service delivers
		t.Errorf("%v", deliveries)
	}
	for says, args := range map[string][]string{
		"is disabled":              {"webhook", "test", id},
		"want https":               {"webhook", "create", "--url", "http://app.example.com"},
		`of the type "user.gone"`:  {"webhook", "create", "--url", "https://app.example.com", "--type", "user.gone"},
		"no such webhook":          {"webhook", "enable", "018f4e0a-5b1c-7d3e-9a2b-3c4d5e6f7a8b"},
		"not the id of a webhook":  {"webhook", "enable", "x"},
		"want a time such":         {"webhook", "replay", id, "--since", "yesterday"},
		"name --delivery or":       {"webhook", "replay", id},
		"want pending, delivered":  {"webhook", "deliveries", id, "--status", "lost"},
		`required flag(s) "url"`:   {"webhook", "create"},
		"used for 30 days at most": {"webhook", "rotate-secret", id, "--overlap", "1000h"},
	} {
		if code, out, stderr := latchkey(t, nil, args...); code == 0 || out != "" || !strings.Contains(stderr, says) {
			t.Errorf("%v: exits %d and says %q, %s", args, code, out, stderr)
		}
	}
	run(nil, "webhook", "enable", id)
	run(nil, "webhook", "delete", id)
	run(&list, "webhook", "list", "--json")
	if len(list) != 0 {
		t.Errorf("%v", list)
	}
}

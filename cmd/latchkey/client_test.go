package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

func TestClientCommands(t *testing.T) {
	environ := map[string]string{"LATCHKEY_DATABASE_URL": "sqlite://" + filepath.Join(t.TempDir(), "x.db")}
	if code, _, stderr := latchkey(t, environ, "migrate", "up"); code != 0 {
		t.Fatal(stderr)
	}
	run := func(into any, args ...string) {
		t.Helper()
		code, out, stderr := latchkey(t, nil, append(args, "--json")...)
		if code != 0 || stderr != "" || strings.Count(out, "\n") != 1 {
			t.Fatalf("%v: exits %d and says %q, %s", args, code, out, stderr)
		}
		if err := json.Unmarshal([]byte(out), into); err != nil {
			t.Fatal(err)
		}
	}
	var resource map[string]any
	run(&resource, "resource", "create", "--uri", "https://mcp.example.com", "--scope", "tools:read", "--scope", "tools:write")
	if resource["uri"] != "https://mcp.example.com" || len(resource["scopes"].([]any)) != 2 {
		t.Errorf("%v", resource)
	}
	var web, app map[string]string
	run(&web, "client", "create", "--name", "Grafana", "--redirect-uri", "https://grafana.example.com/a,b", "--redirect-uri", "http://127.0.0.1/cb",
		"--post-logout-uri", "https://grafana.example.com/", "--backchannel-logout-uri", "http://127.0.0.1:9999/logout", "--grant", "authorization_code", "--grant", "refresh_token",
		"--scope", "openid", "--scope", "tools:read", "--resource", "https://mcp.example.com", "--trusted")
	if len(web) != 2 || web["client_id"] == "" || len(web["client_secret"]) != 43 {
		t.Errorf("%v", web)
	}
	run(&app, "client", "create", "--name", "App", "--redirect-uri", "com.example.app:/cb", "--public")
	if len(app) != 1 || app["client_id"] == "" {
		t.Errorf("%v", app)
	}
	var clients []map[string]any
	run(&clients, "client", "list")
	if len(clients) != 2 || clients[1]["client_id"] != web["client_id"] || clients[1]["redirect_uris"].([]any)[0] != "https://grafana.example.com/a,b" ||
		clients[1]["grants"].([]any)[1] != "refresh_token" || clients[0]["kind"] != "public" {
		t.Errorf("%v", clients)
	}
	var rotated map[string]string
	run(&rotated, "client", "rotate", web["client_id"])
	if rotated["client_id"] != web["client_id"] || len(rotated["client_secret"]) != 43 || rotated["client_secret"] == web["client_secret"] {
		t.Errorf("%v", rotated)
	}
	var deleted map[string]string
	run(&deleted, "client", "delete", app["client_id"])
	if len(deleted) != 1 || deleted["client_id"] != app["client_id"] {
		t.Errorf("%v", deleted)
	}
	for _, grant := range []string{"device_code", "urn:ietf:params:oauth:grant-type:device_code"} {
		var television map[string]string
		run(&television, "client", "create", "--name", "Television", "--public", "--grant", grant)
		run(&clients, "client", "list")
		if grants := clients[0]["grants"].([]any); len(grants) != 1 || grants[0] != "urn:ietf:params:oauth:grant-type:device_code" {
			t.Errorf("%s: %v", grant, grants)
		}
		if code, _, stderr := latchkey(t, nil, "client", "delete", television["client_id"]); code != 0 {
			t.Error(stderr)
		}
	}
	if code, out, _ := latchkey(t, nil, "client", "list"); code != 0 || !strings.Contains(out, "Grafana  confidential, trusted") || strings.Contains(out, "App") {
		t.Errorf("exits %d and says %s", code, out)
	}
	for says, args := range map[string][]string{
		"must be https":     {"client", "create", "--name", "x", "--redirect-uri", "http://app.example.com"},
		"no such client":    {"client", "delete", app["client_id"]},
		"the id of a team":  {"client", "create", "--name", "x", "--redirect-uri", "https://a.example", "--team", "x"},
		"no such team":      {"client", "create", "--name", "x", "--redirect-uri", "https://a.example", "--team", "01a1fe31-9906-7bc0-9b24-2b1d5cf5ff2b"},
		"by this URI":       {"resource", "create", "--uri", "https://mcp.example.com"},
		"is an https URI":   {"resource", "create", "--uri", "ftp://mcp.example.com"},
		"has the grants":    {"client", "create", "--name", "x", "--redirect-uri", "https://a.example", "--grant", "password"},
		"the grants autho":  {"client", "create", "--name", "x", "--redirect-uri", "https://a.example", "--grant", "authorization_code", "--grant", "implicit"},
		"30 days":           {"client", "rotate", web["client_id"], "--overlap", "10000h"},
		"scope of the clie": {"client", "create", "--name", "x", "--redirect-uri", "https://a.example", "--scope", "tools:read"},
	} {
		if code, _, stderr := latchkey(t, nil, args...); code != 1 || !strings.Contains(stderr, says) {
			t.Errorf("%v: exits %d and says %s", args, code, stderr)
		}
	}
}

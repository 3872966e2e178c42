package docs_test

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var alert = regexp.MustCompile(`(?s)- alert: (\w+)\n.*?severity: (\w+).*?summary: .*?description: .*?runbook_url: \S+/docs/runbook\.md(#\S+)`)

// Each alert leads to the entry of the runbook that names it, and the runbook names no
// others.
func TestRunbookNamesAlerts(t *testing.T) {
	t.Parallel()
	rules, runbook := read(t, filepath.Join(root, "deploy/prometheus/alerts.yaml")), read(t, "runbook.md")
	entries := map[string]string{}
	for _, entry := range strings.Split(runbook, "\n## ")[1:] {
		entries[anchors("## " + entry)[0]] = entry
	}
	found := alert.FindAllStringSubmatch(rules, -1)
	if n := strings.Count(rules, "- alert: "); len(found) != n || n < 20 {
		t.Fatalf("%d of %d alerts have a severity, texts and an entry of the runbook", len(found), n)
	}
	var names []string
	for _, m := range found {
		names = append(names, m[1])
		if m[2] != "page" && m[2] != "ticket" {
			t.Errorf("%s has the severity %s", m[1], m[2])
		}
		if !strings.Contains(entries[m[3]], "`"+m[1]+"`") {
			t.Errorf("%s leads to %s, which does not name it", m[1], m[3])
		}
	}
	for _, m := range regexp.MustCompile("`(Latchkey[A-Z]\\w+)`").FindAllStringSubmatch(runbook, -1) {
		if !slices.Contains(names, m[1]) {
			t.Errorf("there is no alert %s", m[1])
		}
	}
	for name, entry := range entries {
		if !strings.Contains(entry, "\n**Alert") || !strings.Contains(entry, "**What people see**") && !strings.Contains(entry, "what people see") {
			t.Errorf("%s does not say what the alert is, or what people see", name)
		}
	}
}

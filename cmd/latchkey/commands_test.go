package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

var (
	commandInPage = regexp.MustCompile("(?m)(?:`|^\\s*|[(] ?|[|] ?)latchkey ((?:[a-z][a-z-]*)(?: [^`|#\\n]*)?)")
	flagInPage    = regexp.MustCompile(`(?:^| )--([a-z-]+)`)
)

// Every command that these pages name exists, with its flags.
func TestPagesNameCommands(t *testing.T) {
	t.Parallel()
	checked := 0
	for _, page := range []string{"runbook.md", "observability.md", "backup.md", "database.md", "audit.md"} {
		text, err := os.ReadFile("../../docs/" + page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range commandInPage.FindAllStringSubmatch(string(text), -1) {
			var words []string
			for word := range strings.FieldsSeq(m[1]) {
				if !regexp.MustCompile(`^[a-z][a-z-]*$`).MatchString(word) {
					break
				}
				words = append(words, word)
			}
			cmd, rest, err := newRootCommand().Find(words)
			if err != nil || len(rest) > 0 || !cmd.Runnable() && strings.Contains(m[1], "--") {
				t.Errorf("%s: there is no command `latchkey %s`: %v %v", page, m[1], rest, err)
				continue
			}
			checked++
			for _, flag := range flagInPage.FindAllStringSubmatch(m[1], -1) {
				if cmd.Flags().Lookup(flag[1]) == nil {
					t.Errorf("%s: `latchkey %s` has no --%s", page, m[1], flag[1])
				}
			}
		}
	}
	if checked < 40 {
		t.Errorf("only %d commands were checked", checked)
	}
}

package docs_test

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	testFile  = regexp.MustCompile("`([\\w./-]+(?:_test\\.go|\\.spec\\.ts))`([^`]*)")
	goTest    = regexp.MustCompile(`\bTest\w+`)
	otherTest = regexp.MustCompile(`'([^']+)'`)
)

// Each row of the tables of conformance.md names tests that exist, in the files that it
// names them in.
func TestConformanceNamesTests(t *testing.T) {
	t.Parallel()
	rows := 0
	for line := range strings.Lines(read(t, "conformance.md")) {
		cells := strings.Split(strings.TrimSpace(line), " | ")
		if !strings.HasPrefix(line, "| ") || len(cells) != 2 || strings.HasSuffix(cells[1], "here |") || strings.HasSuffix(cells[1], "held by |") {
			continue
		}
		rows++
		files := testFile.FindAllStringSubmatch(cells[1], -1)
		if len(files) == 0 {
			t.Errorf("no test: %s", line)
		}
		for _, f := range files {
			source, names := read(t, filepath.Join(root, f[1])), goTest.FindAllString(f[2], -1)
			for _, name := range names {
				if !strings.Contains(source, "\nfunc "+name+"(t *testing.T)") {
					t.Errorf("%s has no %s", f[1], name)
				}
			}
			for _, title := range otherTest.FindAllStringSubmatch(f[2], -1) {
				names = append(names, title[1])
				if !strings.Contains(source, "test('"+title[1]+"'") {
					t.Errorf("%s has no test %q", f[1], title[1])
				}
			}
			if len(names) == 0 {
				t.Errorf("no test of %s is named: %s", f[1], line)
			}
		}
	}
	if rows < 80 {
		t.Errorf("only %d rows were checked", rows)
	}
}

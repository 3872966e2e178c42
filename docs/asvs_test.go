package docs_test

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// asvs lists the requirements of levels 1 and 2 of ASVS 5.0.0, by section. Those of
// level 1 have a minus.
var asvs = map[string][]int{
	"1.1": {1, 2}, "1.2": {-1, -2, -3, -4, -5, 6, 7, 8, 9}, "1.3": {-1, -2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, "1.4": {1, 2, 3}, "1.5": {-1, 2},
	"2.1": {-1, 2, 3}, "2.2": {-1, -2, 3}, "2.3": {-1, 2, 3, 4}, "2.4": {1},
	"3.2": {-1, -2}, "3.3": {-1, 2, 3, 4}, "3.4": {-1, -2, 3, 4, 5, 6}, "3.5": {-1, -2, -3, 4, 5}, "3.7": {1, 2},
	"4.1": {-1, 2, 3}, "4.2": {1}, "4.3": {1, 2}, "4.4": {-1, 2, 3, 4},
	"5.1": {1}, "5.2": {-1, -2, 3}, "5.3": {-1, -2}, "5.4": {1, 2, 3},
	"6.1": {-1, 2, 3}, "6.2": {-1, -2, -3, -4, -5, -6, -7, -8, 9, 10, 11, 12}, "6.3": {-1, -2, 3, 4}, "6.4": {-1, -2, 3, 4}, "6.5": {1, 2, 3, 4, 5}, "6.6": {1, 2, 3}, "6.8": {1, 2, 3, 4},
	"7.1": {1, 2, 3}, "7.2": {-1, -2, -3, -4}, "7.3": {1, 2}, "7.4": {-1, -2, 3, 4, 5}, "7.5": {1, 2}, "7.6": {1, 2},
	"8.1": {-1, 2}, "8.2": {-1, -2, 3}, "8.3": {-1}, "8.4": {1},
	"9.1": {-1, -2, -3}, "9.2": {-1, 2, 3, 4},
	"10.1": {1, 2}, "10.2": {1, 2}, "10.3": {1, 2, 3, 4}, "10.4": {-1, -2, -3, -4, -5, 6, 7, 8, 9, 10, 11}, "10.5": {1, 2, 3, 4, 5}, "10.6": {1, 2}, "10.7": {1, 2, 3},
	"11.1": {1, 2}, "11.2": {1, 2, 3}, "11.3": {-1, -2, 3}, "11.4": {-1, 2, 3, 4}, "11.5": {1}, "11.6": {1},
	"12.1": {-1, 2, 3}, "12.2": {-1, -2}, "12.3": {1, 2, 3, 4},
	"13.1": {1}, "13.2": {1, 2, 3, 4, 5}, "13.3": {1, 2}, "13.4": {-1, 2, 3, 4, 5},
	"14.1": {1, 2}, "14.2": {-1, 2, 3, 4}, "14.3": {-1, 2, 3},
	"15.1": {-1, 2, 3}, "15.2": {-1, 2, 3}, "15.3": {-1, 2, 3, 4, 5, 6, 7},
	"16.1": {1}, "16.2": {1, 2, 3, 4, 5}, "16.3": {1, 2, 3, 4}, "16.4": {1, 2, 3}, "16.5": {1, 2, 3},
	"17.1": {1}, "17.2": {1, 2, 3, 4}, "17.3": {1, 2},
}

var requirement = regexp.MustCompile(`\b(\d+\.\d+)\.(\d+)( L1)?`)

// asvs.md has each requirement once, says its level, and counts right.
func TestASVSIsComplete(t *testing.T) {
	t.Parallel()
	want := map[string]bool{} // by whether it is of level 1
	for section, numbers := range asvs {
		for _, n := range numbers {
			want[fmt.Sprintf("%s.%d", section, max(n, -n))] = n < 0
		}
	}
	text := read(t, "asvs.md")
	counts, seen, heading := map[string]int{}, map[string]bool{}, ""
	for line := range strings.Lines(text) {
		if h, ok := strings.CutPrefix(line, "## "); ok {
			heading = strings.TrimSpace(h)
		}
		cell, _, _ := strings.Cut(line, " | ")
		if heading == "" || !strings.HasPrefix(cell, "| ") {
			continue
		}
		for _, m := range requirement.FindAllStringSubmatch(cell, -1) {
			name := m[1] + "." + m[2]
			first, known := want[name]
			if !known || seen[name] || first != (m[3] != "") {
				t.Errorf("%s: in the standard %v, of level 1 %v, here before %v", name, known, first, seen[name])
			}
			seen[name] = true
			counts[heading]++
		}
	}
	for name := range want {
		if !seen[name] {
			t.Errorf("%s is missing", name)
		}
	}
	met := len(want)
	for _, part := range []string{"Not met", "Up to the operator", "Not relevant"} {
		met -= counts[part]
		if said := "[" + strconv.Itoa(counts[part]) + "](#" + strings.ReplaceAll(strings.ToLower(part), " ", "-") + ")"; !strings.Contains(text, said) {
			t.Errorf("the table at the start does not say %s", said)
		}
	}
	if said := "| met | " + strconv.Itoa(met) + ","; !strings.Contains(text, said) {
		t.Errorf("the table at the start does not say %s", said)
	}
}

var (
	namedFile = regexp.MustCompile("`([\\w.-]+/[\\w./-]+_test\\.go)`")
	namedTest = regexp.MustCompile(`\bTest[A-Z]\w*`)
)

// Where a document names tests as evidence, they are in the file that is named before
// them.
func TestEvidenceExists(t *testing.T) {
	t.Parallel()
	checked := 0
	for _, page := range []string{"asvs.md", "threat-model.md"} {
		for line := range strings.Lines(read(t, page)) {
			files := namedFile.FindAllStringSubmatchIndex(line, -1)
			for i, at := range files {
				end := len(line)
				if i+1 < len(files) {
					end = files[i+1][0]
				}
				source := read(t, filepath.Join(root, line[at[2]:at[3]]))
				for _, name := range namedTest.FindAllString(line[at[1]:end], -1) {
					checked++
					if !strings.Contains(source, "\nfunc "+name+"(t *testing.T)") {
						t.Errorf("%s: %s has no %s", page, line[at[2]:at[3]], name)
					}
				}
			}
		}
	}
	if checked < 150 {
		t.Errorf("only %d tests were looked for", checked)
	}
}

var (
	table  = regexp.MustCompile(`(?i)create table (?:if not exists )?"?(\w+)`)
	keyUse = regexp.MustCompile(`\.Keys\("([^"]+)"\)|Use = "([^"]+)"`)
)

// data-and-keys.md says of every table and of every derived key what it is for.
func TestDataAndKeysAreComplete(t *testing.T) {
	t.Parallel()
	text := read(t, "data-and-keys.md")
	tables, err := filepath.Glob(filepath.Join(root, "migrations", "postgres", "*.sql"))
	if err != nil || len(tables) == 0 {
		t.Fatal(tables, err)
	}
	for _, file := range tables {
		up, _, _ := strings.Cut(read(t, file), "-- +goose Down")
		for _, m := range table.FindAllStringSubmatch(up, -1) {
			if !strings.Contains(text, "`"+m[1]+"`") {
				t.Errorf("data-and-keys.md does not say what %s is", m[1])
			}
		}
	}
	var uses []string
	for _, pattern := range []string{"identity/*.go", "identity/*/*.go", "identity/*/*/*.go", "internal/app/*.go", "storage/*.go", "cmd/latchkey/*.go"} {
		files, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			for _, m := range keyUse.FindAllStringSubmatch(read(t, file), -1) {
				uses = append(uses, m[1]+m[2])
			}
		}
	}
	slices.Sort(uses)
	if uses = slices.Compact(uses); len(uses) < 12 {
		t.Errorf("only %d uses of keys were found: %q", len(uses), uses)
	}
	for _, use := range uses {
		if !strings.Contains(text, "`"+use+"`") {
			t.Errorf("data-and-keys.md does not say what the key for %q is", use)
		}
	}
}

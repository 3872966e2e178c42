package docs_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the code blocks of the documents from the files they are taken from")

// snippet matches the comment over a code block that is taken from a file, such as
// `<!-- from examples/go-gin/main.go#verify -->`: of the whole file, or of a region
// of it. A region is between two comments, `docs:verify` and `docs:end`. They may
// be in another region, which leaves them out.
var (
	snippet     = regexp.MustCompile(`^<!-- from (\S+?)(?:#([\w-]+))? -->$`)
	regionBegin = regexp.MustCompile(`^\s*(?://|#|--|<!--|/\*|\{/\*)\s*docs:([\w-]+)\s*(?:-->|\*/\}?)?\s*$`)
	fence       = regexp.MustCompile("^```(\\w*)$")
)

// withSnippets are the documents that may have code blocks taken from files.
func withSnippets(t *testing.T) []string {
	t.Helper()
	var out []string
	for _, pattern := range []string{"*.md", "docs/*.md", "sdk/*/*.md", "sdk/*/*/*.md", "sdk/*/*/*/*.md", "examples/*.md", "examples/*/*.md"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, page := range found {
			if !strings.Contains(page, "node_modules") {
				out = append(out, page)
			}
		}
	}
	return out
}

// guides are the documents of which every code block is taken from a file that is
// tested, but for commands.
func guides(t *testing.T) []string {
	t.Helper()
	var out []string
	for _, pattern := range []string{"add-to-*.md", "moving-from-*.md", "choosing-a-deployment.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, found...)
	}
	return out
}

// block is a fenced code block of a document.
type block struct {
	line     int // of the opening fence, from 0
	end      int // of the closing fence
	language string
	file     string // that the text is taken from, "" for none
	region   string // of the file, "" for all of it
}

// blocks finds the fenced code blocks of a document.
func blocks(lines []string) []block {
	var out []block
	open := -1
	for i, line := range lines {
		switch {
		case open >= 0 && line == "```":
			out[open].end, open = i, -1
		case open < 0 && fence.MatchString(line):
			b := block{line: i, language: fence.FindStringSubmatch(line)[1]}
			if i > 0 {
				if m := snippet.FindStringSubmatch(lines[i-1]); m != nil {
					b.file, b.region = m[1], m[2]
				}
			}
			out, open = append(out, b), len(out)
		}
	}
	return out
}

// region returns the lines of a file or of a region of it, without the comments that
// mark regions and without common indentation.
func region(text, name string) ([]string, error) {
	var out []string
	in, found := name == "", name == ""
	depth := 0 // of regions inside of the one that is taken
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if m := regionBegin.FindStringSubmatch(line); m != nil {
			switch {
			case name == "": // marks only
			case !in && m[1] == name:
				if found {
					return nil, fmt.Errorf("region %s is there twice", name)
				}
				in, found = true, true
			case in && m[1] != "end":
				depth++
			case in && depth > 0:
				depth--
			case in:
				in = false
			}
			continue
		}
		if in {
			out = append(out, line)
		}
	}
	if !found {
		return nil, fmt.Errorf("there is no region %s", name)
	}
	if in && name != "" {
		return nil, fmt.Errorf("region %s has no end", name)
	}
	return unindented(out), nil
}

// unindented cuts blank lines at both ends, and the indentation that all lines have.
func unindented(lines []string) []string {
	blank := func(line string) bool { return strings.TrimSpace(line) == "" }
	for len(lines) > 0 && blank(lines[0]) {
		lines = lines[1:]
	}
	for len(lines) > 0 && blank(lines[len(lines)-1]) {
		lines = lines[:len(lines)-1]
	}
	indentation := ""
	for i, line := range lines {
		own := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
		if i == 0 || !blank(line) && len(own) < len(indentation) {
			indentation = own
		}
	}
	out := make([]string, len(lines))
	for i, line := range lines {
		out[i] = strings.TrimPrefix(line, indentation)
	}
	return out
}

// Every code block that says where it is from is what is there.
// `go test ./docs -run Snippets -update` writes them.
func TestSnippetsAreTakenFromFiles(t *testing.T) {
	t.Parallel()
	checked := 0
	for _, page := range withSnippets(t) {
		lines := strings.Split(read(t, page), "\n")
		found := blocks(lines)
		marks := 0
		for _, line := range lines {
			if snippet.MatchString(line) {
				marks++
			}
		}
		changed := false
		for _, b := range slices.Backward(found) { // so that the lines of earlier ones stay
			if b.file == "" {
				continue
			}
			marks--
			checked++
			text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(b.file)))
			if err != nil {
				t.Errorf("%s:%d: %v", page, b.line, err)
				continue
			}
			want, err := region(string(text), b.region)
			if err != nil {
				t.Errorf("%s:%d: %s: %v", page, b.line, b.file, err)
				continue
			}
			if slices.Equal(lines[b.line+1:b.end], want) {
				continue
			}
			if *update {
				lines, changed = slices.Replace(lines, b.line+1, b.end, want...), true
				continue
			}
			t.Errorf("%s:%d: the code is not what is in %s#%s: run go test ./docs -run Snippets -update", page, b.line, b.file, b.region)
		}
		if marks != 0 {
			t.Errorf("%s: a comment that names a file is not right over a code block", page)
		}
		if changed {
			if err := os.WriteFile(page, []byte(strings.Join(lines, "\n")), 0o644); err != nil {
				t.Error(err)
			}
		}
	}
	if checked == 0 {
		t.Error("no code block is taken from a file")
	}
}

// A guide shows no code that no test runs.
func TestGuidesShowTestedCode(t *testing.T) {
	t.Parallel()
	for _, page := range guides(t) {
		for _, b := range blocks(strings.Split(read(t, page), "\n")) {
			if b.file == "" && b.language != "sh" {
				t.Errorf("%s:%d: say which file the code is from: <!-- from FILE#REGION -->", page, b.line+1)
			}
		}
	}
}

var (
	command  = regexp.MustCompile(`(?:^|[ /])latchkey ((?:[a-z][a-z-]*(?: |$))+)(.*)$`)
	option   = regexp.MustCompile(`--([a-z][a-z-]+)`)
	variable = regexp.MustCompile(`LATCHKEY_[A-Z][A-Z_]+[A-Z]`)
)

// Commands in documents have only options and variables that there are.
func TestCommandsInDocuments(t *testing.T) {
	t.Parallel()
	sources, err := filepath.Glob(filepath.Join(root, "cmd", "latchkey", "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var source strings.Builder
	for _, file := range sources {
		source.WriteString(read(t, file))
	}
	variables := read(t, "configuration.md")
	checked := 0
	for _, page := range withSnippets(t) {
		lines := strings.Split(read(t, page), "\n")
		for _, b := range blocks(lines) {
			if b.language != "sh" {
				continue
			}
			whole := strings.ReplaceAll(strings.Join(lines[b.line+1:b.end], "\n"), "\\\n", " ")
			for line := range strings.Lines(whole) {
				line, _, _ = strings.Cut(line, " #")
				m := command.FindStringSubmatch(strings.TrimSpace(line))
				if m == nil {
					continue
				}
				checked++
				for _, o := range option.FindAllStringSubmatch(m[2], -1) {
					if !strings.Contains(source.String(), `"`+o[1]+`"`) {
						t.Errorf("%s:%d: latchkey %shas no option --%s", page, b.line+1, m[1], o[1])
					}
				}
				for _, v := range variable.FindAllString(line, -1) {
					if !strings.Contains(variables, "`"+v+"`") && !strings.Contains(variables, strings.TrimSuffix(v, "_FILE")) {
						t.Errorf("%s:%d: there is no variable %s", page, b.line+1, v)
					}
				}
			}
		}
	}
	if checked < 10 {
		t.Errorf("only %d commands were checked", checked)
	}
}

func TestRegions(t *testing.T) {
	t.Parallel()
	const text = "a\n  # docs:one\n  b\n  // docs:two\n    c\n  // docs:end\n\n  # docs:end\nd\n"
	for name, want := range map[string]string{"": "a\n  b\n    c\n\nd", "one": "b\n  c", "two": "c"} {
		got, err := region(text, name)
		if err != nil || strings.Join(got, "\n") != want {
			t.Errorf("%q: %q, %v; want %q", name, got, err, want)
		}
	}
	for _, text := range []string{"a\n", "# docs:one\na\n", "# docs:one\na\n# docs:end\n# docs:one\nb\n# docs:end\n"} {
		if got, err := region(text, "one"); err == nil {
			t.Errorf("%q: %q", text, got)
		}
	}
}

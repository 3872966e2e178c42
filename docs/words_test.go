package docs_test

import (
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// word is one that we do not use, and what to write instead.
type word struct {
	pattern *regexp.Regexp
	instead string
}

func banned(pattern, instead string) word {
	return word{regexp.MustCompile(`(?i)` + pattern), instead}
}

// bannedWords are refused everywhere.
var bannedWords = []word{
	banned(`\bwhom?ever\b`, `"a client that", "anybody who", or name the person`),
	banned(`\banew\b`, `"again"`),
	banned(`\btell(s|ing)? whether\b`, `"reports whether"`),
	banned(`\b(he|him|his|himself)\b`, `"they", "them", "their"`),
	banned(`\bways? in\b`, `"sign-in method" (pages), "identity" (code)`),
	banned(`\btold\b`, `"notified", "reported", "shown", "mailed"`),
	banned(`\bstands\b`, `"is", "is listed", "is in"`),
	banned(`\bmend(s|ed|ing)?\b`, `"fix"`),
	banned(`\b(take|takes|took|taken|taking)( it)? back\b`, `"undo", "cancel", "roll back"`),
	banned(`\btaken? apart\b`, `"undo"`),
	banned(`\bbehind \w+('s)? \w+'s back\b`, `say when it happens`),
	banned(`\b(break|breaks|breaking|broke) the glass\b`, `"emergency access"`),
	banned(`\bprove(s|d)? anew\b`, `"verify again"`),
	banned(`\bof nobody\b`, `"without a user", "unknown"`),
	banned(`\bdoors?\b`, `"sign-in method", "provider"`),
	banned(`\bput out of\b`, `"removed from", "signed out of"`),
}

// bannedInProse are refused in comments and documents. In code they are data,
// such as a value of the contract.
var bannedInProse = []word{
	banned(`\bnobody\b`, `"no user", "no client", or say it without a person`),
}

// allowedWords are uses that are right, each by a part of its line.
var allowedWords = []string{
	`"nobody"`, // the system account that tests may run a server as
	"user postgres or nobody",
	"front door", // of a service, not a sign-in method
	"banned(",    // the rules themselves
}

// notChecked is in another language, or not ours.
var notChecked = []string{
	".git", "node_modules", "dist", "bin", "testdata", "web/src/i18n/de", "web/e2e/results", "web/test-results",
}

func TestWordsWeDoNotUse(t *testing.T) {
	t.Parallel()
	files := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := filepath.ToSlash(strings.TrimPrefix(path, root+string(filepath.Separator)))
		if d.IsDir() {
			if slices.Contains(notChecked, d.Name()) || slices.Contains(notChecked, name) {
				return fs.SkipDir
			}
			return nil
		}
		comment, ok := commentStart[filepath.Ext(name)]
		if !ok || strings.Contains(name, ".gen.") {
			return nil
		}
		files++
		for i, line := range strings.Split(read(t, path), "\n") {
			checkWords(t, name, i+1, line, comment)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 500 {
		t.Errorf("only %d files were checked", files)
	}
}

// commentStart is how a comment begins in the files that are checked; "" where
// every line is prose.
var commentStart = map[string]string{
	".go": "//", ".ts": "//", ".tsx": "//", ".mjs": "//", ".js": "//", ".md": "", ".yaml": "#", ".yml": "#", ".sh": "#", ".html": "<!--", ".txt": "",
}

func checkWords(t *testing.T, file string, number int, line, comment string) {
	t.Helper()
	if slices.ContainsFunc(allowedWords, func(part string) bool { return strings.Contains(line, part) }) {
		return
	}
	check := func(words []word, text string) {
		for _, w := range words {
			if found := w.pattern.FindString(text); found != "" {
				t.Errorf("%s:%d: %q: write %s", file, number, found, w.instead)
			}
		}
	}
	prose := line
	if comment != "" {
		prose = commentOf(line, comment)
	}
	check(bannedInProse, prose)
	if strings.HasPrefix(file, "web/src/") && !strings.HasPrefix(file, "web/src/i18n/") && !strings.Contains(file, ".test.") {
		line = prose // names of the code are not words
	}
	check(bannedWords, line)
}

// commentOf returns the comment of a line, which in languages like C may be one of
// several lines.
func commentOf(line, comment string) string {
	if comment == "//" {
		if block := strings.TrimSpace(line); strings.HasPrefix(block, "* ") || strings.HasPrefix(block, "/*") {
			return block
		}
		if block := afterComment(line, "/*"); block != "" {
			return block
		}
	}
	return afterComment(line, comment)
}

// afterComment returns the comment of a line, without the `//` of URLs.
func afterComment(line, comment string) string {
	for at := 0; ; {
		i := strings.Index(line[at:], comment)
		switch {
		case i < 0:
			return ""
		case at+i == 0 || strings.ContainsAny(line[at+i-1:at+i], " \t"):
			return line[at+i:]
		}
		at += i + len(comment)
	}
}

func TestCommentsAreFound(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"x := 1 // why":                "// why",
		`u := "https://example.com"`:   "",
		"\t/** What it is. */":         "/** What it is. */",
		"   * of several lines":        "* of several lines",
		"  f( /* by name */ true)":     "/* by name */ true)",
		"a * b":                        "",
		`<img src="data:x" /* note */`: "/* note */",
	} {
		if got := commentOf(line, "//"); got != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
	if got := commentOf("a: 1 # why", "#"); got != "# why" {
		t.Errorf("%q", got)
	}
}

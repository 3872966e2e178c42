// Package docs_test keeps documents true to the repository.
package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const root = ".."

// pages are the documents whose references are checked.
func pages(t *testing.T) []string {
	t.Helper()
	var out []string
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/decisions/*.md", "bench/*.md"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, found...)
	}
	if len(out) < 20 {
		t.Fatalf("only %d documents found", len(out))
	}
	return out
}

var (
	code = regexp.MustCompile("`([^`\n]+)`")
	link = regexp.MustCompile(`\]\(([^)#\s]*)(#[^)\s]*)?\)`)
	// path matches what names a file or folder of the repository: it has a slash
	// or an extension that only files have, and no placeholder.
	path = regexp.MustCompile(`^\.?[a-z0-9][\w./*-]*$`)
)

// Every path that a document names exists. A name with a `*` matches something.
func TestNamedFilesExist(t *testing.T) {
	t.Parallel()
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	var top []string
	for _, e := range entries {
		top = append(top, e.Name())
	}
	checked := 0
	for _, page := range pages(t) {
		for _, m := range code.FindAllStringSubmatch(read(t, page), -1) {
			first, _, isPath := strings.Cut(m[1], "/")
			if !isPath || !path.MatchString(m[1]) || !slices.Contains(top, first) || built(m[1]) {
				continue
			}
			checked++
			if found, err := filepath.Glob(filepath.Join(root, m[1])); err != nil || len(found) == 0 {
				t.Errorf("%s names %s, which does not exist", page, m[1])
			}
		}
	}
	if checked < 150 {
		t.Errorf("only %d paths were checked", checked)
	}
}

// built reports whether a path is made by a build or a test.
func built(name string) bool {
	return strings.HasPrefix(name, "bin/") || strings.HasPrefix(name, "web/e2e/screenshots") || strings.HasPrefix(name, "deploy/secrets")
}

// Every link inside the repository leads to a file, and to a heading in it.
func TestLinksLeadSomewhere(t *testing.T) {
	t.Parallel()
	for _, page := range pages(t) {
		for _, m := range link.FindAllStringSubmatch(read(t, page), -1) {
			target, anchor := m[1], m[2]
			if strings.Contains(target, "://") {
				continue
			}
			file := page
			if target != "" {
				file = filepath.Join(filepath.Dir(page), target)
			}
			if _, err := os.Stat(file); err != nil {
				t.Errorf("%s links to %s, which does not exist", page, target)
				continue
			}
			if anchor != "" && !slices.Contains(anchors(read(t, file)), anchor) {
				t.Errorf("%s links to %s%s, which has no such heading", page, target, anchor)
			}
		}
	}
}

var (
	heading     = regexp.MustCompile(`(?m)^#+ (.+)$`)
	notInAnchor = regexp.MustCompile(`[^\w\- ]`)
)

// anchors are the headings of a document as GitHub links to them.
func anchors(text string) []string {
	var out []string
	for _, m := range heading.FindAllStringSubmatch(text, -1) {
		out = append(out, "#"+strings.ReplaceAll(notInAnchor.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-"))
	}
	return out
}

// Every decision is in the index under its number and title, and numbers have no
// gaps.
func TestDecisionsAreListed(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("decisions/[0-9]*.md")
	if err != nil || len(files) < 50 {
		t.Fatalf("%d decisions, %v", len(files), err)
	}
	index := read(t, "decisions/README.md")
	for i, file := range files {
		number := strings.TrimLeft(filepath.Base(file)[:4], "0")
		title, _, _ := strings.Cut(read(t, file), "\n")
		_, title, ok := strings.Cut(title, ". ")
		if want := i + 1; number != strconv.Itoa(want) || !ok || !strings.HasPrefix(read(t, file), "# "+number+". ") {
			t.Errorf("%s is not decision %d", file, want)
		}
		if !strings.Contains(index, "| "+number+" | ["+title+"]("+filepath.Base(file)+") |") {
			t.Errorf("the index does not list %s", file)
		}
		for _, part := range []string{"\n## Context\n", "\n## Decision\n", "\n## Consequences\n"} {
			if !strings.Contains(read(t, file), part) {
				t.Errorf("%s has no%s", file, strings.ReplaceAll(part, "\n", " "))
			}
		}
	}
}

// All packages have one version.
func TestOneVersion(t *testing.T) {
	t.Parallel()
	named := regexp.MustCompile(`"version": "([^"]+)"|(?m)^version = "([^"]+)"|latchkey/sdk/go v(\S+)|const version = "v([^"]+)"`)
	files, err := filepath.Glob(filepath.Join(root, "sdk/js/packages/*/package.json"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, name := range []string{"web/package.json", "sdk/js/package.json", "sdk/python/pyproject.toml", "sdk/go/latchkeygin/go.mod", "sdk/go/pack_test.go", "examples/go-gin/go.mod"} {
		files = append(files, filepath.Join(root, name))
	}
	first := ""
	for _, file := range files {
		m := named.FindStringSubmatch(read(t, file))
		if m == nil {
			t.Errorf("%s names no version", file)
			continue
		}
		version := strings.Join(m[1:], "") // one of them matched
		if first == "" {
			first = version
		}
		if version != first {
			t.Errorf("%s has version %s, not %s", file, version, first)
		}
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

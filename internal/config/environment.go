package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

const (
	prefix     = "LATCHKEY_"
	fileSuffix = "_FILE"
	maxFile    = 64 << 10
)

// serviceLink are the variables that Kubernetes puts into every container for a
// service named latchkey, or latchkey-something. They are not ours to judge.
var serviceLink = regexp.MustCompile(
	`^LATCHKEY_([A-Z0-9_]+_)?(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$`)

// foreign reports whether a variable with our prefix is not configuration of the
// service: a service link, or what our own tests and benchmarks read.
func foreign(name, value string) bool {
	return strings.HasPrefix(name, "LATCHKEY_TEST_") || strings.HasPrefix(name, "LATCHKEY_BENCH_") ||
		serviceLink.MatchString(name) || strings.HasSuffix(name, "_PORT") && strings.Contains(value, "://")
}

// readEnvironment returns our variables by name, with the content of the file
// for those given as NAME_FILE. An empty variable is an unset one: container
// tools write NAME= for what has no value. Names of ours that this version does
// not know get a warning and are not refused: a binary that is rolled back must
// start.
func readEnvironment(environ []string, problems *problems) (values map[string]string, unknown []string) {
	given := map[string]string{}
	for _, pair := range environ {
		if name, value, ok := strings.Cut(pair, "="); ok && strings.HasPrefix(name, prefix) && !foreign(name, value) {
			given[name] = value
		}
	}
	values = map[string]string{}
	for _, v := range variablesFor(given) {
		value, path := given[v.Name], given[v.Name+fileSuffix]
		delete(given, v.Name)
		delete(given, v.Name+fileSuffix)
		switch {
		case value != "" && path != "":
			problems.add(v.Name, "is set, and %s%s too; keep one of them", v.Name, fileSuffix)
			continue
		case path != "":
			content, err := readFile(path, v.mayBeEmpty)
			if err != nil {
				problems.add(v.Name+fileSuffix, "%v; name a readable file with the value in it", err)
				continue
			}
			value = content
		}
		if value == "" {
			continue
		}
		if strings.ContainsFunc(value, unicode.IsControl) {
			problems.add(v.Name, "has a control character or more than one line; give one line of text")
			continue
		}
		values[v.Name] = value
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		unknown = append(unknown, name+" is not a variable of this version of Latchkey"+suggestion(name))
	}
	return values, unknown
}

// readFile returns the content without the newline that editors and echo put
// at its end.
func readFile(path string, mayBeEmpty bool) (string, error) {
	f, err := os.Open(path) //nolint:gosec // the path is the operator's choice, that is what the variable is for
	if err != nil {
		return "", fmt.Errorf("%q: %w", path, cause(err))
	}
	defer func() { _ = f.Close() }()
	content, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("%q: %w", path, cause(err))
	case len(content) > maxFile:
		return "", fmt.Errorf("%q is larger than %d bytes", path, maxFile)
	}
	value := strings.TrimRight(string(content), "\r\n")
	if value == "" && !mayBeEmpty {
		return "", fmt.Errorf("%q is empty", path)
	}
	return value, nil
}

// cause leaves the path out of an error of the file system: it is quoted already.
func cause(err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err
	}
	return err
}

// suggestion names the known variable that is meant, if one is near.
func suggestion(name string) string {
	base, isFile := strings.CutSuffix(name, fileSuffix)
	best, least := "", len(base)/3
	for _, v := range Describe() {
		d := distance(base, v.Name)
		if leftOut(base, v.Name) {
			d = 0
		}
		if d <= least {
			best, least = v.Name, d-1
		}
	}
	switch {
	case best == "":
		return "; remove it, or see the list in docs/configuration.md"
	case isFile:
		best += fileSuffix
	}
	return "; did you mean " + best + "?"
}

// leftOut reports whether a is b without some of its words.
func leftOut(a, b string) bool {
	words := strings.Split(a, "_")
	for w := range strings.SplitSeq(b, "_") {
		if len(words) > 0 && words[0] == w {
			words = words[1:]
		}
	}
	return len(words) == 0
}

// distance is the Levenshtein distance, without the prefix all names share.
func distance(a, b string) int {
	a, b = strings.TrimPrefix(a, prefix), strings.TrimPrefix(b, prefix)
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = slices.Min([]int{change, row[j] + 1, row[j+1] + 1})
		}
	}
	return row[len(b)]
}

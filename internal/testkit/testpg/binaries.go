package testpg

import (
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
)

// places are where packages put PostgreSQL without putting it on the PATH.
var places = []string{
	"/usr/lib/postgresql/*/bin",          // Debian
	"/usr/pgsql-*/bin",                   // Red Hat
	"/opt/homebrew/opt/postgresql@*/bin", // macOS
	"/usr/local/opt/postgresql@*/bin",
	"/usr/local/pgsql/bin",
}

// binaries returns the directory of a complete installation: the one on the
// PATH, else the newest one. "" means there is none.
func binaries() string {
	if initdb, err := exec.LookPath("initdb"); err == nil {
		if dir := filepath.Dir(initdb); complete(dir) {
			return dir
		}
		// The PATH may have a link per program; the programs look for each
		// other beside where they really are.
		if real, err := filepath.EvalSymlinks(initdb); err == nil && complete(filepath.Dir(real)) {
			return filepath.Dir(real)
		}
	}
	for _, pattern := range places {
		found, _ := filepath.Glob(pattern)
		slices.SortFunc(found, func(a, b string) int { return cmp.Compare(version(b), version(a)) })
		if i := slices.IndexFunc(found, complete); i >= 0 {
			return found[i]
		}
	}
	return ""
}

func complete(dir string) bool {
	for _, program := range []string{"initdb", "pg_ctl", "postgres"} {
		if info, err := os.Stat(filepath.Join(dir, program)); err != nil || !info.Mode().IsRegular() {
			return false
		}
	}
	return true
}

var digits = regexp.MustCompile(`\d+`)

// version is the number in a path: as text, 9 would be newer than 17.
func version(path string) int {
	n, _ := strconv.Atoi(digits.FindString(path))
	return n
}

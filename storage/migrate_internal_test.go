package storage

import (
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/pressly/goose/v3"
)

// A migration that does not get its tables for long waits longer for them: behind
// transactions that all take longer than the first wait, it would never get them.
func TestMigrationsWaitLongerInTime(t *testing.T) {
	t.Parallel()
	m := migrators{patient: new(goose.Provider)}
	for range migrationLockTimeouts {
		m.brief = append(m.brief, new(goose.Provider))
	}
	var tried []*goose.Provider
	for d := time.Duration(0); d < migrationPatience+time.Minute; d += time.Second {
		tried = append(tried, m.at(d))
	}
	if !slices.Equal(slices.Compact(tried), m.brief) {
		t.Error("not each of them in its turn")
	}
	if !slices.IsSorted(migrationLockTimeouts) || migrationLockTimeouts[len(migrationLockTimeouts)-1] >= lockTimeout {
		t.Errorf("%v: not longer and longer, and shorter than requests wait, %v", migrationLockTimeouts, lockTimeout)
	}
}

// Migrations lock their tables in the order in which checks read them.
func TestCheckedTablesAreThoseOfTheCheck(t *testing.T) {
	t.Parallel()
	var read []string
	for _, found := range regexp.MustCompile(`(?m)^(?:LEFT )?(?:FROM|JOIN) (\w+) AS`).FindAllStringSubmatch(newHotStatements(postgres).principal.sql, -1) {
		read = append(read, found[1])
	}
	if !slices.Equal(read, checkedTables) {
		t.Errorf("a check reads %v, and migrations lock %v", read, checkedTables)
	}
}

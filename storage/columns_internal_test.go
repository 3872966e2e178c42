package storage

import (
	"reflect"
	"slices"
	"testing"

	"github.com/uptrace/bun/dialect/sqlitedialect"

	"github.com/latchkey/latchkey/identity"
)

// What is listed by hand is what bun makes of the same row: a column that is added
// there and forgotten here would be written as its default and read as zero.
func TestColumnsAreThoseOfTheRows(t *testing.T) {
	t.Parallel()
	tables := sqlitedialect.New().Tables()
	for _, c := range []struct {
		row    any
		listed []string
	}{
		{userRow{}, names(userColumns)},
		{identityRow{}, names(identityColumns)},
		{sessionRow{}, names(sessionColumns)},
		{familyRow{}, names(familyColumns)},
		{burnedRow{}, names(burnedColumns)},
		{eventRow{}, append(names(eventColumns), "form")},
		{keyRow{}, names(auditKeyColumns)},
	} {
		var want []string
		for _, f := range tables.Get(reflect.TypeOf(c.row)).Fields {
			want = append(want, f.Name)
		}
		slices.Sort(want)
		slices.Sort(c.listed)
		if !slices.Equal(c.listed, want) {
			t.Errorf("%T: listed %q, want %q", c.row, c.listed, want)
		}
	}
}

// Each column leads to a field of its own.
func TestColumnsShareNoField(t *testing.T) {
	t.Parallel()
	var p principalRow
	var a accessRow
	var o ownedIdentity
	for _, list := range [][]any{fields(principalColumns, &p), fields(accessColumns, &a), fields(ownedIdentityColumns, &o)} {
		seen := map[any]int{}
		for i, field := range list {
			if before, twice := seen[field]; twice {
				t.Errorf("columns %d and %d are read into one field", before, i)
			}
			seen[field] = i
		}
	}
}

// A parameter is what bun would have written.
func TestArgumentRefusesNothingThatRowsHold(t *testing.T) {
	t.Parallel()
	if got, err := sqlite.argument("a\x00b\xff"); err != nil || got != "a\ufffdb\ufffd" {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := postgres.argument((*identity.ID)(nil)); err != nil || got != nil {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := postgres.argument(identity.Metadata{"x": make(chan int)}); err == nil {
		t.Error("a value that JSON does not have is taken")
	}
}

func names[Row any](columns []column[Row]) []string {
	out := make([]string, len(columns))
	for i, c := range columns {
		out[i] = c.sql
	}
	return out
}

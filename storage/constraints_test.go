package storage_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

// row is a row to insert around the store, by column.
type row map[string]any

// with returns the row with other values; nil is NULL.
func (r row) with(changes row) row {
	out := maps.Clone(r)
	maps.Copy(out, changes)
	return out
}

func insertRow(d *storagetest.Database, table string, r row) error {
	columns := slices.Sorted(maps.Keys(r))
	values := make([]any, len(columns))
	for i, c := range columns {
		values[i] = r[c]
	}
	return d.Exec("INSERT INTO "+table+" ("+strings.Join(columns, ", ")+") VALUES (?"+strings.Repeat(", ?", len(columns)-1)+")", values...)
}

const (
	instant    = "2026-03-01 12:30:45.123456+00:00"
	afterwards = "2026-03-01 12:30:45.123457+00:00"
)

// refusal is a row that the schema must refuse: a sound row of the table but
// for these columns.
type refusal struct {
	table, why string
	change     row
}

// testConstraints holds the schema itself to what it promises, around the store:
// code may be wrong, and there may be more than one of it.
func testConstraints(t *testing.T, d *storagetest.Database) {
	w := newWorld(t, d)
	for _, table := range slices.Sorted(maps.Keys(w.sound)) {
		t.Run(table, func(t *testing.T) {
			first := w.sound[table]()
			if err := insertRow(d, table, first); err != nil {
				t.Fatalf("a sound row is refused, so no refusal here means anything: %v", err)
			}
			if err := insertRow(d, table, first); !isConstraint(err) {
				t.Errorf("the same row twice: %v", err)
			}
			for column := range first {
				switch {
				case table == "invitations" && column == "email", table == "signing_keys" && column == "expires_at":
					continue // or a wallet, and only of the newest: see the refusals
				case d.Engine == storagetest.SQLite && slices.Contains([]string{"id", "hash", "address"}, column):
					continue // SQLite takes NULL for a key that is no rowid; in code a key is never a pointer
				}
				if err := insertRow(d, table, w.sound[table]().with(row{column: nil})); !isConstraint(err) {
					t.Errorf("%s may be NULL: %v", column, err)
				}
			}
		})
	}
	for _, c := range w.refusals() {
		t.Run(c.table+": "+c.why, func(t *testing.T) {
			if err := insertRow(d, c.table, w.sound[c.table]().with(c.change)); !isConstraint(err) {
				t.Errorf("accepted, or refused for another reason: %v", err)
			}
		})
	}
	for why, statement := range w.statements() {
		t.Run(why, func(t *testing.T) {
			if err := d.Exec(statement[0].(string), statement[1:]...); !isConstraint(err) {
				t.Errorf("accepted, or refused for another reason: %v", err)
			}
		})
	}
	d.Unsound() // the sound rows are so by the schema, not to everything above it
}

// isConstraint tells a constraint from a mistake in the test.
func isConstraint(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return strings.HasPrefix(pg.Code, "23")
	}
	return err != nil && strings.Contains(err.Error(), "constraint failed")
}

func newID() string { return identity.NewID().String() }

func hash() []byte {
	_, h := identity.NewSecret()
	return h
}

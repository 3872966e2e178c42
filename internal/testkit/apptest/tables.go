package apptest

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/stdlib" // and the driver "pgx"
)

// SQL opens a connection of the test's own, past the service.
func (a *App) SQL() *sql.DB {
	a.T.Helper()
	a.sqlOnce.Do(func() {
		a.sql = OpenSQL(a.T, a.DatabaseURL())
		a.T.Cleanup(func() { _ = a.sql.Close() })
	})
	return a.sql
}

// OpenSQL opens a database past the storage.
func OpenSQL(t *testing.T, databaseURL string) *sql.DB {
	t.Helper()
	driver, source := "pgx", databaseURL
	if path, ok := strings.CutPrefix(source, "sqlite://"); ok {
		driver, source = "sqlite", "file:"+path+"?_pragma=busy_timeout(10000)&_txlock=immediate"
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// Exec changes rows without the service. Values are ours, so they are part of the
// statement: the engines number their parameters differently.
func (a *App) Exec(format string, args ...any) {
	a.T.Helper()
	a.WriteUses()
	if _, err := a.SQL().ExecContext(a.T.Context(), fmt.Sprintf(format, args...)); err != nil {
		a.T.Fatal(err)
	}
	a.service.Remembered.ForgetAll() // a manual change sends no notification
}

// Disable disables a user by hand, whatever they own.
func (a *App) Disable(user string) {
	a.T.Helper()
	a.Exec("UPDATE users SET status = 'disabled' WHERE id = '%s'", user)
}

// Count counts the rows of a table that meet a condition.
func (a *App) Count(table, where string, args ...any) int {
	a.T.Helper()
	var n int
	query := "SELECT count(*) FROM " + table + " WHERE " + fmt.Sprintf(where, args...)
	if err := a.SQL().QueryRowContext(a.T.Context(), query).Scan(&n); err != nil {
		a.T.Fatal(err)
	}
	return n
}

// outbox is the table that the service writes and empties behind every test: only
// what is new in it is a change.
const outbox = "outbox"

// Snapshot is every row of every table, the audit trail included. How events are
// chained is left out: a running service does that behind everybody's back.
type Snapshot map[string][]string

// AuditColumns returns the columns of a table of the audit trail that do not change behind
// everybody's back, and "*" for other tables.
func AuditColumns(table string) string {
	switch table {
	case "audit_events":
		return auditColumns
	case "audit_heads", "audit_seals", "audit_progress", "audit_epoch", "feed", "feed_progress", "webhook_deliveries":
		return "" // made of the trail
	}
	return "*"
}

const auditColumns = "id, at, action, actor_id, user_id, team_id, session_id, ip, user_agent, data"

// WriteUses writes what the service would write within the second.
func (a *App) WriteUses() {
	a.T.Helper()
	if err := a.service.WriteUses(a.T.Context()); err != nil {
		a.T.Fatal(err)
	}
}

// Snapshot reads all tables but those named.
func (a *App) Snapshot(except ...string) Snapshot {
	a.T.Helper()
	a.WriteUses()
	return ReadTables(a.T, a.SQL(), func(table string) string {
		switch {
		case slices.Contains(except, table):
			return ""
		case table == outbox:
			return "id"
		}
		return AuditColumns(table)
	})
}

// ReadTables reads of each table the columns that are wanted, "" being none.
func ReadTables(t *testing.T, db *sql.DB, columns func(table string) string) Snapshot {
	t.Helper()
	list := "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
	if _, postgres := db.Driver().(*stdlib.Driver); !postgres {
		list = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
	}
	out := Snapshot{}
	for _, table := range readRows(t, db, list) {
		if named := columns(table); named != "" {
			out[table] = readRows(t, db, "SELECT "+named+" FROM "+table)
			slices.Sort(out[table])
		}
	}
	if len(out) < 5 {
		t.Fatalf("a snapshot of %d tables proves nothing", len(out))
	}
	return out
}

func readRows(t *testing.T, db *sql.DB, query string) []string {
	t.Helper()
	rows, err := db.QueryContext(context.WithoutCancel(t.Context()), query)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	out := []string{}
	for rows.Next() {
		values := make([]any, len(columns))
		for i := range values {
			values[i] = new(any)
		}
		if err := rows.Scan(values...); err != nil {
			t.Fatal(err)
		}
		words := make([]string, len(columns))
		for i, v := range values {
			switch v := (*v.(*any)).(type) {
			case []byte:
				words[i] = fmt.Sprintf("%q", v)
			default:
				words[i] = fmt.Sprint(v)
			}
		}
		out = append(out, strings.Join(words, " | "))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// Diff tells how the tables differ from what they were.
func (s Snapshot) Diff(now Snapshot) string {
	var out strings.Builder
	for _, table := range slices.Sorted(maps.Keys(now)) {
		for _, row := range now[table] {
			if !slices.Contains(s[table], row) {
				fmt.Fprintf(&out, "+ %s: %s\n", table, row)
			}
		}
		for _, row := range s[table] {
			if table != outbox && !slices.Contains(now[table], row) {
				fmt.Fprintf(&out, "- %s: %s\n", table, row)
			}
		}
	}
	return out.String()
}

// Unchanged runs fn and asserts that no row of any table was written, the
// audit trail included, but in the tables named.
func (a *App) Unchanged(t *testing.T, fn func(), except ...string) {
	t.Helper()
	before := a.Snapshot(except...)
	fn()
	if diff := before.Diff(a.Snapshot(except...)); diff != "" {
		t.Errorf("what was refused has written:\n%s", diff)
	}
}

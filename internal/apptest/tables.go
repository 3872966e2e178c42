package apptest

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
)

// SQL opens a connection of the test's own, past the service.
func (a *App) SQL() *sql.DB {
	a.T.Helper()
	a.sqlOnce.Do(func() {
		driver, source := "pgx", string(a.Config.DatabaseURL)
		if path, ok := strings.CutPrefix(source, "sqlite://"); ok {
			driver, source = "sqlite", "file:"+path+"?_pragma=busy_timeout(10000)&_txlock=immediate"
		}
		if a.direct != "" {
			source = a.direct
		}
		db, err := sql.Open(driver, source)
		if err != nil {
			a.T.Fatal(err)
		}
		a.T.Cleanup(func() { _ = db.Close() })
		a.sql = db
	})
	return a.sql
}

// Exec changes rows behind the service's back. Values are ours, so they stand
// in the statement: the engines number their parameters differently.
func (a *App) Exec(format string, args ...any) {
	a.T.Helper()
	if _, err := a.SQL().ExecContext(a.T.Context(), fmt.Sprintf(format, args...)); err != nil {
		a.T.Fatal(err)
	}
}

// Disable disables a user, which has no call in the API.
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

// Snapshot is every row of every table, the audit trail included. How events are
// chained is left out: a running service does that behind everybody's back.
type Snapshot map[string][]string

const auditColumns = "id, at, action, actor_id, user_id, team_id, session_id, ip, user_agent, data"

// Snapshot reads all tables but those named.
func (a *App) Snapshot(except ...string) Snapshot {
	a.T.Helper()
	ctx := context.WithoutCancel(a.T.Context())
	list := "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
	if a.Config.Engine() == "sqlite" {
		list = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
	}
	out := Snapshot{}
	for _, table := range a.rows(ctx, list) {
		if !slices.Contains(except, table) && table != "audit_heads" {
			columns := "*"
			if table == "audit_events" {
				columns = auditColumns
			}
			out[table] = a.rows(ctx, "SELECT "+columns+" FROM "+table)
			slices.Sort(out[table])
		}
	}
	if len(out) < 5 {
		a.T.Fatalf("a snapshot of %d tables proves nothing", len(out))
	}
	return out
}

func (a *App) rows(ctx context.Context, query string) []string {
	a.T.Helper()
	rows, err := a.SQL().QueryContext(ctx, query)
	if err != nil {
		a.T.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		a.T.Fatal(err)
	}
	out := []string{}
	for rows.Next() {
		values := make([]any, len(columns))
		for i := range values {
			values[i] = new(any)
		}
		if err := rows.Scan(values...); err != nil {
			a.T.Fatal(err)
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
		a.T.Fatal(err)
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
			if !slices.Contains(now[table], row) {
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

package storage_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

// Every foreign key that cascades, or sets NULL, looks for the rows that hang on a
// deleted one. Without an index that it can use as it is, each is a scan.
func TestForeignKeysThatCascadeHaveIndexes(t *testing.T) {
	t.Parallel()
	for _, engine := range storagetest.Engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			d := storagetest.Open(t, engine)
			keys, indexes := cascades(t, d)
			if len(keys) < 7 || !slices.Contains(keys, "team_sessions(session_id)") {
				t.Fatalf("the catalogue tells of %v", keys)
			}
			for _, key := range keys {
				prefix := strings.TrimSuffix(key, ")")
				if !slices.ContainsFunc(indexes, func(i string) bool {
					return i == key || strings.HasPrefix(i, prefix+",")
				}) {
					t.Errorf("no index for the foreign key %s, of %v", key, indexes)
				}
			}
		})
	}
}

// cascades are the foreign keys that do something on a delete, and the indexes
// that hold for every row, both as table(column,column).
func cascades(t *testing.T, d *storagetest.Database) (keys, indexes []string) {
	t.Helper()
	foreign := `SELECT m.name || '(' || group_concat(f."from") || ')' FROM sqlite_master AS m JOIN pragma_foreign_key_list(m.name) AS f
		WHERE m.type = 'table' AND f.on_delete <> 'NO ACTION' GROUP BY m.name, f.id`
	all := `SELECT m.name || '(' || (SELECT group_concat(c.name) FROM pragma_index_info(i.name) AS c) || ')'
		FROM sqlite_master AS m JOIN pragma_index_list(m.name) AS i WHERE m.type = 'table' AND NOT i.partial
		AND NOT EXISTS (SELECT 1 FROM pragma_index_info(i.name) AS c WHERE c.name IS NULL)`
	if d.Engine == storagetest.Postgres {
		foreign = `SELECT conrelid::regclass || '(' || (SELECT string_agg(a.attname, ',' ORDER BY k.n)
				FROM unnest(conkey) WITH ORDINALITY AS k(attnum, n) JOIN pg_attribute AS a ON a.attrelid = conrelid AND a.attnum = k.attnum) || ')'
			FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace AND confdeltype IN ('c', 'n', 'd')`
		all = `SELECT indrelid::regclass || '(' || (SELECT string_agg(a.attname, ',' ORDER BY k.n)
				FROM unnest(indkey::int2[]) WITH ORDINALITY AS k(attnum, n) JOIN pg_attribute AS a ON a.attrelid = indrelid AND a.attnum = k.attnum) || ')'
			FROM pg_index WHERE indpred IS NULL AND indexprs IS NULL AND indisvalid`
	}
	return column(t, d, foreign), column(t, d, all)
}

// column reads texts around the store.
func column(t *testing.T, d *storagetest.Database, query string) []string {
	t.Helper()
	rows, err := d.SQL.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	var out []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		out = append(out, s)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// Each reason to sweep rows goes by an index, however many rows there are.
func TestSweepGoesByIndexes(t *testing.T) {
	t.Parallel()
	for _, engine := range storagetest.Engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			d := storagetest.Open(t, engine)
			for query, index := range map[string]string{
				"SELECT s.id FROM sessions AS s WHERE s.expires_at < '2020-01-01' LIMIT 500":                             "sessions_expires",
				"SELECT s.id FROM sessions AS s WHERE s.idle_expires_at < '2020-01-01' AND s.ended_at IS NULL LIMIT 500": "sessions_idle",
				"SELECT s.id FROM sessions AS s WHERE s.ended_at < '2020-01-01' LIMIT 500":                               "sessions_ended_at",
				"SELECT b.hash FROM burned_secrets AS b WHERE b.expires_at < '2020-01-01' LIMIT 500":                     "burned_secrets_expires",
				"SELECT k.id FROM tickets AS k WHERE k.expires_at < '2020-01-01' LIMIT 500":                              "tickets_expires",
				"SELECT lg.id FROM link_grants AS lg WHERE lg.expires_at < '2020-01-01' LIMIT 500":                       "link_grants_expires",
				"SELECT dr.id FROM device_requests AS dr WHERE dr.expires_at < '2020-01-01' LIMIT 500":                   "device_requests_expires",
				"SELECT cg.id FROM client_grants AS cg WHERE cg.revoked_at < '2020-01-01' LIMIT 500":                     "client_grants_revoked",
				"SELECT c.id FROM email_challenges AS c WHERE c.expires_at < '2020-01-01' LIMIT 500":                     "email_challenges_expires",
			} {
				if plan := d.Plan(t, query); !strings.Contains(plan, index) {
					t.Errorf("%s does not go by %s: %s", query, index, plan)
				}
			}
		})
	}
}

// More rows than a batch, while a request holds one of them: the sweep passes
// over it and ends.
func TestSweepInBatches(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		u := d.User(t)
		now := d.Clock.Now()
		held := d.Session(t, u.ID)
		const more = 1700
		copies := `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1700)
			INSERT INTO sessions (id, user_id, token_hash, methods, created_at, authenticated_at, last_seen_at, idle_expires_at, expires_at)
			SELECT ` + map[string]string{
			storagetest.SQLite:   "printf('%08x-0000-4000-8000-000000000000', n.i), s.user_id, randomblob(32)",
			storagetest.Postgres: "gen_random_uuid(), s.user_id, sha256(i::text::bytea)",
		}[d.Engine] + `, s.methods, s.created_at, s.authenticated_at, s.last_seen_at, s.idle_expires_at, s.expires_at FROM n, sessions AS s`
		if err := d.Exec(copies); err != nil {
			t.Fatal(err)
		}
		old := now.Add(100 * 24 * time.Hour)
		want := int64(more + 1)
		if d.Engine == storagetest.Postgres { // SQLite has one writer
			want--
			tx, err := d.SQL.BeginTx(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = tx.Rollback() }()
			if _, err := tx.ExecContext(t.Context(), "SELECT FROM sessions WHERE id = $1 FOR NO KEY UPDATE", held.ID.String()); err != nil {
				t.Fatal(err)
			}
		}
		gone, err := d.Sweep(t.Context(), now, old)
		if err != nil || gone != want {
			t.Errorf("swept %d, %v; want %d", gone, err, want)
		}
	})
}

// Of two replicas one sweeps; the other does not wait for it.
func TestOneSweepsAtATime(t *testing.T) {
	t.Parallel()
	d := storagetest.Open(t, storagetest.Postgres)
	u := d.User(t)
	d.Session(t, u.ID)
	old := d.Clock.Now().Add(100 * 24 * time.Hour)
	tx, err := d.SQL.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	if _, err := tx.ExecContext(t.Context(), "SELECT pg_advisory_xact_lock(hashtextextended('latchkey sweeper', 0))"); err != nil {
		t.Fatal(err)
	}
	if gone, err := d.Sweep(t.Context(), old, old); err != nil || gone != 0 {
		t.Errorf("beside another: %d, %v", gone, err)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if gone, err := d.Sweep(t.Context(), old, old); err != nil || gone != 1 {
		t.Errorf("alone: %d, %v", gone, err)
	}
}

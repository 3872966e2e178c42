package migrations_test

import (
	"io/fs"
	"regexp"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/migrations"
)

// firstBesideTraffic is the first migration that must not hold up a table in use. Those
// before it were released as they are.
const firstBesideTraffic = "00030"

// fewRows are statements that change rows of an older table, but only a few of them.
var fewRows = map[string]string{
	// The events of the last second, that nothing has chained yet.
	"00036_audit_seals.sql": "UPDATE audit_events SET seq = 0",
}

// On PostgreSQL a migration may not read or rewrite a table of earlier migrations
// while it locks it: at millions of rows the replicas that still run would wait.
func TestMigrationsRunBesideTraffic(t *testing.T) {
	t.Parallel()
	names, err := fs.Glob(migrations.Postgres(), "*.sql")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		if name < firstBesideTraffic {
			continue
		}
		text, err := fs.ReadFile(migrations.Postgres(), name)
		if err != nil {
			t.Fatal(err)
		}
		for _, complaint := range blocking(strings.Replace(string(text), fewRows[name], "", 1)) {
			t.Errorf("%s: %s", name, complaint)
		}
	}
}

// Nothing but what it does keeps two processes on one SQLite file from both applying a
// migration: one of them must fail.
func TestMigrationsFailTwice(t *testing.T) {
	t.Parallel()
	names, err := fs.Glob(migrations.SQLite(), "*.sql")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	changes := regexp.MustCompile(`(?m)^(CREATE|ALTER TABLE|DROP)\b`)
	for _, name := range names {
		text, err := fs.ReadFile(migrations.SQLite(), name)
		if err != nil {
			t.Fatal(err)
		}
		if up, _, _ := strings.Cut(string(text), "-- +goose Down"); !changes.MatchString(up) || strings.Contains(up, "IF NOT EXISTS") {
			t.Errorf("%s succeeds when it is applied again", name)
		}
	}
}

func TestBlocking(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]int{
		"CREATE TABLE a (b int CHECK (b > 0)); CREATE INDEX c ON a (b);":                            0,
		"CREATE INDEX c ON a (b);":                                                                  1,
		"CREATE UNIQUE INDEX c ON a (b);":                                                           1,
		"CREATE INDEX CONCURRENTLY c ON a (b);":                                                     0,
		"ALTER TABLE a ADD COLUMN b int NOT NULL DEFAULT 0;":                                        0,
		"ALTER TABLE a ADD COLUMN b int CHECK (b > 0);":                                             1,
		"ALTER TABLE a ADD COLUMN b int REFERENCES c (d);":                                          1,
		"ALTER TABLE a ADD COLUMN b uuid DEFAULT gen_random_uuid();":                                1,
		"ALTER TABLE a ADD CONSTRAINT c CHECK (b > 0);":                                             1,
		"ALTER TABLE a ADD CONSTRAINT c CHECK (b > 0) NOT VALID;":                                   0,
		"ALTER TABLE a ADD CONSTRAINT c CHECK (b > 0) NOT VALID,\n ADD COLUMN e int CHECK (e > 0);": 1,
		"ALTER TABLE a ALTER COLUMN b SET NOT NULL;":                                                1,
		"ALTER TABLE a ALTER COLUMN b TYPE bigint;":                                                 1,
		"ALTER TABLE a VALIDATE CONSTRAINT c;":                                                      0,
		"CREATE TABLE a (b int); ALTER TABLE a ADD CONSTRAINT c CHECK (b > 0);":                     0,
		"UPDATE a SET b = 1;":                                                                       1,
		"CREATE TABLE a (b int); -- CREATE INDEX c ON d (e);":                                       0,
		"SELECT 1;\n-- +goose Down\nDROP INDEX c;":                                                  0,
	} {
		if got := blocking(sql); len(got) != want {
			t.Errorf("%s: %q, want %d", sql, got, want)
		}
	}
}

var (
	comment  = regexp.MustCompile(`--[^\n]*`)
	function = regexp.MustCompile(`(?s)\$\$.*?\$\$`) // its statements run later
	created  = regexp.MustCompile(`(?i)CREATE TABLE (?:IF NOT EXISTS )?(\w+)`)
	index    = regexp.MustCompile(`(?is)^CREATE (?:UNIQUE )?INDEX (CONCURRENTLY )?.*? ON (\w+)`)
	alter    = regexp.MustCompile(`(?is)^ALTER TABLE (?:IF EXISTS )?(\w+)\s+(.*)$`)
	action   = regexp.MustCompile(`(?i),\s*(ADD|ALTER|DROP|VALIDATE)\b`)
	reads    = regexp.MustCompile(`(?is)^ADD (?:CONSTRAINT|CHECK|FOREIGN|UNIQUE|PRIMARY|EXCLUDE)|^ADD (?:COLUMN )?.*\b(?:CHECK|REFERENCES|UNIQUE|PRIMARY KEY)\b|SET NOT NULL|\bTYPE\b`)
	volatile = regexp.MustCompile(`(?is)^ADD (?:COLUMN )?.*DEFAULT\s+\w+\s*\(`)
	rows     = regexp.MustCompile(`(?is)^(?:UPDATE|DELETE FROM|INSERT INTO)\s+(\w+)`)
)

// blocking returns what in a migration up holds a lock of an older table for as long
// as it takes to read its rows.
func blocking(migration string) (out []string) {
	up, _, _ := strings.Cut(migration, "-- +goose Down")
	up = function.ReplaceAllString(comment.ReplaceAllString(up, ""), "")
	own := map[string]bool{}
	for _, m := range created.FindAllStringSubmatch(up, -1) {
		own[m[1]] = true
	}
	for statement := range strings.SplitSeq(up, ";") {
		statement = strings.TrimSpace(statement)
		if m := index.FindStringSubmatch(statement); m != nil && m[1] == "" && !own[m[2]] {
			out = append(out, "builds an index without CONCURRENTLY: "+statement)
		}
		if m := rows.FindStringSubmatch(statement); m != nil && !own[m[1]] {
			out = append(out, "changes rows of an older table, which a job in batches should do: "+statement)
		}
		m := alter.FindStringSubmatch(statement)
		if m == nil || own[m[1]] {
			continue
		}
		for part := range strings.SplitSeq(action.ReplaceAllString(m[2], "\x00$1"), "\x00") {
			switch {
			case reads.MatchString(part) && !strings.Contains(strings.ToUpper(part), "NOT VALID"):
				out = append(out, "reads every row under a lock (NOT VALID, and VALIDATE later): "+part)
			case volatile.MatchString(part):
				out = append(out, "writes every row: "+part)
			}
		}
	}
	return out
}

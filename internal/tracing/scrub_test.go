package tracing

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestScrub(t *testing.T) {
	t.Parallel()
	for statement, want := range map[string][2]string{
		`SELECT "u"."id" FROM "users" AS "u" WHERE (u.email = 'ann''s@example.com') AND (u.n > -12.5e3)`: {
			`SELECT "u"."id" FROM "users" AS "u" WHERE (u.email = ?) AND (u.n > -?)`, "SELECT users"},
		`INSERT INTO "sessions" ("id", "ok") VALUES ('\x00ff', TRUE), (X'00', NULL)`: {
			`INSERT INTO "sessions" ("id", "ok") VALUES (?, ?), (X?, NULL)`, "INSERT sessions"},
		"UPDATE identities\n\tSET a1 = $1,  b = ?2 WHERE id = $3": {`UPDATE identities SET a1 = $1, b = ?2 WHERE id = $3`, "UPDATE identities"},
		`DELETE FROM "outbox" AS "o" WHERE (o.id = 'x')`:          {`DELETE FROM "outbox" AS "o" WHERE (o.id = ?)`, "DELETE outbox"},
		`SELECT a, (SELECT b FROM c) FROM d WHERE e = E'it\'s'`:   {`SELECT a, (SELECT b FROM c) FROM d WHERE e = ?`, "SELECT d"},
		`SELECT n.i FROM unnest($1::bytea[]) AS n`:                {`SELECT n.i FROM unnest($1::bytea[]) AS n`, "SELECT unnest"},
		`SELECT * FROM (SELECT 1) AS x`:                           {`SELECT * FROM (SELECT ?) AS x`, "SELECT"},
		`NOTIFY latchkey_changes, '0195 0196'`:                    {`NOTIFY latchkey_changes, ?`, "NOTIFY"},
		`SET LOCAL lock_timeout = 5000`:                           {`SET LOCAL lock_timeout = ?`, "SET"},
		`SELECT $tag$it's$tag$, $$x$$, 'open`:                     {`SELECT ?, ?, ?`, "SELECT"},
		"SELECT a -- don't\nFROM b WHERE c = 'x'":                 {`SELECT a FROM b WHERE c = ?`, "SELECT b"},
		`SELECT a /* it's */ FROM b WHERE c = 'x'`:                {`SELECT a FROM b WHERE c = ?`, "SELECT b"},
		`COMMIT`: {`COMMIT`, "COMMIT"},
		``:       {``, ``},
	} {
		got := Scrub(statement)
		if got != want[0] || Summary(got) != want[1] {
			t.Errorf("%s\nis    %s (%s)\nwant  %s (%s)", statement, got, Summary(got), want[0], want[1])
		}
	}
	if long := Scrub("SELECT " + strings.Repeat("é", maxText)); len(long) > maxText+3 {
		t.Errorf("%d bytes", len(long))
	}
}

// Nothing of a text that was quoted as databases want it is left, whatever is in it.
func TestScrubLeavesNoText(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		quote := func(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
		first, second := rapid.String().Draw(t, "first"), rapid.String().Draw(t, "second")
		got := Scrub(`SELECT "a" FROM "b" WHERE c = ` + quote(first) + ` AND d LIKE ` + quote(second) + ` LIMIT 10`)
		if want := `SELECT "a" FROM "b" WHERE c = ? AND d LIKE ? LIMIT ?`; got != want {
			t.Fatalf("%q", got)
		}
	})
}

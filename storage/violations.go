package storage

import (
	"context"
	"fmt"
	"strings"
)

// invariants are queries that find nothing in a sound database, each with what
// it means when it does. Unique indexes, foreign keys and checks hold the rest.
var invariants = []struct{ means, query string }{
	{"an active user without an identity",
		`SELECT u.id FROM users AS u WHERE u.status = 'active' AND u.created_by_key IS NULL
		 AND NOT EXISTS (SELECT 1 FROM identities AS i WHERE i.user_id = u.id)`},
	{"a tombstone with identities",
		`SELECT u.id FROM users AS u JOIN identities AS i ON i.user_id = u.id WHERE u.status = 'merged'`},
	{"a tombstone with addresses",
		`SELECT u.id FROM users AS u JOIN emails AS e ON e.user_id = u.id WHERE u.status = 'merged'`},
	{"a tombstone with open sessions",
		`SELECT u.id FROM users AS u JOIN sessions AS s ON s.user_id = u.id WHERE u.status = 'merged' AND s.ended_at IS NULL`},
	{"a tombstone that is a member",
		`SELECT u.id FROM users AS u JOIN memberships AS m ON m.user_id = u.id WHERE u.status = 'merged'`},
	{"an address that nothing vouches for",
		`SELECT e.user_id AS id FROM emails AS e WHERE NOT EXISTS (
			SELECT 1 FROM vouchers AS v WHERE v.address = e.address AND v.user_id = e.user_id AND v.ended_at IS NULL)`},
	{"a live voucher of an identity that is not the user's",
		`SELECT v.id FROM vouchers AS v WHERE v.user_id IS NOT NULL AND v.ended_at IS NULL AND v.provider NOT LIKE 'import:%' AND NOT EXISTS (
			SELECT 1 FROM identities AS i WHERE i.provider = v.provider AND i.subject = v.subject AND i.user_id = v.user_id)`},
	{"a tombstone with vouchers",
		`SELECT u.id FROM users AS u JOIN vouchers AS v ON v.user_id = u.id WHERE u.status = 'merged'`},
	{"a tombstone that lets an application do something",
		`SELECT u.id FROM users AS u JOIN client_grants AS cg ON cg.user_id = u.id WHERE u.status = 'merged' AND cg.revoked_at IS NULL`},
	{"a user merged in a circle",
		`WITH RECURSIVE chain (start, id, depth) AS (
			SELECT id, merged_into, 1 FROM users WHERE merged_into IS NOT NULL
			UNION ALL
			SELECT c.start, u.merged_into, c.depth + 1 FROM chain AS c JOIN users AS u ON u.id = c.id
			WHERE u.merged_into IS NOT NULL AND c.depth < 100
		 ) SELECT start AS id FROM chain WHERE id = start`},
	{"a team without an active owner",
		`SELECT t.id FROM teams AS t WHERE t.deleted_at IS NULL AND NOT EXISTS (
			SELECT 1 FROM memberships AS m JOIN users AS u ON u.id = m.user_id
			WHERE m.team_id = t.id AND m.role = 'owner' AND u.status = 'active')`},
	{"an open team session of someone who is no member",
		`SELECT t.id FROM team_sessions AS t LEFT JOIN memberships AS m ON m.team_id = t.team_id AND m.user_id = t.user_id
		 WHERE t.ended_at IS NULL AND m.role IS NULL`},
	{"an open team session of a deleted team",
		`SELECT t.id FROM team_sessions AS t JOIN teams AS tm ON tm.id = t.team_id
		 WHERE t.ended_at IS NULL AND tm.deleted_at IS NOT NULL`},
	{"a team session of another user's session",
		`SELECT t.id FROM team_sessions AS t JOIN sessions AS s ON s.id = t.session_id WHERE t.user_id <> s.user_id`},
	{"an open team session of a session that has ended",
		`SELECT t.id FROM team_sessions AS t JOIN sessions AS s ON s.id = t.session_id
		 WHERE t.ended_at IS NULL AND s.ended_at IS NOT NULL`},
	{"a session of another user's identity",
		`SELECT s.id FROM sessions AS s JOIN identities AS i ON i.id = s.identity_id
		 WHERE s.user_id <> i.user_id AND s.ended_at IS NULL`},
}

// Violations looks for rows that break what must always hold, and describes
// each. It is for tests and for `latchkey doctor`.
func (db *DB) Violations(ctx context.Context) ([]string, error) {
	queries := make([]string, len(invariants))
	for n, i := range invariants {
		queries[n] = fmt.Sprintf("SELECT %d AS n, CAST(f.id AS text) AS id FROM (SELECT q.id FROM (%s) AS q LIMIT 10) AS f", n, i.query)
	}
	var rows []struct {
		N  int
		ID string
	}
	if err := db.engine.normalise(db.read.NewRaw(strings.Join(queries, " UNION ALL ")+" ORDER BY n, id").Scan(ctx, &rows)); err != nil {
		return nil, err
	}
	out := make([]string, len(rows))
	for i, r := range rows {
		out[i] = invariants[r.N].means + ": " + r.ID
	}
	return out, nil
}

package sessiontest

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/revocation"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

// CrowdSize is more than one transaction ends, in more than one batch.
const CrowdSize = 1100

// Crowd copies a session, as replicas made them that knew no counts.
func (f *Fixture) Crowd(t *testing.T, of session.Session) {
	t.Helper()
	f.copies(t, "sessions", "user_id, token_hash, methods, created_at, authenticated_at, last_seen_at, idle_expires_at, expires_at",
		map[string]string{storagetest.SQLite: "s.user_id, randomblob(32)", storagetest.Postgres: "s.user_id, sha256(gen_random_uuid()::text::bytea)"}[f.Engine]+
			", s.methods, s.created_at, s.authenticated_at, s.last_seen_at, s.idle_expires_at, s.expires_at", of.ID)
}

// CrowdIn lets all sessions of a user but one act in a team.
func (f *Fixture) CrowdIn(t *testing.T, id identity.ID, of session.Session) {
	t.Helper()
	fresh := map[string]string{storagetest.SQLite: "lower(hex(randomblob(4)) || '-0000-4000-8000-' || hex(randomblob(6)))", storagetest.Postgres: "gen_random_uuid()"}[f.Engine]
	if err := f.Exec("INSERT INTO team_sessions (id, team_id, session_id, user_id, created_at) SELECT "+fresh+", '"+id.String()+
		"', s.id, s.user_id, s.created_at FROM sessions AS s WHERE s.user_id = ? AND s.id <> ?", of.UserID.String(), of.ID.String()); err != nil {
		t.Fatal(err)
	}
}

func (f *Fixture) copies(t *testing.T, table, columns, values string, of identity.ID) {
	t.Helper()
	id := map[string]string{storagetest.SQLite: "printf('%08x-0000-4000-8000-', n.i) || lower(hex(randomblob(6)))", storagetest.Postgres: "gen_random_uuid()"}[f.Engine]
	if err := f.Exec("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1100) INSERT INTO "+table+" (id, "+columns+") SELECT "+
		id+", "+values+" FROM n, "+table+" AS s WHERE s.id = ?", of.String()); err != nil {
		t.Fatal(err)
	}
}

// FinishJob works on jobs until none is left, and returns one of them.
func (f *Fixture) FinishJob(t *testing.T, id identity.ID) revocation.Job {
	t.Helper()
	for range 100 {
		again, err := f.Jobs().Work(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !again {
			break
		}
	}
	j, err := f.Jobs().Get(t.Context(), id)
	if err != nil || j.FinishedAt == nil {
		t.Fatalf("not finished: %+v, %v", j, err)
	}
	return j
}

// Recorded returns the sessions that the audit trail says a job ended, which must be each
// once.
func (f *Fixture) Recorded(t *testing.T, job identity.ID) []string {
	t.Helper()
	rows, err := f.SQL.QueryContext(t.Context(), "SELECT CAST(data AS text) FROM audit_events WHERE action IN ('session.ended', 'team_session.revoked')")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	var all []string
	for rows.Next() {
		var text string
		var data struct {
			Job  string   `json:"job_id"`
			IDs  []string `json:"ended_session_ids"`
			Team []string `json:"team_session_ids"`
		}
		if err := errors.Join(rows.Scan(&text), json.Unmarshal([]byte(text), &data)); err != nil {
			t.Fatal(err)
		}
		if data.Job == job.String() {
			all = append(append(all, data.IDs...), data.Team...)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	if len(slices.Compact(slices.Clone(all))) != len(all) {
		t.Error("the audit trail tells of a session twice")
	}
	return all
}

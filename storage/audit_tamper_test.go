package storage_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/audit"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

// later is a microsecond behind instant.
const later = "2026-03-01 12:30:45.123457+00:00"

// testTampering changes the trail past the guards of the schema, as one can who
// owns the database: every change is found, in the chain it was made in.
func testTampering(t *testing.T, d *storagetest.Database) {
	forged := "'" + strings.Repeat("x", 32) + "'"
	if d.Engine == storagetest.SQLite {
		forged = "x'" + strings.Repeat("78", 32) + "'"
	}
	// Each gets a chain of 6 events.
	cases := []struct {
		name       string
		statements []string // %[1]s is the chain
		want       string
	}{
		{"an event in the middle is removed", []string{"DELETE FROM audit_events" + at(3)}, "event 4: event 3 before it is missing"},
		{"several are removed", []string{"DELETE FROM audit_events" + at(3), "DELETE FROM audit_events" + at(4)}, "event 5: events 3 to 4 before it are missing"},
		{"the first is removed", []string{"DELETE FROM audit_events" + at(1)}, "event 2: event 1 before it is missing"},
		{"the last is removed", []string{"DELETE FROM audit_events" + at(6)}, "it ends at event 5, but event 6 was the last"},
		{"the last is removed, and its head moved", []string{
			"DELETE FROM audit_events" + at(6), "UPDATE audit_heads SET seq = 5 WHERE chain = '%[1]s'",
		}, "event 5: it is not the event that the chain's head names"},
		{"data is changed", []string{`UPDATE audit_events SET data = '{"word": "x"}'` + at(3)}, "event 3: it was changed"},
		{"data is made unreadable", []string{`UPDATE audit_events SET data = '[]'` + at(3)}, "event 3: it was changed: it cannot be read"},
		{"who did it is changed", []string{"UPDATE audit_events SET actor_id = NULL" + at(3)}, "event 3: it was changed"},
		{"the time is changed", []string{"UPDATE audit_events SET at = '" + later + "'" + at(6)}, "event 6: it was changed"},
		{"the address is changed", []string{"UPDATE audit_events SET ip = ''" + at(1)}, "event 1: it was changed"},
		{"an event is changed with its hash", []string{
			"UPDATE audit_events SET ip = ''" + at(3), "UPDATE audit_events SET hash = " + forged + at(3),
		}, "event 4: it does not follow the event before it"},
		{"two are swapped", []string{
			"UPDATE audit_events SET seq = 99" + at(3), "UPDATE audit_events SET seq = 3" + at(4), "UPDATE audit_events SET seq = 4" + at(99),
		}, "event 3: it does not follow the event before it"},
		{"the contents of two are swapped", []string{
			"UPDATE audit_events SET action = 'a'" + at(3), "UPDATE audit_events SET action = 'b'" + at(4),
		}, "event 4: it was changed"},
		{"one is put in between", []string{
			"UPDATE audit_events SET seq = 7" + at(6),
			"INSERT INTO audit_events (id, at, action, team_id, data, seq, prev_hash, hash) SELECT '" + newID() + "', at, action, team_id, data, 6, hash, " +
				forged + " FROM audit_events" + at(5),
		}, "event 6: it was changed"},
		{"one is put at the end", []string{
			"INSERT INTO audit_events (id, at, action, team_id, data, seq, prev_hash, hash) SELECT '" + newID() + "', at, action, team_id, data, 7, hash, " +
				forged + " FROM audit_events" + at(6),
		}, "it goes on to event 7 behind its head, event 6"},
		{"an event is unchained", []string{"UPDATE audit_events SET seq = NULL, prev_hash = NULL, hash = NULL" + at(3)}, "event 4: event 3 before it is missing"},
		{"the head is changed", []string{"UPDATE audit_heads SET hash = " + forged + " WHERE chain = '%[1]s'"}, "event 6: it is not the event that the chain's head names"},
		{"the head is removed", []string{"DELETE FROM audit_heads WHERE chain = '%[1]s'"}, "the chain has no head"},
		{"all events are removed", []string{"DELETE FROM audit_events WHERE coalesce(team_id, '00000000-0000-0000-0000-000000000000') = '%[1]s'"}, "it ends at event 0, but event 6 was the last"},
		{"all of the chain is removed", []string{
			"DELETE FROM audit_events WHERE team_id = '%[1]s'", "DELETE FROM audit_heads WHERE chain = '%[1]s'",
		}, "the chain has no head"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			chain := d.Team(t, d.User(t).ID).ID
			for range 6 {
				d.Record(t, d.Event(&chain))
			}
			wantWhole(t, d, &chain, 6)
			for _, s := range c.statements {
				d.Unguarded(t, fmt.Sprintf(s, chain))
			}
			all, _, _ := d.Breaks(t, nil)
			if !reported(all, audit.Name(chain)+": "+c.want) {
				t.Errorf("not reported %q: %q", c.want, all)
			}
			for _, other := range all {
				if !strings.HasPrefix(other, audit.Name(chain)+": ") {
					t.Errorf("another chain is broken: %s", other)
				}
			}
			d.Unguarded(t, "DELETE FROM audit_events WHERE team_id = '"+chain.String()+"'", "DELETE FROM audit_heads WHERE chain = '"+chain.String()+"'",
				"DELETE FROM memberships WHERE team_id = '"+chain.String()+"'", "DELETE FROM teams WHERE id = '"+chain.String()+"'")
		})
	}

	t.Run("an event moves to another team", func(t *testing.T) {
		a, b := identity.NewID(), identity.NewID()
		d.Record(t, d.Event(&a), d.Event(&a), d.Event(&a))
		d.Record(t, d.Event(&b))
		d.Unguarded(t, fmt.Sprintf("UPDATE audit_events SET team_id = '%[2]s'"+at(2), a, b))
		for _, chain := range []identity.ID{a, b} {
			if breaks, _, _ := d.Breaks(t, &chain); len(breaks) == 0 {
				t.Errorf("%s is whole", audit.Name(chain))
			}
		}
	})

	t.Run("everything is rewritten, with its heads", func(t *testing.T) {
		chain := identity.NewID()
		first, second := d.Event(&chain), d.Event(&chain)
		d.Record(t, first, second)
		anchor := hex.EncodeToString(must[audit.Head](t)(d.Head(t.Context(), chain)).Hash)
		d.Unguarded(t, "DELETE FROM audit_events WHERE team_id = '"+chain.String()+"'", "DELETE FROM audit_heads WHERE chain = '"+chain.String()+"'")
		second.IP = ""
		d.Do(t, func(ctx context.Context) error { return d.RecordEvents(ctx, first, second) })
		wantWhole(t, d, &chain, 2) // which is why one keeps a head elsewhere
		if breaks, _, _ := d.Breaks(t, &chain, anchor); len(breaks) != 1 {
			t.Errorf("the head from before is found: %q", breaks)
		}
	})
	d.Unsound()
}

// at is the condition of one event, with the chain left open.
func at(seq int) string {
	return fmt.Sprintf(" WHERE coalesce(team_id, '00000000-0000-0000-0000-000000000000') = '%%[1]s' AND seq = %d", seq)
}

func reported(all []string, want string) bool {
	for _, s := range all {
		if strings.HasPrefix(s, want) {
			return true
		}
	}
	return false
}

// testGuards holds the schema to keeping audit events as they are.
func testGuards(t *testing.T, d *storagetest.Database) {
	team := identity.NewID()
	d.Record(t, d.Event(&team), d.Event(&team), d.Event(nil))
	statements := []string{
		"DELETE FROM audit_events", "DELETE FROM audit_events WHERE seq IS NULL", "DELETE FROM audit_heads",
		"UPDATE audit_events SET seq = seq + 5 WHERE seq IS NOT NULL", "UPDATE audit_events SET seq = NULL, prev_hash = NULL, hash = NULL WHERE seq = 2",
		"UPDATE audit_heads SET seq = seq - 1", "UPDATE audit_heads SET chain = '" + newID() + "'",
	}
	for _, column := range []string{"id", "actor_id", "user_id", "team_id", "session_id"} {
		statements = append(statements, "UPDATE audit_events SET "+column+" = '"+newID()+"' WHERE seq IS NULL")
	}
	for _, column := range []string{"action", "ip", "user_agent"} {
		statements = append(statements, "UPDATE audit_events SET "+column+" = 'changed'")
	}
	statements = append(statements, "UPDATE audit_events SET data = '{}' WHERE seq IS NULL", "UPDATE audit_events SET at = '"+later+"' WHERE seq IS NULL")
	if d.Engine == storagetest.Postgres {
		statements = append(statements, "TRUNCATE audit_events", "TRUNCATE audit_heads")
	}
	for _, s := range statements {
		if err := d.Exec(s); !isConstraint(err) {
			t.Errorf("%s: %v", s, err)
		}
	}
	must[int](t)(audit.NewService(d.DB).Seal(t.Context())) // which is an update, too
	wantWhole(t, d, &team, 2)
	wantWhole(t, d, &audit.Deployment, 1)
}

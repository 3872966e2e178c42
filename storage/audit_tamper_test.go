package storage_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
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
	// Each gets a chain of 6 events, as releases without seals made it.
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
				d.RecordChained(t, chain, d.Event(&chain))
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
		d.RecordChained(t, a, d.Event(&a), d.Event(&a), d.Event(&a))
		d.RecordChained(t, b, d.Event(&b))
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
		d.Seal(t)
		anchor := hex.EncodeToString(must[audit.Head](t)(d.Head(t.Context(), chain)).Hash)
		d.Unguarded(t, "DELETE FROM audit_events WHERE team_id = '"+chain.String()+"'", "DELETE FROM audit_heads WHERE chain = '"+chain.String()+"'",
			"DELETE FROM audit_seals WHERE chain = '"+chain.String()+"'", "DELETE FROM audit_keys WHERE event_id IN ('"+first.ID.String()+"', '"+second.ID.String()+"')")
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
	d.RecordChained(t, team, d.Event(&team), d.Event(&team)) // by a release without seals
	d.Record(t, d.Event(&team), d.Event(nil))
	d.Seal(t)
	d.Record(t, d.Event(&team), d.Event(nil)) // not sealed yet
	statements := []string{
		"DELETE FROM audit_events", "DELETE FROM audit_events WHERE seq = 0", "DELETE FROM audit_heads", "DELETE FROM audit_seals", "DELETE FROM audit_progress",
		"UPDATE audit_events SET seq = seq + 5 WHERE seq > 0", "UPDATE audit_events SET seq = NULL, prev_hash = NULL, hash = NULL WHERE seq = 2",
		"UPDATE audit_events SET seq = NULL WHERE seq = 0", "UPDATE audit_events SET position = position + 1 WHERE seq = 0",
		"UPDATE audit_events SET seq = 3, prev_hash = (SELECT hash FROM audit_heads LIMIT 1), hash = (SELECT hash FROM audit_heads LIMIT 1) WHERE seq = 0",
		"UPDATE audit_heads SET seq = seq - 1", "UPDATE audit_heads SET chain = '" + newID() + "'",
		"UPDATE audit_seals SET seq = seq + 1", "UPDATE audit_seals SET links = prev_hash", "UPDATE audit_progress SET position = position - 1",
		"INSERT INTO audit_progress (id, epoch, position, event_id) VALUES (2, 0, 0, '" + newID() + "')",
	}
	for _, column := range []string{"id", "actor_id", "user_id", "team_id", "session_id"} {
		statements = append(statements, "UPDATE audit_events SET "+column+" = '"+newID()+"' WHERE seq = 0")
	}
	for _, column := range []string{"action", "ip", "user_agent"} {
		statements = append(statements, "UPDATE audit_events SET "+column+" = 'changed'")
	}
	statements = append(statements, "UPDATE audit_events SET data = '{}' WHERE seq = 0", "UPDATE audit_events SET at = '"+later+"' WHERE seq = 0")
	if d.Engine == storagetest.Postgres {
		statements = append(statements, "TRUNCATE audit_events", "TRUNCATE audit_heads", "TRUNCATE audit_seals", "TRUNCATE audit_progress")
	}
	for _, s := range statements {
		if err := d.Exec(s); !isConstraint(err) {
			t.Errorf("%s: %v", s, err)
		}
	}
	wantWhole(t, d, &team, 4)
	wantWhole(t, d, &audit.Deployment, 2)
}

// testTamperingWithSeals is testTampering with what batches of events have.
func testTamperingWithSeals(t *testing.T, d *storagetest.Database) {
	type made struct {
		chain identity.ID
		event [7]identity.ID // from 1
		extra string
	}
	id := func(m made, n int) string { return " WHERE id = '" + m.event[n].String() + "'" }
	seal := func(m made, seq int) string {
		return fmt.Sprintf(" WHERE chain = '%s' AND seq = %d", m.chain, seq)
	}
	columns, place := "id, at, action, team_id, data, epoch, position", "epoch, position - 1"
	if d.Engine == storagetest.SQLite {
		columns, place = "id, at, action, team_id, data, position", "- position"
	}
	insert := func(m made, as, from string) string {
		return "INSERT INTO audit_events (" + columns + ") SELECT '" + m.extra + "', at, 'x', '" + m.chain.String() + "', data, " + as + " FROM audit_events" + from
	}
	forge := func(m made, seq, at int) string { // a byte of what a seal holds
		var links []byte
		query := "SELECT links FROM audit_seals" + seal(m, seq)
		if err := d.SQL.QueryRowContext(t.Context(), query).Scan(&links); err != nil {
			t.Fatal(err)
		}
		links[at] ^= 1
		literal := fmt.Sprintf(`'\x%x'`, links)
		if d.Engine == storagetest.SQLite {
			literal = fmt.Sprintf("x'%x'", links)
		}
		return "UPDATE audit_seals SET links = " + literal + seal(m, seq)
	}
	// Each gets a chain of 6 events in two seals.
	for _, c := range []struct {
		name       string
		statements func(m made) []string
		want       string // EXTRA is the id of the event that was put there
	}{
		{"an event in the middle is removed", func(m made) []string { return []string{"DELETE FROM audit_events" + id(m, 2)} }, "event 3: event 2 before it is missing"},
		{"several are removed", func(m made) []string {
			return []string{"DELETE FROM audit_events" + id(m, 3), "DELETE FROM audit_events" + id(m, 4)}
		}, "event 5: events 3 to 4 before it are missing"},
		{"the first is removed", func(m made) []string { return []string{"DELETE FROM audit_events" + id(m, 1)} }, "event 2: event 1 before it is missing"},
		{"the last is removed", func(m made) []string { return []string{"DELETE FROM audit_events" + id(m, 6)} }, "it ends at event 5, but event 6 was the last"},
		{"data is changed", func(m made) []string { return []string{`UPDATE audit_events SET data = '{"word": "x"}'` + id(m, 3)} }, "event 3: it was changed: its hash"},
		{"data is made unreadable", func(m made) []string { return []string{`UPDATE audit_events SET data = '[]'` + id(m, 3)} }, "event 3: it was changed: it cannot be read"},
		{"who did it is changed", func(m made) []string { return []string{"UPDATE audit_events SET actor_id = NULL" + id(m, 4)} }, "event 4: it was changed"},
		{"the time is changed", func(m made) []string { return []string{"UPDATE audit_events SET at = '" + later + "'" + id(m, 6)} }, "event 6: it was changed"},
		{"its id is changed", func(m made) []string { return []string{"UPDATE audit_events SET id = '" + m.extra + "'" + id(m, 1)} }, "event EXTRA was put behind event"},
		{"one is put in between", func(m made) []string { return []string{insert(m, place, id(m, 4))} }, "event EXTRA was put behind event"},
		{"one is put at the end, as if it were sealed", func(m made) []string {
			one := "INSERT INTO audit_events (id, at, action, team_id, data) SELECT '" + m.extra + "', at, 'x', '" + m.chain.String() + "', data FROM audit_events" + id(m, 4)
			return []string{"UPDATE audit_progress SET position = position + 1000000000", one}
		}, "event EXTRA was put behind event 6"},
		{"a hash is changed", func(m made) []string { return []string{forge(m, 1, 36+20)} }, "event 2: it was changed"},
		{"the end of an id is changed", func(m made) []string { return []string{forge(m, 1, 36+1)} }, "event 3: event 2 before it is missing"},
		{"a seal is removed", func(m made) []string { return []string{"DELETE FROM audit_seals" + seal(m, 1)} }, "event 4: events 1 to 3 before it are missing"},
		{"the last seal is removed", func(m made) []string { return []string{"DELETE FROM audit_seals" + seal(m, 4)} }, "it ends at event 3, but event 6 was the last"},
		{"a seal follows another event", func(m made) []string {
			return []string{"UPDATE audit_seals SET prev_hash = (SELECT prev_hash FROM audit_seals" + seal(m, 1) + ")" + seal(m, 4)}
		}, "event 4: it does not follow the event before it"},
		{"a seal is moved on", func(m made) []string { return []string{"UPDATE audit_seals SET seq = 5" + seal(m, 4)} }, "event 5: event 4 before it is missing"},
		{"the head is changed", func(m made) []string {
			return []string{"UPDATE audit_heads SET hash = (SELECT prev_hash FROM audit_seals" + seal(m, 1) + ") WHERE chain = '" + m.chain.String() + "'"}
		}, "event 6: it is not the event that the chain's head names"},
		{"the head is moved back", func(m made) []string {
			return []string{"UPDATE audit_heads SET seq = 4 WHERE chain = '" + m.chain.String() + "'"}
		}, "it goes on to event 6 behind its head, event 4"},
		{"the head is removed", func(m made) []string {
			return []string{"DELETE FROM audit_heads WHERE chain = '" + m.chain.String() + "'"}
		}, "the chain has no head"},
		{"an event moves to another chain", func(m made) []string { return []string{"UPDATE audit_events SET team_id = NULL" + id(m, 2)} }, "event 3: event 2 before it is missing"},
		{"all of the chain is removed", func(m made) []string {
			of := m.chain.String() + "'"
			return []string{"DELETE FROM audit_events WHERE team_id = '" + of, "DELETE FROM audit_heads WHERE chain = '" + of, "DELETE FROM audit_seals WHERE chain = '" + of}
		}, "the chain has no head"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := made{chain: d.Team(t, d.User(t).ID).ID, extra: newID()}
			for n := 1; n <= 6; n++ {
				e := d.Event(&m.chain)
				m.event[n] = e.ID
				d.Record(t, e)
				if n%3 == 0 {
					d.Seal(t)
				}
			}
			d.Record(t, d.Event(nil)) // for events that move there
			wantWhole(t, d, &m.chain, 6)
			d.Unguarded(t, c.statements(m)...)
			all, _, _ := d.Breaks(t, nil)
			if !reported(all, audit.Name(m.chain)+": "+strings.ReplaceAll(c.want, "EXTRA", m.extra)) {
				t.Errorf("not reported %q: %q", c.want, all)
			}
			elsewhere := slices.ContainsFunc(all, func(s string) bool { return !strings.HasPrefix(s, audit.Name(m.chain)+": ") })
			if moved := c.name == "an event moves to another chain"; elsewhere != moved {
				t.Errorf("another chain is broken: %t: %q", elsewhere, all)
			}
			of := m.chain.String() + "'"
			d.Unguarded(t, "DELETE FROM audit_events WHERE team_id = '"+of, "DELETE FROM audit_events WHERE id = '"+m.event[2].String()+"'",
				"DELETE FROM audit_heads WHERE chain = '"+of, "DELETE FROM audit_seals WHERE chain = '"+of,
				"DELETE FROM memberships WHERE team_id = '"+of, "DELETE FROM teams WHERE id = '"+of)
			if strings.Contains(c.name, "as if") {
				d.Unguarded(t, "UPDATE audit_progress SET position = position - 1000000000")
			}
		})
	}
	d.Unsound()
}

package storage_test

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/audit"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
	"github.com/latchkey/latchkey/storage"
)

func testSeals(t *testing.T, d *storagetest.Database) {
	t.Run("a release without seals writes beside this one", func(t *testing.T) { testSealsBesideChained(t, d) })
	t.Run("what ends alike is in two seals", func(t *testing.T) {
		team := identity.NewID()
		same := func(e *identity.Event) { copy(e.ID[12:], "same") }
		d.Record(t, d.Event(&team), d.Event(&team, same), d.Event(&team, same), d.Event(&team))
		wantWhole(t, d, &team, 4)
		if n := d.Count(t, "audit_seals WHERE chain = '"+team.String()+"'"); n != 2 {
			t.Errorf("%d seals", n)
		}
	})
	t.Run("a chain is read on from any of its events", func(t *testing.T) { testLinksFromAnywhere(t, d) })
	t.Run("lists and filtered exports show what seals hold", func(t *testing.T) { testSealsInLists(t, d) })
	if d.Engine == storagetest.Postgres {
		t.Run("nothing is sealed that a transaction may precede", func(t *testing.T) { testHorizon(t, d) })
		t.Run("on another server numbers of transactions start again", func(t *testing.T) { testRestored(t, d) })
	}
}

// testSealsBesideChained has both kinds of writers at the same chains.
func testSealsBesideChained(t *testing.T, d *storagetest.Database) {
	teams := []identity.ID{identity.NewID(), identity.NewID()}
	var before int
	for _, team := range teams { // the old trail
		d.RecordChained(t, team, d.Event(&team), d.Event(&team))
	}
	if head, err := d.Head(t.Context(), audit.Deployment); err == nil {
		before = int(head.Seq)
	}
	var wg sync.WaitGroup
	for n := range 4 {
		wg.Go(func() {
			for i := range 10 {
				team := teams[(n+i)%2]
				if n%2 == 0 {
					d.RecordChained(t, team, d.Event(&team))
					// Theirs without a team they leave to a sealer.
					err := d.Exec("INSERT INTO audit_events (id, at, action, ip, user_agent, data) VALUES (?, ?, 'x', '', '', '{}')", newID(), instant)
					if err != nil {
						t.Error(err)
					}
				} else {
					d.Record(t, d.Event(&team), d.Event(nil))
				}
				if breaks, _, _ := d.Breaks(t, &team); len(breaks) > 0 {
					t.Errorf("while it grows: %q", breaks)
				}
			}
		})
	}
	wg.Wait()
	wantWhole(t, d, &teams[0], 22)
	wantWhole(t, d, &teams[1], 22)
	wantWhole(t, d, &audit.Deployment, before+40)
	// Their sealer finds nothing of what this one has to seal.
	d.Record(t, d.Event(nil))
	if n := d.Count(t, "audit_events WHERE seq IS NULL"); n != 0 {
		t.Errorf("%d events wait for the sealer of a release without seals", n)
	}
}

// testLinksFromAnywhere reads a chain of all kinds of parts from each of its events,
// in parts of each size.
func testLinksFromAnywhere(t *testing.T, d *storagetest.Database) {
	team := identity.NewID()
	d.RecordChained(t, team, d.Event(&team), d.Event(&team), d.Event(&team))
	d.Record(t, d.Event(&team), d.Event(&team), d.Event(&team), d.Event(&team))
	d.Seal(t)
	d.RecordChained(t, team, d.Event(&team))
	for range 3 {
		d.Record(t, d.Event(&team))
		d.Seal(t)
	}
	const all = 11
	wantWhole(t, d, &team, all)
	for limit := 1; limit <= all+1; limit++ {
		for from := int64(0); from <= all; from++ {
			at := from
			for {
				links := must[[]audit.Link](t)(d.Links(t.Context(), team, at, limit))
				for _, l := range links {
					if at++; l.Seq == nil || *l.Seq != at {
						t.Fatalf("from %d by %d: at %d comes %v", from, limit, at, l.Seq)
					}
				}
				if len(links) == 0 {
					break
				}
			}
			if at != all {
				t.Errorf("from %d by %d: it ends at %d", from, limit, at)
			}
		}
	}
}

// What no filter narrows, but to a chain, is read by a walk and by nothing besides.
func TestUnfilteredExportIsAWalk(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		team := d.Team(t, d.User(t).ID).ID
		d.Record(t, d.Event(&team), d.Event(&team), d.Event(nil), d.Event(nil))
		d.Seal(t)
		var asked []string
		storage.Spy(d.DB, func(query string) { asked = append(asked, query) })
		for chain, f := range map[identity.ID]audit.Filter{audit.Deployment: {}, team: {TeamID: &team}} {
			asked = nil
			if _, _, _, err := storage.Walk(t.Context(), d.DB, chain, 0, 1, audit.Filter{}); err != nil || len(asked) == 0 {
				t.Fatalf("%q, %v", asked, err)
			}
			walk := asked
			asked = nil
			rows := must[[]audit.Record](t)(d.Chained(t.Context(), f, audit.Position{Chain: chain}, 1))
			if len(rows) == 0 || !slices.Equal(asked, walk) {
				t.Errorf("%d events by\n%s\nwant\n%s", len(rows), strings.Join(asked, "\n"), strings.Join(walk, "\n"))
			}
		}
	})
}

func testSealsInLists(t *testing.T, d *storagetest.Database) {
	team, user := identity.NewID(), identity.NewID()
	mine := func(e *identity.Event) { e.UserID = &user }
	d.RecordChained(t, team, d.Event(&team, mine))
	for range 3 {
		d.Record(t, d.Event(&team), d.Event(&team, mine), d.Event(nil, mine), d.Event(nil))
		d.Seal(t)
	}
	d.Record(t, d.Event(&team, mine))
	page := identity.Page{Limit: 50}
	rows := must[[]audit.Record](t)(d.Events(t.Context(), audit.Filter{UserID: &user}, page))
	if len(rows) != 8 || rows[0].Seq != nil || rows[0].Hash != nil {
		t.Fatalf("%d events, the newest %v", len(rows), rows[0])
	}
	few := must[[]audit.Record](t)(d.Chained(t.Context(), audit.Filter{UserID: &user}, audit.Position{}, 50))
	hashes := map[identity.ID]string{}
	for _, r := range few {
		if hashes[r.ID] = string(r.Hash); string(must[[]byte](t)(r.Sum())) != hashes[r.ID] {
			t.Errorf("%v: %x", r.Seq, r.Hash)
		}
	}
	for _, r := range rows[1:] {
		if r.Seq == nil || string(r.Hash) != hashes[r.ID] || r.IP == "" {
			t.Errorf("%v: %x, want %x, from %q", r.Seq, r.Hash, hashes[r.ID], r.IP)
		}
	}
	// The same by a walk, as for many.
	var walked []audit.Record
	for _, chain := range []identity.ID{audit.Deployment, team} {
		for at := int64(0); ; {
			rows, upTo, more, err := storage.Walk(t.Context(), d.DB, chain, at, 2, audit.Filter{UserID: &user})
			if err != nil {
				t.Fatal(err)
			}
			walked = append(walked, rows...)
			if !more {
				break
			}
			at = upTo
		}
	}
	storagetest.Same(t, len(few), 7)
	storagetest.Same(t, walked, few)
}

// testHorizon has a transaction that writes, and records an event late.
func testHorizon(t *testing.T, d *storagetest.Database) {
	d.Seal(t)
	start := int64(0)
	if head, err := d.Head(t.Context(), audit.Deployment); err == nil {
		start = head.Seq
	}
	begin := func(on *sql.DB, statement string) *sql.Tx {
		tx, err := on.BeginTx(t.Context(), nil)
		if err == nil {
			_, err = tx.ExecContext(t.Context(), statement)
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = tx.Rollback() })
		return tx
	}
	// In another database of the server it changes nothing.
	begin(storagetest.ConnectSQL(t, storagetest.URL(t, d.Engine)), "SELECT pg_current_xact_id()")
	first := d.Event(nil)
	d.Record(t, first)
	d.Seal(t)

	late := d.Event(nil)
	tx := begin(d.SQL, "SELECT pg_current_xact_id()")
	second := d.Event(nil)
	d.Record(t, second)
	trail := audit.NewService(d.DB)
	for range 2 {
		if n := must[int](t)(trail.Seal(t.Context())); n != 0 {
			t.Fatalf("%d events are sealed before one that is still to come", n)
		}
	}
	if b := must[audit.Backlog](t)(d.Backlog(t.Context())); b.Events != 1 || !strings.Contains(b.HeldBy, "of process") {
		t.Errorf("%+v", b)
	}
	if _, err := tx.ExecContext(t.Context(), "INSERT INTO audit_events (id, at, action) VALUES ($1, $2, 'x')", late.ID.String(), instant); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	d.Seal(t)
	links := must[[]audit.Link](t)(d.Links(t.Context(), audit.Deployment, start, 9))
	storagetest.Same(t, idsOf(links, func(l audit.Link) identity.ID { return l.ID }), []identity.ID{first.ID, late.ID, second.ID})
	wantWhole(t, d, &audit.Deployment, int(start)+3)
}

// testRestored moves what there is far behind the server's present transactions,
// as a dump that another server has made.
func testRestored(t *testing.T, d *storagetest.Database) {
	team := identity.NewID()
	d.Record(t, d.Event(&team), d.Event(&team))
	d.Seal(t)
	d.Record(t, d.Event(&team)) // not sealed when the dump was made
	const ahead = "position = position + 1000000000"
	d.Unguarded(t, "UPDATE audit_events SET "+ahead, "UPDATE audit_seals SET "+ahead, "UPDATE audit_progress SET "+ahead,
		"UPDATE audit_epoch SET server_started = '2020-01-01'")
	d.Record(t, d.Event(&team)) // before a sealer has come
	d.Seal(t)
	d.Record(t, d.Event(&team))
	wantWhole(t, d, &team, 5)
	var epochs string
	// The schema may be older than the server, so the first need not be 1.
	err := d.SQL.QueryRowContext(t.Context(), "SELECT count(DISTINCT epoch) || ', ' || max(epoch) - min(epoch) FROM audit_events WHERE team_id = $1", team.String()).Scan(&epochs)
	if err != nil || epochs != "2, 1" {
		t.Errorf("epochs %s, %v", epochs, err)
	}
}

// The trail of the releases without seals goes over into this one, whole, and what
// it had not chained is.
func TestOldTrailGoesOn(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		const before = 29 // the last migration that they have
		downTo(t, d, before)
		team := identity.NewID()
		d.RecordChained(t, team, d.Event(&team), d.Event(&team))
		d.RecordChained(t, audit.Deployment, d.Event(nil))
		for _, chain := range []any{nil, team.String()} {
			if err := d.Exec("INSERT INTO audit_events (id, at, action, team_id, data) VALUES (?, ?, 'x', ?, '{}')", newID(), instant, chain); err != nil {
				t.Fatal(err)
			}
		}
		var kept []string
		for _, chain := range []identity.ID{team, audit.Deployment} {
			kept = append(kept, fmt.Sprintf("%x", must[audit.Head](t)(d.Head(t.Context(), chain)).Hash))
		}
		must[[]storage.MigrationStatus](t)(d.Migrate(t.Context()))
		d.Record(t, d.Event(&team), d.Event(nil))
		if breaks, events, _ := d.Breaks(t, nil, kept...); len(breaks) > 0 || events != 7 {
			t.Errorf("%d events: %q", events, breaks)
		}
		wantWhole(t, d, &team, 4)

		// And back: what this release has sealed is chained again.
		downTo(t, d, before)
		if n := d.Count(t, "audit_events WHERE seq IS NULL"); n != 4 {
			t.Errorf("%d events are to be chained", n)
		}
		must[[]storage.MigrationStatus](t)(d.Migrate(t.Context()))
		if breaks, events, _ := d.Breaks(t, nil, kept...); len(breaks) > 0 || events != 7 {
			t.Errorf("%d events: %q", events, breaks)
		}
	})
}

// downTo takes migrations back until a version is the newest.
func downTo(t *testing.T, d *storagetest.Database, version int64) {
	t.Helper()
	for {
		newest := int64(0)
		for _, s := range must[[]storage.MigrationStatus](t)(d.MigrationStatus(t.Context())) {
			if s.Applied {
				newest = max(newest, s.Version)
			}
		}
		if newest <= version {
			return
		}
		if _, err := d.MigrateDown(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

package storage_test

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/audit"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
	"github.com/latchkey/latchkey/storage"
)

// settle chains all events and makes the feed of them, as a running service does.
func settle(t *testing.T, d *storagetest.Database) {
	t.Helper()
	d.Seal(t)
	for must[int](t)(d.PublishEvents(t.Context(), 1000, d.Clock.Now())) > 0 {
	}
}

// old are events from before the time that tests archive up to; recent are from after.
func old(e *identity.Event) { e.At = time.Now().Add(-48 * time.Hour).UTC().Truncate(time.Microsecond) }
func recent(e *identity.Event) {
	e.At = time.Now().Add(48 * time.Hour).UTC().Truncate(time.Microsecond)
}

func archiveAll(t *testing.T, store audit.ArchiveStore, dir string) []audit.Archive {
	t.Helper()
	files, err := audit.NewArchiver(store, dir, identity.SystemClock).Run(t.Context(), time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// walkFiles verifies files as one, and returns what is broken and where chains end.
func walkFiles(t *testing.T, dir string, files []audit.Archive, expect map[string]bool) (broken []string, ends map[identity.ID]audit.Head) {
	t.Helper()
	ends = map[identity.ID]audit.Head{}
	walk := audit.NewFiles(audit.Report{
		Broken: func(b audit.Break) { broken = append(broken, b.String()) },
		Whole:  func(h audit.Head) { ends[h.Chain] = h },
		Expect: expect,
	})
	for _, a := range files {
		f, err := os.Open(filepath.Join(dir, a.Name))
		if err == nil {
			_, err = walk.Read(f)
			err = errors.Join(err, f.Close())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	walk.End()
	return broken, ends
}

// Old events go to files, from which the trail goes on.
func TestAuditArchive(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		dir := t.TempDir()
		team, gone := identity.NewID(), identity.NewID()
		bare := func(e *identity.Event) { // without personal values, which are rewritten first
			old(e)
			e.IP, e.UserAgent, e.Data = "", "", identity.Metadata{}
		}
		d.RecordChained(t, team, d.Event(&team, bare), d.Event(&team, bare)) // by a release without seals
		for range 3 {
			d.Record(t, d.Event(&team, old), d.Event(nil, old), d.Event(&gone, old))
			d.Seal(t)
		}
		d.RecordChained(t, team, d.Event(&team, bare))
		d.Record(t, d.Event(&team, old), d.Event(nil, old), d.Event(&team, recent), d.Event(nil, recent), d.Event(&team, old))
		settle(t, d)
		rewriteAll(t, d, nil)
		middle := hex.EncodeToString(must[[]audit.Link](t)(d.Links(t.Context(), team, 3, 1))[0].Hash)
		before := must[audit.Head](t)(d.Head(t.Context(), team))

		files := archiveAll(t, d.DB, dir)
		if len(files) != 1 || files[0].Number != 1 || files[0].Events != 7+4+3 {
			t.Fatalf("%+v", files)
		}
		if info, err := os.Stat(filepath.Join(dir, files[0].Name)); err != nil || info.Size() != files[0].Bytes {
			t.Errorf("%v, %v, want %d bytes", info, err, files[0].Bytes)
		}
		if left := must[[]os.DirEntry](t)(os.ReadDir(dir)); len(left) != 1 {
			t.Errorf("%d files", len(left))
		}
		if n := d.Count(t, "audit_events"); n != 3 {
			t.Errorf("%d events are left", n)
		}
		expect := map[string]bool{middle: true}
		broken, ends := walkFiles(t, dir, files, expect)
		if len(broken) > 0 || len(expect) > 0 || ends[team].Seq != 7 || ends[audit.Deployment].Seq != 4 || ends[gone].Seq != 3 {
			t.Errorf("%q, %v, %v", broken, expect, ends)
		}
		// The trail goes on where the file ends.
		checkpoint := hex.EncodeToString(ends[team].Hash)
		breaks, events, heads := d.Breaks(t, nil, checkpoint, hex.EncodeToString(before.Hash))
		if len(breaks) > 0 || events != 3 || len(heads) != 3 {
			t.Errorf("%d events, %v, %q", events, heads, breaks)
		}
		if breaks, _, _ := d.Breaks(t, &team, middle); len(breaks) != 1 {
			t.Errorf("the trail has what is in a file: %q", breaks)
		}
		rows := must[[]audit.Record](t)(d.Chained(t.Context(), audit.Filter{}, audit.Position{}, 50))
		if len(rows) != 1 || *rows[0].Seq != 5 {
			t.Errorf("an export begins with %d events: %+v", len(rows), rows)
		}

		// And again, after the rest has become old: the next file goes on.
		d.Record(t, d.Event(&team, old), d.Event(&team, recent))
		settle(t, d)
		more, err := audit.NewArchiver(d.DB, dir, identity.SystemClock).Run(t.Context(), time.Now().Add(100*time.Hour))
		if err != nil || len(more) != 1 || more[0].Number != 2 || more[0].Events != 5 {
			t.Fatalf("%+v, %v", more, err)
		}
		broken, ends = walkFiles(t, dir, append(files, more...), nil)
		if len(broken) > 0 || ends[team].Seq != 11 || ends[audit.Deployment].Seq != 5 || d.Count(t, "audit_events") != 0 || d.Count(t, "audit_seals") != 0 {
			t.Errorf("%q, %v, %d events", broken, ends, d.Count(t, "audit_events"))
		}
		if broken, _ := walkFiles(t, dir, more, nil); len(broken) == 0 {
			t.Error("the second file is whole without the first")
		}
		d.Record(t, d.Event(&team))
		if breaks, events, _ := d.Breaks(t, nil, hex.EncodeToString(ends[team].Hash)); len(breaks) > 0 || events != 1 {
			t.Errorf("%d events: %q", events, breaks)
		}
		sum := must[audit.Archived](t)(d.Archived(t.Context()))
		if sum.Files != 2 || sum.Events != 19 || !sum.Newest.Equal(more[0].Newest) || sum.Left.IsZero() {
			t.Errorf("%+v", sum)
		}
		if again := archiveAll(t, d.DB, dir); len(again) != 0 { // its event is not in the feed
			t.Errorf("%+v", again)
		}
	})
}

// faulty is a store that fails, or does something else first, at a call.
type faulty struct {
	audit.ArchiveStore
	insert, drop func() error
}

func (f faulty) InsertArchive(ctx context.Context, a audit.Archive, from map[identity.ID]audit.Checkpoint, to []audit.Checkpoint) error {
	if f.insert != nil {
		if err := f.insert(); err != nil {
			return err
		}
	}
	return f.ArchiveStore.InsertArchive(ctx, a, from, to)
}

func (f faulty) DropArchived(ctx context.Context, limit int) (bool, error) {
	if f.drop != nil {
		if err := f.drop(); err != nil {
			return false, err
		}
	}
	return f.ArchiveStore.DropArchived(ctx, min(limit, 2))
}

// Whatever stops it, no event is lost or archived twice, and the trail is whole.
func TestAuditArchiveBrokenOff(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		dir := t.TempDir()
		record := func() {
			for range 3 {
				d.Record(t, d.Event(nil, old), d.Event(nil, old))
				d.Seal(t)
			}
			settle(t, d)
		}
		record()
		stop := errors.New("stopped")
		run := func(store audit.ArchiveStore) ([]audit.Archive, error) {
			return audit.NewArchiver(store, dir, identity.SystemClock).Run(t.Context(), time.Now().Add(time.Hour))
		}
		free := func() { // as its lease ends
			if err := d.Exec("UPDATE audit_archiver SET leased_by = NULL, leased_until = NULL"); err != nil {
				t.Fatal(err)
			}
		}
		// Before the file is written down: the next run finds it and takes it.
		if _, err := run(faulty{ArchiveStore: d.DB, insert: func() error { return stop }}); !errors.Is(err, stop) || d.Count(t, "audit_events") != 6 {
			t.Fatalf("%v, %d events", err, d.Count(t, "audit_events"))
		}
		// While it drops.
		calls := 0
		_, err := run(faulty{ArchiveStore: d.DB, drop: func() error {
			if calls++; calls == 4 {
				return stop
			}
			return nil
		}})
		if n := d.Count(t, "audit_events"); !errors.Is(err, stop) || n == 0 || n == 6 {
			t.Fatalf("%v, %d events are left", err, n)
		}
		if breaks, events, _ := d.Breaks(t, nil); len(breaks) > 0 || events != 0 {
			t.Errorf("half of it is dropped: %d events, %q", events, breaks)
		}
		if rows := must[[]audit.Record](t)(d.Chained(t.Context(), audit.Filter{}, audit.Position{}, 50)); len(rows) != 0 {
			t.Errorf("an export has %d events that are archived", len(rows))
		}
		if files, err := run(d.DB); err != nil || len(files) != 0 {
			t.Errorf("while another replica has it: %+v, %v", files, err)
		}
		free()
		if files, err := run(d.DB); err != nil || len(files) != 0 || d.Count(t, "audit_events") != 0 {
			t.Errorf("%+v, %v, %d events", files, err, d.Count(t, "audit_events"))
		}
		// Two at once, when a lease was lost: one file counts.
		record()
		files, err := run(faulty{ArchiveStore: d.DB, insert: func() error {
			free()
			d.Record(t, d.Event(nil, old))
			settle(t, d)
			if files, err := run(d.DB); err != nil || len(files) != 1 {
				t.Errorf("%+v, %v", files, err)
			}
			return nil
		}})
		if !errors.Is(err, audit.ErrNotNext) || len(files) != 0 {
			t.Errorf("%+v, %v", files, err)
		}
		all := must[[]audit.Archive](t)(d.Archives(t.Context(), 0, 10))
		if broken, ends := walkFiles(t, dir, all, nil); len(all) != 2 || len(broken) > 0 || ends[audit.Deployment].Seq != 13 {
			t.Errorf("%+v: %q, %v", all, broken, ends)
		}
		if left := must[[]os.DirEntry](t)(os.ReadDir(dir)); len(left) != 2 {
			t.Errorf("%v", left)
		}

		// What is broken is neither archived nor dropped.
		record()
		d.Unguarded(t, "UPDATE audit_events SET action = 'forged' WHERE id = (SELECT min(CAST(id AS text)) FROM audit_events)"+map[string]string{storagetest.Postgres: "::uuid"}[d.Engine])
		free()
		if files, err := run(d.DB); err == nil || !strings.Contains(err.Error(), "it was changed") || len(files) != 0 || d.Count(t, "audit_events") != 6 {
			t.Errorf("%+v, %v", files, err)
		}
		d.Unsound()
	})
}

// Nothing but what is behind a checkpoint may be deleted, and a checkpoint is nothing
// but an event that is there.
func TestAuditArchiveGuards(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		team := identity.NewID()
		d.RecordChained(t, team, d.Event(&team))
		d.Record(t, d.Event(nil), d.Event(nil), d.Event(nil), d.Event(&team))
		d.Seal(t)
		links := must[[]audit.Link](t)(d.Links(t.Context(), audit.Deployment, 0, 9))
		single := must[[]audit.Link](t)(d.Links(t.Context(), team, 0, 9))
		rows, err := d.Settled(t.Context(), audit.Deployment, 0, 9) // not in the feed yet
		if err != nil || len(rows) != 0 {
			t.Fatalf("%d, %v", len(rows), err)
		}
		settle(t, d)
		rows = must[[]audit.Placed](t)(d.Settled(t.Context(), audit.Deployment, 0, 9))
		binary := func(b []byte) string {
			if d.Engine == storagetest.SQLite {
				return fmt.Sprintf("x'%x'", b)
			}
			return fmt.Sprintf(`'\x%x'`, b)
		}
		checkpoint := func(chain identity.ID, seq int64, hash []byte, p *audit.Place) string {
			place := "NULL, NULL, NULL"
			if p != nil {
				place = fmt.Sprintf("%d, %d, '%s'", p.Epoch, p.Position, p.EventID)
			}
			return fmt.Sprintf("INSERT INTO audit_checkpoints (chain, seq, hash, epoch, position, event_id, archive) VALUES ('%s', %d, %s, %s, 1)", chain, seq, binary(hash), place)
		}
		do := func(s string) {
			t.Helper()
			if err := d.Exec(s); err != nil {
				t.Fatalf("%s: %v", s, err)
			}
		}
		do("INSERT INTO audit_archives (number, name, digest, events, bytes, oldest, newest, created_at) VALUES (1, 'x', " +
			binary(make([]byte, 32)) + ", 1, 1, '" + later + "', '" + later + "', '" + later + "')")
		refused := func(statements ...string) {
			t.Helper()
			for _, s := range statements {
				if err := d.Exec(s); !isConstraint(err) {
					t.Errorf("%s: %v", s, err)
				}
			}
		}
		first, last := rows[0].Place, rows[2].Place
		refused(
			checkpoint(audit.Deployment, 1, links[1].Hash, first), // another event's hash
			checkpoint(audit.Deployment, 1, links[0].Hash, last),  // another's place
			checkpoint(audit.Deployment, 1, links[0].Hash, nil),
			checkpoint(audit.Deployment, 1, links[0].Hash, &audit.Place{Epoch: first.Epoch, Position: last.Position + 1000, EventID: first.EventID}),
			checkpoint(audit.Deployment, 9, links[2].Hash, last),
			checkpoint(identity.NewID(), 1, links[0].Hash, first),
			checkpoint(team, 1, single[0].Hash, last), // nothing of a seal is before it
			checkpoint(team, 2, single[0].Hash, nil),
			"DELETE FROM audit_archives", "UPDATE audit_archives SET name = 'y'",
		)
		do(checkpoint(audit.Deployment, 2, links[1].Hash, rows[1].Place))
		do(checkpoint(team, 1, single[0].Hash, nil))
		only := func(l audit.Link) string { return "DELETE FROM audit_events WHERE id = '" + l.ID.String() + "'" }
		refused(
			"DELETE FROM audit_checkpoints", "UPDATE audit_checkpoints SET seq = 1 WHERE seq = 2", "UPDATE audit_checkpoints SET seq = 3 WHERE seq = 2",
			"UPDATE audit_checkpoints SET hash = "+binary(make([]byte, 32)), "UPDATE audit_checkpoints SET position = position + 5 WHERE seq = 2",
			"DELETE FROM audit_events", only(links[2]), only(single[1]), "DELETE FROM audit_seals",
		)
		do(only(links[0]))
		do(only(single[0]))
		refused("UPDATE audit_events SET action = 'x'")
		do("UPDATE audit_checkpoints SET dropped = true")
		if breaks, events, _ := d.Breaks(t, nil); len(breaks) > 0 || events != 2 {
			t.Errorf("%d events: %q", events, breaks)
		}
	})
}

// While the trail is read and verified, it is archived.
func TestAuditArchiveBesideReaders(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		dir := t.TempDir()
		for range 6 {
			d.Record(t, d.Event(nil, old), d.Event(nil, old), d.Event(nil, old), d.Event(nil, old))
			d.Seal(t)
		}
		d.Record(t, d.Event(nil, recent))
		settle(t, d)
		var broken []string
		report := audit.Report{Broken: func(b audit.Break) { broken = append(broken, b.String()) }, Whole: func(audit.Head) {}}
		trail := audit.NewService(&during{DB: d.DB, do: func() { archiveAll(t, d.DB, dir) }})
		events, err := trail.Verify(t.Context(), &audit.Deployment, report)
		if err != nil || len(broken) > 0 || events < 1 || d.Count(t, "audit_events") != 1 {
			t.Errorf("%d events, %v, %q; %d left", events, err, broken, d.Count(t, "audit_events"))
		}
	})
}

// during does something between the first page of links and the next, which are small.
type during struct {
	*storage.DB
	do   func()
	read int
}

func (d *during) Links(ctx context.Context, chain identity.ID, seq int64, _ int) ([]audit.Link, error) {
	if d.read++; d.read == 2 {
		d.do()
	}
	return d.DB.Links(ctx, chain, seq, 4)
}

// What is archived is ciphertext: it can be read while the keys are there, and no more
// once the person is erased.
func TestErasureReachesTheArchive(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		dir := t.TempDir()
		disabled := func(u *identity.User) { u.Status = identity.StatusDisabled }
		leaving, staying := d.User(t, disabled), d.User(t, disabled)
		by := func(u identity.User) func(e *identity.Event) {
			return func(e *identity.Event) {
				old(e)
				e.ActorID, e.UserID = &u.ID, &u.ID
				e.Data = identity.Metadata{"email": "person-" + u.ID.String() + "@example.com"}
			}
		}
		d.Record(t, d.Event(nil, by(leaving)), d.Event(nil, by(staying)))
		settle(t, d)
		files := archiveAll(t, d.DB, dir)
		if len(files) != 1 {
			t.Fatalf("%+v", files)
		}
		content := must[[]byte](t)(os.ReadFile(filepath.Join(dir, files[0].Name)))
		if strings.Contains(string(content), "@example.com") || strings.Contains(string(content), "192.0.2.1") {
			t.Errorf("values are in plain: %s", content)
		}
		read := func() (emails []string) {
			t.Helper()
			err := audit.ReadExport(strings.NewReader(string(content)), func(r audit.Record) error {
				if sum, err := r.Sum(); err != nil || !slices.Equal(sum, r.Hash) {
					t.Errorf("%v, %x is not %x", err, sum, r.Hash)
				}
				err := d.Unseal(t.Context(), &r.Event)
				email, _ := r.Data["email"].(string)
				emails = append(emails, email)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return emails
		}
		theirs, other := "person-"+leaving.ID.String()+"@example.com", "person-"+staying.ID.String()+"@example.com"
		storagetest.Same(t, read(), []string{theirs, other})
		d.Do(t, func(ctx context.Context) error {
			return d.Erase(ctx, []identity.ID{leaving.ID}, func(string) string { return "x" }, d.Clock.Now())
		})
		storagetest.Same(t, read(), []string{"", other})
		if broken, _ := walkFiles(t, dir, files, nil); len(broken) > 0 {
			t.Errorf("%q", broken)
		}
	})
}

package storage_test

import (
	"context"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/audit"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
	"github.com/latchkey/latchkey/storage"
)

// Personal values are read by those who have the secret, and by no others.
func TestAuditSecrets(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		const first, next, other = "the first secret, long enough", "the next secret, long enough", "another secret, long enough"
		ours, theirs := storagetest.Connect(t, d.URL), storagetest.Connect(t, d.URL)
		ours.SealAuditWith(identity.Secrets{first})
		theirs.SealAuditWith(identity.Secrets{other})
		record := func(db *storage.DB, word string) identity.ID {
			t.Helper()
			user := identity.NewID()
			e := identity.Event{ID: identity.NewID(), At: d.Clock.Now(), Action: "x.y", ActorID: &user, IP: "192.0.2.7", Data: identity.Metadata{"subject": word}}
			if err := db.InTx(t.Context(), func(ctx context.Context) error { return db.RecordEvents(ctx, e) }); err != nil {
				t.Fatal(err)
			}
			return e.ID
		}
		wantRead := func(db *storage.DB, who string, words map[identity.ID]string) {
			t.Helper()
			rows := must[[]audit.Record](t)(db.Events(t.Context(), audit.Filter{Action: "x.y"}, identity.Page{Limit: 50}))
			if len(rows) < len(words) {
				t.Fatalf("%s: %d events", who, len(rows))
			}
			for _, r := range rows {
				got, _ := r.Data["subject"].(string)
				erased := r.Data[audit.ErasedMember] == true
				if got != words[r.ID] || erased == (got != "") || (r.IP == "192.0.2.7") == erased || r.Data[audit.SealedMember] != nil {
					t.Errorf("%s: %v from %q, want %q", who, r.Data, r.IP, words[r.ID])
				}
			}
		}
		a, b, none := record(ours, "ours"), record(theirs, "theirs"), record(d.DB, "no secret")
		again := record(ours, "again")
		wantRead(ours, "ours", map[identity.ID]string{a: "ours", none: "no secret", again: "again"})
		wantRead(theirs, "theirs", map[identity.ID]string{b: "theirs", none: "no secret"})
		wantRead(d.DB, "without a secret", map[identity.ID]string{none: "no secret"})
		if n := d.Count(t, "audit_secrets"); n != 2 {
			t.Errorf("%d secrets", n)
		}
		if n := d.Count(t, "audit_events WHERE CAST(data AS TEXT) LIKE '%ours%' OR CAST(data AS TEXT) LIKE '%no secret%' OR ip <> ''"); n != 0 {
			t.Errorf("%d events have values in plain", n)
		}

		ours.SealAuditWith(identity.Secrets{next, first})
		wantRead(ours, "while it is changed", map[identity.ID]string{a: "ours", none: "no secret", again: "again"})
		if present, previous, neither, err := ours.CheckAudit(t.Context()); present != 0 || previous != 1 || neither != 1 || err != nil {
			t.Errorf("%d, %d, %d, %v", present, previous, neither, err)
		}
		for _, want := range []int{1, 0} {
			if n, unreadable, err := ours.ResealAudit(t.Context()); n != want || unreadable != 1 || err != nil {
				t.Errorf("%d resealed, %d not, %v; want %d", n, unreadable, err, want)
			}
		}
		ours.SealAuditWith(identity.Secrets{next})
		wantRead(ours, "changed", map[identity.ID]string{a: "ours", none: "no secret", again: "again"})
	})
}

// The plain address is for the filter, and goes with time. Then the filter finds the
// event no more, and those who may still see where it came from.
func TestForgetNetworks(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		at := func(e *identity.Event) { e.IP = "2001:db8::7" }
		var events []identity.Event
		for range 5 {
			events = append(events, d.Event(nil, at))
		}
		d.Record(t, events...)
		d.RecordChained(t, identity.NewID(), d.Event(nil, at)) // of a release before
		found := func() int {
			t.Helper()
			rows := must[[]audit.Record](t)(d.Events(t.Context(), audit.Filter{IP: "2001:db8::7"}, identity.Page{Limit: 50}))
			return len(rows)
		}
		if n := found(); n != 6 {
			t.Fatalf("%d events", n)
		}
		if n, err := d.ForgetNetworks(t.Context(), time.Now().Add(-time.Hour)); n != 0 || err != nil || found() != 6 {
			t.Errorf("too early: %d, %v", n, err)
		}
		for _, want := range []int64{5, 0} {
			if n, err := d.ForgetNetworks(t.Context(), time.Now().Add(time.Hour)); n != want || err != nil || found() != 1 {
				t.Errorf("%d forgotten, want %d; %v; %d found", n, want, err, found())
			}
		}
		rows := must[[]audit.Record](t)(d.Events(t.Context(), audit.Filter{}, identity.Page{Limit: 50}))
		for _, r := range rows {
			if r.IP != "2001:db8::7" {
				t.Errorf("from %q", r.IP)
			}
		}
	})
}

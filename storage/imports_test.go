package storage_test

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"testing"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
	"github.com/latchkey/latchkey/linking"
)

func testImports(t *testing.T, d *storagetest.Database) {
	now := d.Clock.Now()
	t.Run("a batch is kept whole and found again", func(t *testing.T) {
		address, subject := storagetest.Word()+"@example.com", storagetest.Word()
		u := identity.User{ID: identity.NewID(), DisplayName: storagetest.Word(), Status: identity.StatusActive, CreatedAt: now, UpdatedAt: now}
		from := identity.Imported{Origin: storagetest.Word(), SourceID: "1", UserID: u.ID, Email: "Spelled@example.com", ImportedAt: now}
		d.Do(t, func(ctx context.Context) error {
			return d.Import(ctx, identity.ImportBatch{
				Users:      []identity.User{u},
				Identities: []identity.Identity{{ID: identity.NewID(), UserID: u.ID, Provider: "google", Subject: subject, Email: address, CreatedAt: now, LastUsedAt: now}},
				Emails:     []identity.Email{{Address: address, UserID: u.ID, Source: "old", VerifiedAt: now}},
				Vouchers: []identity.Voucher{{
					ID: identity.NewID(), Address: address, Provider: identity.ImportProvider("old"), Subject: "1", UserID: &u.ID, FirstAt: now, LastAt: now,
				}},
				Imported: []identity.Imported{from},
				Events:   []identity.Event{{ID: identity.NewID(), At: now, Action: identity.ActionUserCreated, UserID: &u.ID}},
			})
		})
		if got, err := d.DB.User(t.Context(), u.ID); err != nil || got.PrimaryEmail == nil || *got.PrimaryEmail != address {
			t.Errorf("user %+v %v", got, err)
		}
		if got, err := d.ImportedUsers(t.Context(), from.Origin, []string{"1", "2"}); err != nil || len(got) != 1 || got[0].UserID != u.ID {
			t.Errorf("imported %v %v", got, err)
		}
		if got, err := d.ImportedUsers(t.Context(), "another", []string{"1"}); err != nil || len(got) != 0 {
			t.Errorf("of another origin %v %v", got, err)
		}
		if got, err := d.Spellings(t.Context(), []identity.ID{u.ID}); err != nil || len(got) != 1 || got[0].SourceID != "1" || got[0].Email != from.Email || !got[0].ImportedAt.Equal(now) {
			t.Errorf("spellings %v %v", got, err)
		}
		if got, err := d.IdentitiesBySubject(t.Context(), "google", []string{subject, "x"}); err != nil || len(got) != 1 || got[0].UserID != u.ID {
			t.Errorf("by subject %v %v", got, err)
		}
		if got, err := d.IdentitiesShowing(t.Context(), []string{address}, 5); err != nil || len(got) != 1 {
			t.Errorf("showing %v %v", got, err)
		}
		if got, err := d.EmailOwners(t.Context(), []string{address, "x@example.com"}); err != nil || len(got) != 1 || got[0].UserID != u.ID {
			t.Errorf("owners %v %v", got, err)
		}
		if got, err := d.UsersNamed(t.Context(), []string{u.DisplayName}, 5); err != nil || len(got) != 1 {
			t.Errorf("named %v %v", got, err)
		}
	})
	t.Run("what the database does not take is named, at the first attempt", func(t *testing.T) {
		u, subject := d.User(t), storagetest.Word()
		again := func() identity.Identity {
			return identity.Identity{ID: identity.NewID(), UserID: u.ID, Provider: "google", Subject: subject, CreatedAt: now, LastUsedAt: now}
		}
		odd := identity.User{ID: identity.NewID(), Status: "odd", CreatedAt: now, UpdatedAt: now}
		for name, b := range map[string]identity.ImportBatch{
			"one subject twice": {Identities: []identity.Identity{again(), again()}},
			"an odd status":     {Users: []identity.User{odd}},
		} {
			attempts := 0
			err := d.InTx(t.Context(), func(ctx context.Context) error {
				attempts++
				return d.Import(ctx, b)
			})
			refused, ok := errors.AsType[*identity.ImportRefusedError](err)
			if !ok || refused.Constraint == "" || refused.Reason == "" || attempts != 1 {
				t.Errorf("%s: %T %v after %d attempts, refused as %+v", name, err, err, attempts, refused)
			}
		}
		if got, err := d.IdentitiesBySubject(t.Context(), "google", []string{subject}); err != nil || len(got) != 0 {
			t.Errorf("something of it is kept: %v %v", got, err)
		}
	})
	t.Run("nothing is asked of nothing", func(t *testing.T) {
		got, err := d.Survivors(t.Context(), nil)
		if err != nil || len(got) != 0 {
			t.Errorf("%v %v", got, err)
		}
		d.Do(t, func(ctx context.Context) error { return d.Import(ctx, identity.ImportBatch{}) })
	})
	t.Run("of a pair the surer kind stays", func(t *testing.T) {
		a, b := d.User(t), d.User(t)
		for _, step := range []struct{ kind, want linking.DuplicateKind }{
			{linking.DuplicateHint, linking.DuplicateHint}, {linking.DuplicateSpelling, linking.DuplicateSpelling},
			{linking.DuplicateHint, linking.DuplicateSpelling}, {linking.DuplicateAddress, linking.DuplicateSpelling},
		} {
			d.Do(t, func(ctx context.Context) error {
				return d.RecordDuplicates(ctx, []linking.Duplicate{linking.NewDuplicate(b.ID, a.ID, step.kind, "why", now)})
			})
			if got := duplicatesOf(t, d, a.ID); len(got) != 1 || got[0].Kind != step.want {
				t.Errorf("after %s: %+v", step.kind, got)
			}
		}
	})
	t.Run("a pair ends with its merge", func(t *testing.T) {
		a := d.User(t)
		middle := d.User(t, func(u *identity.User) { u.Status, u.MergedInto = identity.StatusMerged, &a.ID })
		last := d.User(t, func(u *identity.User) { u.Status, u.MergedInto = identity.StatusMerged, &middle.ID })
		d.Do(t, func(ctx context.Context) error {
			return d.RecordDuplicates(ctx, []linking.Duplicate{linking.NewDuplicate(a.ID, middle.ID, linking.DuplicateAddress, "why", now)})
		})
		if got := duplicatesOf(t, d, a.ID); len(got) != 0 {
			t.Errorf("still there: %+v", got)
		}
		got, err := d.Survivors(t.Context(), []identity.ID{a.ID, last.ID})
		if err != nil || len(got) != 2 || got[a.ID].ID != a.ID || got[last.ID].ID != a.ID {
			t.Errorf("survivors %v %v", got, err)
		}
	})
}

// Who begins to leave between the read of those whose suspension is over and the lock
// on their row stays disabled. The read is held up where it looks at deletions.
func TestSuspensionEndsBesideLeaving(t *testing.T) {
	t.Parallel()
	d := storagetest.Open(t, storagetest.Postgres)
	now := d.Clock.Now()
	suspended := func() identity.User {
		return d.User(t, func(u *identity.User) { u.Status, u.SuspendedUntil = identity.StatusDisabled, &now })
	}
	leaver, other := suspended(), suspended()
	for _, s := range []string{
		`CREATE FUNCTION held() RETURNS boolean LANGUAGE plpgsql AS 'BEGIN PERFORM pg_advisory_xact_lock_shared(7); RETURN true; END'`,
		`ALTER TABLE deletions RENAME TO kept_deletions`,
		`CREATE VIEW deletions AS SELECT * FROM kept_deletions WHERE (SELECT held())`,
	} {
		if err := d.Exec(s); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		for _, s := range []string{`DROP VIEW deletions`, `ALTER TABLE kept_deletions RENAME TO deletions`} {
			if err := d.Exec(s); err != nil {
				t.Error(err)
			}
		}
	})
	hold := must[*sql.Conn](t)(d.SQL.Conn(t.Context()))
	t.Cleanup(func() { _ = hold.Close() })
	if _, err := hold.ExecContext(t.Context(), "SELECT pg_advisory_lock(7)"); err != nil {
		t.Fatal(err)
	}
	release := sync.OnceFunc(func() { _, _ = hold.ExecContext(context.Background(), "SELECT pg_advisory_unlock(7)") })
	t.Cleanup(release)
	ended := make(chan error, 1)
	go func() {
		_, err := d.EndSuspensions(context.Background(), now, 10)
		ended <- err
	}()
	until(t, "it reads", func() bool {
		return d.Count(t, `pg_locks WHERE locktype = 'advisory' AND NOT granted
			AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`) == 1
	})
	d.Do(t, func(ctx context.Context) error {
		if _, err := d.LockUsers(ctx, leaver.ID); err != nil {
			return err
		}
		return d.InsertDeletion(ctx, linking.Deletion{UserID: leaver.ID, RequestedAt: now, DeletesAt: now.AddDate(0, 0, 1), RestoresTo: identity.StatusDisabled})
	})
	release()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	for id, want := range map[identity.ID]identity.Status{leaver.ID: identity.StatusDisabled, other.ID: identity.StatusActive} {
		if u := must[identity.User](t)(d.DB.User(t.Context(), id)); u.Status != want {
			t.Errorf("%s is %s, want %s", id, u.Status, want)
		}
	}
}

func duplicatesOf(t *testing.T, d *storagetest.Database, user identity.ID) []linking.Duplicate {
	t.Helper()
	all, err := d.Duplicates(t.Context(), identity.Page{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	var out []linking.Duplicate
	for _, one := range all {
		if one.FirstID == user || one.SecondID == user {
			out = append(out, one)
		}
	}
	return out
}

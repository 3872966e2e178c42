package storage

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/linking"
)

type importedRow struct {
	bun.BaseModel `bun:"table:import_sources,alias:o"`
	identity.Imported
}

type duplicateRow struct {
	bun.BaseModel `bun:"table:duplicates,alias:d"`
	linking.Duplicate
}

// ImportedIDs returns which of the ids of a source have been imported.
func (db *DB) ImportedIDs(ctx context.Context, origin string, sourceIDs []string) ([]string, error) {
	if len(sourceIDs) == 0 {
		return nil, nil
	}
	var out []string
	err := db.reader(ctx).NewSelect().Model((*importedRow)(nil)).Column("source_id").
		Where("o.origin = ? AND o.source_id IN (?)", origin, bun.List(sourceIDs)).Scan(ctx, &out)
	return out, db.engine.normalise(err)
}

// Spellings lists how sources spelled the verified addresses of users.
func (db *DB) Spellings(ctx context.Context, users []identity.ID) ([]identity.Imported, error) {
	if len(users) == 0 {
		return nil, nil
	}
	var rows []importedRow
	err := db.reader(ctx).NewSelect().Model(&rows).Where("o.user_id IN (?) AND o.email <> ''", bun.List(users)).
		Order("o.origin", "o.source_id").Scan(ctx)
	return rowsOf(rows, func(r importedRow) identity.Imported { return r.Imported }), db.engine.normalise(err)
}

// IdentitiesBySubject lists the identities of a provider among these subjects.
func (db *DB) IdentitiesBySubject(ctx context.Context, provider string, subjects []string) ([]identity.Identity, error) {
	return db.identitiesWhere(ctx, len(subjects), func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("i.provider = ? AND i.subject IN (?)", provider, bun.List(subjects))
	})
}

// IdentitiesShowing lists identities that show one of the addresses.
func (db *DB) IdentitiesShowing(ctx context.Context, addresses []string, limit int) ([]identity.Identity, error) {
	return db.identitiesWhere(ctx, len(addresses), func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("i.email IN (?) AND i.email <> ''", bun.List(addresses)).Limit(int64(limit))
	})
}

func (db *DB) identitiesWhere(ctx context.Context, n int, where func(*bun.SelectQuery) *bun.SelectQuery) ([]identity.Identity, error) {
	if n == 0 {
		return nil, nil
	}
	var rows []identityRow
	err := where(db.reader(ctx).NewSelect().Model(&rows)).Order("i.id").Scan(ctx)
	return rowsOf(rows, func(r identityRow) identity.Identity { return r.Identity }), db.engine.normalise(err)
}

// EmailOwners lists who owns the addresses.
func (db *DB) EmailOwners(ctx context.Context, addresses []string) ([]identity.Email, error) {
	if len(addresses) == 0 {
		return nil, nil
	}
	var rows []emailRow
	err := db.reader(ctx).NewSelect().Model(&rows).Where("e.address IN (?)", bun.List(addresses)).Scan(ctx)
	return rowsOf(rows, func(r emailRow) identity.Email { return r.Email }), db.engine.normalise(err)
}

// UsersNamed lists active users with one of the display names, oldest first.
func (db *DB) UsersNamed(ctx context.Context, names []string, limit int) ([]identity.User, error) {
	if len(names) == 0 {
		return nil, nil
	}
	var rows []userRow
	err := db.reader(ctx).NewSelect().Model(&rows).
		Where("u.display_name IN (?) AND u.display_name <> '' AND u.status = 'active'", bun.List(names)).
		Order("u.id").Limit(int64(limit)).Scan(ctx)
	return rowsOf(rows, func(r userRow) identity.User { return r.User }), db.engine.normalise(err)
}

// Import writes a batch of what was read from another system, in the
// transaction of the context.
func (db *DB) Import(ctx context.Context, b identity.ImportBatch) error {
	if err := insertAll(ctx, db, b.Users, func(u identity.User) userRow { return userRow{User: u} }); err != nil {
		return err
	}
	if err := insertAll(ctx, db, b.Identities, func(i identity.Identity) identityRow { return identityRow{Identity: i} }); err != nil {
		return err
	}
	if err := insertAll(ctx, db, b.Emails, func(e identity.Email) emailRow { return emailRow{Email: e} }); err != nil {
		return err
	}
	if err := insertAll(ctx, db, b.Vouchers, voucherRowOf); err != nil {
		return err
	}
	if err := insertAll(ctx, db, b.Imported, func(o identity.Imported) importedRow { return importedRow{Imported: o} }); err != nil {
		return err
	}
	for _, e := range b.Emails {
		if err := db.SetPrimaryEmailIfNone(ctx, e.UserID, e.Address, e.VerifiedAt); err != nil {
			return err
		}
	}
	return db.RecordEvents(ctx, b.Events...)
}

func insertAll[T, Row any](ctx context.Context, db *DB, values []T, row func(T) Row) error {
	if len(values) == 0 {
		return nil
	}
	rows := rowsOf(values, row)
	return db.insert(ctx, &rows)
}

// RecordDuplicates notes pairs. Of a pair that is known the surer kind stays.
func (db *DB) RecordDuplicates(ctx context.Context, pairs []linking.Duplicate) error {
	for _, d := range pairs {
		q := db.writer(ctx).NewInsert().Model(&duplicateRow{Duplicate: d}).
			On("CONFLICT (first_id, second_id) DO UPDATE").Set("kind = EXCLUDED.kind").Set("reason = EXCLUDED.reason").
			Where("d.kind = 'hint' AND EXCLUDED.kind <> 'hint'")
		if err := db.execDeferred(ctx, q); err != nil {
			return err
		}
	}
	return nil
}

// Duplicates implements linking.DuplicateStore. Pairs of which one was merged
// into the other are left out here already: most of them end so.
func (db *DB) Duplicates(ctx context.Context, p identity.Page) ([]linking.Duplicate, error) {
	var rows []duplicateRow
	q := db.reader(ctx).NewSelect().Model(&rows).
		Join("JOIN users AS a ON a.id = d.first_id JOIN users AS b ON b.id = d.second_id").
		Where("(a.merged_into IS NULL OR a.merged_into <> b.id) AND (b.merged_into IS NULL OR b.merged_into <> a.id)")
	err := oldestFirst(q, "d.id", p).Scan(ctx)
	return rowsOf(rows, func(r duplicateRow) linking.Duplicate { return r.Duplicate }), db.engine.normalise(err)
}

// DuplicatesBetween implements linking.DuplicateStore.
func (db *DB) DuplicatesBetween(ctx context.Context, a, b identity.ID) ([]linking.Duplicate, error) {
	former, err := db.MergedFrom(ctx, []identity.ID{a, b})
	if err != nil {
		return nil, err
	}
	as, bs := bun.List(append(former[a], a)), bun.List(append(former[b], b))
	var rows []duplicateRow
	err = db.reader(ctx).NewSelect().Model(&rows).
		Where("d.first_id IN (?) AND d.second_id IN (?) OR d.first_id IN (?) AND d.second_id IN (?)", as, bs, bs, as).
		Order("d.id").Scan(ctx)
	return rowsOf(rows, func(r duplicateRow) linking.Duplicate { return r.Duplicate }), db.engine.normalise(err)
}

// Survivors implements linking.DuplicateStore.
func (db *DB) Survivors(ctx context.Context, ids []identity.ID) (map[identity.ID]identity.User, error) {
	out := map[identity.ID]identity.User{}
	if len(ids) == 0 {
		return out, nil
	}
	var rows []struct {
		userRow `bun:",extend"`
		Root    identity.ID
	}
	err := db.reader(ctx).NewRaw(`WITH RECURSIVE later (root, id, next) AS (
			SELECT u.id, u.id, u.merged_into FROM users AS u WHERE u.id IN (?)
			UNION ALL
			SELECT l.root, u.id, u.merged_into FROM later AS l JOIN users AS u ON u.id = l.next
		) SELECT ?, l.root FROM later AS l JOIN users AS u ON u.id = l.id WHERE l.next IS NULL`,
		bun.List(ids), db.columns((*userRow)(nil))).Scan(ctx, &rows)
	for _, r := range rows {
		out[r.Root] = r.User
	}
	return out, db.engine.normalise(err)
}

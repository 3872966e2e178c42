package storage

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/token"
)

type familyRow struct {
	bun.BaseModel `bun:"table:refresh_families,alias:f"`
	token.Family
}

// InsertRefreshFamily implements token.RefreshStore.
func (db *DB) InsertRefreshFamily(ctx context.Context, f token.Family) error {
	return db.insert(ctx, &familyRow{Family: f})
}

// RefreshFamily implements token.RefreshStore.
func (db *DB) RefreshFamily(ctx context.Context, id identity.ID) (token.Family, error) {
	var row familyRow
	err := db.reader(ctx).NewSelect().Model(&row).Where("f.id = ?", id).Scan(ctx)
	return row.Family, db.engine.normalise(err)
}

// LockRefreshFamily implements token.RefreshStore.
func (db *DB) LockRefreshFamily(ctx context.Context, id identity.ID) (token.Family, *session.Principal, error) {
	var f token.Family
	var row principalRow
	locked := readInto(db.hot.lockFamily, fields(familyColumns, &f), id)
	of := readInto(db.hot.principalOfFamily, fields(principalColumns, &row), id)
	switch err := db.readHot(ctx, locked, of); {
	case err != nil:
		return token.Family{}, nil, err
	case locked.rows == 0:
		return token.Family{}, nil, identity.ErrNotFound
	case of.rows == 0:
		return f, nil, nil
	}
	return f, new(row.domain()), nil
}

// UpdateRefreshFamily implements token.RefreshStore.
func (db *DB) UpdateRefreshFamily(ctx context.Context, f token.Family) error {
	return writeRow(ctx, db, db.hot.updateFamily, rotatedColumns, &f, f.ID)
}

// TrimRefreshFamilies implements token.RefreshStore.
func (db *DB) TrimRefreshFamilies(ctx context.Context, session identity.ID, keep int) error {
	newest := db.reader(ctx).NewSelect().TableExpr("refresh_families AS n").Column("n.id").
		Where("n.session_id = ?", session).OrderExpr("n.id DESC").Limit(int64(keep))
	return db.execDeferred(ctx, db.writer(ctx).NewDelete().Model((*familyRow)(nil)).
		Where("f.session_id = ? AND f.id NOT IN (?)", session, newest))
}

// FamiliesUnderOtherKeys counts the families that go on and whose newest token was
// made under a key other than the named one.
func (db *DB) FamiliesUnderOtherKeys(ctx context.Context, keyID string) (int, error) {
	n, err := db.reader(ctx).NewSelect().Model((*familyRow)(nil)).
		Where("f.ended_at IS NULL AND (f.key_id IS NULL OR f.key_id <> ?)", keyID).Count(ctx)
	return int(n), db.engine.normalise(err)
}

package storage

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/latchkey/latchkey/identity"
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
func (db *DB) LockRefreshFamily(ctx context.Context, id identity.ID) (token.Family, error) {
	var row familyRow
	err := db.engine.forUpdate(db.reader(ctx).NewSelect().Model(&row).Where("f.id = ?", id), "f").Scan(ctx)
	return row.Family, db.engine.normalise(err)
}

// UpdateRefreshFamily implements token.RefreshStore.
func (db *DB) UpdateRefreshFamily(ctx context.Context, f token.Family) error {
	_, err := db.exec(ctx, db.writer(ctx).NewUpdate().Model(&familyRow{Family: f}).
		Column("role", "generation", "rotated_at", "ended_at", "end_reason", "key_id").Where("f.id = ?", f.ID))
	return err
}

// TrimRefreshFamilies implements token.RefreshStore.
func (db *DB) TrimRefreshFamilies(ctx context.Context, session identity.ID, keep int) error {
	newest := db.reader(ctx).NewSelect().TableExpr("refresh_families AS n").Column("n.id").
		Where("n.session_id = ?", session).OrderExpr("n.id DESC").Limit(int64(keep))
	_, err := db.exec(ctx, db.writer(ctx).NewDelete().Model((*familyRow)(nil)).
		Where("f.session_id = ? AND f.id NOT IN (?)", session, newest))
	return err
}

// FamiliesUnderOtherKeys counts the families that go on and whose newest token was
// made under a key other than the named one.
func (db *DB) FamiliesUnderOtherKeys(ctx context.Context, keyID string) (int, error) {
	n, err := db.reader(ctx).NewSelect().Model((*familyRow)(nil)).
		Where("f.ended_at IS NULL AND (f.key_id IS NULL OR f.key_id <> ?)", keyID).Count(ctx)
	return int(n), db.engine.normalise(err)
}

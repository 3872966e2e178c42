package storage

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/latchkey/latchkey/identity/token"
)

type signingKeyRow struct {
	bun.BaseModel `bun:"table:signing_keys,alias:sk"`
	token.Key
}

// SigningKeys implements token.KeyStore.
func (db *DB) SigningKeys(ctx context.Context) ([]token.Key, error) {
	var rows []signingKeyRow
	err := db.reader(ctx).NewSelect().Model(&rows).Order("sk.active_at", "sk.created_at", "sk.kid").Scan(ctx)
	return rowsOf(rows, func(r signingKeyRow) token.Key { return r.Key }), db.engine.normalise(err)
}

// LockSigningKeys implements token.KeyStore.
func (db *DB) LockSigningKeys(ctx context.Context) ([]token.Key, error) {
	if err := db.engine.lockName(ctx, db.writer(ctx), "signing keys"); err != nil {
		return nil, err
	}
	return db.SigningKeys(ctx)
}

// InsertSigningKey implements token.KeyStore.
func (db *DB) InsertSigningKey(ctx context.Context, k token.Key) error {
	return db.insert(ctx, &signingKeyRow{Key: k})
}

// RetireSigningKeys implements token.KeyStore.
func (db *DB) RetireSigningKeys(ctx context.Context, at time.Time) error {
	return db.execDeferred(ctx, db.writer(ctx).NewUpdate().Model((*signingKeyRow)(nil)).Set("expires_at = ?", at).
		Where("sk.expires_at IS NULL"))
}

// ResealSigningKey implements token.KeyStore.
func (db *DB) ResealSigningKey(ctx context.Context, k token.Key) error {
	return db.execDeferred(ctx, db.writer(ctx).NewUpdate().Model(&signingKeyRow{Key: k}).Column("sealed").Where("sk.kid = ?", k.Kid))
}

// DeleteSigningKeys implements token.KeyStore.
func (db *DB) DeleteSigningKeys(ctx context.Context) error {
	return db.execDeferred(ctx, db.writer(ctx).NewDelete().Model((*signingKeyRow)(nil)).Where("true"))
}

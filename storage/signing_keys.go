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

// idTokenKeyRow is a key of ID tokens.
type idTokenKeyRow struct {
	bun.BaseModel `bun:"table:id_token_keys,alias:ik"`
	token.Key
}

// idTokenKeys are the keys of ID tokens in one algorithm.
type idTokenKeys struct {
	*DB
	alg token.Alg
}

// IDTokenKeys returns the keys of ID tokens in one algorithm.
func (db *DB) IDTokenKeys(alg token.Alg) token.KeyStore { return idTokenKeys{db, alg} }

// SigningKeys implements token.KeyStore.
func (k idTokenKeys) SigningKeys(ctx context.Context) ([]token.Key, error) {
	var rows []idTokenKeyRow
	err := k.reader(ctx).NewSelect().Model(&rows).Where("ik.alg = ?", k.alg).Order("ik.active_at", "ik.created_at", "ik.kid").Scan(ctx)
	return rowsOf(rows, func(r idTokenKeyRow) token.Key { return r.Key }), k.engine.normalise(err)
}

// LockSigningKeys implements token.KeyStore.
func (k idTokenKeys) LockSigningKeys(ctx context.Context) ([]token.Key, error) {
	if err := k.engine.lockName(ctx, k.writer(ctx), "signing keys"); err != nil {
		return nil, err
	}
	return k.SigningKeys(ctx)
}

// InsertSigningKey implements token.KeyStore.
func (k idTokenKeys) InsertSigningKey(ctx context.Context, key token.Key) error {
	return k.insert(ctx, &idTokenKeyRow{Key: key})
}

// RetireSigningKeys implements token.KeyStore.
func (k idTokenKeys) RetireSigningKeys(ctx context.Context, at time.Time) error {
	return k.execDeferred(ctx, k.writer(ctx).NewUpdate().Model((*idTokenKeyRow)(nil)).Set("expires_at = ?", at).
		Where("ik.alg = ? AND ik.expires_at IS NULL", k.alg))
}

// ResealSigningKey implements token.KeyStore.
func (k idTokenKeys) ResealSigningKey(ctx context.Context, key token.Key) error {
	return k.execDeferred(ctx, k.writer(ctx).NewUpdate().Model(&idTokenKeyRow{Key: key}).Column("sealed").Where("ik.kid = ?", key.Kid))
}

// DeleteSigningKeys implements token.KeyStore.
func (k idTokenKeys) DeleteSigningKeys(ctx context.Context) error {
	return k.execDeferred(ctx, k.writer(ctx).NewDelete().Model((*idTokenKeyRow)(nil)).Where("ik.alg = ?", k.alg))
}

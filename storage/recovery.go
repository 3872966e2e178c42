package storage

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/latchkey/latchkey/identity"
)

type recoveryRow struct {
	bun.BaseModel `bun:"table:recovery_codes,alias:r"`
	CodeHash      []byte
	UserID        identity.ID
	CreatedAt     time.Time
}

// ReplaceRecoveryCodes implements linking.RecoveryStore.
func (db *DB) ReplaceRecoveryCodes(ctx context.Context, user identity.ID, hashes [][]byte, at time.Time) error {
	if err := db.DeleteRecoveryCodes(ctx, user); err != nil || len(hashes) == 0 {
		return err
	}
	rows := rowsOf(hashes, func(hash []byte) recoveryRow { return recoveryRow{CodeHash: hash, UserID: user, CreatedAt: at} })
	return db.insert(ctx, &rows)
}

// DeleteRecoveryCodes implements linking.RecoveryStore.
func (db *DB) DeleteRecoveryCodes(ctx context.Context, user identity.ID) error {
	return db.execDeferred(ctx, db.writer(ctx).NewDelete().Model((*recoveryRow)(nil)).Where("r.user_id = ?", user))
}

// RecoveryCodes implements linking.RecoveryStore.
func (db *DB) RecoveryCodes(ctx context.Context, user identity.ID) (left int, created *time.Time, err error) {
	var rows []recoveryRow
	err = db.reader(ctx).NewSelect().Model(&rows).Where("r.user_id = ?", user).Scan(ctx)
	if len(rows) > 0 {
		created = &rows[0].CreatedAt // all are made at once
	}
	return len(rows), created, db.engine.normalise(err)
}

// RecoveryCodeOwner implements linking.RecoveryStore.
func (db *DB) RecoveryCodeOwner(ctx context.Context, hash []byte) (identity.ID, error) {
	var row recoveryRow
	err := db.reader(ctx).NewSelect().Model(&row).Where("r.code_hash = ?", hash).Scan(ctx)
	return row.UserID, db.engine.normalise(err)
}

// UseRecoveryCode implements linking.RecoveryStore.
func (db *DB) UseRecoveryCode(ctx context.Context, user identity.ID, hash []byte) (bool, error) {
	n, err := db.exec(ctx, db.writer(ctx).NewDelete().Model((*recoveryRow)(nil)).
		Where("r.code_hash = ? AND r.user_id = ?", hash, user))
	return n == 1, err
}

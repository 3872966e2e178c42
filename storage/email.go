package storage

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/emailproof"
)

type challengeRow struct {
	bun.BaseModel `bun:"table:email_challenges,alias:c"`
	emailproof.Challenge
}

// LockAddress implements emailproof.Store.
func (db *DB) LockAddress(ctx context.Context, address string) error {
	return db.engine.lockName(ctx, db.writer(ctx), "address "+address)
}

// CountChallenges implements emailproof.Store.
func (db *DB) CountChallenges(ctx context.Context, address string, since time.Time) (int, error) {
	n, err := db.reader(ctx).NewSelect().Model((*challengeRow)(nil)).
		Where("c.address = ? AND c.created_at > ?", address, since).Count(ctx)
	return int(n), db.engine.normalise(err)
}

// CountWrongCodes implements emailproof.Store.
func (db *DB) CountWrongCodes(ctx context.Context, address string, since time.Time) (int, error) {
	var n int
	err := db.reader(ctx).NewSelect().Model((*challengeRow)(nil)).ColumnExpr("coalesce(sum(c.wrong_codes), 0)").
		Where("c.address = ? AND c.created_at > ?", address, since).Scan(ctx, &n)
	return n, db.engine.normalise(err)
}

// OpenChallenges implements emailproof.Store.
func (db *DB) OpenChallenges(ctx context.Context, address string, now time.Time) ([]emailproof.Challenge, error) {
	var rows []challengeRow
	err := db.reader(ctx).NewSelect().Model(&rows).
		Where("c.address = ? AND c.expires_at > ? AND c.replaced_at IS NULL", address, now).
		Where("NOT EXISTS (SELECT 1 FROM burned_secrets AS b WHERE b.hash = c.token_hash)").
		Order("c.id").Scan(ctx)
	return rowsOf(rows, func(r challengeRow) emailproof.Challenge { return r.Challenge }), db.engine.normalise(err)
}

// ChallengeByToken implements emailproof.Store.
func (db *DB) ChallengeByToken(ctx context.Context, tokenHash []byte) (emailproof.Challenge, error) {
	var row challengeRow
	err := db.reader(ctx).NewSelect().Model(&row).Where("c.token_hash = ?", tokenHash).Scan(ctx)
	return row.Challenge, db.engine.normalise(err)
}

// NewestChallenge implements emailproof.Store.
func (db *DB) NewestChallenge(ctx context.Context, browserHash []byte) (emailproof.Challenge, error) {
	var row challengeRow
	err := db.reader(ctx).NewSelect().Model(&row).Where("c.browser_hash = ?", browserHash).
		Order("c.created_at DESC", "c.id DESC").Limit(1).Scan(ctx)
	return row.Challenge, db.engine.normalise(err)
}

// ReplaceChallenges implements emailproof.Store.
func (db *DB) ReplaceChallenges(ctx context.Context, by emailproof.Challenge, at time.Time) error {
	_, err := db.exec(ctx, db.writer(ctx).NewUpdate().Model((*challengeRow)(nil)).Set("replaced_at = ?", at).
		Where("c.address = ? AND c.browser_hash = ? AND c.purpose = ?", by.Address, by.BrowserHash, by.Purpose).
		Where("c.replaced_at IS NULL"))
	return err
}

// InsertChallenge implements emailproof.Store.
func (db *DB) InsertChallenge(ctx context.Context, c emailproof.Challenge) error {
	return db.insert(ctx, &challengeRow{Challenge: c})
}

// AddWrongCode implements emailproof.Store.
func (db *DB) AddWrongCode(ctx context.Context, ids ...identity.ID) error {
	_, err := db.exec(ctx, db.writer(ctx).NewUpdate().Model((*challengeRow)(nil)).
		Set("wrong_codes = wrong_codes + 1").Where("c.id IN (?)", bun.List(ids)))
	return err
}

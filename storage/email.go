package storage

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/method/email"
)

type challengeRow struct {
	bun.BaseModel `bun:"table:email_challenges,alias:c"`
	email.Challenge
}

type mailRow struct {
	bun.BaseModel `bun:"table:email_mails,alias:em"`
	email.Mail
}

// LockAddress implements email.Store.
func (db *DB) LockAddress(ctx context.Context, address string) error {
	return db.engine.lockName(ctx, db.writer(ctx), "address "+address)
}

// Mails implements email.Store.
func (db *DB) Mails(ctx context.Context, mailboxes [][]byte, since time.Time) ([]email.Mail, error) {
	var rows []mailRow
	err := db.reader(ctx).NewSelect().Model(&rows).
		Where("em.mailbox IN (?) AND em.leaves_at > ?", bun.List(mailboxes), since).Order("em.leaves_at", "em.id").Scan(ctx)
	return rowsOf(rows, func(r mailRow) email.Mail { return r.Mail }), db.engine.normalise(err)
}

// InsertMail implements email.Store.
func (db *DB) InsertMail(ctx context.Context, m email.Mail) error {
	return db.insert(ctx, &mailRow{Mail: m})
}

// HasEmail implements email.Store.
func (db *DB) HasEmail(ctx context.Context, user identity.ID, address string) (bool, error) {
	has, err := db.reader(ctx).NewSelect().Model((*emailRow)(nil)).Where("e.address = ? AND e.user_id = ?", address, user).Exists(ctx)
	return has, db.engine.normalise(err)
}

// CountWrongCodes implements email.Store.
func (db *DB) CountWrongCodes(ctx context.Context, address string, known bool, since time.Time) (int, error) {
	var n int
	err := db.reader(ctx).NewSelect().Model((*challengeRow)(nil)).ColumnExpr("coalesce(sum(c.wrong_codes), 0)").
		Where("c.address = ? AND c.created_at > ? AND c.known = ?", address, since, known).Scan(ctx, &n)
	return n, db.engine.normalise(err)
}

// OpenChallenges implements email.Store.
func (db *DB) OpenChallenges(ctx context.Context, address string, browserHash []byte, now time.Time) ([]email.Challenge, error) {
	var rows []challengeRow
	err := db.reader(ctx).NewSelect().Model(&rows).
		Where("c.browser_hash = ? AND c.address = ? AND c.expires_at > ? AND c.replaced_at IS NULL", browserHash, address, now).
		Where("NOT EXISTS (SELECT 1 FROM burned_secrets AS b WHERE b.hash = c.token_hash)").
		Order("c.created_at", "c.id").Scan(ctx)
	return rowsOf(rows, func(r challengeRow) email.Challenge { return r.Challenge }), db.engine.normalise(err)
}

// ChallengeByToken implements email.Store.
func (db *DB) ChallengeByToken(ctx context.Context, tokenHash []byte) (email.Challenge, error) {
	var row challengeRow
	err := db.reader(ctx).NewSelect().Model(&row).Where("c.token_hash = ?", tokenHash).Scan(ctx)
	return row.Challenge, db.engine.normalise(err)
}

// ChallengeBySharedToken implements email.Store.
func (db *DB) ChallengeBySharedToken(ctx context.Context, tokenHash, browserHash []byte) (email.Challenge, error) {
	var row challengeRow
	err := db.reader(ctx).NewSelect().Model(&row).Where("c.browser_hash = ?", browserHash).
		Where("c.mail_id = (SELECT em.id FROM email_mails AS em WHERE em.token_hash = ?)", tokenHash).
		Order("c.created_at DESC", "c.id DESC").Limit(1).Scan(ctx)
	return row.Challenge, db.engine.normalise(err)
}

// NewestChallenge implements email.Store.
func (db *DB) NewestChallenge(ctx context.Context, browserHash []byte) (email.Challenge, error) {
	var row challengeRow
	err := db.reader(ctx).NewSelect().Model(&row).Where("c.browser_hash = ?", browserHash).
		Order("c.created_at DESC", "c.id DESC").Limit(1).Scan(ctx)
	return row.Challenge, db.engine.normalise(err)
}

// ReplaceChallenges implements email.Store.
func (db *DB) ReplaceChallenges(ctx context.Context, by email.Challenge, at time.Time) error {
	return db.execDeferred(ctx, db.writer(ctx).NewUpdate().Model((*challengeRow)(nil)).Set("replaced_at = ?", at).
		Where("c.address = ? AND c.browser_hash = ? AND c.purpose = ?", by.Address, by.BrowserHash, by.Purpose).
		Where("c.replaced_at IS NULL"))
}

// InsertChallenge implements email.Store.
func (db *DB) InsertChallenge(ctx context.Context, c email.Challenge) error {
	return db.insert(ctx, &challengeRow{Challenge: c})
}

// AddWrongCode implements email.Store.
func (db *DB) AddWrongCode(ctx context.Context, id identity.ID) error {
	return db.execDeferred(ctx, db.writer(ctx).NewUpdate().Model((*challengeRow)(nil)).
		Set("wrong_codes = wrong_codes + 1").Where("c.id = ?", id))
}

package storage

import (
	"context"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/latchkey/latchkey/identity"
)

// InsertUser implements linking.Store.
func (db *DB) InsertUser(ctx context.Context, u identity.User) error {
	return writeRow(ctx, db, db.hot.insertUser, userColumns, &u)
}

// UpdateUser writes everything about a user except how they were created, and what
// only an import or the application writes. Of a user who is active no suspension
// can end.
func (db *DB) UpdateUser(ctx context.Context, u identity.User) error {
	db.changed(ctx, u.ID)
	return db.execDeferred(ctx, db.writer(ctx).NewUpdate().Model(&userRow{User: u}).
		Column("display_name", "avatar_url", "status", "operator", "onboarded_at", "metadata", "updated_at").
		Set("suspended_until = CASE WHEN ? = 'active' THEN NULL ELSE suspended_until END", u.Status).Where("u.id = ?", u.ID))
}

// LockUsers implements linking.Store.
func (db *DB) LockUsers(ctx context.Context, ids ...identity.ID) ([]identity.User, error) {
	var rows []userRow
	err := db.lockUsers(ctx, &rows, ids).Scan(ctx)
	return rowsOf(rows, func(r userRow) identity.User { return r.User }), db.engine.normalise(err)
}

func (db *DB) lockUsers(ctx context.Context, into *[]userRow, ids []identity.ID) *bun.SelectQuery {
	return db.engine.forUpdate(db.reader(ctx).NewSelect().Model(into).Where("u.id IN (?)", bun.List(ids)).Order("u.id"), "u")
}

// LockWithIdentities implements linking.UnlinkStore.
func (db *DB) LockWithIdentities(ctx context.Context, id identity.ID) (identity.User, []identity.Identity, error) {
	var users []userRow
	var rows []identityRow
	of := []identity.ID{id}
	err := db.together(ctx, question{query: db.lockUsers(ctx, &users, of)}, question{query: db.identitiesOf(ctx, &rows, of)})
	if err != nil {
		return identity.User{}, nil, err
	}
	if len(users) == 0 {
		return identity.User{}, nil, identity.ErrNotFound
	}
	return users[0].User, rowsOf(rows, func(r identityRow) identity.Identity { return r.Identity }), nil
}

// User returns a user. The id of a merged one finds the survivor.
func (db *DB) User(ctx context.Context, id identity.ID) (identity.User, error) {
	for {
		var row userRow
		err := db.reader(ctx).NewSelect().Model(&row).Where("u.id = ?", id).Scan(ctx)
		if err != nil {
			return identity.User{}, db.engine.normalise(err)
		}
		if row.MergedInto == nil {
			return row.User, nil
		}
		id = *row.MergedInto // merges form no cycle, so this ends
	}
}

// UserByExternalID implements user.Store.
func (db *DB) UserByExternalID(ctx context.Context, external string) (identity.User, error) {
	var row userRow
	err := db.reader(ctx).NewSelect().Model(&row).Where("u.external_id = ?", sanitizeKey(external)).Scan(ctx)
	if err != nil || row.MergedInto == nil {
		return row.User, db.engine.normalise(err)
	}
	return db.User(ctx, *row.MergedInto)
}

// UpdateApplicationData implements user.Store.
func (db *DB) UpdateApplicationData(ctx context.Context, u identity.User) error {
	db.changed(ctx, u.ID)
	return db.execDeferred(ctx, db.writer(ctx).NewUpdate().Model(&userRow{User: u}).Column("external_id", "app_metadata").Where("u.id = ?", u.ID))
}

// summaryColumns are an identity.Summary of the user u.
const summaryColumns = `u.display_name, u.primary_email, CASE WHEN u.display_name = '' AND u.primary_email IS NULL THEN
	coalesce((SELECT w.wallet_address FROM identities AS w WHERE w.user_id = u.id AND w.is_primary),
		(SELECT ` + solanaAddress + ` FROM identities AS i WHERE i.user_id = u.id AND i.provider = 'solana' ORDER BY i.id LIMIT 1)) END AS primary_wallet`

// solanaAddress is the address in the subject of i: solana:, 32 characters of the genesis
// and : are before it.
const solanaAddress = `substr(i.subject, 41)`

// Summaries implements user.Store.
func (db *DB) Summaries(ctx context.Context, ids []identity.ID) (map[identity.ID]identity.Summary, error) {
	out := map[identity.ID]identity.Summary{}
	if len(ids) == 0 {
		return out, nil
	}
	var rows []struct {
		ID identity.ID
		identity.Summary
	}
	err := db.reader(ctx).NewSelect().Model((*userRow)(nil)).ColumnExpr("u.id, "+summaryColumns).
		Where("u.id IN (?)", bun.List(ids)).Scan(ctx, &rows)
	for _, r := range rows {
		out[r.ID] = r.Summary
	}
	return out, db.engine.normalise(err)
}

// Users lists users, newest first.
func (db *DB) Users(ctx context.Context, f identity.UserFilter, p identity.Page) ([]identity.User, error) {
	var rows []userRow
	q := db.reader(ctx).NewSelect().Model(&rows)
	if f.Search != "" {
		part := containing(f.Search)
		q = q.Where(`(lower(u.display_name) LIKE ? ESCAPE '!' OR EXISTS (SELECT 1 FROM emails AS e WHERE e.user_id = u.id AND e.address LIKE ? ESCAPE '!')
			OR EXISTS (SELECT 1 FROM identities AS i WHERE i.user_id = u.id AND (lower(i.wallet_address) LIKE ? ESCAPE '!'
				OR i.provider = 'solana' AND lower(`+solanaAddress+`) LIKE ? ESCAPE '!')))`, part, part, part, part)
	}
	if f.Email != "" {
		q = q.Where("u.id IN (SELECT e.user_id FROM emails AS e WHERE e.address = ?)", sanitizeKey(f.Email))
	}
	if f.Wallet != "" {
		q = q.Where("u.id IN (SELECT i.user_id FROM identities AS i WHERE i.wallet_address = ?)", sanitizeKey(f.Wallet))
	}
	if len(f.IDs) > 0 {
		q = q.Where("u.id IN (?)", bun.List(f.IDs))
	}
	err := newestFirst(q, "u.id", p).Scan(ctx)
	return rowsOf(rows, func(r userRow) identity.User { return r.User }), db.engine.normalise(err)
}

// containing is the pattern of lower-case texts that hold this one.
func containing(part string) string {
	return "%" + escapeLike(strings.ToLower(sanitizeKey(part))) + "%"
}

// EmailOwner implements linking.Store.
func (db *DB) EmailOwner(ctx context.Context, address string) (identity.ID, error) {
	var row emailRow
	err := db.reader(ctx).NewSelect().Model(&row).Where("e.address = ?", sanitizeKey(address)).Scan(ctx)
	return row.UserID, db.engine.normalise(err)
}

// Emails implements user.Store.
func (db *DB) Emails(ctx context.Context, user identity.ID) ([]identity.Email, error) {
	var rows []struct {
		emailRow `bun:",extend"`
		Disputed bool
		OnlyBy   *identity.ID
	}
	err := db.reader(ctx).NewSelect().Model((*emailRow)(nil)).Column("address", "user_id", "source", "verified_at").ColumnExpr(disputed).ColumnExpr(onlyBy).
		Where("e.user_id = ?", user).Order("e.verified_at", "e.address").Scan(ctx, &rows)
	out := make([]identity.Email, len(rows))
	for i, r := range rows {
		out[i] = r.Email
		out[i].Contested, out[i].OnlyBy = r.Disputed, r.OnlyBy
	}
	return out, db.engine.normalise(err)
}

// InsertEmail implements linking.Store.
func (db *DB) InsertEmail(ctx context.Context, e identity.Email) error {
	return db.insert(ctx, &emailRow{Email: e})
}

// SetPrimaryEmailIfNone implements linking.Store.
func (db *DB) SetPrimaryEmailIfNone(ctx context.Context, user identity.ID, address string, at time.Time) error {
	db.changed(ctx, user)
	return db.execDeferred(ctx, db.writer(ctx).NewUpdate().Model((*userRow)(nil)).
		Set("primary_email = ?", address).Set("updated_at = ?", at).
		Where("u.id = ? AND u.primary_email IS NULL", user))
}

// SetPrimaryEmail implements user.Store. The address must be the user's own:
// the schema refuses any other.
func (db *DB) SetPrimaryEmail(ctx context.Context, user identity.ID, address string, at time.Time) error {
	db.changed(ctx, user)
	return db.execDeferred(ctx, db.writer(ctx).NewUpdate().Model((*userRow)(nil)).
		Set("primary_email = ?", address).Set("updated_at = ?", at).Where("u.id = ?", user))
}

// DeleteEmail implements linking.UnlinkStore.
func (db *DB) DeleteEmail(ctx context.Context, user identity.ID, address string, at time.Time) error {
	db.changed(ctx, user)
	// The next primary address is set first: the schema holds on to the present one.
	next := db.writer(ctx).NewSelect().Model((*emailRow)(nil)).Column("address").
		Where("e.user_id = ? AND e.address <> ?", user, address).Order("e.verified_at", "e.address").Limit(1)
	err := db.execDeferred(ctx, db.writer(ctx).NewUpdate().Model((*userRow)(nil)).
		Set("primary_email = (?)", next).Set("updated_at = ?", at).
		Where("u.id = ? AND u.primary_email = ?", user, address))
	if err != nil {
		return err
	}
	return db.execDeferred(ctx, db.writer(ctx).NewDelete().Model((*emailRow)(nil)).
		Where("e.user_id = ? AND e.address = ?", user, address))
}

// newestFirst orders by id, newest first, and reads one row more than the page
// so that the caller knows whether there is a next.
func newestFirst(q *bun.SelectQuery, column string, p identity.Page) *bun.SelectQuery {
	if p.After != nil {
		q = q.Where("? < ?", bun.Safe(column), *p.After)
	}
	return q.OrderExpr("? DESC", bun.Safe(column)).Limit(int64(p.Limit) + 1)
}

// oldestFirst is newestFirst the other way round.
func oldestFirst(q *bun.SelectQuery, column string, p identity.Page) *bun.SelectQuery {
	if p.After != nil {
		q = q.Where("? > ?", bun.Safe(column), *p.After)
	}
	return q.OrderExpr("? ASC", bun.Safe(column)).Limit(int64(p.Limit) + 1)
}

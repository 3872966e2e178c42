package storage

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/latchkey/latchkey/identity"
)

// InsertIdentity implements linking.Store.
func (db *DB) InsertIdentity(ctx context.Context, i identity.Identity) error {
	return writeRow(ctx, db, db.hot.insertIdentity, identityColumns, &i)
}

// RefreshIdentity implements linking.Store.
func (db *DB) RefreshIdentity(ctx context.Context, i identity.Identity) error {
	return writeRow(ctx, db, db.hot.refreshIdentity, shownColumns, &i, i.ID)
}

// Identity implements user.Store.
func (db *DB) Identity(ctx context.Context, id identity.ID) (identity.Identity, error) {
	var row identityRow
	if err := db.reader(ctx).NewSelect().Model(&row).Where("i.id = ?", id).Scan(ctx); err != nil {
		return identity.Identity{}, db.engine.normalise(err)
	}
	one, err := db.withPasskeys(ctx, []identity.Identity{row.Identity})
	if err != nil {
		return identity.Identity{}, err
	}
	return one[0], nil
}

// IdentityOwnerID implements linking.Store.
func (db *DB) IdentityOwnerID(ctx context.Context, provider, subject string) (identity.ID, error) {
	var row identityRow
	err := db.reader(ctx).NewSelect().Model(&row).Column("user_id").
		Where("i.provider = ? AND i.subject = ?", provider, subject).Scan(ctx)
	return row.UserID, db.engine.normalise(err)
}

// SetLabel implements user.Store.
func (db *DB) SetLabel(ctx context.Context, i identity.Identity) error {
	return db.execDeferred(ctx, db.writer(ctx).NewUpdate().Model(&identityRow{Identity: i}).Column("label").Where("i.id = ?", i.ID))
}

// SetPrimaryWallet implements user.Store. The old one goes first: there is one
// primary wallet at any time.
func (db *DB) SetPrimaryWallet(ctx context.Context, user, id identity.ID) error {
	for _, step := range []struct {
		primary bool
		where   string
	}{{false, "i.user_id = ? AND i.is_primary AND i.id <> ?"}, {true, "i.user_id = ? AND i.id = ?"}} {
		q := db.writer(ctx).NewUpdate().Model((*identityRow)(nil)).Set("is_primary = ?", step.primary).Where(step.where, user, id)
		if err := db.execDeferred(ctx, q); err != nil {
			return err
		}
	}
	return nil
}

// DeleteIdentity implements linking.UnlinkStore.
func (db *DB) DeleteIdentity(ctx context.Context, id identity.ID) error {
	return db.execDeferred(ctx, db.writer(ctx).NewDelete().Model((*identityRow)(nil)).Where("i.id = ?", id))
}

// HasPrimaryWallet implements linking.Store.
func (db *DB) HasPrimaryWallet(ctx context.Context, user identity.ID) (bool, error) {
	ok, err := db.reader(ctx).NewSelect().Model((*identityRow)(nil)).
		Where("i.user_id = ? AND i.is_primary", user).Exists(ctx)
	return ok, db.engine.normalise(err)
}

// Identities lists the identities of a user, oldest first.
func (db *DB) Identities(ctx context.Context, user identity.ID, p identity.Page) ([]identity.Identity, error) {
	var rows []identityRow
	if err := oldestFirst(db.reader(ctx).NewSelect().Model(&rows).Where("i.user_id = ?", user), "i.id", p).Scan(ctx); err != nil {
		return nil, db.engine.normalise(err)
	}
	return db.withPasskeys(ctx, rowsOf(rows, func(r identityRow) identity.Identity { return r.Identity }))
}

// IdentitiesOf lists the identities of several users, oldest first.
func (db *DB) IdentitiesOf(ctx context.Context, users []identity.ID) ([]identity.Identity, error) {
	if len(users) == 0 {
		return nil, nil
	}
	var rows []identityRow
	if err := db.identitiesOf(ctx, &rows, users).Scan(ctx); err != nil {
		return nil, db.engine.normalise(err)
	}
	return db.withPasskeys(ctx, rowsOf(rows, func(r identityRow) identity.Identity { return r.Identity }))
}

func (db *DB) identitiesOf(ctx context.Context, into *[]identityRow, users []identity.ID) *bun.SelectQuery {
	return db.reader(ctx).NewSelect().Model(into).Where("i.user_id IN (?)", bun.List(users)).Order("i.id")
}

package storage

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/apikey"
)

type apiKeyRow struct {
	bun.BaseModel `bun:"table:api_keys,alias:ak"`
	apikey.Key
}

// InsertAPIKey implements apikey.Store.
func (db *DB) InsertAPIKey(ctx context.Context, k apikey.Key) error {
	return db.insert(ctx, &apiKeyRow{Key: k})
}

// APIKeyByPrefix implements apikey.Store.
func (db *DB) APIKeyByPrefix(ctx context.Context, prefix string) (apikey.Key, error) {
	var row apiKeyRow
	err := db.reader(ctx).NewSelect().Model(&row).Where("ak.prefix = ?", sanitizeKey(prefix)).Scan(ctx)
	return row.Key, db.engine.normalise(err)
}

// APIKey returns a key, also one that does not work.
func (db *DB) APIKey(ctx context.Context, id identity.ID) (apikey.Key, error) {
	var row apiKeyRow
	err := db.reader(ctx).NewSelect().Model(&row).Where("ak.id = ?", id).Scan(ctx)
	return row.Key, db.engine.normalise(err)
}

// LockAPIKey implements apikey.Store.
func (db *DB) LockAPIKey(ctx context.Context, id identity.ID) (apikey.Key, error) {
	var row apiKeyRow
	err := db.engine.forUpdate(db.reader(ctx).NewSelect().Model(&row).Where("ak.id = ?", id), "ak").Scan(ctx)
	return row.Key, db.engine.normalise(err)
}

// KeyVouches implements linking.Store.
func (db *DB) KeyVouches(ctx context.Context, id identity.ID, provider string, now time.Time) (bool, error) {
	var ids []identity.ID
	q := db.reader(ctx).NewSelect().Model((*apiKeyRow)(nil)).Column("id").
		Where("ak.id = ? AND ak.proves = ? AND ak.revoked_at IS NULL AND ak.expires_at > ?", id, sanitizeKey(provider), now)
	err := db.engine.forShare(q, "ak").Scan(ctx, &ids)
	return len(ids) > 0, db.engine.normalise(err)
}

// BackendWorks implements linking.Store.
func (db *DB) BackendWorks(ctx context.Context, provider string, now time.Time) (bool, error) {
	n, err := db.reader(ctx).NewSelect().Model((*apiKeyRow)(nil)).
		Where("ak.proves = ? AND ak.proves <> '' AND ak.revoked_at IS NULL AND ak.expires_at > ?", sanitizeKey(provider), now).Count(ctx)
	return n > 0, db.engine.normalise(err)
}

// HoldBackend implements apikey.Store.
func (db *DB) HoldBackend(ctx context.Context, provider string, now time.Time) (bool, error) {
	if err := db.engine.lockName(ctx, db.writer(ctx), "proves "+provider); err != nil {
		return false, err
	}
	return db.BackendWorks(ctx, provider, now)
}

// EndAPIKey implements apikey.Store.
func (db *DB) EndAPIKey(ctx context.Context, k apikey.Key) error {
	return db.execDeferred(ctx, db.writer(ctx).NewUpdate().Model(&apiKeyRow{Key: k}).
		Column("expires_at", "revoked_at", "replaced_by").Where("ak.id = ?", k.ID))
}

// EndTeamAPIKeys implements team.Store.
func (db *DB) EndTeamAPIKeys(ctx context.Context, teamID identity.ID, at time.Time) (int, error) {
	n, err := db.exec(ctx, db.writer(ctx).NewUpdate().Model((*apiKeyRow)(nil)).Set("revoked_at = ?", at).
		Where("ak.team_id = ? AND ak.revoked_at IS NULL", teamID))
	return int(n), err
}

// KeysCreatedBy implements team.Store and user.Store.
func (db *DB) KeysCreatedBy(ctx context.Context, user identity.ID, teamID *identity.ID, now time.Time) ([]identity.CreatedKey, error) {
	former, err := db.MergedFrom(ctx, []identity.ID{user})
	if err != nil {
		return nil, err
	}
	var rows []apiKeyRow
	q := db.reader(ctx).NewSelect().Model(&rows).
		Where("ak.created_by IN (?) AND ak.revoked_at IS NULL AND ak.expires_at > ?", bun.List(append(former[user], user)), now)
	if teamID != nil {
		q = q.Where("ak.team_id = ?", *teamID)
	}
	err = q.Order("ak.id").Scan(ctx)
	return rowsOf(rows, func(r apiKeyRow) identity.CreatedKey {
		return identity.CreatedKey{ID: r.ID, Prefix: r.Prefix, Name: r.Name, TeamID: r.TeamID, ExpiresAt: r.ExpiresAt}
	}), db.engine.normalise(err)
}

// RevokeKeys implements team.Store and user.Store.
func (db *DB) RevokeKeys(ctx context.Context, ids []identity.ID, at time.Time) error {
	return db.execIf(ctx, len(ids), func() *bun.UpdateQuery {
		return db.writer(ctx).NewUpdate().Model((*apiKeyRow)(nil)).Set("revoked_at = ?", at).
			Where("ak.id IN (?) AND ak.revoked_at IS NULL", bun.List(ids))
	})
}

// CountTeamAPIKeys implements apikey.Store.
func (db *DB) CountTeamAPIKeys(ctx context.Context, teamID identity.ID, now time.Time) (int, error) {
	n, err := db.reader(ctx).NewSelect().Model((*apiKeyRow)(nil)).
		Where("ak.team_id = ? AND ak.revoked_at IS NULL AND ak.expires_at > ?", teamID, now).Count(ctx)
	return int(n), db.engine.normalise(err)
}

// TouchAPIKey implements apikey.Store.
func (db *DB) TouchAPIKey(ctx context.Context, id identity.ID, at time.Time) error {
	_, err := db.exec(ctx, db.write.NewUpdate().Model((*apiKeyRow)(nil)).Set("last_used_at = ?", at).
		Where("ak.id = ? AND (ak.last_used_at IS NULL OR ak.last_used_at < ?)", id, at))
	return err
}

// APIKeys implements apikey.Store.
func (db *DB) APIKeys(ctx context.Context, team *identity.ID, p identity.Page) ([]apikey.Key, error) {
	var rows []apiKeyRow
	q := db.reader(ctx).NewSelect().Model(&rows)
	if team == nil {
		q = q.Where("ak.team_id IS NULL")
	} else {
		q = q.Where("ak.team_id = ?", *team)
	}
	err := newestFirst(q, "ak.id", p).Scan(ctx)
	return rowsOf(rows, func(r apiKeyRow) apikey.Key { return r.Key }), db.engine.normalise(err)
}

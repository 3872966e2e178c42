package storage

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/linking"
)

type grantRow struct {
	bun.BaseModel `bun:"table:link_grants,alias:lg"`
	linking.Grant
}

// InsertGrant implements linking.GrantStore.
func (db *DB) InsertGrant(ctx context.Context, g linking.Grant) error {
	return db.execDeferred(ctx, db.writer(ctx).NewInsert().Model(&grantRow{Grant: g}).
		On("CONFLICT (user_id, provider, subject) DO UPDATE").
		Set("granted_by = EXCLUDED.granted_by").Set("created_at = EXCLUDED.created_at").Set("expires_at = EXCLUDED.expires_at"))
}

// Granted implements linking.GrantStore.
func (db *DB) Granted(ctx context.Context, user identity.ID, provider, subject string, now time.Time) (bool, error) {
	found, err := db.reader(ctx).NewSelect().Model((*grantRow)(nil)).
		Join("JOIN users AS u ON u.id = lg.granted_by").
		Where("lg.user_id = ? AND lg.provider = ? AND lg.subject = ? AND lg.expires_at > ?", user, sanitizeKey(provider), sanitizeKey(subject), now).
		Where("u.operator AND u.status = ?", identity.StatusActive).Exists(ctx)
	return found, db.engine.normalise(err)
}

// DeleteGrants implements linking.GrantStore.
func (db *DB) DeleteGrants(ctx context.Context, user identity.ID) error {
	return db.execDeferred(ctx, db.writer(ctx).NewDelete().Model((*grantRow)(nil)).Where("lg.user_id = ?", user))
}

package storage

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/latchkey/latchkey/identity"
)

type passkeyRow struct {
	bun.BaseModel `bun:"table:passkeys,alias:pk"`
	identity.Passkey
}

type passkeyHandleRow struct {
	bun.BaseModel `bun:"table:passkey_handles,alias:ph"`
	UserID        identity.ID
	Handle        []byte
}

// Passkey implements linking.PasskeyStore.
func (db *DB) Passkey(ctx context.Context, credential string) (identity.Passkey, error) {
	var row passkeyRow
	err := db.reader(ctx).NewSelect().Model(&row).ColumnExpr("?", db.columns(&row)).Join("JOIN identities AS i ON i.id = pk.identity_id").
		Where("i.provider = ? AND i.subject = ?", identity.ProviderPasskey, credential).Scan(ctx)
	return row.Passkey, db.engine.normalise(err)
}

// InsertPasskey implements linking.PasskeyStore.
func (db *DB) InsertPasskey(ctx context.Context, p identity.Passkey) error {
	return db.insert(ctx, &passkeyRow{Passkey: p})
}

// UpdatePasskey implements linking.PasskeyStore.
func (db *DB) UpdatePasskey(ctx context.Context, p identity.Passkey) error {
	return db.execDeferred(ctx, db.writer(ctx).NewUpdate().Model(&passkeyRow{Passkey: p}).
		Column("sign_count", "backed_up", "clone_suspected_at").Where("pk.identity_id = ?", p.IdentityID))
}

// PasskeyHandle implements passkey.Store.
func (db *DB) PasskeyHandle(ctx context.Context, user identity.ID, handle []byte) ([]byte, error) {
	if len(handle) > 0 {
		row := passkeyHandleRow{UserID: user, Handle: handle}
		if _, err := db.exec(ctx, db.writer(ctx).NewInsert().Model(&row).On("CONFLICT (user_id) DO NOTHING")); err != nil {
			return nil, err
		}
	}
	var row passkeyHandleRow
	err := db.reader(ctx).NewSelect().Model(&row).Where("ph.user_id = ?", user).Scan(ctx)
	return row.Handle, db.engine.normalise(err)
}

// withPasskeys adds to identities what is kept of passkeys.
func (db *DB) withPasskeys(ctx context.Context, all []identity.Identity) ([]identity.Identity, error) {
	var ids []identity.ID
	for _, i := range all {
		if i.Provider == identity.ProviderPasskey {
			ids = append(ids, i.ID)
		}
	}
	if len(ids) == 0 {
		return all, nil
	}
	var rows []passkeyRow
	if err := db.reader(ctx).NewSelect().Model(&rows).Where("pk.identity_id IN (?)", bun.List(ids)).Scan(ctx); err != nil {
		return nil, db.engine.normalise(err)
	}
	of := map[identity.ID]*identity.Passkey{}
	for i := range rows {
		of[rows[i].IdentityID] = &rows[i].Passkey
	}
	for i := range all {
		all[i].Passkey = of[all[i].ID]
	}
	return all, nil
}

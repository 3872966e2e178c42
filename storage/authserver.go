package storage

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/latchkey/latchkey/identity"
)

// subjectRow is a user that a client knows.
type subjectRow struct {
	bun.BaseModel `bun:"table:client_subjects,alias:cs"`
	ClientID      string
	UserID        identity.ID
	CreatedAt     time.Time
}

// NoteSubject implements authserver.Store.
func (db *DB) NoteSubject(ctx context.Context, client string, user identity.ID, at time.Time) error {
	return db.execDeferred(ctx, db.writer(ctx).NewInsert().Model(&subjectRow{ClientID: client, UserID: user, CreatedAt: at}).On("CONFLICT DO NOTHING"))
}

// FormerSubjects implements authserver.Store.
func (db *DB) FormerSubjects(ctx context.Context, client string, user identity.ID) ([]identity.ID, error) {
	var ids []identity.ID
	err := db.reader(ctx).NewRaw(`WITH RECURSIVE former (id) AS (
			SELECT u.id FROM users AS u WHERE u.merged_into = ?
			UNION ALL
			SELECT u.id FROM users AS u JOIN former AS f ON u.merged_into = f.id
		) SELECT f.id FROM former AS f JOIN client_subjects AS cs ON cs.user_id = f.id AND cs.client_id = ? ORDER BY f.id`,
		user, sanitizeKey(client)).Scan(ctx, &ids)
	return ids, db.engine.normalise(err)
}

// maxWallets bounds the wallets that an application learns.
const maxWallets = 50

// WalletsOf implements authserver.Store.
func (db *DB) WalletsOf(ctx context.Context, user identity.ID) ([]identity.Wallet, error) {
	var rows []identityRow
	err := db.reader(ctx).NewSelect().Model(&rows).Where("i.user_id = ? AND i.wallet_address IS NOT NULL", user).
		Order("i.is_primary DESC", "i.id").Limit(maxWallets).Scan(ctx)
	return rowsOf(rows, func(r identityRow) identity.Wallet {
		return identity.Wallet{Address: *r.WalletAddress, ChainID: *r.WalletChainID, Kind: *r.WalletKind}
	}), db.engine.normalise(err)
}

// TeamName implements authserver.Store.
func (db *DB) TeamName(ctx context.Context, id identity.ID) (string, error) {
	var name string
	err := db.reader(ctx).NewSelect().Model((*teamRow)(nil)).Column("tm.name").Where("tm.id = ?", id).Scan(ctx, &name)
	return name, db.engine.normalise(err)
}

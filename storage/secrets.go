package storage

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/linking"
)

// BurnSecret implements linking.Store. Of several transactions that burn one
// secret at once, the others wait for the first and then find it burned.
func (db *DB) BurnSecret(ctx context.Context, s identity.SingleUse) error {
	return touchRow(ctx, db, db.hot.burn, burnedColumns, &s, identity.ErrProofUsed())
}

// InsertTicket implements linking.Store.
func (db *DB) InsertTicket(ctx context.Context, t linking.Ticket) error {
	return db.insert(ctx, &ticketRow{Ticket: t})
}

// LockTicket implements linking.Store.
func (db *DB) LockTicket(ctx context.Context, tokenHash []byte) (linking.Ticket, error) {
	var row ticketRow
	q := db.reader(ctx).NewSelect().Model(&row).Where("k.token_hash = ?", tokenHash)
	err := db.engine.forUpdate(q, "k").Scan(ctx)
	return row.Ticket, db.engine.normalise(err)
}

// UseTicket implements linking.Store.
func (db *DB) UseTicket(ctx context.Context, t linking.Ticket) error {
	return db.execDeferred(ctx, db.writer(ctx).NewUpdate().Model(&ticketRow{Ticket: t}).Column("used_at").Where("k.id = ?", t.ID))
}

// EventsOf implements linking.HistoryStore.
func (db *DB) EventsOf(ctx context.Context, users []identity.ID, p identity.Page) ([]identity.Event, error) {
	if len(users) == 0 {
		return nil, nil
	}
	var rows []eventRow
	q := db.reader(ctx).NewSelect().Model(&rows).Where("(a.user_id IN (?) OR a.actor_id IN (?))", bun.List(users), bun.List(users))
	if err := newestFirst(q, "a.id", p).Scan(ctx); err != nil {
		return nil, db.engine.normalise(err)
	}
	out := rowsOf(rows, func(r eventRow) identity.Event { return r.Event })
	return out, db.unsealEvents(ctx, pointers(out, func(e *identity.Event) *identity.Event { return e }))
}

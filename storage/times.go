package storage

import (
	"context"
	"encoding/binary"
	"time"

	"github.com/uptrace/bun"

	"github.com/latchkey/latchkey/identity"
)

// idSkew is how far the ids of rows may be from the order of their times: the clocks
// of replicas differ.
const idSkew = time.Hour

// timed is a column that says when rows were made, and has an index.
type timed struct{ table, alias, column string }

// idsOfTimes narrows a list that goes by ids to those that rows of some times can
// have; a zero time is no limit. The list has its own conditions on times besides. It
// is for SQLite, which would otherwise read along the ids until it comes to the times:
// ids begin with the time they were made at. PostgreSQL does so where the list is walked.
func (db *DB) idsOfTimes(ctx context.Context, q *bun.SelectQuery, of timed, from, to time.Time, walk bool) (*bun.SelectQuery, error) {
	if db.engine != sqlite && !walk {
		return q, nil
	}
	for _, limit := range []struct {
		at              time.Time
		compares, order string
		ids             string
		skew            time.Duration
	}{
		{from, ">=", "ASC", ">=", -idSkew},
		{to, "<=", "DESC", "<=", idSkew},
	} {
		if limit.at.IsZero() {
			continue
		}
		var nearest []identity.ID
		column := bun.Safe("b." + of.column)
		err := db.reader(ctx).NewSelect().TableExpr("? AS b", bun.Safe(of.table)).Column("b.id").
			Where("? ? ?", column, bun.Safe(limit.compares), limit.at.UTC()).OrderExpr("? ?", column, bun.Safe(limit.order)).Limit(1).Scan(ctx, &nearest)
		if err != nil {
			return nil, db.engine.normalise(err)
		}
		if len(nearest) == 0 {
			return q.Where("? < ?", bun.Safe(of.alias+".id"), identity.ID{}), nil // there are none
		}
		q = q.Where("? ? ?", bun.Safe(of.alias+".id"), bun.Safe(limit.ids), shifted(nearest[0], limit.skew))
	}
	return q, nil
}

// shifted returns an id (UUIDv7) of another time.
func shifted(id identity.ID, by time.Duration) identity.ID {
	ms := binary.BigEndian.Uint64(append([]byte{0, 0}, id[:6]...))
	ms = uint64(max(0, int64(ms)+by.Milliseconds())) //nolint:gosec // 48 bits
	copy(id[:6], binary.BigEndian.AppendUint64(nil, ms)[2:])
	return id
}

package storage

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/figures"
)

// WaitingNow implements figures.KeptStore.
func (db *DB) WaitingNow(ctx context.Context) (figures.Backlog, error) {
	out := figures.Backlog{Tasks: map[identity.TaskKind]figures.Waiting{}}
	for _, kind := range identity.TaskKinds {
		w, err := waitingRows(ctx, "o.created_at", func() *bun.SelectQuery {
			return db.reader(ctx).NewSelect().Model((*taskRow)(nil)).Where("o.kind = ?", kind)
		})
		if err != nil {
			return out, db.engine.normalise(err)
		}
		if w.N > 0 {
			out.Tasks[kind] = w
		}
	}
	var err error
	out.Deliveries, err = waitingRows(ctx, "wd.created_at", func() *bun.SelectQuery {
		return db.reader(ctx).NewSelect().Model((*deliveryRow)(nil)).Where("wd.status = 'pending'")
	})
	return out, db.engine.normalise(err)
}

// waitingRows counts rows, and looks for the time of the oldest if there are any.
func waitingRows(ctx context.Context, at string, rows func() *bun.SelectQuery) (figures.Waiting, error) {
	n, err := rows().Count(ctx)
	if err != nil || n == 0 {
		return figures.Waiting{}, err
	}
	var oldest []time.Time
	if err := rows().ColumnExpr("?", bun.Safe(at)).OrderExpr("?", bun.Safe(at)).Limit(1).Scan(ctx, &oldest); err != nil {
		return figures.Waiting{}, err
	}
	out := figures.Waiting{N: int(n)}
	if len(oldest) > 0 { // or they were done in between
		out.Oldest = new(oldest[0].UTC())
	}
	return out, nil
}

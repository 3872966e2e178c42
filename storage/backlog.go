package storage

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/figures"
)

// waitingRow is how much waits. The oldest is looked for with the count: alone, PostgreSQL
// would look along the index by time, past all that waits no more.
type waitingRow struct {
	Kind   identity.TaskKind
	N      int
	Oldest bun.NullTime
}

func (w waitingRow) domain() figures.Waiting {
	out := figures.Waiting{N: w.N}
	if w.N > 0 {
		out.Oldest = new(w.Oldest.UTC())
	}
	return out
}

// WaitingNow implements figures.KeptStore.
func (db *DB) WaitingNow(ctx context.Context) (figures.Backlog, error) {
	out := figures.Backlog{Tasks: map[identity.TaskKind]figures.Waiting{}}
	var tasks []waitingRow
	if err := db.reader(ctx).NewSelect().Model((*taskRow)(nil)).
		ColumnExpr("o.kind, count(*) AS n, min(o.created_at) AS oldest").GroupExpr("o.kind").Scan(ctx, &tasks); err != nil {
		return out, db.engine.normalise(err)
	}
	for _, w := range tasks {
		out.Tasks[w.Kind] = w.domain()
	}
	var deliveries waitingRow
	err := db.reader(ctx).NewSelect().Model((*deliveryRow)(nil)).
		ColumnExpr("count(*) AS n, min(wd.created_at) AS oldest").Where("wd.status = 'pending'").Scan(ctx, &deliveries)
	out.Deliveries = deliveries.domain()
	return out, db.engine.normalise(err)
}

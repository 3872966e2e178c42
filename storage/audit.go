package storage

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/audit"
)

// recordRow is an event with its place in its chain.
type recordRow struct {
	bun.BaseModel `bun:"table:audit_events,alias:a"`
	audit.Record
}

func (r recordRow) domain() audit.Record { return r.Record }

// sealRow is what chains an event that was written without.
type sealRow struct {
	bun.BaseModel `bun:"table:audit_events,alias:a"`
	ID            identity.ID `bun:"type:uuid,pk"`
	Seq           int64       `bun:"type:bigint"`
	PrevHash      []byte      `bun:"type:bytea"`
	Hash          []byte      `bun:"type:bytea"`
}

type headRow struct {
	bun.BaseModel `bun:"table:audit_heads,alias:h"`
	audit.Head
}

// chainOf is the chain of an event in SQL, by which audit_events_chain is
// ordered.
const chainOf = "coalesce(a.team_id, '00000000-0000-0000-0000-000000000000')"

// Events implements audit.Store.
func (db *DB) Events(ctx context.Context, f audit.Filter, p identity.Page) ([]audit.Record, error) {
	var rows []recordRow
	err := newestFirst(whereEvent(db.reader(ctx).NewSelect().Model(&rows), f), "a.id", p).Scan(ctx)
	return rowsOf(rows, recordRow.domain), db.engine.normalise(err)
}

// Parties implements audit.Store.
func (db *DB) Parties(ctx context.Context, ids []identity.ID) (map[identity.ID]audit.Party, error) {
	out := map[identity.ID]audit.Party{}
	if len(ids) == 0 {
		return out, nil
	}
	users, err := db.Survivors(ctx, ids)
	if err != nil {
		return nil, err
	}
	var survivors []identity.ID
	for _, u := range users {
		survivors = append(survivors, u.ID)
	}
	known, err := db.Summaries(ctx, survivors)
	if err != nil {
		return nil, err
	}
	for id, u := range users {
		out[id] = audit.Party{User: new(known[u.ID])}
	}
	var keys []apiKeyRow
	err = db.reader(ctx).NewSelect().Model(&keys).Where("ak.id IN (?)", bun.List(ids)).Scan(ctx)
	for _, k := range keys {
		out[k.ID] = audit.Party{KeyName: k.Name}
	}
	return out, db.engine.normalise(err)
}

// Chained implements audit.Store. Either query reads on from a place in the
// index, which one over both columns does not on SQLite.
func (db *DB) Chained(ctx context.Context, f audit.Filter, after audit.Position, limit int) ([]audit.Record, error) {
	if f.TeamID != nil {
		if after.Chain != *f.TeamID {
			after = audit.Position{Chain: *f.TeamID}
		}
		f.TeamID = nil // or SQLite would go by the index of teams, and sort
		return db.chained(ctx, f, limit, chainOf+" = ? AND a.seq > ?", after.Chain, after.Seq)
	}
	out, err := db.chained(ctx, f, limit, chainOf+" = ? AND a.seq > ?", after.Chain, after.Seq)
	if err != nil || len(out) == limit {
		return out, err
	}
	more, err := db.chained(ctx, f, limit-len(out), chainOf+" > ?", after.Chain)
	return append(out, more...), err
}

// ChainedIn implements audit.Store.
func (db *DB) ChainedIn(ctx context.Context, chain identity.ID, seq int64, limit int) ([]audit.Record, error) {
	return db.chained(ctx, audit.Filter{}, limit, chainOf+" = ? AND a.seq > ?", chain, seq)
}

func (db *DB) chained(ctx context.Context, f audit.Filter, limit int, where string, args ...any) ([]audit.Record, error) {
	var rows []recordRow
	err := whereEvent(db.reader(ctx).NewSelect().Model(&rows), f).Where("a.seq IS NOT NULL").Where(where, args...).
		OrderExpr(chainOf + ", a.seq").Limit(int64(limit)).Scan(ctx)
	return rowsOf(rows, recordRow.domain), db.engine.normalise(err)
}

func whereEvent(q *bun.SelectQuery, f audit.Filter) *bun.SelectQuery {
	for _, id := range []struct {
		column string
		is     *identity.ID
	}{{"a.team_id", f.TeamID}, {"a.user_id", f.UserID}, {"a.actor_id", f.ActorID}, {"a.session_id", f.SessionID}} {
		if id.is != nil {
			q = q.Where("? = ?", bun.Safe(id.column), *id.is)
		}
	}
	if f.Action != "" {
		q = q.Where("a.action = ?", sanitizeKey(string(f.Action)))
	}
	if f.IP != "" {
		q = q.Where("a.ip = ?", sanitizeKey(f.IP))
	}
	if f.From != nil {
		q = q.Where("a.at >= ?", f.From.UTC())
	}
	if f.To != nil {
		q = q.Where("a.at < ?", f.To.UTC())
	}
	return q
}

// CountUnsealed implements audit.Store.
func (db *DB) CountUnsealed(ctx context.Context) (int, error) {
	n, err := db.reader(ctx).NewSelect().Model((*recordRow)(nil)).Where("a.seq IS NULL").Count(ctx)
	return int(n), db.engine.normalise(err)
}

// SealEvents implements audit.Store. It goes by what is not chained yet, never by
// an id or a time: transactions commit in another order than they made their ids.
func (db *DB) SealEvents(ctx context.Context, limit int) (int, error) {
	// Asked outside a transaction first: an idle sealer locks nothing.
	some, err := db.read.NewSelect().Model((*recordRow)(nil)).Where("a.seq IS NULL").Exists(ctx)
	if err != nil || !some {
		return 0, db.engine.normalise(err)
	}
	var sealed int
	err = db.InTx(ctx, func(ctx context.Context) error {
		if err := db.engine.lockName(ctx, db.writer(ctx), "latchkey audit sealer"); err != nil {
			return err
		}
		var rows []eventRow
		err := db.reader(ctx).NewSelect().Model(&rows).Where("a.seq IS NULL").Order("a.id").Limit(int64(limit)).Scan(ctx)
		if sealed = len(rows); err != nil || sealed == 0 {
			return db.engine.normalise(err)
		}
		records, heads, err := db.link(ctx, rowsOf(rows, func(r eventRow) identity.Event { return r.Event }))
		if err != nil {
			return err
		}
		seals := rowsOf(records, func(r audit.Record) sealRow {
			return sealRow{ID: r.ID, Seq: *r.Seq, PrevHash: r.PrevHash, Hash: r.Hash}
		})
		n, err := db.exec(ctx, db.writer(ctx).NewUpdate().Model(&seals).Column("seq", "prev_hash", "hash").Bulk())
		if err == nil && int(n) != sealed {
			err = fmt.Errorf("sealed %d of %d audit events", n, sealed)
		}
		if err != nil {
			return err
		}
		return db.moveHeads(ctx, heads)
	})
	return sealed, err
}

// Head implements audit.Store.
func (db *DB) Head(ctx context.Context, chain identity.ID) (audit.Head, error) {
	var row headRow
	err := db.reader(ctx).NewSelect().Model(&row).Where("h.chain = ?", chain).Scan(ctx)
	return row.Head, db.engine.normalise(err)
}

// Heads implements audit.Store.
func (db *DB) Heads(ctx context.Context, after *identity.ID, limit int) ([]audit.Head, error) {
	var rows []headRow
	q := db.reader(ctx).NewSelect().Model(&rows).Order("h.chain").Limit(int64(limit))
	if after != nil {
		q = q.Where("h.chain > ?", *after)
	}
	err := q.Scan(ctx)
	return rowsOf(rows, func(r headRow) audit.Head { return r.Head }), db.engine.normalise(err)
}

// Headless implements audit.Store.
func (db *DB) Headless(ctx context.Context, limit int) ([]identity.ID, error) {
	var ids []identity.ID
	err := db.reader(ctx).NewRaw(`SELECT DISTINCT `+chainOf+` AS chain FROM audit_events AS a
		WHERE a.seq IS NOT NULL AND NOT EXISTS (SELECT 1 FROM audit_heads AS h WHERE h.chain = `+chainOf+`)
		UNION
		SELECT tm.id FROM teams AS tm WHERE NOT EXISTS (SELECT 1 FROM audit_heads AS h WHERE h.chain = tm.id)
			AND NOT EXISTS (SELECT 1 FROM audit_events AS a WHERE a.team_id = tm.id AND a.seq IS NULL)
		ORDER BY 1 LIMIT ?`, limit).Scan(ctx, &ids)
	return ids, db.engine.normalise(err)
}

package storage

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/audit"
	"github.com/latchkey/latchkey/identity/team"
)

// zeroChain is the chain of the deployment, in SQL.
const zeroChain = "'00000000-0000-0000-0000-000000000000'"

// chainOf is the chain of an event in SQL, by which audit_events_seq is ordered.
const chainOf = "coalesce(a.team_id, " + zeroChain + ")"

type headRow struct {
	bun.BaseModel `bun:"table:audit_heads,alias:h"`
	audit.Head
}

// RecordEvents writes audit events in the transaction of what they tell of. They
// are never updated: their chains are made behind them, see SealEvents, so that
// no change waits for another because of its event.
func (db *DB) RecordEvents(ctx context.Context, events ...identity.Event) error {
	for _, e := range events {
		if e.TeamID != nil {
			db.changed(ctx, team.Topic(*e.TeamID)) // every change in a team has an event
		}
	}
	rows, keys, err := db.sealEvents(ctx, events)
	if err != nil {
		return err
	}
	if wake := db.wakeFeed.Load(); wake != nil {
		db.AfterCommit(ctx, *wake)
	}
	if len(rows) > fewEvents {
		if err := db.insert(ctx, &rows); err != nil || len(keys) == 0 {
			return err
		}
		return db.insert(ctx, &keys)
	}
	for i := range rows {
		if err := writeRow(ctx, db, db.hot.insertEvent, eventColumns, &rows[i].Event); err != nil {
			return err
		}
	}
	for i := range keys {
		if err := writeRow(ctx, db, db.hot.insertAuditKey, auditKeyColumns, &keys[i].auditKey); err != nil {
			return err
		}
	}
	return nil
}

// fewEvents are written by a statement each, which is prepared. More are written by
// one.
const fewEvents = 3

// placed is an event as it is stored. Seq is nil for one that is sealed, or to be.
type placed struct {
	audit.Link
	place
	single bool // chained by a release without seals
	form   int  // see sealedForm
}

// events selects events with all that placed holds.
func (db *DB) events(from bun.IDB) *bun.SelectQuery {
	return from.NewSelect().TableExpr("audit_events AS a").ColumnExpr(`a.id, a.at, a.action, a.actor_id, a.user_id, a.team_id, a.session_id,
		a.ip, a.user_agent, a.data, coalesce(a.seq, 0), a.prev_hash, a.hash, coalesce(?, 0), coalesce(a.position, 0), a.form`, bun.Safe(db.engine.epochOf()))
}

// scan reads what events selects. It is written by hand, as it is called for
// millions.
func (db *DB) scan(ctx context.Context, q *bun.SelectQuery) (out []placed, err error) {
	rows, err := q.Rows(ctx)
	if err != nil {
		return nil, db.engine.normalise(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var p placed
		var seq int64
		var data sql.RawBytes
		err := rows.Scan(&p.ID, &p.At, &p.Action, &p.ActorID, &p.UserID, &p.TeamID, &p.SessionID,
			&p.IP, &p.UserAgent, &data, &seq, &p.PrevHash, &p.Hash, &p.Epoch, &p.Position, &p.form)
		if err != nil {
			return nil, db.engine.normalise(err)
		}
		p.At, p.EventID = p.At.UTC(), p.ID
		if p.single = seq > 0; p.single {
			p.Seq = &seq
		}
		p.Unreadable = p.Data.Scan([]byte(data))
		out = append(out, p)
	}
	return out, db.engine.normalise(rows.Err())
}

// readable are the records of events, if all can be read.
func readable(rows []placed) ([]audit.Record, error) {
	out := make([]audit.Record, len(rows))
	for i, r := range rows {
		if r.Unreadable != nil {
			return nil, fmt.Errorf("audit event %s: %w", r.ID, r.Unreadable)
		}
		out[i] = r.Record
	}
	return out, nil
}

// Events implements audit.Store.
func (db *DB) Events(ctx context.Context, f audit.Filter, p identity.Page) ([]audit.Record, error) {
	var from, to time.Time
	if f.From != nil {
		from = *f.From
	}
	if f.To != nil {
		to = *f.To
	}
	q, err := db.idsOfTimes(ctx, whereEvent(db.events(db.reader(ctx)), f), timed{"audit_events", "a", "at"}, from, to, false)
	if err != nil {
		return nil, err
	}
	rows, err := db.scan(ctx, newestFirst(q, "a.id", p))
	if err == nil {
		err = db.attach(ctx, rows)
	}
	if err != nil {
		return nil, err
	}
	out, err := readable(rows)
	if err != nil {
		return nil, err
	}
	return out, db.unsealEvents(ctx, pointers(out, func(r *audit.Record) *identity.Event { return &r.Event }))
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

// few events are sorted at once.
const few = 2000

// Chained implements audit.Store. Where a filter leaves few, they are read by its
// index and sorted; else chains are walked.
func (db *DB) Chained(ctx context.Context, f audit.Filter, after audit.Position, limit int) ([]audit.Record, error) {
	chain, only := after.Chain, f.TeamID
	if only != nil && *only != chain {
		chain, after = *only, audit.Position{Chain: *only}
	}
	if f != (audit.Filter{TeamID: only}) {
		rows, err := db.fewChained(ctx, f, after, limit)
		if err != nil || rows != nil {
			return rows, err
		}
	}
	f.TeamID = nil
	for seq := after.Seq; ; seq = 0 {
		for more := true; more; {
			w, err := db.walk(ctx, chain, seq, limit, f)
			if err != nil {
				return nil, err
			}
			chained := slices.DeleteFunc(w.found, func(p placed) bool { return p.Seq == nil })
			if len(chained) > 0 {
				return readable(chained)
			}
			seq, more = w.upTo, w.more
		}
		if only != nil {
			return nil, nil
		}
		heads, err := db.Heads(ctx, &chain, 1)
		if err != nil || len(heads) == 0 {
			return nil, err
		}
		chain = heads[0].Chain
	}
}

// fewChained is Chained for a filter that leaves few events; nil if it does not.
func (db *DB) fewChained(ctx context.Context, f audit.Filter, after audit.Position, limit int) ([]audit.Record, error) {
	rows, err := db.scan(ctx, whereEvent(db.events(db.reader(ctx)), f).Limit(few+1))
	if err != nil || len(rows) > few {
		return nil, err
	}
	if err := db.attach(ctx, rows); err != nil {
		return nil, err
	}
	at := func(p placed) audit.Position { return audit.Position{Chain: audit.Chain(p.Event), Seq: *p.Seq} }
	compare := func(a, b audit.Position) int {
		return cmp.Or(bytes.Compare(a.Chain[:], b.Chain[:]), cmp.Compare(a.Seq, b.Seq))
	}
	rows = slices.DeleteFunc(rows, func(p placed) bool { return p.Seq == nil || compare(at(p), after) <= 0 })
	slices.SortFunc(rows, func(a, b placed) int { return compare(at(a), at(b)) })
	out, err := readable(rows[:min(limit, len(rows))])
	if out == nil && err == nil {
		out = []audit.Record{}
	}
	return out, err
}

// Links implements audit.Store.
func (db *DB) Links(ctx context.Context, chain identity.ID, seq int64, limit int) ([]audit.Link, error) {
	w, err := db.walk(ctx, chain, seq, limit, audit.Filter{})
	return rowsOf(w.found, func(p placed) audit.Link { return p.Link }), err
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
	if f.IP != "" { // in plain before migration 53
		q = q.Where("a.id IN (SELECT n.id FROM audit_events AS n WHERE n.ip = ? UNION ALL SELECT kv.event_id FROM audit_keys AS kv WHERE kv.ip = ?)", sanitizeKey(f.IP), sanitizeKey(f.IP))
	}
	if f.From != nil {
		q = q.Where("a.at >= ?", f.From.UTC())
	}
	if f.To != nil {
		q = q.Where("a.at < ?", f.To.UTC())
	}
	return q
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
		WHERE a.seq > 0 AND NOT EXISTS (SELECT 1 FROM audit_heads AS h WHERE h.chain = `+chainOf+`)
		UNION
		SELECT DISTINCT sl.chain FROM audit_seals AS sl WHERE NOT EXISTS (SELECT 1 FROM audit_heads AS h WHERE h.chain = sl.chain)
		UNION
		SELECT tm.id FROM teams AS tm WHERE NOT EXISTS (SELECT 1 FROM audit_heads AS h WHERE h.chain = tm.id)
			AND NOT EXISTS (SELECT 1 FROM audit_events AS a JOIN audit_progress AS pr ON `+db.engine.behindProgress()+` WHERE a.team_id = tm.id AND a.seq = 0)
		ORDER BY 1 LIMIT ?`, limit).Scan(ctx, &ids)
	return ids, db.engine.normalise(err)
}

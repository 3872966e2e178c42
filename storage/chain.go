package storage

import (
	"bytes"
	"context"
	"database/sql"
	"slices"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/audit"
	"github.com/latchkey/latchkey/identity/team"
)

// RecordEvents writes audit events in the transaction of what they tell of. Those
// of a team wait for its end, when they are chained: so the heads of chains are
// locked last of all, in one order, and as shortly as can be. The others are
// chained after the transaction, see SealEvents: sign-ins do not wait
// for each other.
func (db *DB) RecordEvents(ctx context.Context, events ...identity.Event) error {
	if len(events) == 0 {
		return nil
	}
	into := db.builder(ctx)
	tx := inTx(ctx)
	if tx.over {
		return sql.ErrTxDone
	}
	var rows []eventRow
	for _, e := range events {
		if e.Data == nil {
			e.Data = identity.Metadata{}
		}
		if e.TeamID != nil {
			db.changed(ctx, team.Topic(*e.TeamID)) // every change in a team has an event
			tx.events = append(tx.events, e)
			continue
		}
		rows = append(rows, eventRow{Event: e})
	}
	if len(rows) == 0 {
		return nil
	}
	return db.execDeferred(ctx, into.NewInsert().Model(&rows))
}

// chain writes the events of teams that the transaction has recorded. It is the
// last thing the transaction does, in as many statements for one as for many.
func (db *DB) chain(ctx context.Context, tx *transaction) error {
	if len(tx.events) == 0 {
		return nil
	}
	records, heads, err := db.link(ctx, tx.events)
	if err != nil {
		return err
	}
	rows := rowsOf(records, func(r audit.Record) recordRow { return recordRow{Record: r} })
	if err := db.execDeferred(ctx, db.builder(ctx).NewInsert().Model(&rows)); err != nil {
		return err
	}
	return db.moveHeads(ctx, heads)
}

// link puts events at the ends of their chains, in this order. It holds the
// heads until the transaction ends, with their seq moved on already; moveHeads
// has to follow. Heads are locked in the order of their chains.
func (db *DB) link(ctx context.Context, events []identity.Event) ([]audit.Record, []headRow, error) {
	counts := map[identity.ID]int64{}
	for _, e := range events {
		counts[audit.Chain(e)]++
	}
	wanted := make([]headRow, 0, len(counts))
	for chain, n := range counts {
		wanted = append(wanted, headRow{Head: audit.Head{Chain: chain, Seq: n, Hash: audit.Genesis()}})
	}
	slices.SortFunc(wanted, func(a, b headRow) int { return bytes.Compare(a.Chain[:], b.Chain[:]) })
	var heads []headRow
	err := db.writer(ctx).NewInsert().Model(&wanted).On("CONFLICT (chain) DO UPDATE").Set("seq = h.seq + EXCLUDED.seq").
		Returning("chain, seq, hash").Scan(ctx, &heads)
	if err != nil {
		return nil, nil, db.engine.normalise(err)
	}
	last := make(map[identity.ID]*audit.Head, len(heads))
	for i := range heads {
		h := &heads[i].Head
		h.Seq -= counts[h.Chain]
		last[h.Chain] = h
	}
	records := make([]audit.Record, len(events))
	for i, e := range events {
		h := last[audit.Chain(e)]
		if records[i], err = audit.Follow(e, h.Seq, h.Hash); err != nil {
			return nil, nil, err
		}
		h.Seq, h.Hash = *records[i].Seq, records[i].Hash
	}
	return records, heads, nil
}

// moveHeads writes the hashes of heads that link holds.
func (db *DB) moveHeads(ctx context.Context, heads []headRow) error {
	return db.execDeferred(ctx, db.builder(ctx).NewInsert().Model(&heads).On("CONFLICT (chain) DO UPDATE").Set("hash = EXCLUDED.hash"))
}

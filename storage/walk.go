package storage

import (
	"cmp"
	"context"
	"database/sql"
	"math"
	"slices"

	"github.com/uptrace/bun"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/audit"
)

// walked is a part of a chain.
type walked struct {
	found []placed // what meets the filter, in order; without Seq, what no seal names
	upTo  int64    // the seq up to which it was looked at
	more  bool     // there is something behind it
}

// walk reads what follows seq in a chain, about as many as the limit: the events
// that were chained one by one by releases before there were seals, and seals with
// theirs. At the end it looks for events that no seal covers, but must.
func (db *DB) walk(ctx context.Context, chain identity.ID, seq int64, limit int, f audit.Filter) (w walked, err error) {
	err = db.inSnapshot(ctx, func(from bun.IDB) error {
		w, err = db.walkIn(ctx, from, chain, seq, limit, f)
		return err
	})
	return w, err
}

func (db *DB) walkIn(ctx context.Context, from bun.IDB, chain identity.ID, seq int64, limit int, f audit.Filter) (walked, error) {
	archived, err := db.archivedUpTo(ctx, from, chain)
	if err != nil {
		return walked{}, err
	}
	seq = max(seq, archived)
	before, seals, err := db.sealsBehind(ctx, from, chain, seq, limit)
	if err != nil {
		return walked{}, err
	}
	// One by one.
	out := walked{upTo: seq}
	single, err := db.scan(ctx, whereEvent(db.events(from), f).Where(chainOf+" = ? AND a.seq > ?", chain, seq).OrderExpr(chainOf+", a.seq").Limit(int64(limit)))
	if err != nil {
		return walked{}, err
	}
	bound := int64(math.MaxInt64) // what is behind it comes with the next part
	if len(single) == limit {
		bound = *single[limit-1].Seq
	}
	if n := len(seals); n > 0 {
		bound = min(bound, seals[n-1].end()-1)
	}
	for _, p := range single {
		if *p.Seq <= bound {
			out.upTo = *p.Seq
			out.found = append(out.found, p)
		}
	}
	seals = slices.DeleteFunc(seals, func(s sealRow) bool { return s.Seq > bound })
	to := before
	if n := len(seals); n > 0 {
		to = seals[n-1].place
		out.upTo = max(out.upTo, min(bound, seals[n-1].end()-1))
	}
	out.more = out.upTo > seq
	if !out.more {
		if to, err = db.progress(ctx, from); err != nil || db.engine.compare(to, before) <= 0 {
			return out, err
		}
	}
	if db.engine.compare(to, before) <= 0 {
		return out, nil
	}
	behind, args := db.engine.at(">", before)
	upTo, more := db.engine.at("<=", to)
	sealed, err := db.scan(ctx, whereEvent(ofChain(db.events(from), chain), f).Where(behind, args...).Where(upTo, more...).OrderExpr(db.engine.inOrder()))
	if err != nil {
		return walked{}, err
	}
	n := 0
	for _, p := range sealed {
		for n < len(seals) && db.engine.compare(p.place, seals[n].place) > 0 {
			n++
		}
		if n < len(seals) {
			seals[n].name(&p)
		}
		if p.Seq == nil || *p.Seq > seq && *p.Seq <= bound {
			out.found = append(out.found, p)
		}
	}
	if len(single) > 0 && len(sealed) > 0 {
		last := seq
		order := make(map[identity.ID]int64, len(out.found))
		for _, p := range out.found { // what no seal names stays behind what precedes it
			if p.Seq != nil {
				last = *p.Seq
			}
			order[p.ID] = last
		}
		slices.SortStableFunc(out.found, func(a, b placed) int { return cmp.Compare(order[a.ID], order[b.ID]) })
	}
	return out, nil
}

// sealsBehind are the seals of a chain behind seq, that with what follows it first,
// with at least as many events as the limit; and the place that the seal before
// them has, or beforeAll.
func (db *DB) sealsBehind(ctx context.Context, from bun.IDB, chain identity.ID, seq int64, limit int) (before place, seals []sealRow, err error) {
	var earlier []sealRow
	err = from.NewSelect().Model(&earlier).Where("sl.chain = ? AND sl.seq <= ?", chain, seq+1).OrderExpr("sl.seq DESC").Limit(2).Scan(ctx)
	if err != nil {
		return place{}, nil, db.engine.normalise(err)
	}
	if len(earlier) > 0 && earlier[0].end() > seq+1 {
		seals, earlier = earlier[:1:1], earlier[1:]
	}
	if before = beforeAll; len(earlier) > 0 {
		before = earlier[0].place
	}
	var more []sealRow
	// length does not read what it measures.
	err = from.NewRaw(`SELECT `+sealColumns+` FROM (
			SELECT `+sealColumns+`, sum(length(links)) OVER (ORDER BY seq) - length(links) AS bytes_before FROM (
				SELECT `+sealColumns+` FROM audit_seals WHERE chain = ? AND seq > ? ORDER BY seq LIMIT ?) AS n) AS f
		WHERE f.bytes_before < ? ORDER BY f.seq`, chain, seq+1, limit, limit*linkSize).Scan(ctx, &more)
	return before, append(seals, more...), db.engine.normalise(err)
}

// inSnapshot runs reads that see one state of the database.
func (db *DB) inSnapshot(ctx context.Context, read func(from bun.IDB) error) error {
	if inTx(ctx) != nil {
		return read(db.reader(ctx))
	}
	opts := sql.TxOptions{ReadOnly: true} // which on SQLite sees one state, and waits for no writer
	if db.engine == postgres {
		opts.Isolation = sql.LevelRepeatableRead
	}
	tx, err := db.read.BeginTx(ctx, &opts)
	if err != nil {
		return db.engine.normalise(err)
	}
	defer func() { _ = tx.Rollback() }()
	return read(tx)
}

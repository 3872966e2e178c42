package storage

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/audit"
)

// Events are sealed in the order of their places: by epoch, by the number of the
// transaction that wrote them, by id. A batch ends before the first transaction
// that has not ended, so nothing comes in front of what is sealed. A seal is a
// row with the hashes of the events of one chain in one batch. It covers the
// chain's places behind the seal before it, up to its own.

// place is where an event is in that order.
type place = audit.Place

// beforeAll is before every place, also before one that somebody made up.
var beforeAll = place{Epoch: math.MinInt32, Position: math.MinInt64}

// epochOf is the epoch of an event a. SQLite numbers events instead, for good.
func (e engine) epochOf() string {
	if e == sqlite {
		return "0"
	}
	return "a.epoch"
}

// inOrder are the columns of an event a that order it.
func (e engine) inOrder() string {
	if e == sqlite {
		return "a.position"
	}
	return "a.epoch, a.position, a.id"
}

// at compares the place of an event a with one.
func (e engine) at(operator string, p place) (condition string, args []any) {
	if e == sqlite {
		return "a.position " + operator + " ?", []any{p.Position}
	}
	return "(a.epoch, a.position, a.id) " + operator + " (?, ?, ?)", []any{p.Epoch, p.Position, p.EventID}
}

// behindProgress is the condition that the place of an event, a, is behind where the
// last batch ended, pr.
func (e engine) behindProgress() string {
	if e == sqlite {
		return "a.position > pr.position"
	}
	return "(a.epoch, a.position, a.id) > (pr.epoch, pr.position, pr.event_id)"
}

// ofChain keeps events that are sealed, or to be, of one chain.
func ofChain(q *bun.SelectQuery, chain identity.ID) *bun.SelectQuery {
	if q = q.Where("a.seq = 0"); chain == audit.Deployment {
		return q.Where("a.team_id IS NULL")
	}
	return q.Where("a.team_id = ?", chain)
}

type sealRow struct {
	bun.BaseModel `bun:"table:audit_seals,alias:sl"`
	Chain         identity.ID `bun:"type:uuid,pk"`
	Seq           int64       `bun:"type:bigint,pk"` // of its first event
	place                     // of its last
	PrevHash      []byte      `bun:"type:bytea"`
	Links         []byte      `bun:"type:bytea"`
}

const sealColumns = "chain, seq, epoch, position, event_id, prev_hash, links"

// A link of a seal is the end of the event's id, which is random, and the hash. A
// seal has no end twice.
const (
	tagSize  = 4
	linkSize = tagSize + 32
)

func tagOf(id identity.ID) []byte { return id[len(id)-tagSize:] }

func (s *sealRow) count() int64 { return int64(len(s.Links) / linkSize) }
func (s *sealRow) end() int64   { return s.Seq + s.count() } // the seq behind it

func (s *sealRow) slot(id identity.ID) int {
	for i := 0; i < len(s.Links); i += linkSize {
		if bytes.Equal(s.Links[i:i+tagSize], tagOf(id)) {
			return i / linkSize
		}
	}
	return -1
}

// name gives an event what the seal holds of it, if it does.
func (s *sealRow) name(p *placed) {
	i := s.slot(p.ID)
	if i < 0 {
		return
	}
	p.Seq, p.PrevHash = new(s.Seq+int64(i)), s.PrevHash
	if i > 0 {
		p.PrevHash = s.Links[i*linkSize-32 : i*linkSize]
	}
	p.Hash = s.Links[i*linkSize+tagSize : (i+1)*linkSize]
}

// attach gives sealed events their seq and hashes.
func (db *DB) attach(ctx context.Context, rows []placed) error {
	var wanted []string
	var args []any
	for _, r := range rows {
		if r.Seq != nil || r.Position == 0 {
			continue
		}
		if db.engine == sqlite {
			wanted = append(wanted, "(?, ?)")
			args = append(args, audit.Chain(r.Event), r.Position)
			continue
		}
		wanted = append(wanted, "(CAST(? AS uuid), CAST(? AS integer), CAST(? AS bigint), CAST(? AS uuid))")
		args = append(args, audit.Chain(r.Event), r.Epoch, r.Position, r.ID)
	}
	if len(wanted) == 0 {
		return nil
	}
	columns, where, order := "chain, epoch, position, id", "(f.epoch, f.position, f.event_id) >= (w.epoch, w.position, w.id)", "f.epoch, f.position, f.event_id"
	if db.engine == sqlite {
		columns, where, order = "chain, position", "f.position >= w.position", "f.position"
	}
	var seals []sealRow
	err := db.reader(ctx).NewRaw("WITH w ("+columns+") AS (VALUES "+strings.Join(wanted, ", ")+`)
		SELECT `+sealColumns+` FROM audit_seals WHERE (chain, seq) IN (
			SELECT w.chain, (SELECT f.seq FROM audit_seals AS f WHERE f.chain = w.chain AND `+where+` ORDER BY `+order+` LIMIT 1) FROM w)`, args...).
		Scan(ctx, &seals)
	if err != nil {
		return db.engine.normalise(err)
	}
	slices.SortFunc(seals, func(a, b sealRow) int { return db.engine.compare(a.place, b.place) })
	for i := range rows {
		if r := &rows[i]; r.Seq == nil {
			chain := audit.Chain(r.Event)
			for n := range seals {
				if seals[n].Chain == chain && db.engine.compare(r.place, seals[n].place) <= 0 {
					seals[n].name(r)
					break
				}
			}
		}
	}
	return nil
}

// compare orders places as at does.
func (e engine) compare(a, b place) int {
	if e == sqlite {
		return cmp.Compare(a.Position, b.Position)
	}
	return cmp.Or(cmp.Compare(a.Epoch, b.Epoch), cmp.Compare(a.Position, b.Position), bytes.Compare(a.EventID[:], b.EventID[:]))
}

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

type progressRow struct {
	bun.BaseModel `bun:"table:audit_progress,alias:pr"`
	ID            int `bun:"type:integer,pk"`
	place
}

// progress is the place up to which everything is sealed.
func (db *DB) progress(ctx context.Context, from bun.IDB) (place, error) {
	var row progressRow
	err := from.NewSelect().Model(&row).Where("pr.id = 1").Scan(ctx)
	return row.place, db.engine.normalise(err)
}

// waiting is what a sealer asks first, outside of a transaction: an idle one locks
// nothing.
type waiting struct {
	Restarted bool   // another server answers than that of the latest epoch
	Current   int64  // the epoch of now
	Xmin      int64  // every transaction before it has ended
	Epoch     *int64 // of the newest event that is not sealed, with the rest of its place
	Position  *int64
	ID        *identity.ID
}

func (db *DB) waiting(ctx context.Context) (w waiting, err error) {
	query := `SELECT false AS restarted, 0 AS current, 0 AS xmin, 0 AS epoch, a.position, a.id FROM audit_progress AS pr
		LEFT JOIN audit_events AS a ON a.position > pr.position AND a.seq = 0 WHERE pr.id = 1 ORDER BY a.position DESC LIMIT 1`
	if db.engine == postgres {
		query = `SELECT e.server_started <> pg_postmaster_start_time() AS restarted, audit_epoch() AS current,
			pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS xmin, n.epoch, n.position, n.id
		FROM audit_progress AS pr CROSS JOIN audit_epoch AS e LEFT JOIN LATERAL (
			SELECT a.epoch, a.position, a.id FROM audit_events AS a WHERE a.seq = 0 AND ` + db.engine.behindProgress() + `
			ORDER BY a.epoch DESC, a.position DESC, a.id DESC LIMIT 1) AS n ON true`
	}
	err = db.reader(ctx).NewRaw(query).Scan(ctx, &w)
	return w, db.engine.normalise(err)
}

// Newest implements audit.Store.
func (db *DB) Newest(ctx context.Context) (*audit.Place, error) {
	w, err := db.waiting(ctx)
	if err != nil || w.ID == nil {
		return nil, err
	}
	return &place{Epoch: *w.Epoch, Position: *w.Position, EventID: *w.ID}, nil
}

// Sealed implements audit.Store.
func (db *DB) Sealed(ctx context.Context, p audit.Place) (bool, error) {
	to, err := db.progress(ctx, db.reader(ctx))
	return db.engine.compare(p, to) <= 0, err
}

// SealEvents implements audit.Store.
func (db *DB) SealEvents(ctx context.Context, limit int) (int, error) {
	w, err := db.waiting(ctx)
	if err != nil || w.ID == nil && !w.Restarted {
		return 0, err
	}
	var sealed int
	err = db.InTx(ctx, func(ctx context.Context) error {
		if err := db.engine.lockName(ctx, db.writer(ctx), "latchkey audit sealer"); err != nil {
			return err
		}
		if w.Restarted {
			_, err := db.exec(ctx, db.writer(ctx).NewRaw(`UPDATE audit_epoch SET epoch = epoch + 1, server_started = pg_postmaster_start_time()
				WHERE server_started <> pg_postmaster_start_time()`))
			if err != nil {
				return err
			}
		}
		rows, err := db.toSeal(ctx, w, limit)
		if sealed = len(rows); err != nil || sealed == 0 {
			return err
		}
		return db.seal(ctx, rows)
	})
	return sealed, err
}

// toSeal are the next events that nothing can precede any more.
func (db *DB) toSeal(ctx context.Context, w waiting, limit int) ([]placed, error) {
	from := db.writer(ctx)
	last, err := db.progress(ctx, from)
	if err != nil {
		return nil, err
	}
	behind, args := db.engine.at(">", last)
	q := db.events(from).Where("a.seq = 0").Where(behind, args...).OrderExpr(db.engine.inOrder()).Limit(int64(limit))
	if db.engine == postgres {
		horizon := w.Xmin
		if w.Position != nil && *w.Epoch == w.Current && *w.Position >= horizon {
			if horizon, _, err = db.horizon(ctx, from); err != nil {
				return nil, err
			}
		}
		q = q.Where("(a.epoch < ? OR a.position < ?)", w.Current, horizon)
	}
	return db.scan(ctx, q)
}

// horizon is the number of the first transaction that may still record an event,
// and whose it is; the next number there will be, if none may. Those of other
// databases of the server may not. It has to be asked before the events are read
// that precede it.
func (db *DB) horizon(ctx context.Context, from bun.IDB) (number int64, pid *int64, err error) {
	var row struct {
		Number int64
		Pid    *int64
	}
	err = from.NewRaw(`WITH snap AS MATERIALIZED (SELECT pg_current_snapshot() AS s),
		running AS MATERIALIZED (SELECT x::text::bigint AS number FROM snap, pg_snapshot_xip(snap.s) AS x),
		holders AS MATERIALIZED (
			SELECT l.transactionid::text::bigint AS low, l.pid, a.datid FROM pg_locks AS l LEFT JOIN pg_stat_activity AS a ON a.pid = l.pid
			WHERE l.locktype = 'transactionid' AND l.mode = 'ExclusiveLock' AND l.granted)
		SELECT r.number, h.pid FROM running AS r LEFT JOIN holders AS h ON h.low = r.number & 4294967295
		WHERE h.datid IS NULL OR h.datid = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
		UNION ALL SELECT pg_snapshot_xmax(s)::text::bigint, NULL FROM snap
		ORDER BY 1 LIMIT 1`).Scan(ctx, &row)
	return row.Number, row.Pid, db.engine.normalise(err)
}

// seal chains events, in this order, and writes how far it has come.
func (db *DB) seal(ctx context.Context, rows []placed) error {
	if _, err := readable(rows); err != nil {
		return err
	}
	counts := map[identity.ID]int64{}
	for _, r := range rows {
		counts[audit.Chain(r.Event)]++
	}
	heads, err := db.lockHeads(ctx, counts)
	if err != nil {
		return err
	}
	last := make(map[identity.ID]*audit.Head, len(heads))
	for i := range heads {
		last[heads[i].Chain] = &heads[i].Head
	}
	var seals []*sealRow
	open := make(map[identity.ID]*sealRow, len(heads))
	for _, r := range rows {
		chain := audit.Chain(r.Event)
		h := last[chain]
		record, err := audit.Follow(r.Event, h.Seq, h.Hash)
		if err != nil {
			return err
		}
		s := open[chain]
		if s == nil || s.slot(r.ID) >= 0 {
			s = &sealRow{Chain: chain, Seq: *record.Seq, PrevHash: h.Hash}
			open[chain] = s
			seals = append(seals, s)
		}
		s.place = r.place
		s.Links = append(append(s.Links, tagOf(r.ID)...), record.Hash...)
		h.Seq, h.Hash = *record.Seq, record.Hash
	}
	if err := db.execDeferred(ctx, db.writer(ctx).NewInsert().Model(&seals)); err != nil {
		return err
	}
	if err := db.execDeferred(ctx, db.writer(ctx).NewInsert().Model(&heads).On("CONFLICT (chain) DO UPDATE").Set("hash = EXCLUDED.hash")); err != nil {
		return err
	}
	to := rows[len(rows)-1].place
	_, err = db.exec(ctx, db.writer(ctx).NewUpdate().Model(&progressRow{ID: 1, place: to}).Where("pr.id = 1"))
	return err
}

// lockHeads holds the heads of chains until the transaction ends, and returns them
// as they were. In the database their seq has moved on already. A replica of a
// release without seals moves the heads of teams as well.
func (db *DB) lockHeads(ctx context.Context, counts map[identity.ID]int64) ([]headRow, error) {
	wanted := make([]headRow, 0, len(counts))
	for chain, n := range counts {
		wanted = append(wanted, headRow{Head: audit.Head{Chain: chain, Seq: n, Hash: audit.Genesis()}})
	}
	slices.SortFunc(wanted, func(a, b headRow) int { return bytes.Compare(a.Chain[:], b.Chain[:]) }) // as they do
	var heads []headRow
	err := db.writer(ctx).NewInsert().Model(&wanted).On("CONFLICT (chain) DO UPDATE").Set("seq = h.seq + EXCLUDED.seq").
		Returning("chain, seq, hash").Scan(ctx, &heads)
	for i := range heads {
		heads[i].Seq -= counts[heads[i].Chain]
	}
	return heads, db.engine.normalise(err)
}

// Backlog implements audit.Store.
func (db *DB) Backlog(ctx context.Context) (audit.Backlog, error) {
	var row struct {
		Events int
		Oldest *time.Time
	}
	q := db.reader(ctx)
	err := q.NewRaw(`SELECT count(*) AS events, (
			SELECT a.at FROM audit_events AS a, audit_progress AS pr WHERE a.seq = 0 AND `+db.engine.behindProgress()+` ORDER BY `+db.engine.inOrder()+` LIMIT 1) AS oldest
		FROM audit_events AS a, audit_progress AS pr WHERE a.seq = 0 AND `+db.engine.behindProgress()).Scan(ctx, &row)
	out := audit.Backlog{Events: row.Events}
	if err != nil || row.Oldest == nil {
		return out, db.engine.normalise(err)
	}
	out.Oldest = row.Oldest.UTC()
	if db.engine == postgres {
		out.HeldBy, err = db.holder(ctx, q)
	}
	return out, err
}

// holder describes the transaction that seals wait for.
func (db *DB) holder(ctx context.Context, from bun.IDB) (string, error) {
	number, pid, err := db.horizon(ctx, from)
	if err != nil || pid == nil {
		return "", err
	}
	var row struct {
		Name  string
		Since *time.Time
	}
	err = from.NewRaw("SELECT coalesce(a.application_name, '') AS name, a.xact_start AS since FROM pg_stat_activity AS a WHERE a.pid = ?", *pid).Scan(ctx, &row)
	if err = db.engine.normalise(err); err != nil {
		if err == identity.ErrNotFound { //nolint:errorlint // our own sentinel
			err = nil
		}
		return "", err
	}
	what := fmt.Sprintf("transaction %d of process %d", number, *pid)
	if row.Name != "" {
		what += " (" + row.Name + ")"
	}
	if row.Since != nil {
		what += ", begun at " + row.Since.UTC().Format(time.RFC3339)
	}
	return what, nil
}

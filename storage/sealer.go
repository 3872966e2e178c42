package storage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/audit"
)

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

func (db *DB) waiting(ctx context.Context) (waiting, error) {
	return db.waitingFor(ctx, "audit_progress")
}

// waitingFor is waiting for what has come as far as a table says.
func (db *DB) waitingFor(ctx context.Context, progress string) (w waiting, err error) {
	query := `SELECT false AS restarted, 0 AS current, 0 AS xmin, 0 AS epoch, a.position, a.id FROM ` + progress + ` AS pr
		LEFT JOIN audit_events AS a ON a.position > pr.position AND a.seq = 0 WHERE pr.id = 1 ORDER BY a.position DESC LIMIT 1`
	if db.engine == postgres {
		query = `SELECT e.server_started <> pg_postmaster_start_time() AS restarted, audit_epoch() AS current,
			pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS xmin, n.epoch, n.position, n.id
		FROM ` + progress + ` AS pr CROSS JOIN audit_epoch AS e LEFT JOIN LATERAL (
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
			err := db.execDeferred(ctx, db.writer(ctx).NewRaw(`UPDATE audit_epoch SET epoch = epoch + 1, server_started = pg_postmaster_start_time()
				WHERE server_started <> pg_postmaster_start_time()`))
			if err != nil {
				return err
			}
		}
		last, err := db.progress(ctx, db.writer(ctx))
		if err != nil {
			return err
		}
		rows, err := db.behind(ctx, last, w, limit)
		if sealed = len(rows); err != nil || sealed == 0 {
			return err
		}
		db.AfterCommit(ctx, func() { db.publishSealed(rows) })
		return errors.Join(db.seal(ctx, rows), db.countEvents(ctx, rows))
	})
	return sealed, err
}

// OnSealed has f called with how many events of an action were chained by this replica.
func (db *DB) OnSealed(f func(action identity.Action, n int)) { db.sealed.Store(&f) }

func (db *DB) publishSealed(rows []placed) {
	f := db.sealed.Load()
	if f == nil {
		return
	}
	counts := map[identity.Action]int{}
	for _, r := range rows {
		counts[r.Event.Action]++
	}
	for action, n := range counts {
		(*f)(action, n)
	}
}

// behind are the next events behind a place that nothing can precede any more.
func (db *DB) behind(ctx context.Context, last place, w waiting, limit int) ([]placed, error) {
	from := db.writer(ctx)
	behind, args := db.engine.at(">", last)
	q := db.events(from).Where("a.seq = 0").Where(behind, args...).OrderExpr(db.engine.inOrder()).Limit(int64(limit))
	if db.engine == postgres {
		horizon := w.Xmin
		if w.Position != nil && *w.Epoch == w.Current && *w.Position >= horizon {
			var err error
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
	return db.execDeferred(ctx, db.writer(ctx).NewUpdate().Model(&progressRow{ID: 1, place: to}).Where("pr.id = 1"))
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
	if err == nil {
		err = q.NewRaw(`SELECT coalesce(sum(CASE WHEN aw.broken_at IS NULL AND NOT aw.done THEN 1 ELSE 0 END), 0) AS rewriting,
			coalesce(sum(CASE WHEN aw.broken_at IS NOT NULL THEN 1 ELSE 0 END), 0) AS not_whole FROM audit_rewrites AS aw`).Scan(ctx, &out.Rewriting, &out.NotWhole)
	}
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

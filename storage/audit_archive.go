package storage

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/audit"
)

type archiveRow struct {
	bun.BaseModel `bun:"table:audit_archives,alias:aa"`
	audit.Archive
}

type checkpointRow struct {
	bun.BaseModel `bun:"table:audit_checkpoints,alias:cp"`
	Chain         identity.ID `bun:"type:uuid,pk"`
	Seq           int64
	Hash          []byte `bun:"type:bytea"`
	Epoch         *int64
	Position      *int64
	EventID       *identity.ID
	Archive       int64
	Dropped       bool
}

func (r checkpointRow) checkpoint() audit.Checkpoint {
	c := audit.Checkpoint{Head: audit.Head{Chain: r.Chain, Seq: r.Seq, Hash: r.Hash}, Archive: r.Archive}
	if r.EventID != nil {
		c.Place = &place{Epoch: *r.Epoch, Position: *r.Position, EventID: *r.EventID}
	}
	return c
}

func checkpointRowOf(c audit.Checkpoint) checkpointRow {
	r := checkpointRow{Chain: c.Chain, Seq: c.Seq, Hash: c.Hash, Archive: c.Archive}
	if c.Place != nil {
		r.Epoch, r.Position, r.EventID = &c.Place.Epoch, &c.Place.Position, &c.Place.EventID
	}
	return r
}

// LeaseArchiver implements audit.ArchiveStore.
func (db *DB) LeaseArchiver(ctx context.Context, replica identity.ID, now, until time.Time) (ours bool, err error) {
	err = db.InTx(ctx, func(ctx context.Context) error {
		n, err := db.exec(ctx, db.writer(ctx).NewRaw(`UPDATE audit_archiver SET leased_by = ?, leased_until = ?
			WHERE id = 1 AND (leased_by IS NULL OR leased_by = ? OR leased_until <= ?)`, replica, until, replica, now))
		ours = n == 1
		return err
	})
	return ours, err
}

// ReleaseArchiver implements audit.ArchiveStore.
func (db *DB) ReleaseArchiver(ctx context.Context, replica identity.ID) error {
	return db.InTx(ctx, func(ctx context.Context) error {
		return db.execDeferred(ctx, db.writer(ctx).NewRaw("UPDATE audit_archiver SET leased_by = NULL, leased_until = NULL WHERE id = 1 AND leased_by = ?", replica))
	})
}

// OldChains implements audit.ArchiveStore. Ids of events are in the order of time.
func (db *DB) OldChains(ctx context.Context, before time.Time, limit int) ([]identity.ID, error) {
	var chains []identity.ID
	err := db.reader(ctx).NewRaw(`SELECT DISTINCT `+chainOf+` AS chain FROM (
		SELECT o.team_id FROM audit_events AS o WHERE o.id < ? ORDER BY o.id LIMIT ?) AS a`, firstID(before), limit).Scan(ctx, &chains)
	return chains, db.engine.normalise(err)
}

// Checkpoint implements audit.Store and audit.ArchiveStore.
func (db *DB) Checkpoint(ctx context.Context, chain identity.ID) (audit.Checkpoint, error) {
	return db.checkpoint(ctx, db.reader(ctx), chain)
}

func (db *DB) checkpoint(ctx context.Context, from bun.IDB, chain identity.ID) (audit.Checkpoint, error) {
	var row checkpointRow
	err := from.NewSelect().Model(&row).Where("cp.chain = ?", chain).Scan(ctx)
	return row.checkpoint(), db.engine.normalise(err)
}

// archivedUpTo is the seq of a chain's checkpoint, 0 without one.
func (db *DB) archivedUpTo(ctx context.Context, from bun.IDB, chain identity.ID) (int64, error) {
	c, err := db.checkpoint(ctx, from, chain)
	if errors.Is(err, identity.ErrNotFound) {
		return 0, nil
	}
	return c.Seq, err
}

// Settled implements audit.ArchiveStore. What the feed has not got is left, and so is
// what has personal values in plain, and what of a chain is behind that.
func (db *DB) Settled(ctx context.Context, chain identity.ID, seq int64, limit int) ([]audit.Placed, error) {
	var fed feedProgressRow
	if err := db.reader(ctx).NewSelect().Model(&fed).Where("pr.id = 1").Scan(ctx); err != nil {
		return nil, db.engine.normalise(err)
	}
	rewrite, err := db.Rewrite(ctx, chain)
	if err != nil && !errors.Is(err, identity.ErrNotFound) {
		return nil, err
	}
	under := err == nil && !rewrite.Done
	w, err := db.walk(ctx, chain, seq, limit, audit.Filter{})
	if err != nil {
		return nil, err
	}
	var out []audit.Placed
	for _, p := range w.found {
		one := audit.Placed{Record: p.Record}
		if p.Seq == nil || p.Unreadable != nil {
			return nil, errors.New("the audit trail is broken here; see latchkey audit verify")
		}
		if p.form != sealedForm || under && *p.Seq > rewrite.Seq {
			break
		}
		if !p.single {
			if db.engine.compare(p.place, fed.place) > 0 {
				break
			}
			one.Place = new(p.place)
		}
		out = append(out, one)
	}
	return out, nil
}

// Archives implements audit.ArchiveStore.
func (db *DB) Archives(ctx context.Context, after int64, limit int) ([]audit.Archive, error) {
	var rows []archiveRow
	err := db.reader(ctx).NewSelect().Model(&rows).Where("aa.number > ?", after).Order("aa.number").Limit(int64(limit)).Scan(ctx)
	return rowsOf(rows, func(r archiveRow) audit.Archive { return r.Archive }), db.engine.normalise(err)
}

// InsertArchive implements audit.ArchiveStore.
func (db *DB) InsertArchive(ctx context.Context, a audit.Archive, from map[identity.ID]audit.Checkpoint, to []audit.Checkpoint) error {
	return db.InTx(ctx, func(ctx context.Context) error {
		db.unhurried(ctx)
		if err := db.engine.lockName(ctx, db.writer(ctx), "latchkey audit archiver"); err != nil {
			return err
		}
		done, err := db.Archived(ctx)
		if err != nil {
			return err
		}
		if done.Files != a.Number-1 {
			return audit.ErrNotNext
		}
		for _, c := range to {
			present, err := db.checkpoint(ctx, db.writer(ctx), c.Chain)
			if err != nil && !errors.Is(err, identity.ErrNotFound) {
				return err
			}
			if before := from[c.Chain]; present.Seq != before.Seq || !bytes.Equal(present.Hash, before.Hash) {
				return audit.ErrNotNext
			}
		}
		if err := db.insert(ctx, &archiveRow{Archive: a}); err != nil {
			return err
		}
		for _, c := range to {
			row := checkpointRowOf(c)
			err := db.execDeferred(ctx, db.writer(ctx).NewInsert().Model(&row).On("CONFLICT (chain) DO UPDATE").
				Set("seq = EXCLUDED.seq, hash = EXCLUDED.hash, epoch = EXCLUDED.epoch, position = EXCLUDED.position, event_id = EXCLUDED.event_id").
				Set("archive = EXCLUDED.archive, dropped = EXCLUDED.dropped"))
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// DropArchived implements audit.ArchiveStore. Keys of personal values stay: what is in
// the files can be read with them, or erased.
func (db *DB) DropArchived(ctx context.Context, limit int) (more bool, err error) {
	err = db.InTx(ctx, func(ctx context.Context) error {
		more = false
		ours, err := db.engine.tryLockName(ctx, db.writer(ctx), "latchkey audit archiver")
		if err != nil || !ours {
			return err
		}
		var row checkpointRow
		err = db.writer(ctx).NewSelect().Model(&row).Where("NOT cp.dropped").Order("cp.chain").Limit(1).Scan(ctx)
		if err = db.engine.normalise(err); errors.Is(err, identity.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		more = true
		c := row.checkpoint()
		ids, err := db.archivedEvents(ctx, c, limit)
		if err != nil {
			return err
		}
		if len(ids) > 0 {
			return db.execDeferred(ctx, db.writer(ctx).NewRaw("DELETE FROM audit_events WHERE id IN (?)", bun.List(ids)))
		}
		n, err := db.exec(ctx, db.writer(ctx).NewRaw(`DELETE FROM audit_seals WHERE chain = ? AND seq IN (
			SELECT sl.seq FROM audit_seals AS sl WHERE sl.chain = ? AND sl.seq <= ? AND sl.seq + length(sl.links) / 36 - 1 <= ? ORDER BY sl.seq LIMIT ?)`,
			c.Chain, c.Chain, c.Seq, c.Seq, limit))
		if err != nil || n > 0 {
			return err
		}
		return db.execDeferred(ctx, db.writer(ctx).NewRaw("UPDATE audit_checkpoints SET dropped = true WHERE chain = ?", c.Chain))
	})
	return more, err
}

// archivedEvents are events at or before a checkpoint that are still in the trail.
func (db *DB) archivedEvents(ctx context.Context, c audit.Checkpoint, limit int) ([]identity.ID, error) {
	var ids []identity.ID
	err := db.writer(ctx).NewSelect().TableExpr("audit_events AS a").Column("id").
		Where(chainOf+" = ? AND a.seq > 0 AND a.seq <= ?", c.Chain, c.Seq).Limit(int64(limit)).Scan(ctx, &ids)
	if err != nil || len(ids) > 0 || c.Place == nil {
		return ids, db.engine.normalise(err)
	}
	upTo, args := db.engine.at("<=", *c.Place)
	err = ofChain(db.writer(ctx).NewSelect().TableExpr("audit_events AS a").Column("id"), c.Chain).Where(upTo, args...).
		OrderExpr(db.engine.inOrder()).Limit(int64(limit)).Scan(ctx, &ids)
	return ids, db.engine.normalise(err)
}

// Unseal puts the personal values of events of a file back that still have their keys.
func (db *DB) Unseal(ctx context.Context, events ...*identity.Event) error {
	return db.unsealEvents(ctx, events)
}

// Archived implements audit.ArchiveStore.
func (db *DB) Archived(ctx context.Context) (audit.Archived, error) {
	var row struct {
		Files, Events  int64
		Newest, Oldest *time.Time
	}
	err := db.reader(ctx).NewRaw(`SELECT coalesce(max(aa.number), 0) AS files, coalesce(sum(aa.events), 0) AS events,
		(SELECT l.newest FROM audit_archives AS l ORDER BY l.number DESC LIMIT 1) AS newest,
		(SELECT a.at FROM audit_events AS a ORDER BY a.id LIMIT 1) AS oldest FROM audit_archives AS aa`).Scan(ctx, &row)
	out := audit.Archived{Files: row.Files, Events: row.Events}
	if row.Newest != nil {
		out.Newest = row.Newest.UTC()
	}
	if row.Oldest != nil {
		out.Left = row.Oldest.UTC()
	}
	return out, db.engine.normalise(err)
}

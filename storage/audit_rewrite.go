package storage

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/audit"
)

// Events of releases before migration 53 have personal values in plain. A rewrite puts
// them behind keys, from the first such event of a chain to its end: each event gets
// its ciphertext and its new hash in the order of the chain, batch by batch, and the
// head follows in the last transaction. Until then a joint is between the event at
// rewriteRow.Seq, which has the new hash, and the next, which names the former one.

// sealedForm is that of events whose personal values are ciphertext.
const sealedForm = 1

type rewriteRow struct {
	bun.BaseModel `bun:"table:audit_rewrites,alias:aw"`
	Chain         identity.ID `bun:"type:uuid,pk"`
	EventID       identity.ID `bun:"type:uuid"`
	FromSeq       int64
	Seq           int64
	FormerHash    []byte `bun:"type:bytea"`
	Hash          []byte `bun:"type:bytea"`
	Digest        []byte `bun:"type:bytea"`
	Done          bool
	BrokenAt      *int64
}

func (r rewriteRow) changed() bool { return !bytes.Equal(r.FormerHash, r.Hash) }

type formerRow struct {
	bun.BaseModel `bun:"table:audit_former_hashes,alias:af"`
	EventID       identity.ID `bun:"type:uuid"`
	Chain         identity.ID `bun:"type:uuid"`
	Seq           int64
	Hashes        []byte `bun:"type:bytea"`
}

// rewriterLock is held by a batch, and by an erasure: keys of somebody who is being
// erased are not made beside it.
const rewriterLock = "latchkey audit rewriter"

// notWhole is a chain that cannot be rewritten, because it would hide what is broken.
type notWhole struct{ seq int64 }

func (e notWhole) Error() string { return fmt.Sprintf("the chain is broken at event %d", e.seq) }

// RewriteAudit rewrites the next events, about as many as the limit, and reports whether
// more may be left. erased are the hashes that may be left of an erased value. Of
// several callers one works at a time.
func (db *DB) RewriteAudit(ctx context.Context, erased func(value string) []string, now time.Time, limit int) (more bool, err error) {
	var broken notWhole
	var begun rewriteRow
	err = db.InTx(ctx, func(ctx context.Context) error {
		more = false
		db.unhurried(ctx)
		ours, err := db.engine.tryLockName(ctx, db.writer(ctx), rewriterLock)
		if err != nil || !ours {
			return err
		}
		row, err := db.nextRewrite(ctx)
		if err != nil || row == nil {
			return err
		}
		more, begun = true, *row
		w := rewriter{db: db, row: row, erased: erased}
		n, err := w.batch(ctx, limit)
		if err != nil {
			return err
		}
		if n == 0 {
			if err := w.finish(ctx, now, limit); err != nil {
				return err
			}
		}
		return db.execDeferred(ctx, db.writer(ctx).NewUpdate().Model(row).WherePK())
	})
	if errors.As(err, &broken) {
		begun.BrokenAt = &broken.seq // it may have begun in the transaction that was rolled back
		err = db.InTx(ctx, func(ctx context.Context) error {
			return db.execDeferred(ctx, db.writer(ctx).NewInsert().Model(&begun).On("CONFLICT (chain) DO UPDATE").
				Set("event_id = EXCLUDED.event_id, from_seq = EXCLUDED.from_seq, seq = EXCLUDED.seq").
				Set("former_hash = EXCLUDED.former_hash, hash = EXCLUDED.hash, digest = EXCLUDED.digest, done = EXCLUDED.done, broken_at = EXCLUDED.broken_at"))
		})
	}
	return more, err
}

// nextRewrite is one that is under way, or begins: from the first event of a chain that
// is sealed and has another form. It is nil for none.
func (db *DB) nextRewrite(ctx context.Context) (*rewriteRow, error) {
	var row rewriteRow
	err := db.writer(ctx).NewSelect().Model(&row).Where("NOT aw.done AND aw.broken_at IS NULL").Order("aw.chain").Limit(1).Scan(ctx)
	if err = db.engine.normalise(err); !errors.Is(err, identity.ErrNotFound) {
		return &row, err
	}
	var chains []identity.ID
	err = db.writer(ctx).NewRaw(`SELECT DISTINCT `+chainOf+` AS chain FROM (
			SELECT p.team_id FROM audit_events AS p WHERE p.form = 0 ORDER BY p.team_id LIMIT 5000) AS a
		WHERE NOT EXISTS (SELECT 1 FROM audit_rewrites AS aw WHERE aw.chain = `+chainOf+` AND aw.broken_at IS NOT NULL) ORDER BY 1`).Scan(ctx, &chains)
	if err != nil {
		return nil, db.engine.normalise(err)
	}
	for _, chain := range chains {
		first, err := db.firstPlain(ctx, chain)
		if err != nil {
			return nil, err
		}
		if first == nil {
			continue // not sealed yet
		}
		row = rewriteRow{
			Chain: chain, EventID: identity.NewID(), FromSeq: *first.Seq - 1, Seq: *first.Seq - 1,
			FormerHash: first.PrevHash, Hash: first.PrevHash, Digest: audit.Genesis(),
		}
		return &row, db.execDeferred(ctx, db.writer(ctx).NewInsert().Model(&row).On("CONFLICT (chain) DO UPDATE").
			Set("event_id = EXCLUDED.event_id, from_seq = EXCLUDED.from_seq, seq = EXCLUDED.seq").
			Set("former_hash = EXCLUDED.former_hash, hash = EXCLUDED.hash, digest = EXCLUDED.digest, done = EXCLUDED.done, broken_at = NULL"))
	}
	return nil, nil
}

// firstPlain is the first sealed event of a chain that has another form.
func (db *DB) firstPlain(ctx context.Context, chain identity.ID) (*placed, error) {
	plain := func() *bun.SelectQuery {
		q := db.events(db.writer(ctx)).Where("a.form = 0").Limit(1)
		if chain == audit.Deployment {
			return q.Where("a.team_id IS NULL")
		}
		return q.Where("a.team_id = ?", chain)
	}
	rows, err := db.scan(ctx, plain().Where("a.seq > 0").Order("a.seq"))
	if err != nil {
		return nil, err
	}
	sealed, err := db.scan(ctx, plain().Where("a.seq = 0").OrderExpr(db.engine.inOrder()))
	if err == nil {
		err = db.attach(ctx, sealed)
	}
	if err != nil {
		return nil, err
	}
	rows = append(rows, slices.DeleteFunc(sealed, func(p placed) bool { return p.Seq == nil })...)
	if len(rows) == 0 {
		return nil, nil
	}
	first := slices.MinFunc(rows, func(a, b placed) int { return int(*a.Seq - *b.Seq) })
	return &first, nil
}

// rewriter is one batch of a rewrite.
type rewriter struct {
	db     *DB
	row    *rewriteRow
	erased func(value string) []string
}

// batch rewrites what follows, and returns how many events that were.
func (w *rewriter) batch(ctx context.Context, limit int) (int, error) {
	found, err := w.db.walk(ctx, w.row.Chain, w.row.Seq, limit, audit.Filter{})
	if err != nil {
		return 0, err
	}
	events := found.found
	if len(events) == 0 {
		return 0, nil
	}
	if events[0].Seq == nil {
		return 0, notWhole{w.row.Seq}
	}
	seals, err := w.seals(ctx, events)
	if err != nil {
		return 0, err
	}
	forms, err := w.reform(ctx, events)
	if err != nil {
		return 0, err
	}
	former := formerRow{EventID: w.row.EventID, Chain: w.row.Chain}
	for i, p := range events {
		if p.Seq == nil || *p.Seq != w.row.Seq+1 || p.Unreadable != nil || !bytes.Equal(p.PrevHash, w.row.FormerHash) {
			return 0, notWhole{w.row.Seq + 1}
		}
		sum, err := p.Sum()
		if err != nil || !bytes.Equal(sum, p.Hash) {
			return 0, notWhole{*p.Seq}
		}
		record, err := audit.Follow(forms[i].Event, w.row.Seq, w.row.Hash)
		if err != nil {
			return 0, err
		}
		if err := w.write(ctx, p, record, seals); err != nil {
			return 0, err
		}
		if !bytes.Equal(record.Hash, p.Hash) {
			if former.Seq == 0 {
				former.Seq = *p.Seq
			}
			former.Hashes = append(former.Hashes, p.Hash...)
		}
		w.row.Seq, w.row.FormerHash, w.row.Hash = *p.Seq, p.Hash, record.Hash
	}
	for _, s := range seals {
		if err := w.db.execDeferred(ctx, w.db.writer(ctx).NewUpdate().Model(s).Column("prev_hash", "links").WherePK()); err != nil {
			return 0, err
		}
	}
	if len(former.Hashes) > 0 {
		digest := sha256.Sum256(append(slices.Clone(w.row.Digest), former.Hashes...))
		w.row.Digest = digest[:]
		if err := w.db.insert(ctx, &former); err != nil {
			return 0, err
		}
	}
	return len(events), nil
}

// seals are those of events, by which they are chained.
func (w *rewriter) seals(ctx context.Context, events []placed) ([]*sealRow, error) {
	last := *events[len(events)-1].Seq
	var rows []*sealRow
	err := w.db.writer(ctx).NewSelect().Model(&rows).Where("sl.chain = ? AND sl.seq <= ?", w.row.Chain, last).
		Where("sl.seq >= coalesce((SELECT max(b.seq) FROM audit_seals AS b WHERE b.chain = ? AND b.seq <= ?), 0)", w.row.Chain, w.row.Seq+1).
		Order("sl.seq").Scan(ctx)
	if err != nil {
		return nil, w.db.engine.normalise(err)
	}
	return slices.DeleteFunc(rows, func(s *sealRow) bool { return s.end() <= w.row.Seq+1 }), nil
}

// reform puts the personal values of events behind keys that are still in plain.
func (w *rewriter) reform(ctx context.Context, events []placed) ([]eventRow, error) {
	out := make([]eventRow, len(events))
	parts := make([][]audit.Part, len(events))
	var owners []audit.Owner
	for i, p := range events {
		out[i] = eventRow{Event: p.Event, Form: sealedForm}
		if p.form == sealedForm || p.Data[audit.SealedMember] != nil || p.Unreadable != nil {
			continue
		}
		out[i].Event, parts[i] = audit.SplitStored(p.Event)
		for _, part := range parts[i] {
			owners = append(owners, part.Owner)
		}
	}
	if len(owners) == 0 {
		return out, nil
	}
	gone, err := w.gone(ctx, owners)
	if err != nil {
		return nil, err
	}
	// The addresses for the filter go with time. Nothing moves that on meanwhile.
	if err := w.db.engine.lockName(ctx, w.db.writer(ctx), "latchkey audit networks"); err != nil {
		return nil, err
	}
	var forgotten identity.ID
	if err := w.db.writer(ctx).NewRaw("SELECT event_id FROM audit_networks WHERE id = 1").Scan(ctx, &forgotten); err != nil {
		return nil, w.db.engine.normalise(err)
	}
	var keys []keyRow
	for i := range out {
		if len(parts[i]) == 0 {
			continue
		}
		if out[i].Data, keys, err = w.db.sealParts(ctx, out[i].Event, parts[i], keys); err != nil {
			return nil, err
		}
	}
	position := 0
	for i := range out {
		for _, part := range parts[i] {
			if bytes.Compare(out[i].ID[:], forgotten[:]) <= 0 {
				keys[position].IP = nil
			}
			if gone[part.Owner] {
				keys[position].Owner = nil
			}
			position++
		}
	}
	keys = slices.DeleteFunc(keys, func(k keyRow) bool { return k.Owner == nil })
	if len(keys) == 0 {
		return out, nil
	}
	return out, w.db.insert(ctx, &keys)
}

// gone are owners who were erased: their values get no key.
func (w *rewriter) gone(ctx context.Context, owners []audit.Owner) (map[audit.Owner]bool, error) {
	var users []identity.ID
	hashes := map[string][]audit.Owner{}
	for _, o := range owners {
		if o.User != (identity.ID{}) {
			users = append(users, o.User)
		}
		if v := o.Value(); v != "" {
			for _, h := range w.erased(v) {
				hashes[h] = append(hashes[h], o)
			}
		}
	}
	out := map[audit.Owner]bool{}
	survivors, err := w.db.Survivors(ctx, users)
	if err != nil {
		return nil, err
	}
	var ids []identity.ID
	for _, u := range survivors {
		ids = append(ids, u.ID)
	}
	left, err := w.db.Deletions(ctx, ids)
	if err != nil {
		return nil, err
	}
	for id, u := range survivors {
		if d, ok := left[u.ID]; ok && d.DeletedAt != nil {
			out[audit.UserOwner(id)] = true
		}
	}
	if len(hashes) == 0 {
		return out, nil
	}
	var vouchers []voucherRow
	var all []string
	for h := range hashes {
		all = append(all, h)
	}
	err = w.db.writer(ctx).NewSelect().Model(&vouchers).Where("v.address IN (?) OR v.subject IN (?)", bun.List(all), bun.List(all)).Scan(ctx)
	for _, v := range vouchers {
		for _, o := range append(hashes[v.Address], hashes[v.Subject]...) {
			out[o] = true
		}
	}
	return out, w.db.engine.normalise(err)
}

// write changes an event's row, and its link in a seal, which is written later.
func (w *rewriter) write(ctx context.Context, p placed, record audit.Record, seals []*sealRow) error {
	event := w.db.writer(ctx).NewUpdate().TableExpr("audit_events").Set("ip = ''").Set("user_agent = ''").Set("data = ?", record.Data).Set("form = ?", sealedForm).
		Where("id = ?", p.ID)
	if p.single {
		return w.db.execDeferred(ctx, event.Set("prev_hash = ?", record.PrevHash).Set("hash = ?", record.Hash))
	}
	at := slices.IndexFunc(seals, func(s *sealRow) bool { return *p.Seq >= s.Seq && *p.Seq < s.end() })
	if at < 0 {
		return notWhole{*p.Seq}
	}
	s := seals[at]
	n := int(*p.Seq - s.Seq)
	if n == 0 {
		s.PrevHash = record.PrevHash
	}
	copy(s.Links[n*linkSize+tagSize:(n+1)*linkSize], record.Hash)
	if p.form == sealedForm {
		return nil
	}
	return w.db.execDeferred(ctx, event)
}

// finish moves the head, once nothing more can be chained behind the former one, and
// records what became of it.
func (w *rewriter) finish(ctx context.Context, now time.Time, limit int) error {
	if err := w.db.engine.lockName(ctx, w.db.writer(ctx), "latchkey audit sealer"); err != nil {
		return err
	}
	var head headRow
	q := w.db.writer(ctx).NewSelect().Model(&head).Where("h.chain = ?", w.row.Chain)
	if err := w.db.engine.forUpdate(q, "h").Scan(ctx); err != nil {
		return w.db.engine.normalise(err)
	}
	for n := 1; n > 0; {
		var err error
		if n, err = w.batch(ctx, limit); err != nil {
			return err
		}
	}
	if head.Seq != w.row.Seq || !bytes.Equal(head.Hash, w.row.FormerHash) {
		return notWhole{head.Seq}
	}
	w.row.Done = true
	if !w.row.changed() {
		return nil
	}
	if err := w.db.execDeferred(ctx, w.db.writer(ctx).NewUpdate().Model((*headRow)(nil)).Set("hash = ?", w.row.Hash).Where("h.chain = ?", w.row.Chain)); err != nil {
		return err
	}
	e := identity.Event{ID: w.row.EventID, At: now, Action: identity.ActionAuditRewritten, Data: identity.Metadata{
		"from": w.row.FromSeq + 1, "to": w.row.Seq, "former_hash": hex.EncodeToString(w.row.FormerHash),
		"hash": hex.EncodeToString(w.row.Hash), "digest": hex.EncodeToString(w.row.Digest),
	}}
	if w.row.Chain != audit.Deployment {
		e.TeamID = &w.row.Chain
	}
	return w.db.RecordEvents(ctx, e)
}

// Rewrite implements audit.Store.
func (db *DB) Rewrite(ctx context.Context, chain identity.ID) (audit.Rewrite, error) {
	var row rewriteRow
	err := db.reader(ctx).NewSelect().Model(&row).Where("aw.chain = ?", chain).Scan(ctx)
	return audit.Rewrite{EventID: row.EventID, Seq: row.Seq, FormerHash: row.FormerHash, Hash: row.Hash, Done: row.Done}, db.engine.normalise(err)
}

// FormerHashes implements audit.Store.
func (db *DB) FormerHashes(ctx context.Context, chain identity.ID, after audit.Former, limit int) ([]audit.Former, error) {
	var rows []formerRow
	err := db.reader(ctx).NewSelect().Model(&rows).Where("af.chain = ? AND (af.event_id, af.seq) > (?, ?)", chain, after.EventID, after.Seq).
		Order("af.event_id", "af.seq").Limit(int64(limit)).Scan(ctx)
	return rowsOf(rows, func(r formerRow) audit.Former { return audit.Former{EventID: r.EventID, Seq: r.Seq, Hashes: r.Hashes} }), db.engine.normalise(err)
}

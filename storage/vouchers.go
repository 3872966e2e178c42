package storage

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/linking"
)

type voucherRow struct {
	bun.BaseModel `bun:"table:vouchers,alias:v"`
	ID            identity.ID `bun:",pk"`
	Address       string
	Provider      string
	Subject       string
	UserID        *identity.ID
	FirstAt       time.Time `bun:"first_vouched_at"`
	LastAt        time.Time `bun:"last_vouched_at"`
	EndedAt       *time.Time
	Reason        *identity.VoucherEnd `bun:"end_reason"`
	SettledBy     *identity.ID
}

func (r voucherRow) domain() identity.Voucher {
	v := identity.Voucher{
		ID: r.ID, Address: r.Address, Provider: r.Provider, Subject: r.Subject, UserID: r.UserID,
		FirstAt: r.FirstAt, LastAt: r.LastAt, EndedAt: r.EndedAt, SettledBy: r.SettledBy,
	}
	if r.Reason != nil {
		v.Reason = *r.Reason
	}
	return v
}

func voucherRowOf(v identity.Voucher) voucherRow {
	r := voucherRow{
		ID: v.ID, Address: v.Address, Provider: v.Provider, Subject: v.Subject, UserID: v.UserID,
		FirstAt: v.FirstAt, LastAt: v.LastAt, EndedAt: v.EndedAt, SettledBy: v.SettledBy,
	}
	if v.EndedAt != nil {
		r.Reason = &v.Reason
	}
	return r
}

type unlinkedRow struct {
	bun.BaseModel `bun:"table:unlinked_identities,alias:ul"`
	Provider      string
	Subject       string
	UserID        identity.ID
	UnlinkedAt    time.Time
}

// disputed reports whether a voucher of the address e names someone else, and its
// owner has not settled that.
const disputed = `EXISTS (SELECT 1 FROM vouchers AS v WHERE v.address = e.address
	AND (v.user_id IS NULL OR v.user_id <> e.user_id)
	AND (v.settled_by IS NULL OR v.settled_by <> e.user_id)) AS disputed`

// onlyBy is the identity whose voucher alone keeps the address e with its owner.
const onlyBy = `(SELECT CASE WHEN count(*) = 1 THEN min(CAST(i.id AS text)) END FROM vouchers AS v
	LEFT JOIN identities AS i ON i.provider = v.provider AND i.subject = v.subject AND i.user_id = v.user_id
	WHERE v.address = e.address AND v.user_id = e.user_id AND v.ended_at IS NULL) AS only_by`

// AddressOwner implements linking.VoucherStore.
func (db *DB) AddressOwner(ctx context.Context, address string) (linking.AddressOwner, error) {
	var out linking.AddressOwner
	return out, db.readHot(ctx, readInto(db.hot.addressOwner, fields(addressOwnerColumns, &out), address))
}

// VouchersAbout implements linking.VoucherStore.
func (db *DB) VouchersAbout(ctx context.Context, address, provider, subject string) ([]identity.Voucher, error) {
	return db.vouchers(ctx, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("v.address = ? OR v.provider = ? AND v.subject = ?", sanitizeKey(address), sanitizeKey(provider), sanitizeKey(subject))
	})
}

// LiveVouchers implements linking.VoucherStore.
func (db *DB) LiveVouchers(ctx context.Context, user identity.ID) ([]identity.Voucher, error) {
	return db.vouchers(ctx, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("v.user_id = ? AND v.ended_at IS NULL", user)
	})
}

func (db *DB) vouchers(ctx context.Context, where func(*bun.SelectQuery) *bun.SelectQuery) ([]identity.Voucher, error) {
	var rows []voucherRow
	err := where(db.reader(ctx).NewSelect().Model(&rows)).Order("v.first_vouched_at", "v.id").Scan(ctx)
	return rowsOf(rows, voucherRow.domain), db.engine.normalise(err)
}

// VoucherIDsOf implements linking.MergeStore.
func (db *DB) VoucherIDsOf(ctx context.Context, user identity.ID) ([]identity.ID, error) {
	var out []identity.ID
	err := db.reader(ctx).NewSelect().Model((*voucherRow)(nil)).Column("id").Where("v.user_id = ?", user).Order("v.id").Scan(ctx, &out)
	return out, db.engine.normalise(err)
}

// RefusedProofs implements linking.GrantStore.
func (db *DB) RefusedProofs(ctx context.Context, user identity.ID, since time.Time, most int) ([]identity.Voucher, error) {
	var rows []voucherRow
	err := db.reader(ctx).NewSelect().Model(&rows).
		Join("JOIN emails AS e ON e.address = v.address AND e.user_id = ?", user).
		Where("v.user_id IS NULL AND v.last_vouched_at > ?", since).
		Where("NOT EXISTS (SELECT 1 FROM identities AS i WHERE i.provider = v.provider AND i.subject = v.subject)").
		Order("v.last_vouched_at DESC", "v.id").Limit(int64(most)).Scan(ctx)
	return rowsOf(rows, voucherRow.domain), db.engine.normalise(err)
}

// InsertVoucher implements linking.VoucherStore.
func (db *DB) InsertVoucher(ctx context.Context, v identity.Voucher) error {
	row := voucherRowOf(v)
	return db.execDeferred(ctx, db.writer(ctx).NewInsert().Model(&row))
}

// RefuseVoucher implements linking.VoucherStore.
func (db *DB) RefuseVoucher(ctx context.Context, v identity.Voucher) error {
	row := voucherRowOf(v)
	insert := db.writer(ctx).NewInsert().Model(&row).
		On("CONFLICT (provider, subject, address) WHERE user_id IS NULL DO UPDATE").
		Set("last_vouched_at = EXCLUDED.last_vouched_at")
	if v.Doubts() {
		insert = insert.Set("settled_by = NULL")
	}
	return db.execDeferred(ctx, insert)
}

// AcceptVoucher implements linking.VoucherStore.
func (db *DB) AcceptVoucher(ctx context.Context, address, provider, subject string) error {
	return db.execDeferred(ctx, db.writer(ctx).NewDelete().Model((*voucherRow)(nil)).
		Where("v.provider = ? AND v.subject = ? AND v.address = ? AND v.user_id IS NULL", provider, subject, address))
}

// ReviveVoucher implements linking.VoucherStore.
func (db *DB) ReviveVoucher(ctx context.Context, id identity.ID, at time.Time) error {
	return db.execDeferred(ctx, db.writer(ctx).NewUpdate().Model((*voucherRow)(nil)).
		Set("ended_at = NULL").Set("end_reason = NULL").Set("last_vouched_at = ?", at).Where("v.id = ?", id))
}

// EndVouchers implements linking.VoucherStore.
func (db *DB) EndVouchers(ctx context.Context, ids []identity.ID, reason identity.VoucherEnd, at time.Time) error {
	return db.execIf(ctx, len(ids), func() *bun.UpdateQuery {
		return db.writer(ctx).NewUpdate().Model((*voucherRow)(nil)).Set("ended_at = ?", at).Set("end_reason = ?", reason).
			Where("v.id IN (?) AND v.ended_at IS NULL", bun.List(ids))
	})
}

// SettleVouchers implements linking.VoucherStore.
func (db *DB) SettleVouchers(ctx context.Context, address string, owner identity.ID) error {
	return db.execDeferred(ctx, db.writer(ctx).NewUpdate().Model((*voucherRow)(nil)).Set("settled_by = ?", owner).
		Where("v.address = ? AND (v.user_id IS NULL OR v.user_id <> ?)", address, owner))
}

// MoveVouchers implements linking.MergeStore.
func (db *DB) MoveVouchers(ctx context.Context, from, to identity.ID) error {
	return db.execDeferred(ctx, db.writer(ctx).NewUpdate().Model((*voucherRow)(nil)).
		Set("user_id = CASE WHEN v.user_id = ? THEN ? ELSE v.user_id END", from, to).
		Set("settled_by = CASE WHEN v.settled_by = ? THEN ? ELSE v.settled_by END", from, to).
		Where("v.user_id = ? OR v.settled_by = ?", from, from))
}

// MoveVouchersBack implements linking.MergeStore.
func (db *DB) MoveVouchersBack(ctx context.Context, ids []identity.ID, of []identity.Identity, from, to identity.ID) error {
	identities := make([]identity.ID, len(of))
	for n, i := range of {
		identities[n] = i.ID
	}
	return db.execIf(ctx, len(ids)+len(identities), func() *bun.UpdateQuery {
		return db.writer(ctx).NewUpdate().Model((*voucherRow)(nil)).Set("user_id = ?", to).Where("v.user_id = ?", from).
			WhereGroup(" AND ", func(q *bun.UpdateQuery) *bun.UpdateQuery {
				if len(ids) > 0 {
					q = q.Where("v.id IN (?)", bun.List(ids))
				}
				if len(identities) > 0 {
					q = q.WhereOr("EXISTS (SELECT 1 FROM identities AS i WHERE i.id IN (?) AND i.provider = v.provider AND i.subject = v.subject)",
						bun.List(identities))
				}
				return q
			})
	})
}

// MoveSettledBack implements linking.MergeStore.
func (db *DB) MoveSettledBack(ctx context.Context, addresses []string, from, to identity.ID) error {
	return db.execIf(ctx, len(addresses), func() *bun.UpdateQuery {
		return db.writer(ctx).NewUpdate().Model((*voucherRow)(nil)).Set("settled_by = ?", to).
			Where("v.settled_by = ? AND v.address IN (?)", from, bun.List(addresses))
	})
}

// UnlinkedBy implements linking.VoucherStore.
func (db *DB) UnlinkedBy(ctx context.Context, provider, subject string) ([]identity.ID, error) {
	var out []identity.ID
	err := db.reader(ctx).NewRaw(`WITH RECURSIVE later (id, next) AS (
			SELECT u.id, u.merged_into FROM unlinked_identities AS ul JOIN users AS u ON u.id = ul.user_id
			WHERE ul.provider = ? AND ul.subject = ?
			UNION
			SELECT u.id, u.merged_into FROM later AS l JOIN users AS u ON u.id = l.next
		) SELECT l.id FROM later AS l WHERE l.next IS NULL`, sanitizeKey(provider), sanitizeKey(subject)).Scan(ctx, &out)
	return out, db.engine.normalise(err)
}

// MarkUnlinked implements linking.VoucherStore.
func (db *DB) MarkUnlinked(ctx context.Context, i identity.Identity, at time.Time) error {
	row := unlinkedRow{Provider: i.Provider, Subject: i.Subject, UserID: i.UserID, UnlinkedAt: at}
	return db.execDeferred(ctx, db.writer(ctx).NewInsert().Model(&row).
		On("CONFLICT (provider, subject, user_id) DO UPDATE").Set("unlinked_at = EXCLUDED.unlinked_at"))
}

// ClearUnlinked implements linking.VoucherStore. Marks of users who were merged
// into this one go, too.
func (db *DB) ClearUnlinked(ctx context.Context, provider, subject string, user identity.ID) error {
	return db.execDeferred(ctx, db.writer(ctx).NewRaw(`DELETE FROM unlinked_identities WHERE provider = ? AND subject = ? AND user_id IN (
			WITH RECURSIVE former (id) AS (
				SELECT u.id FROM users AS u WHERE u.id = ?
				UNION
				SELECT u.id FROM users AS u JOIN former AS f ON u.merged_into = f.id
			) SELECT f.id FROM former AS f)`, provider, subject, user))
}

// HoldTicket implements linking.Store.
func (db *DB) HoldTicket(ctx context.Context, t linking.Ticket) error {
	return db.execDeferred(ctx, db.writer(ctx).NewUpdate().Model(&ticketRow{Ticket: t}).Column("holder_id", "session_id").Where("k.id = ?", t.ID))
}

// LinkTicketsOf implements linking.Store.
func (db *DB) LinkTicketsOf(ctx context.Context, session identity.ID) ([]linking.Ticket, error) {
	var rows []ticketRow
	err := db.reader(ctx).NewSelect().Model(&rows).Where("k.session_id = ? AND k.kind = ? AND k.used_at IS NULL", session, linking.TicketLink).
		Order("k.id").Scan(ctx)
	return rowsOf(rows, func(r ticketRow) linking.Ticket { return r.Ticket }), db.engine.normalise(err)
}

// NoteDuplicate implements linking.DuplicateStore.
func (db *DB) NoteDuplicate(ctx context.Context, d linking.Duplicate, most int) (noted bool, err error) {
	var known struct {
		Noted int
		Pair  bool
	}
	err = db.reader(ctx).NewRaw(`SELECT (SELECT count(*) FROM duplicates AS d WHERE d.noted_for = ?) AS noted,
		EXISTS (SELECT 1 FROM duplicates AS d WHERE d.first_id = ? AND d.second_id = ?) AS pair`, d.NotedFor, d.FirstID, d.SecondID).Scan(ctx, &known)
	if err != nil || known.Noted >= most {
		return false, db.engine.normalise(err)
	}
	return !known.Pair, db.execDeferred(ctx, db.writer(ctx).NewInsert().Model(&duplicateRow{Duplicate: d}).
		On("CONFLICT (first_id, second_id) DO UPDATE").Set("noted_for = EXCLUDED.noted_for").Set("address = EXCLUDED.address").
		Where("d.noted_for IS NULL"))
}

// DuplicatesFor implements linking.DuplicateStore.
func (db *DB) DuplicatesFor(ctx context.Context, user identity.ID) ([]linking.Duplicate, error) {
	var rows []duplicateRow
	err := db.reader(ctx).NewSelect().Model(&rows).
		Join("JOIN emails AS e ON e.address = d.address AND e.user_id <> ?", user).
		Where("d.noted_for IN (SELECT u.id FROM users AS u WHERE u.id = ? UNION ALL SELECT u.id FROM users AS u WHERE u.merged_into = ?)", user, user).
		Order("d.id").Scan(ctx)
	return rowsOf(rows, func(r duplicateRow) linking.Duplicate { return r.Duplicate }), db.engine.normalise(err)
}

// RemapSubject implements linking.RemapStore.
func (db *DB) RemapSubject(ctx context.Context, provider, from, to string) error {
	for _, table := range []string{"identities", "vouchers", "unlinked_identities"} {
		if err := db.execDeferred(ctx, db.writer(ctx).NewUpdate().Table(table).Set("subject = ?", to).
			Where("provider = ? AND subject = ?", provider, from)); err != nil {
			return err
		}
	}
	return nil
}

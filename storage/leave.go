package storage

import (
	"context"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/linking"
)

type deletionRow struct {
	bun.BaseModel `bun:"table:deletions,alias:dl"`
	linking.Deletion
}

// Deletion implements linking.LeaveStore.
func (db *DB) Deletion(ctx context.Context, user identity.ID) (linking.Deletion, error) {
	var row deletionRow
	err := db.reader(ctx).NewSelect().Model(&row).Where("dl.user_id = ?", user).Scan(ctx)
	return row.Deletion, db.engine.normalise(err)
}

// Deletions returns those of users, by user.
func (db *DB) Deletions(ctx context.Context, users []identity.ID) (map[identity.ID]identity.Leave, error) {
	out := map[identity.ID]identity.Leave{}
	if len(users) == 0 {
		return out, nil
	}
	var rows []deletionRow
	err := db.reader(ctx).NewSelect().Model(&rows).Where("dl.user_id IN (?)", bun.List(users)).Scan(ctx)
	for _, r := range rows {
		out[r.UserID] = identity.Leave{DeletesAt: r.DeletesAt, DeletedAt: r.ErasedAt, RestoresTo: r.RestoresTo}
	}
	return out, db.engine.normalise(err)
}

// Leaving implements session.Store.
func (db *DB) Leaving(ctx context.Context, user identity.ID) (bool, error) {
	found, err := db.reader(ctx).NewSelect().Model((*deletionRow)(nil)).
		Where("dl.user_id = ? AND dl.erased_at IS NULL AND dl.restores_to = ?", user, identity.StatusActive).Exists(ctx)
	return found, db.engine.normalise(err)
}

// InsertDeletion implements linking.LeaveStore.
func (db *DB) InsertDeletion(ctx context.Context, d linking.Deletion) error {
	db.changed(ctx, d.UserID)
	return db.insert(ctx, &deletionRow{Deletion: d})
}

// DeleteDeletion implements linking.LeaveStore.
func (db *DB) DeleteDeletion(ctx context.Context, user identity.ID) error {
	db.changed(ctx, user)
	return db.execDeferred(ctx, db.writer(ctx).NewDelete().Model((*deletionRow)(nil)).Where("dl.user_id = ? AND dl.erased_at IS NULL", user))
}

// SetRestoresTo implements user.Store.
func (db *DB) SetRestoresTo(ctx context.Context, user identity.ID, status identity.Status) error {
	db.changed(ctx, user)
	return db.execDeferred(ctx, db.writer(ctx).NewUpdate().Model((*deletionRow)(nil)).Set("restores_to = ?", status).
		Where("dl.user_id = ? AND dl.erased_at IS NULL", user))
}

// DueDeletions implements linking.LeaveStore.
func (db *DB) DueDeletions(ctx context.Context, now time.Time, limit int) ([]identity.ID, error) {
	var ids []identity.ID
	err := db.reader(ctx).NewSelect().Model((*deletionRow)(nil)).Column("user_id").
		Where("dl.erased_at IS NULL AND dl.deletes_at <= ?", now).Order("dl.deletes_at").Limit(int64(limit)).Scan(ctx, &ids)
	return ids, db.engine.normalise(err)
}

// CloseInvitationsOf implements linking.LeaveStore.
func (db *DB) CloseInvitationsOf(ctx context.Context, user identity.ID, at time.Time) ([]team.Invitation, error) {
	var rows []invitationRow
	err := db.reader(ctx).NewSelect().Model(&rows).
		Where(`n.id IN (SELECT o.id FROM invitations AS o WHERE o.invited_by = ? AND o.closed_at IS NULL
			UNION ALL SELECT o.id FROM invitations AS o JOIN emails AS e ON e.address = o.email WHERE e.user_id = ? AND o.closed_at IS NULL
			UNION ALL SELECT o.id FROM invitations AS o JOIN identities AS i ON i.wallet_address = o.wallet
			WHERE i.user_id = ? AND i.wallet_kind = 'eoa' AND o.closed_at IS NULL)`, user, user, user).Order("n.id").Scan(ctx)
	if err != nil || len(rows) == 0 {
		return nil, db.engine.normalise(err)
	}
	ids := rowsOf(rows, func(r invitationRow) identity.ID { return r.ID })
	err = db.execDeferred(ctx, db.writer(ctx).NewUpdate().Model((*invitationRow)(nil)).
		Set("closed_at = ?", at).Set("outcome = ?", team.OutcomeRevoked).Where("n.id IN (?) AND n.closed_at IS NULL", bun.List(ids)))
	return rowsOf(rows, func(r invitationRow) team.Invitation { return r.Invitation }), err
}

// erasedTarget is whom an old invitation was to, once that person is erased.
const erasedTarget = "erased"

// Erase implements linking.LeaveStore.
func (db *DB) Erase(ctx context.Context, users []identity.ID, hash func(value string) string, at time.Time) error {
	db.unhurried(ctx)
	db.changed(ctx, users...)
	if err := db.eraseMail(ctx, users, at); err != nil {
		return err
	}
	if err := db.eraseAuditOf(ctx, users); err != nil {
		return err
	}
	var vouchers []voucherRow
	if err := db.reader(ctx).NewSelect().Model(&vouchers).Where("v.user_id IN (?)", bun.List(users)).Scan(ctx); err != nil {
		return db.engine.normalise(err)
	}
	for _, v := range vouchers {
		q := db.writer(ctx).NewUpdate().Model((*voucherRow)(nil)).Set("address = ?", hash(v.Address)).Set("subject = ?", hash(v.Subject)).Where("v.id = ?", v.ID)
		if v.EndedAt == nil {
			q = q.Set("ended_at = ?", at).Set("end_reason = ?", identity.VoucherErased)
		}
		if err := db.execDeferred(ctx, q); err != nil {
			return err
		}
	}
	if err := db.eraseImported(ctx, users, hash); err != nil {
		return err
	}
	ids := bun.List(users)
	for _, statement := range []struct {
		query string
		args  []any
	}{
		{`UPDATE invitations SET email = ? WHERE email IN (SELECT e.address FROM emails AS e WHERE e.user_id IN (?))`, []any{erasedTarget, ids}},
		{`UPDATE invitations SET wallet = ? WHERE wallet IN (SELECT i.wallet_address FROM identities AS i WHERE i.user_id IN (?) AND i.wallet_kind = 'eoa')`, []any{erasedTarget, ids}},
		{`DELETE FROM email_challenges WHERE user_id IN (?) OR address IN (SELECT e.address FROM emails AS e WHERE e.user_id IN (?))`, []any{ids, ids}},
		{`UPDATE vouchers SET settled_by = NULL WHERE settled_by IN (?)`, []any{ids}},
		{`UPDATE users SET primary_email = NULL, display_name = '', avatar_url = '', metadata = '{}', operator = FALSE, onboarded_at = NULL,
			external_id = NULL, app_metadata = '{}', suspended_until = NULL, updated_at = ? WHERE id IN (?)`, []any{at, ids}},
		{`DELETE FROM emails WHERE user_id IN (?)`, []any{ids}},
		{`DELETE FROM tickets WHERE owner_id IN (?) OR holder_id IN (?)`, []any{ids, ids}},
		{`DELETE FROM link_grants WHERE user_id IN (?) OR granted_by IN (?)`, []any{ids, ids}},
		{`DELETE FROM unlinked_identities WHERE user_id IN (?)`, []any{ids}},
		{`DELETE FROM duplicates WHERE first_id IN (?) OR second_id IN (?)`, []any{ids, ids}},
		{`DELETE FROM recovery_codes WHERE user_id IN (?)`, []any{ids}},
		{`DELETE FROM device_requests WHERE user_id IN (?)`, []any{ids}},
		{`DELETE FROM client_subjects WHERE user_id IN (?)`, []any{ids}},
		{`DELETE FROM sessions WHERE user_id IN (?)`, []any{ids}},
		{`DELETE FROM passkey_handles WHERE user_id IN (?)`, []any{ids}},
		{`DELETE FROM identities WHERE user_id IN (?)`, []any{ids}},
		{`DELETE FROM memberships WHERE user_id IN (?)`, []any{ids}},
		{`DELETE FROM merge_items WHERE merge_id IN (SELECT m.id FROM merges AS m WHERE m.source_id IN (?) OR m.survivor_id IN (?))`, []any{ids, ids}},
		{`UPDATE merges SET plan = '{}', undo_until = ? WHERE source_id IN (?) OR survivor_id IN (?)`, []any{at, ids, ids}},
		{`DELETE FROM import_members WHERE user_id IN (?)`, []any{ids}},
		{`UPDATE jobs SET ip = '', user_agent = '' WHERE user_id IN (?) OR actor_id IN (?)`, []any{ids, ids}},
		{`UPDATE webhook_deliveries SET response_body = '', error = '' WHERE seq IN (SELECT fe.seq FROM feed AS fe WHERE fe.user_id IN (?))`, []any{ids}},
		{`UPDATE deletions SET erased_at = ? WHERE user_id IN (?)`, []any{at, ids}},
	} {
		if err := db.execDeferred(ctx, db.writer(ctx).NewRaw(statement.query, statement.args...)); err != nil {
			return err
		}
	}
	for _, id := range users { // after their rows, which describeUsers holds
		err := db.execDeferred(ctx, db.writer(ctx).NewUpdate().Model((*feedRow)(nil)).Set("data = ?", identity.Metadata{"user_id": id}).
			Where("fe.user_id = ? AND fe.type IN (?)", id, bun.List(describing)))
		if err != nil {
			return err
		}
	}
	return nil
}

// eraseImported leaves, of the ids that users have in other systems, what hash makes of
// them: an id may be an address, or name an account at a provider. An import finds them
// by it, and does not bring them back.
func (db *DB) eraseImported(ctx context.Context, users []identity.ID, hash func(value string) string) error {
	var rows []importedRow
	if err := db.reader(ctx).NewSelect().Model(&rows).Where("o.user_id IN (?)", bun.List(users)).Scan(ctx); err != nil {
		return db.engine.normalise(err)
	}
	for _, r := range rows {
		if strings.HasPrefix(r.SourceID, identity.ErasedPrefix) {
			continue
		}
		err := db.execDeferred(ctx, db.writer(ctx).NewUpdate().Model((*importedRow)(nil)).Set("source_id = ?", hash(r.SourceID)).Set("email = ''").
			Where("o.origin = ? AND o.source_id = ?", r.Origin, r.SourceID))
		if err != nil {
			return err
		}
	}
	return nil
}

// EraseImported does for users who were erased by an earlier release what Erase does now.
func (db *DB) EraseImported(ctx context.Context, hash func(value string) string) error {
	const page = 200
	for after := (identity.ID{}); ; {
		erased, err := db.ErasedUsers(ctx, after, page)
		if err != nil || len(erased) == 0 {
			return err
		}
		var users []identity.ID
		for _, e := range erased {
			users = append(append(users, e.UserID), e.FormerIDs...)
		}
		if err := db.InTx(ctx, func(ctx context.Context) error { return db.eraseImported(ctx, users, hash) }); err != nil {
			return err
		}
		after = erased[len(erased)-1].UserID
	}
}

// ErasedUsers lists users who were erased behind a user, ordered by id, with those who
// were merged into them.
func (db *DB) ErasedUsers(ctx context.Context, after identity.ID, limit int) ([]linking.Erased, error) {
	var rows []deletionRow
	err := db.reader(ctx).NewSelect().Model(&rows).Where("dl.erased_at IS NOT NULL AND dl.user_id > ?", after).Order("dl.user_id").Limit(int64(limit)).Scan(ctx)
	if err != nil || len(rows) == 0 {
		return nil, db.engine.normalise(err)
	}
	former, err := db.MergedFrom(ctx, rowsOf(rows, func(r deletionRow) identity.ID { return r.UserID }))
	return rowsOf(rows, func(r deletionRow) linking.Erased {
		return linking.Erased{UserID: r.UserID, FormerIDs: former[r.UserID], ErasedAt: r.ErasedAt.UTC()}
	}), err
}

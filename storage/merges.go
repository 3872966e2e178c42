package storage

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/revocation"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/linking"
)

type mergeRow struct {
	bun.BaseModel `bun:"table:merges,alias:g"`
	linking.Merge
}

// TicketByID implements linking.MergeStore.
func (db *DB) TicketByID(ctx context.Context, id identity.ID) (linking.Ticket, error) {
	return db.ticket(ctx, "k.id = ?", id)
}

// TicketByToken implements linking.MergeStore.
func (db *DB) TicketByToken(ctx context.Context, tokenHash []byte) (linking.Ticket, error) {
	return db.ticket(ctx, "k.token_hash = ?", tokenHash)
}

func (db *DB) ticket(ctx context.Context, where string, arg any) (linking.Ticket, error) {
	var row ticketRow
	err := db.reader(ctx).NewSelect().Model(&row).Where(where, arg).Scan(ctx)
	return row.Ticket, db.engine.normalise(err)
}

// EmailsOf implements linking.MergeStore.
func (db *DB) EmailsOf(ctx context.Context, user identity.ID) ([]string, error) {
	var out []string
	err := db.reader(ctx).NewSelect().Model((*emailRow)(nil)).Column("address").
		Where("e.user_id = ?", user).Order("e.address").Scan(ctx, &out)
	return out, db.engine.normalise(err)
}

// MembershipsOf implements linking.MergeStore.
func (db *DB) MembershipsOf(ctx context.Context, users ...identity.ID) ([]team.MembershipWithTeam, error) {
	var rows []membershipWithTeamRow
	err := db.reader(ctx).NewSelect().Model(&rows).ColumnExpr("?, tm.name AS team_name", db.columns((*membershipRow)(nil))).
		Join("JOIN teams AS tm ON tm.id = m.team_id AND tm.deleted_at IS NULL").
		Where("m.user_id IN (?)", bun.List(users)).Order("m.team_id", "m.user_id").Scan(ctx)
	return rowsOf(rows, membershipWithTeamRow.domain), db.engine.normalise(err)
}

// LockTeamsOf implements linking.MergeStore.
func (db *DB) LockTeamsOf(ctx context.Context, users ...identity.ID) error {
	var ids []identity.ID
	q := db.reader(ctx).NewSelect().Model((*teamRow)(nil)).Column("id").
		Where("tm.id IN (SELECT m.team_id FROM memberships AS m WHERE m.user_id IN (?))", bun.List(users)).Order("tm.id")
	return db.engine.normalise(db.engine.forUpdate(q, "tm").Scan(ctx, &ids))
}

// CountOpenSessions implements linking.MergeStore.
func (db *DB) CountOpenSessions(ctx context.Context, user identity.ID, now time.Time) (int, error) {
	n, err := db.reader(ctx).NewSelect().Model((*sessionRow)(nil)).
		Where("s.user_id = ? AND s.expires_at > ? AND s.idle_expires_at > ?", user, now, now).Where(openSession).Count(ctx)
	return int(n), db.engine.normalise(err)
}

// CountOpenInvitationsBy implements linking.MergeStore.
func (db *DB) CountOpenInvitationsBy(ctx context.Context, user identity.ID, now time.Time) (int, error) {
	n, err := db.reader(ctx).NewSelect().Model((*invitationRow)(nil)).
		Where("n.invited_by = ? AND n.closed_at IS NULL AND n.expires_at > ?", user, now).Count(ctx)
	return int(n), db.engine.normalise(err)
}

// InsertMerge implements linking.MergeStore.
func (db *DB) InsertMerge(ctx context.Context, m linking.Merge) error {
	return db.insert(ctx, &mergeRow{Merge: m})
}

// MergeByID implements linking.MergeStore.
func (db *DB) MergeByID(ctx context.Context, id identity.ID) (linking.Merge, error) {
	var row mergeRow
	merge := func() *bun.SelectQuery { return db.reader(ctx).NewSelect().Model(&row).Where("g.id = ?", id) }
	if err := merge().Column("source_id", "survivor_id").Scan(ctx); err != nil { // which never change
		return linking.Merge{}, db.engine.normalise(err)
	}
	// Before its own row, as erasure does, which holds a user and then their merges.
	if _, err := db.LockUsers(ctx, row.SourceID, row.SurvivorID); err != nil {
		return linking.Merge{}, err
	}
	err := db.engine.forUpdate(merge(), "g").Scan(ctx)
	return row.Merge, db.engine.normalise(err)
}

// SetUndone implements linking.MergeStore.
func (db *DB) SetUndone(ctx context.Context, m linking.Merge) error {
	return db.execDeferred(ctx, db.writer(ctx).NewUpdate().Model(&mergeRow{Merge: m}).Column("undone_at").Where("g.id = ?", m.ID))
}

// LaterMerges implements linking.MergeStore.
func (db *DB) LaterMerges(ctx context.Context, m linking.Merge) ([]linking.Merge, error) {
	var rows []mergeRow
	err := db.reader(ctx).NewSelect().Model(&rows).Where("g.undone_at IS NULL").
		Where("(g.source_id = ? OR g.survivor_id = ? AND (g.confirmed_at > ? OR g.confirmed_at = ? AND g.id > ?))",
			m.SurvivorID, m.SurvivorID, m.ConfirmedAt, m.ConfirmedAt, m.ID).
		Order("g.confirmed_at", "g.id").Scan(ctx)
	return rowsOf(rows, func(r mergeRow) linking.Merge { return r.Merge }), db.engine.normalise(err)
}

// RecordItems implements linking.MergeStore.
func (db *DB) RecordItems(ctx context.Context, m linking.Merge) error {
	return db.execDeferred(ctx, db.writer(ctx).NewRaw(`INSERT INTO merge_items (merge_id, kind, item_id)
		SELECT g.id, 'session', s.id FROM merges AS g JOIN sessions AS s ON s.user_id = g.source_id WHERE g.id = ?0
		UNION ALL
		SELECT g.id, 'team_session', t.id FROM merges AS g JOIN team_sessions AS t ON t.user_id = g.source_id WHERE g.id = ?0
		UNION ALL
		SELECT g.id, 'invitation', n.id FROM merges AS g JOIN invitations AS n ON n.invited_by = g.source_id WHERE g.id = ?0`, m.ID))
}

// MoveItems implements linking.MergeStore.
func (db *DB) MoveItems(ctx context.Context, m linking.Merge, at time.Time) error {
	db.changed(ctx, m.SourceID)
	// A membership of a deleted team is of no use, and a tombstone holds nothing.
	err := db.execDeferred(ctx, db.writer(ctx).NewDelete().Model((*membershipRow)(nil)).
		Where("m.user_id = ? AND m.team_id IN (SELECT tm.id FROM teams AS tm WHERE tm.deleted_at IS NOT NULL)", m.SourceID))
	if err != nil {
		return err
	}
	// What is open ends first, while it is the source's: those who watch hear of it.
	if _, err := db.endSessions(ctx, db.writer(ctx).NewUpdate().Model((*sessionRow)(nil)).Where("s.user_id = ?", m.SourceID), "merged", at); err != nil {
		return err
	}
	for _, q := range []*bun.UpdateQuery{
		db.writer(ctx).NewUpdate().Model((*sessionRow)(nil)).Set("user_id = ?", m.SurvivorID).Where("s.user_id = ?", m.SourceID),
		db.writer(ctx).NewUpdate().Model((*teamSessionRow)(nil)).Set("user_id = ?", m.SurvivorID).Where("t.user_id = ?", m.SourceID),
		db.writer(ctx).NewUpdate().Model((*invitationRow)(nil)).Set("invited_by = ?", m.SurvivorID).
			Where("n.invited_by = ?", m.SourceID),
	} {
		if err := db.execDeferred(ctx, q); err != nil {
			return err
		}
	}
	return nil
}

// MoveItemsBack implements linking.MergeStore.
func (db *DB) MoveItemsBack(ctx context.Context, m linking.Merge) error {
	noted := func(kind string) *bun.SelectQuery {
		return db.writer(ctx).NewSelect().Table("merge_items").Column("item_id").Where("merge_id = ? AND kind = ?", m.ID, kind)
	}
	for _, q := range []*bun.UpdateQuery{
		db.writer(ctx).NewUpdate().Model((*sessionRow)(nil)).Set("user_id = ?", m.SourceID).Where("s.id IN (?)", noted("session")),
		db.writer(ctx).NewUpdate().Model((*teamSessionRow)(nil)).Set("user_id = ?", m.SourceID).Where("t.id IN (?)", noted("team_session")),
		db.writer(ctx).NewUpdate().Model((*invitationRow)(nil)).Set("invited_by = ?", m.SourceID).Where("n.id IN (?)", noted("invitation")),
	} {
		if err := db.execDeferred(ctx, q); err != nil {
			return err
		}
	}
	return nil
}

// SetUser implements linking.MergeStore.
func (db *DB) SetUser(ctx context.Context, u identity.User) error {
	db.changed(ctx, u.ID)
	return db.execDeferred(ctx, db.writer(ctx).NewUpdate().Model(&userRow{User: u}).
		ExcludeColumn("id", "created_at").Where("u.id = ?", u.ID))
}

// MoveIdentities implements linking.MergeStore. A primary wallet loses that
// mark on the way: its new owner may have one.
func (db *DB) MoveIdentities(ctx context.Context, ids []identity.ID, to identity.ID) error {
	return db.execIf(ctx, len(ids), func() *bun.UpdateQuery {
		return db.writer(ctx).NewUpdate().Model((*identityRow)(nil)).Set("user_id = ?", to).Set("is_primary = ?", false).
			Where("i.id IN (?)", bun.List(ids))
	})
}

// MoveEmails implements linking.MergeStore.
func (db *DB) MoveEmails(ctx context.Context, addresses []string, to identity.ID) error {
	return db.execIf(ctx, len(addresses), func() *bun.UpdateQuery {
		return db.writer(ctx).NewUpdate().Model((*emailRow)(nil)).Set("user_id = ?", to).Where("e.address IN (?)", bun.List(addresses))
	})
}

// MoveMemberships implements linking.MergeStore.
func (db *DB) MoveMemberships(ctx context.Context, teams []identity.ID, from, to identity.ID) error {
	db.changed(ctx, from, to)
	return db.execIf(ctx, len(teams), func() *bun.UpdateQuery {
		return db.writer(ctx).NewUpdate().Model((*membershipRow)(nil)).Set("user_id = ?", to).
			Where("m.user_id = ? AND m.team_id IN (?)", from, bun.List(teams))
	})
}

// InsertMemberships implements linking.MergeStore.
func (db *DB) InsertMemberships(ctx context.Context, ms []team.Membership) error {
	if len(ms) == 0 {
		return nil
	}
	for _, m := range ms {
		db.changed(ctx, m.UserID)
	}
	rows := rowsOf(ms, func(m team.Membership) membershipRow { return membershipRow{Membership: m} })
	return db.insert(ctx, &rows)
}

// DeleteMemberships implements linking.MergeStore.
func (db *DB) DeleteMemberships(ctx context.Context, teams []identity.ID, user identity.ID) error {
	db.changed(ctx, user)
	if len(teams) == 0 {
		return nil
	}
	return db.execDeferred(ctx, db.writer(ctx).NewDelete().Model((*membershipRow)(nil)).
		Where("m.user_id = ? AND m.team_id IN (?)", user, bun.List(teams)))
}

// SetRole implements linking.MergeStore.
func (db *DB) SetRole(ctx context.Context, teams []identity.ID, user identity.ID, role team.Role) error {
	db.changed(ctx, user)
	if len(teams) > 0 {
		if err := db.carryOver(ctx, teams, user, role); err != nil {
			return err
		}
	}
	return db.execIf(ctx, len(teams), func() *bun.UpdateQuery {
		return db.writer(ctx).NewUpdate().Model((*membershipRow)(nil)).Set("role = ?", role).
			Where("m.user_id = ? AND m.team_id IN (?)", user, bun.List(teams))
	})
}

// KillTickets implements linking.MergeStore.
func (db *DB) KillTickets(ctx context.Context, user identity.ID, at time.Time) error {
	err := db.execDeferred(ctx, db.writer(ctx).NewUpdate().Model((*ticketRow)(nil)).Set("used_at = ?", at).
		Where("k.used_at IS NULL AND (k.owner_id = ? OR k.holder_id = ?)", user, user))
	if err != nil {
		return err
	}
	return db.DeleteGrants(ctx, user)
}

// EndSessionsByIdentities implements linking.MergeStore.
func (db *DB) EndSessionsByIdentities(ctx context.Context, ids []identity.ID, reason string, at time.Time) error {
	if len(ids) == 0 {
		return nil
	}
	_, err := db.endSessionsMadeBy(ctx, ids, reason, at)
	return err
}

// EndTeamSessionsIn implements linking.MergeStore.
func (db *DB) EndTeamSessionsIn(ctx context.Context, teams []identity.ID, user identity.ID, reason string, at time.Time) error {
	if len(teams) == 0 {
		return nil
	}
	_, err := db.endTeamSessions(ctx, db.writer(ctx).NewUpdate().Model((*teamSessionRow)(nil)).
		Where("t.user_id = ? AND t.team_id IN (?)", user, bun.List(teams)), revocation.End{Reason: reason, At: at})
	return err
}

// CountOwnerless implements linking.MergeStore.
func (db *DB) CountOwnerless(ctx context.Context, teams []identity.ID) (int, error) {
	if len(teams) == 0 {
		return 0, nil
	}
	n, err := db.reader(ctx).NewSelect().Model((*teamRow)(nil)).
		Where("tm.id IN (?) AND tm.deleted_at IS NULL", bun.List(teams)).
		Where(noActiveOwner).Count(ctx)
	return int(n), db.engine.normalise(err)
}

// Merges lists merges, newest first.
func (db *DB) Merges(ctx context.Context, user *identity.ID, p identity.Page) ([]linking.Merge, error) {
	var rows []mergeRow
	q := db.reader(ctx).NewSelect().Model(&rows)
	if user != nil {
		q = q.Where("(g.source_id = ? OR g.survivor_id = ?)", *user, *user)
	}
	err := newestFirst(q, "g.id", p).Scan(ctx)
	return rowsOf(rows, func(r mergeRow) linking.Merge { return r.Merge }), db.engine.normalise(err)
}

// execIf runs a change unless it is about no rows: IN () is no SQL.
func (db *DB) execIf(ctx context.Context, n int, q func() *bun.UpdateQuery) error {
	if n == 0 {
		return nil
	}
	return db.execDeferred(ctx, q())
}

// MergedFrom implements user.Store.
func (db *DB) MergedFrom(ctx context.Context, users []identity.ID) (map[identity.ID][]identity.ID, error) {
	if len(users) == 0 {
		return nil, nil
	}
	var rows []struct{ Root, ID identity.ID }
	err := db.reader(ctx).NewRaw(`WITH RECURSIVE former (root, id) AS (
			SELECT u.merged_into, u.id FROM users AS u WHERE u.merged_into IN (?)
			UNION ALL
			SELECT f.root, u.id FROM users AS u JOIN former AS f ON u.merged_into = f.id
		) SELECT root, id FROM former ORDER BY id`, bun.List(users)).Scan(ctx, &rows)
	out := map[identity.ID][]identity.ID{}
	for _, r := range rows {
		out[r.Root] = append(out[r.Root], r.ID)
	}
	return out, db.engine.normalise(err)
}

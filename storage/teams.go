package storage

import (
	"context"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/team"
)

// InsertTeam implements team.Store.
func (db *DB) InsertTeam(ctx context.Context, t team.Team) error {
	return db.insert(ctx, &teamRow{Team: t})
}

// UpdateTeam implements team.Store.
func (db *DB) UpdateTeam(ctx context.Context, t team.Team) error {
	return db.execDeferred(ctx, db.writer(ctx).NewUpdate().Model(&teamRow{Team: t}).
		Column("name", "updated_at", "deleted_at").Where("tm.id = ?", t.ID))
}

// LockTeam implements team.RoleReader.
func (db *DB) LockTeam(ctx context.Context, id identity.ID) (team.Team, error) {
	var row teamRow
	q := db.reader(ctx).NewSelect().Model(&row).Where("tm.id = ? AND tm.deleted_at IS NULL", id)
	err := db.engine.forUpdate(q, "tm").Scan(ctx)
	return row.Team, db.engine.normalise(err)
}

// HoldTeam implements team.RoleReader.
func (db *DB) HoldTeam(ctx context.Context, id identity.ID) error {
	if db.engine == sqlite {
		return nil // the transaction holds everything
	}
	q := db.writer(ctx).NewSelect().Model((*teamRow)(nil)).Column("tm.id").Where("tm.id = ?", id)
	return db.execDeferred(ctx, db.engine.forUpdate(q, "tm"))
}

type teamWithRoleRow struct {
	teamRow `bun:",extend"`
	Role    team.Role
}

func (r teamWithRoleRow) domain() team.TeamWithRole {
	return team.TeamWithRole{Team: r.Team, Role: r.Role}
}

const joinMembershipOf = "JOIN memberships AS m ON m.team_id = tm.id AND m.user_id = ?"

// joinActive leaves out those who are suspended: their membership stays, and
// gives them nothing meanwhile.
const joinActive = "JOIN users AS u ON u.id = m.user_id AND u.status = 'active'"

// TeamFor implements team.RoleReader.
func (db *DB) TeamFor(ctx context.Context, id, user identity.ID) (team.TeamWithRole, error) {
	var row teamWithRoleRow
	err := db.reader(ctx).NewSelect().Model(&row).ColumnExpr("?, m.role", db.columns((*teamRow)(nil))).Join(joinMembershipOf, user).Join(joinActive).
		Where("tm.id = ? AND tm.deleted_at IS NULL", id).Scan(ctx)
	return row.domain(), db.engine.normalise(err)
}

// TeamForKey implements team.RoleReader.
func (db *DB) TeamForKey(ctx context.Context, id, key identity.ID, now time.Time) (team.TeamWithRole, error) {
	var row teamWithRoleRow
	err := db.reader(ctx).NewSelect().Model(&row).ColumnExpr("?, ak.role", db.columns((*teamRow)(nil))).
		Join("JOIN api_keys AS ak ON ak.team_id = tm.id AND ak.id = ?", key).
		Where("ak.revoked_at IS NULL AND ak.expires_at > ?", now).
		Where("tm.id = ? AND tm.deleted_at IS NULL", id).Scan(ctx)
	return row.domain(), db.engine.normalise(err)
}

// TeamsOf implements team.Store.
func (db *DB) TeamsOf(ctx context.Context, user identity.ID, p identity.Page) ([]team.TeamWithRole, error) {
	var rows []teamWithRoleRow
	q := db.reader(ctx).NewSelect().Model(&rows).ColumnExpr("?, m.role", db.columns((*teamRow)(nil))).Join(joinMembershipOf, user).
		Where("tm.deleted_at IS NULL")
	err := oldestFirst(q, "tm.id", p).Scan(ctx)
	return rowsOf(rows, teamWithRoleRow.domain), db.engine.normalise(err)
}

// Teams implements team.Store.
func (db *DB) Teams(ctx context.Context, search string, p identity.Page) ([]team.Counted, error) {
	var rows []struct {
		teamRow  `bun:",extend"`
		Members  int
		Sessions int
	}
	q := db.reader(ctx).NewSelect().Model((*teamRow)(nil)).Column("id", "name", "created_at").
		ColumnExpr("(SELECT count(*) FROM memberships AS m WHERE m.team_id = tm.id) AS members").
		ColumnExpr("(SELECT count(*) FROM team_sessions AS t WHERE t.team_id = tm.id AND t.ended_at IS NULL) AS sessions").
		Where("tm.deleted_at IS NULL")
	if search != "" {
		q = q.Where("lower(tm.name) LIKE ? ESCAPE '!'", containing(search))
	}
	err := newestFirst(q, "tm.id", p).Scan(ctx, &rows)
	out := make([]team.Counted, len(rows))
	for i, r := range rows {
		out[i] = team.Counted{Team: r.Team, Members: r.Members, Sessions: r.Sessions}
	}
	return out, db.engine.normalise(err)
}

type membershipWithTeamRow struct {
	membershipRow `bun:",extend"`
	TeamName      string
}

func (r membershipWithTeamRow) domain() team.MembershipWithTeam {
	return team.MembershipWithTeam{Membership: r.Membership, TeamName: r.TeamName}
}

// MembershipsWithTeam implements team.Store.
func (db *DB) MembershipsWithTeam(ctx context.Context, user identity.ID, p identity.Page) ([]team.MembershipWithTeam, error) {
	var rows []membershipWithTeamRow
	q := db.reader(ctx).NewSelect().Model(&rows).ColumnExpr("?, tm.name AS team_name", db.columns((*membershipRow)(nil))).
		Join("JOIN teams AS tm ON tm.id = m.team_id AND tm.deleted_at IS NULL").Where("m.user_id = ?", user)
	err := oldestFirst(q, "m.team_id", p).Scan(ctx)
	return rowsOf(rows, membershipWithTeamRow.domain), db.engine.normalise(err)
}

// InsertMembership implements team.Store.
func (db *DB) InsertMembership(ctx context.Context, m team.Membership) (bool, error) {
	db.changed(ctx, m.UserID)
	n, err := db.exec(ctx, db.writer(ctx).NewInsert().Model(&membershipRow{Membership: m}).On("CONFLICT DO NOTHING"))
	return n == 1, err
}

// UpdateRole implements team.Store.
func (db *DB) UpdateRole(ctx context.Context, m team.Membership) error {
	db.changed(ctx, m.UserID)
	if err := db.carryOver(ctx, []identity.ID{m.TeamID}, m.UserID, m.Role); err != nil {
		return err
	}
	return db.execDeferred(ctx, db.writer(ctx).NewUpdate().Model(&membershipRow{Membership: m}).Column("role", "role_since").
		Where("m.team_id = ? AND m.user_id = ?", m.TeamID, m.UserID))
}

// DeleteMembership implements team.Store.
func (db *DB) DeleteMembership(ctx context.Context, teamID, user identity.ID) error {
	db.changed(ctx, user)
	return db.execDeferred(ctx, db.writer(ctx).NewDelete().Model((*membershipRow)(nil)).
		Where("m.team_id = ? AND m.user_id = ?", teamID, user))
}

// Membership implements team.Store.
func (db *DB) Membership(ctx context.Context, teamID, user identity.ID) (team.Membership, error) {
	var row membershipRow
	err := db.reader(ctx).NewSelect().Model(&row).Where("m.team_id = ? AND m.user_id = ?", teamID, user).Scan(ctx)
	return row.Membership, db.engine.normalise(err)
}

type memberRow struct {
	membershipRow `bun:",extend"`
	identity.Summary
}

func (r memberRow) domain() team.Member {
	return team.Member{Membership: r.Membership, Summary: r.Summary}
}

// Member implements team.Store.
func (db *DB) Member(ctx context.Context, teamID, user identity.ID) (team.Member, error) {
	var row memberRow
	err := db.reader(ctx).NewSelect().Model(&row).ColumnExpr("?, "+summaryColumns, db.columns((*membershipRow)(nil))).
		Join("JOIN users AS u ON u.id = m.user_id").Where("m.team_id = ? AND m.user_id = ?", teamID, user).Scan(ctx)
	return row.domain(), db.engine.normalise(err)
}

// Members implements team.Store.
func (db *DB) Members(ctx context.Context, teamID identity.ID, p identity.Page) ([]team.Member, error) {
	var rows []memberRow
	q := db.reader(ctx).NewSelect().Model(&rows).ColumnExpr("?, "+summaryColumns, db.columns((*membershipRow)(nil))).
		Join("JOIN users AS u ON u.id = m.user_id").Where("m.team_id = ?", teamID)
	err := oldestFirst(q, "m.user_id", p).Scan(ctx)
	return rowsOf(rows, memberRow.domain), db.engine.normalise(err)
}

// CountActiveOwners implements team.Store.
func (db *DB) CountActiveOwners(ctx context.Context, teamID identity.ID) (int, error) {
	n, err := db.reader(ctx).NewSelect().Model((*membershipRow)(nil)).
		Join("JOIN users AS u ON u.id = m.user_id").
		Where("m.team_id = ? AND m.role = ? AND u.status = ?", teamID, team.RoleOwner, identity.StatusActive).Count(ctx)
	return int(n), db.engine.normalise(err)
}

// InsertInvitation implements team.Store.
func (db *DB) InsertInvitation(ctx context.Context, i team.Invitation) (bool, error) {
	// An expired invitation gives way, closed as revoked.
	expired := db.writer(ctx).NewUpdate().Model((*invitationRow)(nil)).
		Set("closed_at = ?", i.CreatedAt).Set("outcome = ?", team.OutcomeRevoked).
		Where("n.team_id = ? AND n.closed_at IS NULL AND n.expires_at <= ?", i.TeamID, i.CreatedAt)
	if err := db.execDeferred(ctx, expired); err != nil {
		return false, err
	}
	n, err := db.exec(ctx, db.writer(ctx).NewInsert().Model(&invitationRow{Invitation: i}).On("CONFLICT DO NOTHING"))
	return n == 1, err
}

// ShownAsMember implements team.Store.
func (db *DB) ShownAsMember(ctx context.Context, i team.Invitation) (bool, error) {
	shown := db.reader(ctx).NewSelect().Model((*membershipRow)(nil)).ColumnExpr(summaryColumns).
		Join("JOIN users AS u ON u.id = m.user_id").Where("m.team_id = ?", i.TeamID)
	ok, err := db.reader(ctx).NewSelect().TableExpr("(?) AS k", shown).
		Where("k.primary_email = ? OR k.primary_wallet = ?", i.Email, i.Wallet).Exists(ctx)
	return ok, db.engine.normalise(err)
}

// CloseInvitation implements team.Store.
func (db *DB) CloseInvitation(ctx context.Context, i team.Invitation) error {
	return db.execDeferred(ctx, db.writer(ctx).NewUpdate().Model(&invitationRow{Invitation: i}).
		Column("closed_at", "outcome").Where("n.id = ?", i.ID))
}

// Invitation implements team.Store.
func (db *DB) Invitation(ctx context.Context, id identity.ID) (team.Invitation, error) {
	var row invitationRow
	err := db.reader(ctx).NewSelect().Model(&row).Where("n.id = ?", id).Scan(ctx)
	return row.Invitation, db.engine.normalise(err)
}

// listedInvitationRow is an invitation with what its inviter is now.
type listedInvitationRow struct {
	invitationRow `bun:",extend"`
	InviterStatus identity.Status
	InviterRole   *team.Role
}

func (r listedInvitationRow) domain() team.Invitation {
	r.VoidReason = r.Void(r.InviterStatus, r.InviterRole)
	return r.Invitation
}

// openInvitations selects the invitations of a team that are neither closed nor
// expired.
func (db *DB) openInvitations(ctx context.Context, rows any, teamID identity.ID, now time.Time) *bun.SelectQuery {
	return db.reader(ctx).NewSelect().Model(rows).
		ColumnExpr("?, iu.status AS inviter_status, im.role AS inviter_role", db.columns((*invitationRow)(nil))).
		Join("JOIN users AS iu ON iu.id = n.invited_by").
		Join("LEFT JOIN memberships AS im ON im.team_id = n.team_id AND im.user_id = n.invited_by").
		Where("n.team_id = ? AND n.closed_at IS NULL AND n.expires_at > ?", teamID, now)
}

// OpenInvitations implements team.Store.
func (db *DB) OpenInvitations(ctx context.Context, teamID identity.ID, now time.Time, p identity.Page) ([]team.Invitation, error) {
	var rows []listedInvitationRow
	err := newestFirst(db.openInvitations(ctx, &rows, teamID, now), "n.id", p).Scan(ctx)
	return rowsOf(rows, listedInvitationRow.domain), db.engine.normalise(err)
}

// OpenInvitationTo implements team.Store.
func (db *DB) OpenInvitationTo(ctx context.Context, i team.Invitation) (team.Invitation, error) {
	var row listedInvitationRow
	err := db.openInvitations(ctx, &row, i.TeamID, i.CreatedAt).
		Where("(n.email = ? OR n.wallet = ?)", i.Email, i.Wallet).Scan(ctx)
	return row.domain(), db.engine.normalise(err)
}

// maxInvitationsRead bounds what strangers who invite an address make a sign-up read.
const maxInvitationsRead = 100

// Invited implements linking.RuleStore.
func (db *DB) Invited(ctx context.Context, address, wallet string, now time.Time) (bool, error) {
	var rows []listedInvitationRow
	err := db.reader(ctx).NewSelect().Model(&rows).
		ColumnExpr("?, iu.status AS inviter_status, im.role AS inviter_role", db.columns((*invitationRow)(nil))).
		Join("JOIN teams AS tm ON tm.id = n.team_id AND tm.deleted_at IS NULL").
		Join("JOIN users AS iu ON iu.id = n.invited_by").
		Join("LEFT JOIN memberships AS im ON im.team_id = n.team_id AND im.user_id = n.invited_by").
		Where("n.closed_at IS NULL AND n.expires_at > ?", now).
		Where(`n.id IN (SELECT o.id FROM invitations AS o WHERE o.email = ? AND o.closed_at IS NULL
			UNION ALL SELECT o.id FROM invitations AS o WHERE o.wallet = ? AND o.closed_at IS NULL)`, sanitizeKey(address), sanitizeKey(wallet)).
		OrderExpr("n.id DESC").Limit(maxInvitationsRead).Scan(ctx)
	return slices.ContainsFunc(rows, func(r listedInvitationRow) bool { return r.domain().VoidReason == "" }), db.engine.normalise(err)
}

// owned is the condition that an invitation is to the user's verified address
// or externally owned wallet.
const owned = `(n.email IN (SELECT e.address FROM emails AS e WHERE e.user_id = ?)
	OR n.wallet IN (SELECT i.wallet_address FROM identities AS i WHERE i.user_id = ? AND i.wallet_kind = 'eoa'))`

// InvitationsFor implements team.Store.
func (db *DB) InvitationsFor(ctx context.Context, user identity.ID, now time.Time, p identity.Page) ([]team.Received, error) {
	var rows []struct {
		invitationRow `bun:",extend"`
		TeamName      string
	}
	q := db.reader(ctx).NewSelect().Model(&rows).ColumnExpr("?, tm.name AS team_name", db.columns((*invitationRow)(nil))).
		Join("JOIN teams AS tm ON tm.id = n.team_id AND tm.deleted_at IS NULL").
		Where("n.closed_at IS NULL AND n.expires_at > ?", now).
		// Not owned: with OR, SQLite reads all invitations.
		Where(`n.id IN (SELECT o.id FROM invitations AS o JOIN emails AS e ON e.address = o.email WHERE e.user_id = ? AND o.closed_at IS NULL
			UNION ALL SELECT o.id FROM invitations AS o JOIN identities AS i ON i.wallet_address = o.wallet
			WHERE i.user_id = ? AND i.wallet_kind = 'eoa' AND o.closed_at IS NULL)`, user, user)
	err := newestFirst(q, "n.id", p).Scan(ctx)
	out := make([]team.Received, len(rows))
	for i, r := range rows {
		out[i] = team.Received{Invitation: r.Invitation, TeamName: r.TeamName}
	}
	return out, db.engine.normalise(err)
}

// Owns implements team.Store.
func (db *DB) Owns(ctx context.Context, user identity.ID, i team.Invitation) (bool, error) {
	ok, err := db.reader(ctx).NewSelect().Model((*invitationRow)(nil)).
		Where("n.id = ?", i.ID).Where(owned, user, user).Exists(ctx)
	return ok, db.engine.normalise(err)
}

// CountEmailInvitations implements team.Store.
func (db *DB) CountEmailInvitations(ctx context.Context, i team.Invitation, since time.Time) (out team.EmailCounts, err error) {
	count := func(column string, value any) *bun.SelectQuery {
		return db.reader(ctx).NewSelect().Model((*invitationRow)(nil)).ColumnExpr("count(*)").
			Where("n.email IS NOT NULL AND n.created_at > ? AND ? = ?", since, bun.Ident(column), value)
	}
	err = db.reader(ctx).NewSelect().ColumnExpr("(?), (?), (?)", count("n.team_id", i.TeamID), count("n.invited_by", i.InvitedBy), count("n.email", i.Email)).
		Scan(ctx, &out.ByTeam, &out.ByInviter, &out.ToAddress)
	return out, db.engine.normalise(err)
}

// OwnerlessTeamsOf implements user.Store.
func (db *DB) OwnerlessTeamsOf(ctx context.Context, member identity.ID) ([]string, error) {
	var names []string
	err := db.reader(ctx).NewSelect().Model((*teamRow)(nil)).Column("name").
		Where("tm.deleted_at IS NULL AND tm.id IN (SELECT m.team_id FROM memberships AS m WHERE m.user_id = ?)", member).
		Where(noActiveOwner).Order("tm.id").Scan(ctx, &names)
	return names, db.engine.normalise(err)
}

// noActiveOwner is true for a team tm without an owner who can sign in.
const noActiveOwner = `NOT EXISTS (SELECT 1 FROM memberships AS m JOIN users AS u ON u.id = m.user_id
	WHERE m.team_id = tm.id AND m.role = 'owner' AND u.status = 'active')`

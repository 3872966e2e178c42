package storage

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/uptrace/bun"
	moderncsqlite "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/linking"
)

type importedRow struct {
	bun.BaseModel `bun:"table:import_sources,alias:o"`
	identity.Imported
}

type duplicateRow struct {
	bun.BaseModel `bun:"table:duplicates,alias:d"`
	linking.Duplicate
}

type importedTeamRow struct {
	bun.BaseModel `bun:"table:import_teams,alias:it"`
	identity.ImportedTeam
}

// ImportedUsers lists who the users of a source with these ids became.
func (db *DB) ImportedUsers(ctx context.Context, origin string, sourceIDs []string) ([]identity.Imported, error) {
	return db.imported(ctx, len(sourceIDs), func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("o.origin = ? AND o.source_id IN (?)", origin, bun.List(sourceIDs)).Order("o.source_id")
	})
}

// ImportedAs lists whom of a source these users were, they themselves and those who
// were merged into them.
func (db *DB) ImportedAs(ctx context.Context, origin string, users []identity.ID) ([]identity.Imported, error) {
	if len(users) == 0 {
		return nil, nil
	}
	former, err := db.MergedFrom(ctx, users)
	if err != nil {
		return nil, err
	}
	ids, now := slices.Clone(users), map[identity.ID]identity.ID{}
	for survivor, merged := range former {
		for _, id := range merged {
			ids, now[id] = append(ids, id), survivor
		}
	}
	out, err := db.imported(ctx, len(ids), func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("o.user_id IN (?) AND o.origin = ?", bun.List(ids), origin).Order("o.source_id")
	})
	for i, o := range out {
		if survivor, merged := now[o.UserID]; merged {
			out[i].UserID = survivor
		}
	}
	return out, err
}

// ImportedAfter lists the users of a source in order of their ids there, from behind
// after on; "" begins.
func (db *DB) ImportedAfter(ctx context.Context, origin, after string, limit int) ([]identity.Imported, error) {
	return db.imported(ctx, limit, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("o.origin = ? AND o.source_id > ?", origin, after).Order("o.source_id").Limit(int64(limit))
	})
}

func (db *DB) imported(ctx context.Context, n int, where func(*bun.SelectQuery) *bun.SelectQuery) ([]identity.Imported, error) {
	if n == 0 {
		return nil, nil
	}
	var rows []importedRow
	err := where(db.reader(ctx).NewSelect().Model(&rows)).Scan(ctx)
	return rowsOf(rows, func(r importedRow) identity.Imported { return r.Imported }), db.engine.normalise(err)
}

// ErasedImported reports whether users of a source were erased.
func (db *DB) ErasedImported(ctx context.Context, origin string) (bool, error) {
	found, err := db.reader(ctx).NewSelect().Model((*importedRow)(nil)).
		Where("o.origin = ? AND o.source_id LIKE ?", origin, identity.ErasedPrefix+"%").Exists(ctx)
	return found, db.engine.normalise(err)
}

// ImportedTeams lists which teams the organizations of a source with these ids became.
func (db *DB) ImportedTeams(ctx context.Context, origin string, sourceIDs []string) ([]identity.ImportedTeam, error) {
	if len(sourceIDs) == 0 {
		return nil, nil
	}
	var rows []importedTeamRow
	err := db.reader(ctx).NewSelect().Model(&rows).Where("it.origin = ? AND it.source_id IN (?)", origin, bun.List(sourceIDs)).Scan(ctx)
	return rowsOf(rows, func(r importedTeamRow) identity.ImportedTeam { return r.ImportedTeam }), db.engine.normalise(err)
}

type importedMemberRow struct {
	bun.BaseModel `bun:"table:import_members,alias:im"`
	TeamID        identity.ID
	UserID        identity.ID
	ImportedAt    time.Time
}

// ImportedMembers lists who became a member of a team by an import.
func (db *DB) ImportedMembers(ctx context.Context, teamID identity.ID) ([]identity.ID, error) {
	var out []identity.ID
	err := db.reader(ctx).NewSelect().Model((*importedMemberRow)(nil)).Column("user_id").Where("im.team_id = ?", teamID).Scan(ctx, &out)
	return out, db.engine.normalise(err)
}

// ImportMember makes a user a member, and remembers that an import did. It reports
// whether they were none.
func (db *DB) ImportMember(ctx context.Context, m team.Membership, at time.Time) (bool, error) {
	row := importedMemberRow{TeamID: m.TeamID, UserID: m.UserID, ImportedAt: at}
	if err := db.execDeferred(ctx, db.writer(ctx).NewInsert().Model(&row).On("CONFLICT DO NOTHING")); err != nil {
		return false, err
	}
	return db.InsertMembership(ctx, m)
}

// MembersOf lists the memberships of a team.
func (db *DB) MembersOf(ctx context.Context, teamID identity.ID) ([]team.Membership, error) {
	var rows []membershipRow
	err := db.reader(ctx).NewSelect().Model(&rows).Where("m.team_id = ?", teamID).Order("m.created_at", "m.user_id").Scan(ctx)
	return rowsOf(rows, func(r membershipRow) team.Membership { return r.Membership }), db.engine.normalise(err)
}

// TakenTeamIDs lists which of the ids are teams'.
func (db *DB) TakenTeamIDs(ctx context.Context, ids []identity.ID) ([]identity.ID, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var out []identity.ID
	err := db.reader(ctx).NewSelect().Model((*teamRow)(nil)).Column("id").Where("tm.id IN (?)", bun.List(ids)).Scan(ctx, &out)
	return out, db.engine.normalise(err)
}

// InvitedTo lists the addresses that were ever invited to a team.
func (db *DB) InvitedTo(ctx context.Context, teamID identity.ID) ([]string, error) {
	var out []string
	err := db.reader(ctx).NewSelect().Model((*invitationRow)(nil)).ColumnExpr("DISTINCT n.email").
		Where("n.team_id = ? AND n.email IS NOT NULL", teamID).Scan(ctx, &out)
	return out, db.engine.normalise(err)
}

// OwnerlessWithout lists the names of teams that would have no active owner without
// the user.
func (db *DB) OwnerlessWithout(ctx context.Context, user identity.ID) ([]string, error) {
	var out []string
	err := db.reader(ctx).NewSelect().Model((*teamRow)(nil)).Column("name").
		Where("tm.deleted_at IS NULL AND tm.id IN (SELECT m.team_id FROM memberships AS m WHERE m.user_id = ? AND m.role = 'owner')", user).
		Where(`NOT EXISTS (SELECT 1 FROM memberships AS m JOIN users AS u ON u.id = m.user_id
			WHERE m.team_id = tm.id AND m.role = 'owner' AND u.status = 'active' AND u.id <> ?)`, user).
		Order("tm.id").Scan(ctx, &out)
	return out, db.engine.normalise(err)
}

// Suspend disables a user, until a time or until an operator restores them.
func (db *DB) Suspend(ctx context.Context, user identity.ID, until *time.Time, at time.Time) error {
	db.changed(ctx, user)
	return db.execDeferred(ctx, db.writer(ctx).NewUpdate().Model((*userRow)(nil)).Set("status = ?", identity.StatusDisabled).
		Set("suspended_until = ?", until).Set("updated_at = ?", at).Where("u.id = ?", user))
}

// RecordImportedTeam remembers which team an organization became.
func (db *DB) RecordImportedTeam(ctx context.Context, t identity.ImportedTeam) error {
	return db.insert(ctx, &importedTeamRow{ImportedTeam: t})
}

// TakenIDs lists users who have one of the ids, or one of the external ids.
func (db *DB) TakenIDs(ctx context.Context, ids []identity.ID, external []string) ([]identity.User, error) {
	if len(ids)+len(external) == 0 {
		return nil, nil
	}
	var rows []userRow
	q := db.reader(ctx).NewSelect().Model(&rows).Column("id", "external_id")
	if len(ids) > 0 {
		q = q.Where("u.id IN (?)", bun.List(ids))
	}
	if len(external) > 0 {
		q = q.WhereOr("u.external_id IN (?)", bun.List(external))
	}
	err := q.Scan(ctx)
	return rowsOf(rows, func(r userRow) identity.User { return r.User }), db.engine.normalise(err)
}

// UnlinkedOf lists the identities that users unlinked, without their ids.
func (db *DB) UnlinkedOf(ctx context.Context, users []identity.ID) ([]identity.Identity, error) {
	if len(users) == 0 {
		return nil, nil
	}
	var rows []unlinkedRow
	err := db.reader(ctx).NewSelect().Model(&rows).Where("ul.user_id IN (?)", bun.List(users)).Scan(ctx)
	return rowsOf(rows, func(r unlinkedRow) identity.Identity {
		return identity.Identity{Provider: r.Provider, Subject: r.Subject, UserID: r.UserID}
	}), db.engine.normalise(err)
}

// VouchersOf lists the vouchers that name users, ended ones too.
func (db *DB) VouchersOf(ctx context.Context, users []identity.ID) ([]identity.Voucher, error) {
	if len(users) == 0 {
		return nil, nil
	}
	return db.vouchers(ctx, func(q *bun.SelectQuery) *bun.SelectQuery { return q.Where("v.user_id IN (?)", bun.List(users)) })
}

// Spellings lists how sources spelled the verified addresses of users.
func (db *DB) Spellings(ctx context.Context, users []identity.ID) ([]identity.Imported, error) {
	if len(users) == 0 {
		return nil, nil
	}
	var rows []importedRow
	err := db.reader(ctx).NewSelect().Model(&rows).Where("o.user_id IN (?) AND o.email <> ''", bun.List(users)).
		Order("o.origin", "o.source_id").Scan(ctx)
	return rowsOf(rows, func(r importedRow) identity.Imported { return r.Imported }), db.engine.normalise(err)
}

// IdentitiesBySubject lists the identities of a provider among these subjects.
func (db *DB) IdentitiesBySubject(ctx context.Context, provider string, subjects []string) ([]identity.Identity, error) {
	return db.identitiesWhere(ctx, len(subjects), func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("i.provider = ? AND i.subject IN (?)", provider, bun.List(subjects))
	})
}

// IdentitiesShowing lists identities that show one of the addresses.
func (db *DB) IdentitiesShowing(ctx context.Context, addresses []string, limit int) ([]identity.Identity, error) {
	return db.identitiesWhere(ctx, len(addresses), func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("i.email IN (?) AND i.email <> ''", bun.List(addresses)).Limit(int64(limit))
	})
}

func (db *DB) identitiesWhere(ctx context.Context, n int, where func(*bun.SelectQuery) *bun.SelectQuery) ([]identity.Identity, error) {
	if n == 0 {
		return nil, nil
	}
	var rows []identityRow
	err := where(db.reader(ctx).NewSelect().Model(&rows)).Order("i.id").Scan(ctx)
	return rowsOf(rows, func(r identityRow) identity.Identity { return r.Identity }), db.engine.normalise(err)
}

// EmailOwners lists who owns the addresses.
func (db *DB) EmailOwners(ctx context.Context, addresses []string) ([]identity.Email, error) {
	if len(addresses) == 0 {
		return nil, nil
	}
	var rows []emailRow
	err := db.reader(ctx).NewSelect().Model(&rows).Where("e.address IN (?)", bun.List(addresses)).Scan(ctx)
	return rowsOf(rows, func(r emailRow) identity.Email { return r.Email }), db.engine.normalise(err)
}

// UsersNamed lists active users with one of the display names, oldest first.
func (db *DB) UsersNamed(ctx context.Context, names []string, limit int) ([]identity.User, error) {
	if len(names) == 0 {
		return nil, nil
	}
	var rows []userRow
	err := db.reader(ctx).NewSelect().Model(&rows).
		Where("u.display_name IN (?) AND u.display_name <> '' AND u.status = 'active'", bun.List(names)).
		Order("u.id").Limit(int64(limit)).Scan(ctx)
	return rowsOf(rows, func(r userRow) identity.User { return r.User }), db.engine.normalise(err)
}

// Import writes a batch of what was read from another system, in the
// transaction of the context. What the database does not take is an
// *identity.ImportRefusedError: the rows have to be looked at one by one.
func (db *DB) Import(ctx context.Context, b identity.ImportBatch) error {
	tx := mustTx(ctx)
	err := db.importAll(ctx, b)
	if err == nil && tx.queue != nil { // A dry run ends here, and the caller looks for the row at fault.
		err = db.engine.normalise(tx.queue.send(ctx))
	}
	if err = refusedImport(err); err != nil && tx.queue != nil {
		tx.queue.failed = err // InTx returns what the queue failed by
	}
	return err
}

func (db *DB) importAll(ctx context.Context, b identity.ImportBatch) error {
	if err := insertAll(ctx, db, b.Users, func(u identity.User) userRow { return userRow{User: u} }); err != nil {
		return err
	}
	if err := insertAll(ctx, db, b.Identities, func(i identity.Identity) identityRow { return identityRow{Identity: i} }); err != nil {
		return err
	}
	created := map[identity.ID]bool{}
	for _, u := range b.Users {
		created[u.ID] = true
	}
	for _, i := range b.Identities {
		if !created[i.UserID] { // nothing remembers a user who was not there
			db.changed(ctx, i.UserID)
		}
	}
	if err := insertAll(ctx, db, b.Emails, func(e identity.Email) emailRow { return emailRow{Email: e} }); err != nil {
		return err
	}
	if err := insertAll(ctx, db, b.Vouchers, voucherRowOf); err != nil {
		return err
	}
	if err := insertAll(ctx, db, b.Imported, func(o identity.Imported) importedRow { return importedRow{Imported: o} }); err != nil {
		return err
	}
	if err := db.setPrimaryEmails(ctx, b.Emails); err != nil {
		return err
	}
	return db.RecordEvents(ctx, b.Events...)
}

// primaryRow is a user with the address that becomes primary.
type primaryRow struct {
	bun.BaseModel `bun:"table:users,alias:u"`
	ID            identity.ID `bun:"type:uuid,pk"`
	PrimaryEmail  string      `bun:"type:text"`
}

// setPrimaryEmails makes the first address of each user primary, unless they have one.
func (db *DB) setPrimaryEmails(ctx context.Context, emails []identity.Email) error {
	var rows []primaryRow
	seen := map[identity.ID]bool{}
	for _, e := range emails {
		if !seen[e.UserID] {
			seen[e.UserID] = true
			rows = append(rows, primaryRow{ID: e.UserID, PrimaryEmail: e.Address})
		}
	}
	if len(rows) == 0 {
		return nil
	}
	return db.execDeferred(ctx, db.writer(ctx).NewUpdate().Model(&rows).Column("primary_email").Bulk().Where("u.primary_email IS NULL"))
}

// refusedImport turns an error about the values of rows into an
// *identity.ImportRefusedError, which ends the transaction at once: it would end the
// same way each time.
func refusedImport(err error) error {
	if conflict, ok := errors.AsType[*ErrConflict](err); ok {
		return &identity.ImportRefusedError{Constraint: conflict.Constraint, Reason: "the database has a row for " + conflict.Constraint + " already"}
	}
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok && (pg.Code[:2] == "22" || pg.Code[:2] == "23") && pg.Code != "23503" {
		return &identity.ImportRefusedError{Constraint: pg.ConstraintName, Reason: pg.Message}
	}
	if lite, ok := errors.AsType[*moderncsqlite.Error](err); ok && lite.Code()&0xff == sqlite3.SQLITE_CONSTRAINT && lite.Code() != sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY {
		return &identity.ImportRefusedError{Constraint: sqliteColumns(lite.Error()), Reason: lite.Error()}
	}
	return err
}

func insertAll[T, Row any](ctx context.Context, db *DB, values []T, row func(T) Row) error {
	if len(values) == 0 {
		return nil
	}
	rows := rowsOf(values, row)
	return db.insert(ctx, &rows)
}

// RecordDuplicates notes pairs, each of them once, with an event for those that are new.
// Of a pair that is known the surer kind stays.
func (db *DB) RecordDuplicates(ctx context.Context, pairs []linking.Duplicate) error {
	if len(pairs) == 0 {
		return nil
	}
	var have []duplicateRow
	err := db.writer(ctx).NewSelect().Model(&have).Column("first_id", "second_id").
		Where("d.first_id IN (?)", bun.List(rowsOf(pairs, func(d linking.Duplicate) identity.ID { return d.FirstID }))).Scan(ctx)
	if err != nil {
		return db.engine.normalise(err)
	}
	known := map[[2]identity.ID]bool{}
	for _, d := range have {
		known[[2]identity.ID{d.FirstID, d.SecondID}] = true
	}
	var found []identity.Event
	for _, d := range pairs {
		if pair := [2]identity.ID{d.FirstID, d.SecondID}; !known[pair] {
			known[pair] = true
			found = append(found, d.Event())
		}
	}
	rows := rowsOf(pairs, func(d linking.Duplicate) duplicateRow { return duplicateRow{Duplicate: d} })
	err = db.execDeferred(ctx, db.writer(ctx).NewInsert().Model(&rows).
		On("CONFLICT (first_id, second_id) DO UPDATE").Set("kind = EXCLUDED.kind").Set("reason = EXCLUDED.reason").
		Where("d.kind = 'hint' AND EXCLUDED.kind <> 'hint'"))
	if err != nil || len(found) == 0 {
		return err
	}
	return db.RecordEvents(ctx, found...)
}

// EndSuspensions restores users whose suspension ends by itself and has ended, at most
// limit of them. It returns how many it found; those who are leaving stay disabled.
func (db *DB) EndSuspensions(ctx context.Context, now time.Time, limit int) (int, error) {
	var over int
	err := db.InTx(ctx, func(ctx context.Context) error {
		var rows []userRow
		q := db.reader(ctx).NewSelect().Model(&rows).Where("u.suspended_until <= ? AND u.status = 'disabled'", now).
			Where("NOT EXISTS (SELECT 1 FROM deletions AS dl WHERE dl.user_id = u.id)"). // who leaves stays disabled
			Order("u.suspended_until", "u.id").Limit(int64(limit))
		if err := db.engine.forUpdateSkipLocked(q, "u").Scan(ctx); err != nil {
			return db.engine.normalise(err)
		}
		over = len(rows)
		// One who began to leave before their row was held: the read was older.
		leaving, err := db.Deletions(ctx, rowsOf(rows, func(r userRow) identity.ID { return r.ID }))
		if err != nil {
			return err
		}
		rows = slices.DeleteFunc(rows, func(r userRow) bool { _, leaves := leaving[r.ID]; return leaves })
		var events []identity.Event
		for _, r := range rows {
			u := r.User
			u.Status, u.UpdatedAt = identity.StatusActive, now
			if err := db.UpdateUser(ctx, u); err != nil {
				return err
			}
			events = append(events, identity.Event{
				ID: identity.NewID(), At: now, Action: identity.ActionUserRestored, UserID: &u.ID,
				Data: identity.Metadata{"reason": "suspension_over"},
			})
		}
		return db.RecordEvents(ctx, events...)
	})
	return over, err
}

// Duplicates implements linking.DuplicateStore. Pairs of which one was merged
// into the other are left out here already: most of them end so.
func (db *DB) Duplicates(ctx context.Context, p identity.Page) ([]linking.Duplicate, error) {
	var rows []duplicateRow
	err := oldestFirst(db.openDuplicates(ctx), "d.id", p).Scan(ctx, &rows)
	return rowsOf(rows, func(r duplicateRow) linking.Duplicate { return r.Duplicate }), db.engine.normalise(err)
}

// openDuplicates selects the pairs that have not been merged.
func (db *DB) openDuplicates(ctx context.Context) *bun.SelectQuery {
	return db.reader(ctx).NewSelect().Model((*duplicateRow)(nil)).
		Join("JOIN users AS a ON a.id = d.first_id JOIN users AS b ON b.id = d.second_id").
		Where("(a.merged_into IS NULL OR a.merged_into <> b.id) AND (b.merged_into IS NULL OR b.merged_into <> a.id)")
}

// DuplicatesBetween implements linking.DuplicateStore.
func (db *DB) DuplicatesBetween(ctx context.Context, a, b identity.ID) ([]linking.Duplicate, error) {
	former, err := db.MergedFrom(ctx, []identity.ID{a, b})
	if err != nil {
		return nil, err
	}
	as, bs := bun.List(append(former[a], a)), bun.List(append(former[b], b))
	var rows []duplicateRow
	err = db.reader(ctx).NewSelect().Model(&rows).
		Where("d.first_id IN (?) AND d.second_id IN (?) OR d.first_id IN (?) AND d.second_id IN (?)", as, bs, bs, as).
		Order("d.id").Scan(ctx)
	return rowsOf(rows, func(r duplicateRow) linking.Duplicate { return r.Duplicate }), db.engine.normalise(err)
}

// Survivors implements linking.DuplicateStore.
func (db *DB) Survivors(ctx context.Context, ids []identity.ID) (map[identity.ID]identity.User, error) {
	out := map[identity.ID]identity.User{}
	if len(ids) == 0 {
		return out, nil
	}
	var rows []struct {
		userRow `bun:",extend"`
		Root    identity.ID
	}
	err := db.reader(ctx).NewRaw(`WITH RECURSIVE later (root, id, next) AS (
			SELECT u.id, u.id, u.merged_into FROM users AS u WHERE u.id IN (?)
			UNION ALL
			SELECT l.root, u.id, u.merged_into FROM later AS l JOIN users AS u ON u.id = l.next
		) SELECT ?, l.root FROM later AS l JOIN users AS u ON u.id = l.id WHERE l.next IS NULL`,
		bun.List(ids), db.columns((*userRow)(nil))).Scan(ctx, &rows)
	for _, r := range rows {
		out[r.Root] = r.User
	}
	return out, db.engine.normalise(err)
}

// SourceConfig reads the URL of a PostgreSQL that is read from, as other programs write
// it: without the limits on time that Latchkey's own database has.
func SourceConfig(databaseURL string) (*pgx.ConnConfig, error) {
	s, err := parsePostgres(databaseURL)
	if err != nil {
		return nil, err
	}
	c := s.config.ConnConfig
	for name := range guards() {
		delete(c.RuntimeParams, name)
	}
	return c, nil
}

package storage

import (
	"cmp"
	"context"
	"net/netip"
	"time"

	"github.com/uptrace/bun"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/revocation"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
)

// InsertSession implements session.Store. One that names no kind is a browser's.
func (db *DB) InsertSession(ctx context.Context, s session.Session) error {
	s.Kind = cmp.Or(s.Kind, session.KindBrowser)
	row := sessionRow{Session: s, clientColumns: clientOf(s.IP, s.UserAgent)}
	return writeRow(ctx, db, db.hot.insertSession, sessionColumns, &row, s.UserID)
}

// LockSession implements session.Store.
func (db *DB) LockSession(ctx context.Context, id identity.ID) (session.Session, error) {
	var row sessionRow
	err := db.lockSession(ctx, &row, id).Scan(ctx)
	return row.Session, db.engine.normalise(err)
}

func (db *DB) lockSession(ctx context.Context, into *sessionRow, id identity.ID) *bun.SelectQuery {
	q := db.reader(ctx).NewSelect().Model(into).ColumnExpr("?, "+endedInBulk+" AS ended_in_bulk", db.columns((*sessionRow)(nil))).Where("s.id = ?", id)
	return db.engine.forUpdate(q, "s")
}

// UpdateSession implements session.Store.
func (db *DB) UpdateSession(ctx context.Context, s session.Session) error {
	db.changed(ctx, s.ID)
	return db.execDeferred(ctx, db.writer(ctx).NewUpdate().Model(&sessionRow{Session: s}).
		Column("token_hash", "team_session_id", "methods", "proven_by", "key_id", "restricted", "authenticated_at", "last_seen_at", "longest_pause", "idle_expires_at", "expires_at").
		Where("s.id = ?", s.ID))
}

// TouchSession implements session.Store. It never moves time back, so that
// replicas whose clocks differ do not undo each other.
func (db *DB) TouchSession(ctx context.Context, u session.Use) (bool, error) {
	q := db.write.NewUpdate().Model((*sessionRow)(nil))
	if u.IP != "" {
		q = q.Set("ip = ?", u.IP).Set("ip_key = ?", ipKey(u.IP))
	}
	n, err := db.exec(ctx, q.
		Set("last_seen_at = ?", u.At).Set("idle_expires_at = ?", u.IdleExpires).
		Set("longest_pause = CASE WHEN s.longest_pause < ?0 THEN ?0 ELSE s.longest_pause END", u.Pause).
		Where("s.id = ? AND s.ended_at IS NULL AND s.last_seen_at <= ?", u.Session, u.Was))
	return n == 1, err
}

// EndSessions implements session.Store.
func (db *DB) EndSessions(ctx context.Context, user identity.ID, which session.SessionSelector, reason string, at time.Time) ([]identity.ID, error) {
	q := db.writer(ctx).NewUpdate().Model((*sessionRow)(nil)).Where("s.user_id = ?", user)
	if which.Only != nil {
		q = q.Where("s.id = ?", *which.Only)
	}
	if which.Except != nil {
		q = q.Where("s.id <> ?", *which.Except)
	}
	gone, err := db.endSessions(ctx, q, reason, at)
	return rowsOf(gone, func(g revocation.Ended) identity.ID { return g.ID }), err
}

// endSessions ends the open sessions that an update finds, with the team sessions
// in them and those of applications that were made in them, and names their users as changed, which wakes those who watch too.
func (db *DB) endSessions(ctx context.Context, q *bun.UpdateQuery, reason string, at time.Time) ([]revocation.Ended, error) {
	var ended []endedRow
	if err := endOpen(q, reason, at).Scan(ctx, &ended); err != nil {
		return nil, db.engine.normalise(err)
	}
	return db.sessionsEnded(ctx, ended, reason, at)
}

// endOpen returns an [endedRow] of each session that it ends.
func endOpen(q *bun.UpdateQuery, reason string, at time.Time) *bun.UpdateQuery {
	return q.Set("ended_at = ?", at).Set("end_reason = ?", reason).
		Where("s.ended_at IS NULL").Returning("id, user_id, client_id")
}

// sessionsEnded ends what is in sessions that have just ended.
func (db *DB) sessionsEnded(ctx context.Context, ended []endedRow, reason string, at time.Time) ([]revocation.Ended, error) {
	if len(ended) == 0 {
		return nil, nil
	}
	ids, gone := make([]identity.ID, len(ended)), make([]revocation.Ended, len(ended))
	for i, e := range ended {
		ids[i], gone[i] = e.ID, revocation.Ended{ID: e.ID, UserID: e.UserID}
		db.changed(ctx, e.UserID)
	}
	if err := db.enqueueLogouts(ctx, ended, at); err != nil {
		return nil, err
	}
	// The team sessions come after the sessions, whose rows those who enter a team hold.
	var inTeams []endedInTeam
	under := endOpenInTeam(db.writer(ctx).NewUpdate().Model((*teamSessionRow)(nil)).Where("t.session_id IN (?)", bun.List(ids)), revocation.End{Reason: reason, At: at})
	var made []endedRow
	by := db.endOpenApplications(ctx, reason, at, "s.parent_id IN (?) AND NOT s.offline", bun.List(ids))
	if err := db.together(ctx, question{under, &inTeams}, question{by, &made}); err != nil {
		return nil, err
	}
	for _, e := range inTeams {
		db.changed(ctx, e.UserID, team.Topic(e.TeamID))
	}
	_, err := db.applicationsEnded(ctx, made, reason, at)
	return gone, err
}

// endApplications ends open sessions of applications with what they depended on, and
// writes it to their users' history: a caller that ends a browser's session need not know
// of them.
func (db *DB) endApplications(ctx context.Context, reason string, at time.Time, where string, args ...any) (int, error) {
	var ended []endedRow
	if err := db.endOpenApplications(ctx, reason, at, where, args...).Scan(ctx, &ended); err != nil {
		return 0, db.engine.normalise(err)
	}
	return db.applicationsEnded(ctx, ended, reason, at)
}

func (db *DB) endOpenApplications(ctx context.Context, reason string, at time.Time, where string, args ...any) *bun.UpdateQuery {
	return endOpen(db.writer(ctx).NewUpdate().Model((*sessionRow)(nil)).
		Where("s.kind = ?", session.KindApplication).Where(where, args...), reason, at)
}

// applicationsEnded is sessionsEnded for those of applications.
func (db *DB) applicationsEnded(ctx context.Context, ended []endedRow, reason string, at time.Time) (int, error) {
	gone, err := db.sessionsEnded(ctx, ended, reason, at)
	if err != nil || len(gone) == 0 {
		return 0, err
	}
	events := make([]identity.Event, len(gone))
	for i, g := range gone {
		events[i] = identity.Event{
			ID: identity.NewID(), At: at, Action: identity.ActionSessionEnded, UserID: &g.UserID, SessionID: &g.ID,
			Data: identity.Metadata{"ended_session_id": g.ID, "kind": session.KindApplication, "reason": reason},
		}
	}
	return len(gone), db.RecordEvents(ctx, events...)
}

// AdoptApplications implements session.Store.
func (db *DB) AdoptApplications(ctx context.Context, from, to identity.ID) error {
	return db.execDeferred(ctx, db.writer(ctx).NewUpdate().Model((*sessionRow)(nil)).Set("parent_id = ?", to).
		Where("s.parent_id = ? AND s.ended_at IS NULL", from))
}

// EndSessionsBy implements linking.UnlinkStore.
func (db *DB) EndSessionsBy(ctx context.Context, id identity.ID, reason string, at time.Time) (int64, error) {
	return db.endSessionsMadeBy(ctx, []identity.ID{id}, reason, at)
}

func (db *DB) endSessionsMadeBy(ctx context.Context, identities []identity.ID, reason string, at time.Time) (int64, error) {
	var ended []endedRow
	ending := endOpen(db.writer(ctx).NewUpdate().Model((*sessionRow)(nil)).Where("s.identity_id IN (?)", bun.List(identities)), reason, at)
	var leaving []provenMethod
	methods := db.reader(ctx).NewSelect().Model((*identityRow)(nil)).Column("user_id", "provider").Distinct().
		Where("i.id IN (?)", bun.List(identities))
	if err := db.together(ctx, question{ending, &ended}, question{methods, &leaving}); err != nil {
		return 0, err
	}
	gone, err := db.sessionsEnded(ctx, ended, reason, at)
	if err != nil {
		return 0, err
	}
	return int64(len(gone)), db.dropMethods(ctx, leaving, identities)
}

// provenMethod is a provider that proved a user.
type provenMethod struct {
	UserID   identity.ID
	Provider string
}

// dropMethods takes the methods of identities that leave their user off the
// user's open sessions. A method stays where another identity of the user's, of
// the same provider, has proven it too. A session that does not say which identity
// proved a method loses it: see migration 15.
func (db *DB) dropMethods(ctx context.Context, leaving []provenMethod, identities []identity.ID) error {
	for _, l := range leaving {
		proven := db.writer(ctx).NewSelect().Model((*identityRow)(nil)).ColumnExpr("1").
			Where("i.user_id = ? AND i.provider = ? AND i.id NOT IN (?)", l.UserID, l.Provider, bun.List(identities)).
			Where("(i.id = s.identity_id OR ' ' || s.proven_by || ' ' LIKE '% ' || CAST(i.id AS text) || ' %')")
		var weaker []identity.ID
		err := whereProvider(db.writer(ctx).NewUpdate().Model((*sessionRow)(nil)).
			Set("methods = trim(replace(' ' || s.methods || ' ', ?, ' '))", " "+l.Provider+" ").
			Where("s.user_id = ? AND s.ended_at IS NULL", l.UserID), l.Provider).
			Where("NOT EXISTS (?)", proven).Returning("id").Scan(ctx, &weaker)
		if err = db.engine.normalise(err); err != nil && err != identity.ErrNotFound { //nolint:errorlint // our own sentinel
			return err
		}
		db.changed(ctx, weaker...)
	}
	return nil
}

// clientName is what the application of a session s is called; NULL for a browser's.
const clientName = "(SELECT sc.name FROM clients AS sc WHERE sc.id = s.client_id)"

// ActiveSessions implements session.Store.
func (db *DB) ActiveSessions(ctx context.Context, user identity.ID, now time.Time, p identity.Page) ([]session.Session, error) {
	var rows []sessionRow
	q := whereStatus(db.reader(ctx).NewSelect().Model(&rows).ColumnExpr("?, "+clientName+" AS client_name", db.columns((*sessionRow)(nil))).Where("s.user_id = ?", user), session.StatusActive, now, sessionEnds)
	err := newestFirst(q, "s.id", p).Scan(ctx)
	return rowsOf(rows, func(r sessionRow) session.Session { return r.Session }), db.engine.normalise(err)
}

// Sessions implements session.Store.
func (db *DB) Sessions(ctx context.Context, f session.Filter, now time.Time, p identity.Page) ([]session.Listed, error) {
	var rows []struct {
		sessionRow `bun:",extend"`
		identity.Summary
	}
	q := db.reader(ctx).NewSelect().Model(&rows).ColumnExpr("?, "+endedInBulk+" AS ended_in_bulk, "+clientName+" AS client_name, "+summaryColumns, db.columns((*sessionRow)(nil))).
		Join("JOIN users AS u ON u.id = s.user_id")
	after, until := createdWithin(f, now)
	q, err := db.idsOfTimes(ctx, db.whereSession(q, f, now), timed{"sessions", "s", "created_at"}, after, until, f.Walk)
	if err != nil {
		return nil, err
	}
	err = newestFirst(q, "s.id", p).Scan(ctx)
	out := make([]session.Listed, len(rows))
	for i, r := range rows {
		out[i] = session.Listed{Session: r.Session, Summary: r.Summary}
	}
	return out, db.engine.normalise(err)
}

// LookThrough implements session.Store.
func (db *DB) LookThrough(ctx context.Context, f session.Filter, now time.Time, after *identity.ID, n int) (*identity.ID, error) {
	q := db.reader(ctx).NewSelect().TableExpr("sessions AS s").Column("s.id")
	if f.KeyID != nil {
		q = q.Where("s.key_id = ?", *f.KeyID)
	}
	from, to := createdWithin(f, now)
	q, err := db.idsOfTimes(ctx, q, timed{"sessions", "s", "created_at"}, from, to, true)
	if err != nil {
		return nil, err
	}
	var ids []identity.ID // the last one, and one more
	err = newestFirst(q, "s.id", identity.Page{Limit: 1, After: after}).Offset(int64(n)-1).Scan(ctx, &ids)
	if err != nil || len(ids) < 2 {
		return nil, db.engine.normalise(err)
	}
	return &ids[0], nil
}

// Crowded implements session.Store.
func (db *DB) Crowded(ctx context.Context, network netip.Prefix, n int) (bool, error) {
	q := inNetwork(db.reader(ctx).NewSelect().TableExpr("sessions AS s").ColumnExpr("1"), network)
	return db.more(ctx, q.Order("s.ip_key"), n) // along its index
}

// EndingByToken implements session.Store.
func (db *DB) EndingByToken(ctx context.Context, tokenHash []byte) (identity.Ending, error) {
	var row sessionRow
	err := db.reader(ctx).NewSelect().Model(&row).Column("ended_at", "end_reason").Where("s.token_hash = ? AND s.ended_at IS NOT NULL", tokenHash).Scan(ctx)
	if err != nil {
		return identity.Ending{}, db.engine.normalise(err)
	}
	return identity.Ending{At: row.EndedAt.UTC(), Reason: *row.EndReason}, nil
}

// CountSessions implements session.Store.
func (db *DB) CountSessions(ctx context.Context, f session.Filter, now time.Time) (int, error) {
	n, err := db.whereSession(db.reader(ctx).NewSelect().Model((*sessionRow)(nil)), f, now).Count(ctx)
	return int(n), db.engine.normalise(err)
}

// EndMatchingSessions implements session.Store.
func (db *DB) EndMatchingSessions(ctx context.Context, f session.Filter, end revocation.End) ([]revocation.Ended, error) {
	db.unhurried(ctx)
	matching := db.whereSession(db.writer(ctx).NewSelect().TableExpr("sessions AS s").Column("s.id"), f, end.At)
	return db.endSessions(ctx, db.writer(ctx).NewUpdate().Model((*sessionRow)(nil)).Where("s.id IN (?)", matching), end.Reason, end.At)
}

// whereSession narrows sessions, s.
func (db *DB) whereSession(q *bun.SelectQuery, f session.Filter, now time.Time) *bun.SelectQuery {
	if f.Status == session.StatusRefused { // only team sessions are
		q = q.Where("1 = 0")
	}
	return db.where(whereStatus(q, f.Status, now, sessionEnds), f, now, "s")
}

// where narrows sessions, s, or team sessions with the session s behind, by what
// both have. What is listed goes by the alias.
func (db *DB) where(q *bun.SelectQuery, f session.Filter, now time.Time, alias string) *bun.SelectQuery {
	listed := bun.Safe(alias)
	if f.UserID != nil {
		q = q.Where("?.user_id = ?", listed, *f.UserID)
	}
	if f.NotUserID != nil {
		q = q.Where("?.user_id <> ?", listed, *f.NotUserID)
	}
	if f.IDs != nil {
		q = q.Where("?.id IN (?)", listed, bun.List(f.IDs))
	}
	if f.Except != nil {
		q = q.Where("?.id <> ?", listed, *f.Except)
	}
	if f.Oldest != nil {
		q = q.Where("?.id >= ?", listed, *f.Oldest)
	}
	if f.KeyID != nil {
		q = q.Where("s.key_id = ?", *f.KeyID)
	}
	if !f.AsOf.IsZero() {
		q = q.Where("?.created_at <= ?", listed, f.AsOf.UTC())
	}
	after, until := createdWithin(f, now)
	if !until.IsZero() {
		q = q.Where("?.created_at <= ?", listed, until)
	}
	if !after.IsZero() {
		q = q.Where("?.created_at > ?", listed, after)
	}
	return inNetwork(db.engine.onDevice(whereProvider(q, f.Provider), f.Device), f.Network)
}

// createdWithin returns between which times, the first left out, a filter by age has
// sessions made; zero for no such time.
func createdWithin(f session.Filter, now time.Time) (after, until time.Time) {
	if !f.AsOf.IsZero() {
		now = f.AsOf.UTC()
	}
	if f.OlderThan > 0 {
		until = now.Add(-f.OlderThan)
	}
	if f.NewerThan > 0 {
		after = now.Add(-f.NewerThan)
	}
	return after, until
}

// ends says in SQL what of a kind has not ended, and the contrary.
type ends struct{ open, ended string }

var (
	sessionEnds     = ends{openSession, endedSession}
	teamSessionEnds = ends{openTeamSession, endedTeamSession}
)

// whereStatus is session.Status as a condition, where any of the ends is one.
func whereStatus(q *bun.SelectQuery, status session.Status, now time.Time, all ...ends) *bun.SelectQuery {
	open := func(q *bun.SelectQuery) *bun.SelectQuery {
		for _, e := range all {
			q = q.Where(e.open)
		}
		return q
	}
	switch status {
	case session.StatusActive, session.StatusRefused:
		return open(q).Where("s.expires_at > ? AND s.idle_expires_at > ?", now, now)
	case session.StatusExpired:
		return open(q).Where("(s.expires_at <= ? OR s.idle_expires_at <= ?)", now, now)
	case session.StatusRevoked:
		return q.WhereGroup(" AND ", func(q *bun.SelectQuery) *bun.SelectQuery {
			for _, e := range all {
				q = q.WhereOr(e.ended)
			}
			return q
		})
	}
	return q
}

// whereProvider keeps sessions in which the provider proved the user. Methods
// are words, so one is looked for between spaces.
func whereProvider[Q interface{ Where(string, ...any) Q }](q Q, provider string) Q {
	if provider == "" {
		return q
	}
	condition, args := provenBy(provider)
	return q.Where(condition, args...)
}

// provenBy returns the condition that a provider proved the user in a session, s.
func provenBy(provider string) (condition string, args []any) {
	return "' ' || s.methods || ' ' LIKE ? ESCAPE '!'", []any{"% " + escapeLike(sanitizeKey(provider)) + " %"}
}

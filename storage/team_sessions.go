package storage

import (
	"cmp"
	"context"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/revocation"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/identity/teamsession"
)

// InsertTeamSession implements teamsession.EntryStore.
func (db *DB) InsertTeamSession(ctx context.Context, t teamsession.Session) error {
	return db.execDeferred(ctx, stampedInTeam(db.writer(ctx).NewInsert().Model(&teamSessionRow{Session: t}), t.TeamID, t.UserID))
}

// OpenTeamSession implements teamsession.PolicyStore.
func (db *DB) OpenTeamSession(ctx context.Context, sessionID, teamID identity.ID) (teamsession.Session, error) {
	var row teamSessionRow
	err := db.openTeamSession(ctx, &row, sessionID, teamID).Scan(ctx)
	return row.Session, db.engine.normalise(err)
}

func (db *DB) openTeamSession(ctx context.Context, into *teamSessionRow, sessionID, teamID identity.ID) *bun.SelectQuery {
	return db.reader(ctx).NewSelect().Model(into).
		ColumnExpr("?, NOT ("+teamSessionLives+") AS ended_in_bulk", db.columns((*teamSessionRow)(nil))).
		Where("t.session_id = ? AND t.team_id = ? AND t.ended_at IS NULL", sessionID, teamID)
}

// LockEntry implements teamsession.EntryStore.
func (db *DB) LockEntry(ctx context.Context, sessionID, teamID identity.ID) (teamsession.Entry, error) {
	var cur sessionRow
	var policy joinedPolicy
	var open teamSessionRow
	err := db.together(ctx, question{query: db.lockSession(ctx, &cur, sessionID)},
		question{db.teamPolicy(ctx, teamID), &policy}, question{query: db.openTeamSession(ctx, &open, sessionID, teamID)})
	if err == nil && cur.ID != sessionID {
		err = identity.ErrNotFound
	}
	e := teamsession.Entry{Session: cur.Session, Policy: policy.domain()}
	if open.SessionID == sessionID {
		e.Open = &open.Session
	}
	return e, err
}

// EndTeamSession implements teamsession.EndStore.
func (db *DB) EndTeamSession(ctx context.Context, t teamsession.Session) error {
	db.changed(ctx, t.ID, t.UserID, team.Topic(t.TeamID))
	err := db.execDeferred(ctx, db.writer(ctx).NewUpdate().Model(&teamSessionRow{Session: t}).
		Column("ended_at", "end_reason", "ended_by").Where("t.id = ?", t.ID))
	if err != nil {
		return err
	}
	return db.endApplicationsIn(ctx, *t.EndReason, *t.EndedAt, []identity.ID{t.SessionID})
}

// endApplicationsIn ends the sessions of applications whose team session has just
// ended: one that was let into a team is nothing without it.
func (db *DB) endApplicationsIn(ctx context.Context, reason string, at time.Time, sessions []identity.ID) error {
	_, err := db.endApplications(ctx, reason, at, "s.id IN (?)", bun.List(sessions))
	return err
}

// SetBreakGlass implements teamsession.EntryStore.
func (db *DB) SetBreakGlass(ctx context.Context, id identity.ID, until time.Time) error {
	db.changed(ctx, id)
	return db.execDeferred(ctx, db.writer(ctx).NewUpdate().Model((*teamSessionRow)(nil)).
		Set("break_glass_until = ?", until).Where("t.id = ?", id))
}

// EndTeamSessions implements team.Store.
func (db *DB) EndTeamSessions(ctx context.Context, teamID identity.ID, user *identity.ID, by identity.ID, reason string, at time.Time) error {
	q := db.writer(ctx).NewUpdate().Model((*teamSessionRow)(nil)).Where("t.team_id = ?", teamID)
	if user != nil {
		q = q.Where("t.user_id = ?", *user)
	}
	_, err := db.endTeamSessions(ctx, q, revocation.End{Reason: reason, By: &by, At: at})
	return err
}

// endedInTeam is a team session that has just ended.
type endedInTeam struct{ ID, UserID, TeamID, SessionID identity.ID }

// endOpenInTeam returns an [endedInTeam] of each team session that it ends.
func endOpenInTeam(q *bun.UpdateQuery, end revocation.End) *bun.UpdateQuery {
	return q.Set("ended_at = ?", end.At).Set("end_reason = ?", end.Reason).Set("ended_by = ?", end.By).
		Where("t.ended_at IS NULL").Returning("id, user_id, team_id, session_id")
}

// endTeamSessions ends the open team sessions that an update finds, and tells those
// who watch: the users, whose sessions act in no team any more, and the teams.
func (db *DB) endTeamSessions(ctx context.Context, q *bun.UpdateQuery, end revocation.End) ([]revocation.Ended, error) {
	var ended []endedInTeam
	if err := endOpenInTeam(q, end).Scan(ctx, &ended); err != nil || len(ended) == 0 {
		return nil, db.engine.normalise(err)
	}
	gone, in := make([]revocation.Ended, len(ended)), make([]identity.ID, len(ended))
	for i, e := range ended {
		gone[i], in[i] = revocation.Ended{ID: e.ID, UserID: e.UserID}, e.SessionID
		db.changed(ctx, e.UserID, team.Topic(e.TeamID))
	}
	return gone, db.endApplicationsIn(ctx, end.Reason, end.At, in)
}

// listedInTeamRow is a team session with the session behind it.
type listedInTeamRow struct {
	teamSessionRow `bun:",extend"`
	identity.Summary
	Behind sessionBehind `bun:"embed:s_"`
	Role   *team.Role
}

// sessionBehind is the session behind a team session.
type sessionBehind struct {
	ID              identity.ID
	UserID          identity.ID
	Methods         session.Methods
	IP              string
	UserAgent       string
	CreatedAt       time.Time
	AuthenticatedAt time.Time
	LastSeenAt      time.Time
	IdleExpiresAt   time.Time
	ExpiresAt       time.Time
	EndedAt         *time.Time
	EndedInBulk     bool
	LongestPause    time.Duration
	Kind            session.Kind
	ClientID        *string
	ClientName      *string
	SignedInAt      *time.Time
}

// TeamSessions implements teamsession.ListStore.
func (db *DB) TeamSessions(ctx context.Context, teamID identity.ID, f session.Filter, now time.Time, p identity.Page) ([]teamsession.Listed, error) {
	return db.listTeamSessions(ctx, func(q *bun.SelectQuery) *bun.SelectQuery {
		if f.ByPerson {
			return byPerson(db.whereInTeam(q, teamID, f, now), p)
		}
		return newestFirst(db.whereInTeam(q, teamID, f, now), "t.id", p)
	})
}

// byPerson lists all team sessions of one person after the other, and those newest
// first.
func byPerson(q *bun.SelectQuery, p identity.Page) *bun.SelectQuery {
	if p.After != nil {
		const of = "(SELECT c.user_id FROM team_sessions AS c WHERE c.id = ?)"
		q = q.Where("(t.user_id > "+of+" OR t.user_id = "+of+" AND t.id < ?)", *p.After, *p.After, *p.After)
	}
	return q.OrderExpr("t.user_id, t.id DESC").Limit(int64(p.Limit) + 1)
}

// whereInTeam narrows team sessions, t, of which s is the session behind and m
// the membership.
func (db *DB) whereInTeam(q *bun.SelectQuery, teamID identity.ID, f session.Filter, now time.Time) *bun.SelectQuery {
	q = q.Where("t.team_id = ?", teamID)
	if f.Owners != nil {
		comparison := map[bool]string{true: "=", false: "<>"}[*f.Owners]
		q = q.Where("coalesce(m.role, '') ? ?", bun.Safe(comparison), team.RoleOwner)
	}
	q = db.where(whereStatus(q, f.Status, now, teamSessionEnds, sessionEnds), f, now, "t")
	var refused string
	var args []any
	if f.Policy != nil {
		refused, args = refusedBy(*f.Policy, now)
	}
	switch {
	case f.Status == session.StatusRefused && f.Policy == nil:
		return q.Where("1 = 0")
	case f.Status == session.StatusRefused:
		return q.Where(refused, args...)
	case f.Status == session.StatusActive && f.Policy != nil:
		return q.Where("NOT ("+refused+")", args...)
	}
	return q
}

// CountTeamSessions implements teamsession.ListStore.
func (db *DB) CountTeamSessions(ctx context.Context, teamID identity.ID, f session.Filter, now time.Time) (int, error) {
	n, err := db.whereInTeam(db.teamSessions(ctx), teamID, f, now).Count(ctx)
	return int(n), db.engine.normalise(err)
}

// teamSessions selects from team sessions and what whereInTeam looks at.
func (db *DB) teamSessions(ctx context.Context) *bun.SelectQuery {
	return db.reader(ctx).NewSelect().TableExpr("team_sessions AS t").
		Join("JOIN sessions AS s ON s.id = t.session_id").
		Join("LEFT JOIN memberships AS m ON m.team_id = t.team_id AND m.user_id = t.user_id")
}

// EndMatchingTeamSessions implements teamsession.EndStore.
func (db *DB) EndMatchingTeamSessions(ctx context.Context, teamID identity.ID, f session.Filter, end revocation.End) ([]revocation.Ended, error) {
	db.unhurried(ctx)
	matching := db.whereInTeam(db.teamSessions(ctx).Column("t.id"), teamID, f, end.At)
	return db.endTeamSessions(ctx, db.writer(ctx).NewUpdate().Model((*teamSessionRow)(nil)).Where("t.id IN (?)", matching), end)
}

// OwnerAddresses implements teamsession.EntryStore.
func (db *DB) OwnerAddresses(ctx context.Context, teamID, except identity.ID) ([]string, error) {
	var out []string
	err := db.reader(ctx).NewSelect().Model((*emailRow)(nil)).Column("e.address").
		Join("JOIN memberships AS m ON m.user_id = e.user_id AND m.team_id = ?", teamID).
		Join("JOIN users AS u ON u.id = e.user_id").
		Where("m.role = ? AND u.status = ? AND e.user_id <> ?", team.RoleOwner, identity.StatusActive, except).
		Order("e.address").Scan(ctx, &out)
	return out, db.engine.normalise(err)
}

// ListedTeamSession implements teamsession.ListStore.
func (db *DB) ListedTeamSession(ctx context.Context, id identity.ID) (teamsession.Listed, error) {
	rows, err := db.listTeamSessions(ctx, func(q *bun.SelectQuery) *bun.SelectQuery { return q.Where("t.id = ?", id) })
	if err != nil || len(rows) == 0 {
		return teamsession.Listed{}, cmp.Or(err, identity.ErrNotFound)
	}
	return rows[0], nil
}

func (db *DB) listTeamSessions(ctx context.Context, narrow func(*bun.SelectQuery) *bun.SelectQuery) ([]teamsession.Listed, error) {
	var rows []listedInTeamRow
	q := db.reader(ctx).NewSelect().Model(&rows).
		ColumnExpr("?, NOT ("+teamSessionLives+") AS ended_in_bulk, "+summaryColumns+", m.role", db.columns((*teamSessionRow)(nil))).
		ColumnExpr(`s.id AS s_id, s.user_id AS s_user_id, s.methods AS s_methods, s.ip AS s_ip, s.user_agent AS s_user_agent,
			s.created_at AS s_created_at, s.authenticated_at AS s_authenticated_at, s.last_seen_at AS s_last_seen_at,
			s.idle_expires_at AS s_idle_expires_at, s.expires_at AS s_expires_at, s.ended_at AS s_ended_at,
			s.longest_pause AS s_longest_pause, s.kind AS s_kind, s.client_id AS s_client_id, ` + clientName + ` AS s_client_name, s.signed_in_at AS s_signed_in_at, ` + endedInBulk + ` AS s_ended_in_bulk`).
		Join("JOIN sessions AS s ON s.id = t.session_id").
		Join("JOIN users AS u ON u.id = t.user_id").
		Join("LEFT JOIN memberships AS m ON m.team_id = t.team_id AND m.user_id = t.user_id")
	err := narrow(q).Scan(ctx)
	return rowsOf(rows, listedInTeamRow.domain), db.engine.normalise(err)
}

func (r listedInTeamRow) domain() teamsession.Listed {
	b := r.Behind
	return teamsession.Listed{
		Session: r.teamSessionRow.Session, Summary: r.Summary, Role: r.Role,
		Behind: session.Session{
			ID: b.ID, UserID: b.UserID, Methods: b.Methods, IP: b.IP, UserAgent: b.UserAgent, CreatedAt: b.CreatedAt,
			AuthenticatedAt: b.AuthenticatedAt, LastSeenAt: b.LastSeenAt, IdleExpiresAt: b.IdleExpiresAt,
			ExpiresAt: b.ExpiresAt, EndedAt: b.EndedAt, EndedInBulk: b.EndedInBulk, LongestPause: b.LongestPause,
			Kind: b.Kind, Application: session.Application{ClientID: b.ClientID, ClientName: b.ClientName, SignedInAt: b.SignedInAt},
		},
	}
}

// escapeLike makes a word match itself in LIKE with ESCAPE '!'.
func escapeLike(word string) string {
	return strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(word)
}

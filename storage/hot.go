package storage

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
)

// hotStatements are the few that every request or sign-in makes. They are
// written by hand with parameters, so that PostgreSQL plans them once for each
// connection instead of once for each call.
type hotStatements struct {
	principal     string
	principalByID string
	identityOwner string
	access        string
	unprepared    *atomic.Bool // PostgreSQL: in the simple protocol, as a pooler wants it
}

const userColumns = `u.id, u.display_name, u.avatar_url, u.primary_email, u.status, u.merged_into, u.operator,
	u.onboarded_at, u.metadata, u.created_at, u.updated_at`

func userFields(u *identity.User) []any {
	return []any{
		&u.ID, &u.DisplayName, &u.AvatarURL, &u.PrimaryEmail, &u.Status, &u.MergedInto, &u.Operator,
		&u.OnboardedAt, &u.Metadata, &u.CreatedAt, &u.UpdatedAt,
	}
}

const principalFrom = `SELECT s.token_hash, s.id, s.user_id, s.identity_id, s.team_session_id, s.methods, s.proven_by, s.ip, s.user_agent,
	s.created_at, s.authenticated_at, s.last_seen_at, s.idle_expires_at, s.expires_at, s.restricted, s.longest_pause,
	s.kind, s.client_id, s.grant_id, s.parent_id, s.offline, s.scopes, s.resources, s.signed_in_at,
	i.id, i.provider, i.wallet_address, i.wallet_chain_id, i.wallet_kind,
	t.id, t.team_id, t.created_at, t.break_glass_until, t.ended_at IS NOT NULL, m.role, ` + policyColumns + `, ` + userColumns + `
FROM sessions AS s
JOIN users AS u ON u.id = s.user_id
LEFT JOIN identities AS i ON i.id = s.identity_id`

func newHotStatements(e engine) hotStatements {
	// As openSession, with the user that is joined anyway.
	const lives = ` AND s.ended_at IS NULL AND s.user_epoch = u.session_epoch
	AND s.deployment_epoch = (SELECT sd.session_epoch FROM deployment AS sd)`
	return hotStatements{
		unprepared: new(atomic.Bool),
		principal: principalFrom + `
LEFT JOIN team_sessions AS t ON t.id = s.team_session_id AND (t.ended_at IS NULL OR t.end_reason = '` + session.EndedByPolicy + `')
	AND ` + teamSessionLives + `
LEFT JOIN memberships AS m ON m.team_id = t.team_id AND m.user_id = s.user_id
LEFT JOIN team_policies AS p ON p.team_id = t.team_id
WHERE s.token_hash = ` + e.param(1) + lives,

		principalByID: principalFrom + `
LEFT JOIN team_sessions AS t ON t.id = ` + e.param(2) + ` AND t.session_id = s.id AND ` + openTeamSession + `
LEFT JOIN memberships AS m ON m.team_id = t.team_id AND m.user_id = s.user_id
LEFT JOIN team_policies AS p ON p.team_id = t.team_id
WHERE s.id = ` + e.param(1) + lives,

		access: `SELECT m.role, t.id, t.created_at, t.break_glass_until, ` + policyColumns + `
FROM teams AS tm
JOIN memberships AS m ON m.team_id = tm.id AND m.user_id = ` + e.param(2) + `
LEFT JOIN team_policies AS p ON p.team_id = tm.id
LEFT JOIN team_sessions AS t ON t.team_id = tm.id AND t.session_id = ` + e.param(3) + ` AND ` + openTeamSession + `
WHERE tm.id = ` + e.param(1) + ` AND tm.deleted_at IS NULL`,

		identityOwner: `SELECT i.id, i.user_id, i.provider, i.subject, i.label, i.email, i.email_authoritative,
	i.wallet_address, i.wallet_chain_id, i.wallet_kind, i.terms_version, i.is_primary, i.created_at, i.last_used_at,
	CASE WHEN i.email = '' THEN FALSE ELSE EXISTS (SELECT 1 FROM vouchers AS v WHERE v.provider = i.provider
		AND v.subject = i.subject AND v.user_id = i.user_id AND v.ended_at IS NULL AND v.address <> i.email) END, ` + userColumns + `
FROM identities AS i
JOIN users AS u ON u.id = i.user_id
WHERE i.provider = ` + e.param(1) + ` AND i.subject = ` + e.param(2) + e.forUpdateSQL("u"),
	}
}

// hotRow is a hot statement whose one row is read by Scan.
type hotRow struct {
	db        *DB
	ctx       context.Context //nolint:containedctx // of the call that Scan ends
	statement string
	args      []any
}

func (db *DB) hotRow(ctx context.Context, statement string, args ...any) hotRow {
	return hotRow{db, ctx, statement, args}
}

// Scan runs the statement. A pooler may lead each call to another server process,
// where the statement was not prepared (26000), or by somebody else (42P05).
// Nothing is prepared any more from then on; outside a transaction the call runs
// again at once, and inside InTx does.
func (r hotRow) Scan(dest ...any) error {
	unprepared := r.db.hot.unprepared.Load()
	err := r.scan(unprepared, dest)
	var pg *pgconn.PgError
	if unprepared || !errors.As(err, &pg) || pg.Code != "42P05" && pg.Code != "26000" {
		return err
	}
	r.db.hot.unprepared.Store(true)
	if inTx(r.ctx) != nil {
		return err
	}
	return r.scan(true, dest)
}

func (r hotRow) scan(unprepared bool, dest []any) error {
	args := r.args
	if r.db.engine == postgres {
		mode := pgx.QueryExecModeCacheStatement
		if unprepared {
			mode = pgx.QueryExecModeSimpleProtocol
		}
		args = append([]any{mode}, args...)
	}
	if tx := inTx(r.ctx); tx != nil {
		return tx.flushed(r.ctx).Tx.QueryRowContext(r.ctx, r.statement, args...).Scan(dest...)
	}
	if r.db.pool == nil {
		return r.db.read.DB.QueryRowContext(r.ctx, r.statement, args...).Scan(dest...)
	}
	// pgx itself is asked: database/sql in between costs as much as the statement.
	conn, err := connect(r.ctx, r.db.server, r.db.pool.Acquire)
	if err != nil {
		return err
	}
	defer conn.Release()
	return conn.QueryRow(r.ctx, r.statement, args...).Scan(dest...)
}

// checkTimeout is how long a session check waits for a database that gives
// neither answer nor error, as behind a network that swallows everything.
const checkTimeout = 5 * time.Second

// PrincipalByToken implements session.Store.
func (db *DB) PrincipalByToken(ctx context.Context, tokenHash []byte) (session.Principal, error) {
	return db.principal(ctx, db.hot.principal, tokenHash)
}

// PrincipalBySession implements session.PrincipalStore.
func (db *DB) PrincipalBySession(ctx context.Context, id identity.ID, teamSession *identity.ID) (session.Principal, error) {
	return db.principal(ctx, db.hot.principalByID, id, teamSession)
}

func (db *DB) principal(ctx context.Context, statement string, args ...any) (session.Principal, error) {
	var p session.Principal
	var ts struct {
		id, team   *identity.ID
		created    sql.NullTime
		breakGlass *time.Time
		over       bool
		role       *team.Role
	}
	var by struct {
		id                      *identity.ID
		provider, address, kind *string
		chain                   *int64
	}
	var policy joinedPolicy
	if inTx(ctx) == nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, checkTimeout)
		defer cancel()
	}
	s := &p.Session
	err := db.hotRow(ctx, statement, args...).Scan(slices.Concat([]any{
		&s.TokenHash, &s.ID, &s.UserID, &s.IdentityID, &s.TeamSessionID, &s.Methods, &s.ProvenBy, &s.IP, &s.UserAgent,
		&s.CreatedAt, &s.AuthenticatedAt, &s.LastSeenAt, &s.IdleExpiresAt, &s.ExpiresAt, &s.Restricted, &s.LongestPause,
		&s.Kind, &s.ClientID, &s.GrantID, &s.ParentID, &s.Offline, &s.Scopes, &s.Resources, &s.SignedInAt,
		&by.id, &by.provider, &by.address, &by.chain, &by.kind,
		&ts.id, &ts.team, &ts.created, &ts.breakGlass, &ts.over, &ts.role,
	}, policy.fields(), userFields(&p.User))...)
	if err != nil {
		return session.Principal{}, db.engine.normalise(err)
	}
	if by.id != nil {
		p.MadeBy = &session.MadeBy{ID: *by.id, Provider: *by.provider}
		if by.address != nil {
			p.MadeBy.Wallet = &identity.Wallet{Address: *by.address, ChainID: *by.chain, Kind: *by.kind}
		}
	}
	if ts.id != nil && ts.role != nil {
		p.Team = &session.ActiveTeamSession{
			ID: *ts.id, TeamID: *ts.team, Role: *ts.role, CreatedAt: ts.created.Time,
			Policy: policy.domain(), BreakGlassUntil: ts.breakGlass, EndedByPolicy: ts.over,
		}
	}
	return p, nil
}

// IdentityOwner implements linking.Store.
func (db *DB) IdentityOwner(ctx context.Context, provider, subject string) (identity.Identity, identity.User, error) {
	var i identity.Identity
	var u identity.User
	err := db.hotRow(ctx, db.hot.identityOwner, sanitizeKey(provider), sanitizeKey(subject)).Scan(append([]any{
		&i.ID, &i.UserID, &i.Provider, &i.Subject, &i.Label, &i.Email, &i.EmailAuthoritative,
		&i.WalletAddress, &i.WalletChainID, &i.WalletKind, &i.TermsVersion, &i.IsPrimary, &i.CreatedAt, &i.LastUsedAt,
		&i.VouchesElsewhere,
	}, userFields(&u)...)...)
	return i, u, db.engine.normalise(err)
}

// TeamAccess implements session.Store.
func (db *DB) TeamAccess(ctx context.Context, teamID, user, sessionID identity.ID) (session.ActiveTeamSession, error) {
	e := session.ActiveTeamSession{TeamID: teamID}
	var id *identity.ID
	var created sql.NullTime
	var policy joinedPolicy
	err := db.hotRow(ctx, db.hot.access, teamID, user, sessionID).Scan(append([]any{
		&e.Role, &id, &created, &e.BreakGlassUntil,
	}, policy.fields()...)...)
	if err != nil {
		return session.ActiveTeamSession{}, db.engine.normalise(err)
	}
	if e.Policy = policy.domain(); id != nil {
		e.ID, e.CreatedAt = *id, created.Time
	}
	return e, nil
}

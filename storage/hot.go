package storage

import (
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/linking"
)

// hotStatement is one of the few that every request or sign-in makes. They are
// written by hand with parameters, so that PostgreSQL plans them once for each
// connection instead of once for each call.
type hotStatement struct {
	sql string
	// name is that of the prepared statement: another text has another name, for a
	// pooler may keep those of an earlier release.
	name string
}

func newHotStatement(text string) *hotStatement {
	sum := sha256.Sum256([]byte(text))
	return &hotStatement{sql: text, name: "latchkey_" + hex.EncodeToString(sum[:16])}
}

type hotStatements struct {
	principal, principals, principalByID, principalOfFamily *hotStatement

	access, identityOwner, lockParties, addressOwner, lockFamily *hotStatement

	burn, insertUser, insertIdentity, refreshIdentity, insertSession, insertEvent, insertAuditKey, updateFamily *hotStatement

	unprepared atomic.Bool // PostgreSQL: nothing is prepared, as a pooler wants it
}

// principalRow is what decides about a request of a session.
type principalRow struct {
	session sessionRow
	by      joinedIdentity
	team    joinedTeamSession
	user    identity.User
	former  session.FormerIDs
}

// formerIDs are the ids of everyone who was merged into the user u, in SQL. Of the
// many users without a merge, it reads an index once.
const formerIDs = `CASE WHEN EXISTS (SELECT 1 FROM users AS fu WHERE fu.merged_into = u.id) THEN (
	WITH RECURSIVE former (id) AS (
		SELECT fu.id FROM users AS fu WHERE fu.merged_into = u.id
		UNION ALL
		SELECT fu.id FROM users AS fu JOIN former AS f ON fu.merged_into = f.id
	) SELECT string_agg(CAST(f.id AS text), ' ') FROM former AS f) END`

var principalColumns = slices.Concat(
	of("s", without(sessionColumns, "ended_at", "end_reason", "ip_key", "device"), func(r *principalRow) *sessionRow { return &r.session }),
	of("i", joinedIdentityColumns, func(r *principalRow) *joinedIdentity { return &r.by }),
	of("t", joinedTeamSessionColumns, func(r *principalRow) *joinedTeamSession { return &r.team }),
	[]column[principalRow]{
		{"t.ended_at IS NOT NULL", func(r *principalRow) any { return &r.team.over }},
		{"m.role", func(r *principalRow) any { return &r.team.role }},
	},
	of("p", joinedPolicyColumns, func(r *principalRow) *joinedPolicy { return &r.team.policy }),
	of("u", carriedColumns, func(r *principalRow) *identity.User { return &r.user }),
	[]column[principalRow]{{formerIDs, func(r *principalRow) any { return &r.former }}},
)

func (r *principalRow) domain() session.Principal {
	return session.Principal{Session: r.session.Session, User: r.user, MadeBy: r.by.domain(), Team: r.team.domain(), FormerIDs: r.former}
}

// accessRow is what decides about a member's session in a team.
type accessRow struct {
	role team.Role
	team joinedTeamSession
}

var accessColumns = slices.Concat(
	[]column[accessRow]{{"m.role", func(r *accessRow) any { return &r.role }}},
	of("t", joinedTeamSessionColumns, func(r *accessRow) *joinedTeamSession { return &r.team }),
	of("p", joinedPolicyColumns, func(r *accessRow) *joinedPolicy { return &r.team.policy }),
)

// ownedIdentity is an identity with its user.
type ownedIdentity struct {
	identity identity.Identity
	user     identity.User
}

var ownedIdentityColumns = slices.Concat(
	of("i", identityColumns, func(r *ownedIdentity) *identity.Identity { return &r.identity }),
	[]column[ownedIdentity]{{`CASE WHEN i.email = '' THEN FALSE ELSE EXISTS (SELECT 1 FROM vouchers AS v WHERE v.provider = i.provider
		AND v.subject = i.subject AND v.user_id = i.user_id AND v.ended_at IS NULL AND v.address <> i.email) END`,
		func(r *ownedIdentity) any { return &r.identity.VouchesElsewhere }}},
	of("u", carriedColumns, func(r *ownedIdentity) *identity.User { return &r.user }),
)

var addressOwnerColumns = []column[linking.AddressOwner]{
	{"e.user_id", func(o *linking.AddressOwner) any { return &o.Owner }},
	{disputed, func(o *linking.AddressOwner) any { return &o.Disputed }},
}

// What RefreshIdentity and UpdateRefreshFamily write.
var (
	shownColumns   = only(identityColumns, "email", "email_authoritative", "terms_version", "last_used_at")
	rotatedColumns = only(familyColumns, "role", "generation", "rotated_at", "ended_at", "end_reason", "key_id")
)

func newHotStatements(e engine) *hotStatements {
	// As openSession, with the user that is joined anyway.
	const lives = ` AND s.ended_at IS NULL AND s.user_epoch = u.session_epoch
	AND s.deployment_epoch = (SELECT sd.session_epoch FROM deployment AS sd)`
	// principal finds by a condition on the session, with the team session that
	// meets another.
	principal := func(where, teamSession string) *hotStatement {
		return newHotStatement(`SELECT ` + list(principalColumns) + `
FROM sessions AS s
JOIN users AS u ON u.id = s.user_id
LEFT JOIN identities AS i ON i.id = s.identity_id
LEFT JOIN team_sessions AS t ON ` + teamSession + `
LEFT JOIN memberships AS m ON m.team_id = t.team_id AND m.user_id = s.user_id
LEFT JOIN team_policies AS p ON p.team_id = t.team_id
WHERE ` + where + lives)
	}
	first, second, third := e.param(1), e.param(2), e.param(3)
	// As stamped.
	epochs := [][2]string{
		{"user_epoch", "(SELECT su.session_epoch FROM users AS su WHERE su.id = " + e.param(len(sessionColumns)+1) + ")"},
		{"deployment_epoch", "(SELECT sd.session_epoch FROM deployment AS sd)"},
	}
	const teamSessionOfToken = `t.id = s.team_session_id AND (t.ended_at IS NULL OR t.end_reason = '` +
		session.EndedByPolicy + `') AND ` + teamSessionLives
	principals := principal("s.token_hash = "+first, teamSessionOfToken)
	if e == postgres {
		// LIMIT keeps it a loop, which reads each token by the index.
		principals = newHotStatement("SELECT n.i, named.* FROM unnest(" + first + "::bytea[]) WITH ORDINALITY AS n (hash, i), LATERAL (" +
			principal("s.token_hash = n.hash", teamSessionOfToken).sql + " LIMIT 1) AS named")
	}
	return &hotStatements{
		principal:     principal("s.token_hash = "+first, teamSessionOfToken),
		principals:    principals,
		principalByID: principal("s.id = "+first, "t.id = "+second+" AND t.session_id = s.id AND "+openTeamSession),
		principalOfFamily: principal("s.id = (SELECT f.session_id FROM refresh_families AS f WHERE f.id = "+first+")",
			"t.id = (SELECT f.team_session_id FROM refresh_families AS f WHERE f.id = "+first+") AND t.session_id = s.id AND "+openTeamSession),

		access: newHotStatement(`SELECT ` + list(accessColumns) + `
FROM teams AS tm
JOIN memberships AS m ON m.team_id = tm.id AND m.user_id = ` + second + `
LEFT JOIN team_policies AS p ON p.team_id = tm.id
LEFT JOIN team_sessions AS t ON t.team_id = tm.id AND t.session_id = ` + third + ` AND ` + openTeamSession + `
WHERE tm.id = ` + first + ` AND tm.deleted_at IS NULL`),

		identityOwner: newHotStatement(`SELECT ` + list(ownedIdentityColumns) + `
FROM identities AS i
JOIN users AS u ON u.id = i.user_id
WHERE i.provider = ` + first + ` AND i.subject = ` + second + e.forUpdateSQL("u")),

		// In the order of their ids, so that two people who prove each other's
		// identities do not wait for each other.
		lockParties: newHotStatement(`SELECT ` + list(of("u", carriedColumns, func(u *identity.User) *identity.User { return u })) + `
FROM users AS u
WHERE u.id IN (SELECT i.user_id FROM identities AS i WHERE i.provider = ` + first + ` AND i.subject = ` + second + `
	UNION SELECT e.user_id FROM emails AS e WHERE e.address = ` + third + `
	UNION SELECT su.id FROM users AS su WHERE su.id = ` + e.param(4) + `)
ORDER BY u.id` + e.forUpdateSQL("u")),

		addressOwner: newHotStatement(`SELECT ` + list(addressOwnerColumns) + ` FROM emails AS e WHERE e.address = ` + first),

		lockFamily: newHotStatement(`SELECT ` + list(familyColumns) + ` FROM refresh_families AS f WHERE f.id = ` + first + e.forUpdateSQL("f")),

		burn:            newHotStatement(insertInto(e, "burned_secrets", burnedColumns) + " ON CONFLICT DO NOTHING"),
		insertUser:      newHotStatement(insertInto(e, "users", userColumns)),
		insertIdentity:  newHotStatement(insertInto(e, "identities", identityColumns)),
		refreshIdentity: newHotStatement(update(e, "identities", shownColumns)),
		insertSession:   newHotStatement(insertInto(e, "sessions", sessionColumns, epochs...)),
		insertEvent:     newHotStatement(insertInto(e, "audit_events", eventColumns, [2]string{"form", strconv.Itoa(sealedForm)})),
		insertAuditKey:  newHotStatement(insertInto(e, "audit_keys", auditKeyColumns)),
		updateFamily:    newHotStatement(update(e, "refresh_families", rotatedColumns)),
	}
}

// hotRead is a hot statement that returns rows.
type hotRead struct {
	statement *hotStatement
	args      []any
	next      func() []any // where the next row goes
	rows      int          // how many there were
}

func readInto(s *hotStatement, into []any, args ...any) *hotRead {
	return &hotRead{statement: s, args: args, next: func() []any { return into }}
}

// scan reads what a statement returned.
func (r *hotRead) scan(rows interface {
	Next() bool
	Scan(into ...any) error
	Err() error
}) error {
	for rows.Next() {
		if err := rows.Scan(r.next()...); err != nil {
			return err
		}
		r.rows++
	}
	return rows.Err()
}

// readHot runs reads, in their order, and inside a transaction on PostgreSQL in
// one round trip.
func (db *DB) readHot(ctx context.Context, reads ...*hotRead) error {
	for _, r := range reads {
		var err error
		if r.args, err = db.engine.arguments(r.args); err != nil {
			return err
		}
	}
	tx := inTx(ctx)
	if tx != nil && tx.queue != nil {
		if tx.over {
			return sql.ErrTxDone
		}
		return db.engine.normalise(tx.queue.read(ctx, reads...))
	}
	for _, r := range reads {
		if err := db.readAlone(ctx, tx, r); err != nil {
			return db.engine.normalise(err)
		}
	}
	return nil
}

// readOne is readHot of one row; identity.ErrNotFound if there is none.
func (db *DB) readOne(ctx context.Context, s *hotStatement, into []any, args ...any) error {
	r := readInto(s, into, args...)
	if err := db.readHot(ctx, r); err != nil {
		return err
	}
	if r.rows == 0 {
		return identity.ErrNotFound
	}
	return nil
}

// readAlone runs a read that goes through no queue.
func (db *DB) readAlone(ctx context.Context, tx *transaction, r *hotRead) error {
	switch {
	case tx != nil:
		return db.observe(ctx, r.statement, func() error {
			rows, err := tx.lite.Tx.QueryContext(ctx, r.statement.sql, r.args...)
			return r.scanAll(rows, err)
		})
	case db.pool == nil:
		prepared, err := db.lite.prepare(ctx, db.read.DB, r.statement) //nolint:sqlclosecheck // kept as long as the database is open
		if err != nil {
			return err
		}
		return db.observe(ctx, r.statement, func() error {
			rows, err := prepared.QueryContext(ctx, r.args...)
			return r.scanAll(rows, err)
		})
	}
	for attempt := 0; ; attempt++ {
		unprepared := db.hot.unprepared.Load()
		err := db.observe(ctx, r.statement, func() error { return db.readPooled(ctx, unprepared, r) })
		var pg *pgconn.PgError
		if !unprepared && errors.As(err, &pg) && isUnprepared(pg) {
			db.hot.unprepared.Store(true) // see prepared.failed
			continue
		}
		// A read may be the victim of a deadlock, with a migration or a lock of someone
		// else's: what it waited for is there afterwards.
		if attempt >= 3 || r.rows > 0 || !retryable(db.engine.normalise(err)) {
			return err
		}
	}
}

// liteStatements are those that are prepared on SQLite's connections for reads: each
// by a connection when it first runs it.
type liteStatements struct {
	mu sync.RWMutex
	by map[*hotStatement]*sql.Stmt
}

func (l *liteStatements) prepare(ctx context.Context, db *sql.DB, h *hotStatement) (*sql.Stmt, error) {
	l.mu.RLock()
	known := l.by[h]
	l.mu.RUnlock()
	if known != nil {
		return known, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if known := l.by[h]; known != nil {
		return known, nil
	}
	prepared, err := db.PrepareContext(ctx, h.sql) //nolint:sqlclosecheck // kept as long as the database is open
	if err != nil {
		return nil, err // as before the migrations
	}
	if l.by == nil {
		l.by = map[*hotStatement]*sql.Stmt{}
	}
	l.by[h] = prepared
	return prepared, nil
}

func (r *hotRead) scanAll(rows *sql.Rows, err error) error {
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	return r.scan(rows)
}

// readPooled asks pgx itself: database/sql in between costs as much as the statement.
func (db *DB) readPooled(ctx context.Context, unprepared bool, r *hotRead) error {
	mode := pgx.QueryExecModeCacheStatement
	if unprepared {
		mode = pgx.QueryExecModeExec
	}
	conn, err := connect(ctx, db.server, db.pool.Acquire)
	if err != nil {
		return err
	}
	defer conn.Release()
	rows, err := conn.Query(ctx, r.statement.sql, append([]any{mode}, r.args...)...)
	if err != nil {
		return err
	}
	defer rows.Close()
	return r.scan(rows)
}

// writeHot runs a hot statement of whose outcome nothing depends, as later does.
func (db *DB) writeHot(ctx context.Context, s *hotStatement, args []any) error {
	tx := mustTx(ctx)
	switch {
	case tx.over:
		return sql.ErrTxDone
	case tx.queue != nil:
		tx.queue.add(statement{hot: s, args: args})
		return nil
	}
	return db.engine.normalise(db.observe(ctx, s, func() error {
		_, err := tx.lite.Tx.ExecContext(ctx, s.sql, args...)
		return err
	}))
}

// writeRow is writeHot of the columns of a row.
func writeRow[Row any](ctx context.Context, db *DB, s *hotStatement, columns []column[Row], row *Row, more ...any) error {
	args, err := arguments(db.engine, columns, row, more...)
	if err != nil {
		return err
	}
	return db.writeHot(ctx, s, args)
}

// touchRow is writeRow of a statement that must touch one row. Otherwise the
// transaction fails with an error: at once, or when what comes next is sent.
func touchRow[Row any](ctx context.Context, db *DB, s *hotStatement, columns []column[Row], row *Row, otherwise error) error {
	args, err := arguments(db.engine, columns, row)
	if err != nil {
		return err
	}
	tx := mustTx(ctx)
	switch {
	case tx.over:
		return sql.ErrTxDone
	case tx.queue != nil:
		tx.queue.touch(s, args, otherwise)
		return nil
	}
	var res sql.Result
	err = db.observe(ctx, s, func() (err error) {
		res, err = tx.lite.Tx.ExecContext(ctx, s.sql, args...)
		return err
	})
	if err != nil {
		return db.engine.normalise(err)
	}
	if n, err := res.RowsAffected(); err != nil || n != 1 {
		return cmp.Or(err, otherwise)
	}
	return nil
}

// checkTimeout is how long a session check waits for a database that gives
// neither answer nor error, as behind a network that swallows everything.
const checkTimeout = 5 * time.Second

// inCheckTime is ctx for one session check.
func (db *DB) inCheckTime(ctx context.Context) (context.Context, context.CancelFunc) {
	if db.patient {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, checkTimeout)
}

// PrincipalByToken implements session.Store.
func (db *DB) PrincipalByToken(ctx context.Context, tokenHash []byte) (session.Principal, error) {
	if db.pool != nil && inTx(ctx) == nil && len(tokenHash) == sha256.Size && !db.hot.unprepared.Load() {
		return db.checkToken(ctx, tokenHash)
	}
	return db.readPrincipal(ctx, db.hot.principal, tokenHash)
}

// PrincipalBySession implements session.PrincipalStore.
func (db *DB) PrincipalBySession(ctx context.Context, id identity.ID, teamSession *identity.ID) (session.Principal, error) {
	return db.readPrincipal(ctx, db.hot.principalByID, id, teamSession)
}

func (db *DB) readPrincipal(ctx context.Context, s *hotStatement, args ...any) (session.Principal, error) {
	if inTx(ctx) == nil {
		var cancel context.CancelFunc
		ctx, cancel = db.inCheckTime(ctx)
		defer cancel()
	}
	var row principalRow
	if err := db.readOne(ctx, s, fields(principalColumns, &row), args...); err != nil {
		return session.Principal{}, err
	}
	return row.domain(), nil
}

// IdentityOwner implements linking.Store.
func (db *DB) IdentityOwner(ctx context.Context, provider, subject string) (identity.Identity, identity.User, error) {
	var row ownedIdentity
	err := db.readOne(ctx, db.hot.identityOwner, fields(ownedIdentityColumns, &row), provider, subject)
	return row.identity, row.user, err
}

// LockParties implements linking.Store.
func (db *DB) LockParties(ctx context.Context, p linking.Parties) (linking.PartyRows, error) {
	var out linking.PartyRows
	var row ownedIdentity
	owner := readInto(db.hot.identityOwner, fields(ownedIdentityColumns, &row), p.Provider, p.Subject)
	reads := []*hotRead{owner}
	if p.Address != "" || p.User != nil {
		reads = []*hotRead{{
			statement: db.hot.lockParties, args: []any{p.Provider, p.Subject, p.Address, p.User},
			next: func() []any {
				out.Users = append(out.Users, identity.User{})
				return fields(carriedColumns, &out.Users[len(out.Users)-1])
			},
		}, owner}
	}
	if p.Address != "" {
		reads = append(reads, readInto(db.hot.addressOwner, fields(addressOwnerColumns, &out.Address), p.Address))
	}
	err := db.readHot(ctx, reads...)
	if owner.rows > 0 {
		out.Identity, out.Owner = &row.identity, row.user
	}
	return out, err
}

// TeamAccess implements teamsession.PolicyStore.
func (db *DB) TeamAccess(ctx context.Context, teamID, user, sessionID identity.ID) (session.ActiveTeamSession, error) {
	var row accessRow
	if err := db.readOne(ctx, db.hot.access, fields(accessColumns, &row), teamID, user, sessionID); err != nil {
		return session.ActiveTeamSession{}, err
	}
	out := session.ActiveTeamSession{TeamID: teamID, Role: row.role, Policy: row.team.policy.domain()}
	if row.team.id != nil {
		out.ID, out.CreatedAt, out.BreakGlassUntil = *row.team.id, *row.team.createdAt, row.team.breakGlass
	}
	return out, nil
}

package storage

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
)

// What the server is asked to end by itself, so that a replica which is frozen or
// cut off holds no lock for longer. Values in the URL go before these. They add
// up: waiting for a lock ends first, then a transaction that holds it without doing
// anything, then a statement that works too long.
const (
	lockTimeout      = 5 * time.Second
	idleInTxTimeout  = 10 * time.Second
	statementTimeout = 30 * time.Second
	tcpUserTimeout   = 15 * time.Second

	// defaultMaxConns is how many connections a replica opens at most;
	// pool_max_conns in the URL changes it.
	defaultMaxConns = 20
	// connectPatience is how long a call waits for a connection while the server
	// has none left: one of the replica's own comes back sooner.
	connectPatience = 5 * time.Second
)

// guards are the settings above as run-time parameters.
func guards() map[string]string {
	ms := func(d time.Duration) string { return fmt.Sprint(d.Milliseconds()) }
	return map[string]string{
		"lock_timeout":                        ms(lockTimeout),
		"idle_in_transaction_session_timeout": ms(idleInTxTimeout),
		"statement_timeout":                   ms(statementTimeout),
		"tcp_user_timeout":                    ms(tcpUserTimeout),
	}
}

// server is how a PostgreSQL is reached by a URL.
type server struct {
	url      string
	config   *pgxpool.Config
	prepared bool // hot statements are prepared by name, as the URL lets them
	guards   map[string]string
	// refused is set once guards were refused when connecting; pooled, once the
	// process that answers was seen to be another than the one connected to.
	// Either way transactions then set guards for themselves.
	refused, pooled, looked atomic.Bool
	// password is the newest, see DB.Reload.
	password atomic.Pointer[string]
	reread   func() (string, error)
}

// elsewhere are parameters that other programs put into the URL of a database.
// They mean nothing to the server, which would refuse the connection for them.
var elsewhere = []string{
	// Prisma
	"pgbouncer", "schema", "connection_limit", "pool_timeout", "socket_timeout", "statement_cache_size", "sslaccept", "sslidentity",
	"single_use_connections",
	// libpq
	"keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "gssencmode", "sslcompression", "sslcrl",
	"load_balance_hosts", "fallback_application_name",
	// others
	"uselibpqcompat", "prepareThreshold", "prepare_threshold", "binary_parameters",
}

// parsePostgres reads a URL as pgx does, and what others write into it.
func parsePostgres(databaseURL string) (*server, error) {
	given := databaseURL
	foreign := map[string]string{}
	if u, err := url.Parse(databaseURL); err == nil {
		q := u.Query()
		for _, name := range elsewhere {
			if q.Has(name) {
				foreign[name] = q.Get(name)
				q.Del(name)
			}
		}
		if n := foreign["connection_limit"]; n != "" && !q.Has("pool_max_conns") {
			q.Set("pool_max_conns", n)
		}
		if !q.Has("pool_max_conns") {
			q.Set("pool_max_conns", fmt.Sprint(defaultMaxConns))
		}
		if s := foreign["schema"]; s != "" && s != "public" && !q.Has("search_path") {
			q.Set("search_path", pgx.Identifier{s}.Sanitize())
		}
		u.RawQuery = strings.ReplaceAll(q.Encode(), "+", "%20") // pgx, like libpq, leaves a + as it is
		databaseURL = u.String()
	}
	config, err := pgxpool.ParseConfig(databaseURL)
	if err != nil {
		return nil, fmt.Errorf("database URL: %w", err) // pgx leaves the password out
	}
	c := config.ConnConfig
	s := &server{url: given, config: config, guards: map[string]string{}}
	// Whatever keeps pgx from naming prepared statements keeps us from it.
	s.prepared = c.DefaultQueryExecMode == pgx.QueryExecModeCacheStatement && c.StatementCacheCapacity > 0 &&
		foreign["pgbouncer"] != "true" && foreign["statement_cache_size"] != "0" &&
		foreign["prepareThreshold"] != "0" && foreign["prepare_threshold"] != "0"
	// bun writes arguments into the SQL text. Prepared, every call would be a
	// new statement; in the simple protocol it is one round trip.
	c.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	// bun escapes by doubling quotes, which is right only with these.
	c.RuntimeParams["standard_conforming_strings"] = "on"
	c.RuntimeParams["client_encoding"] = "UTF8"
	c.RuntimeParams["timezone"] = "UTC"
	if _, set := c.RuntimeParams["application_name"]; !set {
		c.RuntimeParams["application_name"] = "latchkey"
	}
	for name, value := range guards() {
		if _, set := c.RuntimeParams[name]; !set {
			s.guards[name] = value
		}
	}
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = 5 * time.Second
	}
	c.DialFunc = dial
	// A server that has become read-only stays so for this connection: the next
	// one may lead elsewhere.
	c.OnPgError = func(_ *pgconn.PgConn, err *pgconn.PgError) bool {
		return err.SeverityUnlocalized != "FATAL" && err.SeverityUnlocalized != "PANIC" && err.Code != "25006"
	}
	config.BeforeConnect = func(_ context.Context, c *pgx.ConnConfig) error {
		s.prepare(c)
		return nil
	}
	config.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		if !s.looked.Load() {
			var pid uint32
			if conn.QueryRow(ctx, "SELECT pg_backend_pid()").Scan(&pid) == nil {
				s.pooled.Store(pid != conn.PgConn().PID())
				s.looked.Store(true)
			}
		}
		// Each hot statement has one right plan, whatever its parameters. What a pooler
		// is asked to set would be set for others.
		if !s.pooled.Load() {
			if _, err := conn.Exec(ctx, "SET plan_cache_mode = force_generic_plan"); err != nil {
				return err
			}
		}
		// Without a location pgx gives times in the zone of this machine.
		conn.TypeMap().RegisterType(&pgtype.Type{
			Name: "timestamptz", OID: pgtype.TimestamptzOID, Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC},
		})
		return nil
	}
	return s, nil
}

// prepare puts what may have changed into the configuration of one connection.
func (s *server) prepare(c *pgx.ConnConfig) {
	if p := s.password.Load(); p != nil {
		c.Password = *p
	}
	if !s.refused.Load() {
		maps.Copy(c.RuntimeParams, s.guards)
	}
}

// setGuards are statements that set, for a transaction, what a pooler keeps from
// the server when connecting; none without one.
func (s *server) setGuards() []string {
	if !s.refused.Load() && !s.pooled.Load() {
		return nil
	}
	var out []string
	for _, name := range slices.Sorted(maps.Keys(s.guards)) {
		if name != "tcp_user_timeout" { // between the server and the pooler
			out = append(out, fmt.Sprintf("SET LOCAL %s = %s", name, s.guards[name]))
		}
	}
	return out
}

// reload takes the password from the URL as it is now. It reports whether that
// is another.
func (s *server) reload() bool {
	if s.reread == nil {
		return false
	}
	now, err := s.reread()
	if err != nil {
		return false
	}
	c, err := pgconn.ParseConfig(now)
	if err != nil {
		return false
	}
	old := s.config.ConnConfig.Password
	if p := s.password.Load(); p != nil {
		old = *p
	}
	s.password.Store(&c.Password)
	return c.Password != old
}

// connect calls once until it returns a connection, or an error that waiting does
// not solve.
func connect[C any](ctx context.Context, s *server, once func(context.Context) (C, error)) (C, error) {
	reloaded, refusals := false, 0
	for started, attempt := time.Now(), 0; ; attempt++ {
		conn, err := once(ctx)
		switch {
		case err == nil:
			return conn, nil
		case isRefusedParameter(err) && refusals < 2: // the first of several at once, and another that was on its way
			s.refused.Store(true)
			refusals++
			continue
		case isWrongPassword(err) && !reloaded && s.reload():
			reloaded = true
			continue
		case !isFull(err) || time.Since(started) > connectPatience:
			return conn, err
		}
		select {
		case <-ctx.Done():
			return conn, err
		case <-time.After(time.Duration(10+rand.Int64N(40)) * time.Millisecond): //nolint:gosec // jitter needs no secrecy
		}
	}
}

// connecting is the error of a server that refused a connection.
func connecting(err error) *pgconn.PgError {
	var failed *pgconn.ConnectError
	var pg *pgconn.PgError
	if errors.As(err, &failed) && errors.As(err, &pg) {
		return pg
	}
	return nil
}

// isRefusedParameter reports whether a pooler knows a parameter of ours not, or a
// server that is none of the versions we know.
func isRefusedParameter(err error) bool {
	pg := connecting(err)
	return pg != nil && (pg.Code == "08P01" && strings.Contains(pg.Message, "unsupported startup parameter") || pg.Code == "42704")
}

func isWrongPassword(err error) bool {
	pg := connecting(err)
	return pg != nil && (pg.Code == "28P01" || pg.Code == "28000")
}

// isFull reports whether the server has no connection left, or the pooler.
func isFull(err error) bool {
	pg := connecting(err)
	return pg != nil && (pg.Code == "53300" || strings.Contains(pg.Message, "no more connections allowed"))
}

// connector is that of a pool, with the patience of connect.
type connector struct {
	driver.Connector
	server *server
}

// Connect implements driver.Connector.
func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	return connect(ctx, c.server, c.Connector.Connect)
}

// pool opens connections as they are needed.
func (s *server) pool(ctx context.Context) (*pgxpool.Pool, driver.Connector, error) {
	pool, err := pgxpool.NewWithConfig(ctx, s.config)
	if err != nil {
		return nil, nil, fmt.Errorf("database: %w", err)
	}
	return pool, connector{stdlib.GetPoolConnector(pool), s}, nil
}

// alone opens one connection outside of any pool.
func (s *server) alone(ctx context.Context, change func(*pgx.ConnConfig)) (*pgx.Conn, error) {
	return connect(ctx, s, func(ctx context.Context) (*pgx.Conn, error) {
		config := s.config.ConnConfig.Copy()
		s.prepare(config)
		change(config)
		return pgx.ConnectConfig(ctx, config)
	})
}

// migrationLockTimeouts are how long a migration of one transaction waits for a table:
// the first to begin with, then the longer ones, each for a quarter of migrationPatience.
// On a busy server, where transactions take longer than the first, it would never get
// its tables otherwise.
//
// The first two are well below the server's deadlock_timeout, which is a second: the
// migration gives up before a request that waits for another of its tables becomes the
// victim of a deadlock. With the others such a request is rolled back and retried. All
// are below the lockTimeout of requests, so that requests wait and do not fail.
var migrationLockTimeouts = []time.Duration{300 * time.Millisecond, 600 * time.Millisecond, 1500 * time.Millisecond, 3 * time.Second}

// forMigrations is the server with connections of their own for migrations, which
// take as long as they take. They wait for locks for a time of their own: behind one
// that waits for a table, everybody does.
func (s *server) forMigrations(lockTimeout time.Duration) *server {
	m, err := parsePostgres(s.url)
	if err != nil {
		panic(err) // it was parsed before
	}
	delete(m.guards, "statement_timeout")
	m.guards["lock_timeout"] = strconv.FormatInt(lockTimeout.Milliseconds(), 10)
	m.config.MaxConns, m.config.MinConns, m.config.MinIdleConns = 3, 0, 0
	m.reread = s.reread
	m.password.Store(s.password.Load())
	m.refused.Store(s.refused.Load())
	return m
}

// Route is what lies between this process and its PostgreSQL.
type Route struct {
	Version string // of the server, such as 15.4
	// Pooled is a pooler between; DirectIsPooled, one on the direct way, if there
	// is a URL for that.
	Pooled, HasDirect, DirectIsPooled bool
	// Prepared are hot statements, by name.
	Prepared bool
}

// Route looks at what lies between this process and its PostgreSQL: whether what
// answers is what was connected to.
func (db *DB) Route(ctx context.Context) (Route, error) {
	if db.engine == sqlite {
		return Route{}, nil
	}
	pooled := func(s *server, version *string) (bool, error) {
		conn, err := s.alone(ctx, func(*pgx.ConnConfig) {})
		if err != nil {
			return false, db.engine.normalise(err)
		}
		defer func() { _ = conn.Close(ctx) }()
		var pid uint32
		err = conn.QueryRow(ctx, "SELECT pg_backend_pid(), current_setting('server_version')").Scan(&pid, version)
		return pid != conn.PgConn().PID(), db.engine.normalise(err)
	}
	r := Route{HasDirect: db.direct != db.server, Prepared: !db.hot.unprepared.Load()}
	var err error
	if r.Pooled, err = pooled(db.server, &r.Version); err != nil {
		return Route{}, err
	}
	r.DirectIsPooled = r.Pooled
	if r.HasDirect {
		if r.DirectIsPooled, err = pooled(db.direct, &r.Version); err != nil {
			return Route{}, err
		}
	}
	return r, nil
}

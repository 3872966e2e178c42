//go:build unix

package crashtest_test

import (
	"context"
	"database/sql/driver"
	"strings"
	"sync"

	"github.com/latchkey/latchkey/internal/testkit/pgwire"
	"github.com/latchkey/latchkey/storage"
)

// tap sees every statement while it watches: for SQLite between database/sql and
// the driver, for PostgreSQL on the wire, where it is between the statements of one
// round trip, too. The service has no work of its own to do in a replica here.
type tap struct {
	// point is called before every statement, while it commits, and when it has.
	// From "while" it may not return before the commit does.
	point func(what string)

	mu         sync.Mutex
	watching   bool
	statements []string
}

// open opens the storage behind the tap.
func (t *tap) open(ctx context.Context, databaseURL string) (*storage.DB, error) {
	if strings.HasPrefix(databaseURL, "sqlite:") {
		return storage.Open(ctx, databaseURL, storage.WithConnectorWrapper(func(c driver.Connector) driver.Connector {
			return tappedConnector{c, t}
		}))
	}
	_, through, err := pgwire.Listen(databaseURL, pgwire.Watcher{
		Statement: func(s string) {
			if !pgwire.OfDriver(s) {
				t.saw(s)
			}
		},
		Passed: func(s string) {
			if s == "COMMIT" {
				t.at(whileCommit)
			}
		},
		Done: func(tag string) {
			if tag == "COMMIT" {
				t.at(afterCommit)
			}
		},
	})
	if err != nil {
		return nil, err
	}
	return storage.Open(ctx, through)
}

func (t *tap) watch(on bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.watching = on
}

// saw notes what is about to be asked.
func (t *tap) saw(query string) {
	t.mu.Lock()
	if t.watching {
		t.statements = append(t.statements, query)
	}
	t.mu.Unlock()
	t.at("before " + query)
}

func (t *tap) at(what string) {
	t.mu.Lock()
	watching := t.watching
	t.mu.Unlock()
	if watching {
		t.point(what)
	}
}

type tappedConnector struct {
	driver.Connector
	tap *tap
}

func (c tappedConnector) Connect(ctx context.Context) (driver.Conn, error) {
	inner, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return tappedConn{inner.(conn), c.tap}, nil
}

// conn is what SQLite's connections can do and database/sql asks for.
type conn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
}

type tappedConn struct {
	conn
	tap *tap
}

func (c tappedConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	c.tap.saw(query)
	return c.conn.ExecContext(ctx, query, args)
}

func (c tappedConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	c.tap.saw(query)
	return c.conn.QueryContext(ctx, query, args)
}

func (c tappedConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	inner, err := c.conn.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	return tappedStmt{inner.(stmt), query, c.tap}, nil
}

// stmt is what SQLite's statements can do and database/sql asks for.
type stmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

type tappedStmt struct {
	stmt
	query string
	tap   *tap
}

func (s tappedStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	s.tap.saw(s.query)
	return s.stmt.ExecContext(ctx, args)
}

func (s tappedStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	s.tap.saw(s.query)
	return s.stmt.QueryContext(ctx, args)
}

func (c tappedConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	c.tap.saw("BEGIN")
	inner, err := c.conn.BeginTx(ctx, opts)
	return tappedTx{inner, c.tap}, err
}

func (c tappedConn) ResetSession(ctx context.Context) error {
	if resetter, ok := c.conn.(driver.SessionResetter); ok {
		return resetter.ResetSession(ctx)
	}
	return nil
}

func (c tappedConn) IsValid() bool {
	validator, ok := c.conn.(driver.Validator)
	return !ok || validator.IsValid()
}

const (
	beforeCommit = "before COMMIT"
	whileCommit  = "while COMMIT"
	afterCommit  = "after COMMIT"
)

type tappedTx struct {
	driver.Tx
	tap *tap
}

func (x tappedTx) Commit() error {
	x.tap.saw("COMMIT")
	done := make(chan error, 1)
	go func() { done <- x.Tx.Commit() }()
	x.tap.at(whileCommit)
	err := <-done
	if err == nil {
		x.tap.at(afterCommit)
	}
	return err
}

func (x tappedTx) Rollback() error {
	x.tap.saw("ROLLBACK")
	return x.Tx.Rollback()
}

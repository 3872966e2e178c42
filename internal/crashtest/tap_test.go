//go:build unix

package crashtest_test

import (
	"context"
	"database/sql/driver"
	"strings"
	"sync"
)

// tapped marks the context of the request that is watched: a service has work of
// its own to do, too.
type tapped struct{}

// tap sits between database/sql and the driver, where nothing that the storage
// does is hidden: neither its batches nor the statements it writes by hand.
type tap struct {
	// point is called before every call of the driver, while it commits, and
	// when it has. From "while" it may not return before the commit does.
	point func(what string)

	mu         sync.Mutex
	statements []string
}

func (t *tap) wrap(c driver.Connector) driver.Connector { return tappedConnector{c, t} }

// saw notes what is about to be asked. A batch is several statements.
func (t *tap) saw(ctx context.Context, query string) {
	if ctx.Value(tapped{}) == nil {
		return
	}
	t.mu.Lock()
	t.statements = append(t.statements, strings.Split(strings.TrimSuffix(query, ";\n"), ";\n")...)
	t.mu.Unlock()
	t.point("before " + query)
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

// conn is what both drivers' connections can do and database/sql asks for.
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
	c.tap.saw(ctx, query)
	return c.conn.ExecContext(ctx, query, args)
}

func (c tappedConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	c.tap.saw(ctx, query)
	return c.conn.QueryContext(ctx, query, args)
}

// PrepareContext is for what is asked several times; nothing here is.
func (tappedConn) PrepareContext(_ context.Context, query string) (driver.Stmt, error) {
	panic("crashtest: the tap does not see what becomes of " + query)
}

func (c tappedConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	c.tap.saw(ctx, "BEGIN")
	inner, err := c.conn.BeginTx(ctx, opts)
	if ctx.Value(tapped{}) == nil {
		return inner, err
	}
	return tappedTx{inner, ctx, c.tap}, err
}

// CheckNamedValue lets pgx have its options among the arguments.
func (c tappedConn) CheckNamedValue(v *driver.NamedValue) error {
	if checker, ok := c.conn.(driver.NamedValueChecker); ok {
		return checker.CheckNamedValue(v)
	}
	return driver.ErrSkip
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
	ctx context.Context //nolint:containedctx // of the request that began it: the end of a transaction has none
	tap *tap
}

func (x tappedTx) Commit() error {
	x.tap.saw(x.ctx, "COMMIT")
	done := make(chan error, 1)
	go func() { done <- x.Tx.Commit() }()
	x.tap.point(whileCommit)
	err := <-done
	if err == nil {
		x.tap.point(afterCommit)
	}
	return err
}

func (x tappedTx) Rollback() error {
	x.tap.saw(x.ctx, "ROLLBACK")
	return x.Tx.Rollback()
}

package storage_test

import (
	"context"
	"database/sql/driver"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/latchkey/latchkey/internal/testkit/storagetest"
	"github.com/latchkey/latchkey/storage"
)

// preparing counts what SQLite's connections parse.
type preparing struct {
	driver.Connector
	prepared, asked atomic.Int64
}

func (p *preparing) Connect(ctx context.Context) (driver.Conn, error) {
	inner, err := p.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return preparingConn{inner.(sqliteConn), p}, nil
}

type sqliteConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
}

type preparingConn struct {
	sqliteConn
	p *preparing
}

func (c preparingConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	if strings.Contains(query, "token_hash") {
		c.p.prepared.Add(1)
	}
	return c.sqliteConn.PrepareContext(ctx, query)
}

func (c preparingConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if strings.Contains(query, "token_hash") {
		c.p.asked.Add(1)
	}
	return c.sqliteConn.QueryContext(ctx, query, args)
}

// SQLite parses the statement of a session check once for each connection.
func TestSQLitePreparesASessionCheck(t *testing.T) {
	t.Parallel()
	d := storagetest.Open(t, storagetest.SQLite)
	s := d.Session(t, d.User(t).ID)
	var p *preparing
	db, err := storage.Open(t.Context(), d.URL, storage.WithConnectorWrapper(func(c driver.Connector) driver.Connector {
		p = &preparing{Connector: c} // the last is that of reads
		return p
	}))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	for range 50 {
		if _, err := db.PrincipalByToken(t.Context(), s.TokenHash); err != nil {
			t.Fatal(err)
		}
	}
	if p.prepared.Load() != 1 || p.asked.Load() != 0 {
		t.Errorf("50 checks in turn parsed the statement %d and %d times", p.prepared.Load(), p.asked.Load())
	}
}

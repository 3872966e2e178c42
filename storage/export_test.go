package storage

import (
	"context"
	"reflect"
	"time"

	"github.com/uptrace/bun"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/audit"
)

// Spy has every statement that bun runs outside a transaction given to heard, too.
func Spy(db *DB, heard func(query string)) { db.read = db.read.WithQueryHook(spy(heard)) }

type spy func(query string)

func (s spy) BeforeQuery(ctx context.Context, e *bun.QueryEvent) context.Context {
	s(e.Query)
	return ctx
}

func (spy) AfterQuery(context.Context, *bun.QueryEvent) {}

// Setting is a run-time parameter where the context's statements run.
func (db *DB) Setting(ctx context.Context, name string) (value string, err error) {
	err = db.reader(ctx).NewRaw("SELECT current_setting(?)", name).Scan(ctx, &value)
	return value, err
}

// Opened is how many connections the pool has opened.
func (db *DB) Opened() int64 { return db.pool.Stat().NewConnsCount() }

// WithTxTimeout is InTx that is broken off earlier.
func WithTxTimeout(db *DB, d time.Duration, fn func(ctx context.Context) error) error {
	return db.inTx(context.Background(), d, fn)
}

// Walk is a part of a chain, the seq up to which it goes, and whether more follows.
func Walk(ctx context.Context, db *DB, chain identity.ID, seq int64, limit int, f audit.Filter) (rows []audit.Record, upTo int64, more bool, err error) {
	w, err := db.walk(ctx, chain, seq, limit, f)
	if err != nil {
		return nil, 0, false, err
	}
	rows, err = readable(w.found)
	return rows, w.upTo, w.more, err
}

// HotStatements are the SQL of all hot statements, by name.
func (db *DB) HotStatements() map[string]string {
	out := map[string]string{}
	v := reflect.ValueOf(db.hot).Elem()
	for i := range v.NumField() {
		if h, ok := reflect.TypeAssert[*hotStatement](reflect.NewAt(v.Field(i).Type(), v.Field(i).Addr().UnsafePointer()).Elem()); ok {
			out[v.Type().Field(i).Name] = h.sql
		}
	}
	return out
}

// Checks returns how many session checks wait for a read to begin, and how many
// workers read.
func (db *DB) Checks() (waiting, working int) {
	db.checks.mu.Lock()
	defer db.checks.mu.Unlock()
	return len(db.checks.waiting), db.checks.working
}

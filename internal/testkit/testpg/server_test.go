//go:build unix

package testpg

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// What was acknowledged survives a crash, and the loss of the server.
func TestPair(t *testing.T) {
	t.Parallel()
	primary, standby := NewPair(t)
	databaseURL := URLOf(standby, primary)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	insert := func(statements ...string) (rows int) {
		t.Helper()
		conn, err := pgx.Connect(ctx, databaseURL)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close(ctx) }()
		for _, s := range append(statements, "INSERT INTO kept VALUES (1)") {
			if _, err := conn.Exec(ctx, s); err != nil {
				t.Fatal(err)
			}
		}
		if err := conn.QueryRow(ctx, "SELECT count(*) FROM kept").Scan(&rows); err != nil {
			t.Fatal(err)
		}
		return rows
	}
	insert("CREATE TABLE kept (id int)")
	primary.Stop("QUIT")
	primary.Start()
	if n := insert(); n != 2 {
		t.Errorf("after a crash: %d rows", n)
	}
	primary.Stop("QUIT")
	if conn, err := pgx.Connect(ctx, databaseURL); err == nil {
		_ = conn.Close(ctx)
		t.Error("a standby was taken for the primary")
	}
	standby.Promote()
	if n := insert(); n != 3 {
		t.Errorf("after the failover: %d rows", n)
	}
}

package testpg

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Template is a database that tests get copies of. It is made once in this
// process; but on a server that is not ours, where nothing may stay behind, each
// test has its own made.
//
// To make and to drop a copy costs more than most tests. So a copy goes to another test
// when it has the rows of the template again, unless its schema was changed, or so much
// was written that queries might be planned in another way.
type Template struct {
	// Fill fills an empty database.
	Fill func(ctx context.Context, databaseURL string) error
	// Key says what it is filled with, if that is always the same: then it is made once
	// for all processes, and kept.
	Key string
	// URL is a database that is there already, without connections, instead of Fill.
	URL string

	once    sync.Once
	url     string
	schema  string // as schemaOf has it
	restore string // SQL that brings the rows back
	err     error

	mu   sync.Mutex
	free []string // the URLs of copies that no test has
}

// Copy returns a copy, which is the test's alone until it ends. What is still connected
// then is thrown out.
func (t *Template) Copy(tb testing.TB) string {
	tb.Helper()
	skipUnlessNamed(tb)
	if os.Getenv(Variable) != "" {
		if t.URL != "" {
			return fresh(tb, " TEMPLATE "+nameOf(t.URL))
		}
		databaseURL := URL(tb)
		if err := t.Fill(tb.Context(), databaseURL); err != nil {
			tb.Fatalf("testpg: %v", err)
		}
		return databaseURL
	}
	t.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), startTimeout+callTimeout)
		defer cancel()
		t.err = t.make(ctx)
	})
	if t.err != nil {
		none(tb, t.err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	databaseURL, err := t.copy(ctx)
	if err != nil {
		none(tb, err)
	}
	tb.Cleanup(func() {
		if err := t.giveBack(databaseURL); err != nil {
			tb.Errorf("testpg: %v", err)
		}
	})
	return databaseURL
}

func (t *Template) make(ctx context.Context) (err error) {
	keyed := t
	if t.Key == "" {
		keyed = nil
	}
	admin, err := serverWith(keyed)
	if err != nil {
		return err
	}
	switch {
	case t.URL != "":
		t.url = t.URL
	case t.Key != "" && one.template == t.Key:
		if t.url, err = inDatabase(admin, templateName); err != nil {
			return err
		}
	default:
		if t.url, _, err = create(ctx, ""); err != nil {
			return err
		}
		if err := t.Fill(ctx, t.url); err != nil {
			return err
		}
	}
	conn, err := pgx.Connect(ctx, t.url)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	if t.schema, err = schemaOf(ctx, conn); err != nil {
		return err
	}
	t.restore, err = restoreSQL(ctx, conn)
	return err
}

func (t *Template) copy(ctx context.Context) (string, error) {
	t.mu.Lock()
	if n := len(t.free); n > 0 {
		defer t.mu.Unlock()
		databaseURL := t.free[n-1]
		t.free = t.free[:n-1]
		return databaseURL, nil
	}
	t.mu.Unlock()
	databaseURL, _, err := create(ctx, " TEMPLATE "+nameOf(t.url))
	return databaseURL, err
}

func (t *Template) giveBack(databaseURL string) error {
	// The test's own context may be over by now.
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	if same, err := t.restored(ctx, databaseURL); err == nil && same {
		t.mu.Lock()
		t.free = append(t.free, databaseURL)
		t.mu.Unlock()
		return nil
	}
	return dropDatabase(ctx, databaseURL)
}

// restored reports whether a database is as the template again.
func (t *Template) restored(ctx context.Context, databaseURL string) (bool, error) {
	conn, err := pgx.Connect(ctx, databaseURL)
	if err != nil {
		return false, err
	}
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
	if err != nil {
		return false, err
	}
	schema, err := schemaOf(ctx, conn)
	if err != nil || schema != t.schema {
		return false, err
	}
	_, err = conn.PgConn().Exec(ctx, t.restore).ReadAll()
	return err == nil, err
}

// schemaOf returns a text that changes when anything but rows does: of each catalogue
// how many rows it has, and which transaction was the last to write one; and whether a
// table has grown beyond what tests usually write.
func schemaOf(ctx context.Context, conn *pgx.Conn) (string, error) {
	var query strings.Builder
	query.WriteString("SELECT concat_ws(' ', ")
	for _, catalogue := range []string{
		"pg_attrdef", "pg_attribute", "pg_class", "pg_constraint", "pg_default_acl", "pg_extension", "pg_index", "pg_namespace",
		"pg_policy", "pg_proc", "pg_publication", "pg_rewrite", "pg_statistic", "pg_statistic_ext", "pg_trigger", "pg_type",
	} {
		fmt.Fprintf(&query, "(SELECT concat(count(*), '/', max(xmin::text::bigint)) FROM %s), ", catalogue)
	}
	query.WriteString(`
		(SELECT count(*) FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase WHERE d.datname = current_database()),
		(SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database()),
		(SELECT count(*) FROM pg_class WHERE relkind = 'r' AND oid >= 16384 AND pg_relation_size(oid) > 512 * 1024))`)
	var out string
	err := conn.QueryRow(ctx, query.String()).Scan(&out)
	return out, err
}

// restoreSQL returns statements that give a copy of the database the rows that it has
// now, past all triggers.
func restoreSQL(ctx context.Context, conn *pgx.Conn) (string, error) {
	var out strings.Builder
	out.WriteString(`SET session_replication_role = replica;
DO $$ DECLARE name regclass; BEGIN
	FOR name IN SELECT oid FROM pg_class WHERE relkind = 'r' AND oid >= 16384 AND pg_relation_size(oid) > 0 LOOP
		EXECUTE format('DELETE FROM %s', name);
	END LOOP;
END $$;
`)
	rows, err := conn.Query(ctx, `
		SELECT c.oid::regclass::text, (SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum)
			FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = '')
		FROM pg_class c WHERE relkind = 'r' AND oid >= 16384 AND pg_relation_size(oid) > 0`)
	if err != nil {
		return "", err
	}
	type table struct{ Name, Columns string }
	tables, err := pgx.CollectRows(rows, pgx.RowToStructByPos[table])
	if err != nil {
		return "", err
	}
	for _, t := range tables {
		var insert string
		err := conn.QueryRow(ctx, fmt.Sprintf(`SELECT coalesce(format(
			'INSERT INTO %[1]s (%[2]s) OVERRIDING SYSTEM VALUE SELECT %[2]s FROM jsonb_populate_recordset(NULL::%[1]s, %%L);', jsonb_agg(t)), '') FROM %[1]s t`,
			t.Name, t.Columns)).Scan(&insert)
		if err != nil {
			return "", err
		}
		out.WriteString(insert + "\n")
	}
	rows, err = conn.Query(ctx, `SELECT format('SELECT setval(%L, %s, %L);', quote_ident(schemaname) || '.' || quote_ident(sequencename),
		coalesce(last_value, start_value), last_value IS NOT NULL) FROM pg_sequences`)
	if err != nil {
		return "", err
	}
	sequences, err := pgx.CollectRows(rows, pgx.RowTo[string])
	out.WriteString(strings.Join(sequences, "\n"))
	return out.String(), err
}

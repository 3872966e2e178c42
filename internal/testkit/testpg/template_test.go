package testpg

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
)

const filledSQL = `CREATE TABLE filled (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text UNIQUE, data bytea, twice int GENERATED ALWAYS AS (length(name) * 2) STORED);
	CREATE TABLE other (id int REFERENCES filled);
	CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'kept for ever'; END $$;
	CREATE TRIGGER kept BEFORE DELETE ON filled FOR EACH ROW EXECUTE FUNCTION refuse();
	INSERT INTO filled (name, data) VALUES ('it''s', '\x00ff')`

func TestCopyOfATemplateIsAsTheTemplate(t *testing.T) {
	URL(t) // skips here where there is no server
	t.Setenv(Variable, "")
	for name, test := range map[string]struct {
		write  string
		reused bool
	}{
		"nothing":         {"SELECT 1", true},
		"rows":            {"INSERT INTO filled (name) VALUES ('new'); INSERT INTO other VALUES (2); UPDATE filled SET name = 'x' WHERE id = 1", true},
		"too many rows":   {"INSERT INTO other SELECT 1 FROM generate_series(1, 30000)", false},
		"a column":        {"ALTER TABLE other ADD more int", false},
		"less":            {"DROP TABLE other", false},
		"no trigger":      {"ALTER TABLE filled DISABLE TRIGGER kept", false},
		"a table of ours": {"CREATE TABLE more (id int)", false},
		"statistics":      {"ANALYZE filled", false},
		"a setting":       {"DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET work_mem = 100', current_database()); END $$", false},
	} {
		t.Run(name, func(t *testing.T) {
			template := Template{Fill: func(ctx context.Context, databaseURL string) error { return execute(ctx, databaseURL, filledSQL) }}
			var first string
			t.Run("writes", func(t *testing.T) {
				first = template.Copy(t)
				conn, err := pgx.Connect(t.Context(), first) // left open
				if err != nil {
					t.Fatal(err)
				}
				if _, err := conn.Exec(t.Context(), test.write); err != nil {
					t.Fatal(err)
				}
			})
			second := template.Copy(t)
			if reused := first == second; reused != test.reused {
				t.Errorf("reused: %t", reused)
			}
			conn, err := pgx.Connect(t.Context(), second)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close(context.Background()) }()
			if _, err := conn.Exec(t.Context(), "INSERT INTO filled (name) VALUES ('next')"); err != nil {
				t.Fatal(err)
			}
			var got string
			err = conn.QueryRow(t.Context(), "SELECT string_agg(concat_ws(' ', id, name, data, twice), ', ' ORDER BY id) || (SELECT count(*) FROM other) FROM filled").Scan(&got)
			if want := `1 it's \x00ff 8, 2 next 80`; err != nil || got != want {
				t.Errorf("%s, %v; want %s", got, err, want)
			}
			if _, err := conn.Exec(t.Context(), "DELETE FROM filled"); err == nil {
				t.Error("the trigger is gone")
			}
		})
	}
}

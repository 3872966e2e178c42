package main

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

const (
	importMemory     = 150 << 20
	importedPostgres = 100_000 // users a minute
	importedSQLite   = 30_000
)

// measureImport imports users with an account and a verified address each, from a
// database and from a file.
func measureImport(ctx context.Context, m *machine, t *table) error {
	postgres, err := m.database(ctx)
	if err != nil {
		return err
	}
	var small int64
	for _, users := range []int{m.importUsers / 10, m.importUsers} {
		source, err := betterAuthSource(ctx, filepath.Join(m.dir, fmt.Sprintf("source-%d.db", users)), users)
		if err != nil {
			return err
		}
		file, err := csvSource(filepath.Join(m.dir, fmt.Sprintf("source-%d.csv", users)), users)
		if err != nil {
			return err
		}
		for _, into := range []struct {
			name, url, from, source string
			aim                     float64
		}{
			{"PostgreSQL from a database", postgres, "better-auth", "sqlite://" + source, importedPostgres},
			{"SQLite from a CSV file", "sqlite://" + filepath.Join(m.dir, "imported.db"), "csv", file, importedSQLite},
		} {
			took, peak, err := m.runImport(ctx, into.url, into.from, into.source, fmt.Sprint(users))
			if err != nil {
				return err
			}
			if users == m.importUsers {
				perMinute := float64(users) / took.Minutes()
				t.atLeast(1, perMinute/into.aim, fmt.Sprintf("users a minute into %s / %.0f", into.name, into.aim), "%d in %s", users, took.Round(time.Millisecond))
				t.atMost(1, ratio(peak, importMemory), fmt.Sprintf("highest resident memory, %d users into %s / 150 MB", users, into.name), "%s", mib(peak))
			}
			if into.from == "csv" && users != m.importUsers {
				small = peak
			} else if into.from == "csv" {
				t.atMost(1.2, ratio(peak, small), "highest resident memory / that of a tenth of the users", "%s after %s", mib(peak), mib(small))
			}
		}
	}
	return nil
}

// runImport returns how long an import took, and its highest resident memory.
func (m *machine) runImport(ctx context.Context, url, from, source, name string) (time.Duration, int64, error) {
	cmd := exec.CommandContext(ctx, m.binaries[0], "import", "--from", from, "--source", source, "--name", from+name) //nolint:gosec // our own binary
	cmd.Env = serviceEnv("127.0.0.1:1", url)
	begun := time.Now()
	out, err := cmd.CombinedOutput()
	took := time.Since(begun)
	if err != nil { // also where people were left out
		return 0, 0, fmt.Errorf("%w\n%s", err, out)
	}
	peak, err := peakOf(cmd.ProcessState)
	return took, peak, err
}

func betterAuthSource(ctx context.Context, path string, users int) (string, error) {
	db, err := sql.Open("sqlite", path)
	if err != nil {
		return "", err
	}
	defer func() { _ = db.Close() }()
	_, err = db.ExecContext(ctx, fmt.Sprintf(`CREATE TABLE "user" (id text PRIMARY KEY, name text, email text, emailVerified integer, image text, createdAt date);
		CREATE TABLE account (id text PRIMARY KEY, accountId text, providerId text, userId text);
		CREATE INDEX account_user ON account (userId);
		WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %[1]d)
		INSERT INTO "user" SELECT printf('u%%08d-%[1]d', i), 'User ' || i, 'user' || i || '@db%[1]d.example', 1, 'https://pics.example/' || i, '2021-01-01' FROM n;
		WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %[1]d)
		INSERT INTO account SELECT 'a' || i, printf('%[1]d%%014d', i), 'google', printf('u%%08d-%[1]d', i) FROM n`, users))
	return path, err
}

func csvSource(path string, users int) (string, error) {
	f, err := os.Create(path) //nolint:gosec // in the directory of this run
	if err != nil {
		return "", err
	}
	w := bufio.NewWriter(f)
	_, _ = fmt.Fprintln(w, "id,email,email_verified,name,image,created_at,provider,subject")
	for i := range users {
		_, _ = fmt.Fprintf(w, "f%d-%d,user%d@csv%d.example,true,User %d,https://pics.example/%d,2021-01-01,github,%d%09d\n", users, i, i, users, i, i, users, i)
	}
	return path, errors.Join(w.Flush(), f.Close())
}

package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

// libpq are the parameters of a URL that PostgreSQL's own programs know, of those that
// name a server. Others are ours, or of drivers.
var libpq = []string{
	"host", "hostaddr", "port", "user", "dbname", "passfile", "connect_timeout", "sslmode", "sslcert", "sslkey", "sslpassword", "sslrootcert",
	"sslcrl", "sslnegotiation", "channel_binding", "gssencmode", "krbsrvname", "target_session_attrs", "load_balance_hosts",
}

// Program finds a program of PostgreSQL: on PATH, or where Debian and others install
// versions beside each other, the newest. A newer one works with older servers.
func Program(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	var installed []string
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin/", "/usr/pgsql-*/bin/"} {
		found, err := filepath.Glob(pattern + name)
		if err != nil {
			return "", err
		}
		installed = append(installed, found...)
	}
	if len(installed) == 0 {
		return "", fmt.Errorf("%s is not installed here: install the client programs of PostgreSQL (on Debian postgresql-client), at least as new as the server", name)
	}
	return slices.MaxFunc(installed, func(a, b string) int { return version(a) - version(b) }), nil
}

var digits = regexp.MustCompile(`\d+`)

// version is the number in a path: as text, 9 would be newer than 17.
func version(path string) int {
	n, _ := strconv.Atoi(digits.FindString(path))
	return n
}

// run runs a program for a server. The password goes by the environment, which others
// on the machine do not see.
func run(ctx context.Context, name, databaseURL string, args ...string) error {
	path, err := Program(name)
	if err != nil {
		return err
	}
	u, err := url.Parse(databaseURL)
	if err != nil {
		return errors.New("the database URL cannot be read")
	}
	environ := os.Environ()
	given := u.Query()
	password, has := u.User.Password()
	if !has {
		password = given.Get("password")
	}
	if password != "" {
		environ = append(environ, "PGPASSWORD="+password)
	}
	if u.User != nil {
		u.User = url.User(u.User.Username())
	}
	kept := url.Values{}
	for name := range given {
		if slices.Contains(libpq, name) {
			kept.Set(name, given.Get(name))
		}
	}
	u.RawQuery = kept.Encode()
	cmd := exec.CommandContext(ctx, path, append(args, "--no-password", "--dbname="+u.String())...) //nolint:gosec // the operator's own program
	cmd.Env = environ
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w: %s", path, err, strings.TrimSpace(said.String()))
	}
	return nil
}

// ownDatabase refuses a URL that names a schema: the programs would take the others of
// the database along, and with --replace lose what is in them.
func ownDatabase(databaseURL string) error {
	u, err := url.Parse(databaseURL)
	if err != nil {
		return errors.New("the database URL cannot be read")
	}
	if given := u.Query(); given.Has("schema") || given.Has("search_path") {
		return errors.New("the database URL names a schema of a database that others use too: back up and restore with pg_dump --schema and pg_restore")
	}
	return nil
}

func takePostgres(ctx context.Context, databaseURL, to string) error {
	if err := ownDatabase(databaseURL); err != nil {
		return err
	}
	return run(ctx, "pg_dump", databaseURL, "--format=custom", "--no-owner", "--no-privileges", "--file="+to)
}

func restorePostgres(ctx context.Context, databaseURL, file string, replace bool) error {
	if err := ownDatabase(databaseURL); err != nil {
		return err
	}
	head := make([]byte, 5)
	if err := readHead(file, head); err != nil || string(head) != "PGDMP" {
		return fmt.Errorf("%s is not a usable backup: it is not what pg_dump --format=custom writes", file)
	}
	tables, others, err := inUse(ctx, databaseURL)
	if err != nil {
		return err
	}
	if tables > 0 && !replace {
		return fmt.Errorf("the database has %d tables: %w", tables, ErrNotEmpty)
	}
	if others > 0 {
		return errInUse(others)
	}
	args := []string{"--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges"}
	if replace {
		args = append(args, "--clean", "--if-exists")
	}
	return run(ctx, "pg_restore", databaseURL, append(args, file)...)
}

func readHead(file string, head []byte) error {
	f, err := os.Open(file) //nolint:gosec // the operator names the file
	if err != nil {
		return err
	}
	_, err = f.Read(head)
	return errors.Join(err, f.Close())
}

// restoredPostgres also serves a schema of a database that others use too: then only
// connections of its own user count.
func restoredPostgres(ctx context.Context, databaseURL string) error {
	conn, err := connect(ctx, databaseURL)
	if err != nil {
		return err
	}
	var found, others int
	err = conn.QueryRow(ctx, `SELECT
		(SELECT count(to_regclass(name)) FROM unnest(ARRAY['goose_db_version', 'users', 'audit_events']) AS name),
		(SELECT count(*) FROM pg_stat_activity AS a WHERE a.datname = current_database() AND a.pid <> pg_backend_pid() AND a.backend_type = 'client backend'
			AND ($1 OR a.usename = current_user))`, ownDatabase(databaseURL) == nil).Scan(&found, &others)
	switch err = errors.Join(err, conn.Close(ctx)); {
	case err != nil:
		return err
	case found < 3:
		return errors.New("the database has not been restored: it has no tables of Latchkey's, or not all")
	case others > 0:
		return errInUse(others)
	}
	return nil
}

// connect connects without a pool, with the parameters of the URL that are not ours.
func connect(ctx context.Context, databaseURL string) (*pgx.Conn, error) {
	u, err := url.Parse(databaseURL)
	if err != nil {
		return nil, errors.New("the database URL cannot be read")
	}
	q := u.Query()
	path, schema := q.Get("search_path"), q.Get("schema")
	for name := range q {
		if !slices.Contains(libpq, name) && name != "password" {
			q.Del(name)
		}
	}
	switch {
	case path != "":
		q.Set("search_path", path)
	case schema != "":
		q.Set("search_path", pgx.Identifier{schema}.Sanitize())
	}
	u.RawQuery = q.Encode()
	return pgx.Connect(ctx, u.String()) // its errors leave the password out
}

// inUse counts the tables of a database, and who else is connected to it.
func inUse(ctx context.Context, databaseURL string) (tables, others int, err error) {
	conn, err := connect(ctx, databaseURL)
	if err != nil {
		return 0, 0, err
	}
	err = conn.QueryRow(ctx, `SELECT
		(SELECT count(*) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p') AND n.nspname = current_schema()),
		(SELECT count(*) FROM pg_stat_activity AS a WHERE a.datname = current_database() AND a.pid <> pg_backend_pid() AND a.backend_type = 'client backend')`).
		Scan(&tables, &others)
	return tables, others, errors.Join(err, conn.Close(ctx))
}

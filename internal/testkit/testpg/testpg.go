// Package testpg gives every test a fresh, empty PostgreSQL database.
//
// The server is the one of LATCHKEY_TEST_DATABASE_URL, whose user must be
// allowed to create databases. Without that variable, each test process starts a
// private server from the installed binaries when the first test asks for it:
// data in a temporary directory, a Unix socket only, nothing synced to disk. It
// ends with the process, even if that is killed.
//
// Where there is neither, tests are skipped and say why; with CI set they fail,
// because a green CI that tested one engine of two would be a lie.
package testpg

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/latchkey/latchkey/internal/testkit"
)

// Variable names the server to use instead of a private one.
const Variable = "LATCHKEY_TEST_DATABASE_URL"

// EnginesVariable names the engines that tests run on, separated by commas:
// sqlite, postgres. Unset, they run on both. CI runs each in a step of its own.
// Without postgres in it, tests that need a PostgreSQL are skipped.
const EnginesVariable = "LATCHKEY_TEST_ENGINES"

const (
	startTimeout = 90 * time.Second // initdb on a busy machine
	callTimeout  = 60 * time.Second // CREATE DATABASE waits for those of other tests
)

// prefix begins the names of the databases here; templateName is that of a template
// which has a key.
const (
	prefix       = "latchkey_test_"
	templateName = prefix + "template"
)

// errNone is returned where there is no server to test with.
var errNone = errors.New("no PostgreSQL to test with")

// one is the one server of this process.
var one struct {
	once     sync.Once
	admin    string // the URL of its maintenance database
	template string // the key of the template whose database it was started with
	err      error
}

// server returns the URL of the maintenance database.
func server() (string, error) { return serverWith(nil) }

// serverWith is server. If it has to be started, it has the database of a template.
func serverWith(template *Template) (string, error) {
	one.once.Do(func() {
		if one.admin = os.Getenv(Variable); one.admin != "" {
			return
		}
		if one.admin, one.err = startPrivate(template); template != nil {
			one.template = template.Key
		}
	})
	return one.admin, one.err
}

// OnDisk makes private servers keep their data on disk. Programs that measure set it
// before they ask for a database.
var OnDisk bool

// URL returns a fresh, empty database for this test, dropped when it ends,
// along with whatever is still connected. Without a server the test is skipped,
// or fails with CI set.
func URL(tb testing.TB) string {
	tb.Helper()
	return fresh(tb, "")
}

// Copy returns a copy of a database that URL or Copy returned, without
// connections, dropped when the test ends.
func Copy(tb testing.TB, databaseURL string) string {
	tb.Helper()
	return fresh(tb, " TEMPLATE "+nameOf(databaseURL))
}

// nameOf returns the name of a database that create returned the URL of.
func nameOf(databaseURL string) string {
	_, rest, _ := strings.Cut(databaseURL, "/"+prefix)
	name, _, _ := strings.Cut(rest, "?")
	return prefix + name
}

// skipUnlessNamed skips a test for which another step of CI has the engine.
func skipUnlessNamed(tb testing.TB) {
	tb.Helper()
	if named := os.Getenv(EnginesVariable); named != "" && !slices.Contains(strings.Split(named, ","), "postgres") {
		tb.Skip("tests on PostgreSQL run in another step: " + EnginesVariable + "=" + named)
	}
}

func fresh(tb testing.TB, options string) string {
	tb.Helper()
	skipUnlessNamed(tb)
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout+callTimeout)
	defer cancel()
	databaseURL, drop, err := create(ctx, options)
	if err != nil {
		none(tb, err)
	}
	tb.Cleanup(func() {
		if err := drop(); err != nil {
			tb.Errorf("testpg: %v", err)
		}
	})
	return databaseURL
}

// none ends a test that has no server: it is skipped where there can be none,
// but not with CI set.
func none(tb testing.TB, err error) {
	tb.Helper()
	if errors.Is(err, errNone) {
		testkit.Missing(tb, err.Error())
	}
	tb.Fatalf("testpg: %v", err)
}

// Create is [URL] for programs that are no tests: the caller drops the database.
func Create(ctx context.Context) (databaseURL string, drop func() error, err error) {
	return create(ctx, "")
}

func create(ctx context.Context, options string) (databaseURL string, drop func() error, err error) {
	admin, err := server()
	if err != nil {
		return "", nil, err
	}
	name := prefix + strings.ToLower(rand.Text())
	databaseURL, err = inDatabase(admin, name)
	if err != nil {
		return "", nil, err
	}
	if err := execute(ctx, admin, "CREATE DATABASE "+name+options); err != nil {
		return "", nil, err
	}
	return databaseURL, func() error {
		// The test's own context may be over by now.
		ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
		defer cancel()
		return dropDatabase(ctx, databaseURL)
	}, nil
}

func dropDatabase(ctx context.Context, databaseURL string) error {
	admin, err := server()
	if err != nil {
		return err
	}
	return execute(ctx, admin, "DROP DATABASE IF EXISTS "+nameOf(databaseURL)+" WITH (FORCE)")
}

// inDatabase returns the URL of another database on the same server.
func inDatabase(admin, name string) (string, error) {
	u, err := url.Parse(admin)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return "", fmt.Errorf("%s is not postgres://USER:PASSWORD@HOST:PORT/DATABASE", Variable)
	}
	u.Path = "/" + name
	return u.String(), nil
}

func execute(ctx context.Context, databaseURL, statement string) error {
	conn, err := pgx.Connect(ctx, databaseURL)
	if err != nil {
		return err // pgx leaves the password out
	}
	defer func() { _ = conn.Close(ctx) }()
	if strings.HasPrefix(statement, "CREATE DATABASE ") {
		statement += strategy(conn)
	}
	if _, err := conn.Exec(ctx, statement); err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	return nil
}

// strategy is how the server copies a database. Its files cost half of what its pages
// do by the log, on a server that syncs nothing. Before version 15 it is files always.
func strategy(conn *pgx.Conn) string {
	major, _, _ := strings.Cut(conn.PgConn().ParameterStatus("server_version"), ".")
	if version, err := strconv.Atoi(major); os.Getenv(Variable) != "" || err != nil || version < 15 {
		return ""
	}
	return " STRATEGY file_copy"
}

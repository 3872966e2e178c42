package testpg

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

func TestEachTestHasAnEmptyDatabase(t *testing.T) {
	ctx := t.Context()
	seen := map[string]bool{}
	for range 2 {
		conn, err := pgx.Connect(ctx, URL(t))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close(context.Background()) }()
		var name string
		if err := conn.QueryRow(ctx, "SELECT current_database()").Scan(&name); err != nil {
			t.Fatal(err)
		}
		if seen[name] {
			t.Errorf("%s was given out twice", name)
		}
		seen[name] = true
		if _, err := conn.Exec(ctx, "CREATE TABLE only_here (id int)"); err != nil {
			t.Error(err)
		}
	}
}

func TestDroppedWithConnectionsOpen(t *testing.T) {
	URL(t) // skips here where there is no server
	databaseURL, drop, err := Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	if err := drop(); err != nil {
		t.Error(err)
	}
	if err := conn.Ping(t.Context()); err == nil {
		t.Error("a connection to a dropped database still answers")
	}
}

func TestCopyHasTheRowsAndIsApart(t *testing.T) {
	ctx, source := t.Context(), URL(t)
	if err := execute(ctx, source, "CREATE TABLE kept AS SELECT 1 AS id"); err != nil {
		t.Fatal(err)
	}
	if err := execute(ctx, Copy(t, source), "DELETE FROM kept"); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(ctx, source)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	var n int
	if err := conn.QueryRow(ctx, "SELECT count(*) FROM kept").Scan(&n); err != nil || n != 1 {
		t.Errorf("%d rows are left, %v", n, err)
	}
}

func TestTemplateIsMadeOnceButOnTheServersOfOthers(t *testing.T) {
	URL(t) // skips here where there is no server
	made := 0
	template := Template{Fill: func(ctx context.Context, databaseURL string) error {
		made++
		return execute(ctx, databaseURL, "CREATE TABLE filled (id int)")
	}}
	for _, theirs := range []string{"", "postgres://of.another/"} {
		t.Setenv(Variable, theirs)
		before, want := made, 1
		for range 2 {
			if err := execute(t.Context(), template.Copy(t), "DROP TABLE filled"); err != nil {
				t.Error(err)
			}
		}
		if theirs != "" {
			want = 2
		}
		if made-before != want {
			t.Errorf("%q: made %d times, want %d", theirs, made-before, want)
		}
	}
}

// TestServerEndsWithAKilledProcess runs this test binary once more, lets it
// start a server, and kills it where no cleanup can run.
func TestServerEndsWithAKilledProcess(t *testing.T) {
	if os.Getenv("TESTPG_CHILD") != "" {
		admin, err := server()
		if err != nil {
			t.Fatal(err)
		}
		_, _ = os.Stdout.WriteString("server " + admin + "\n")
		select {}
	}
	if binaries() == "" {
		none(t, errNone)
	}
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	child.Env = append(os.Environ(), "TESTPG_CHILD=1", Variable+"=") // a server of its own
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	buffer := make([]byte, 4096)
	n, _ := out.Read(buffer)
	_ = child.Process.Kill()
	_ = child.Wait()
	_, rest, ok := strings.Cut(strings.TrimSpace(string(buffer[:n])), "host=")
	dir, _, _ := strings.Cut(rest, "&")
	if !ok || !filepath.IsAbs(dir) {
		t.Fatalf("the child said %q", buffer[:n])
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if _, err := os.Stat(dir); os.IsNotExist(err) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s is still there: the server outlived its tests", dir)
		}
	}
}

func TestNewestVersionIsANumber(t *testing.T) {
	if version("/usr/lib/postgresql/9/bin") >= version("/usr/lib/postgresql/17/bin") {
		t.Error("9 is not newer than 17")
	}
}

func TestURLNeedsPostgres(t *testing.T) {
	for _, bad := range []string{"host=/tmp user=postgres", "sqlite://x", "postgres://u:secret%@h/x"} {
		if _, err := inDatabase(bad, "x"); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: error is %v", bad, err)
		}
	}
	got, err := inDatabase("postgres://u:p@h:5433/postgres?sslmode=disable", "fresh")
	if want := "postgres://u:p@h:5433/fresh?sslmode=disable"; err != nil || got != want {
		t.Errorf("%s, %v; want %s", got, err, want)
	}
}

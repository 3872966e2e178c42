package importer_test

import (
	"bytes"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql" // the driver "mysql"

	"github.com/latchkey/latchkey/internal/importer"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

// newMySQL starts a private MariaDB on a Unix socket and returns the URL of an empty
// database in it. Without its programs the test is skipped.
func newMySQL(t *testing.T, statements ...string) string {
	t.Helper()
	programs := map[string]string{}
	for _, name := range []string{"mariadbd", "mariadb-install-db"} {
		path, err := exec.LookPath(name)
		if err != nil {
			path = filepath.Join("/usr/sbin", name)
		}
		if _, err := os.Stat(path); err != nil {
			t.Skipf("no %s to test with: install mariadb-server", name)
		}
		programs[name] = path
	}
	dir, err := os.MkdirTemp("", "my") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	data, socket := filepath.Join(dir, "d"), filepath.Join(dir, "s")
	args := func(more ...string) []string {
		out := append([]string{"--no-defaults", "--datadir=" + data}, more...)
		if os.Getuid() == 0 {
			out = append(out, "--user=root")
		}
		return out
	}
	install := exec.CommandContext(t.Context(), programs["mariadb-install-db"], args("--auth-root-authentication-method=normal", "--skip-test-db")...)
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var log bytes.Buffer
	server := exec.Command(programs["mariadbd"], args("--socket="+socket, "--skip-networking", "--innodb-flush-log-at-trx-commit=0", "--pid-file="+filepath.Join(dir, "p"))...)
	server.Stderr = &log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill() // its data goes, too
		_ = server.Wait()
	})
	db, err := sql.Open("mysql", "root@unix("+socket+")/?multiStatements=true")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	for start := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		if err = db.PingContext(t.Context()); err == nil {
			break
		}
		if time.Since(start) > time.Minute {
			t.Fatalf("it does not start: %v\n%s", err, log.String())
		}
	}
	for _, s := range append([]string{"CREATE DATABASE app CHARACTER SET utf8mb4", "USE app"}, statements...) {
		if s == "USE app" {
			db.SetMaxOpenConns(1)
		}
		if _, err := db.ExecContext(t.Context(), s); err != nil {
			t.Fatalf("%v\n%s", err, s)
		}
	}
	return fmt.Sprintf("mysql://root@localhost/app?connection_limit=5&socket=%s", url.QueryEscape(socket))
}

// Prisma's tables of Auth.js in MySQL, with ids of numbers, and what MySQL has of its
// own: BIT, zero dates, names that are words of SQL.
func TestMySQL(t *testing.T) {
	source := newMySQL(t,
		"SET sql_mode = ''",
		"CREATE TABLE `User` (`id` BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, `name` VARCHAR(191), `email` VARCHAR(191), `emailVerified` DATETIME(3), `image` TEXT, `createdAt` DATETIME, `banned` BIT(1), `plan` JSON, `order` INT)",
		"CREATE TABLE `Account` (`id` BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, `userId` BIGINT NOT NULL, `type` VARCHAR(191), `provider` VARCHAR(191) NOT NULL, `providerAccountId` VARCHAR(191) NOT NULL, `access_token` TEXT)",
		"INSERT INTO `User` VALUES (9007199254740993, 'Ada', 'ada@example.com', '2023-01-02 03:04:05.678', NULL, '2020-01-02 03:04:05', b'0', '{\"tier\": \"pro\"}', 5), (9007199254740994, 'Zoë', 'zoe@example.com', NULL, NULL, '0000-00-00', b'1', NULL, NULL), (9007199254740995, 'Cy', NULL, NULL, NULL, NULL, NULL, NULL, NULL)",
		"INSERT INTO `Account` (userId, provider, providerAccountId) VALUES (9007199254740993, 'google', '1001'), (9007199254740994, 'github', '7'), (9007199254740995, 'github', '8'), (9007199254740995, 'google', '1001')",
	)
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		report := bringWith(t, d, importer.AuthJS, source, importer.Settings{Metadata: []string{"plan", "order"}},
			importer.Options{Origin: "mysql", Batch: 1, Now: d.Clock.Now})
		if got := counts(report); got != [6]int{3, 3, 0, 0, 3, 1} || report.Suspended != 1 {
			t.Errorf("counts %v, %d suspended", got, report.Suspended)
		}
		wantNamed(t, report, nil, map[string]int{
			"address that the source has not verified": 1, "time that cannot be read": 1, "account that another user of the source has, too": 1,
		})
		ada, zoe := owner(t, d, "google", "1001"), owner(t, d, "github", "7")
		if *ada.ExternalID != "9007199254740993" || ada.CreatedAt.Year() != 2020 || ada.AppMetadata.Map()["order"] != 5.0 {
			t.Errorf("Ada is %+v", ada)
		}
		if zoe.Active() || zoe.DisplayName != "Zoë" {
			t.Errorf("Zoë is %+v", zoe)
		}
	})
}

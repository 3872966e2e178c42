//go:build unix

package crashtest_test

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/internal/testkit/apptest"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
	"github.com/latchkey/latchkey/storage"
)

// A replica is killed before every statement of a merge's confirm and of an
// undo, while it commits, and between the commit and the answer. Whenever that
// is, what the next start finds is all as before or all as after, in every
// column of every table; what is undone can be done, and what is done is seen.
func TestKilledAtEveryStatement(t *testing.T) {
	t.Parallel()
	for _, engine := range storagetest.Engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, engine, 0)
			merged := killedEverywhere(t, w, "confirmed", "were merged")
			killedEverywhere(t, merged, "undone", "was undone")
		})
	}
}

// killedEverywhere returns the world after the request was answered.
func killedEverywhere(t *testing.T, w world, state, subject string) world {
	t.Helper()
	before := tables(t, w)
	model := w.copied(t)
	answer := replica(t, model.task)
	if answer.Status != http.StatusOK || answer.Points < 25 {
		t.Fatalf("%s: %d after %d points: %s", state, answer.Status, answer.Points, answer.Body)
	}
	done := tables(t, model)
	after := nameless(before, done)
	if same(after, before) {
		t.Fatalf("%s: nothing has changed", state)
	}

	work := w.copied(t)
	finished := 0
	for n := 1; ; n++ {
		work.KillAt = n
		got := replica(t, work.task)
		now := tables(t, work)
		isBefore, isAfter := same(now, before), same(nameless(before, now), after)
		if got.Killed == "" {
			// Done at last, in a database in which it was begun again and again.
			if got.Status != http.StatusOK || !isAfter || n != answer.Points+1 {
				t.Fatalf("%s: point %d of %d: %d %s\n%s", state, n, answer.Points, got.Status, got.Body, after.Diff(nameless(before, now)))
			}
			break
		}
		if isBefore == isAfter || isAfter && !strings.HasSuffix(got.Killed, " COMMIT") || isAfter && got.Killed == beforeCommit || isBefore && got.Killed == afterCommit {
			t.Fatalf("%s: killed %s: before %t, after %t:\n%s", state, got.Killed, isBefore, isAfter, before.Diff(now))
		}
		if isAfter {
			finished++
			work.seen(t, state, subject)
			work = w.copied(t)
		}
	}
	if finished == 0 {
		t.Fatalf("%s: never killed after the commit", state)
	}
	return model.next(answer)
}

// seen starts the service again after a crash that came too late: it knows what
// was done, refuses to do it again, and tells by mail.
func (w world) seen(t *testing.T, state, subject string) {
	t.Helper()
	before := tables(t, w)
	w.KillAt = 0
	if again := replica(t, w.task); again.Status < 400 || again.Status > 499 {
		t.Errorf("again: %d %s", again.Status, again.Body)
	}
	if now := tables(t, w); !same(before, now) {
		t.Errorf("again has written:\n%s", before.Diff(now))
	}
	t.Run("seen "+state, func(t *testing.T) {
		a := apptest.StartAt(t, w.DatabaseURL)
		b := a.Browser()
		b.Wallet(w.wallet, "sign_in").Want(http.StatusOK)
		if got := b.GET("/v1/me/merges/" + w.merge).Want(http.StatusOK); got.String("state") != state {
			t.Errorf("after a restart: %s", got.Body)
		}
		a.WaitLetter(t, "old@ada.example", subject)
		other := a.Browser()
		other.Provider("google", "sign_in", google)
		if one := other.GET("/v1/me").String("id") == b.GET("/v1/me").String("id"); one != (state == "confirmed") {
			t.Errorf("%s, and both identities lead to one user: %t", state, one)
		}
	})
}

// tables starts the storage as after a crash, checks what must always hold, and
// reads everything.
func tables(t *testing.T, w world) apptest.Snapshot {
	t.Helper()
	raw := apptest.OpenSQL(t, w.DatabaseURL)
	defer func() { _ = raw.Close() }()
	if strings.HasPrefix(w.DatabaseURL, "postgres") && !apptest.Eventually(func() bool {
		var others int
		err := raw.QueryRowContext(t.Context(),
			"SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()").Scan(&others)
		return err == nil && others == 0
	}) {
		t.Fatal("PostgreSQL has not noticed the end of a replica")
	}
	db, err := storage.Open(t.Context(), w.DatabaseURL)
	if err != nil {
		t.Fatal(err)
	}
	violations, err := db.Violations(t.Context())
	if err != nil || len(violations) > 0 {
		t.Fatalf("%v, %v", violations, err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return apptest.ReadTables(t, raw, apptest.AuditColumns)
}

var (
	uuid   = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)
	binary = regexp.MustCompile(`"([^"\\]|\\.)*\\x([^"\\]|\\.)*"`)
	sealed = regexp.MustCompile(`"sealed\\?": ?\[[^]]*\]`) // personal values of an event
)

// nameless is a snapshot without what is random in it: ids, hashes and sealed
// payloads that were not there before.
func nameless(before, now apptest.Snapshot) apptest.Snapshot {
	var known strings.Builder
	for _, rows := range before {
		for _, row := range rows {
			known.WriteString(row)
		}
	}
	out := apptest.Snapshot{}
	for table, rows := range now {
		for _, row := range rows {
			for _, random := range []*regexp.Regexp{uuid, binary, sealed} {
				row = random.ReplaceAllStringFunc(row, func(s string) string {
					if strings.Contains(known.String(), s) {
						return s
					}
					return "new"
				})
			}
			out[table] = append(out[table], row)
		}
		slices.Sort(out[table])
	}
	return out
}

func same(a, b apptest.Snapshot) bool { return maps.EqualFunc(a, b, slices.Equal) }

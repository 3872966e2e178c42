package importer_test

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/internal/importer"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

// sourceRows reads columns of a table of a source as text; times and truths as this
// test compares them, NULL as "".
func sourceRows(t *testing.T, db *sql.DB, query string) [][]string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatalf("%v\n%s", err, query)
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var out [][]string
	for rows.Next() {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		row := make([]string, len(columns))
		for i, v := range values {
			switch v := v.(type) {
			case nil:
			case time.Time:
				row[i] = v.UTC().Format(time.RFC3339Nano)
			case []byte:
				row[i] = string(v)
			default:
				row[i] = fmt.Sprint(v)
			}
		}
		out = append(out, row)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// sameTime reports whether a time of a source is that of a user, to the millisecond.
func sameTime(source string, at time.Time) bool {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02 15:04:05.999999999"} {
		if want, err := time.Parse(layout, source); err == nil {
			return want.Sub(at).Abs() < time.Millisecond
		}
	}
	return false
}

// The databases in testdata/systems were made by the tools of the systems. Every row of
// them is compared with what it became.
func TestDatabasesOfTheTools(t *testing.T) {
	files, err := filepath.Glob("testdata/systems/*.sql")
	if err != nil || len(files) != 8 {
		t.Fatalf("%v %v", files, err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".sql")
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			statements := slices.DeleteFunc(strings.Split(string(text), ";\n"), func(s string) bool { return strings.TrimSpace(s) == "" })
			system, engine, _ := strings.Cut(name, ".")
			var source, driver, dsn string
			switch engine {
			case "mysql":
				source = newMySQL(t, append([]string{"SET time_zone = '+00:00'"}, statements...)...)
				_, socket, _ := strings.Cut(source, "socket=")
				driver, dsn = "mysql", "root@unix("+strings.ReplaceAll(socket, "%2F", "/")+")/app?sql_mode=%27ANSI_QUOTES%27&time_zone=%27%2B00%3A00%27"
			case "postgres":
				source = newSource(t, engine, statements...)
				driver, dsn = "pgx", source
			default:
				source = newSource(t, engine, statements...)
				driver, dsn = "sqlite", strings.TrimPrefix(source, "sqlite://")
			}
			db, err := sql.Open(driver, dsn)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = db.Close() })
			storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
				switch system {
				case "better-auth":
					compareBetterAuth(t, d, db, source)
				case "drizzle":
					compareAuthJS(t, d, db, source, `SELECT id, name, email, "emailVerified", image FROM "user"`, `SELECT "userId", provider, "providerAccountId" FROM account`)
				default:
					compareAuthJS(t, d, db, source, "SELECT id, name, email, email_verified, image FROM users", "SELECT user_id, provider, provider_account_id FROM accounts")
				}
			})
		})
	}
}

// became returns who a user of the source is here, nil for no one.
func became(t *testing.T, d *storagetest.Database, origin, id string) *identity.User {
	t.Helper()
	found, err := d.ImportedUsers(t.Context(), origin, []string{id})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) == 0 {
		return nil
	}
	u, err := d.DB.User(t.Context(), found[0].UserID)
	if err != nil || u.ExternalID == nil || *u.ExternalID != id {
		t.Fatalf("%s became %+v %v", id, u, err)
	}
	return &u
}

// compareProfile compares what all systems have of a user.
func compareProfile(t *testing.T, u identity.User, name, email string, verified bool, image string) {
	t.Helper()
	if u.DisplayName != name {
		t.Errorf("%q is called %q", name, u.DisplayName)
	}
	if want := image; u.AvatarURL != want && (strings.HasPrefix(want, "https:") || u.AvatarURL != "") {
		t.Errorf("%s has the picture %q, not %q", name, u.AvatarURL, want)
	}
	want := ""
	if verified {
		canonical, err := identity.CanonicalEmail(email)
		if err != nil {
			t.Fatal(err)
		}
		want = canonical
	}
	if got := u.PrimaryEmail; got == nil && want != "" || got != nil && *got != want {
		t.Errorf("%s has the address %v, not %q", name, got, want)
	}
}

// compareAccounts compares accounts by user, provider and id at the provider, and
// returns the users who have one that Latchkey can sign in.
func compareAccounts(t *testing.T, d *storagetest.Database, origin string, accounts [][]string) map[string]bool {
	t.Helper()
	here := map[string]string{"google": "google", "github": "github", "microsoft": "microsoft", "microsoft-entra-id": "microsoft"}
	out := map[string]bool{}
	for _, a := range accounts {
		provider, known := here[a[1]]
		if !known {
			continue
		}
		out[a[0]] = true
		if u := became(t, d, origin, a[0]); u == nil || owner(t, d, provider, a[2]).ID != u.ID {
			t.Errorf("the account %v is not the user's %+v", a, u)
		}
	}
	if n := d.Count(t, "identities WHERE provider NOT IN ('email', 'siwe')"); n != len(slices.DeleteFunc(slices.Clone(accounts), func(a []string) bool { return here[a[1]] == "" })) {
		t.Errorf("%d accounts became %d identities", len(accounts), n)
	}
	return out
}

func compareAuthJS(t *testing.T, d *storagetest.Database, db *sql.DB, source, users, accounts string) {
	t.Helper()
	report := bring(t, d, importer.AuthJS, source)
	linked := compareAccounts(t, d, importer.AuthJS, sourceRows(t, db, accounts))
	rows := sourceRows(t, db, users)
	for _, r := range rows {
		id, name, email, verified, image := r[0], r[1], r[2], r[3] != "", r[4]
		u := became(t, d, importer.AuthJS, id)
		if (u != nil) != (linked[id] || verified) {
			t.Errorf("%v became %+v", r, u)
		}
		if u != nil {
			compareProfile(t, *u, name, email, verified, image)
		}
	}
	if report.Read != 8 || report.Read != len(rows) || report.Created+report.Left() != len(rows) || report.Created != 6 {
		t.Errorf("of %d users %d were read, %d created and %d left out", len(rows), report.Read, report.Created, report.Left())
	}
}

func compareBetterAuth(t *testing.T, d *storagetest.Database, db *sql.DB, source string) {
	t.Helper()
	d.Clock.Set(time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC)) // after the rows were written
	report := bring(t, d, importer.BetterAuth, source)
	linked := compareAccounts(t, d, importer.BetterAuth, sourceRows(t, db, `SELECT "userId", "providerId", "accountId" FROM account`))
	wallets := sourceRows(t, db, `SELECT "userId", address, "chainId", "isPrimary" FROM "walletAddress"`)
	for _, w := range wallets {
		linked[w[0]] = true
		u := became(t, d, importer.BetterAuth, w[0])
		found, err := d.IdentitiesBySubject(t.Context(), "siwe", []string{"eip155:" + w[1]})
		if err != nil || u == nil || len(found) != 1 || found[0].UserID != u.ID || !found[0].IsPrimary || !slices.ContainsFunc(wallets, func(o []string) bool { return o[2] == fmt.Sprint(*found[0].WalletChainID) }) {
			t.Errorf("the wallet %v became %+v %v", w, found, err)
		}
	}
	isTrue := func(s string) bool { return s == "true" || s == "1" }
	rows := sourceRows(t, db, `SELECT id, name, email, "emailVerified", image, "createdAt", role, banned, "banExpires" FROM "user"`)
	for _, r := range rows {
		verified := isTrue(r[3])
		u := became(t, d, importer.BetterAuth, r[0])
		if (u != nil) != (linked[r[0]] || verified) {
			t.Errorf("%v became %+v", r, u)
		}
		if u == nil {
			continue
		}
		compareProfile(t, *u, r[1], r[2], verified, r[4])
		if !sameTime(r[5], u.CreatedAt) || u.AppMetadata.Map()["role"] != r[6] || u.Operator {
			t.Errorf("%v became %+v", r, u)
		}
		if u.Active() == isTrue(r[7]) || (u.SuspendedUntil == nil) != (r[8] == "") || u.SuspendedUntil != nil && !sameTime(r[8], *u.SuspendedUntil) {
			t.Errorf("the ban of %v became %s until %v", r, u.Status, u.SuspendedUntil)
		}
	}
	if report.Read != 7 || report.Read != len(rows) || report.Created+report.Left() != len(rows)+1 || report.Created != 6 {
		t.Errorf("of %d users %d were read, %d created, %d rows left out", len(rows), report.Read, report.Created, report.Left())
	}
	// Bob cannot come along, so their team has no owner.
	wantNamed(t, report, map[string]int{
		"no account that Latchkey can sign in, and no verified address": 1, "team without an owner who was imported and can sign in": 1,
	}, map[string]int{
		"address that the source has not verified": 2, `account of a provider that Latchkey does not have: "apple"`: 1,
		"member of a team who was not imported": 2, "table twoFactor is not taken over: 1 rows": 1,
	})
	for _, r := range sourceRows(t, db, `SELECT o.id, o.name, m."userId", m.role FROM organization AS o JOIN member AS m ON m."organizationId" = o.id`) {
		u := became(t, d, importer.BetterAuth, r[2])
		teams, err := d.ImportedTeams(t.Context(), importer.BetterAuth, []string{r[0]})
		if err != nil {
			t.Fatal(err)
		}
		if u == nil || len(teams) == 0 {
			continue
		}
		members, err := d.MembersOf(t.Context(), teams[0].TeamID)
		role, _, _ := strings.Cut(r[3], ",")
		if err != nil || !slices.ContainsFunc(members, func(m team.Membership) bool { return m.UserID == u.ID && string(m.Role) == role }) {
			t.Errorf("the member %v is none of %+v %v", r, members, err)
		}
		invited, err := d.InvitedTo(t.Context(), teams[0].TeamID)
		if err != nil || !slices.Equal(invited, []string{"new@example.com"}) {
			t.Errorf("invited are %v %v", invited, err)
		}
	}
	if report.Teams != 1 || report.Members != 2 || report.Invited != 1 {
		t.Errorf("%d teams, %d members, %d invited", report.Teams, report.Members, report.Invited)
	}
}

package importer_test

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/internal/importer"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
	"github.com/latchkey/latchkey/internal/testkit/testpg"
	"github.com/latchkey/latchkey/linking"
)

// newSource makes a database as another system left it, and returns its URL.
func newSource(t *testing.T, engine string, statements ...string) string {
	t.Helper()
	driver, source := "pgx", ""
	if engine == "postgres" {
		source = testpg.URL(t)
	} else {
		driver, source = "sqlite", filepath.Join(t.TempDir(), "source.db")
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	for _, s := range statements {
		if _, err := db.ExecContext(t.Context(), s); err != nil {
			t.Fatalf("%v\n%s", err, s)
		}
	}
	if engine == "sqlite" {
		source = "sqlite://" + source
	}
	return source
}

func newFile(t *testing.T, lines ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "users.csv")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func bring(t *testing.T, d *storagetest.Database, system, source string, edit ...func(*importer.Options)) *importer.Report {
	t.Helper()
	o := importer.Options{Origin: system, Batch: 2, Now: d.Clock.Now}
	for _, e := range edit {
		e(&o)
	}
	return bringWith(t, d, system, source, importer.Settings{Now: d.Clock.Now}, o)
}

func bringWith(t *testing.T, d *storagetest.Database, system, source string, s importer.Settings, o importer.Options) *importer.Report {
	t.Helper()
	s.Now = d.Clock.Now
	src, err := importer.Open(t.Context(), system, source, s)
	if err != nil {
		t.Fatal(err)
	}
	report, err := importer.Run(t.Context(), d.DB, src, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := src.Close(); err != nil {
		t.Error(err)
	}
	if bad, err := d.Violations(t.Context()); err != nil || len(bad) > 0 {
		t.Errorf("after the import: %v %v", bad, err)
	}
	return report
}

// counts are the numbers of a report, without examples.
func counts(r *importer.Report) [6]int {
	return [6]int{r.Read, r.Created, r.Attached, r.Already, r.Identities, r.Addresses}
}

// wantNamed compares the reasons of a report: skipped are those of rows that did not go
// in, noted those of rows that went in without something.
func wantNamed(t *testing.T, r *importer.Report, skipped, noted map[string]int) {
	t.Helper()
	for name, group := range map[string]struct {
		got  map[string]importer.Group
		want map[string]int
	}{"left out": {r.Skipped, skipped}, "noted": {r.Notes, noted}} {
		got := map[string]int{}
		for reason, g := range group.got {
			got[reason] = g.Count
		}
		if len(got)+len(group.want) > 0 && !reflect.DeepEqual(got, group.want) {
			t.Errorf("%s %v, want %v", name, got, group.want)
		}
	}
}

func owner(t *testing.T, d *storagetest.Database, provider, subject string) identity.User {
	t.Helper()
	found, err := d.IdentitiesBySubject(t.Context(), provider, []string{subject})
	if err != nil || len(found) != 1 {
		t.Fatalf("%s %s: %v %v", provider, subject, found, err)
	}
	u, err := d.DB.User(t.Context(), found[0].UserID)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func merging(d *storagetest.Database) *linking.Service {
	return linking.NewService(d.DB, nil, linking.Options{}, d.Clock.Now)
}

func candidates(t *testing.T, d *storagetest.Database) []linking.Candidate {
	t.Helper()
	out, _, err := merging(d).Candidates(t.Context(), identity.Page{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Running again changes nothing, whatever the size of a batch, and a dry run
// writes nothing but reports the same.
func TestIdempotent(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		source := newFile(t, "id,email,email_verified,name,image,created_at,provider,subject",
			"1,ada@example.com,true,Ada,https://pics.example/1.png,2020-01-02T03:04:05Z,google,g-1",
			"2,Ada@Example.com,true,Ada,https://pics.example/2.png,,github,22",
			"1,ada@example.com,true,Ada,,,github,11",
			"3,bob@example.com,false,Bob,,,google,g-3",
			"4,bob@example.com,false,Robert,,,github,44")
		dry := bring(t, d, importer.CSV, source, func(o *importer.Options) { o.DryRun = true })
		if got := candidates(t, d); len(got) != 0 {
			t.Errorf("a dry run left %v", got)
		}
		for _, size := range []int{1, 500} {
			again := bring(t, d, importer.CSV, source, func(o *importer.Options) { o.DryRun, o.Batch = true, size })
			if !reflect.DeepEqual(dry, again) {
				t.Errorf("in batches of %d: %+v, not %+v", size, again, dry)
			}
		}
		report := bring(t, d, importer.CSV, source)
		if !reflect.DeepEqual(dry, report) {
			t.Errorf("dry %+v\nreal %+v", dry, report)
		}
		if got := counts(report); got != [6]int{4, 4, 0, 0, 5, 1} {
			t.Errorf("counts %v", got)
		}
		if u := owner(t, d, "google", "g-1"); u.ID != owner(t, d, "github", "11").ID || u.DisplayName != "Ada" ||
			u.PrimaryEmail == nil || *u.PrimaryEmail != "ada@example.com" || u.CreatedAt.Year() != 2020 {
			t.Errorf("Ada is %+v", u)
		}
		pairs := candidates(t, d)
		if len(pairs) != 2 || pairs[0].Kind != linking.DuplicateSpelling || pairs[1].Kind != linking.DuplicateHint {
			t.Errorf("candidates %+v", pairs)
		}
		for range 2 {
			if got := counts(bring(t, d, importer.CSV, source)); got != [6]int{4, 0, 0, 4, 0, 0} {
				t.Errorf("again: %v", got)
			}
		}
		if got := candidates(t, d); !reflect.DeepEqual(got, pairs) {
			t.Errorf("candidates became %+v", got)
		}
	})
}

// A user who has one of the identities gets the others, unless they are disabled
// or an operator.
func TestWhoIsHereAlready(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		ada, off, op := d.User(t), d.User(t, func(u *identity.User) { u.Status = identity.StatusDisabled }),
			d.User(t, func(u *identity.User) { u.Operator = true })
		d.Identity(t, ada.ID, "google", "ada")
		d.Identity(t, off.ID, "google", "off")
		d.Identity(t, op.ID, "google", "op")
		report := bring(t, d, importer.CSV, newFile(t, "id,email,email_verified,provider,subject",
			"1,ada@example.com,true,google,ada", "1,,,github,1", "2,,,google,off", "2,,,github,2", "3,,,google,op", "3,,,github,3"))
		banned := bring(t, d, importer.CSV, newFile(t, "id,provider,subject,banned", "9,google,ada,true", "9,github,9,true"), func(o *importer.Options) { o.Origin = "third" })
		wantNamed(t, banned, map[string]int{"user who is banned in the source and was here before: decide about them here": 1}, nil)
		if got := counts(report); got != [6]int{3, 0, 1, 0, 1, 1} {
			t.Errorf("counts %v", got)
		}
		if got := owner(t, d, "github", "1"); got.ID != ada.ID || got.PrimaryEmail == nil {
			t.Errorf("github 1 is %+v", got)
		}
		wantNamed(t, report, map[string]int{
			"user who is suspended here": 1, "user who is an operator here and has further identities in the source": 1,
		}, nil)
		events, err := d.EventsOf(t.Context(), []identity.ID{ada.ID}, identity.Page{Limit: 9})
		if err != nil || len(events) != 1 || events[0].Action != identity.ActionIdentityLinked || events[0].Data["source_id"] != "1" {
			t.Errorf("events %+v %v", events, err)
		}
	})
}

func TestHostileValues(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		report := bring(t, d, importer.CSV, newFile(t, "\ufeffid,email,email_verified,name,image,provider,subject",
			`"1'; DROP TABLE users; --",x@y,true,"a`+"\x00\u202e\x1b[31m"+`b",javascript:alert(1),github,1`,
			",a@example.com,true,nobody,,github,2",
			"3,a@example.com,maybe,x,,github,007",
			"4,\"a@example.com,b@example.com\",true,x,,google,\"a b\"",
			"5,,,x,,twitter,5",
			"6,,,x,,siwe,0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
			"7,,,x,,siwe,0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAED",
			"8,,,x,,web3,web3:solana:11111111111111111111111111111111", "12,,,x,,web3,web3:solana:7S3P4HxJpyyigGzodYwHtCxZyUQe9JiBMHyRWXArAaKv",
			"9,,,x,,siwe,0x0000000000000000000000000000000000000000",
			"10,\u212aate@example.com,true,x,,google,10", strings.Repeat("1", 300)+",,,x,,google,11"))
		if got := counts(report); got != [6]int{11, 4, 0, 0, 4, 0} {
			t.Errorf("counts %v", got)
		}
		wantNamed(t, report, map[string]int{
			"no id": 1, "the id is no text of 1 to 255 bytes, or begins with erased:": 1, "no account that Latchkey can sign in, and no verified address": 6,
		}, map[string]int{
			"address that is not valid": 3, "address that the source has not verified": 1, "picture that is no https address": 1,
			"mark of a verified address that cannot be read: not taken for verified": 1,
			"account id that github does not give":                                   1, "account id that google does not give": 1,
			`account of a provider that Latchkey does not have: "twitter"`: 1, "wallet that is not an Ethereum account": 2, "wallet that is not a Solana account": 1,
		})
		if u := owner(t, d, "github", "1"); u.DisplayName != "a[31mb" || u.AvatarURL != "" {
			t.Errorf("kept %q %q", u.DisplayName, u.AvatarURL)
		}
		owner(t, d, "siwe", "eip155:0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed")
		owner(t, d, "solana", "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp:7S3P4HxJpyyigGzodYwHtCxZyUQe9JiBMHyRWXArAaKv")
	})
}

// Who cannot get in but by an address that is somebody else's is left out; who
// has another identity is imported, and is a candidate.
func TestAddressOfAnother(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		ada := d.User(t)
		d.Email(t, ada.ID, "ada@example.com")
		report := bring(t, d, importer.CSV, newFile(t, "id,email,email_verified,provider,subject",
			"1,ada@example.com,true,email,1", "2,ada@example.com,true,github,2", "3,ADA@example.com,true,github,3"))
		wantNamed(t, report, map[string]int{"no sign-in method but an address that another user owns": 1}, map[string]int{"address that another user owns": 2})
		kinds := []linking.DuplicateKind{}
		for _, c := range candidates(t, d) {
			if c.Users[0].ID != ada.ID && c.Users[1].ID != ada.ID {
				continue
			}
			kinds = append(kinds, c.Kind)
		}
		if !reflect.DeepEqual(kinds, []linking.DuplicateKind{linking.DuplicateAddress, linking.DuplicateSpelling}) {
			t.Errorf("kinds %v", kinds)
		}
		found, err := d.IdentitiesShowing(t.Context(), []string{"ada@example.com"}, 10)
		if err != nil || len(found) != 2 {
			t.Errorf("shown by %v %v", found, err)
		}
	})
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	other := newSource(t, "sqlite", `CREATE TABLE users (id TEXT PRIMARY KEY, email TEXT)`)
	var two []string
	for _, prefix := range []string{"app1_", "app2_"} {
		two = append(two, `CREATE TABLE `+prefix+`users (id text, email text, emailVerified text)`, `CREATE TABLE `+prefix+`accounts (userId text, provider text, providerAccountId text)`)
	}
	prefixes := newSource(t, "sqlite", two...)
	for name, tt := range map[string]struct{ system, source, says string }{
		"unknown system":   {"okta", "x", "--from"},
		"no file":          {importer.CSV, filepath.Join(t.TempDir(), "x.csv"), "--source"},
		"no database":      {importer.AuthJS, "sqlite://" + filepath.Join(t.TempDir(), "x.db"), "--source"},
		"another scheme":   {importer.AuthJS, "oracle://x", "postgres://"},
		"no database name": {importer.AuthJS, "mysql://root:secret@127.0.0.1:1", "names no database"},
		"another system":   {importer.AuthJS, other, "emailVerified"},
		"no such tables":   {importer.BetterAuth, newSource(t, "sqlite", "CREATE TABLE x (id)"), "no such table"},
		"supabase, sqlite": {importer.Supabase, other, "PostgreSQL only"},
		"supabase, files":  {importer.Supabase, t.TempDir(), "restore a dump"},
		"a dump":           {importer.AuthJS, writeFile(t, "dump.SQL", "create table"), "restore a dump"},
		"several prefixes": {importer.AuthJS, prefixes, "one of app1, app2"},
		"no such folder":   {importer.AuthJS, filepath.Join(t.TempDir(), "x"), "--source"},
		"no column id":     {importer.CSV, newFile(t, "email", "x"), "column id"},
		"empty":            {importer.CSV, newFile(t), "is empty"},
		"two of one name":  {importer.CSV, newFile(t, "id,email,E-Mail", "1,a@example.com,b@example.com"), "both called"},
		"broken JSON":      {importer.Clerk, newFile(t, `[{"id": "1"}, {"id": `), "object 2"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := importer.Open(context.Background(), tt.system, tt.source, importer.Settings{}); err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%v, want %q", err, tt.says)
			}
		})
	}
}

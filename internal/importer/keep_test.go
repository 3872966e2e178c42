package importer_test

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/internal/importer"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
	"github.com/latchkey/latchkey/linking"
)

// Users of the source who share an account stay apart, in whatever batch they come. The
// better claim has the account, and the pair is noted with both ids.
func TestSharedAccounts(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		source := newSource(t, "sqlite",
			`create table "user" (id text primary key, name text, email text, emailVerified integer, createdAt date)`,
			`create table account (id text primary key, accountId text, providerId text, userId text)`,
			`insert into "user" values ('a', 'Ada', 'ada@example.com', 1, '2022-01-01'), ('b', 'Bob', 'bob@example.com', 1, '2022-01-01'),
				('c', 'Cy', null, 0, '2022-01-01'), ('d', 'Di', 'di@example.com', 1, '2020-01-01'), ('e', 'Ed', null, 0, '2022-01-01')`,
			`insert into account values ('1', '1001', 'google', 'a'), ('2', '1001', 'google', 'b'), ('3', '2002', 'github', 'b'),
				('4', '1001', 'google', 'd'), ('5', '3003', 'github', 'c'), ('6', '1001', 'google', 'e')`)
		dry := bring(t, d, importer.BetterAuth, source, func(o *importer.Options) { o.DryRun = true })
		report := bring(t, d, importer.BetterAuth, source)
		if !reflect.DeepEqual(dry.Skipped, report.Skipped) || !reflect.DeepEqual(dry.Pairs, report.Pairs) || counts(dry) != counts(report) {
			t.Errorf("the dry run said %+v, and it is %+v", dry, report)
		}
		if got := counts(report); got != [6]int{5, 4, 0, 0, 4, 3} {
			t.Errorf("counts %v", got)
		}
		di, bob := owner(t, d, "google", "1001"), owner(t, d, "github", "2002")
		if di.DisplayName != "Di" || bob.DisplayName != "Bob" || *bob.PrimaryEmail != "bob@example.com" {
			t.Errorf("google is %+v's, github %+v's", di, bob)
		}
		pairs := map[string]bool{}
		for _, c := range candidates(t, d) {
			if c.Kind != linking.DuplicateHint || c.Kind.Certain() || c.Users[0].ID != di.ID {
				t.Errorf("pair %+v", c)
			}
			pairs[c.Reason] = true
		}
		want := map[string]bool{
			`both have the same google account in better-auth, where they are the users "d" and "a"`: true,
			`both have the same google account in better-auth, where they are the users "d" and "b"`: true,
		}
		if !reflect.DeepEqual(pairs, want) {
			t.Errorf("pairs %v", pairs)
		}
		wantNamed(t, report, map[string]int{"no sign-in method of their own: another user of the source has the account": 1}, map[string]int{
			"account that another user of the source has, too": 3,
		})
	})
}

// Who has verified the address that a shared account shows has the better claim to it,
// however the address is spelled.
func TestSharedAccountShowsAnAddress(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		bring(t, d, importer.Auth0, writeFile(t, "users.json", `[
			{"user_id": "auth0|1", "name": "Older", "created_at": "2020-01-01T00:00:00Z", "email": "else@example.com", "email_verified": true, "identities": [
				{"provider": "auth0", "user_id": "1"}, {"provider": "google-oauth2", "user_id": "1001", "profileData": {"email": "ada@gmail.com"}}]},
			{"user_id": "auth0|2", "name": "Shown", "created_at": "2022-01-01T00:00:00Z", "email": "Ada@Gmail.com", "email_verified": true, "identities": [
				{"provider": "auth0", "user_id": "2"}, {"provider": "google-oauth2", "user_id": "1001", "profileData": {"email": "ada@gmail.com"}}]}]`))
		if u := owner(t, d, "google", "1001"); u.DisplayName != "Shown" {
			t.Errorf("it is %s's", u.DisplayName)
		}
	})
}

// What an application keeps by the user comes along, and old ids lead to new ones.
func TestWhatComesAlong(t *testing.T) {
	const kept, taken, twice = "6F0E8A86-41DD-4D5E-9C9C-2F1F0A3D9B11", "6f0e8a86-41dd-4d5e-9c9c-2f1f0a3d9b12", "6f0e8a86-41dd-4d5e-9c9c-2f1f0a3d9b11"
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		d.User(t, func(u *identity.User) { u.ID = uuid(t, taken) })
		source := newSource(t, "sqlite",
			`create table users (id text primary key, name text, email text, emailVerified integer, image text, created_at text, role text, onboarded boolean, plan text, seats integer, prefs json)`,
			`create table accounts (userId text, provider text, providerAccountId text)`,
			`insert into users values ('`+kept+`', 'Ada', 'ada@example.com', 1, 'https://pics.example/a', '2020-01-02T03:04:05Z', 'admin', 1, 'pro', 5, '{"a": 1}'),
				('`+taken+`', 'Bob', null, null, 'http://pics.example/b', '0000-01-01', null, 0, null, null, null),
				('`+twice+`', 'Cy', null, null, null, null, null, null, null, null, null), ('plain', 'Di', null, null, null, null, 'user', null, null, null, null)`,
			`insert into accounts values ('`+kept+`', 'google', '1'), ('`+taken+`', 'google', '2'), ('`+twice+`', 'google', '3'), ('plain', 'google', '4'), ('plain', 'azure-ad', '5')`)
		settings := importer.Settings{Metadata: []string{"plan", "Seats", "prefs"}}
		o := importer.Options{
			Origin: "old", Batch: 1, KeepIDs: true, Now: d.Clock.Now, Providers: importer.Providers{"azure-ad": "entra"}, DryRun: true,
		}
		dry := bringWith(t, d, importer.AuthJS, source, settings, o)
		o.DryRun = false
		report := bringWith(t, d, importer.AuthJS, source, settings, o)
		wantNamed(t, report, nil, map[string]int{
			"id that another user here has: the user has a new one": 2, "id that is no UUID: the user has a new one": 1,
			"picture that is no https address": 1, "time that cannot be read": 1,
		})
		if !reflect.DeepEqual(dry.Notes, report.Notes) {
			t.Errorf("the dry run said %v, not %v", dry.Notes, report.Notes)
		}
		ada, bob, di := owner(t, d, "google", "1"), owner(t, d, "google", "2"), owner(t, d, "entra", "5")
		if ada.ID != uuid(t, kept) || *ada.ExternalID != kept || ada.CreatedAt.Year() != 2020 || ada.OnboardedAt == nil || ada.Operator ||
			!reflect.DeepEqual(ada.AppMetadata.Map(), identity.Metadata{"role": "admin", "plan": "pro", "Seats": 5.0, "prefs": map[string]any{"a": 1.0}}) {
			t.Errorf("Ada is %+v", ada)
		}
		if bob.ID == uuid(t, taken) || *bob.ExternalID != taken || bob.OnboardedAt != nil || bob.AvatarURL != "" {
			t.Errorf("Bob is %+v", bob)
		}
		if di.ID != owner(t, d, "google", "4").ID || *di.ExternalID != "plain" {
			t.Errorf("Di is %+v", di)
		}
		var ids strings.Builder
		if err := importer.WriteMap(t.Context(), d.DB, "old", &ids); err != nil || strings.Count(ids.String(), "\n") != 5 || !strings.Contains(ids.String(), "plain,"+di.ID.String()+"\n") {
			t.Errorf("map %s %v", ids.String(), err)
		}
	})
}

func uuid(t *testing.T, s string) identity.ID {
	t.Helper()
	var id identity.ID
	if err := id.UnmarshalText([]byte(s)); err != nil {
		t.Fatal(err)
	}
	return id
}

// A suspension with an end ends by itself, one without does not, and one that an
// operator ended stays ended.
func TestSuspensionEnds(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		until := d.Clock.Now().AddDate(0, 0, 1).Format("2006-01-02T15:04:05Z")
		bring(t, d, importer.CSV, newFile(t, "id,provider,subject,banned,ban_expires", "1,github,1,true,"+until, "2,github,2,true,", "3,github,3,true,"+until))
		restored := owner(t, d, "github", "3")
		d.Do(t, func(ctx context.Context) error {
			restored.Status = identity.StatusActive
			if err := d.UpdateUser(ctx, restored); err != nil {
				return err
			}
			restored.Status = identity.StatusDisabled // and suspended for good
			return d.UpdateUser(ctx, restored)
		})
		status := func() (out []identity.Status) {
			for _, subject := range []string{"1", "2", "3"} {
				out = append(out, owner(t, d, "github", subject).Status)
			}
			return out
		}
		off, on := identity.StatusDisabled, identity.StatusActive
		for _, step := range []struct {
			days int
			want []identity.Status
		}{{0, []identity.Status{off, off, off}}, {2, []identity.Status{on, off, off}}} {
			if _, err := d.EndSuspensions(t.Context(), d.Clock.Now().AddDate(0, 0, step.days), 10); err != nil {
				t.Fatal(err)
			}
			if got := status(); !reflect.DeepEqual(got, step.want) {
				t.Errorf("after %d days: %v, want %v", step.days, got, step.want)
			}
		}
		if u := owner(t, d, "github", "1"); u.SuspendedUntil != nil {
			t.Errorf("it is %+v", u)
		}
	})
}

// refusing is a store that does not take one person.
type refusing struct {
	importer.Store
	name string
	at   int // batches
}

func (r *refusing) Import(ctx context.Context, b identity.ImportBatch) error {
	r.at++
	if err := r.Store.Import(ctx, b); err != nil {
		return err
	}
	for _, u := range b.Users {
		if u.DisplayName == r.name {
			return &identity.ImportRefusedError{Reason: "because"}
		}
	}
	return nil
}

// A row that the database refuses is found and named, and all others go in; a dry run
// says so before. What is no fault of a row ends the import.
func TestRefusedRow(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		source := newFile(t, "id,name,provider,subject", "1,A,github,1", "2,B,github,2", "3,bad,github,3", "4,D,github,4", "5,E,github,5")
		for _, dry := range []bool{true, false} {
			src, err := importer.Open(t.Context(), importer.CSV, source, importer.Settings{})
			if err != nil {
				t.Fatal(err)
			}
			var named []importer.Entry
			report, err := importer.Run(t.Context(), &refusing{Store: d.DB, name: "bad"}, src, importer.Options{
				Origin: "csv", Batch: 10, DryRun: dry, Now: d.Clock.Now,
				Each: func(e importer.Entry) error { named = append(named, e); return nil },
			})
			if err != nil || src.Close() != nil {
				t.Fatal(err)
			}
			if got := counts(report); got != [6]int{5, 4, 0, 0, 4, 0} || report.Left() != 1 {
				t.Errorf("dry %t: counts %v, %d left out", dry, got, report.Left())
			}
			want := []importer.Entry{{Skipped: true, Reason: "the database does not take it: because", ID: "3", Line: 4}}
			if !reflect.DeepEqual(named, want) {
				t.Errorf("dry %t: named %+v", dry, named)
			}
			want2 := 0
			if !dry {
				want2 = 4
			}
			if got := d.Count(t, "import_sources"); got != want2 {
				t.Errorf("dry %t: %d users are there, want %d", dry, got, want2)
			}
		}
		src, err := importer.Open(t.Context(), importer.CSV, source, importer.Settings{})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = src.Close() }()
		broken := errors.New("the disk is full")
		_, err = importer.Run(t.Context(), d.DB, src, importer.Options{
			Origin: "again", Batch: 10, Now: d.Clock.Now, Each: func(importer.Entry) error { return broken }, Providers: importer.Providers{"github": "gone!"},
		})
		if !errors.Is(err, broken) {
			t.Errorf("it ended with %v", err)
		}
	})
}

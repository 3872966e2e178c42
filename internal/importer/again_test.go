package importer_test

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/internal/importer"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
	"github.com/latchkey/latchkey/linking"
)

// A second import counts what has changed in the source, and takes it over only when
// asked. What was removed here stays removed.
func TestAgain(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		before := []string{
			"id,email,email_verified,provider,subject,banned", "1,ada@example.com,true,google,1,", "2,bob@example.com,true,github,2,",
			"3,cy@example.com,true,google,3,", "3,,,github,33,", "4,,,google,4,", "5,,,google,5,", "6,,,google,6,",
		}
		bring(t, d, importer.CSV, newFile(t, before...))
		ada, bob, cy := owner(t, d, "google", "1"), owner(t, d, "github", "2"), owner(t, d, "google", "3")
		session := d.Session(t, bob.ID)
		d.Do(t, func(ctx context.Context) error {
			found, err := d.IdentitiesBySubject(ctx, "github", []string{"33"})
			if err != nil {
				return err
			}
			op := owner(t, d, "google", "4")
			op.Operator = true
			if err := d.UpdateUser(ctx, op); err != nil {
				return err
			}
			off := owner(t, d, "google", "5")
			off.Status = identity.StatusDisabled
			if err := d.UpdateUser(ctx, off); err != nil {
				return err
			}
			if err := d.MarkUnlinked(ctx, found[0], d.Clock.Now()); err != nil {
				return err
			}
			if err := d.DeleteIdentity(ctx, found[0].ID); err != nil {
				return err
			}
			// Cy removed the address, too.
			live, err := d.LiveVouchers(ctx, cy.ID)
			if err != nil {
				return err
			}
			for _, v := range live {
				if err := d.EndVouchers(ctx, []identity.ID{v.ID}, identity.VoucherRemoved, d.Clock.Now()); err != nil {
					return err
				}
			}
			return d.DeleteEmail(ctx, cy.ID, "cy@example.com", d.Clock.Now())
		})
		d.Team(t, owner(t, d, "google", "6").ID)
		none := bring(t, d, importer.CSV, newFile(t, before...))
		for change, n := range none.Changes {
			if n != 0 {
				t.Errorf("without a change there are %d %s", n, change)
			}
		}
		after := newFile(t, append(slices.Clone(before),
			"1,ada@work.example,true,github,11,", "2,,,,,true", "4,op@example.com,true,github,44,", "5,,,github,55,", "6,,,,,true")...)
		reported := bring(t, d, importer.CSV, after)
		want := map[importer.Change]int{importer.ChangeIdentity: 3, importer.ChangeAddress: 2, importer.ChangeBan: 2}
		for change, n := range reported.Changes {
			if n != want[change] {
				t.Errorf("%d %s changed, want %d", n, change, want[change])
			}
		}
		if u := owner(t, d, "github", "2"); !u.Active() {
			t.Error("Bob is suspended, although it was not asked for")
		}
		dry := bring(t, d, importer.CSV, after, func(o *importer.Options) { o.DryRun, o.Update = true, true })
		done := bring(t, d, importer.CSV, after, func(o *importer.Options) { o.Update = true })
		if !reflect.DeepEqual(dry.Skipped, done.Skipped) || !reflect.DeepEqual(dry.Changes, done.Changes) || counts(dry) != counts(done) {
			t.Errorf("the dry run said %+v, and it is %+v", dry, done)
		}
		wantNamed(t, done, map[string]int{
			"changed in the source, and an operator here: nothing is linked to operators":                                          1,
			"changed in the source, and suspended here: nothing is linked to them":                                                 1,
			"banned in the source since, and the only active owner of a team here: give the team another owner, then suspend them": 1,
		}, nil)
		if owner(t, d, "github", "11").ID != ada.ID {
			t.Error("Ada's new account is not hers")
		}
		if emails, err := d.Emails(t.Context(), ada.ID); err != nil || len(emails) != 2 {
			t.Errorf("Ada has %+v %v", emails, err)
		}
		if u := owner(t, d, "github", "2"); u.Active() {
			t.Error("Bob is not suspended")
		}
		if n, err := d.CountOpenSessions(t.Context(), bob.ID, session.CreatedAt); err != nil || n != 0 {
			t.Errorf("Bob has %d sessions %v", n, err)
		}
		if emails, err := d.Emails(t.Context(), cy.ID); err != nil || len(emails) != 0 {
			t.Errorf("Cy has %+v again %v", emails, err)
		}
		for _, subject := range []string{"33", "44", "55"} {
			if found, err := d.IdentitiesBySubject(t.Context(), "github", []string{subject}); err != nil || len(found) != 0 {
				t.Errorf("github %s is linked to %+v %v", subject, found, err)
			}
		}
		if u := owner(t, d, "google", "6"); !u.Active() {
			t.Error("the only owner of a team is suspended")
		}
	})
}

// organizations are Better Auth's tables with its plugin for them.
func organizations(more ...string) []string {
	return append([]string{
		`create table "user" (id text primary key, name text, email text, emailVerified integer, banned integer)`,
		`create table account (id text primary key, accountId text, providerId text, userId text)`,
		`create table organization (id text primary key, name text, slug text, createdAt date)`,
		`create table member (id text primary key, organizationId text, userId text, role text, createdAt date)`,
		`create table invitation (id text primary key, organizationId text, email text, role text, status text, expiresAt date, inviterId text)`,
		`insert into "user" values ('a', 'Ada', 'ada@example.com', 1, 0), ('b', 'Bob', 'bob@example.com', 1, 0), ('c', 'Cy', 'cy@example.com', 1, 1)`,
		`insert into organization values ('6f0e8a86-41dd-4d5e-9c9c-2f1f0a3d9b11', 'Acme', 'acme', '2021-01-01'), ('o2', 'No owner', 'x', '2021-01-01'), ('o3', 'Banned owner', 'y', '2021-01-01')`,
		`insert into member values ('1', '6f0e8a86-41dd-4d5e-9c9c-2f1f0a3d9b11', 'a', 'owner', '2021-02-03'), ('2', '6f0e8a86-41dd-4d5e-9c9c-2f1f0a3d9b11', 'b', 'member,admin', '2021-02-04'),
			('3', '6f0e8a86-41dd-4d5e-9c9c-2f1f0a3d9b11', 'gone', 'member', '2021-02-04'), ('4', 'o2', 'b', 'billing', '2021-02-04'), ('5', 'o3', 'c', 'owner', '2021-02-04'),
			('6', '6f0e8a86-41dd-4d5e-9c9c-2f1f0a3d9b11', 'c', 'member', '2021-02-04')`,
		`insert into invitation values ('1', '6f0e8a86-41dd-4d5e-9c9c-2f1f0a3d9b11', 'di@example.com', 'owner', 'pending', '2999-01-01', 'b'),
			('2', '6f0e8a86-41dd-4d5e-9c9c-2f1f0a3d9b11', 'ed@example.com', 'member', 'pending', '2999-01-01', 'b'),
			('3', '6f0e8a86-41dd-4d5e-9c9c-2f1f0a3d9b11', 'fa@example.com', 'member', 'canceled', '2999-01-01', 'b'),
			('4', '6f0e8a86-41dd-4d5e-9c9c-2f1f0a3d9b11', 'gi@example.com', 'member', 'pending', '2020-01-01', 'b')`,
	}, more...)
}

func TestOrganizationsBecomeTeams(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		keep := func(o *importer.Options) { o.KeepIDs = true }
		source := newSource(t, "sqlite", organizations()...)
		dry := bring(t, d, importer.BetterAuth, source, keep, func(o *importer.Options) { o.DryRun = true })
		report := bring(t, d, importer.BetterAuth, source, keep)
		for _, r := range []*importer.Report{dry, report} {
			if r.Teams != 1 || r.Members != 3 || r.Invited != 2 {
				t.Errorf("%d teams, %d members, %d invited", r.Teams, r.Members, r.Invited)
			}
			wantNamed(t, r, map[string]int{"team without an owner who was imported and can sign in": 2}, map[string]int{
				"id that is no UUID: the user has a new one": 3, "member of a team who was not imported": 1,
				"role in a team that Latchkey does not have: member instead": 1,
			})
		}
		acme := uuid(t, "6f0e8a86-41dd-4d5e-9c9c-2f1f0a3d9b11")
		ada, bob := owner(t, d, "email", "ada@example.com"), owner(t, d, "email", "bob@example.com")
		for who, want := range map[identity.ID]team.Role{ada.ID: team.RoleOwner, bob.ID: team.RoleAdmin} {
			if m, err := d.Membership(t.Context(), acme, who); err != nil || m.Role != want || m.CreatedAt.Year() != 2021 {
				t.Errorf("%+v %v, want %s", m, err, want)
			}
		}
		open, err := d.OpenInvitations(t.Context(), acme, d.Clock.Now(), identity.Page{Limit: 10})
		if err != nil || len(open) != 2 {
			t.Fatalf("%+v %v", open, err)
		}
		for _, i := range open {
			// An admin invites no owner: the owner has sent it.
			by := map[string]identity.ID{"di@example.com": ada.ID, "ed@example.com": bob.ID}[*i.Email]
			if i.InvitedBy != by || i.VoidReason != "" {
				t.Errorf("%+v", i)
			}
		}
		again := bring(t, d, importer.BetterAuth, source)
		if again.Teams+again.Members+again.Changes[importer.ChangeMember]+again.Changes[importer.ChangeInvitation] != 0 {
			t.Errorf("again: %+v", again)
		}
		// Bob was removed here, the invitation of Ed cancelled; Gus and Hal come since.
		d.Do(t, func(ctx context.Context) error {
			for _, i := range open {
				closed := i
				closed.ClosedAt, closed.Outcome = new(d.Clock.Now()), new(team.OutcomeRevoked)
				if err := d.CloseInvitation(ctx, closed); err != nil {
					return err
				}
			}
			return d.DeleteMembership(ctx, acme, bob.ID)
		})
		more := newSource(t, "sqlite", organizations(`insert into "user" values ('g', 'Gus', 'gus@example.com', 1, 0)`,
			`insert into member values ('7', '6f0e8a86-41dd-4d5e-9c9c-2f1f0a3d9b11', 'g', 'member', '2021-02-04')`,
			`insert into invitation values ('7', '6f0e8a86-41dd-4d5e-9c9c-2f1f0a3d9b11', 'hal@example.com', 'member', 'pending', '2999-01-01', 'a')`)...)
		for _, update := range []bool{false, true} {
			r := bring(t, d, importer.BetterAuth, more, func(o *importer.Options) { o.Update = update })
			if r.Changes[importer.ChangeMember] != 1 || r.Changes[importer.ChangeInvitation] != 1 {
				t.Errorf("update %t: %+v", update, r.Changes)
			}
		}
		if _, err := d.Membership(t.Context(), acme, owner(t, d, "email", "gus@example.com").ID); err != nil {
			t.Errorf("Gus: %v", err)
		}
		if _, err := d.Membership(t.Context(), acme, bob.ID); err == nil {
			t.Error("Bob is back in the team")
		}
		open, err = d.OpenInvitations(t.Context(), acme, d.Clock.Now(), identity.Page{Limit: 10})
		if err != nil || len(open) != 1 || *open[0].Email != "hal@example.com" {
			t.Errorf("open %+v %v", open, err)
		}
	})
}

// What somebody here has taken off does not come back with the first import either.
func TestFirstImportGivesNothingBack(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		u := d.User(t)
		d.Identity(t, u.ID, "github", "1")
		stolen := d.Identity(t, u.ID, "google", "2")
		d.Do(t, func(ctx context.Context) error {
			if err := d.DeleteIdentity(ctx, stolen.ID); err != nil {
				return err
			}
			now := d.Clock.Now()
			v := identity.Voucher{
				ID: identity.NewID(), Address: "old@example.com", Provider: "google", Subject: "2", UserID: &u.ID,
				FirstAt: now, LastAt: now, EndedAt: &now, Reason: identity.VoucherRemoved,
			}
			return errors.Join(d.MarkUnlinked(ctx, stolen, now), d.InsertVoucher(ctx, v))
		})
		report := bring(t, d, importer.CSV, newFile(t, "id,email,email_verified,provider,subject",
			"a,old@example.com,true,github,1", "a,,,google,2", "a,,,google,3", "a,,,email,"))
		wantNamed(t, report, nil, map[string]int{"account that the user removed here": 2, "address that the user removed here": 1})
		if _, err := d.EmailOwner(t.Context(), "old@example.com"); !errors.Is(err, identity.ErrNotFound) {
			t.Errorf("the address they removed: %v", err)
		}
		if found, err := d.IdentitiesBySubject(t.Context(), "email", []string{"old@example.com"}); err != nil || len(found) > 0 {
			t.Errorf("signing in by it: %v %v", found, err)
		}
		if got := owner(t, d, "google", "3"); got.ID != u.ID {
			t.Errorf("a new account is %+v's", got)
		}
		if found, err := d.IdentitiesBySubject(t.Context(), "google", []string{"2"}); err != nil || len(found) > 0 {
			t.Errorf("the one they unlinked: %v %v", found, err)
		}
	})
}

// An account that several have in the source, and somebody has here, leads the one with
// the best claim to them.
func TestSharedAccountOfSomebodyHere(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		u := d.User(t)
		d.Identity(t, u.ID, "google", "1001")
		bring(t, d, importer.BetterAuth, newSource(t, "sqlite",
			`create table "user" (id text primary key, name text, email text, emailVerified integer, createdAt date)`,
			`create table account (id text primary key, accountId text, providerId text, userId text)`,
			`insert into "user" values ('a', 'Ada', null, 0, '2022-01-01'), ('b', 'Bob', null, 0, '2020-01-01')`,
			`insert into account values ('1', '1001', 'google', 'a'), ('2', '2002', 'github', 'a'), ('3', '1001', 'google', 'b'), ('4', '3003', 'github', 'b')`))
		if later, first := owner(t, d, "github", "2002"), owner(t, d, "github", "3003"); later.ID == u.ID || first.ID != u.ID {
			t.Errorf("the account of %s: the first has become %s, the later %s", u.ID, first.ID, later.ID)
		}
	})
}

// A ban that got longer in the source is longer here, one that got shorter is not.
func TestBanGetsLonger(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		file := func(until string) string {
			return newFile(t, "id,provider,subject,banned,ban_expires", "1,github,1,true,"+until)
		}
		update := func(o *importer.Options) { o.Update = true }
		day := func(n int) string { return d.Clock.Now().AddDate(0, 0, n).Format("2006-01-02T15:04:05Z") }
		bring(t, d, importer.CSV, file(day(2)))
		for _, step := range []struct {
			until string
			days  int // 0 for no end
		}{{day(1), 2}, {day(3), 3}, {"", 0}, {day(4), 0}} {
			bring(t, d, importer.CSV, file(step.until), update)
			got := owner(t, d, "github", "1").SuspendedUntil
			if step.days == 0 && got != nil || step.days > 0 && (got == nil || got.Format("2006-01-02T15:04:05Z") != day(step.days)) {
				t.Errorf("banned until %q in the source, and until %v here", step.until, got)
			}
		}
	})
}

// Somebody who is leaving, and was banned in the source since, does not come back as an
// active user. Who has left is left alone.
func TestBanOfSomebodyWhoLeaves(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		bring(t, d, importer.CSV, newFile(t, "id,provider,subject,banned", "1,github,1,", "2,github,2,"))
		leaving, gone := owner(t, d, "github", "1"), owner(t, d, "github", "2")
		left := func(id string) string { return identity.ErasedPrefix + "left-of-" + id }
		d.Do(t, func(ctx context.Context) error {
			for _, u := range []identity.User{leaving, gone} {
				u.Status = identity.StatusDisabled
				if err := d.UpdateUser(ctx, u); err != nil {
					return err
				}
				at := d.Clock.Now()
				out := linking.Deletion{UserID: u.ID, RequestedAt: at, DeletesAt: at.AddDate(0, 0, 14), RestoresTo: identity.StatusActive}
				if err := d.InsertDeletion(ctx, out); err != nil {
					return err
				}
			}
			return d.Erase(ctx, []identity.ID{gone.ID}, left, d.Clock.Now())
		})
		banned := newFile(t, "id,provider,subject,banned", "1,github,1,true", "2,github,2,true")
		for _, want := range []int{1, 0} {
			r := bring(t, d, importer.CSV, banned, func(o *importer.Options) {
				o.Update = true
				o.Erased = func(id string) []string { return []string{identity.ErasedPrefix + "of-another-key", left(id)} }
			})
			if r.Changes[importer.ChangeBan] != want || r.Already != 2 || r.Created != 0 {
				t.Errorf("%d bans are new, want %d; %+v", r.Changes[importer.ChangeBan], want, counts(r))
			}
		}
		var ids strings.Builder
		if err := importer.WriteMap(t.Context(), d.DB, importer.CSV, &ids); err != nil || ids.String() != "old_id,new_id\n1,"+leaving.ID.String()+"\n" {
			t.Errorf("the map: %q, %v", ids.String(), err)
		}
		src, err := importer.Open(t.Context(), importer.CSV, banned, importer.Settings{Now: d.Clock.Now})
		if err != nil {
			t.Fatal(err)
		}
		_, err = importer.Run(t.Context(), d.DB, src, importer.Options{Origin: importer.CSV, Batch: 2, Now: d.Clock.Now})
		if src.Close() != nil || err == nil || !strings.Contains(err.Error(), "LATCHKEY_SECRET") {
			t.Errorf("without the secret: %v", err)
		}
		if out, err := d.Deletion(t.Context(), leaving.ID); err != nil || out.RestoresTo != identity.StatusDisabled {
			t.Errorf("%+v %v", out, err)
		}
	})
}

// meanwhile is a store in which something happens once: at a look-up of people, before
// they are held.
type meanwhile struct {
	importer.Store
	at      int // the look-up, from 1
	happens func(ctx context.Context) error
	looked  int
}

func (m *meanwhile) Survivors(ctx context.Context, ids []identity.ID) (map[identity.ID]identity.User, error) {
	out, err := m.Store.Survivors(ctx, ids)
	m.looked++
	if err != nil || m.looked != m.at {
		return out, err
	}
	return out, m.happens(ctx)
}

// What is decided about people who are here is about how they are once they are held.
func TestPeopleWhoChangeMeanwhile(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		active := organizations(`update "user" set banned = 0`)
		bring(t, d, importer.BetterAuth, newSource(t, "sqlite", active...))
		// Without the address, only the earlier import says who Bob is.
		banned := newSource(t, "sqlite", append(active, `update "user" set banned = 1, email = null where id = 'b'`)...)
		ada, bob := owner(t, d, "email", "ada@example.com"), owner(t, d, "email", "bob@example.com")
		run := func(m *meanwhile, update bool) *importer.Report {
			t.Helper()
			src, err := importer.Open(t.Context(), importer.BetterAuth, banned, importer.Settings{Now: d.Clock.Now})
			if err != nil {
				t.Fatal(err)
			}
			report, err := importer.Run(t.Context(), m, src, importer.Options{Origin: importer.BetterAuth, Batch: 10, Update: update, Now: d.Clock.Now})
			if err := errors.Join(err, src.Close()); err != nil {
				t.Fatal(err)
			}
			return report
		}

		// For somebody who was merged the transaction runs again: that of the people, and
		// that of a team.
		never := &meanwhile{Store: d.DB}
		run(never, false)
		for _, at := range []int{1, 2} {
			m := &meanwhile{Store: d.DB, at: at, happens: func(ctx context.Context) error {
				u := bob
				u.Status, u.MergedInto, u.PrimaryEmail = identity.StatusMerged, &ada.ID, nil
				return d.SetUser(ctx, u)
			}}
			run(m, false)
			if m.looked != never.looked+1 {
				t.Errorf("merged at look-up %d: people were looked up %d times, and %d without a merge", at, m.looked, never.looked)
			}
		}

		// Somebody who became an operator is not suspended.
		report := run(&meanwhile{Store: d.DB, at: 1, happens: func(ctx context.Context) error {
			u := bob
			u.Operator = true
			return d.UpdateUser(ctx, u)
		}}, true)
		if report.Skipped["banned in the source since, and an operator here: decide about them here"].Count != 1 || !owner(t, d, "email", "bob@example.com").Active() {
			t.Errorf("somebody who became an operator: %+v", report.Skipped)
		}
	})
}

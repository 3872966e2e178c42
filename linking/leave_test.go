package linking_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/apikey"
	"github.com/latchkey/latchkey/identity/audit"
	"github.com/latchkey/latchkey/identity/feed"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
	"github.com/latchkey/latchkey/linking"
)

const grace = 14 * 24 * time.Hour

// leavers is linking with a grace, over a database of its own.
func leavers(d *storagetest.Database) (*world, *session.Service) {
	sessions := session.NewService(d.DB, nil, session.Limits{Idle: 1000 * time.Hour, Lifetime: 2000 * time.Hour}, d.Clock.Now)
	w := newWorld(d, linking.PolicyAuto)
	w.service = linking.NewService(d.DB, sessions, linking.Options{
		Policy: linking.PolicyAuto, Usable: func(string) bool { return true }, UndoFor: undoFor, Grace: grace,
		ErasedKeys: identity.Secrets{"a secret that is long enough for this"}.Keys("erased values"),
	}, d.Clock.Now)
	return w, sessions
}

func TestLeaving(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		w, sessions := leavers(d)
		ada := w.signIn(t, "google", "ada", vouched("ada@corp.example"))
		w.must(t, w.proof(identity.PurposeLink, "github", "ada", shown("ada@home.example")), ada)
		bob := w.signIn(t, "google", "bob", vouched("bob@corp.example"))
		mine, shared, doomed := d.Team(t, ada.User.ID), d.Team(t, ada.User.ID), d.Team(t, ada.User.ID)
		d.Member(t, shared.ID, bob.User.ID, team.RoleMember)
		d.Member(t, mine.ID, bob.User.ID, team.RoleOwner)
		d.Invite(t, mine.ID, ada.User.ID)
		to := "ada@corp.example"
		d.Invite(t, mine.ID, bob.User.ID, func(i *team.Invitation) { i.Email = &to })
		actor := ada.Actor(d.Clock.Now(), identity.RequestOrigin{IP: "192.0.2.1"})
		leave := func(teams map[identity.ID]linking.TeamFate) (linking.Deletion, error) {
			return w.service.Leave(t.Context(), actor, ada.User.ID, linking.Leaving{Teams: teams})
		}

		// A team is not left without an owner, and fates must make sense.
		give, drop := linking.TeamFate{TransferTo: &bob.User.ID}, linking.TeamFate{Delete: true}
		stranger := d.User(t)
		d.Identity(t, stranger.ID, "google", "stranger")
		for name, c := range map[string]struct {
			teams map[identity.ID]linking.TeamFate
			want  identity.Code
		}{
			"no word":          {nil, identity.CodeLastOwner},
			"one team is left": {map[identity.ID]linking.TeamFate{shared.ID: give}, identity.CodeLastOwner},
			"to a stranger":    {map[identity.ID]linking.TeamFate{shared.ID: {TransferTo: &stranger.ID}, doomed.ID: drop}, identity.CodeInvalidRequest},
			"to themselves":    {map[identity.ID]linking.TeamFate{shared.ID: {TransferTo: &ada.User.ID}, doomed.ID: drop}, identity.CodeInvalidRequest},
			"both":             {map[identity.ID]linking.TeamFate{shared.ID: {TransferTo: &bob.User.ID, Delete: true}}, identity.CodeInvalidRequest},
			"neither":          {map[identity.ID]linking.TeamFate{shared.ID: {}}, identity.CodeInvalidRequest},
			"somebody's team":  {map[identity.ID]linking.TeamFate{d.Team(t, bob.User.ID).ID: drop}, identity.CodeInvalidRequest},
			"no team":          {map[identity.ID]linking.TeamFate{identity.NewID(): drop}, identity.CodeInvalidRequest},
		} {
			if _, err := leave(c.teams); identity.ErrorCode(err) != c.want {
				t.Errorf("%s: %v, want %s", name, err, c.want)
			}
		}
		stale := actor
		stale.RecentlyVerified = false
		if _, err := w.service.Leave(t.Context(), stale, ada.User.ID, linking.Leaving{}); identity.ErrorCode(err) != identity.CodeReauthRequired {
			t.Errorf("not recently verified: %v", err)
		}

		began, err := leave(map[identity.ID]linking.TeamFate{shared.ID: give, doomed.ID: drop})
		if err != nil || !began.DeletesAt.Equal(d.Clock.Now().Add(grace)) {
			t.Fatalf("%+v, %v", began, err)
		}
		d.Clock.Advance(time.Minute)
		if again, err := leave(nil); err != nil || !again.DeletesAt.Equal(began.DeletesAt) {
			t.Errorf("again: %+v, %v", again, err)
		}
		if m, err := d.Membership(t.Context(), shared.ID, bob.User.ID); err != nil || m.Role != team.RoleOwner {
			t.Errorf("the heir: %+v, %v", m, err)
		}
		if n := d.Count(t, "invitations WHERE closed_at IS NULL"); n != 0 {
			t.Errorf("%d invitations are open", n)
		}

		// No one joins meanwhile, and the operator's suspension counts.
		for name, c := range map[string]struct {
			proof   identity.Proof
			current *session.Principal
			want    identity.Code
		}{
			"by address":       {w.proof(identity.PurposeSignIn, "gitlab", "ada", vouched("ada@corp.example")), nil, identity.CodeEmailTaken},
			"by linking":       {w.proof(identity.PurposeLink, "google", "ada", vouched("ada@corp.example")), bob, identity.CodeIdentityTaken},
			"by link, address": {w.proof(identity.PurposeLink, "gitlab", "ada", vouched("ada@corp.example")), bob, identity.CodeEmailTaken},
		} {
			_, err := w.apply(t, c.proof, c.current)
			refused, ok := err.(*identity.Error) //nolint:errorlint // Apply returns it as it is
			if !ok || refused.Code != c.want || refused.Ticket != "" {
				t.Errorf("%s: %v", name, err)
			}
		}

		// An identity from before gives a session that can do one thing.
		back := w.must(t, w.proof(identity.PurposeSignIn, "github", "ada", shown("ada@home.example")), nil)
		if back.Outcome != linking.OutcomeLeaving || !back.Session.Restricted {
			t.Fatalf("back: %+v", back)
		}
		p, err := sessions.Authenticate(t.Context(), back.Token, identity.RequestOrigin{})
		if err != nil || !p.Leaving {
			t.Fatalf("the session of the grace: %+v, %v", p, err)
		}
		d.Do(t, func(ctx context.Context) error { return d.SetRestoresTo(ctx, ada.User.ID, identity.StatusDisabled) })
		if _, err := sessions.Authenticate(t.Context(), back.Token, identity.RequestOrigin{}); identity.ErrorCode(err) != identity.CodeUnauthenticated {
			t.Errorf("suspended meanwhile: %v", err)
		}
		if _, err := w.service.Return(t.Context(), p, identity.RequestOrigin{}); err == nil {
			t.Error("somebody who was suspended meanwhile comes back")
		}
		if _, err := w.apply(t, w.proof(identity.PurposeSignIn, "github", "ada"), nil); identity.ErrorCode(err) != identity.CodeUserDisabled {
			t.Errorf("suspended meanwhile, signing in: %v", err)
		}
		d.Do(t, func(ctx context.Context) error { return d.SetRestoresTo(ctx, ada.User.ID, identity.StatusActive) })

		other := w.must(t, w.proof(identity.PurposeSignIn, "google", "ada", vouched("ada@corp.example")), nil)
		r, err := w.service.Return(t.Context(), p, identity.RequestOrigin{})
		if err != nil || r.User.Status != identity.StatusActive || r.Session.Restricted || r.Token == back.Token {
			t.Fatalf("restored: %+v, %v", r, err)
		}
		if p, err := sessions.Authenticate(t.Context(), r.Token, identity.RequestOrigin{}); err != nil || p.Leaving {
			t.Errorf("after: %+v, %v", p, err)
		}
		for name, token := range map[string]string{"the old token": back.Token, "another session of the grace": other.Token} {
			if _, err := sessions.Authenticate(t.Context(), token, identity.RequestOrigin{}); identity.ErrorCode(err) != identity.CodeUnauthenticated {
				t.Errorf("%s: %v", name, err)
			}
		}
		for what, want := range map[string]int{"deletion_requested": 1, "deletion_cancelled": 1} { // sessions
			if n := named(t, d, ada.User.ID, "ended_session_ids", what); n != want {
				t.Errorf("%d sessions ended by %s are in the trail, want %d", n, what, want)
			}
		}
		if m, err := d.Membership(t.Context(), shared.ID, ada.User.ID); err != nil || m.Role != team.RoleMember {
			t.Errorf("a transfer is final: %+v, %v", m, err)
		}
	})
}

// The deployment's keys that somebody created end as they leave, also those that they
// created under a former id. Other people's stay, and so do keys of teams. A key that
// deletes somebody ends none.
func TestLeavingEndsKeys(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		w, _ := leavers(d)
		now := d.Clock.Now()
		op, other := d.User(t, func(u *identity.User) { u.Operator = true }), d.User(t, func(u *identity.User) { u.Operator = true })
		former := d.User(t, func(u *identity.User) { u.Status, u.MergedInto = identity.StatusMerged, &op.ID })
		crew := d.Team(t, other.ID)
		key := func(by identity.ID, of *identity.ID) identity.ID {
			t.Helper()
			_, hash := identity.NewSecret()
			k := apikey.Key{
				ID: identity.NewID(), SecretHash: hash, Prefix: identity.NewID().String()[24:], Name: "a key", Scopes: apikey.Scopes{apikey.ScopeUsersRead},
				CreatedBy: &by, CreatedAt: now, ExpiresAt: now.Add(time.Hour),
			}
			if of != nil {
				k.TeamID, k.Role, k.Scopes = of, new(team.RoleAdmin), nil
			}
			d.Do(t, func(ctx context.Context) error { return d.InsertAPIKey(ctx, k) })
			return k.ID
		}
		before := d.User(t) // an operator before
		works := map[identity.ID]bool{
			key(op.ID, nil): false, key(former.ID, nil): false, key(op.ID, &crew.ID): true, key(other.ID, nil): true, key(before.ID, nil): true,
		}
		by := identity.Actor{UserID: other.ID, RecentlyVerified: true}
		if _, err := w.service.Leave(t.Context(), by, op.ID, linking.Leaving{}); err != nil {
			t.Fatal(err)
		}
		machine := identity.NewID()
		if _, err := w.service.Leave(t.Context(), identity.Actor{KeyID: &machine, RecentlyVerified: true}, before.ID, linking.Leaving{}); err != nil {
			t.Fatal(err)
		}
		left := map[identity.ID]bool{}
		for _, u := range []identity.ID{op.ID, other.ID, before.ID} {
			keys, err := d.KeysCreatedBy(t.Context(), u, nil, now)
			if err != nil {
				t.Fatal(err)
			}
			for _, k := range keys {
				left[k.ID] = true
			}
		}
		for id, want := range works {
			if left[id] != want {
				t.Errorf("the key %s works %v, want %v", id, left[id], want)
			}
		}
		if n := d.Count(t, "audit_events WHERE action = 'api_key.revoked' AND CAST(data AS TEXT) LIKE '%creator_deleted%'"); n != 2 {
			t.Errorf("%d keys that ended are in the trail", n)
		}
	})
}

// After the grace nothing personal is left, in no table and no export, and the address
// is known to have been somebody's. The audit trail is what it was.
func TestErasure(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		d.SealAuditWith(identity.Secrets{"a secret that is long enough for this"})
		w, _ := leavers(d)
		bob := w.signIn(t, "google", "bob", vouched("bob@corp.example"))
		crew := d.Team(t, bob.User.ID)
		// Before they were a user, somebody refused them, and somebody invited them.
		refused := w.proof(identity.PurposeLink, "google", "subject-of-ada", vouched("ada@private.example"))
		if _, err := w.apply(t, refused, nil); err == nil {
			t.Fatal("linking without a session works")
		}
		teams := team.NewService(d.DB, d.Clock.Now)
		if _, err := teams.Invite(t.Context(), bob.Actor(d.Clock.Now(), identity.RequestOrigin{}), crew.ID, team.Target{Email: new("ada@private.example")}, team.RoleMember); err != nil {
			t.Fatal(err)
		}
		former := w.signIn(t, "gitlab", "subject-of-former", vouched("former@private.example"))
		ada := w.signIn(t, "google", "subject-of-ada", vouched("ada@private.example"))
		if _, err := w.service.AdminMerge(t.Context(), nil, ada.User.ID, former.User.ID, linking.MergeChoices{Survivor: &ada.User.ID}, false); err != nil {
			t.Fatal(err)
		}
		if err := d.Exec("UPDATE users SET external_id = 'x@private.example', app_metadata = '{\"at\":\"private.example\"}' WHERE id = ?", ada.User.ID); err != nil {
			t.Fatal(err)
		}
		d.Member(t, crew.ID, ada.User.ID, team.RoleAdmin)
		importedAs := map[identity.ID]string{ada.User.ID: "google-oauth2|subject-of-ada", former.User.ID: "former@private.example", bob.User.ID: "github|bob"}
		d.Do(t, func(ctx context.Context) error {
			var b identity.ImportBatch
			for id, source := range importedAs {
				b.Imported = append(b.Imported, identity.Imported{Origin: "auth0", SourceID: source, UserID: id, Email: source, ImportedAt: d.Clock.Now()})
			}
			return d.Import(ctx, b)
		})
		actor := ada.Actor(d.Clock.Now(), identity.RequestOrigin{IP: "192.0.2.77", UserAgent: "Agent of Ada"})
		if _, err := w.service.Leave(t.Context(), actor, ada.User.ID, linking.Leaving{}); err != nil {
			t.Fatal(err)
		}
		private := []string{"private.example", "subject-of-", "192.0.2.77"}
		for _, value := range private {
			if !strings.Contains(trail(t, d), value) {
				t.Errorf("the trail does not show %s to those who may see it", value)
			}
			if stored := dump(t, d, "audit_events"); strings.Contains(stored, value) {
				t.Errorf("the trail has %s in plain: %s", value, stored)
			}
		}
		mail := identity.NewSealer(identity.Secrets{"a secret that is long enough for this"}.Keys(identity.OutboxUse)...)
		waits := func(to, text string) identity.ID {
			task, err := mail.NewTask(identity.TaskMail, identity.Mail{To: to, Template: identity.MailNotice, Data: map[string]string{"what": text}}, d.Clock.Now(), d.Clock.Now().Add(time.Hour))
			if err != nil {
				t.Fatal(err)
			}
			d.Do(t, func(ctx context.Context) error { return d.EnqueueTasks(ctx, task) })
			return task.ID
		}
		waits("ada@private.example", "to them")
		waits("bob@corp.example", "the address ADA@private.example was taken")
		waits("former@private.example", "to them")
		stays := []identity.ID{
			waits("bob@corp.example", "of something else"),
			waits("bob@corp.example", "the addresses bada@private.example, ada@private.example.org"), // of others
		}
		_, events, heads := d.Breaks(t, nil)
		d.Clock.Advance(grace - time.Second)
		if more, err := w.service.EraseDue(t.Context()); err != nil || more || d.Count(t, "deletions WHERE erased_at IS NOT NULL") != 0 {
			t.Fatalf("too early: %v", err)
		}
		d.Clock.Advance(time.Second)
		if _, err := w.service.EraseDue(t.Context()); err != nil {
			t.Fatal(err)
		}
		left, err := d.Tasks(t.Context(), identity.ID{}, 50)
		if err != nil || len(left) != 2 || left[0].ID != stays[0] || left[1].ID != stays[1] {
			t.Errorf("%d mails wait, %v", len(left), err)
		}
		for _, table := range tablesOf(t, d) {
			for _, value := range private {
				if text := dump(t, d, table); strings.Contains(text, value) {
					t.Errorf("%s has %s: %s", table, value, text)
				}
			}
		}
		for _, value := range append(private, "Agent of Ada") {
			if shown := trail(t, d); strings.Contains(shown, value) {
				t.Errorf("the trail shows %s: %s", value, shown)
			}
		}
		for id, source := range importedAs {
			found, err := d.ImportedUsers(t.Context(), "auth0", append(w.service.HashesOfErased(source), source))
			if err != nil || len(found) != 1 || found[0].UserID != id || (found[0].SourceID == source) != (id == bob.User.ID) {
				t.Errorf("imported as %s: %+v, %v", source, found, err)
			}
		}
		// An earlier release left the ids.
		if err := d.Exec("UPDATE import_sources SET source_id = 'left@private.example' WHERE user_id = ?", ada.User.ID); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
		done := make(chan struct{})
		go func() { w.service.RunDeletions(ctx, slog.New(slog.DiscardHandler)); close(done) }()
		for ctx.Err() == nil && strings.Contains(dump(t, d, "import_sources"), "private.example") {
			time.Sleep(5 * time.Millisecond)
		}
		stop()
		<-done
		if text := dump(t, d, "import_sources"); strings.Contains(text, "private.example") || !strings.Contains(text, "github|bob") {
			t.Errorf("import_sources has %s", text)
		}
		if !strings.Contains(trail(t, d), bob.User.ID.String()) || !strings.Contains(trail(t, d), `"subject":"bob"`) {
			t.Error("the values of others are gone")
		}
		var kept []string
		for _, h := range heads {
			kept = append(kept, fmt.Sprintf("%x", h.Hash))
		}
		if breaks, n, _ := d.Breaks(t, nil, kept...); len(breaks) > 0 || n != events+2 { // left the team, and is deleted
			t.Errorf("the trail after it: %d events, %q", n, breaks)
		}
		if _, err := w.apply(t, w.proof(identity.PurposeSignIn, "google", "subject-of-ada", vouched("other@private.example")), nil); err != nil {
			t.Errorf("the identity is not free: %v", err)
		}

		// Its next owner has it, and an account that showed it before asks first.
		heir := w.signIn(t, "github", "heir", vouched("ada@private.example"))
		e, err := w.service.Explain(t.Context(), w.proof(identity.PurposeSignIn, "microsoft", "m", vouched("ada@private.example")), nil)
		if err != nil || e.Decision.Reason != linking.ReasonContested || e.Decision.User != heir.User.ID {
			t.Errorf("the address of somebody who was erased: %+v, %v", e.Decision, err)
		}
	})
}

// An application that mirrors users, teams and sessions by their events is left with no
// session and no member that is somebody who was deleted.
func TestErasureHasEvents(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		w, _ := leavers(d)
		bob := w.signIn(t, "google", "bob", vouched("bob@corp.example"))
		ada := w.signIn(t, "google", "ada", vouched("ada@corp.example"))
		crew, over := d.Team(t, bob.User.ID), d.Team(t, bob.User.ID)
		d.Member(t, crew.ID, ada.User.ID, team.RoleAdmin)
		d.Member(t, over.ID, ada.User.ID, team.RoleMember)
		if err := team.NewService(d.DB, d.Clock.Now).Delete(t.Context(), bob.Actor(d.Clock.Now(), identity.RequestOrigin{}), over.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := w.service.Leave(t.Context(), ada.Actor(d.Clock.Now(), identity.RequestOrigin{}), ada.User.ID, linking.Leaving{}); err != nil {
			t.Fatal(err)
		}
		w.must(t, w.proof(identity.PurposeSignIn, "google", "ada", vouched("ada@corp.example")), nil)
		d.Clock.Advance(grace)
		if _, err := w.service.EraseDue(t.Context()); err != nil {
			t.Fatal(err)
		}
		rows, _, err := audit.NewService(d.DB).List(t.Context(), audit.Filter{UserID: &ada.User.ID}, identity.Page{Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		opened, ended, teams := 0, 0, []identity.ID{}
		for _, r := range rows {
			e, ok := feed.Of(r.Event)
			switch {
			case !ok:
			case e.Type == feed.SessionCreated:
				opened++
			case e.Type == feed.SessionEnded:
				ended += len(e.Data["session_ids"].([]any))
			case e.Type == feed.MemberRemoved:
				teams = append(teams, *r.TeamID)
			}
		}
		if opened != 2 || ended != opened || len(teams) != 1 || teams[0] != crew.ID || rows[0].Action != identity.ActionUserDeleted {
			t.Errorf("%d sessions began, %d ended, removed from %v, in the end %s", opened, ended, teams, rows[0].Action)
		}
	})
}

// named counts the ids that events about a user name, with a reason.
func named(t *testing.T, d *storagetest.Database, user identity.ID, name, reason string) (n int) {
	t.Helper()
	rows, _, err := audit.NewService(d.DB).List(t.Context(), audit.Filter{UserID: &user}, identity.Page{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if ids, ok := r.Data[name].([]any); ok && r.Data["reason"] == reason {
			n += len(ids)
		}
	}
	return n
}

// trail is what the audit trail shows, by pages and as an export.
func trail(t *testing.T, d *storagetest.Database) string {
	t.Helper()
	s := audit.NewService(d.DB)
	rows, _, err := s.List(t.Context(), audit.Filter{}, identity.Page{Limit: 200})
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	write := func(rows []audit.Record) error { return json.NewEncoder(&out).Encode(rows) }
	if err := errors.Join(write(rows), s.Export(t.Context(), audit.Filter{}, write)); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func tablesOf(t *testing.T, d *storagetest.Database) (out []string) {
	t.Helper()
	query := `SELECT name FROM sqlite_master WHERE type = 'table'`
	if d.SQL.QueryRowContext(t.Context(), query).Scan(new(string)) != nil {
		query = `SELECT tablename FROM pg_tables WHERE schemaname = current_schema()`
	}
	rows, err := d.SQL.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		out = append(out, name)
	}
	if rows.Err() != nil || len(out) < 20 {
		t.Fatal(rows.Err(), out)
	}
	return out
}

func dump(t *testing.T, d *storagetest.Database, table string) string {
	t.Helper()
	rows, err := d.SQL.QueryContext(t.Context(), "SELECT * FROM "+table)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	columns, _ := rows.Columns()
	var out strings.Builder
	for rows.Next() {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		for _, v := range values {
			if b, ok := v.([]byte); ok {
				v = string(b)
			}
			fmt.Fprintf(&out, "%v|", v)
		}
	}
	if rows.Err() != nil {
		t.Fatal(rows.Err())
	}
	return out.String()
}

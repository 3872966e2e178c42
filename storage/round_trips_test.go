package storage_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/client"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/identity/teamsession"
	"github.com/latchkey/latchkey/identity/token"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
	"github.com/latchkey/latchkey/linking"
)

// What no result is asked of waits for nothing: it goes with the commit.
func TestWritesGoWithTheCommit(t *testing.T) {
	t.Parallel()
	d, wire := storagetest.OpenOnWire(t)
	now := d.Clock.Now()
	u, c := d.User(t), d.OAuthClient(t)
	tm := d.Team(t, u.ID)
	grant := client.Grant{ID: identity.NewID(), UserID: u.ID, ClientID: c.ID, Scopes: client.Words{"openid"}, CreatedAt: now, UpdatedAt: now}
	d.Do(t, func(ctx context.Context) error { return d.InsertClientGrant(ctx, grant) })
	suspended, keys := d.User(t), d.IDTokenKeys(token.RS256)
	var erased []identity.ID // the call is made twice
	for range 2 {
		gone := d.User(t)
		d.Email(t, gone.ID, storagetest.Word()+"@example.com")
		d.Do(t, func(ctx context.Context) error {
			gone.Status, gone.PrimaryEmail = identity.StatusDisabled, nil
			if err := d.UpdateUser(ctx, gone); err != nil {
				return err
			}
			return d.InsertDeletion(ctx, linking.Deletion{UserID: gone.ID, RequestedAt: now, DeletesAt: now, RestoresTo: identity.StatusActive})
		})
		erased = append(erased, gone.ID)
	}
	for name, row := range map[string]struct {
		write func(ctx context.Context) error
		trips int
	}{
		"NoteSubject":           {func(ctx context.Context) error { return d.NoteSubject(ctx, c.ID, u.ID, now) }, 1},
		"UpdateClient":          {func(ctx context.Context) error { return d.UpdateClient(ctx, c) }, 1},
		"UpdateClientGrant":     {func(ctx context.Context) error { return d.UpdateClientGrant(ctx, grant) }, 1},
		"TouchClientGrant":      {func(ctx context.Context) error { return d.TouchClientGrant(ctx, grant.ID, now) }, 1},
		"DeleteDeletion":        {func(ctx context.Context) error { return d.DeleteDeletion(ctx, u.ID) }, 1},
		"SetRestoresTo":         {func(ctx context.Context) error { return d.SetRestoresTo(ctx, u.ID, identity.StatusActive) }, 1},
		"Suspend":               {func(ctx context.Context) error { return d.Suspend(ctx, suspended.ID, nil, now) }, 1},
		"UpdateApplicationData": {func(ctx context.Context) error { return d.UpdateApplicationData(ctx, u) }, 1},
		"PostponeTask":          {func(ctx context.Context) error { return d.PostponeTask(ctx, identity.Task{}, now) }, 1},
		"RetireSigningKeys":     {func(ctx context.Context) error { return keys.RetireSigningKeys(ctx, now) }, 1},
		"ResealSigningKey":      {func(ctx context.Context) error { return keys.ResealSigningKey(ctx, token.Key{Sealed: []byte{1}}) }, 1},
		"DeleteSigningKeys":     {keys.DeleteSigningKeys, 1},
		// It asks whether they were a member, and the commit goes alone.
		"ImportMember": {func(ctx context.Context) error {
			_, err := d.ImportMember(ctx, team.Membership{TeamID: tm.ID, UserID: u.ID, Role: team.RoleOwner, CreatedAt: now}, now)
			return err
		}, 2},
		// It reads the addresses whose mail goes, whose keys of the audit trail go, and the
		// vouchers, and the ids that they were imported by.
		"Erase": {func(ctx context.Context) error {
			user := erased[0]
			erased = erased[1:]
			return d.Erase(ctx, []identity.ID{user}, func(string) string { return storagetest.Word() }, now)
		}, 5},
	} {
		trips, asked := wire.Count(t, func() { d.Do(t, row.write) })
		if trips != row.trips {
			t.Errorf("%s: %d round trips, want %d: %q", name, trips, row.trips, asked)
		}
	}
}

// What the service does to sessions waits for no more answers than decide something:
// what is held, what ends with it, and the commit.
func TestRoundTripsOfSessions(t *testing.T) {
	t.Parallel()
	d, wire := storagetest.OpenOnWire(t)
	service := session.NewService(d.DB, nil, session.Limits{Idle: time.Hour, Lifetime: 2 * time.Hour}, d.Clock.Now)
	inTeams := teamsession.NewService(d.DB, service, d.Clock.Now)
	u := d.User(t)
	tm := d.Team(t, u.ID)
	open := map[bool][]session.Session{} // by whether they act in the team
	for n := range 12 {
		s := d.Session(t, u.ID)
		if n%2 == 0 {
			d.TeamSession(t, tm.ID, s)
		}
		open[n%2 == 0] = append(open[n%2 == 0], s)
	}
	actor := func(inTeam bool) identity.Actor {
		s := open[inTeam][0]
		open[inTeam] = open[inTeam][1:]
		return identity.Actor{UserID: u.ID, SessionID: s.ID, RecentlyVerified: true}
	}
	var entered []identity.ID
	for _, c := range []struct {
		name string
		call func() error
		want int
	}{
		// Member and session, which are locked one after the other, and what is
		// answered.
		{"entering a team", func() error {
			in, created, err := inTeams.Enter(t.Context(), actor(false), tm.ID, false)
			entered = append(entered, in.ID)
			if err == nil && !created {
				err = errors.New("there was a team session")
			}
			return err
		}, 4},
		{"ending a team session", func() error {
			id := entered[0]
			entered = entered[1:]
			return inTeams.Revoke(t.Context(), identity.Actor{UserID: u.ID, RecentlyVerified: true}, tm.ID, id)
		}, 4},
		{"signing out", func() error { return service.SignOut(t.Context(), actor(false)) }, 3},
		{"signing out of a team", func() error { return service.SignOut(t.Context(), actor(true)) }, 3},
		{"ending another session", func() error { return service.End(t.Context(), identity.Actor{UserID: u.ID}, actor(false).SessionID) }, 3},
		{"ending somebody's session", func() error {
			return service.RevokeSession(t.Context(), identity.Actor{UserID: u.ID}, actor(true).SessionID)
		}, 4},
	} {
		trips, asked := wire.Count(t, func() {
			if err := c.call(); err != nil {
				t.Error(err)
			}
		})
		if trips != c.want {
			t.Errorf("%s: %d round trips, want %d: %q", c.name, trips, c.want, asked)
		}
	}
}

// Whether requests can be answered is asked all the time, and costs one answer.
func TestReadyIsOneRoundTrip(t *testing.T) {
	t.Parallel()
	d, wire := storagetest.OpenOnWire(t)
	trips, asked := wire.Count(t, func() {
		if err := d.Ready(t.Context()); err != nil {
			t.Error(err)
		}
	})
	if trips != 1 {
		t.Errorf("%d round trips, want 1: %q", trips, asked)
	}
}

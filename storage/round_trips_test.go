package storage_test

import (
	"context"
	"testing"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/client"
	"github.com/latchkey/latchkey/identity/team"
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
		// It reads whose keys of the audit trail go, and the vouchers.
		"Erase": {func(ctx context.Context) error {
			user := erased[0]
			erased = erased[1:]
			return d.Erase(ctx, []identity.ID{user}, func(string) string { return storagetest.Word() }, now)
		}, 3},
	} {
		trips, asked := wire.Count(t, func() { d.Do(t, row.write) })
		if trips != row.trips {
			t.Errorf("%s: %d round trips, want %d: %q", name, trips, row.trips, asked)
		}
	}
}

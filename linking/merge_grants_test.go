package linking_test

import (
	"context"
	"errors"
	"testing"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/client"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
	"github.com/latchkey/latchkey/linking"
)

// What the merged user let applications do ends with them, and no undo brings it
// back; what the survivor agreed to goes on.
func TestMergeEndsWhatApplicationsMayDo(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		w := newWorld(d, linking.PolicyAuto)
		app := d.OAuthClient(t)
		survivor, source := d.User(t).ID, d.User(t).ID
		for _, user := range []identity.ID{survivor, source} {
			d.Wallet(t, user)
			g := client.Grant{ID: identity.NewID(), UserID: user, ClientID: app.ID, CreatedAt: d.Clock.Now(), UpdatedAt: d.Clock.Now()}
			d.Do(t, func(ctx context.Context) error { return d.InsertClientGrant(ctx, g) })
		}
		live := func(user identity.ID) bool {
			t.Helper()
			_, err := d.ClientGrant(t.Context(), user, app.ID, nil)
			if err != nil && !errors.Is(err, identity.ErrNotFound) {
				t.Fatal(err)
			}
			return err == nil
		}
		m, err := w.service.AdminMerge(t.Context(), nil, source, survivor, linking.MergeChoices{Survivor: &survivor}, false)
		if err != nil || live(source) || !live(survivor) {
			t.Errorf("merged: %v; the source's grant %v, the survivor's %v", err, live(source), live(survivor))
		}
		if _, err := w.service.UndoAnyMerge(t.Context(), m.ID); err != nil || live(source) || !live(survivor) {
			t.Errorf("undone: %v; the source's grant %v, the survivor's %v", err, live(source), live(survivor))
		}
	})
}

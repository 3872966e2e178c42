package linking_test

import (
	"slices"
	"testing"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
	"github.com/latchkey/latchkey/linking"
)

// A restored database may have a user who was erased as merged into another: who that is
// decides what becomes of them.
func TestErasedAgainWhileMerged(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		w := newWorld(d, linking.PolicyAuto)
		erased, survivor := w.signIn(t, "google", "erased", shown("")).User.ID, w.signIn(t, "google", "survivor", shown("")).User.ID
		if _, err := w.service.AdminMerge(t.Context(), nil, erased, survivor, linking.MergeChoices{Survivor: &survivor}, false); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			list         linking.Erased
			users, other []identity.ID
		}{
			{linking.Erased{UserID: identity.NewID()}, nil, nil},
			{linking.Erased{UserID: erased}, nil, []identity.ID{erased}}, // the merge was undone after the backup
			{linking.Erased{UserID: survivor, FormerIDs: []identity.ID{erased}}, []identity.ID{survivor}, nil},
			{linking.Erased{UserID: survivor, FormerIDs: []identity.ID{erased}}, nil, nil},
		} {
			got, err := w.service.EraseAgain(t.Context(), c.list)
			if err != nil || !slices.Equal(got.Users, c.users) || !slices.Equal(got.Merged, c.other) {
				t.Errorf("%+v: %+v, %v", c.list, got, err)
			}
		}
	})
}

package apikey_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/apikey"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/storage/storagetest"
)

// The last place goes to one, however many ask at once; and a key, even an
// admin's, makes, sees, rotates and ends none.
func TestKeysOfATeamAreCountedUnderItsLock(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		keys := apikey.NewService(d.DB, d.Clock.Now)
		owner := d.User(t)
		id := d.Team(t, owner.ID).ID
		actor := identity.Actor{UserID: owner.ID, SessionID: identity.NewID(), Fresh: true}
		n := apikey.NewMachine{Name: "m", Role: team.RoleAdmin}
		var last apikey.Key
		for range apikey.MaxPerTeam - 1 {
			var err error
			if last, _, err = keys.CreateInTeam(t.Context(), actor, id, n); err != nil {
				t.Fatal(err)
			}
		}
		var made atomic.Int32
		var wg sync.WaitGroup
		for range 6 {
			wg.Go(func() {
				switch _, _, err := keys.CreateInTeam(t.Context(), actor, id, n); {
				case err == nil:
					made.Add(1)
				case identity.ErrorCode(err) != identity.CodeTooManyKeys:
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if made.Load() != 1 {
			t.Errorf("%d got the last place", made.Load())
		}

		machine := last.Actor(identity.Client{})
		_, _, created := keys.CreateInTeam(t.Context(), machine, id, n)
		_, _, listed := keys.ListInTeam(t.Context(), machine, id, identity.Page{Limit: 9})
		_, _, rotated := keys.RotateInTeam(t.Context(), machine, id, last.ID, 0)
		for name, err := range map[string]error{"create": created, "list": listed, "rotate": rotated, "revoke": keys.RevokeInTeam(t.Context(), machine, id, last.ID)} {
			if identity.ErrorCode(err) != identity.CodeForbidden {
				t.Errorf("%s by a key: %v", name, err)
			}
		}
		n.Role = team.RoleOwner
		if _, _, err := keys.CreateInTeam(t.Context(), actor, id, n); identity.ErrorCode(err) != identity.CodeInvalidRequest {
			t.Errorf("an owner: %v", err)
		}
	})
}

package user_test

import (
	"testing"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/user"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

// An external id by which somebody is found already is refused, whether another user has
// it or the user had it before a merge. The user's own is theirs still.
func TestExternalIDIsTaken(t *testing.T) {
	each(t, func(t *testing.T, d *storagetest.Database, s *user.Service) {
		u := d.User(t)
		d.User(t, func(m *identity.User) {
			m.Status, m.MergedInto, m.ExternalID = identity.StatusMerged, &u.ID, new("former")
		})
		d.User(t, func(o *identity.User) { o.ExternalID = new("another's") })
		key := identity.NewID()
		for _, step := range []struct {
			give string
			want identity.Code
		}{
			{"own", ""}, {"own", ""}, {"former", identity.CodeExternalIDTaken}, {"another's", identity.CodeExternalIDTaken},
			{"", ""}, {"former", identity.CodeExternalIDTaken}, {"own", ""},
		} {
			_, err := s.UpdateByApplication(t.Context(), identity.Actor{KeyID: &key, RecentlyVerified: true}, u.ID.String(), user.ApplicationChange{ExternalID: &step.give})
			if identity.ErrorCode(err) != step.want || step.want == "" && err != nil {
				t.Errorf("%q: %v, want %q", step.give, err, step.want)
			}
		}
	})
}

package user_test

import (
	"testing"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/user"
	"github.com/latchkey/latchkey/storage/storagetest"
)

// An operator's account is suspended and restored by an operator, never by an API
// key; everyone else's by either.
func TestAnAPIKeyDoesNotChangeAnOperator(t *testing.T) {
	each(t, func(t *testing.T, d *storagetest.Database, s *user.Service) {
		key := identity.NewID()
		by := map[string]identity.Actor{"key": {KeyID: &key, Fresh: true}, "operator": actor(d.User(t))}
		for _, operator := range []bool{true, false} {
			for _, from := range []identity.Status{identity.StatusActive, identity.StatusDisabled} {
				for name, a := range by {
					u := d.User(t, func(u *identity.User) { u.Operator, u.Status = operator, from })
					d.Wallet(t, u.ID)
					to, code := identity.StatusDisabled, identity.Code("")
					if from == identity.StatusDisabled {
						to = identity.StatusActive
					}
					want := to
					if operator && name == "key" {
						want, code = from, identity.CodeForbidden
					}
					_, err := s.SetStatus(t.Context(), a, u.ID, to, "", false)
					if identity.ErrorCode(err) != code || code == "" && err != nil {
						t.Errorf("operator %v, from %s by the %s: %v, want %q", operator, from, name, err, code)
					}
					if got, err := s.Get(t.Context(), u.ID); err != nil || got.Status != want {
						t.Errorf("operator %v, from %s by the %s: it is %s, want %s; %v", operator, from, name, got.Status, want, err)
					}
				}
			}
		}
	})
}

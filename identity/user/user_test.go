package user_test

import (
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/user"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

func each(t *testing.T, test func(t *testing.T, d *storagetest.Database, s *user.Service)) {
	t.Helper()
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		test(t, d, user.NewService(d.DB, identity.NoNotices{}, d.Clock.Now))
	})
}

func actor(u identity.User) identity.Actor {
	return identity.Actor{UserID: u.ID, SessionID: identity.NewID(), RecentlyVerified: true}
}

func TestUpdateChangesWhatIsGivenAndNothingElse(t *testing.T) {
	each(t, func(t *testing.T, d *storagetest.Database, s *user.Service) {
		u := d.User(t, func(u *identity.User) {
			u.AvatarURL, u.Metadata = "https://a.example", identity.Metadata{"k": "v"}.Raw()
		})
		d.Clock.Advance(time.Hour)
		first := d.Clock.Now()
		update := func(c user.Change) identity.User {
			t.Helper()
			got, err := s.Update(t.Context(), actor(u), c)
			if err != nil {
				t.Fatal(err)
			}
			stored, err := s.Get(t.Context(), u.ID)
			if err != nil {
				t.Fatal(err)
			}
			storagetest.Same(t, stored.User, got)
			return got
		}
		want := u
		want.UpdatedAt, want.DisplayName = first, "Grace"
		storagetest.Same(t, update(user.Change{DisplayName: new(" Grace ")}), want)
		want.Metadata = ""
		storagetest.Same(t, update(user.Change{Metadata: identity.Metadata{}}), want)
		want.OnboardedAt = &first
		storagetest.Same(t, update(user.Change{Onboarded: new(true)}), want)
		d.Clock.Advance(time.Hour)
		want.UpdatedAt = d.Clock.Now()
		storagetest.Same(t, update(user.Change{Onboarded: new(true)}), want) // the first time counts
		want.OnboardedAt = nil
		storagetest.Same(t, update(user.Change{Onboarded: new(false)}), want)
		storagetest.Same(t, d.Count(t, "audit_events"), 5)
	})
}

func TestUpdateRefuses(t *testing.T) {
	each(t, func(t *testing.T, d *storagetest.Database, s *user.Service) {
		u := d.User(t)
		for name, c := range map[string]user.Change{
			"a control character": {DisplayName: new("a\x00b")},
			"a line break":        {DisplayName: new("a\nb")},
			"too much metadata":   {Metadata: identity.Metadata{"k": strings.Repeat("x", 16<<10)}},
			"NUL in metadata":     {Metadata: identity.Metadata{"k": []any{map[string]any{"d": "a\x00b"}}}},
			"NUL in a key":        {Metadata: identity.Metadata{"a\x00b": 1}},
		} {
			_, err := s.Update(t.Context(), actor(u), c)
			storagetest.WantCode(t, name, err, identity.CodeInvalidRequest)
		}
		if _, err := s.Update(t.Context(), actor(u), user.Change{Metadata: identity.Metadata{"k": `\u0000 is only text`}}); err != nil {
			t.Error(err)
		}
		for name, other := range map[string]identity.User{
			"disabled": d.User(t, func(u *identity.User) { u.Status = identity.StatusDisabled }),
			"merged":   d.User(t, func(m *identity.User) { m.Status, m.MergedInto = identity.StatusMerged, &u.ID }),
			"unknown":  {ID: identity.NewID()},
		} {
			_, err := s.Update(t.Context(), actor(other), user.Change{DisplayName: new("x")})
			storagetest.WantNotFound(t, name, err)
			_, err = s.SetOperator(t.Context(), other.ID, true)
			storagetest.WantNotFound(t, name+" as operator", err)
		}
	})
}

func TestOperators(t *testing.T) {
	each(t, func(t *testing.T, d *storagetest.Database, s *user.Service) {
		u := d.User(t)
		for _, operator := range []bool{true, false} {
			got, err := s.SetOperator(t.Context(), u.ID, operator)
			if err != nil || got.Operator != operator {
				t.Errorf("%+v, %v", got, err)
			}
		}
		list, next, err := s.List(t.Context(), identity.UserFilter{}, identity.Page{Limit: 1})
		if err != nil || next != nil || len(list) != 1 || len(list[0].Identities) != 1 {
			t.Errorf("%+v, %v, %v", list, next, err)
		}
		tombstone := d.User(t, func(m *identity.User) { m.Status, m.MergedInto = identity.StatusMerged, &u.ID })
		if got, err := s.Get(t.Context(), tombstone.ID); err != nil || got.ID != u.ID || len(got.Identities) != 1 {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

func TestLabelsAndPrimaries(t *testing.T) {
	each(t, func(t *testing.T, d *storagetest.Database, s *user.Service) {
		u, other := d.User(t), d.User(t)
		first, second, foreign := d.Wallet(t, u.ID), d.Wallet(t, u.ID), d.Wallet(t, other.ID)
		for _, w := range []identity.Identity{first, second} {
			if got, err := s.MakePrimary(t.Context(), actor(u), w.ID); err != nil || !got.IsPrimary {
				t.Errorf("%+v, %v", got, err)
			}
		}
		all, _, err := s.Identities(t.Context(), u.ID, identity.Page{Limit: 9})
		if err != nil || len(all) != 3 || all[1].IsPrimary || !all[2].IsPrimary {
			t.Errorf("%+v, %v", all, err)
		}
		_, err = s.MakePrimary(t.Context(), actor(u), foreign.ID)
		storagetest.WantNotFound(t, "another's wallet", err)
		_, err = s.SetLabel(t.Context(), actor(u), foreign.ID, "mine")
		storagetest.WantNotFound(t, "another's label", err)
		_, err = s.MakePrimary(t.Context(), actor(u), all[0].ID)
		storagetest.WantCode(t, "an identity without an address", err, identity.CodeNoVerifiedAddress)
		if got, err := s.SetLabel(t.Context(), actor(u), first.ID, " ledger "); err != nil || got.Label != "ledger" {
			t.Errorf("%+v, %v", got, err)
		}
		for _, bad := range []string{"a\x00", strings.Repeat("é", 101)} {
			_, err := s.SetLabel(t.Context(), actor(u), first.ID, bad)
			storagetest.WantCode(t, "label", err, identity.CodeInvalidRequest)
		}
	})
}

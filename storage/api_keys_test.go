package storage_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/apikey"
	"github.com/latchkey/latchkey/identity/audit"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

func testAPIKeys(t *testing.T, d *storagetest.Database) {
	now := d.Clock.Now()
	insert := func(edit ...func(k *apikey.Key)) apikey.Key {
		t.Helper()
		k := apikey.Key{
			ID: identity.NewID(), Prefix: strings.ToLower(storagetest.Word()[:12]), SecretHash: hash(), Name: "a name",
			Scopes: apikey.Scopes{apikey.ScopeIntrospect}, CreatedAt: now, ExpiresAt: now.Add(time.Hour),
		}
		for _, e := range edit {
			e(&k)
		}
		d.Do(t, func(ctx context.Context) error { return d.InsertAPIKey(ctx, k) })
		return k
	}
	read := func(k apikey.Key) apikey.Key {
		t.Helper()
		var locked apikey.Key
		d.Do(t, func(ctx context.Context) (err error) { locked, err = d.LockAPIKey(ctx, k.ID); return err })
		byPrefix := must[apikey.Key](t)(d.APIKeyByPrefix(t.Context(), k.Prefix))
		storagetest.Same(t, byPrefix, locked)
		return byPrefix
	}
	u := d.User(t)
	tm := d.Team(t, u.ID)
	bare := insert()
	full := insert(func(k *apikey.Key) {
		k.Scopes, k.CreatedBy, k.ReplacedBy, k.LastUsedAt, k.RevokedAt = apikey.AllScopes, &u.ID, &bare.ID, &now, &now
	})
	role := team.RoleAdmin
	machine := insert(func(k *apikey.Key) { k.Scopes, k.TeamID, k.Role = nil, &tm.ID, &role })
	for _, k := range []apikey.Key{bare, full, machine} {
		storagetest.Same(t, read(k), k)
	}
	former := d.User(t, func(o *identity.User) { o.Status, o.MergedInto = identity.StatusMerged, &u.ID })
	ids := []identity.ID{u.ID, former.ID, bare.ID, machine.ID, identity.NewID(), u.ID}
	storagetest.Same(t, must[map[identity.ID]audit.Party](t)(d.Parties(t.Context(), ids)), map[identity.ID]audit.Party{
		u.ID: {User: &identity.Summary{DisplayName: "Ada"}}, former.ID: {User: &identity.Summary{DisplayName: "Ada"}}, bare.ID: {KeyName: "a name"}, machine.ID: {KeyName: "a name"},
	})
	storagetest.Same(t, must[map[identity.ID]audit.Party](t)(d.Parties(t.Context(), nil)), map[identity.ID]audit.Party{})

	ended := bare
	ended.ExpiresAt, ended.RevokedAt, ended.ReplacedBy = now.Add(time.Minute), &now, &full.ID
	want := ended
	ended.Name, ended.Scopes, ended.SecretHash, ended.LastUsedAt = "another", apikey.AllScopes, hash(), &now
	d.Do(t, func(ctx context.Context) error { return d.EndAPIKey(ctx, ended) })
	storagetest.Same(t, read(bare), want)

	for _, at := range []time.Time{now.Add(time.Hour), now.Add(time.Minute)} { // never back
		if err := d.TouchAPIKey(t.Context(), machine.ID, at); err != nil {
			t.Fatal(err)
		}
	}
	machine.LastUsedAt = new(now.Add(time.Hour))
	storagetest.Same(t, read(machine), machine)
	storagetest.Same(t, read(full), full)

	list := func(team *identity.ID, p identity.Page) []apikey.Key {
		t.Helper()
		return must[[]apikey.Key](t)(d.APIKeys(t.Context(), team, p))
	}
	all := []apikey.Key{full, want}
	storagetest.Same(t, list(nil, identity.Page{Limit: 9}), all)
	storagetest.Same(t, list(nil, identity.Page{Limit: 9, After: &full.ID}), all[1:])
	storagetest.Same(t, list(&tm.ID, identity.Page{Limit: 9}), []apikey.Key{machine})
	if slices.ContainsFunc(list(nil, identity.Page{Limit: 9}), func(k apikey.Key) bool { return k.TeamID != nil }) {
		t.Error("a team's key is among the deployment's")
	}
	testKeysOfATeam(t, d, machine, func(edit func(k *apikey.Key)) apikey.Key { return insert(edit) })
	storagetest.Same(t, read(full), full)
	for _, prefix := range []string{"", "none", "\x00", "\xff"} {
		_, err := d.APIKeyByPrefix(t.Context(), prefix)
		storagetest.WantNotFound(t, "prefix "+prefix, err)
	}
	d.Do(t, func(ctx context.Context) error {
		_, err := d.LockAPIKey(ctx, identity.NewID())
		storagetest.WantNotFound(t, "no key", err)
		return nil
	})
}

// testKeysOfATeam asks for the place of a key in its team, and ends it.
func testKeysOfATeam(t *testing.T, d *storagetest.Database, machine apikey.Key, insert func(edit func(k *apikey.Key)) apikey.Key) {
	t.Helper()
	now, id := d.Clock.Now(), *machine.TeamID
	owner := d.User(t)
	foreign := d.Team(t, owner.ID)
	member := func(of identity.ID, edit func(k *apikey.Key)) apikey.Key {
		return insert(func(k *apikey.Key) {
			k.Scopes, k.TeamID, k.Role = nil, &of, new(team.RoleMember)
			edit(k)
		})
	}
	simple := member(id, func(*apikey.Key) {})
	over := member(id, func(k *apikey.Key) { k.CreatedAt, k.ExpiresAt = now.Add(-time.Hour), now })
	revokedAt := now.Add(-time.Minute)
	revoked := member(id, func(k *apikey.Key) { k.CreatedAt, k.RevokedAt = now.Add(-time.Hour), &revokedAt })
	theirs := member(foreign.ID, func(*apikey.Key) {})
	deployment := insert(func(*apikey.Key) {})

	for _, k := range []apikey.Key{machine, simple} {
		m := must[team.TeamWithRole](t)(d.TeamForKey(t.Context(), id, k.ID, now))
		if m.ID != id || m.Name == "" || m.Role != *k.Role {
			t.Errorf("it is %+v", m)
		}
	}
	for name, k := range map[string]identity.ID{
		"expired": over.ID, "revoked": revoked.ID, "another team's": theirs.ID, "the deployment's": deployment.ID, "none": identity.NewID(), "a user": owner.ID,
	} {
		_, err := d.TeamForKey(t.Context(), id, k, now)
		storagetest.WantNotFound(t, name, err)
	}
	_, err := d.TeamForKey(t.Context(), id, simple.ID, simple.ExpiresAt)
	storagetest.WantNotFound(t, "at its end", err)

	count := func(of identity.ID, at time.Time) int { return must[int](t)(d.CountTeamAPIKeys(t.Context(), of, at)) }
	if a, b, c := count(id, now), count(id, simple.ExpiresAt), count(foreign.ID, now); a != 2 || b != 0 || c != 1 {
		t.Errorf("%d, %d and %d keys work, want 2, 0 and 1", a, b, c)
	}

	for _, want := range []int{3, 0} { // the expired one, too
		d.Do(t, func(ctx context.Context) error {
			n, err := d.EndTeamAPIKeys(ctx, id, now)
			if n != want {
				t.Errorf("%d keys ended, want %d", n, want)
			}
			return err
		})
	}
	for _, k := range must[[]apikey.Key](t)(d.APIKeys(t.Context(), &id, identity.Page{Limit: 9})) {
		want := now
		if k.ID == revoked.ID {
			want = revokedAt
		}
		if k.RevokedAt == nil || !k.RevokedAt.Equal(want) {
			t.Errorf("%s ended at %v, want %v", k.ID, k.RevokedAt, want)
		}
	}
	_, err = d.TeamForKey(t.Context(), id, simple.ID, now)
	storagetest.WantNotFound(t, "ended", err)
	if m := must[team.TeamWithRole](t)(d.TeamForKey(t.Context(), foreign.ID, theirs.ID, now)); m.Role != team.RoleMember {
		t.Errorf("it is %+v", m)
	}
	d.Do(t, func(ctx context.Context) error {
		foreign.DeletedAt = &now
		return d.UpdateTeam(ctx, foreign)
	})
	_, err = d.TeamForKey(t.Context(), foreign.ID, theirs.ID, now)
	storagetest.WantNotFound(t, "of a deleted team", err)
}

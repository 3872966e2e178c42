package storagetest

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/apikey"
	"github.com/latchkey/latchkey/identity/team"
)

func testAPIKeys(t *testing.T, d *Database) {
	now := d.Clock.Now()
	insert := func(edit ...func(k *apikey.Key)) apikey.Key {
		t.Helper()
		k := apikey.Key{
			ID: identity.NewID(), Prefix: strings.ToLower(Word()[:12]), SecretHash: hash(), Name: "a name",
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
		Same(t, byPrefix, locked)
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
		Same(t, read(k), k)
	}

	ended := bare
	ended.ExpiresAt, ended.RevokedAt, ended.ReplacedBy = now.Add(time.Minute), &now, &full.ID
	want := ended
	ended.Name, ended.Scopes, ended.SecretHash, ended.LastUsedAt = "another", apikey.AllScopes, hash(), &now
	d.Do(t, func(ctx context.Context) error { return d.EndAPIKey(ctx, ended) })
	Same(t, read(bare), want)

	for _, at := range []time.Time{now.Add(time.Hour), now.Add(time.Minute)} { // never back
		if err := d.TouchAPIKey(t.Context(), machine.ID, at); err != nil {
			t.Fatal(err)
		}
	}
	machine.LastUsedAt = new(now.Add(time.Hour))
	Same(t, read(machine), machine)
	Same(t, read(full), full)

	list := func(team *identity.ID, p identity.Page) []apikey.Key {
		t.Helper()
		return must[[]apikey.Key](t)(d.APIKeys(t.Context(), team, p))
	}
	all := []apikey.Key{full, want}
	Same(t, list(nil, identity.Page{Limit: 9}), all)
	Same(t, list(nil, identity.Page{Limit: 9, After: &full.ID}), all[1:])
	Same(t, list(&tm.ID, identity.Page{Limit: 9}), []apikey.Key{machine})
	if slices.ContainsFunc(list(nil, identity.Page{Limit: 9}), func(k apikey.Key) bool { return k.TeamID != nil }) {
		t.Error("a team's key is among the deployment's")
	}
	for _, prefix := range []string{"", "none", "\x00", "\xff"} {
		_, err := d.APIKeyByPrefix(t.Context(), prefix)
		WantNotFound(t, "prefix "+prefix, err)
	}
	d.Do(t, func(ctx context.Context) error {
		_, err := d.LockAPIKey(ctx, identity.NewID())
		WantNotFound(t, "no key", err)
		return nil
	})
}

package storage_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/client"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

func testClients(t *testing.T, d *storagetest.Database) {
	now := d.Clock.Now()
	u := d.User(t)
	tm := d.Team(t, u.ID)
	get := func(id string) client.Client { t.Helper(); return must[client.Client](t)(d.Client(t.Context(), id)) }
	lock := func(id string) (c client.Client) {
		t.Helper()
		d.Do(t, func(ctx context.Context) (err error) { c, err = d.LockClient(ctx, id); return err })
		return c
	}
	hold := func(id string) (c client.Client, err error) {
		t.Helper()
		err = d.InTx(t.Context(), func(ctx context.Context) (err error) { c, err = d.HoldClient(ctx, id); return err })
		return c, err
	}
	bare := d.OAuthClient(t)
	full := d.OAuthClient(t, func(c *client.Client) {
		c.LogoURI, c.Kind, c.SecretHash, c.PreviousSecretHash, c.PreviousSecretUntil = "https://a/l", client.Confidential, hash(), hash(), &now
		c.RedirectURIs, c.PostLogoutURIs, c.BackchannelURI = client.Words{"a", "b"}, client.Words{"c"}, "https://a/b"
		c.Grants, c.Scopes, c.Resources = client.Words{client.GrantCode, client.GrantRefresh}, client.Words{"openid", "x"}, client.Words{"r", "s"}
		c.Claims = client.Words{"email", "app_metadata.role"}
		c.IDTokenAlg, c.Trusted, c.TeamID, c.CreatedBy = "EdDSA", true, &tm.ID, &u.ID
	})
	document := d.OAuthClient(t, func(c *client.Client) { c.ID, c.DocumentHash = "https://agent.example/client.json", hash() })
	for _, c := range []client.Client{bare, full, document} {
		storagetest.Same(t, get(c.ID), c)
		storagetest.Same(t, lock(c.ID), c)
		storagetest.Same(t, must[client.Client](t)(hold(c.ID)), c)
	}
	for _, id := range []string{"", "none", "\x00", "\xff"} {
		_, err := d.Client(t.Context(), id)
		storagetest.WantNotFound(t, "client "+id, err)
		_, err = hold(id)
		storagetest.WantNotFound(t, "holding "+id, err)
	}
	d.Do(t, func(ctx context.Context) error {
		_, err := d.HoldClient(ctx, full.ID)
		if d.Engine == storagetest.Postgres { // SQLite's transactions wait for each other anyway
			if err := d.Exec("SELECT id FROM clients WHERE id = ? FOR SHARE NOWAIT", full.ID); err != nil {
				t.Errorf("two cannot hold a client: %v", err)
			}
			if err := d.Exec("SELECT id FROM clients WHERE id = ? FOR NO KEY UPDATE NOWAIT", full.ID); err == nil {
				t.Error("a client that is held can be changed")
			}
		}
		return err
	})

	list := func(after string, limit int) (ids []string) {
		t.Helper()
		for _, c := range must[[]client.Client](t)(d.Clients(t.Context(), after, limit)) {
			ids = append(ids, c.ID)
		}
		return ids
	}
	all := []string{document.ID, full.ID, bare.ID}
	storagetest.Same(t, list("", 9), all)
	storagetest.Same(t, list("", 1), all[:2])
	storagetest.Same(t, list(document.ID, 9), all[1:])

	changed := full
	changed.Name, changed.LogoURI, changed.Trusted, changed.TeamID, changed.Scopes = "Another", "", false, nil, client.Words{"openid"}
	changed.SecretHash, changed.PreviousSecretHash, changed.PreviousSecretUntil = hash(), nil, nil
	changed.UpdatedAt, changed.DeletedAt = now.Add(time.Minute), nil
	want := changed
	changed.CreatedAt, changed.CreatedBy = now.Add(time.Hour), nil // never
	d.Do(t, func(ctx context.Context) error { return d.UpdateClient(ctx, changed) })
	storagetest.Same(t, get(full.ID), want)
	storagetest.Same(t, get(bare.ID), bare)
	want.DeletedAt = &now
	d.Do(t, func(ctx context.Context) error { return d.UpdateClient(ctx, want) })
	_, err := d.Client(t.Context(), full.ID)
	storagetest.WantNotFound(t, "a deleted one", err)
	_, err = hold(full.ID)
	storagetest.WantNotFound(t, "holding a deleted one", err)
	storagetest.Same(t, lock(full.ID), want)
	storagetest.Same(t, list("", 9), []string{document.ID, bare.ID})

	r := client.Resource{URI: "https://api.example.com", Name: "API", Scopes: client.Words{"read", "write"}, CreatedAt: now}
	plain := client.Resource{URI: "https://b.example.com", CreatedAt: now}
	d.Do(t, func(ctx context.Context) error { return d.InsertResource(ctx, plain) })
	d.Do(t, func(ctx context.Context) error { return d.InsertResource(ctx, r) })
	storagetest.Same(t, must[client.Resource](t)(d.Resource(t.Context(), r.URI)), r)
	storagetest.Same(t, must[[]client.Resource](t)(d.Resources(t.Context())), []client.Resource{r, plain})
	_, err = d.Resource(t.Context(), "\x00")
	storagetest.WantNotFound(t, "no resource", err)
	testClientGrants(t, d, bare, document, tm.ID)
}

func testClientGrants(t *testing.T, d *storagetest.Database, app, document client.Client, teamID identity.ID) {
	t.Helper()
	now := d.Clock.Now()
	u, other := d.User(t), d.User(t)
	grant := func(user identity.ID, of client.Client, edit ...func(g *client.Grant)) client.Grant {
		t.Helper()
		g := client.Grant{ID: identity.NewID(), UserID: user, ClientID: of.ID, CreatedAt: now, UpdatedAt: now, DocumentHash: of.DocumentHash}
		for _, e := range edit {
			e(&g)
		}
		d.Do(t, func(ctx context.Context) error { return d.InsertClientGrant(ctx, g) })
		return g
	}
	live := func(user identity.ID, of client.Client, team *identity.ID) (client.Grant, error) {
		return d.ClientGrant(t.Context(), user, of.ID, team)
	}
	former := grant(u.ID, app, func(g *client.Grant) { g.RevokedAt = &now })
	_, err := live(u.ID, app, nil)
	storagetest.WantNotFound(t, "revoked", err)
	bare := grant(u.ID, app)
	inTeam := grant(u.ID, app, func(g *client.Grant) {
		g.TeamID, g.Scopes, g.Resources, g.LastUsedAt = &teamID, client.Words{"openid", "x"}, client.Words{"https://r"}, &now
	})
	theirs, agent := grant(other.ID, app), grant(u.ID, document)
	for g, team := range map[*client.Grant]*identity.ID{&bare: nil, &inTeam: &teamID} {
		storagetest.Same(t, must[client.Grant](t)(live(u.ID, app, team)), *g)
	}
	for _, g := range []client.Grant{former, bare, inTeam, theirs, agent} {
		storagetest.Same(t, must[client.Grant](t)(d.ClientGrantByID(t.Context(), g.ID)), g)
	}
	_, err = live(other.ID, app, &teamID)
	storagetest.WantNotFound(t, "in another team", err)
	_, err = d.ClientGrantByID(t.Context(), identity.NewID())
	storagetest.WantNotFound(t, "no grant", err)

	wider := bare
	wider.Scopes, wider.Resources, wider.DocumentHash, wider.UpdatedAt = client.Words{"email"}, client.Words{"r"}, hash(), now.Add(time.Minute)
	want := wider
	wider.CreatedAt, wider.UserID = now.Add(time.Hour), other.ID // never
	d.Do(t, func(ctx context.Context) error { return d.UpdateClientGrant(ctx, wider) })
	for _, at := range []time.Time{now.Add(time.Hour), now.Add(time.Minute)} { // never back
		if err := d.TouchClientGrant(t.Context(), bare.ID, at); err != nil {
			t.Fatal(err)
		}
	}
	d.Do(t, func(ctx context.Context) error { return d.TouchClientGrant(ctx, theirs.ID, now) })
	want.LastUsedAt = new(now.Add(time.Hour))
	storagetest.Same(t, must[client.Grant](t)(live(u.ID, app, nil)), want)

	list := func(p identity.Page) (ids []identity.ID) {
		t.Helper()
		for _, g := range must[[]client.GrantWithClient](t)(d.ClientGrants(t.Context(), u.ID, p)) {
			ids = append(ids, g.ID)
			if g.Client.ID != g.ClientID || g.Client.Name == "" {
				t.Errorf("the grant for %s comes with %+v", g.ClientID, g.Client)
			}
		}
		return ids
	}
	all := []identity.ID{agent.ID, inTeam.ID, bare.ID}
	storagetest.Same(t, list(identity.Page{Limit: 9}), all)
	storagetest.Same(t, list(identity.Page{Limit: 1}), all[:2])
	storagetest.Same(t, list(identity.Page{Limit: 9, After: &agent.ID}), all[1:])
	storagetest.Same(t, len(must[[]client.GrantWithClient](t)(d.ClientGrants(t.Context(), identity.NewID(), identity.Page{Limit: 9}))), 0)

	revoke := func(of client.Of) (ids []identity.ID) {
		t.Helper()
		d.Do(t, func(ctx context.Context) (err error) { ids, err = d.RevokeClientGrants(ctx, of, now); return err })
		slices.SortFunc(ids, func(a, b identity.ID) int { return slices.Compare(a[:], b[:]) })
		return ids
	}
	storagetest.Same(t, revoke(client.Of{Grant: &bare.ID}), []identity.ID{bare.ID})
	storagetest.Same(t, len(revoke(client.Of{Grant: &bare.ID})), 0)
	storagetest.Same(t, revoke(client.Of{Client: app.ID}), []identity.ID{inTeam.ID, theirs.ID})
	again := grant(u.ID, app)
	grant(other.ID, app)
	storagetest.Same(t, revoke(client.Of{User: &u.ID}), []identity.ID{agent.ID, again.ID})
	storagetest.Same(t, must[client.Grant](t)(live(other.ID, app, nil)).UserID, other.ID)
}

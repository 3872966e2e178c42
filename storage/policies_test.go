package storage_test

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

// policies are one with every rule, each rule alone, and none.
func policies() []team.Policy {
	networks := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")}
	return []team.Policy{
		{
			MaxAge: 12 * time.Hour, Idle: time.Minute, RequiredProviders: []string{"google", "siwe"}, AllowedNetworks: networks,
			Exclusive: true, RequireFreshForAdmin: true,
		},
		{MaxAge: time.Second}, {Idle: time.Hour}, {RequiredProviders: []string{"siwe"}}, {AllowedNetworks: networks},
		{Exclusive: true}, {RequireFreshForAdmin: true}, {},
	}
}

func testPolicies(t *testing.T, d *storagetest.Database) {
	u := d.User(t)
	tm, other := d.Team(t, u.ID), d.Team(t, u.ID)
	ask := func(id identity.ID) team.Policy { return must[team.Policy](t)(d.TeamPolicy(t.Context(), id)) }
	storagetest.Same(t, ask(tm.ID), team.Policy{})
	for _, p := range policies() {
		d.Do(t, func(ctx context.Context) error { return d.SetTeamPolicy(ctx, tm.ID, p, u.ID, d.Clock.Now()) })
		storagetest.Same(t, ask(tm.ID), p)
		storagetest.Same(t, ask(other.ID), team.Policy{})
	}
	for _, bad := range []string{"max_age = 0", "max_age = -1", "idle = 0", "exclusive = NULL", "required_providers = NULL"} {
		if err := d.Exec("UPDATE team_policies SET " + bad); err == nil {
			t.Errorf("%s was accepted", bad)
		}
	}
	if err := d.Exec("UPDATE team_policies SET allowed_networks = '10.0.0.1/8'"); err != nil {
		t.Fatal(err)
	}
	if !ask(tm.ID).Unreadable {
		t.Error("a network that is none is taken for a policy")
	}
}

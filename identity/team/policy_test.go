package team_test

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

var now = storagetest.NewClock().Now()

func TestPolicyCheck(t *testing.T) {
	t.Parallel()
	facts := team.Facts{
		Methods: []string{"google", "siwe"}, SignedInAt: now.Add(-time.Hour), LastSeenAt: now.Add(-time.Minute), LongestPause: 10 * time.Minute,
	}
	networks := func(list ...string) (out []netip.Prefix) {
		for _, s := range list {
			out = append(out, netip.MustParsePrefix(s))
		}
		return out
	}
	const tick = time.Nanosecond
	for name, c := range map[string]struct {
		policy team.Policy
		client string
		want   team.Rule
	}{
		"none":                   {team.Policy{}, "", ""},
		"unreadable":             {team.Policy{Unreadable: true}, "192.0.2.1", team.RuleUnreadable},
		"young":                  {team.Policy{MaxAge: time.Hour + tick}, "", ""},
		"old to the instant":     {team.Policy{MaxAge: time.Hour}, "", team.RuleMaxAge},
		"in use":                 {team.Policy{Idle: 10*time.Minute + tick}, "", ""},
		"a pause to the instant": {team.Policy{Idle: 10 * time.Minute}, "", team.RuleIdle},
		"idle now":               {team.Policy{Idle: time.Minute}, "", team.RuleIdle},
		"one of them":            {team.Policy{RequiredProviders: []string{"siwe"}}, "", ""},
		"all of them":            {team.Policy{RequiredProviders: []string{"siwe", "google"}}, "", ""},
		"one more":               {team.Policy{RequiredProviders: []string{"siwe", "github"}}, "", team.RuleRequiredProviders},
		"a part of a name":       {team.Policy{RequiredProviders: []string{"goog"}}, "", team.RuleRequiredProviders},
		"inside":                 {team.Policy{AllowedNetworks: networks("198.51.100.0/24", "192.0.2.0/24")}, "192.0.2.255", ""},
		"outside":                {team.Policy{AllowedNetworks: networks("192.0.2.0/24")}, "192.0.3.0", team.RuleAllowedNetworks},
		"IPv4 in IPv6":           {team.Policy{AllowedNetworks: networks("192.0.2.0/24")}, "::ffff:192.0.2.1", ""},
		"IPv6":                   {team.Policy{AllowedNetworks: networks("2001:db8::/32")}, "2001:db8::1", ""},
		"another IPv6":           {team.Policy{AllowedNetworks: networks("2001:db8::/32")}, "2001:db9::1", team.RuleAllowedNetworks},
		"all of IPv4 is no IPv6": {team.Policy{AllowedNetworks: networks("0.0.0.0/0")}, "2001:db8::1", team.RuleAllowedNetworks},
		"nowhere":                {team.Policy{AllowedNetworks: networks("0.0.0.0/0", "::/0")}, "", team.RuleAllowedNetworks},
		"exclusive and fresh":    {team.Policy{Exclusive: true, RequireFreshForAdmin: true}, "", ""},
	} {
		client, _ := netip.ParseAddr(c.client) // invalid: nowhere
		var got team.Rule
		if r := c.policy.Check(facts, client, now); r != nil {
			if got = r.Rule; identity.ErrorCode(r.Err()) != identity.CodePolicyUnsatisfied || r.Detail == "" {
				t.Errorf("%s: %+v", name, r)
			}
		}
		if got != c.want {
			t.Errorf("%s: refused by %q, want %q", name, got, c.want)
		}
	}
	missing := team.Policy{RequiredProviders: []string{"github", "siwe", "email"}}.Check(facts, netip.Addr{}, now)
	storagetest.Same(t, missing.Missing, []string{"github", "email"})
	for fresh, want := range map[bool]bool{true: true, false: false} {
		if got := (team.Policy{RequireFreshForAdmin: true}).CheckChange(fresh) == nil; got != want {
			t.Errorf("a change when fresh is %v: %v", fresh, got)
		}
	}
}

var (
	someProviders = []string{"google", "github", "siwe", "email"}
	someNetworks  = []string{"0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/16", "10.1.0.0/16", "10.1.2.3/32", "192.0.2.0/24", "::/0", "2001:db8::/32", "2001:db8:1::/48"}
	someClients   = []string{"", "10.1.2.3", "10.1.9.9", "10.9.9.9", "192.0.2.1", "::ffff:10.1.2.3", "2001:db8:1::1", "2001:db8:2::1", "::1"}
)

func drawPolicy(t *rapid.T, name string) team.Policy {
	limit := rapid.SampledFrom([]time.Duration{0, time.Minute, 10 * time.Minute, time.Hour})
	return team.Policy{
		MaxAge: limit.Draw(t, name+" age"), Idle: limit.Draw(t, name+" idle"),
		RequiredProviders: rapid.SliceOfNDistinct(rapid.SampledFrom(someProviders), 0, 3, rapid.ID).Draw(t, name+" providers"),
		AllowedNetworks:   rapid.SliceOfN(rapid.Map(rapid.SampledFrom(someNetworks), netip.MustParsePrefix), 0, 3).Draw(t, name+" networks"),
		Exclusive:         rapid.Bool().Draw(t, name+" exclusive"), RequireFreshForAdmin: rapid.Bool().Draw(t, name+" fresh"),
		Unreadable: rapid.IntRange(0, 9).Draw(t, name+" unreadable") == 0,
	}
}

// tighten makes one rule of a policy stricter.
func tighten(t *rapid.T, p team.Policy) team.Policy {
	shorter := func(d time.Duration) time.Duration {
		if d == 0 {
			return time.Hour
		}
		return d / 2
	}
	switch rapid.IntRange(0, 5).Draw(t, "rule") {
	case 0:
		p.MaxAge = shorter(p.MaxAge)
	case 1:
		p.Idle = shorter(p.Idle)
	case 2:
		p.RequiredProviders = append(slices.Clone(p.RequiredProviders), rapid.SampledFrom(someProviders).Draw(t, "provider"))
	case 3:
		if len(p.AllowedNetworks) == 0 {
			p.AllowedNetworks = []netip.Prefix{netip.MustParsePrefix(rapid.SampledFrom(someNetworks).Draw(t, "network"))}
		} else if len(p.AllowedNetworks) > 1 {
			p.AllowedNetworks = p.AllowedNetworks[1:]
		}
	case 4:
		p.Exclusive = true
	case 5:
		p.RequireFreshForAdmin = true
	}
	return p
}

// Tightening allows no session that was refused before, and is recognized as such;
// a change that is not a loosening allows no new session.
func TestTighteningAdmitsNobodyNew(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		old := drawPolicy(t, "old")
		next := drawPolicy(t, "next")
		if rapid.Bool().Draw(t, "tightened") {
			if next = tighten(t, old); !next.AtLeast(old) {
				t.Fatalf("%+v is no tightening of %+v", next, old)
			}
		}
		if !next.AtLeast(old) {
			return
		}
		facts := team.Facts{
			Methods:    rapid.SliceOfDistinct(rapid.SampledFrom(someProviders), rapid.ID).Draw(t, "methods"),
			SignedInAt: now.Add(-time.Duration(rapid.IntRange(0, 5000).Draw(t, "age")) * time.Second),
			LastSeenAt: now.Add(-time.Duration(rapid.IntRange(0, 5000).Draw(t, "seen")) * time.Second), LongestPause: time.Duration(rapid.IntRange(0, 5000).Draw(t, "pause")) * time.Second,
		}
		client, _ := netip.ParseAddr(rapid.SampledFrom(someClients).Draw(t, "client"))
		fresh := rapid.Bool().Draw(t, "is fresh")
		if next.Check(facts, client, now) == nil && old.Check(facts, client, now) != nil || next.CheckChange(fresh) == nil && old.CheckChange(fresh) != nil && !next.Unreadable {
			t.Fatalf("%+v admits what %+v does not: %+v from %s", next, old, facts, client)
		}
	})
}

// A network within an allowed one tightens; a wider one with the same first
// address does not.
func TestNetworksThatLoosen(t *testing.T) {
	t.Parallel()
	of := func(list ...string) (p team.Policy) {
		for _, s := range list {
			p.AllowedNetworks = append(p.AllowedNetworks, netip.MustParsePrefix(s))
		}
		return p
	}
	for _, c := range []struct {
		from, to team.Policy
		want     bool
	}{
		{of(), of("10.0.0.0/8"), true}, {of("10.0.0.0/8"), of(), false}, {of("10.0.0.0/8"), of("10.0.0.0/8"), true},
		{of("10.0.0.0/8"), of("10.0.0.0/16", "10.7.0.0/16"), true}, {of("10.0.0.0/16"), of("10.0.0.0/8"), false},
		{of("10.0.0.0/8"), of("10.0.0.0/16", "192.0.2.0/24"), false}, {of("::/0"), of("10.0.0.0/8"), false}, {of("0.0.0.0/0"), of("::ffff:0:0/96"), false},
	} {
		if got := c.to.AtLeast(c.from); got != c.want {
			t.Errorf("from %v to %v: %v", c.from.AllowedNetworks, c.to.AllowedNetworks, got)
		}
	}
}

package team

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/latchkey/latchkey/identity"
)

// Policy is what a team asks of the sessions of its members. The zero value
// asks nothing.
type Policy struct {
	MaxAge               time.Duration  // since the session was signed in; 0 is any
	Idle                 time.Duration  // without use since the last proof; 0 is any
	RequiredProviders    []string       // all of which have proved the user in the session
	AnyOf                []string       // one of which has proved the user in the session; none is any
	AllowedNetworks      []netip.Prefix // one of which the client is in; none is anywhere
	Exclusive            bool           // one team session a member
	RequireFreshForAdmin bool           // changes to the team need a recent proof
	// Unreadable reports whether the stored policy is invalid. It refuses everybody.
	Unreadable bool
}

// Rule names a part of a policy, as the field of the HTTP contract.
type Rule string

// The rules that a session can fail.
const (
	RuleMaxAge            Rule = "max_age"
	RuleIdle              Rule = "idle"
	RuleRequiredProviders Rule = "required_providers"
	RuleAnyOf             Rule = "any_of"
	RuleAllowedNetworks   Rule = "allowed_networks"
	RuleFreshForAdmin     Rule = "require_fresh_for_admin"
	RuleUnreadable        Rule = "unreadable"
)

// Facts are what a policy looks at in a session.
type Facts struct {
	Methods      []string // the providers that proved the user in it
	SignedInAt   time.Time
	LastSeenAt   time.Time
	LongestPause time.Duration // between two uses since the last proof
}

// Refusal is the rule that a session does not satisfy. Detail tells a person
// what to do about it.
type Refusal struct {
	Rule    Rule
	Missing []string // RuleRequiredProviders: the providers to step up by. RuleAnyOf: those of which one is enough
	Detail  string
}

// Err is the refusal as an error, CodePolicyUnsatisfied.
func (r Refusal) Err() *identity.Error {
	e := identity.NewError(identity.CodePolicyUnsatisfied, "%s", r.Detail)
	e.Rule, e.Missing = string(r.Rule), r.Missing
	return e
}

// Check returns why a session is refused with a client at an address, or nil. It
// uses nothing else, so that a cached row gives the same answer as one just read. A
// policy that cannot be read refuses everybody. Exclusive is enforced when a team
// session starts, RequireFreshForAdmin by CheckChange.
//
// The rules that only a new sign-in or another network satisfies come first, so
// that a step-up is never useless.
func (p Policy) Check(f Facts, client netip.Addr, now time.Time) *Refusal {
	if refusal := p.CheckPlace(client); refusal != nil {
		return refusal
	}
	if p.MaxAge > 0 && now.Sub(f.SignedInAt) >= p.MaxAge {
		return &Refusal{Rule: RuleMaxAge, Detail: "this session is older than the team allows: sign in again"}
	}
	if p.Idle > 0 && max(f.LongestPause, now.Sub(f.LastSeenAt)) >= p.Idle {
		return &Refusal{Rule: RuleIdle, Detail: "this session was not used for longer than the team allows: verify it's you (step_up)"}
	}
	var missing []string
	for _, name := range p.RequiredProviders {
		if !slices.Contains(f.Methods, name) {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return &Refusal{
			Rule: RuleRequiredProviders, Missing: missing,
			Detail: "the team requires more sign-in methods: verify it's you with " + strings.Join(missing, " and ") + " too (step_up; link it first if needed)",
		}
	}
	if len(p.AnyOf) > 0 && !slices.ContainsFunc(p.AnyOf, func(name string) bool { return slices.Contains(f.Methods, name) }) {
		return &Refusal{
			Rule: RuleAnyOf, Missing: p.AnyOf,
			Detail: "the team requires another sign-in method: verify it's you with " + strings.Join(p.AnyOf, " or ") + " (step_up; link it first if needed)",
		}
	}
	return nil
}

// Refuses reports whether there is a session that Check refuses.
func (p Policy) Refuses() bool {
	return p.Unreadable || p.MaxAge > 0 || p.Idle > 0 || len(p.RequiredProviders) > 0 || len(p.AnyOf) > 0 || len(p.AllowedNetworks) > 0
}

// CheckPlace is the part of Check that applies to machines too: where the client
// is. The other rules are about how a person signed in.
func (p Policy) CheckPlace(client netip.Addr) *Refusal {
	if p.Unreadable {
		return &Refusal{Rule: RuleUnreadable, Detail: "the team's policy cannot be read, so it refuses every session; an owner can set it again"}
	}
	if len(p.AllowedNetworks) > 0 && !p.allows(client) {
		return &Refusal{Rule: RuleAllowedNetworks, Detail: "the team allows its own networks only, and your address is in none of them"}
	}
	return nil
}

// CheckChange returns why an admin or owner may not change the team now, or nil.
func (p Policy) CheckChange(recentlyVerified bool) *Refusal {
	if p.RequireFreshForAdmin && !recentlyVerified {
		return &Refusal{Rule: RuleFreshForAdmin, Detail: "changes to the team require a recent sign-in: verify it's you (step_up), then try again"}
	}
	return nil
}

func (p Policy) allows(client netip.Addr) bool {
	client = client.Unmap().WithZone("")
	return slices.ContainsFunc(p.AllowedNetworks, func(n netip.Prefix) bool { return n.Contains(client) })
}

// AtLeast reports whether p admits nothing that other does not: whether a change
// from other to p loosens nothing.
func (p Policy) AtLeast(other Policy) bool {
	if p.Unreadable || other.Unreadable {
		return p.Unreadable // whatever replaces an unreadable one loosens it
	}
	within := func(limit, old time.Duration) bool { return old == 0 || limit > 0 && limit <= old }
	return within(p.MaxAge, other.MaxAge) && within(p.Idle, other.Idle) &&
		!slices.ContainsFunc(other.RequiredProviders, func(name string) bool { return !slices.Contains(p.RequiredProviders, name) }) &&
		p.atLeastAnyOf(other) &&
		(len(other.AllowedNetworks) == 0 || len(p.AllowedNetworks) > 0 && !slices.ContainsFunc(p.AllowedNetworks, other.reaches)) &&
		(p.Exclusive || !other.Exclusive) && (p.RequireFreshForAdmin || !other.RequireFreshForAdmin)
}

// atLeastAnyOf reports whether what p asks for satisfies other's AnyOf.
func (p Policy) atLeastAnyOf(other Policy) bool {
	if len(other.AnyOf) == 0 || slices.ContainsFunc(p.RequiredProviders, func(name string) bool { return slices.Contains(other.AnyOf, name) }) {
		return true
	}
	return len(p.AnyOf) > 0 && !slices.ContainsFunc(p.AnyOf, func(name string) bool { return !slices.Contains(other.AnyOf, name) })
}

// reaches reports whether a network goes beyond the allowed ones. Networks that
// only together cover it do not count: the answer errs to the strict side.
func (p Policy) reaches(n netip.Prefix) bool {
	return !slices.ContainsFunc(p.AllowedNetworks, func(old netip.Prefix) bool {
		return old.Bits() <= n.Bits() && old.Contains(n.Addr())
	})
}

// Limits of a policy.
const (
	MaxLimit     = 366 * 24 * time.Hour
	MinIdle      = time.Minute // last use is written no more often than twice in it
	maxProviders = 16
	maxNetworks  = 256
)

// Validate returns CodeInvalidRequest with the field for a policy that cannot be
// stored: limits out of range, a provider that is not configured, or anything
// listed twice.
func (p Policy) Validate(usable func(provider string) bool) error {
	invalid := func(rule Rule, format string, args ...any) error {
		return identity.NewError(identity.CodeInvalidRequest, format, args...).WithField(string(rule))
	}
	if p.MaxAge != 0 && (p.MaxAge < time.Second || p.MaxAge > MaxLimit) {
		return invalid(RuleMaxAge, "give 1 to %d seconds, or leave it out", MaxLimit/time.Second)
	}
	if p.Idle != 0 && (p.Idle < MinIdle || p.Idle > MaxLimit) {
		return invalid(RuleIdle, "give %d to %d seconds, or leave it out", MinIdle/time.Second, MaxLimit/time.Second)
	}
	if len(p.RequiredProviders) > maxProviders || len(p.AnyOf) > maxProviders || len(p.AllowedNetworks) > maxNetworks {
		return invalid(RuleAllowedNetworks, "give at most %d providers and %d networks", maxProviders, maxNetworks)
	}
	for _, list := range []struct {
		rule  Rule
		names []string
	}{{RuleRequiredProviders, p.RequiredProviders}, {RuleAnyOf, p.AnyOf}} {
		for i, name := range list.names {
			if !usable(name) {
				return invalid(list.rule, "%.50q is not a configured provider", name)
			}
			if slices.Contains(list.names[:i], name) {
				return invalid(list.rule, "%.50q is listed twice", name)
			}
		}
	}
	for i, n := range p.AllowedNetworks {
		if slices.Contains(p.AllowedNetworks[:i], n) {
			return invalid(RuleAllowedNetworks, "%s is listed twice", n)
		}
	}
	return nil
}

// Metadata is what the audit trail keeps of a policy.
func (p Policy) Metadata() identity.Metadata {
	if p.Unreadable {
		return identity.Metadata{string(RuleUnreadable): true}
	}
	return identity.Metadata{
		string(RuleMaxAge): int64(p.MaxAge / time.Second), string(RuleIdle): int64(p.Idle / time.Second),
		string(RuleRequiredProviders): p.RequiredProviders, string(RuleAnyOf): p.AnyOf, string(RuleAllowedNetworks): p.AllowedNetworks,
		"exclusive": p.Exclusive, string(RuleFreshForAdmin): p.RequireFreshForAdmin,
	}
}

// ParseNetwork reads a CIDR range in its canonical form: no bits behind its
// length, no zone, IPv4 as IPv4. One address is a range of full length.
func ParseNetwork(s string) (netip.Prefix, error) {
	n, err := netip.ParsePrefix(s)
	switch {
	case err != nil:
		return netip.Prefix{}, errNetwork("%.50q is not a CIDR range; use the form 10.0.0.0/8 or 2001:db8::/32", s)
	case n.Addr().Is4In6():
		return netip.Prefix{}, errNetwork("%.50q is an IPv4 range written as IPv6; write it as IPv4", s)
	case n != n.Masked():
		return netip.Prefix{}, errNetwork("%.50q has bits set beyond its length; write %s", s, n.Masked())
	case n.String() != s:
		return netip.Prefix{}, errNetwork("%.50q is not in its canonical form; write %s", s, n)
	}
	return n, nil
}

func errNetwork(format string, args ...any) *identity.Error {
	return identity.NewError(identity.CodeInvalidRequest, format, args...)
}

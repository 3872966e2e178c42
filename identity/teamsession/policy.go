package teamsession

import (
	"context"
	"math"
	"net/netip"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/revocation"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
)

// everything is a page of all rows.
var everything = identity.Page{Limit: math.MaxInt32}

// Policy returns the team's policy for sessions, to any member: they have to know
// it to satisfy it.
func (s *Service) Policy(ctx context.Context, user, id identity.ID) (team.Policy, error) {
	if _, err := s.store.TeamFor(ctx, id, user); err != nil {
		return team.Policy{}, err
	}
	p, err := s.store.TeamPolicy(ctx, id)
	if err == nil && p.Unreadable {
		err = p.Check(team.Facts{}, netip.Addr{}, s.now()).Err()
	}
	return p, err
}

// PolicyResult is what a policy ends, and of how many.
type PolicyResult struct {
	revocation.Result[Listed]
	Open     int // sessions that were active before
	Affected int // members whose sessions end
	Members  int // of the team
}

// people counts whose sessions these are.
func people(of []Listed) int {
	seen := map[identity.ID]bool{}
	for _, l := range of {
		seen[l.UserID] = true
	}
	return len(seen)
}

// SetPolicy replaces the team's policy (admin, owner) and ends the team sessions
// that the new one does not admit, in one transaction and a constant number of
// statements. With dryRun it only returns which. Loosening a rule requires a
// recently verified session (CodeReauthRequired). Only an owner, who has emergency
// access, may set a policy that their own session does not satisfy
// (CodePolicyUnsatisfied).
func (s *Service) SetPolicy(ctx context.Context, actor identity.Actor, id identity.ID, p team.Policy, dryRun bool) (PolicyResult, error) {
	if err := actor.RequirePerson(); err != nil {
		return PolicyResult{}, err
	}
	if err := p.Validate(s.usable); err != nil {
		return PolicyResult{}, err
	}
	var out PolicyResult
	err := team.InTeamTx(ctx, s.store, actor, id, s.now, func(ctx context.Context, _ team.Team, role team.Role) error {
		if err := role.RequireManages(); err != nil {
			return err
		}
		before, err := s.store.TeamPolicy(ctx, id)
		if err != nil {
			return err
		}
		if err := s.maySetPolicy(ctx, actor, role, before, p, dryRun); err != nil {
			return err
		}
		now := s.now()
		open, err := s.store.TeamSessions(ctx, id, session.Filter{Status: session.StatusActive}, now, everything)
		if err != nil {
			return err
		}
		ends := policyEnds(p, judged(before, open, now), now)
		out = PolicyResult{Result: revocation.ResultOf(ends, len(ends), Listed.id), Open: len(open), Affected: people(ends)}
		if out.Members, err = s.store.CountMembers(ctx, id); err != nil {
			return err
		}
		if dryRun || out.Count == 0 && p.AtLeast(before) && before.AtLeast(p) {
			return nil
		}
		if err := s.store.SetTeamPolicy(ctx, id, p, actor.UserID, now); err != nil {
			return err
		}
		e := actor.Event(identity.ActionTeamPolicyChanged, now)
		e.TeamID, e.Data = &id, identity.Metadata{"before": before.Metadata(), "policy": p.Metadata(), "ended": out.Count}
		if err := s.store.RecordEvents(ctx, e); err != nil || out.Count == 0 {
			return err
		}
		ids := make([]identity.ID, len(ends))
		for i, l := range ends {
			ids[i] = l.ID
		}
		_, err = s.end(ctx, actor, id, session.Filter{IDs: ids}, session.EndedByPolicy, now)
		return err
	})
	return out, err
}

// maySetPolicy decides whether the actor may replace one policy by another.
func (s *Service) maySetPolicy(ctx context.Context, actor identity.Actor, role team.Role, before, p team.Policy, dryRun bool) error {
	if !dryRun {
		if refusal := before.CheckChange(actor.RecentlyVerified); refusal != nil {
			return refusal.Err()
		}
		if !p.AtLeast(before) {
			if err := actor.RequireRecentlyVerified(); err != nil {
				return err
			}
		}
	}
	if role == team.RoleOwner {
		return nil
	}
	cur, err := s.store.LockSession(ctx, actor.SessionID)
	if err != nil {
		return err
	}
	s.sessions.UpToDate(&cur)
	if refusal := (session.ActiveTeamSession{Policy: p}).Refuses(cur, actor.Origin, s.now()); refusal != nil {
		refusal.Detail = "your own session would not satisfy this policy: " + refusal.Detail
		return refusal.Err()
	}
	return nil
}

// policyEnds picks, of the active team sessions of a team, newest first, those
// that a policy ends: what it does not admit and, if it is exclusive, all but
// the newest of each member.
func policyEnds(p team.Policy, open []Listed, now time.Time) []Listed {
	var out []Listed
	seen := map[identity.ID]bool{}
	for _, l := range open {
		if p.Exclusive && seen[l.UserID] || l.refusedBy(p, now) != nil {
			out = append(out, l)
		}
		seen[l.UserID] = true
	}
	return out
}

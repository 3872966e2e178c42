package teamsession

import (
	"context"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
)

// List lists the sessions of a team to those who manage it, and says which of
// them the team's policy refuses.
func (s *Service) List(ctx context.Context, actor identity.Actor, id identity.ID, f session.Filter, p identity.Page) ([]Listed, *identity.ID, error) {
	policy, err := s.managed(ctx, actor, id)
	if err != nil {
		return nil, nil, err
	}
	now := s.now()
	f.Policy = &policy
	rows, err := s.store.TeamSessions(ctx, id, f, now, p)
	rows, next := identity.Next(judged(policy, rows, now), p, Listed.id)
	return rows, next, err
}

// Count counts the sessions that List lists on all its pages.
func (s *Service) Count(ctx context.Context, actor identity.Actor, id identity.ID, f session.Filter) (int, error) {
	policy, err := s.managed(ctx, actor, id)
	if err != nil {
		return 0, err
	}
	f.Policy = &policy
	return s.store.CountTeamSessions(ctx, id, f, s.now())
}

// managed returns the policy of a team to those who manage it.
func (s *Service) managed(ctx context.Context, actor identity.Actor, id identity.ID) (team.Policy, error) {
	if err := team.RequireManager(ctx, s.store, actor, id, s.now()); err != nil {
		return team.Policy{}, err
	}
	return s.store.TeamPolicy(ctx, id)
}

package session

import (
	"context"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/team"
)

// breakGlassFor is how long an owner is in against the policy.
const breakGlassFor = time.Hour

// Enter starts a team session of the actor's session in a team they are a member
// of, or returns the open one it has there, and makes it the current one. The
// team's policy decides (CodePolicyUnsatisfied); under an exclusive one their
// other team sessions there end. Membership is read under the team's lock, so a
// removal at the same time either sees the new team session or prevents it.
//
// With breakGlass a recently verified owner has emergency access for an hour,
// whatever the policy says. The other owners are notified.
func (s *Service) Enter(ctx context.Context, actor identity.Actor, id identity.ID, breakGlass bool) (out ListedInTeam, created bool, err error) {
	if err := actor.RequirePerson(); err != nil {
		return ListedInTeam{}, false, err
	}
	err = team.InTeamTx(ctx, s.store, actor, id, s.now, func(ctx context.Context, t team.Team, role team.Role) error {
		now := s.now()
		entry, err := s.store.LockEntry(ctx, actor.SessionID, id)
		if err != nil {
			return err
		}
		cur, policy := entry.Session, entry.Policy
		s.uses.on(&cur)
		if cur.Status(now) != StatusActive {
			return ErrUnauthenticated()
		}
		var ts TeamSession
		if created = entry.Open == nil || entry.Open.EndedInBulk; !created {
			ts = *entry.Open
		} else if entry.Open != nil {
			if err := s.endLeftover(ctx, actor, *entry.Open, now); err != nil {
				return err
			}
		}
		e := ActiveTeamSession{Role: role, Policy: policy, BreakGlassUntil: ts.BreakGlassUntil}
		if err := mayEnter(e, cur, actor, breakGlass, now); err != nil {
			return err
		}
		if created {
			ts = TeamSession{ID: identity.NewID(), TeamID: id, SessionID: cur.ID, UserID: actor.UserID, CreatedAt: now}
			if err := s.start(ctx, actor, ts, identity.Metadata{"team_session_id": ts.ID, "role": role}); err != nil {
				return err
			}
		}
		if breakGlass {
			if err := s.breakGlass(ctx, actor, t, ts.ID, now); err != nil {
				return err
			}
		}
		if err := s.endOthersIn(ctx, actor, ts, policy, now); err != nil {
			return err
		}
		if cur.TeamSessionID == nil || *cur.TeamSessionID != ts.ID {
			cur.TeamSessionID = &ts.ID
			if err := s.store.UpdateSession(ctx, cur); err != nil {
				return err
			}
		}
		out, err = s.store.ListedTeamSession(ctx, ts.ID)
		return err
	})
	return out, created, err
}

// start begins a team session that the policy has let in, under the team's lock.
func (s *Service) start(ctx context.Context, actor identity.Actor, ts TeamSession, data identity.Metadata) error {
	if err := s.store.InsertTeamSession(ctx, ts); err != nil {
		return err
	}
	e := actor.Event(identity.ActionTeamSessionCreated, ts.CreatedAt)
	e.TeamID, e.UserID, e.Data = &ts.TeamID, &ts.UserID, data
	return s.store.RecordEvents(ctx, e)
}

// endOthersIn ends the user's other team sessions in the team where its policy lets
// them have one.
func (s *Service) endOthersIn(ctx context.Context, actor identity.Actor, ts TeamSession, policy team.Policy, at time.Time) error {
	if !policy.Exclusive {
		return nil
	}
	_, err := s.endTeamSessions(ctx, actor, ts.TeamID, Filter{UserID: &ts.UserID, Except: &ts.ID}, "exclusive", at)
	return err
}

func mayEnter(e ActiveTeamSession, cur Session, actor identity.Actor, breakGlass bool, now time.Time) error {
	if !breakGlass {
		if refusal := e.refuses(cur, actor.Origin, now); refusal != nil {
			return refusal.Err()
		}
		return nil
	}
	if e.Role != team.RoleOwner {
		return identity.NewError(identity.CodeForbidden, "only an owner can use emergency access")
	}
	return actor.RequireRecentlyVerified()
}

// breakGlass opens the team session for an hour, and says so: to the audit trail
// by an action of its own, and to the other owners.
func (s *Service) breakGlass(ctx context.Context, actor identity.Actor, t team.Team, id identity.ID, now time.Time) error {
	until := now.Add(breakGlassFor)
	if err := s.store.SetBreakGlass(ctx, id, until); err != nil {
		return err
	}
	e := actor.Event(identity.ActionTeamBreakGlass, now)
	e.TeamID, e.UserID, e.Data = &t.ID, &actor.UserID, identity.Metadata{"team_session_id": id, "until": until}
	if err := s.store.RecordEvents(ctx, e); err != nil {
		return err
	}
	to, err := s.store.OwnerAddresses(ctx, t.ID, actor.UserID)
	if err != nil || len(to) == 0 {
		return err
	}
	return s.notices.Notify(ctx, identity.Notice{Kind: identity.NoticeBreakGlass, To: to, What: t.Name, At: now, Origin: actor.Origin})
}

// ListTeam lists the sessions of a team to those who manage it, and says which of
// them the team's policy refuses.
func (s *Service) ListTeam(ctx context.Context, actor identity.Actor, id identity.ID, f Filter, p identity.Page) ([]ListedInTeam, *identity.ID, error) {
	if err := team.RequireManager(ctx, s.store, actor, id, s.now()); err != nil {
		return nil, nil, err
	}
	policy, err := s.store.TeamPolicy(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	now := s.now()
	f.Policy = &policy
	rows, err := s.store.TeamSessions(ctx, id, f, now, p)
	rows, next := identity.Next(judged(policy, rows, now), p, func(l ListedInTeam) identity.ID { return l.ID })
	return rows, next, err
}

// RevokeTeamSession ends one open team session of the team. Those who manage
// the team end the sessions of roles they manage; anyone can end their own. Ending
// one that has ended already changes nothing and is no error.
func (s *Service) RevokeTeamSession(ctx context.Context, actor identity.Actor, teamID, id identity.ID) error {
	return team.InTeamTx(ctx, s.store, actor, teamID, s.now, func(ctx context.Context, _ team.Team, by team.Role) error {
		l, err := s.store.ListedTeamSession(ctx, id)
		if err != nil {
			return err
		}
		ts := l.TeamSession
		own := actor.KeyID == nil && ts.UserID == actor.UserID
		if ts.TeamID != teamID {
			return identity.ErrNotFound
		}
		if !own {
			if err := by.RequireManages(); err != nil {
				return err
			}
			if l.Role != nil && !by.ActsOn(*l.Role) {
				return identity.NewError(identity.CodeForbidden, "only an owner can end an owner's session")
			}
		}
		if ts.EndedAt != nil || ts.EndedInBulk {
			return nil
		}
		now, reason := s.now(), "revoked"
		if own {
			reason = "left"
		}
		ts.EndedAt, ts.EndReason, ts.EndedBy = &now, &reason, actor.By()
		if err := s.store.EndTeamSession(ctx, ts); err != nil {
			return err
		}
		e := actor.Event(identity.ActionTeamSessionRevoked, now)
		e.TeamID, e.UserID, e.Data = &teamID, &ts.UserID, identity.Metadata{"team_session_id": ts.ID, "reason": reason}
		return s.store.RecordEvents(ctx, e)
	})
}

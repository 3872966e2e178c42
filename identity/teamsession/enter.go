package teamsession

import (
	"context"
	"errors"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/revocation"
	"github.com/latchkey/latchkey/identity/session"
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
func (s *Service) Enter(ctx context.Context, actor identity.Actor, id identity.ID, breakGlass bool) (out Listed, created bool, err error) {
	if err := actor.RequirePerson(); err != nil {
		return Listed{}, false, err
	}
	err = team.InTeamTx(ctx, s.store, actor, id, s.now, func(ctx context.Context, t team.Team, role team.Role) error {
		now := s.now()
		entry, err := s.store.LockEntry(ctx, actor.SessionID, id)
		if err != nil {
			return err
		}
		cur, policy := entry.Session, entry.Policy
		s.sessions.UpToDate(&cur)
		if cur.Status(now) != session.StatusActive {
			return session.ErrUnauthenticated()
		}
		var ts Session
		if created = entry.Open == nil || entry.Open.EndedInBulk; !created {
			ts = *entry.Open
		} else if entry.Open != nil {
			if err := s.endLeftover(ctx, actor, *entry.Open, now); err != nil {
				return err
			}
		}
		e := session.ActiveTeamSession{Role: role, Policy: policy, BreakGlassUntil: ts.BreakGlassUntil}
		if err := mayEnter(e, cur, actor, breakGlass, now); err != nil {
			return err
		}
		if created {
			ts = Session{ID: identity.NewID(), TeamID: id, SessionID: cur.ID, UserID: actor.UserID, CreatedAt: now}
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
func (s *Service) start(ctx context.Context, actor identity.Actor, ts Session, data identity.Metadata) error {
	if err := s.store.InsertTeamSession(ctx, ts); err != nil {
		return err
	}
	e := actor.Event(identity.ActionTeamSessionCreated, ts.CreatedAt)
	e.TeamID, e.UserID, e.Data = &ts.TeamID, &ts.UserID, data
	return s.store.RecordEvents(ctx, e)
}

// endOthersIn ends the user's other team sessions in the team where its policy lets
// them have one.
func (s *Service) endOthersIn(ctx context.Context, actor identity.Actor, ts Session, policy team.Policy, at time.Time) error {
	if !policy.Exclusive {
		return nil
	}
	_, err := s.end(ctx, actor, ts.TeamID, session.Filter{UserID: &ts.UserID, Except: &ts.ID}, "exclusive", at)
	return err
}

func mayEnter(e session.ActiveTeamSession, cur session.Session, actor identity.Actor, breakGlass bool, now time.Time) error {
	if !breakGlass {
		if refusal := e.Refuses(cur, actor.Origin, now); refusal != nil {
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

// endLeftover writes down that a team session has ended with all of the team's,
// before the job comes to it: its session enters the team again.
func (s *Service) endLeftover(ctx context.Context, actor identity.Actor, ts Session, now time.Time) error {
	j, err := s.store.LockTeamJob(ctx, ts.TeamID)
	none := errors.Is(err, identity.ErrNotFound)
	if err != nil && !none {
		return err
	}
	if none {
		j = revocation.NewJob(actor, revocation.JobEndTeamSessions, "revoked", now)
		j.TeamID = &ts.TeamID
	}
	gone, err := s.store.EndMatchingTeamSessions(ctx, ts.TeamID, session.Filter{IDs: []identity.ID{ts.ID}}, j.End(now))
	if err != nil {
		return err
	}
	if err := s.store.RecordEvents(ctx, j.EventsOf(gone, now)...); err != nil || none {
		return err
	}
	j.Ended += len(gone)
	return s.store.UpdateJob(ctx, j)
}

package teamsession

import (
	"cmp"
	"context"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/revocation"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
)

// Revoke ends one open team session of the team. Those who manage the team end the
// sessions of roles they manage; anyone can end their own. Ending one that has ended
// already changes nothing and is no error.
func (s *Service) Revoke(ctx context.Context, actor identity.Actor, teamID, id identity.ID) error {
	return team.InTeamTx(ctx, s.store, actor, teamID, s.now, func(ctx context.Context, _ team.Team, by team.Role) error {
		l, err := s.store.ListedTeamSession(ctx, id)
		if err != nil {
			return err
		}
		ts := l.Session
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

// RevokeMatching ends the team's sessions that meet the filter (admin, owner),
// with a constant number of statements, or by a job where they are many; as a dry
// run it only returns which. Without a status the filter means open ones, also those
// that the team's policy refuses: they are active again when it admits them. Those of
// roles that the actor cannot manage stay, and are counted.
func (s *Service) RevokeMatching(ctx context.Context, actor identity.Actor, id identity.ID, r session.Revocation) (revocation.Result[Listed], error) {
	byPolicy := r.Status != ""
	r.Status = cmp.Or(r.Status, session.StatusActive)
	var out revocation.Result[Listed]
	err := team.InTeamTx(ctx, s.store, actor, id, s.now, func(ctx context.Context, _ team.Team, role team.Role) (err error) {
		if err := role.RequireManages(); err != nil {
			return err
		}
		now, skipped, f := s.now(), 0, r.Filter
		if out = (revocation.Result[Listed]{AsOf: now}); f.Status == session.StatusRevoked {
			return nil // what has ended does not end again
		}
		policy, err := s.store.TeamPolicy(ctx, id)
		if err != nil {
			return err
		}
		if byPolicy && policy.Refuses() {
			f.Policy = &policy
		}
		if !role.ActsOn(team.RoleOwner) {
			f.Owners = new(true)
			if skipped, err = s.store.CountTeamSessions(ctx, id, f, now); err != nil {
				return err
			}
			f.Owners = new(false)
		}
		if !r.DryRun {
			of := r
			of.Filter = f
			if out.Job, err = s.startEnding(ctx, actor, id, of, now); err != nil || out.Job != nil {
				out.Skipped = skipped
				return err
			}
		}
		rows, err := s.store.TeamSessions(ctx, id, f, now, revocation.Newest)
		if err != nil {
			return err
		}
		rows = judged(policy, rows, now)
		if r.DryRun {
			out = revocation.ResultOf(rows, 0, Listed.id)
			out.Count, err = s.store.CountTeamSessions(ctx, id, f, now)
		} else {
			var gone []revocation.Ended
			if gone, err = s.end(ctx, actor, id, f, "revoked", now); err == nil {
				err = revocation.Confirm(r.AtMost, len(gone))
			}
			out = revocation.OnlyEnded(rows, gone, Listed.id)
		}
		out.AsOf, out.Skipped = now, skipped
		return err
	})
	s.sessions.Jobs().Wake(out.Job)
	return out, err
}

// startEnding ends team sessions by a job, with owners or without; nil where they are
// few enough to end at once.
func (s *Service) startEnding(ctx context.Context, actor identity.Actor, id identity.ID, r session.Revocation, now time.Time) (*revocation.Job, error) {
	big, err := revocation.TooMany(r.AtMost, func(than int) (bool, error) { return s.store.MoreTeamSessions(ctx, id, r.Filter, now, than) })
	if err != nil || !big {
		return nil, err
	}
	j := revocation.NewJob(actor, revocation.JobEndTeamSessions, "revoked", now)
	if j.TeamID, j.UserID = &id, r.UserID; r.All() && r.UserID == nil {
		var epoch int64
		epoch, j.OwnerEpoch, err = s.store.EndAllTeamSessions(ctx, id, r.Owners == nil, r.Filter)
		j.Epoch = &epoch
	}
	if err != nil {
		return nil, err
	}
	return s.sessions.Jobs().Start(ctx, j, func(ctx context.Context, j revocation.Job) (int, error) {
		return s.store.NoteItems(ctx, j, r.Filter, now)
	})
}

// end ends the open team sessions of the team that meet the filter,
// by one statement, and records it by another. It runs under the team's lock.
func (s *Service) end(ctx context.Context, actor identity.Actor, id identity.ID, f session.Filter, reason string, now time.Time) ([]revocation.Ended, error) {
	gone, err := s.store.EndMatchingTeamSessions(ctx, id, f, revocation.End{Reason: reason, By: actor.By(), At: now})
	if err != nil || len(gone) == 0 {
		return nil, err
	}
	return gone, s.store.RecordEvents(ctx, revocation.EventsOf(gone, func(user identity.ID, ids []identity.ID) identity.Event {
		e := actor.Event(identity.ActionTeamSessionRevoked, now)
		e.TeamID, e.UserID, e.Data = &id, &user, identity.Metadata{"team_session_ids": ids, "reason": reason}
		return e
	})...)
}

// Job returns a job of a team to those who manage it.
func (s *Service) Job(ctx context.Context, actor identity.Actor, id, job identity.ID) (revocation.Job, error) {
	if err := team.RequireManager(ctx, s.store, actor, id, s.now()); err != nil {
		return revocation.Job{}, err
	}
	j, err := s.sessions.Jobs().Get(ctx, job)
	if err == nil && (j.TeamID == nil || *j.TeamID != id) {
		err = identity.ErrNotFound
	}
	return j, err
}

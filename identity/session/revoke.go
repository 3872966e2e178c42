package session

import (
	"cmp"
	"context"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/revocation"
)

// Revocation is which sessions to end.
type Revocation struct {
	Filter
	DryRun bool
	// AtMost refuses to end more (CodeSessionsChanged): that many were confirmed.
	AtMost *int
}

// RevokeSessions ends everyone's active sessions that meet the filter, for
// operators, with their team sessions, by a job where they are many; as a dry run it
// only returns which.
func (s *Service) RevokeSessions(ctx context.Context, actor identity.Actor, r Revocation) (revocation.Result[Listed], error) {
	r.Status = cmp.Or(r.Status, StatusActive)
	var out revocation.Result[Listed]
	err := s.store.InTx(ctx, func(ctx context.Context) error {
		now := s.now()
		if out = (revocation.Result[Listed]{AsOf: now}); r.Status == StatusRevoked {
			return nil
		}
		if !r.DryRun {
			var err error
			if out.Job, err = s.startEnding(ctx, actor, r, "ended_by_operator", now); err != nil || out.Job != nil {
				return err
			}
		}
		rows, err := s.store.Sessions(ctx, r.Filter, now, revocation.Newest)
		if err != nil {
			return err
		}
		if r.DryRun {
			out = revocation.ResultOf(rows, 0, Listed.id)
			out.AsOf = now
			out.Count, err = s.store.CountSessions(ctx, r.Filter, now)
			return err
		}
		gone, err := s.store.EndMatchingSessions(ctx, r.Filter, revocation.End{Reason: "ended_by_operator", By: actor.By(), At: now})
		if err != nil {
			return err
		}
		if err := revocation.Confirm(r.AtMost, len(gone)); err != nil {
			return err
		}
		out = revocation.OnlyEnded(rows, gone, Listed.id)
		return s.store.RecordEvents(ctx, revocation.EventsOf(gone, func(user identity.ID, ids []identity.ID) identity.Event {
			e := actor.Event(identity.ActionSessionEnded, now)
			e.UserID, e.Data = &user, identity.Metadata{"ended_session_ids": ids, "reason": "ended_by_operator"}
			return e
		})...)
	})
	s.jobs.Wake(out.Job)
	return out, err
}

// RevokeSession ends one session of anyone, for operators. Ending one that has
// ended already is no error; identity.ErrNotFound if there is none.
func (s *Service) RevokeSession(ctx context.Context, actor identity.Actor, id identity.ID) error {
	return s.store.InTx(ctx, func(ctx context.Context) error {
		cur, err := s.store.LockSession(ctx, id)
		if err != nil || cur.EndedAt != nil || cur.EndedInBulk {
			return err
		}
		now := s.now()
		if _, err := s.store.EndSessions(ctx, cur.UserID, SessionSelector{Only: &id}, "ended_by_operator", now); err != nil {
			return err
		}
		e := actor.Event(identity.ActionSessionEnded, now)
		e.UserID, e.Data = &cur.UserID, identity.Metadata{"ended_session_id": id, "reason": "ended_by_operator"}
		return s.store.RecordEvents(ctx, e)
	})
}

func (l Listed) id() identity.ID { return l.ID }

// startEnding ends sessions by a job; nil where they are few enough to end at
// once.
func (s *Service) startEnding(ctx context.Context, actor identity.Actor, r Revocation, reason string, now time.Time) (*revocation.Job, error) {
	big, err := revocation.TooMany(r.AtMost, func(than int) (bool, error) { return s.store.MoreSessions(ctx, r.Filter, now, than) })
	if err != nil || !big {
		return nil, err
	}
	j := revocation.NewJob(actor, revocation.JobEndSessions, reason, now)
	if j.UserID = r.UserID; r.All() {
		var epoch int64
		epoch, err = s.store.EndAllSessions(ctx, r.UserID, r.Filter)
		j.Epoch = &epoch
	}
	if err != nil {
		return nil, err
	}
	return s.jobs.Start(ctx, j, func(ctx context.Context, j revocation.Job) (int, error) {
		return s.store.NoteItems(ctx, j, r.Filter, now)
	})
}

package session

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/team"
)

// How many of the ended sessions a response lists by id, and how many it shows.
// The audit trail has all of them, in events of idsInEvent ids of one user.
const (
	maxEndedIDs   = 1000
	maxEndedShown = 100
	idsInEvent    = 500
)

// Revocation is which sessions to end.
type Revocation struct {
	Filter
	DryRun bool
	// AtMost refuses to end more (CodeSessionsChanged): that many were confirmed.
	AtMost *int
}

// confirmed refuses to end more than was confirmed.
func (r Revocation) confirmed(ended int) error {
	if r.AtMost != nil && ended > *r.AtMost {
		return identity.NewError(identity.CodeSessionsChanged, "%d sessions would end now, more than were confirmed; preview them again", ended)
	}
	return nil
}

// RevocationResult lists the sessions, or team sessions, that a call ended or, as a dry run,
// would end.
type RevocationResult[T any] struct {
	AsOf     time.Time // when that was, of a revocation
	Count    int
	Skipped  int           // that it leaves, because the actor does not act on their role
	IDs      []identity.ID // the newest, bounded
	Sessions []T           // the newest of them as they were before, bounded more
	Job      *Job          // that ends them, where they are many; then it is all there is
}

// resultOf cuts rows, newest first, of count in all.
func resultOf[T any](rows []T, count int, id func(T) identity.ID) RevocationResult[T] {
	out := RevocationResult[T]{Count: count, Sessions: rows[:min(len(rows), maxEndedShown)]}
	for _, r := range rows[:min(len(rows), maxEndedIDs)] {
		out.IDs = append(out.IDs, id(r))
	}
	return out
}

// newest is the page of what an answer names.
var newest = identity.Page{Limit: maxEndedIDs - 1} // a store reads one more

// RevokeTeamSessions ends the team's sessions that meet the filter (admin, owner),
// with a constant number of statements, or by a job where they are many; as a dry
// run it only returns which. Without a status the filter means open ones, also those
// that the team's policy refuses: they are active again when it admits them. Those of roles that the actor cannot
// manage stay, and are counted.
func (s *Service) RevokeTeamSessions(ctx context.Context, actor identity.Actor, id identity.ID, r Revocation) (RevocationResult[ListedInTeam], error) {
	byPolicy := r.Status != ""
	r.Status = cmp.Or(r.Status, StatusActive)
	var out RevocationResult[ListedInTeam]
	err := team.InTeamTx(ctx, s.store, actor, id, s.now, func(ctx context.Context, _ team.Team, role team.Role) (err error) {
		if err := role.RequireManages(); err != nil {
			return err
		}
		now, skipped, f := s.now(), 0, r.Filter
		if out = (RevocationResult[ListedInTeam]{AsOf: now}); f.Status == StatusRevoked {
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
			if out.Job, err = s.startEndingInTeam(ctx, actor, id, of, now); err != nil || out.Job != nil {
				out.Skipped = skipped
				return err
			}
		}
		rows, err := s.store.TeamSessions(ctx, id, f, now, newest)
		if err != nil {
			return err
		}
		rows = judged(policy, rows, now)
		if r.DryRun {
			out = resultOf(rows, 0, ListedInTeam.id)
			out.Count, err = s.store.CountTeamSessions(ctx, id, f, now)
		} else {
			var gone []EndedSession
			if gone, err = s.endTeamSessions(ctx, actor, id, f, "revoked", now); err == nil {
				err = r.confirmed(len(gone))
			}
			out = onlyRevoked(rows, gone, ListedInTeam.id)
		}
		out.AsOf, out.Skipped = now, skipped
		return err
	})
	s.wakeJobs(out.Job)
	return out, err
}

// RevokeSessions ends everyone's active sessions that meet the filter, for
// operators, with their team sessions, by a job where they are many; as a dry run it
// only returns which.
func (s *Service) RevokeSessions(ctx context.Context, actor identity.Actor, r Revocation) (RevocationResult[Listed], error) {
	r.Status = cmp.Or(r.Status, StatusActive)
	var out RevocationResult[Listed]
	err := s.store.InTx(ctx, func(ctx context.Context) error {
		now := s.now()
		if out = (RevocationResult[Listed]{AsOf: now}); r.Status == StatusRevoked {
			return nil
		}
		if !r.DryRun {
			var err error
			if out.Job, err = s.startEnding(ctx, actor, r, "ended_by_operator", now); err != nil || out.Job != nil {
				return err
			}
		}
		rows, err := s.store.Sessions(ctx, r.Filter, now, newest)
		if err != nil {
			return err
		}
		if r.DryRun {
			out = resultOf(rows, 0, Listed.id)
			out.AsOf = now
			out.Count, err = s.store.CountSessions(ctx, r.Filter, now)
			return err
		}
		gone, err := s.store.EndMatchingSessions(ctx, r.Filter, End{Reason: "ended_by_operator", By: actor.By(), At: now})
		if err != nil {
			return err
		}
		if err := r.confirmed(len(gone)); err != nil {
			return err
		}
		out = onlyRevoked(rows, gone, Listed.id)
		return s.store.RecordEvents(ctx, eventsOf(gone, func(user identity.ID, ids []identity.ID) identity.Event {
			e := actor.Event(identity.ActionSessionEnded, now)
			e.UserID, e.Data = &user, identity.Metadata{"ended_session_ids": ids, "reason": "ended_by_operator"}
			return e
		})...)
	})
	s.wakeJobs(out.Job)
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

func (l Listed) id() identity.ID       { return l.ID }
func (l ListedInTeam) id() identity.ID { return l.ID }

// onlyRevoked returns the rows that were ended, as they were listed before: of what changed between
// the two statements, only the ending knows.
func onlyRevoked[T any](rows []T, gone []EndedSession, id func(T) identity.ID) RevocationResult[T] {
	is, ended := make(map[identity.ID]bool, len(gone)), []identity.ID(nil)
	for _, g := range gone {
		is[g.ID], ended = true, append(ended, g.ID)
	}
	rows = slices.DeleteFunc(rows, func(r T) bool { return !is[id(r)] })
	out := resultOf(rows, len(ended), id)
	slices.SortFunc(ended, func(a, b identity.ID) int { return bytes.Compare(b[:], a[:]) })
	out.IDs = ended[:min(len(ended), maxEndedIDs)]
	return out
}

// endTeamSessions ends the open team sessions of the team that meet the filter,
// by one statement, and records it by another. It runs under the team's lock.
func (s *Service) endTeamSessions(ctx context.Context, actor identity.Actor, id identity.ID, f Filter, reason string, now time.Time) ([]EndedSession, error) {
	gone, err := s.store.EndMatchingTeamSessions(ctx, id, f, End{Reason: reason, By: actor.By(), At: now})
	if err != nil || len(gone) == 0 {
		return nil, err
	}
	return gone, s.store.RecordEvents(ctx, eventsOf(gone, func(user identity.ID, ids []identity.ID) identity.Event {
		e := actor.Event(identity.ActionTeamSessionRevoked, now)
		e.TeamID, e.UserID, e.Data = &id, &user, identity.Metadata{"team_session_ids": ids, "reason": reason}
		return e
	})...)
}

// eventsOf returns events of a bounded size for each user's sessions, so that
// their history shows why they were signed out.
func eventsOf(gone []EndedSession, event func(user identity.ID, ids []identity.ID) identity.Event) []identity.Event {
	of, users := map[identity.ID][]identity.ID{}, []identity.ID(nil)
	for _, g := range gone {
		if of[g.UserID] == nil {
			users = append(users, g.UserID)
		}
		of[g.UserID] = append(of[g.UserID], g.ID)
	}
	var out []identity.Event
	for _, user := range users {
		for ids := range slices.Chunk(of[user], idsInEvent) {
			out = append(out, event(user, ids))
		}
	}
	return out
}

package session

import (
	"bytes"
	"context"
	"slices"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/team"
)

// How many of the ended sessions an answer names, and how many it shows. All of
// them stand in the audit trail, in lines of so many ids.
const (
	maxEndedIDs   = 1000
	maxEndedShown = 100
	idsInEvent    = 500
)

// Ended are the sessions, or team sessions, that a call ended or, as a dry run,
// would end.
type Ended[T any] struct {
	Count    int
	Skipped  int           // that it leaves, because the actor does not act on their role
	IDs      []identity.ID // the newest, bounded
	Sessions []T           // the newest of them as they were before, bounded more
}

// endedOf cuts rows, newest first, of which there are count in all.
func endedOf[T any](rows []T, count int, id func(T) identity.ID) Ended[T] {
	out := Ended[T]{Count: count, Sessions: rows[:min(len(rows), maxEndedShown)]}
	for _, r := range rows[:min(len(rows), maxEndedIDs)] {
		out.IDs = append(out.IDs, id(r))
	}
	return out
}

// newest is the page of what an answer names.
var newest = identity.Page{Limit: maxEndedIDs - 1} // a store reads one more

// RevokeTeamSessions ends the team's active sessions that meet the filter
// (admin, owner), by a constant number of statements; with dryRun it only tells
// which. Those of roles that the actor does not act on stay, and are counted.
func (s *Service) RevokeTeamSessions(ctx context.Context, actor identity.Actor, id identity.ID, f Filter, dryRun bool) (Ended[ListedInTeam], error) {
	var out Ended[ListedInTeam]
	err := team.Locked(ctx, s.store, actor, id, s.now, func(ctx context.Context, _ team.Team, role team.Role) (err error) {
		if err := role.RequireManages(); err != nil {
			return err
		}
		now, skipped := s.now(), 0
		if f.Status == "" {
			f.Status = StatusActive
		}
		if !role.ActsOn(team.RoleOwner) {
			f.Owners = new(true)
			if skipped, err = s.store.CountTeamSessions(ctx, id, f, now); err != nil {
				return err
			}
			f.Owners = new(false)
		}
		rows, err := s.store.TeamSessions(ctx, id, f, now, newest)
		if err != nil {
			return err
		}
		if dryRun {
			out = endedOf(rows, 0, ListedInTeam.id)
			out.Count, err = s.store.CountTeamSessions(ctx, id, f, now)
		} else {
			var ended []identity.ID
			ended, err = s.endTeamSessions(ctx, actor, id, f, "revoked", now)
			out = exactly(rows, ended, ListedInTeam.id)
		}
		out.Skipped = skipped
		return err
	})
	return out, err
}

// RevokeSessions ends everyone's active sessions that meet the filter, for
// operators, with the team sessions in them; with dryRun it only tells which.
func (s *Service) RevokeSessions(ctx context.Context, actor identity.Actor, f Filter, dryRun bool) (Ended[Listed], error) {
	var out Ended[Listed]
	err := s.store.InTx(ctx, func(ctx context.Context) error {
		now := s.now()
		if f.Status == "" {
			f.Status = StatusActive
		}
		rows, err := s.store.Sessions(ctx, f, now, newest)
		if err != nil {
			return err
		}
		out = endedOf(rows, 0, Listed.id)
		if dryRun {
			out.Count, err = s.store.CountSessions(ctx, f, now)
			return err
		}
		ended, err := s.store.EndMatchingSessions(ctx, f, End{Reason: "ended_by_operator", By: actor.By(), At: now})
		if err != nil {
			return err
		}
		out = exactly(rows, ended, Listed.id)
		return s.store.RecordEvents(ctx, eventsOf(ended, func(ids []identity.ID) identity.Event {
			e := actor.Event(identity.ActionSessionEnded, now)
			e.UserID, e.Data = f.UserID, identity.Metadata{"ended_session_ids": ids, "reason": "ended_by_operator"}
			return e
		})...)
	})
	return out, err
}

// RevokeSession ends one session of anyone, for operators. Ending one that has
// ended already is no error; identity.ErrNotFound if there is none.
func (s *Service) RevokeSession(ctx context.Context, actor identity.Actor, id identity.ID) error {
	return s.store.InTx(ctx, func(ctx context.Context) error {
		cur, err := s.store.LockSession(ctx, id)
		if err != nil || cur.EndedAt != nil {
			return err
		}
		now := s.now()
		if _, err := s.store.EndSessions(ctx, cur.UserID, Which{Only: &id}, "ended_by_operator", now); err != nil {
			return err
		}
		e := actor.Event(identity.ActionSessionEnded, now)
		e.UserID, e.Data = &cur.UserID, identity.Metadata{"ended_session_id": id, "reason": "ended_by_operator"}
		return s.store.RecordEvents(ctx, e)
	})
}

func (l Listed) id() identity.ID       { return l.ID }
func (l ListedInTeam) id() identity.ID { return l.ID }

// exactly is what was ended, as it was listed before: of what changed between
// the two statements, the ending tells.
func exactly[T any](rows []T, ended []identity.ID, id func(T) identity.ID) Ended[T] {
	is := make(map[identity.ID]bool, len(ended))
	for _, e := range ended {
		is[e] = true
	}
	rows = slices.DeleteFunc(rows, func(r T) bool { return !is[id(r)] })
	out := endedOf(rows, len(ended), id)
	slices.SortFunc(ended, func(a, b identity.ID) int { return bytes.Compare(b[:], a[:]) })
	out.IDs = ended[:min(len(ended), maxEndedIDs)]
	return out
}

// endTeamSessions ends the open team sessions of the team that meet the filter,
// by one statement, and records it by another. It runs under the team's lock.
func (s *Service) endTeamSessions(ctx context.Context, actor identity.Actor, id identity.ID, f Filter, reason string, now time.Time) ([]identity.ID, error) {
	ended, err := s.store.EndMatchingTeamSessions(ctx, id, f, End{Reason: reason, By: actor.By(), At: now})
	if err != nil || len(ended) == 0 {
		return nil, err
	}
	return ended, s.store.RecordEvents(ctx, eventsOf(ended, func(ids []identity.ID) identity.Event {
		e := actor.Event(identity.ActionTeamSessionRevoked, now)
		e.TeamID, e.UserID, e.Data = &id, f.UserID, identity.Metadata{"team_session_ids": ids, "reason": reason}
		return e
	})...)
}

// eventsOf tells of many ids in lines of a bounded size.
func eventsOf(ids []identity.ID, event func(ids []identity.ID) identity.Event) []identity.Event {
	var out []identity.Event
	for part := range slices.Chunk(ids, idsInEvent) {
		out = append(out, event(slices.Clone(part)))
	}
	return out
}

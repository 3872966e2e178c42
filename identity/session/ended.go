package session

import (
	"context"
	"time"

	"github.com/latchkey/latchkey/identity"
)

// How many of the ended sessions an answer names, and how many it shows. All of
// them stand in the audit trail, in lines of so many ids.
const (
	maxEndedIDs   = 1000
	maxEndedShown = 100
	idsInEvent    = 500
)

// Ended are the team sessions that a call ended or, as a dry run, would end.
type Ended struct {
	Count    int
	Skipped  int            // that it leaves, because the actor does not act on their role
	IDs      []identity.ID  // the newest, bounded
	Sessions []ListedInTeam // the newest of them, bounded more

	all []identity.ID
}

func endedOf(rows []ListedInTeam) Ended {
	out := Ended{Count: len(rows), all: make([]identity.ID, len(rows))}
	for i, l := range rows {
		out.all[i] = l.ID
	}
	out.IDs, out.Sessions = out.all[:min(len(rows), maxEndedIDs)], rows[:min(len(rows), maxEndedShown)]
	return out
}

// endTeamSessions ends the open team sessions of the team that meet the filter,
// by one statement, and records it by another. It runs under the team's lock.
func (s *Service) endTeamSessions(ctx context.Context, actor identity.Actor, id identity.ID, f Filter, reason string, now time.Time) error {
	ended, err := s.store.EndMatchingTeamSessions(ctx, id, f, End{Reason: reason, By: actor.UserID, At: now})
	if err != nil || len(ended) == 0 {
		return err
	}
	var events []identity.Event
	for len(ended) > 0 {
		n := min(len(ended), idsInEvent)
		e := actor.Event(identity.ActionTeamSessionRevoked, now)
		e.TeamID, e.Data = &id, identity.Metadata{"team_session_ids": ended[:n], "reason": reason}
		e.UserID = f.UserID
		events, ended = append(events, e), ended[n:]
	}
	return s.store.RecordEvents(ctx, events...)
}

package revocation

import (
	"time"

	"github.com/latchkey/latchkey/identity"
)

// JobKind is what a job does.
type JobKind string

// The kinds of jobs.
const (
	JobEndSessions     JobKind = "end_sessions"
	JobEndTeamSessions JobKind = "end_team_sessions"
)

// Job ends many sessions, or team sessions, in transactions of their own. Where
// Epoch is set, access has ended with the call, by the counter that the sessions
// are compared with, and the job only writes it down. Otherwise the call has noted
// the ids, and each session works until its turn. A job goes on after a restart,
// on any replica.
type Job struct {
	ID         identity.ID
	Kind       JobKind
	UserID     *identity.ID // whose sessions; nil for everyone's
	TeamID     *identity.ID // of team sessions
	Epoch      *int64       // ends what was made under a lower count
	OwnerEpoch *int64       // the same for a team's owners; nil leaves them
	Reason     string

	// Who asked for it: what the audit events say.
	ActorID   *identity.ID
	StartedBy *identity.ID // ActorID where that is a user
	SessionID *identity.ID
	IP        string
	UserAgent string

	Settling  *string      // transactions under way at the call, which may create sessions under the old count
	AfterID   *identity.ID // those up to here are done
	Ended     int
	Total     *int // about how many there are to end; nil until counted
	CreatedAt time.Time

	FinishedAt *time.Time // Ended is final
}

// NewJob is a job that an actor asks for.
func NewJob(actor identity.Actor, kind JobKind, reason string, now time.Time) Job {
	e := actor.Event("", now)
	return Job{
		ID: identity.NewID(), Kind: kind, Reason: reason, CreatedAt: now,
		ActorID: e.ActorID, StartedBy: actor.By(), SessionID: e.SessionID, IP: e.IP, UserAgent: e.UserAgent,
	}
}

// event is the audit event of some of the job's endings, or of its start.
func (j Job) event(now time.Time, data identity.Metadata) identity.Event {
	action := identity.ActionSessionEnded
	if j.Kind == JobEndTeamSessions {
		action = identity.ActionTeamSessionRevoked
	}
	data["reason"], data["job_id"] = j.Reason, j.ID
	return identity.Event{
		ID: identity.NewID(), At: now, Action: action, ActorID: j.ActorID, UserID: j.UserID, TeamID: j.TeamID,
		SessionID: j.SessionID, IP: j.IP, UserAgent: j.UserAgent, Data: data,
	}
}

// End is how it ends sessions.
func (j Job) End(now time.Time) End { return End{Reason: j.Reason, By: j.StartedBy, At: now} }

// EventsOf are the audit events of some of its endings.
func (j Job) EventsOf(gone []Ended, now time.Time) []identity.Event {
	name := "ended_session_ids"
	if j.Kind == JobEndTeamSessions {
		name = "team_session_ids"
	}
	return EventsOf(gone, func(user identity.ID, ids []identity.ID) identity.Event {
		e := j.event(now, identity.Metadata{name: ids})
		e.UserID = &user
		return e
	})
}

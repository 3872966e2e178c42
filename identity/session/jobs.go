package session

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/team"
)

// maxAtOnce is how many sessions end in the transaction of the call. More end by
// a job: the call fixes which, and rows and audit events follow in batches.
const maxAtOnce = 1000

// jobsPoll is how often a replica looks for a job that another one left.
const jobsPoll = time.Second

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

func newJob(actor identity.Actor, kind JobKind, reason string, now time.Time) Job {
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

func (j Job) end(now time.Time) End { return End{Reason: j.Reason, By: j.StartedBy, At: now} }

func (j Job) eventsOf(gone []EndedSession, now time.Time) []identity.Event {
	name := "ended_session_ids"
	if j.Kind == JobEndTeamSessions {
		name = "team_session_ids"
	}
	return eventsOf(gone, func(user identity.ID, ids []identity.ID) identity.Event {
		e := j.event(now, identity.Metadata{name: ids})
		e.UserID = &user
		return e
	})
}

// JobStore keeps jobs. Methods that change run in the transaction of InTx.
type JobStore interface {
	// MoreSessions reports whether Sessions would list more than so many.
	MoreSessions(ctx context.Context, f Filter, now time.Time, than int) (bool, error)
	MoreTeamSessions(ctx context.Context, team identity.ID, f Filter, now time.Time, than int) (bool, error)
	// EndAllSessions ends every session of a user, or of everyone, by counting up,
	// and returns the new count. It leaves what the filter names as Except,
	// NotUserID, or made after AsOf.
	EndAllSessions(ctx context.Context, user *identity.ID, keep Filter) (epoch int64, err error)
	// EndAllTeamSessions is EndAllSessions for a team, with or without those of its
	// owners, who have a counter of their own.
	EndAllTeamSessions(ctx context.Context, team identity.ID, owners bool, keep Filter) (epoch int64, ownerEpoch *int64, err error)

	InsertJob(ctx context.Context, j Job) error
	// NoteItems notes for a job what meets the filter, and returns how many that is.
	NoteItems(ctx context.Context, j Job, f Filter, now time.Time) (int, error)
	UpdateJob(ctx context.Context, j Job) error
	Job(ctx context.Context, id identity.ID) (Job, error)
	// HasOpenJob reports whether there is a job to do.
	HasOpenJob(ctx context.Context) (bool, error)
	// NextJob returns the oldest unfinished job that no replica works on, and
	// holds its row.
	NextJob(ctx context.Context) (Job, error)
	// LockTeamJob returns the oldest unfinished job by count of a team, and holds
	// its row.
	LockTeamJob(ctx context.Context, team identity.ID) (Job, error)
	// Writers names the other transactions that are writing sessions, or team
	// sessions, now.
	Writers(ctx context.Context, kind JobKind) (string, error)
	// CountJob counts what a job by count has to end.
	CountJob(ctx context.Context, j Job) (int, error)
	// EndBatch ends some of what a job has to end. It returns what it ended, where
	// to go on, and whether that was all.
	EndBatch(ctx context.Context, j Job, end End) (gone []EndedSession, after *identity.ID, done bool, err error)
}

// all reports whether the filter leaves out no open session of everyone, or of a
// user, but for those that it excepts.
func (f Filter) all() bool {
	return f.Status == StatusActive && f.Policy == nil && f.Provider == "" && f.KeyID == nil && f.Device == "" && !f.Network.IsValid() &&
		f.OlderThan == 0 && f.NewerThan == 0 && f.IDs == nil
}

// more asks whether a revocation is about more sessions than so many.
type more func(than int) (bool, error)

// tooMany reports whether there is more to end than one transaction does. It
// refuses more than was confirmed.
func (r Revocation) tooMany(more more) (bool, error) {
	big, err := more(maxAtOnce)
	if err != nil || !big || r.AtMost == nil {
		return big, err
	}
	unseen, err := more(*r.AtMost)
	if err == nil && unseen {
		err = identity.NewError(identity.CodeSessionsChanged, "more than the %d sessions that were confirmed would end now; look at them again", *r.AtMost)
	}
	return big, err
}

// startEnding ends sessions by a job; nil where they are few enough to end at
// once.
func (s *Service) startEnding(ctx context.Context, actor identity.Actor, r Revocation, reason string, now time.Time) (*Job, error) {
	big, err := r.tooMany(func(than int) (bool, error) { return s.store.MoreSessions(ctx, r.Filter, now, than) })
	if err != nil || !big {
		return nil, err
	}
	j := newJob(actor, JobEndSessions, reason, now)
	if j.UserID = r.UserID; r.all() {
		var epoch int64
		epoch, err = s.store.EndAllSessions(ctx, r.UserID, r.Filter)
		j.Epoch = &epoch
	}
	if err != nil {
		return nil, err
	}
	return s.insertJob(ctx, j, r.Filter, now)
}

// startEndingInTeam is startEnding for team sessions; with owners or without.
func (s *Service) startEndingInTeam(ctx context.Context, actor identity.Actor, id identity.ID, r Revocation, now time.Time) (*Job, error) {
	big, err := r.tooMany(func(than int) (bool, error) { return s.store.MoreTeamSessions(ctx, id, r.Filter, now, than) })
	if err != nil || !big {
		return nil, err
	}
	j := newJob(actor, JobEndTeamSessions, "revoked", now)
	if j.TeamID, j.UserID = &id, r.UserID; r.all() && r.UserID == nil {
		var epoch int64
		epoch, j.OwnerEpoch, err = s.store.EndAllTeamSessions(ctx, id, r.Owners == nil, r.Filter)
		j.Epoch = &epoch
	}
	if err != nil {
		return nil, err
	}
	return s.insertJob(ctx, j, r.Filter, now)
}

func (s *Service) insertJob(ctx context.Context, j Job, f Filter, now time.Time) (*Job, error) {
	if err := s.store.InsertJob(ctx, j); err != nil {
		return nil, err
	}
	data := identity.Metadata{"all": j.Epoch != nil}
	if j.Epoch == nil {
		n, err := s.store.NoteItems(ctx, j, f, now)
		if err != nil {
			return nil, err
		}
		j.Total, data["sessions"] = &n, n
		if err := s.store.UpdateJob(ctx, j); err != nil {
			return nil, err
		}
	}
	return &j, s.store.RecordEvents(ctx, j.event(now, data))
}

// Job returns a job, for operators.
func (s *Service) Job(ctx context.Context, id identity.ID) (Job, error) { return s.store.Job(ctx, id) }

// TeamJob returns a job of a team to those who manage it.
func (s *Service) TeamJob(ctx context.Context, actor identity.Actor, id, job identity.ID) (Job, error) {
	if err := team.RequireManager(ctx, s.store, actor, id, s.now()); err != nil {
		return Job{}, err
	}
	j, err := s.store.Job(ctx, job)
	if err == nil && (j.TeamID == nil || *j.TeamID != id) {
		err = identity.ErrNotFound
	}
	return j, err
}

// RunJobs does jobs until ctx ends. Every replica runs it; a row lock lets one
// work on a job at a time.
func (s *Service) RunJobs(ctx context.Context, log *slog.Logger) {
	tick := time.NewTicker(jobsPoll)
	defer tick.Stop()
	failing := false
	for {
		worked, err := s.WorkOnJob(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			log.Warn("could not go on with ending sessions; will retry", "error", err)
		}
		if failing = err != nil; worked && ctx.Err() == nil {
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-s.jobs:
		case <-tick.C:
		}
	}
}

func (s *Service) wakeJobs(j *Job) {
	if j == nil {
		return
	}
	select {
	case s.jobs <- struct{}{}:
	default: // it is awake
	}
}

// WorkOnJob does a step of the oldest job and reports whether there is another to
// do at once.
func (s *Service) WorkOnJob(ctx context.Context) (again bool, err error) {
	open, err := s.store.HasOpenJob(ctx)
	if err != nil || !open {
		return false, err
	}
	err = s.store.InTx(ctx, func(ctx context.Context) (err error) {
		again = false
		j, err := s.store.NextJob(ctx)
		if errors.Is(err, identity.ErrNotFound) {
			return nil
		}
		if err == nil {
			again, err = s.step(ctx, j)
		}
		return err
	})
	return again && err == nil, err
}

func (s *Service) step(ctx context.Context, j Job) (again bool, err error) {
	if j.Total == nil {
		return s.prepare(ctx, j)
	}
	now := s.now()
	gone, after, done, err := s.store.EndBatch(ctx, j, j.end(now))
	if err != nil {
		return false, err
	}
	if err := s.store.RecordEvents(ctx, j.eventsOf(gone, now)...); err != nil {
		return false, err
	}
	if j.Ended, j.AfterID = j.Ended+len(gone), after; done {
		j.FinishedAt = &now
	}
	return true, s.store.UpdateJob(ctx, j)
}

// prepare counts what there is to end, once no transaction is left that read the
// counter before it went up: what such a one makes has ended as well.
func (s *Service) prepare(ctx context.Context, j Job) (again bool, err error) {
	writing, err := s.store.Writers(ctx, j.Kind)
	if err != nil {
		return false, err
	}
	if j.Settling == nil {
		j.Settling = &writing
	}
	before := strings.Fields(*j.Settling)
	if !slices.ContainsFunc(strings.Fields(writing), func(w string) bool { return slices.Contains(before, w) }) {
		n, err := s.store.CountJob(ctx, j)
		if err != nil {
			return false, err
		}
		j.Total, again = &n, true
	}
	return again, s.store.UpdateJob(ctx, j)
}

// endLeftover writes down that a team session has ended with all of the team's,
// before the job comes to it: its session enters the team again.
func (s *Service) endLeftover(ctx context.Context, actor identity.Actor, ts TeamSession, now time.Time) error {
	j, err := s.store.LockTeamJob(ctx, ts.TeamID)
	none := errors.Is(err, identity.ErrNotFound)
	if err != nil && !none {
		return err
	}
	if none {
		j = newJob(actor, JobEndTeamSessions, "revoked", now)
		j.TeamID = &ts.TeamID
	}
	gone, err := s.store.EndMatchingTeamSessions(ctx, ts.TeamID, Filter{IDs: []identity.ID{ts.ID}}, j.end(now))
	if err != nil {
		return err
	}
	if err := s.store.RecordEvents(ctx, j.eventsOf(gone, now)...); err != nil || none {
		return err
	}
	j.Ended += len(gone)
	return s.store.UpdateJob(ctx, j)
}

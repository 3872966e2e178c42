package revocation

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/background"
)

// poll is how often a replica looks for a job that another one left.
const poll = time.Second

// Store keeps jobs. Methods that change run in the transaction of InTx.
type Store interface {
	InTx(ctx context.Context, fn func(ctx context.Context) error) error
	InsertJob(ctx context.Context, j Job) error
	UpdateJob(ctx context.Context, j Job) error
	Job(ctx context.Context, id identity.ID) (Job, error)
	// HasOpenJob reports whether there is a job to do.
	HasOpenJob(ctx context.Context) (bool, error)
	// NextJob returns the oldest unfinished job that no replica works on, and
	// holds its row.
	NextJob(ctx context.Context) (Job, error)
	// Writers names the other transactions that are writing sessions, or team
	// sessions, now.
	Writers(ctx context.Context, kind JobKind) (string, error)
	// CountJob counts what a job by count has to end.
	CountJob(ctx context.Context, j Job) (int, error)
	// EndBatch ends some of what a job has to end. It returns what it ended, where
	// to go on, and whether that was all.
	EndBatch(ctx context.Context, j Job, end End) (gone []Ended, after *identity.ID, done bool, err error)
	RecordEvents(ctx context.Context, events ...identity.Event) error
}

// Jobs starts jobs and does them.
type Jobs struct {
	store Store
	now   identity.Clock
	wake  background.Wake
}

// NewJobs returns the jobs of a store.
func NewJobs(store Store, now identity.Clock) *Jobs {
	return &Jobs{store: store, now: now, wake: background.NewWake()}
}

// Start leaves a job to be done, in the caller's transaction. One that ends nothing by
// count ends what note notes for it, and counts.
func (s *Jobs) Start(ctx context.Context, j Job, note func(ctx context.Context, j Job) (int, error)) (*Job, error) {
	if err := s.store.InsertJob(ctx, j); err != nil {
		return nil, err
	}
	data := identity.Metadata{"all": j.Epoch != nil}
	if j.Epoch == nil {
		n, err := note(ctx, j)
		if err != nil {
			return nil, err
		}
		j.Total, data["sessions"] = &n, n
		if err := s.store.UpdateJob(ctx, j); err != nil {
			return nil, err
		}
	}
	return &j, s.store.RecordEvents(ctx, j.event(j.CreatedAt, data))
}

// Get returns a job.
func (s *Jobs) Get(ctx context.Context, id identity.ID) (Job, error) { return s.store.Job(ctx, id) }

// Run does jobs until ctx ends. Every replica runs it; a row lock lets one
// work on a job at a time.
func (s *Jobs) Run(ctx context.Context, log *slog.Logger) {
	background.Loop{Every: poll, Wake: s.wake, Failed: "could not go on with ending sessions; will retry", Log: log}.Run(ctx, s.Work)
}

// Wake has a job begin, if there is one, that was started in a transaction which has
// committed.
func (s *Jobs) Wake(j *Job) {
	if j != nil {
		s.wake.Up()
	}
}

// Work does a step of the oldest job and reports whether there is another to
// do at once.
func (s *Jobs) Work(ctx context.Context) (again bool, err error) {
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

func (s *Jobs) step(ctx context.Context, j Job) (again bool, err error) {
	if j.Total == nil {
		return s.prepare(ctx, j)
	}
	now := s.now()
	gone, after, done, err := s.store.EndBatch(ctx, j, j.End(now))
	if err != nil {
		return false, err
	}
	if err := s.store.RecordEvents(ctx, j.EventsOf(gone, now)...); err != nil {
		return false, err
	}
	if j.Ended, j.AfterID = j.Ended+len(gone), after; done {
		j.FinishedAt = &now
	}
	return true, s.store.UpdateJob(ctx, j)
}

// prepare counts what there is to end, once no transaction is left that read the
// counter before it went up: what such a one makes has ended as well.
func (s *Jobs) prepare(ctx context.Context, j Job) (again bool, err error) {
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

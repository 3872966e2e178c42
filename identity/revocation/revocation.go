// Package revocation ends many sessions, or team sessions: in the transaction of the
// call, or by a job where they are more.
package revocation

import (
	"bytes"
	"slices"
	"time"

	"github.com/latchkey/latchkey/identity"
)

// How many of the ended sessions a response lists by id, and how many it shows.
// The audit trail has all of them, in events of idsInEvent ids of one user.
const (
	maxEndedIDs   = 1000
	maxEndedShown = 100
	idsInEvent    = 500
)

// maxAtOnce is how many sessions end in the transaction of the call. More end by
// a job: the call fixes which, and rows and audit events follow in batches.
const maxAtOnce = 1000

// Newest is the page of what a response names.
var Newest = identity.Page{Limit: maxEndedIDs - 1} // a store reads one more

// End is how sessions end.
type End struct {
	Reason string
	By     *identity.ID // the user; nil for a service
	At     time.Time
}

// Ended is a session, or team session, that has ended, and whose it was.
type Ended struct{ ID, UserID identity.ID }

// TooMany reports whether there is more to end than one transaction does. It refuses
// more than was confirmed, where that is set (CodeSessionsChanged). It asks more whether
// there are more than so many.
func TooMany(confirmed *int, more func(than int) (bool, error)) (bool, error) {
	big, err := more(maxAtOnce)
	if err != nil || !big || confirmed == nil {
		return big, err
	}
	unseen, err := more(*confirmed)
	if err == nil && unseen {
		err = identity.NewError(identity.CodeSessionsChanged, "more than the %d sessions that were confirmed would end now; look at them again", *confirmed)
	}
	return big, err
}

// Confirm refuses to end more than was confirmed, where that is set
// (CodeSessionsChanged).
func Confirm(confirmed *int, ended int) error {
	if confirmed != nil && ended > *confirmed {
		return identity.NewError(identity.CodeSessionsChanged, "%d sessions would end now, more than were confirmed; preview them again", ended)
	}
	return nil
}

// Result lists the sessions, or team sessions, that a call ended or, as a dry run,
// would end.
type Result[T any] struct {
	AsOf     time.Time // when that was, of a revocation
	Count    int
	Skipped  int           // that it leaves, because the actor does not act on their role
	IDs      []identity.ID // the newest, bounded
	Sessions []T           // the newest of them as they were before, bounded more
	Job      *Job          // that ends them, where they are many; then it is all there is
}

// ResultOf cuts rows, newest first, of count in all.
func ResultOf[T any](rows []T, count int, id func(T) identity.ID) Result[T] {
	out := Result[T]{Count: count, Sessions: rows[:min(len(rows), maxEndedShown)]}
	for _, r := range rows[:min(len(rows), maxEndedIDs)] {
		out.IDs = append(out.IDs, id(r))
	}
	return out
}

// OnlyEnded returns the rows that were ended, as they were listed before: of what
// changed between the two statements, only the ending knows.
func OnlyEnded[T any](rows []T, gone []Ended, id func(T) identity.ID) Result[T] {
	is, ended := make(map[identity.ID]bool, len(gone)), []identity.ID(nil)
	for _, g := range gone {
		is[g.ID], ended = true, append(ended, g.ID)
	}
	rows = slices.DeleteFunc(rows, func(r T) bool { return !is[id(r)] })
	out := ResultOf(rows, len(ended), id)
	slices.SortFunc(ended, func(a, b identity.ID) int { return bytes.Compare(b[:], a[:]) })
	out.IDs = ended[:min(len(ended), maxEndedIDs)]
	return out
}

// EventsOf returns events of a bounded size for each user's sessions, so that
// their history shows why they were signed out.
func EventsOf(gone []Ended, event func(user identity.ID, ids []identity.ID) identity.Event) []identity.Event {
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

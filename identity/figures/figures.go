// Package figures counts what the operators of a deployment look at first.
package figures

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/latchkey/latchkey/identity"
)

// Days is how many days the figures go back, today included.
const Days = 30

// KeepCounts is how long counts by the hour are kept.
const KeepCounts = 400 * 24 * time.Hour

// Count is how many events of an action there were in an hour.
type Count struct {
	Hour   time.Time // its start, UTC
	Action identity.Action
	Detail string // see DetailOf
	N      int
	LastAt time.Time
}

// counted are the actions that are counted, and the member of their data that
// distinguishes them.
var counted = map[identity.Action]string{
	identity.ActionSessionCreated:  "provider",
	identity.ActionProofRefused:    "reason",
	identity.ActionUserCreated:     "reason",
	identity.ActionUserMerged:      "",
	identity.ActionUserMergeUndone: "",
}

// maxDetail bounds what an event is counted by, in bytes.
const maxDetail = 64

// Counts returns how many of the events are in each hour, ordered by hour, action and
// detail.
func Counts(events []identity.Event) []Count {
	type key struct {
		hour   time.Time
		action identity.Action
		detail string
	}
	found := map[key]*Count{}
	for _, e := range events {
		member, ok := counted[e.Action]
		if !ok {
			continue
		}
		k := key{e.At.UTC().Truncate(time.Hour), e.Action, detailOf(e.Data, member)}
		c := found[k]
		if c == nil {
			c = &Count{Hour: k.hour, Action: k.action, Detail: k.detail}
			found[k] = c
		}
		if c.N++; e.At.After(c.LastAt) {
			c.LastAt = e.At.UTC()
		}
	}
	out := make([]Count, 0, len(found))
	for _, c := range found {
		out = append(out, *c)
	}
	slices.SortFunc(out, func(a, b Count) int {
		return cmp.Or(a.Hour.Compare(b.Hour), cmp.Compare(a.Action, b.Action), cmp.Compare(a.Detail, b.Detail))
	})
	return out
}

func detailOf(data identity.Metadata, member string) string {
	if member == "" {
		return ""
	}
	detail, _ := data[member].(string)
	if len(detail) > maxDetail {
		return ""
	}
	return detail
}

// Now are figures of this moment.
type Now struct {
	Users, NewUsers            int // NewUsers: in the last 7 days
	Sessions, TeamSessions     int // that are active
	Teams                      int
	Duplicates                 int // that are open
	Merges                     int // in the last 30 days, and not undone
	Mails                      int // that wait
	OldestMail                 *time.Time
	Webhooks, FailingWebhooks  int // Webhooks: that are enabled
	Deliveries, LostDeliveries int // Deliveries: that wait; LostDeliveries: given up in the last 24 hours
}

// Store counts.
type Store interface {
	EventCounts(ctx context.Context, since time.Time) ([]Count, error)
	FiguresNow(ctx context.Context, now time.Time) (Now, error)
}

// Overview is what operators see first.
type Overview struct {
	At time.Time
	Now
	SignIns     []Day // the last 30 days, oldest first
	LastDay     int   // sign-ins in the last 24 hours
	Refusals    []Named
	RefusedDay  int // refusals in the last 24 hours
	LastSuccess []LastSuccess
}

// Day counts by provider.
type Day struct {
	Day    time.Time // its start, UTC
	Counts map[string]int
}

// Named is a count of something.
type Named struct {
	Name string
	N    int
}

// LastSuccess is when somebody last signed in with a provider.
type LastSuccess struct {
	Provider string
	At       time.Time
}

// Service makes overviews, and remembers the latest one.
type Service struct {
	store Store
	now   identity.Clock

	mu     sync.Mutex
	latest *Overview
	until  time.Time // when the latest is too old
}

// keepOverview is how long an overview answers others, at least. Counting everything takes
// a while in a large database: it is done in a twentieth of the time at most.
const (
	keepOverview = 15 * time.Second
	keepPerCost  = 20
)

// NewService returns the service over a store.
func NewService(store Store, now identity.Clock) *Service { return &Service{store: store, now: now} }

// Overview returns the figures. They may be 15 seconds old, or twenty times as old as
// counting took.
func (s *Service) Overview(ctx context.Context) (Overview, error) {
	s.mu.Lock()
	defer s.mu.Unlock() // one counts, the others wait for it
	now := s.now()
	if s.latest != nil && !now.Before(s.latest.At) && now.Before(s.until) {
		return *s.latest, nil
	}
	today := now.UTC().Truncate(24 * time.Hour)
	counts, err := s.store.EventCounts(ctx, today.AddDate(0, 0, 1-Days))
	if err != nil {
		return Overview{}, err
	}
	out := overview(counts, today, now)
	if out.Now, err = s.store.FiguresNow(ctx, now); err != nil {
		return Overview{}, err
	}
	counted := s.now()
	s.latest, s.until = &out, counted.Add(max(keepOverview, keepPerCost*counted.Sub(now)))
	return out, nil
}

func overview(counts []Count, today, now time.Time) Overview {
	out := Overview{At: now}
	for i := range Days {
		out.SignIns = append(out.SignIns, Day{Day: today.AddDate(0, 0, i+1-Days), Counts: map[string]int{}})
	}
	first, dayAgo := out.SignIns[0].Day, now.Add(-24*time.Hour)
	refusals, last := map[string]int{}, map[string]time.Time{}
	for _, c := range counts {
		recent := !c.Hour.Before(dayAgo.Truncate(time.Hour))
		switch c.Action {
		case identity.ActionSessionCreated:
			if i := int(c.Hour.Sub(first) / (24 * time.Hour)); !c.Hour.Before(first) && i < Days {
				out.SignIns[i].Counts[c.Detail] += c.N
			}
			if recent {
				out.LastDay += c.N
			}
			if c.LastAt.After(last[c.Detail]) {
				last[c.Detail] = c.LastAt
			}
		case identity.ActionProofRefused:
			refusals[c.Detail] += c.N
			if recent {
				out.RefusedDay += c.N
			}
		}
	}
	for name, n := range refusals {
		out.Refusals = append(out.Refusals, Named{name, n})
	}
	slices.SortFunc(out.Refusals, func(a, b Named) int { return cmp.Or(cmp.Compare(b.N, a.N), cmp.Compare(a.Name, b.Name)) })
	for provider, at := range last {
		out.LastSuccess = append(out.LastSuccess, LastSuccess{provider, at})
	}
	slices.SortFunc(out.LastSuccess, func(a, b LastSuccess) int { return cmp.Compare(a.Provider, b.Provider) })
	return out
}

// Package ratelimit decides whether a client has made too many requests. Buckets are
// kept in memory, bounded, or in Redis, so that replicas share them; both count
// alike, by the generic cell rate algorithm (GCRA, a leaky bucket that keeps one
// time for each key).
package ratelimit

import (
	"context"
	"math"
	"time"
)

// MaxWindow is the longest a limit may have: a key that was not asked for as long
// is forgotten.
const MaxWindow = time.Hour

// Limit is a quota that may be used at once and comes back evenly over the
// window: 60 a minute is 60 now, and then one each second.
type Limit struct {
	Quota  int
	Window time.Duration
}

// Scaled returns the limit with a multiple of its quota, at least 1.
func (l Limit) Scaled(factor float64) Limit {
	l.Quota = max(1, int(math.Round(float64(l.Quota)*factor)))
	return l
}

// Result is the outcome of one request.
type Result struct {
	Allowed    bool
	Remaining  int           // how many more would be allowed now
	RetryAfter time.Duration // until one is allowed again; 0 when this one was
	ResetAfter time.Duration // until the whole quota is back
}

// Limiter counts requests by key. It always answers: one that cannot reach what
// it counts in counts in another way.
type Limiter interface {
	// Take counts one request, unless it refuses it: those cost nothing.
	Take(ctx context.Context, key string, limit Limit) Result
	// Return gives back what an allowed Take counted. It is for limits on
	// failures: each attempt is counted before it is made, so that many at once
	// do not get past the limit, and one that succeeds is given back.
	Return(ctx context.Context, key string, limit Limit)
}

// interval is how long one request's worth of quota takes to come back, in
// nanoseconds.
func (l Limit) interval() int64 { return max(1, int64(l.Window)/int64(l.Quota)) }

// take is GCRA. full is when the bucket will be full again; times are
// Unix nanoseconds.
func (l Limit) take(full, now int64) (next int64, r Result) {
	interval := l.interval()
	burst := interval * int64(l.Quota)
	full = min(max(full, now), now+burst) // the clock may have been set back
	next = full + interval
	room := now + burst - next
	if room < 0 {
		return full, Result{RetryAfter: time.Duration(-room), ResetAfter: time.Duration(full - now)}
	}
	return next, Result{Allowed: true, Remaining: int(room / interval), ResetAfter: time.Duration(next - now)}
}

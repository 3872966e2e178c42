package ratelimit

import (
	"context"
	"time"

	"github.com/maypok86/otter/v2"
)

// maxKeys bounds the memory: some 15 MiB with all of them in use. Past it the
// keys that are asked for least are forgotten, so that a flood of addresses
// pushes itself out before it pushes out one that is at its limit.
const maxKeys = 100_000

// Memory counts in this process.
type Memory struct {
	full *otter.Cache[string, int64] // see Limit.take
	now  func() time.Time
}

// NewMemory returns a limiter that counts in this process.
func NewMemory(now func() time.Time) *Memory {
	return &Memory{now: now, full: otter.Must(&otter.Options[string, int64]{
		MaximumSize:      maxKeys,
		ExpiryCalculator: otter.ExpiryWriting[string, int64](MaxWindow),
	})}
}

// Close ends what works in the background. Counting goes on.
func (m *Memory) Close() { m.full.StopAllGoroutines() }

// Take implements Limiter.
func (m *Memory) Take(_ context.Context, key string, limit Limit) (r Result) {
	now := m.now().UnixNano()
	m.full.Compute(key, func(full int64, _ bool) (int64, otter.ComputeOp) {
		var next int64
		if next, r = limit.take(full, now); !r.Allowed {
			return full, otter.CancelOp
		}
		return next, otter.WriteOp
	})
	return r
}

// Return implements Limiter.
func (m *Memory) Return(_ context.Context, key string, limit Limit) {
	now := m.now().UnixNano()
	m.full.Compute(key, func(full int64, _ bool) (int64, otter.ComputeOp) {
		if full <= now {
			return full, otter.CancelOp // it is all back
		}
		return full - limit.interval(), otter.WriteOp
	})
}

// peek is Take without taking.
func (m *Memory) peek(key string, limit Limit) Result {
	full, _ := m.full.GetIfPresent(key)
	_, r := limit.take(full, m.now().UnixNano())
	return r
}

// learn takes over what another limiter has counted: the whole quota is back
// after reset. Answers may come out of order, so it never goes back.
func (m *Memory) learn(key string, reset time.Duration) {
	known := m.now().Add(reset).UnixNano()
	m.full.Compute(key, func(full int64, _ bool) (int64, otter.ComputeOp) {
		if known <= full {
			return full, otter.CancelOp
		}
		return known, otter.WriteOp
	})
}

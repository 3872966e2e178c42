package session

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/background"
)

const (
	// writeUsesEvery bounds how much of last use is lost when a replica is killed.
	writeUsesEvery = time.Second
	// usesWait is how long a use may take to be written: a few rounds that fail. What
	// may decide about a session within that time, or if the use is lost, is written at
	// once.
	usesWait = 5 * time.Second
	// maxUses bounds what is collected, to some 30 MB. Beyond it uses are written at
	// once, as before the sessions of a replica were that many.
	maxUses = 100_000
	// lastUsesTimeout is how long a replica that stops tries to write the rest.
	lastUsesTimeout = 3 * time.Second
)

// Use is what is written of the use of a session.
type Use struct {
	Session     identity.ID
	Was, At     time.Time // the use before, as it was read, and this one
	IdleExpires time.Time
	Proven      time.Time     // Session.AuthenticatedAt, as it was read
	Pause       time.Duration // the longest since then, up to this use
	IP          string        // where it is used now; "" if that is not known
}

// with is the two uses of a session in one.
func (u Use) with(o Use) Use {
	if o.At.After(u.At) {
		u, o = o, u
	}
	switch {
	case o.Proven.Equal(u.Proven):
		u.Pause = max(u.Pause, o.Pause)
	case o.Proven.After(u.Proven): // the later use was of what had been read earlier
		u.Proven, u.Pause = o.Proven, o.Pause
	}
	return u
}

// on changes a session that was read before the use was written to what it is with it.
func (u Use) on(s *Session) {
	if u.Proven.Equal(s.AuthenticatedAt) {
		s.LongestPause = max(s.LongestPause, u.Pause)
	}
	if u.At.After(s.LastSeenAt) {
		s.LastSeenAt, s.IdleExpiresAt = u.At, u.IdleExpires
		if u.IP != "" {
			s.IP = u.IP
		}
	}
}

// uses are those of a replica that are not written yet. What it reads of a session,
// it takes together with them. A use is never forgotten because it could not be
// written. The nil uses collect nothing.
type uses struct {
	round   sync.Mutex // held while one is written
	mu      sync.RWMutex
	waiting map[identity.ID]Use
	// writing are those of the round before, too: what was read before they were
	// written does not show them.
	writing map[identity.ID]Use
	closed  bool
}

// CollectUses lets the service write uses together, in RunUses, which must run. By
// default each is written at once.
func CollectUses() Option {
	return func(s *Service) { s.uses = &uses{waiting: map[identity.ID]Use{}} }
}

// add collects a use, or reports that it has to be written at once.
func (n *uses) add(u Use) bool {
	if n == nil {
		return false
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	before, known := n.waiting[u.Session]
	if n.closed || !known && len(n.waiting)+len(n.writing) >= maxUses {
		return false
	}
	if known {
		u = u.with(before)
	}
	n.waiting[u.Session] = u
	return true
}

// UpToDate takes a session that was read from the store together with the uses of it
// that are collected and not written yet.
func (s *Service) UpToDate(read *Session) { s.uses.on(read) }

// on takes a session together with the uses of it that are not written yet.
func (n *uses) on(s *Session) {
	if n == nil {
		return
	}
	n.mu.RLock()
	defer n.mu.RUnlock()
	for _, of := range []map[identity.ID]Use{n.writing, n.waiting} {
		if u, ok := of[s.ID]; ok {
			u.on(s)
		}
	}
}

// take begins a round and returns what is to be written in it.
func (n *uses) take() []Use {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.writing, n.waiting = n.waiting, make(map[identity.ID]Use)
	out := make([]Use, 0, len(n.writing))
	for _, u := range n.writing {
		out = append(out, u)
	}
	return out
}

// keep returns to what waits what a round has not written.
func (n *uses) keep(left []Use) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, u := range left {
		if later, ok := n.waiting[u.Session]; ok {
			u = u.with(later)
		}
		n.waiting[u.Session] = u
	}
}

// close has every later use written at once.
func (n *uses) close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.closed = true
}

// WriteUses writes the uses that were collected, and reports how many it could not
// write: those of rows that are locked, or all that an error left. They are kept.
func (s *Service) WriteUses(ctx context.Context) (left int, err error) {
	if s.uses == nil {
		return 0, nil
	}
	s.uses.round.Lock()
	defer s.uses.round.Unlock()
	round := s.uses.take()
	if len(round) == 0 {
		return 0, nil
	}
	kept, err := s.store.WriteUses(ctx, round)
	s.uses.keep(kept)
	return len(kept), err
}

// RunUses writes uses once a second until ctx ends, and then the rest. From then on
// each is written at once.
func (s *Service) RunUses(ctx context.Context, log *slog.Logger) {
	if s.uses == nil {
		return
	}
	loop := background.Loop{Every: writeUsesEvery, Failed: "could not write when sessions were last used; will retry", Log: log}
	loop.Run(ctx, func(ctx context.Context) (bool, error) {
		_, err := s.WriteUses(ctx)
		return false, err
	})
	s.uses.close()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastUsesTimeout)
	defer cancel()
	for {
		left, err := s.WriteUses(ctx)
		if left == 0 {
			return
		}
		select {
		case <-ctx.Done():
			log.Warn("stopped without writing when sessions were last used", "sessions", left, "error", err)
			return
		case <-time.After(lastUsesTimeout / 10):
		}
	}
}

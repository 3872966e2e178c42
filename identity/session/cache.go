package session

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/latchkey/latchkey/identity"
)

const (
	// cacheFor is how long an entry may live. It bounds how long a manual change
	// in the database, which sends no notification, goes unseen.
	cacheFor = 15 * time.Second
	// forgottenLimit bounds forgotten; beyond it everything is forgotten.
	forgottenLimit = 10_000
)

// Cache remembers the principals of tokens, so that a check needs no read. It
// stores the row as read; time, network and policy are evaluated on every
// check. An entry counts only as long as the cache is trusted, which is
// granted for moments, by the one who hears of every change (see Trust), and
// only if nothing it was made of was forgotten since it was read.
//
// A nil Cache remembers nothing.
type Cache struct {
	entries *otter.Cache[[32]byte, remembered]
	started time.Time
	trusted atomic.Int64 // nanoseconds after started

	hits, misses atomic.Uint64

	mu sync.RWMutex
	// changes counts what was forgotten; an entry read at one count is worth
	// nothing for the ids forgotten at a later one.
	changes   uint64
	floor     uint64 // what was read before this count is worth nothing at all
	forgotten map[identity.ID]uint64
}

type remembered struct {
	Principal
	read uint64 // count of changes before it was read
}

// NewCache returns a cache of that many ordinary sessions; nil for none. Its
// memory is bounded by that many times ordinaryWeight: one whose user has much
// metadata takes the room of several.
func NewCache(sessions int) *Cache {
	if sessions <= 0 {
		return nil
	}
	return &Cache{
		entries: otter.Must(&otter.Options[[32]byte, remembered]{
			MaximumWeight: uint64(sessions) * ordinaryWeight, Weigher: weigh, ExpiryCalculator: otter.ExpiryWriting[[32]byte, remembered](cacheFor),
		}),
		started: time.Now(), forgotten: map[identity.ID]uint64{},
	}
}

// Trust lets entries count for d from the time since; the caller has heard of
// every change made before it. Zero d ends trust at once.
func (c *Cache) Trust(since time.Time, d time.Duration) {
	if c == nil {
		return
	}
	if d == 0 {
		c.trusted.Store(0)
		return
	}
	c.trusted.Store(int64(since.Sub(c.started) + d))
}

// Trusted reports whether entries count now.
func (c *Cache) Trusted() bool {
	return c != nil && int64(time.Since(c.started)) < c.trusted.Load()
}

// Forget drops all that was read so far of users, sessions, identities, teams or
// team sessions, and what is being read right now.
func (c *Cache) Forget(ids ...identity.ID) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changes++
	if len(c.forgotten)+len(ids) > forgottenLimit {
		c.floor = c.changes
		clear(c.forgotten)
		return
	}
	for _, id := range ids {
		c.forgotten[id] = c.changes
	}
}

// ForgetAll drops everything.
func (c *Cache) ForgetAll() {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changes++
	c.floor = c.changes
	clear(c.forgotten)
}

// mark is taken before a read and handed to put with what was read.
func (c *Cache) mark() uint64 {
	if c == nil {
		return 0
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.changes
}

func (c *Cache) put(tokenHash []byte, p Principal, mark uint64) {
	if c.Trusted() {
		p.Memo = &Memo{}
		c.entries.Set([32]byte(tokenHash), remembered{p, mark})
	}
}

func (c *Cache) get(tokenHash []byte) (Principal, bool) {
	if c == nil {
		return Principal{}, false
	}
	if c.Trusted() {
		if e, ok := c.entries.GetIfPresent([32]byte(tokenHash)); ok && c.holds(e) {
			c.hits.Add(1)
			return e.Principal, true
		}
	}
	c.misses.Add(1)
	return Principal{}, false
}

// CacheState is what a cache is like.
type CacheState struct {
	Trusted      bool
	Entries      int
	Bytes        uint64 // about
	Hits, Misses uint64 // checks that were answered from it, and the others
}

// State returns what the cache is like now; nothing for a nil cache.
func (c *Cache) State() CacheState {
	if c == nil {
		return CacheState{}
	}
	return CacheState{
		Trusted: c.Trusted(), Entries: c.entries.EstimatedSize(), Bytes: c.entries.WeightedSize(),
		Hits: c.hits.Load(), Misses: c.misses.Load(),
	}
}

// holds reports whether nothing the entry was made of has been forgotten since.
func (c *Cache) holds(e remembered) bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if e.read < c.floor {
		return false
	}
	if e.read == c.changes {
		return true
	}
	since := func(id identity.ID) bool { return e.read < c.forgotten[id] }
	return !since(e.Session.ID) && !since(e.User.ID) &&
		(e.Session.IdentityID == nil || !since(*e.Session.IdentityID)) &&
		(e.Team == nil || !since(e.Team.ID) && !since(e.Team.TeamID))
}

// Each gives what a check would be answered from now, to tests.
func (c *Cache) Each(f func(tokenHash [32]byte, p Principal)) {
	if c == nil {
		return
	}
	for hash, e := range c.entries.All() {
		if c.Trusted() && c.holds(e) {
			e.Memo = nil
			f(hash, e.Principal)
		}
	}
}

// Close stops what works behind the cache.
func (c *Cache) Close() {
	if c != nil {
		c.entries.StopAllGoroutines()
	}
}

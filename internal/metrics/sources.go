package metrics

import (
	"context"
	"time"
)

// Sources are asked at each scrape, all at the same time, within [scrapeTimeout]. Those
// that ask the database ask for little; what takes a while to count is counted now and
// then, see Figures. A nil source has no metrics, and neither has one that does not answer.
type Sources struct {
	Build   Build
	Ready   func(context.Context) error // why requests cannot be answered
	Schema  func(context.Context) (Schema, error)
	Lost    func() Lost
	Pools   func() []Pool
	Cache   func() Cache
	Streams func() int // of events, that are open

	Unchained func(context.Context) (time.Duration, error) // for how long the audit trail has been behind
	Blocked   func(context.Context) (time.Duration, error) // for how long the feed of events has been
	Archive   func(context.Context) (Archive, error)
	RPCs      func(context.Context) []RPC

	Figures func() (Figures, bool) // false before the first count
	Backlog func() (Backlog, bool)
}

// Build is what runs.
type Build struct{ Version, Go, Database string }

// Schema is what the database is like, in numbers of migrations.
type Schema struct {
	Pending, Newer, Changed int
	ReadOnly                bool
}

// Lost is how often the database kept somebody waiting in vain, by why.
type Lost struct{ TooLong, Locked, ReadOnly, Full uint64 }

// Pool is a pool of connections to the database.
type Pool struct {
	Name            string
	Used, Idle, Max int
	Waits           uint64 // for a connection, because none was idle
	Waited          time.Duration
}

// Cache is what session checks are answered from.
type Cache struct {
	Trusted      bool
	Entries      int
	Bytes        uint64
	Hits, Misses uint64
}

// Archive is what was taken out of the audit trail, and the age of the oldest event that
// is left; 0 without one.
type Archive struct {
	Events int
	Oldest time.Duration
}

// RPC is an Ethereum endpoint.
type RPC struct {
	Chain    string
	Endpoint string // its host
	Up       bool
}

// Figures are counts that take a while in a large database.
type Figures struct {
	At                                        time.Time
	Users, Sessions, TeamSessions, Teams      int
	Duplicates                                int
	Webhooks, FailingWebhooks, LostDeliveries int
}

// Backlog is what waits to be done.
type Backlog struct {
	Tasks      map[string]Waiting // by kind
	Deliveries Waiting            // to webhooks
}

// Waiting is how much waits, and for how long the oldest has.
type Waiting struct {
	N      int
	Oldest time.Duration
}

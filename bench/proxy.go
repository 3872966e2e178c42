package main

import (
	"slices"
	"sync"

	"github.com/latchkey/latchkey/internal/testkit/pgwire"
)

// proxy records what a service asks of PostgreSQL.
type proxy struct {
	wire *pgwire.Proxy

	mu         sync.Mutex
	statements []string
	roundTrips int
}

// newProxy returns a proxy and the database's URL through it.
func newProxy(databaseURL string) (*proxy, string, error) {
	p := &proxy{}
	wire, through, err := pgwire.Listen(databaseURL, pgwire.Watcher{
		Statement: func(text string) { p.saw(0, text) },
		Waiting:   func() { p.saw(1) },
	})
	p.wire = wire
	return p, through, err
}

func (p *proxy) close() { p.wire.Close() }

func (p *proxy) saw(roundTrips int, statements ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.roundTrips += roundTrips
	p.statements = append(p.statements, statements...)
}

// during returns what was asked while something was done, without what the
// service asks all the time: for a sign of life, and whether there are events to
// be chained.
func (p *proxy) during(do func() error) (statements []string, roundTrips int, err error) {
	p.mu.Lock()
	p.statements, p.roundTrips = nil, 0
	p.mu.Unlock()
	err = do()
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.DeleteFunc(p.statements, func(s string) bool {
		return pgwire.OfDriver(s) || pgwire.Gist(s) == "select audit_progress"
	}), p.roundTrips, err
}

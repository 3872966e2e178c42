package app

import (
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
)

// changes passes on what storage hears to those who remember and to those who
// watch. It implements storage.Changes.
type changes struct {
	remembered *session.Cache // nil for none
	feed       *team.Feed
}

// Forget implements storage.Changes.
func (c changes) Forget(ids ...identity.ID) {
	c.forget(ids)
	c.feed.Tell(ids...)
}

// forget leaves topics out, of which nothing is remembered.
func (c changes) forget(ids []identity.ID) {
	if c.remembered == nil {
		return
	}
	rows := make([]identity.ID, 0, len(ids))
	for _, id := range ids {
		if !team.IsTopic(id) {
			rows = append(rows, id)
		}
	}
	if len(rows) > 0 {
		c.remembered.Forget(rows...)
	}
}

// ForgetAll implements storage.Changes.
func (c changes) ForgetAll() {
	c.remembered.ForgetAll()
	c.feed.TellAll()
}

// Trust implements storage.Changes.
func (c changes) Trust(since time.Time, d time.Duration) {
	if c.remembered != nil {
		c.remembered.Trust(since, d)
	}
}

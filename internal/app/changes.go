package app

import (
	"slices"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/feed"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
)

// changes passes on what storage hears to those who remember and to those who
// watch. It implements storage.Changes.
type changes struct {
	remembered *session.Cache // nil for none
	feed       *team.Feed
	events     *events
}

// Forget implements storage.Changes.
func (c changes) Forget(ids ...identity.ID) {
	c.remembered.Forget(ids...)
	c.feed.Tell(ids...)
	if slices.Contains(ids, feed.Topic) {
		c.events.published()
	}
}

// ForgetAll implements storage.Changes.
func (c changes) ForgetAll() {
	c.remembered.ForgetAll()
	c.feed.TellAll()
	c.events.published()
}

// Trust implements storage.Changes.
func (c changes) Trust(since time.Time, d time.Duration) { c.remembered.Trust(since, d) }

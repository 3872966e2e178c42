package team

import (
	"sync"

	"github.com/google/uuid"

	"github.com/latchkey/latchkey/identity"
)

// maxWatchers is how many streams one user may keep open on one replica: more
// than the windows that somebody looks at, and few enough to cost nothing.
const maxWatchers = 16

// Topic is the id with which storage announces that something in a team changed.
// It is not the team's own id: session caches would drop all sessions of the team
// whenever a member starts a team session.
func Topic(id identity.ID) identity.ID { return uuid.NewSHA1(id, []byte("latchkey team")) }

// Feed wakes clients that watch teams. It carries no data: a woken client asks
// for what it may see.
type Feed struct {
	mu       sync.Mutex
	watchers map[identity.ID]map[*Watcher]bool // by the ids they wait for
	open     map[identity.ID]int               // by user
}

// NewFeed returns a feed without watchers.
func NewFeed() *Feed {
	return &Feed{watchers: map[identity.ID]map[*Watcher]bool{}, open: map[identity.ID]int{}}
}

// Watcher is woken by its channel, once for any number of changes.
type Watcher struct {
	Woken <-chan struct{}

	woken chan struct{}
	user  identity.ID
	ids   []identity.ID
}

// Watch waits for the ids, which may be topics, on behalf of a user. The caller
// must call Leave. It returns false if the user has too many open already.
func (f *Feed) Watch(user identity.ID, ids ...identity.ID) (*Watcher, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.open[user] >= maxWatchers {
		return nil, false
	}
	f.open[user]++
	woken := make(chan struct{}, 1)
	w := &Watcher{Woken: woken, woken: woken, user: user, ids: ids}
	for _, id := range ids {
		if f.watchers[id] == nil {
			f.watchers[id] = map[*Watcher]bool{}
		}
		f.watchers[id][w] = true
	}
	return w, true
}

// Leave ends a watch.
func (f *Feed) Leave(w *Watcher) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, id := range w.ids {
		delete(f.watchers[id], w)
		if len(f.watchers[id]) == 0 {
			delete(f.watchers, id)
		}
	}
	if f.open[w.user]--; f.open[w.user] == 0 {
		delete(f.open, w.user)
	}
}

// Watchers returns how many watches are open.
func (f *Feed) Watchers() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, open := range f.open {
		n += open
	}
	return n
}

// Tell wakes who waits for any of the ids.
func (f *Feed) Tell(ids ...identity.ID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, id := range ids {
		for w := range f.watchers[id] {
			w.wake()
		}
	}
}

// TellAll wakes everybody, when it is not known what has changed.
func (f *Feed) TellAll() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, watchers := range f.watchers {
		for w := range watchers {
			w.wake()
		}
	}
}

func (w *Watcher) wake() {
	select {
	case w.woken <- struct{}{}:
	default: // it is about to look anyway
	}
}

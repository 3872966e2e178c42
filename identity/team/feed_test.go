package team_test

import (
	"testing"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/team"
)

func woken(w *team.Watcher) bool {
	select {
	case <-w.Woken:
		return true
	default:
		return false
	}
}

func TestFeedWakesWhoWaitsForIt(t *testing.T) {
	t.Parallel()
	f, user := team.NewFeed(), identity.NewID()
	one, other := team.Topic(identity.NewID()), team.Topic(identity.NewID())
	a, _ := f.Watch(user, one, user)
	b, _ := f.Watch(user, other)
	f.Tell(one, one, user)
	if !woken(a) || woken(a) || woken(b) {
		t.Error("not once, or not the right one")
	}
	f.TellAll()
	if !woken(a) || !woken(b) {
		t.Error("TellAll leaves someone asleep")
	}
	f.Leave(a)
	f.Tell(one)
	f.TellAll()
	if woken(a) || !woken(b) {
		t.Error("woken after leaving, or left with another")
	}
}

func TestFeedIsBoundedForEachUser(t *testing.T) {
	t.Parallel()
	f, user, topic := team.NewFeed(), identity.NewID(), team.Topic(identity.NewID())
	var last *team.Watcher
	n := 0
	for ; n < 1000; n++ {
		w, ok := f.Watch(user, topic)
		if !ok {
			break
		}
		last = w
	}
	if n == 0 || n == 1000 {
		t.Fatalf("%d watchers of one user", n)
	}
	if w, ok := f.Watch(identity.NewID(), topic); !ok {
		t.Error("one user uses up another's")
	} else {
		f.Leave(w)
	}
	f.Leave(last)
	if _, ok := f.Watch(user, topic); !ok {
		t.Error("leaving gives nothing back")
	}
}

func TestEachTeamHasATopicThatIsNoRow(t *testing.T) {
	t.Parallel()
	id := identity.NewID()
	if team.Topic(id) == id || team.Topic(id) == team.Topic(identity.NewID()) {
		t.Error("a topic is not one for each team")
	}
}

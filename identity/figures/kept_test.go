package figures

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
)

type counting struct {
	now  Now
	wait Backlog
	err  error
}

func (c *counting) FiguresNow(context.Context, time.Time) (Now, error) { return c.now, c.err }
func (c *counting) WaitingNow(context.Context) (Backlog, error)        { return c.wait, c.err }

// What was counted last is kept while the database does not answer.
func TestKept(t *testing.T) {
	t.Parallel()
	at := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	store := &counting{now: Now{Users: 7}, wait: Backlog{Tasks: map[identity.TaskKind]Waiting{identity.TaskMail: {N: 2, Oldest: &at}}}}
	k := NewKept(store, func() time.Time { return at })
	if _, _, counted := k.Counts(); counted {
		t.Error("counts before the first count")
	}
	if _, counted := k.Backlog(); counted {
		t.Error("a backlog before the first count")
	}
	if err := k.Count(t.Context()); err != nil {
		t.Fatal(err)
	}
	store.now, store.wait, store.err = Now{Users: 8}, Backlog{}, errors.New("lost")
	if err := k.Count(t.Context()); !errors.Is(err, store.err) {
		t.Errorf("%v", err)
	}
	counts, counted, ok := k.Counts()
	if !ok || counts.Users != 7 || !counted.Equal(at) {
		t.Errorf("%+v at %s, %t", counts, counted, ok)
	}
	if b, ok := k.Backlog(); !ok || b.Tasks[identity.TaskMail].N != 2 {
		t.Errorf("%+v, %t", b, ok)
	}
}

// Counting takes at most a hundredth of the time.
func TestPauses(t *testing.T) {
	t.Parallel()
	if got := pauseAfter(time.Minute, countEvery, true); got != countEvery {
		t.Errorf("after a failure: %s", got)
	}
	for took, want := range map[time.Duration]time.Duration{
		time.Millisecond: countEvery, 300 * time.Millisecond: countEvery, 2 * time.Second: 200 * time.Second, time.Minute: maxPause,
	} {
		if got := pauseAfter(took, countEvery, false); got != want {
			t.Errorf("after %s: %s, want %s", took, got, want)
		}
	}
}

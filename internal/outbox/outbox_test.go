package outbox_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/internal/outbox"
	"github.com/latchkey/latchkey/internal/testkit/apptest"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
	"github.com/latchkey/latchkey/storage"
)

const kind identity.TaskKind = "test"

var sealer = identity.NewSealer(identity.DeriveKey("a secret", "outbox"))

// world is an outbox with workers that note what they do.
type world struct {
	*storagetest.Database
	t *testing.T

	mu   sync.Mutex
	done map[string]int
	fail error
	log  bytes.Buffer
}

func (w *world) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.Write(p)
}

func (w *world) logged() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.String()
}

func (w *world) setFail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fail = err
}

func (w *world) handle(_ context.Context, t identity.Task) error {
	var word string
	if err := sealer.Open(t, &word); err != nil {
		return outbox.Permanent(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if word == "panic" {
		panic("with the secret in hand")
	}
	if w.fail == nil {
		w.done[word]++
	}
	return w.fail
}

// count is how often all tasks were done.
func (w *world) count() (tasks, times int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, n := range w.done {
		times += n
	}
	return len(w.done), times
}

func (w *world) add(word string) identity.Task {
	w.t.Helper()
	task, err := sealer.NewTask(kind, word, w.Clock.Now(), w.Clock.Now().Add(time.Hour))
	if err != nil {
		w.t.Fatal(err)
	}
	w.Do(w.t, func(ctx context.Context) error { return w.EnqueueTasks(ctx, task) })
	return task
}

// work starts a worker over a connection of its own, a replica.
func (w *world) work(db *storage.DB) *outbox.Worker {
	worker := outbox.NewWorker(db, map[identity.TaskKind]outbox.Handler{kind: w.handle}, slog.New(slog.NewTextHandler(w, nil)), w.Clock.Now)
	ctx, cancel := context.WithCancel(context.WithoutCancel(w.t.Context()))
	var running sync.WaitGroup
	running.Go(func() { worker.Run(ctx) })
	w.t.Cleanup(func() { cancel(); running.Wait() })
	return worker
}

func (w *world) rows() int { return w.Count(w.t, "outbox") }

func (w *world) eventually(what string, is func() bool) {
	w.t.Helper()
	if !apptest.Eventually(is) {
		w.t.Fatalf("never: %s\n%s", what, w.logged())
	}
}

func each(t *testing.T, test func(t *testing.T, w *world)) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		test(t, &world{Database: d, t: t, done: map[string]int{}})
	})
}

func TestTwoWorkersDoEverythingOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for range 40 {
			w.add(storagetest.Word())
		}
		a := w.work(w.DB)
		b := w.work(storagetest.Connect(t, w.URL))
		for range 10 {
			w.add(storagetest.Word())
			a.Wake()
			b.Wake()
		}
		w.eventually("all done and gone", func() bool { n, _ := w.count(); return n == 50 && w.rows() == 0 })
		if _, times := w.count(); times != 50 {
			t.Errorf("50 tasks were done %d times", times)
		}
	})
}

func TestWhatACrashLeftIsDoneLater(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.add("before anybody took it")
		w.add("after somebody took it")
		w.Do(t, func(ctx context.Context) error { // and died
			_, err := w.ClaimTask(ctx, []identity.TaskKind{kind}, w.Clock.Now(), w.Clock.Now().Add(2*time.Minute))
			return err
		})
		w.work(w.DB)
		w.eventually("the one that was free", func() bool { n, _ := w.count(); return n == 1 && w.rows() == 1 })
		w.Clock.Advance(2 * time.Minute)
		w.eventually("both", func() bool { n, _ := w.count(); return n == 2 && w.rows() == 0 })
	})
}

func TestFailuresAreRetriedAndGivenUp(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.setFail(errors.New("down"))
		w.add("later")
		w.work(w.DB)
		w.eventually("a failure", func() bool { return strings.Contains(w.logged(), "will retry") })
		w.setFail(nil)
		w.Clock.Advance(6 * time.Second)
		w.eventually("the retry", func() bool { n, _ := w.count(); return n == 1 && w.rows() == 0 })

		w.setFail(outbox.Permanent(errors.New("never")))
		w.add("hopeless")
		w.eventually("a permanent failure", func() bool { return strings.Contains(w.logged(), "never") && w.rows() == 0 })
		w.add("panic")
		w.eventually("a panic is a failure", func() bool { return strings.Contains(w.logged(), "with the secret in hand") })

		w.setFail(errors.New("still down"))
		w.Clock.Advance(time.Hour) // beyond the use of the one that panicked
		w.eventually("the task has expired", func() bool { return strings.Contains(w.logged(), "the task has expired") && w.rows() == 0 })
		if !strings.Contains(w.logged(), "level=ERROR") {
			t.Error("a permanent failure is not logged as an error")
		}
	})
}

func TestTasksGoAfterTheLastAttempt(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.setFail(errors.New("down"))
		task, err := sealer.NewTask(kind, "x", w.Clock.Now(), w.Clock.Now().Add(1000*time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		task.Attempts = 11
		w.Do(t, func(ctx context.Context) error { return w.EnqueueTasks(ctx, task) })
		w.work(w.DB)
		w.eventually("a permanent failure", func() bool { return strings.Contains(w.logged(), "task failed permanently") && w.rows() == 0 })
	})
}

func TestOthersKindsAndKeysAreLeftAlone(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		other, err := sealer.NewTask("of a newer version", "x", w.Clock.Now(), w.Clock.Now().Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		swapped := w.add("a")
		w.add("b")
		if err := w.Exec("UPDATE outbox SET payload = (SELECT o.payload FROM outbox AS o WHERE o.id <> '" + swapped.ID.String() + "') WHERE id = '" + swapped.ID.String() + "'"); err != nil {
			t.Fatal(err)
		}
		w.Do(t, func(ctx context.Context) error { return w.EnqueueTasks(ctx, other) })
		w.work(w.DB)
		w.eventually("b is done, a gone, the other there", func() bool { n, _ := w.count(); return n == 1 && w.rows() == 1 })
		w.eventually("a payload of another task opens nothing", func() bool { return strings.Contains(w.logged(), "not sealed for this task") })
	})
}

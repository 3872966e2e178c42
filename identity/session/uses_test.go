package session_test

import (
	"context"
	"errors"
	"flag"
	"log/slog"
	"net/http"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/internal/testkit/apptest"
	"github.com/latchkey/latchkey/internal/testkit/sessiontest"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

// TestMain draws fewer histories than rapid would: those of TestUsesAreCollected are
// transactions, on both engines. -rapid.checks asks for more.
func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", "40"); err != nil {
		panic(err)
	}
	flag.Parse()
	os.Exit(m.Run())
}

var errReadOnly = errors.New("read-only")

// failing is a store that can become read-only, and counts what is written alone.
type failing struct {
	session.Store
	readOnly atomic.Bool
	touched  atomic.Int32
}

func (f *failing) TouchSession(ctx context.Context, u session.Use) (bool, error) {
	f.touched.Add(1)
	if f.readOnly.Load() {
		return false, errReadOnly
	}
	return f.Store.TouchSession(ctx, u)
}

func (f *failing) WriteUses(ctx context.Context, uses []session.Use) ([]session.Use, error) {
	if f.readOnly.Load() {
		return uses, errReadOnly
	}
	return f.Store.WriteUses(ctx, uses)
}

// replica is a service that remembers and collects.
type replica struct {
	*fixture
	cache *session.Cache
	store *failing
	dirty *time.Time // when the first use was collected that is not written
}

func newReplica(t *testing.T, d *storagetest.Database) *replica {
	t.Helper()
	r := &replica{cache: session.NewCache(100), store: &failing{Store: d.DB}}
	t.Cleanup(r.cache.Close)
	r.cache.Trust(time.Now(), time.Hour)
	r.restart(d)
	return r
}

// restart forgets what is collected, as a kill does.
func (r *replica) restart(d *storagetest.Database) {
	r.fixture = sessiontest.New(d, session.NewService(r.store, r.cache, session.Limits{Idle: collectedIdle, Lifetime: 24 * time.Hour}, d.Clock.Now, session.CollectUses()))
	r.dirty = nil
	r.cache.ForgetAll()
}

const collectedIdle = 20 * time.Minute

// history is one session at several replicas, with what is true of its uses.
type history struct {
	t        *testing.T
	rt       *rapid.T
	d        *storagetest.Database
	replicas []*replica
	policy   time.Duration // idle of the team it acts in

	seen    session.Session
	token   string
	used    time.Time     // last
	pause   time.Duration // the longest since the proof
	late    time.Duration // the longest that a use was not written while another replica decided
	killed  bool          // since the proof
	ended   bool
	refused bool // by the idle limit of sessions
}

func (h *history) now() time.Time { return h.d.Clock.Now() }

func (h *history) forget() {
	for _, r := range h.replicas {
		r.cache.Forget(h.seen.ID)
	}
}

// check is a request at a replica. Decisions are never looser than the truth, and
// stricter only by the grain of uses, or by what is lost in a kill or an outage.
func (h *history) check(at *replica) {
	now := h.now()
	gap := now.Sub(h.used)
	for _, other := range h.replicas {
		if other != at && other.dirty != nil {
			h.late = max(h.late, now.Sub(*other.dirty))
		}
	}
	p, err := at.Authenticate(h.t.Context(), h.token, origin)
	if at.store.readOnly.Load() && errors.Is(err, errReadOnly) {
		return // not answered
	}
	works := err == nil
	if err != nil && identity.ErrorCode(err) != identity.CodeUnauthenticated {
		h.rt.Fatal(err)
	}
	var spare time.Duration
	if h.killed || h.late > 5*time.Second {
		spare = h.late + 10*time.Second
	}
	every := min(time.Minute, h.policy/2)
	switch {
	case h.ended && works:
		h.rt.Fatal("ended, and works")
	case h.ended:
		return
	case works && gap >= collectedIdle:
		h.rt.Fatalf("works after %v without use", gap)
	case !works && !h.refused && gap+every+spare < collectedIdle && !(h.killed && gap >= collectedIdle/2-every-spare):
		h.rt.Fatalf("expired after %v without use, late %v", gap, h.late)
	case !works:
		h.refused = true
		return
	}
	h.refused = false
	h.pause, h.used = max(h.pause, gap), now
	refused := p.Refused != nil
	if refused && p.Refused.Rule != team.RuleIdle || !refused && p.Team == nil {
		h.rt.Fatalf("in %+v, refused %+v", p.Team, p.Refused)
	}
	if !refused && h.pause >= h.policy {
		h.rt.Fatalf("admitted after a pause of %v, idle is %v", h.pause, h.policy)
	}
	if refused && h.pause+every+spare < h.policy {
		h.rt.Fatalf("refused after a pause of %v, late %v, idle is %v", h.pause, h.late, h.policy)
	}
	if at.dirty == nil {
		at.dirty = &now
	}
}

// prove steps up at a replica.
func (h *history) prove(at *replica) {
	if h.ended || at.store.readOnly.Load() {
		return
	}
	h.check(at)
	if h.refused {
		return
	}
	s, token, err := at.Prove(h.t, h.seen, "google")
	if err != nil {
		h.rt.Fatalf("proving: %v", err)
	}
	h.forget()
	h.seen, h.token, h.used, h.pause, h.late, h.killed = s, token, h.now(), 0, 0, false
}

func (h *history) write(at *replica) {
	left, err := at.WriteUses(h.t.Context())
	if at.store.readOnly.Load() {
		return
	}
	if err != nil || left > 0 {
		h.rt.Fatal(left, err)
	}
	at.dirty = nil
}

func (h *history) end() {
	if h.ended {
		return
	}
	h.d.Do(h.t, func(ctx context.Context) error {
		_, err := h.d.EndSessions(ctx, h.seen.UserID, session.SessionSelector{}, "test", h.now())
		return err
	})
	h.forget()
	h.ended = true
}

func (h *history) kept() session.Session {
	var s session.Session
	h.d.Do(h.t, func(ctx context.Context) (err error) { s, err = h.d.LockSession(ctx, h.seen.ID); return err })
	return s
}

// Whatever the order of uses, writes, kills, outages and proofs at three replicas:
// no pause is missed, none is counted longer than uses are recorded by, and an ended
// session stays as it ended.
func TestUsesAreCollected(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		rapid.Check(t, func(rt *rapid.T) {
			h := &history{t: t, rt: rt, d: d, policy: rapid.SampledFrom([]time.Duration{time.Minute, 3 * time.Minute, 10 * time.Minute}).Draw(rt, "idle")}
			for range 3 {
				h.replicas = append(h.replicas, newReplica(t, d))
			}
			u := d.User(t)
			tm := d.Team(t, u.ID)
			first := h.replicas[0]
			h.seen, h.token = first.SignIn(t, u.ID)
			h.used = h.now()
			first.Ask(t, tm, u.ID, team.Policy{Idle: h.policy})
			if _, _, err := first.InTeams.Enter(t.Context(), actor(h.seen), tm.ID, false); err != nil {
				rt.Fatal(err)
			}
			h.forget()
			steps := []time.Duration{0, tick, time.Second, 4 * time.Second, 29 * time.Second, 31 * time.Second, time.Minute, 65 * time.Second, 2 * time.Minute, 9 * time.Minute, 19 * time.Minute}
			for range rapid.IntRange(5, 40).Draw(rt, "steps") {
				d.Clock.Advance(rapid.SampledFrom(steps).Draw(rt, "advance"))
				at := rapid.SampledFrom(h.replicas).Draw(rt, "replica")
				switch rapid.IntRange(0, 19).Draw(rt, "step") {
				case 0:
					h.prove(at)
				case 1:
					if at.dirty != nil {
						h.late = max(h.late, h.now().Sub(*at.dirty))
					}
					at.restart(d)
					h.killed = true
				case 2:
					at.store.readOnly.Store(!at.store.readOnly.Load())
				case 3:
					if rapid.IntRange(0, 4).Draw(rt, "end") == 0 {
						h.end()
					}
				case 4, 5, 6, 7:
					h.write(at)
				default:
					h.check(at)
					if rapid.IntRange(0, 3).Draw(rt, "within the second") > 0 {
						h.write(at)
					}
				}
			}
			h.end()
			before := h.kept()
			for _, r := range h.replicas {
				r.store.readOnly.Store(false)
				h.write(r)
			}
			storagetest.Same(t, h.kept(), before)
		})
	})
}

// A use that nothing depends on yet is written with others; one close to a limit at once.
func TestUsesNearALimitAreWrittenAtOnce(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		r := newReplica(t, d)
		s, token := r.SignIn(t, d.User(t).ID)
		kept := func() time.Time {
			t.Helper()
			var kept session.Session
			d.Do(t, func(ctx context.Context) (err error) { kept, err = d.LockSession(ctx, s.ID); return err })
			return kept.LastSeenAt
		}
		uses := func(what string, after time.Duration, alone int32) {
			t.Helper()
			r.store.touched.Store(0)
			d.Clock.Advance(after)
			for range 3 {
				storagetest.Same(t, r.Works(t, what, token, true).Session.LastSeenAt, d.Clock.Now())
			}
			storagetest.Same(t, r.store.touched.Load(), alone)
			storagetest.Same(t, kept().Equal(d.Clock.Now()), alone > 0)
		}
		write := func() {
			t.Helper()
			if left, err := r.WriteUses(t.Context()); left > 0 || err != nil {
				t.Error(left, err)
			}
			storagetest.Same(t, kept(), d.Clock.Now())
		}
		uses("after a minute", time.Minute, 0)
		write()
		uses("after half the time it may be unused", collectedIdle/2, 1)
		uses("soon after", time.Minute, 0)
		r.store.readOnly.Store(true)
		if left, err := r.WriteUses(t.Context()); left != 1 || !errors.Is(err, errReadOnly) {
			t.Errorf("%d are left, %v", left, err)
		}
		uses("while nothing can be written", time.Minute, 0)
		r.store.readOnly.Store(false)
		write()

		// What stops writes the rest, and collects no more.
		uses("before it stops", time.Minute, 0)
		ctx, stop := context.WithCancel(t.Context())
		stop()
		r.RunUses(ctx, slog.New(slog.DiscardHandler))
		storagetest.Same(t, kept(), d.Clock.Now())
		uses("after it stopped", time.Minute, 1)
	})
}

// Collected uses are bounded: beyond it each is written at once.
func TestCollectedUsesAreBounded(t *testing.T) {
	t.Parallel()
	d := storagetest.Open(t, storagetest.SQLite)
	r := newReplica(t, d)
	s, token := r.SignIn(t, d.User(t).ID)
	d.Clock.Advance(time.Minute)
	p := session.Principal{Session: s, User: identity.User{}}
	for range 100_000 {
		p.Session.ID = identity.NewID()
		if err := r.Use(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	storagetest.Same(t, r.store.touched.Load(), int32(0))
	r.Works(t, "one too many", token, true)
	storagetest.Same(t, r.store.touched.Load(), int32(1))
}

// The whole service collects uses, and has written them when it stops.
func TestTheServiceCollectsUses(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		a.Freeze()
		b := a.Browser()
		b.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
		a.Advance(2 * time.Minute)
		used := b.GET("/v1/session").Want(http.StatusOK).String("session.last_seen_at")
		a.StopWork()
		if n := a.Count("sessions", "last_seen_at > created_at"); n != 1 {
			t.Error("the last use was not written")
		}
		if again := b.GET("/v1/session").Want(http.StatusOK).String("session.last_seen_at"); again != used {
			t.Errorf("last seen at %s, then at %s", used, again)
		}
	})
}

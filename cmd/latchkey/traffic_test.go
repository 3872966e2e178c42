//go:build unix

package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

// revokedWithin is the promise (storage/watch.go): a check that is sent this
// long after the answer to the revocation is refused. Both moments are taken
// here, the later one before the check is sent, so that a slow machine makes no
// difference.
const revokedWithin = 100 * time.Millisecond

// What a visit ends by.
const (
	ofSession = iota // the user ends the session with its own token
	ofDevice         // the user ends it from another of their devices
	ofTeam           // the team's owner ends what was entered with it
	kinds
)

// visit is what a sign-in acknowledged.
type visit struct {
	kind      int
	token, id string
	team      string // path of the team that was entered
	entered   string // id of the team session

	mu     sync.Mutex
	ending bool      // somebody has asked for its end
	ended  time.Time // when that was acknowledged
}

// traffic is users that sign in, enter teams and end sessions at all replicas,
// and applications that check sessions, until it stops. What may never be
// answered is a failure whenever it is.
type traffic struct {
	t        *testing.T
	replicas []*replica
	stopped  atomic.Bool
	work     sync.WaitGroup
	// troubled is set while 503 may be answered; away is when the database was
	// gone for sure, in nanoseconds, 0 when it need not be.
	troubled atomic.Bool
	away     atomic.Int64
	began    time.Time

	mu      sync.Mutex
	visits  []*visit
	keepers []*visit // never ended

	signedIn, ended atomic.Int64
	checked         []checks // of each replica
}

// checks counts what one replica answered to session checks.
type checks struct{ good, refused, unavailable, inARow atomic.Int64 }

const users = 6

func newTraffic(t *testing.T, replicas []*replica) *traffic {
	t.Helper()
	l := &traffic{t: t, replicas: replicas, began: time.Now(), checked: make([]checks, len(replicas))}
	for i := range users {
		w := apptest.NewWallet(t)
		keeper, ok := l.signIn(i%len(replicas), w)
		if !ok {
			t.Fatal("the first sign-in failed")
		}
		team, ok := l.do(0, http.MethodPost, "/v1/teams", keeper.token, map[string]any{"name": "Keys"}, http.StatusCreated)
		if !ok {
			t.Fatal("no team")
		}
		keeper.team = "/v1/teams/" + team.text("id")
		l.keepers = append(l.keepers, keeper)
		l.work.Go(func() {
			for n := i; !l.stopped.Load(); n++ {
				l.visit(w, keeper, n%kinds)
			}
		})
	}
	for i := range replicas {
		l.work.Go(func() {
			for !l.stopped.Load() {
				l.check(i, l.anyVisit())
				time.Sleep(5 * time.Millisecond) // the machine is not only ours
			}
		})
	}
	t.Cleanup(l.stop)
	return l
}

func (l *traffic) stop() {
	l.stopped.Store(true)
	l.work.Wait()
}

// anyVisit is somebody who stays, somebody who left lately, or anybody.
func (l *traffic) anyVisit() *visit {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.visits); n > 0 {
		switch rand.IntN(3) {
		case 0:
			return l.visits[rand.IntN(n)]
		case 1:
			return l.visits[n-1-rand.IntN(min(n, 8))]
		}
	}
	return l.keepers[rand.IntN(len(l.keepers))]
}

// do asks, and reports whether what was wanted was answered. Otherwise the outcome
// is unknown, which only an outage excuses.
func (l *traffic) do(i int, method, path, token string, body any, want int, cookies ...*http.Cookie) (answer, bool) {
	r := l.replicas[i]
	excused, troubled := r.dead.Load(), l.troubled.Load()
	got, err := r.ask(method, path, token, body, cookies...)
	switch {
	case err != nil:
		if !excused && !r.dead.Load() {
			l.t.Errorf("%s %s at %s: %v", method, path, r.addr, err)
		}
	case got.status == want:
		return got, true
	case got.status != http.StatusServiceUnavailable || !troubled && !l.troubled.Load():
		l.t.Errorf("%s %s at %s: %d %s", method, path, r.addr, got.status, got.body)
	}
	time.Sleep(5 * time.Millisecond) // clients do not ask again at once
	return got, false
}

func (l *traffic) signIn(i int, w apptest.Wallet) (*visit, bool) {
	challenge, ok := l.do(i, http.MethodPost, "/v1/auth/siwe/challenge", "", map[string]any{"address": w.Address.Hex()}, http.StatusOK)
	if !ok {
		return nil, false
	}
	message := challenge.text("message")
	got, ok := l.do(i, http.MethodPost, "/v1/auth/siwe/verify", "",
		map[string]any{"message": message, "signature": w.Sign(l.t, message)}, http.StatusOK, challenge.cookies...)
	if !ok {
		return nil, false
	}
	l.signedIn.Add(1)
	return &visit{token: got.cookie("latchkey"), id: got.text("session.id")}, true
}

// visit is the life of a session: a sign-in, a check at every replica, so that
// all remember it, its end at any of them, and more checks until all refuse it.
func (l *traffic) visit(w apptest.Wallet, keeper *visit, kind int) {
	anywhere := func() int { return rand.IntN(len(l.replicas)) }
	v, ok := l.signIn(anywhere(), w)
	if !ok {
		return
	}
	v.kind = kind
	if kind == ofTeam {
		entered, ok := l.do(anywhere(), http.MethodPost, keeper.team+"/sessions", v.token, nil, http.StatusCreated)
		if v.team, v.entered = keeper.team, entered.text("id"); !ok {
			v.kind = ofSession
		}
	}
	l.mu.Lock()
	l.visits = append(l.visits, v)
	l.mu.Unlock()
	l.everywhere(func(i int) {
		for range 2 {
			l.check(i, v)
		}
	})
	v.mu.Lock()
	v.ending = true
	v.mu.Unlock()
	path, token := "/v1/session", v.token
	switch v.kind {
	case ofDevice:
		path, token = "/v1/me/sessions/"+v.id, keeper.token
	case ofTeam:
		path, token = v.team+"/sessions/"+v.entered, keeper.token
	}
	if _, ok := l.do(anywhere(), http.MethodDelete, path, token, nil, http.StatusNoContent); !ok {
		return
	}
	v.mu.Lock()
	v.ended = time.Now()
	v.mu.Unlock()
	l.ended.Add(1)
	l.everywhere(func(i int) {
		for time.Since(v.ended) < 2*revokedWithin {
			l.check(i, v)
			time.Sleep(10 * time.Millisecond)
		}
	})
}

func (l *traffic) everywhere(do func(i int)) {
	var all sync.WaitGroup
	for i := range l.replicas {
		all.Go(func() { do(i) })
	}
	all.Wait()
}

// check asks a replica who is signed in, and holds the answer against what was
// acknowledged before it was asked. It returns the status.
func (l *traffic) check(i int, v *visit) int {
	r, count := l.replicas[i], &l.checked[i]
	v.mu.Lock()
	overdue := !v.ended.IsZero() && time.Since(v.ended) > revokedWithin
	since := time.Since(v.ended)
	v.mu.Unlock()
	away, sent := l.away.Load(), int64(time.Since(l.began))
	excused, troubled := r.dead.Load(), l.troubled.Load()
	got, err := r.ask(http.MethodGet, "/v1/session", v.token, nil)
	if err != nil {
		if !excused && !r.dead.Load() {
			l.t.Errorf("a check at %s: %v", r.addr, err)
		}
		time.Sleep(5 * time.Millisecond)
		return 0
	}
	v.mu.Lock()
	ending := v.ending
	v.mu.Unlock()
	entered := v.entered != "" && strings.Contains(string(got.body), v.entered)
	fault := func(what string) {
		l.t.Errorf("%s: %s answers %d %s, %v after the end of session %s (%d)", what, r.addr, got.status, got.body, since, v.id, v.kind)
	}
	switch got.status {
	case http.StatusOK:
		count.good.Add(1)
		count.inARow.Add(1)
		switch {
		case away != 0 && l.away.Load() == away && sent-away > int64(revokedWithin):
			fault("answered without a database")
		case overdue && (v.kind != ofTeam || entered):
			fault("REVOKED, AND ANSWERED")
		case v.kind == ofTeam && !entered && !ending:
			fault("signed out of the team")
		}
	case http.StatusUnauthorized:
		count.refused.Add(1)
		count.inARow.Add(1)
		if !ending || v.kind == ofTeam {
			fault("a good session refused")
		}
	case http.StatusServiceUnavailable:
		count.unavailable.Add(1)
		count.inARow.Store(0)
		if !troubled && !l.troubled.Load() {
			fault("unavailable without a reason")
		}
	default:
		fault("unexpected")
	}
	return got.status
}

// goOn waits until everything has worked at every replica for a while.
func (l *traffic) goOn(what string) {
	l.t.Helper()
	signedIn, ended := l.signedIn.Load()+12, l.ended.Load()+12
	good := make([]int64, len(l.checked))
	for i := range good {
		good[i] = l.checked[i].good.Load() + 100
	}
	until(l.t, what, func() bool {
		if l.signedIn.Load() < signedIn || l.ended.Load() < ended {
			return false
		}
		for i := range good {
			if l.checked[i].good.Load() < good[i] {
				return false
			}
		}
		return true
	})
}

// others waits until some have come and gone at whatever replicas there are.
func (l *traffic) others(what string) {
	l.t.Helper()
	signedIn, ended := l.signedIn.Load()+6, l.ended.Load()+6
	until(l.t, what+": the others serve", func() bool { return l.signedIn.Load() >= signedIn && l.ended.Load() >= ended })
}

// outage is a time without a database: gone returns when it is gone, back when
// it is there again. The service has to come back by itself.
func (l *traffic) outage(what string, gone, back func()) {
	l.t.Helper()
	l.troubled.Store(true)
	gone()
	l.away.Store(int64(time.Since(l.began)))
	unavailable := make([]int64, len(l.checked))
	for i := range unavailable {
		unavailable[i] = l.checked[i].unavailable.Load() + 10 // each takes as long as a request waits
	}
	until(l.t, what+": unavailable", func() bool {
		for i := range unavailable {
			if l.checked[i].unavailable.Load() < unavailable[i] {
				return false
			}
		}
		return int64(time.Since(l.began))-l.away.Load() > int64(5*revokedWithin)
	})
	l.away.Store(0)
	back()
	until(l.t, what+": available again", func() bool {
		for i := range l.checked {
			if l.checked[i].inARow.Load() < 50 {
				return false
			}
		}
		return true
	})
	l.troubled.Store(false)
	l.goOn(what + ": everything works again")
}

func (l *traffic) String() string {
	out := fmt.Sprintf("%v: %d sign-ins, %d revocations", time.Since(l.began).Round(time.Millisecond), l.signedIn.Load(), l.ended.Load())
	for i := range l.checked {
		c := &l.checked[i]
		out += fmt.Sprintf("; checks %d good, %d refused, %d unavailable", c.good.Load(), c.refused.Load(), c.unavailable.Load())
	}
	return out
}

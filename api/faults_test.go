package api_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

// While the database is down there is no access and no wrong answer; when it
// is back so is everything, without a restart.
func TestDatabaseAway(t *testing.T) {
	t.Parallel()
	a, cable := apptest.StartOnCable(t)
	w := apptest.NewWallet(t)
	b, guest := a.Browser(), a.Browser()
	b.Wallet(w, "sign_in").Want(http.StatusOK)
	team := b.POST("/v1/teams", map[string]any{"name": "Keys"}).Want(http.StatusCreated).String("id")
	body := signed(t, w, guest.Challenge(w, "sign_in"))
	callback := guest.Authorize("github", "sign_in", apptest.Person{Name: "Max", Email: "max@mail.example"})

	b.GET("/v1/session").Want(http.StatusOK) // and is remembered
	cable.Pull()
	until(t, "sessions are remembered no more", func() bool { return b.GET("/v1/session").Status != http.StatusOK })
	for range 3 {
		for path, call := range map[string]func() *apptest.Answer{
			"session": func() *apptest.Answer { return b.GET("/v1/session") },
			"me":      func() *apptest.Answer { return b.PATCH("/v1/me", map[string]any{"display_name": "x"}) },
			"team":    func() *apptest.Answer { return b.GET("/v1/teams/" + team) },
			"admin":   func() *apptest.Answer { return b.GET("/v1/admin/users") },
			"garbage": func() *apptest.Answer { return a.Browser().With("Authorization", "Bearer garbage").GET("/v1/session") },
			"sign in": func() *apptest.Answer { return verify(guest, body) },
			"out":     func() *apptest.Answer { return b.DELETE("/v1/session") },
			"ready":   func() *apptest.Answer { return guest.GET("/readyz") },
		} {
			answer := call().WantProblem(http.StatusServiceUnavailable, "unavailable")
			if answer.Header.Get("Retry-After") == "" || answer.Get("retry_after") == nil {
				t.Errorf("%s: no Retry-After: %v %s", path, answer.Header, answer.Body)
			}
			if len(answer.Header.Values("Set-Cookie")) > 0 {
				t.Errorf("%s sets cookies: %v", path, answer.Header)
			}
		}
	}
	if to := guest.Callback(callback); to.Query().Get("error") != "unavailable" {
		t.Errorf("the callback led to %s", to)
	}
	guest.GET("/healthz").Want(http.StatusOK) // no reason to be restarted
	a.Browser().Challenge(w, "sign_in").Want(http.StatusOK)

	cable.Plug()
	until(t, "ready again", func() bool { return guest.GET("/readyz").Status == http.StatusOK })
	// Broken connections of the pool may each cost a request; none an answer.
	again := func(call func() *apptest.Answer, want int) {
		for range 30 {
			if answer := call(); answer.Status != http.StatusServiceUnavailable {
				answer.Want(want)
				return
			}
		}
		call().Want(want)
	}
	again(func() *apptest.Answer { return b.GET("/v1/session") }, http.StatusOK)
	// What was refused meanwhile has used nothing up.
	again(func() *apptest.Answer { return verify(guest, body) }, http.StatusOK)
	var to string
	until(t, "the callback leads on", func() bool {
		to = guest.Callback(callback).String()
		return !strings.Contains(to, "error=unavailable")
	})
	if to != "/account" {
		t.Errorf("the callback led to %s", to)
	}
}

// A replica whose network swallows everything hears of nothing and gets no
// error either. It answers from memory for 100 ms, and then tells in time that it
// cannot tell.
func TestReplicaCutOff(t *testing.T) {
	t.Parallel()
	cut, cable := apptest.StartOnCable(t)
	whole := apptest.StartAt(t, cut.DatabaseURL(), "LATCHKEY_PUBLIC_URL="+cut.URL)
	w := apptest.NewWallet(t)
	ended, stays := whole.Browser(), whole.Browser()
	at := map[*apptest.Browser]*apptest.Browser{}
	for _, b := range []*apptest.Browser{ended, stays} {
		b.Wallet(w, "sign_in").Want(http.StatusOK)
		at[b] = cut.Browser()
		at[b].SetCookie("latchkey", b.Cookie("latchkey"))
		for range 2 { // the second time from memory
			at[b].GET("/v1/session").Want(http.StatusOK)
		}
	}
	resume := cable.Stall()
	ended.DELETE("/v1/session").Want(http.StatusNoContent)
	over := time.Now().Add(100 * time.Millisecond)
	asked := 0
	for refused := false; !refused; {
		sent := time.Now()
		answer := at[ended].GET("/v1/session")
		if refused = answer.Status != http.StatusOK; refused {
			answer.WantProblem(http.StatusServiceUnavailable, "unavailable")
			if took := time.Since(sent); took > 20*time.Second {
				t.Errorf("said so after %v", took)
			}
		} else if asked++; sent.After(over) {
			t.Fatalf("answered %v too late", sent.Sub(over))
		}
	}
	at[stays].GET("/v1/session").WantProblem(http.StatusServiceUnavailable, "unavailable")
	t.Logf("answered %d times from memory", asked)
	resume()
	until(t, "heard again", func() bool { return at[stays].GET("/v1/session").Status == http.StatusOK })
	until(t, "ended", func() bool { return at[ended].GET("/v1/session").Status == http.StatusUnauthorized })
}

// Replicas share nothing but the database and the secret.
func TestTwoReplicas(t *testing.T) {
	t.Parallel()
	one := apptest.Start(t, "postgres")
	two := apptest.StartAt(t, string(one.Config.DatabaseURL), "LATCHKEY_PUBLIC_URL="+one.URL)
	w := apptest.NewWallet(t)
	moved := func(b *apptest.Browser, to *apptest.App) *apptest.Browser {
		c := to.Browser()
		for _, name := range []string{"latchkey", "latchkey-flow", "latchkey-completed"} {
			if v := b.Cookie(name); v != "" {
				c.SetCookie(name, v)
			}
		}
		return c
	}
	// Asked at one, used at both at once: it counts once.
	b := one.Browser()
	body := signed(t, w, b.Challenge(w, "sign_in"))
	there := moved(b, two)
	answers := make([]*apptest.Answer, 10)
	var wg sync.WaitGroup
	for i := range answers {
		at := b
		if i%2 == 1 {
			at = there
		}
		wg.Go(func() { answers[i] = verify(at, body) })
	}
	wg.Wait()
	won := 0
	for _, answer := range answers {
		if answer.Status == http.StatusOK {
			won++
		} else {
			answer.WantProblem(http.StatusUnauthorized, "proof_used")
		}
	}
	if won != 1 || one.Count("sessions", "true") != 1 {
		t.Errorf("%d won, %d sessions", won, one.Count("sessions", "true"))
	}
	// So does a state.
	c := one.Browser()
	callback := c.Authorize("google", "sign_in", apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
	if to := c.Callback(callback); to.String() != "/account" {
		t.Fatalf("led to %s", to)
	}
	one.Unchanged(t, func() {
		if to := moved(c, two).Callback(callback); to.String() != "/account" {
			t.Errorf("the callback once more, at the other replica, led to %s", to)
		}
	})
	// A session of one is a session of the other, and so is its end.
	d := moved(c, two)
	d.GET("/v1/session").Want(http.StatusOK)
	c.DELETE("/v1/session").Want(http.StatusNoContent)
	until(t, "signed out elsewhere", func() bool { return d.GET("/v1/session").Status == http.StatusUnauthorized })
	// Ended from elsewhere, by its id.
	e, f := one.Browser(), two.Browser()
	e.Wallet(w, "sign_in").Want(http.StatusOK)
	id := f.Wallet(w, "sign_in").Want(http.StatusOK).String("session.id")
	g := moved(f, one)
	g.GET("/v1/session").Want(http.StatusOK)
	f.DELETE("/v1/me/sessions/" + id).Want(http.StatusNoContent)
	until(t, "ended elsewhere", func() bool { return g.GET("/v1/session").Status == http.StatusUnauthorized })
}

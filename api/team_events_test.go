package api_test

import (
	"bufio"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/internal/testkit/apptest"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

// watching is an open stream of a team's events.
type watching struct {
	events chan struct{} // closed when the stream ends
	status int
	leave  func()
}

func watch(t *testing.T, b *apptest.Browser, path string) watching {
	t.Helper()
	res := begun(t, b, path+"/events")
	out := watching{events: make(chan struct{}, 100), status: res.StatusCode, leave: func() { _ = res.Body.Close() }}
	if res.StatusCode == http.StatusOK && res.Header.Get("Content-Type") != "text/event-stream" {
		t.Errorf("it is %s", res.Header.Get("Content-Type"))
	}
	go func() {
		defer close(out.events)
		for lines := bufio.NewScanner(res.Body); lines.Scan(); {
			if line := lines.Text(); line == "event: changed" {
				out.events <- struct{}{}
			} else if strings.HasPrefix(line, "data:") && line != "data:" {
				t.Errorf("it carries %q", line)
			}
		}
	}()
	return out
}

// quiet waits until everything so far has been announced.
func (w watching) quiet(t *testing.T) {
	t.Helper()
	for {
		select {
		case _, open := <-w.events:
			if !open {
				t.Fatal("the stream has ended")
			}
		case <-time.After(700 * time.Millisecond): // more than the gap between two events
			return
		}
	}
}

func (w watching) hears(t *testing.T, what string) {
	t.Helper()
	select {
	case _, open := <-w.events:
		if !open {
			t.Fatalf("%s ends the stream", what)
		}
	case <-time.After(2 * time.Second): // what the page promises
		t.Fatalf("%s is not heard", what)
	}
}

func (w watching) ends(t *testing.T, what string) {
	t.Helper()
	deadline := time.After(5 * time.Second)
	for {
		select {
		case _, open := <-w.events:
			if !open {
				return
			}
		case <-deadline:
			t.Fatalf("%s does not end the stream", what)
		}
	}
}

func TestTeamEventsTellOfEveryChange(t *testing.T) {
	t.Parallel()
	for _, engine := range storagetest.Engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			// The stream outlives what a request may take, which on a busy machine
			// must be enough for the others.
			const limit = 3 * time.Second
			a := apptest.StartServer(t, apptest.DatabaseURL(t, engine), func(s *http.Server) { s.ReadTimeout, s.WriteTimeout = limit, limit })
			c, other := newCrew(t, a, "Keys"), newCrew(t, a, "Locks")
			w, theirs := watch(t, c.admin, c.path), watch(t, other.owner, other.path)
			w.hears(t, "the start")
			theirs.quiet(t)
			for _, step := range []struct {
				what string
				do   func()
			}{
				{"entering", func() { c.member.POST(c.path+"/sessions", nil).Want(http.StatusCreated) }},
				{"a role", func() {
					c.owner.PATCH(c.path+"/members/"+c.ids["member"], map[string]any{"role": "admin"}).Want(http.StatusOK)
				}},
				{"a policy", func() {
					c.owner.Do(http.MethodPut, c.path+"/policy", map[string]any{"max_age": 86_400}).Want(http.StatusOK)
				}},
				{"an invitation", func() { c.invite("someone@gmail.com", "member") }},
				{"signing out", func() { c.member.DELETE("/v1/session").Want(http.StatusNoContent) }},
				{"a removal", func() { c.owner.DELETE(c.path + "/members/" + c.ids["member"]).Want(http.StatusNoContent) }},
			} {
				w.quiet(t)
				step.do()
				w.hears(t, step.what)
			}
			select {
			case <-theirs.events:
				t.Error("another team is notified, or its stream has ended")
			default:
			}
		})
	}
}

// Who does not manage the team is woken by nothing that others do in it.
func TestTeamEventsTellAMemberOfHimself(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		c := newCrew(t, a, "Keys")
		w := watch(t, c.member, c.path)
		w.quiet(t)
		c.admin.POST(c.path+"/sessions", nil).Want(http.StatusCreated)
		c.owner.PATCH(c.path+"/members/"+c.ids["admin"], map[string]any{"role": "member"}).Want(http.StatusOK)
		c.owner.Do(http.MethodPut, c.path+"/policy", map[string]any{"max_age": 86_400}).Want(http.StatusOK)
		c.invite("someone@gmail.com", "member")
		c.owner.POST(c.path+"/sessions/revoke", map[string]any{"filter": map[string]any{}}).Want(http.StatusOK)
		c.owner.DELETE(c.path + "/members/" + c.ids["admin"]).Want(http.StatusNoContent)
		select {
		case <-w.events:
			t.Error("a member is notified of what others do, or the stream has ended")
		case <-time.After(time.Second):
		}
		c.member.POST(c.path+"/sessions", nil).Want(http.StatusCreated)
		w.hears(t, "their own session")
		for what, end := range map[string]func(session string){
			"the owner ends it": func(session string) { c.owner.DELETE(c.path + "/sessions/" + session).Want(http.StatusNoContent) },
			"the owner ends all": func(string) {
				c.owner.POST(c.path+"/sessions/revoke", map[string]any{"filter": map[string]any{}}).Want(http.StatusOK)
			},
			"another device takes its place": func(string) {
				c.owner.Do(http.MethodPut, c.path+"/policy", map[string]any{"max_age": 86_400, "exclusive": true}).Want(http.StatusOK)
				second := google(t, a, apptest.Person{Name: "Keys member", Email: "keys.member@gmail.com"})
				second.POST(c.path+"/sessions", nil).Want(http.StatusCreated)
			},
			"they leave it": func(session string) { c.member.DELETE(c.path + "/sessions/" + session).Want(http.StatusNoContent) },
		} {
			session := c.member.POST(c.path+"/sessions", nil).String("id")
			w.quiet(t)
			end(session)
			w.hears(t, what)
		}
		// After connecting again they hear of everything, as they now may.
		c.owner.PATCH(c.path+"/members/"+c.ids["member"], map[string]any{"role": "admin"}).Want(http.StatusOK)
		w.ends(t, "another role")
		w = watch(t, c.member, c.path)
		w.quiet(t)
		c.invite("another@gmail.com", "member")
		w.hears(t, "an invitation")
		c.owner.DELETE(c.path + "/members/" + c.ids["member"]).Want(http.StatusNoContent)
		w.ends(t, "a removal")
	})
}

func TestTeamEventsEndWithTheRight(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		c := newCrew(t, a, "Keys")
		google(t, a, apptest.Person{Name: "Eve", Email: "eve@gmail.com"}).GET(c.path+"/events").WantProblem(http.StatusNotFound, "not_found")

		become := func(role string) {
			c.owner.PATCH(c.path+"/members/"+c.ids["admin"], map[string]any{"role": role}).Want(http.StatusOK)
		}
		w := watch(t, c.admin, c.path)
		w.hears(t, "the start")
		become("member")
		w.ends(t, "losing the role")
		// The same as a whole answer, which the specification describes: whatever
		// role it is opened in, the next change ends it; one meanwhile refuses it.
		whole, role := make(chan *apptest.Answer, 1), "member"
		open := func() { whole <- c.admin.GET(c.path + "/events") }
		go open()
		until(t, "a stream that was opened for the other role", func() bool {
			role = map[string]string{"member": "admin", "admin": "member"}[role]
			become(role)
			select {
			case answer := <-whole:
				if answer.Status == http.StatusOK {
					return true
				}
				go open()
			case <-time.After(2 * time.Second):
			}
			return false
		})

		w = watch(t, c.owner, c.path)
		w.hears(t, "the start")
		c.owner.DELETE("/v1/session").Want(http.StatusNoContent)
		w.ends(t, "signing out")
	})
}

func TestTeamEventsEndByPolicy(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		c := newCrew(t, a, "Keys")
		w := watch(t, c.admin, c.path)
		w.hears(t, "the start")
		// The owner may set what they do not satisfy themselves.
		c.owner.Do(http.MethodPut, c.path+"/policy", map[string]any{"required_providers": []string{"siwe"}}).Want(http.StatusOK)
		w.ends(t, "a policy that is not satisfied")
		c.admin.GET(c.path+"/events").WantProblem(http.StatusForbidden, "policy_unsatisfied")
	})
}

func TestTeamEventsAreBounded(t *testing.T) {
	t.Parallel()
	a := apptest.SQLite(t)
	c := newCrew(t, a, "Keys")
	var open []watching
	for range 20 {
		if w := watch(t, c.owner, c.path); w.status != http.StatusTooManyRequests {
			open = append(open, w)
		}
	}
	if len(open) == 0 || len(open) == 20 {
		t.Errorf("%d of 20 are open", len(open))
	}
	if w := watch(t, c.admin, c.path); w.status != http.StatusOK {
		t.Errorf("another gets %d", w.status)
	}
	// Who leaves makes room.
	for _, w := range open {
		w.leave()
	}
	until(t, "room for all again", func() bool {
		w := watch(t, c.owner, c.path)
		w.leave()
		return w.status == http.StatusOK
	})
}

// What one replica changes is heard at another.
func TestTeamEventsFromAnotherReplica(t *testing.T) {
	t.Parallel()
	url := apptest.DatabaseURL(t, "postgres")
	first := apptest.StartAt(t, url)
	second := apptest.StartAt(t, url, "LATCHKEY_PUBLIC_URL="+first.URL)
	c := newCrew(t, first, "Keys")
	elsewhere := second.Browser()
	elsewhere.SetCookie("latchkey", c.owner.Cookie("latchkey"))
	w := watch(t, elsewhere, c.path)
	w.hears(t, "the start")
	w.quiet(t)
	c.member.POST(c.path+"/sessions", nil).Want(http.StatusCreated)
	w.hears(t, "entering at another replica")
}

// A service that stops does not wait for readers: their browser finds another replica.
func TestTeamEventsDoNotHoldUpAStop(t *testing.T) {
	t.Parallel()
	var w watching
	began := time.Time{}
	t.Run("sqlite", func(inner *testing.T) {
		c := newCrew(inner, apptest.SQLite(inner), "Keys")
		w = watch(t, c.owner, c.path)
		w.hears(inner, "the start")
		began = time.Now()
	})
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("stopping took %v", took)
	}
	w.ends(t, "stopping")
}

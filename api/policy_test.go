package api_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

// A newcomer proves an address that a user has.
func TestLinkingPolicies(t *testing.T) {
	for policy, want := range map[string]struct{ code, ticket string }{
		"auto": {"", ""}, "confirm": {"email_taken", "link"}, "off": {"email_taken", ""},
	} {
		t.Run(policy, func(t *testing.T) {
			apptest.Each(t, func(t *testing.T, a *apptest.App) {
				ada := apptest.Person{Name: "Ada", Email: "ada@gmail.com"}
				old := google(t, a, ada)
				b := a.Browser()
				users := a.Count("users", "true")
				to := b.Provider("github", "sign_in", ada)
				if got := to.Query().Get("error"); got != want.code {
					t.Fatalf("led to %s", to)
				}
				if want.code == "" {
					if me(b) != me(old) {
						t.Error("auto made another user")
					}
					return
				}
				if to.Query().Has("ticket") != (want.ticket != "") || a.Count("tickets", "kind = 'link'") != len(want.ticket)/4 {
					t.Errorf("led to %s, %d tickets", to, a.Count("tickets", "true"))
				}
				if strings.Contains(to.String(), me(old)) || b.Cookie("latchkey") != "" || a.Count("identities", "true") != 1 || a.Count("users", "true") != users {
					t.Error("a refusal let somebody in, or tells who owns the address")
				}
				b.GET("/v1/session").WantProblem(http.StatusUnauthorized, "unauthenticated")
				// The owners themselves may link it with their session, whatever the policy.
				if to := old.Provider("github", "link", ada); to.String() != "/account" {
					t.Errorf("linking led to %s", to)
				}
			}, "LATCHKEY_LINKING="+policy)
		})
	}
}

// The same address under another subject of the same provider: the mailbox has
// probably changed hands, so auto does not join.
func TestRecycledAddress(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		first := apptest.Person{Name: "First", Email: "shared@work.example", HostedDomain: "work.example", Subject: "111"}
		google(t, a, first)
		next := first
		next.Name, next.Subject = "Next", "222"
		b := a.Browser()
		if to := b.Provider("google", "sign_in", next); to.Query().Get("error") != "email_taken" {
			t.Errorf("led to %s", to)
		}
		b.GET("/v1/session").WantProblem(http.StatusUnauthorized, "unauthenticated")
		if a.Count("users", "true") != 1 || a.Count("identities", "true") != 1 {
			t.Error("the newcomer was let in or made")
		}
	})
}

func TestDisabledUserDoesNotComeIn(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		w := apptest.NewWallet(t)
		ada := apptest.Person{Name: "Ada", Email: "ada@gmail.com"}
		b := google(t, a, ada)
		b.Wallet(w, "link").Want(http.StatusOK)
		id := me(b)
		a.Disable(id)
		for _, call := range []string{"/v1/session", "/v1/me", "/v1/me/identities", "/v1/teams"} {
			b.GET(call).WantProblem(http.StatusUnauthorized, "unauthenticated")
		}
		sessions := a.Count("sessions", "true")
		c := a.Browser()
		c.Wallet(w, "sign_in").WantProblem(http.StatusForbidden, "user_disabled")
		if to := c.Provider("google", "sign_in", ada); to.Query().Get("error") != "user_disabled" || to.Query().Has("ticket") {
			t.Errorf("led to %s", to)
		}
		// Nor by a new identity with the address, which learns nothing of the user.
		if to := c.Provider("github", "sign_in", ada); to.Query().Get("error") != "email_taken" || to.Query().Has("ticket") {
			t.Errorf("led to %s", to)
		}
		c.GET("/v1/session").WantProblem(http.StatusUnauthorized, "unauthenticated")
		if a.Count("sessions", "true") != sessions || a.Count("users", "status = 'disabled'") != 1 || a.Count("identities", "true") != 2 {
			t.Error("a disabled user was revived")
		}
		// Their identities are not free for others.
		other := google(t, a, apptest.Person{Name: "Eve", Email: "eve@gmail.com"})
		if got := other.Wallet(w, "link").WantProblem(http.StatusConflict, "identity_taken"); got.String("ticket") != "" {
			t.Errorf("a ticket to a disabled account: %s", got.Body)
		}
	})
}

// One wallet, two users who link it at once: one gets it, the other is refused.
func TestTwoLinkOneWalletAtOnce(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		w := apptest.NewWallet(t)
		var wg sync.WaitGroup
		answers := make([]*apptest.Answer, 2)
		bodies := make([]map[string]any, 2)
		browsers := []*apptest.Browser{
			google(t, a, apptest.Person{Name: "A", Email: "a@gmail.com"}), google(t, a, apptest.Person{Name: "B", Email: "b@gmail.com"}),
		}
		for i, b := range browsers {
			bodies[i] = signed(t, w, b.Challenge(w, "link"))
		}
		for i, b := range browsers {
			wg.Go(func() { answers[i] = verify(b, bodies[i]) })
		}
		wg.Wait()
		if answers[0].Status+answers[1].Status != http.StatusOK+http.StatusConflict || a.Count("identities", "provider = 'siwe'") != 1 {
			t.Errorf("%d and %d: %s %s", answers[0].Status, answers[1].Status, answers[0].Body, answers[1].Body)
		}
	})
}

func TestHundredFirstSignInsMakeOneUser(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		w := apptest.NewWallet(t)
		browsers, bodies := make([]*apptest.Browser, 100), make([]map[string]any, 100)
		for i := range browsers {
			browsers[i] = a.Browser()
			bodies[i] = signed(t, w, browsers[i].Challenge(w, "sign_in"))
		}
		var wg sync.WaitGroup
		answers := make([]*apptest.Answer, len(browsers))
		for i, b := range browsers {
			wg.Go(func() { answers[i] = verify(b, bodies[i]) })
		}
		wg.Wait()
		users, created := map[string]bool{}, 0
		for _, answer := range answers {
			users[answer.Want(http.StatusOK).String("user.id")] = true
			if answer.String("outcome") == "created" {
				created++
			}
		}
		if len(users) != 1 || created != 1 || a.Count("users", "true") != 1 || a.Count("sessions", "true") != 100 ||
			a.Count("audit_events", "action = 'user.created'") != 1 {
			t.Errorf("%d users, %d created, %d rows, %d sessions", len(users), created, a.Count("users", "true"), a.Count("sessions", "true"))
		}
	})
}

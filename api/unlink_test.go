package api_test

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

// identityID returns the id of the user's identity of a provider.
func identityID(t *testing.T, b *apptest.Browser, provider string) string {
	t.Helper()
	list := b.GET("/v1/me/identities").Want(http.StatusOK)
	for i := range list.Len("data") {
		at := "data." + string(rune('0'+i))
		if list.String(at+".provider") == provider {
			return list.String(at + ".id")
		}
	}
	t.Fatalf("no identity of %s: %s", provider, list.Body)
	return ""
}

func TestUnlink(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		b := a.Browser()
		wallet := apptest.NewWallet(t)
		b.Provider("google", "sign_in", apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
		google := identityID(t, b, "google")
		b.DELETE("/v1/me/identities/"+google).WantProblem(http.StatusConflict, "last_identity")

		b.Wallet(wallet, "link").Want(http.StatusOK)
		device := a.Browser() // a session that Google made
		device.Provider("google", "sign_in", apptest.Person{Name: "Ada", Email: "ada@gmail.com"})

		byWallet := a.Browser()
		byWallet.Wallet(wallet, "sign_in").Want(http.StatusOK)
		stranger := a.Browser()
		stranger.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
		stranger.DELETE("/v1/me/identities/"+google).WantProblem(http.StatusNotFound, "not_found")

		a.Advance(11 * time.Minute)
		byWallet.DELETE("/v1/me/identities/"+google).WantProblem(http.StatusForbidden, "reauth_required")
		byWallet.Wallet(wallet, "step_up").Want(http.StatusOK)
		byWallet.DELETE("/v1/me/identities/" + google).Want(http.StatusNoContent)

		device.GET("/v1/session").WantProblem(http.StatusUnauthorized, "unauthenticated")
		byWallet.GET("/v1/session").Want(http.StatusOK)
		byWallet.DELETE("/v1/me/identities/"+identityID(t, byWallet, "siwe")).WantProblem(http.StatusConflict, "last_identity")
	})
}

// An identity whose provider is not configured is not a sign-in method, so it does not
// make another one dispensable. Google's client is taken out of the
// configuration between the two starts.
func TestUnlinkCountsUsableProvidersOnly(t *testing.T) {
	t.Parallel()
	databaseURL := apptest.DatabaseURL(t, "sqlite")
	wallet := apptest.NewWallet(t)
	a := apptest.StartAt(t, databaseURL)
	b := a.Browser()
	b.Wallet(wallet, "sign_in").Want(http.StatusOK)
	b.Provider("google", "link", apptest.Person{Name: "Ada", Email: "ada@gmail.com"})

	later := apptest.StartAt(t, databaseURL, "LATCHKEY_PUBLIC_URL=https://auth.example.com")
	c := later.Browser()
	c.Wallet(wallet, "sign_in").Want(http.StatusOK)
	c.GET("/v1/auth/google/start").WantProblem(http.StatusNotFound, "provider_not_configured")
	c.DELETE("/v1/me/identities/"+identityID(t, c, "siwe")).WantProblem(http.StatusConflict, "last_identity")
	c.DELETE("/v1/me/identities/" + identityID(t, c, "google")).Want(http.StatusNoContent)
}

// A method that an unlinked identity gave admits no session to a team any more.
func TestUnlinkingIsJudgedByTheTeam(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		c := newCrew(t, a, "Keys")
		c.owner.Do(http.MethodPut, c.path+"/policy", map[string]any{"required_providers": []string{"google", "siwe"}}).Want(http.StatusOK)
		c.member.POST(c.path+"/sessions", nil).WantProblem(http.StatusForbidden, "policy_unsatisfied")
		c.member.Wallet(apptest.NewWallet(t), "link").Want(http.StatusOK)
		c.member.POST(c.path+"/sessions", nil).Want(http.StatusCreated)
		if c.member.GET("/v1/session").String("team_session.role") != "member" {
			t.Fatal("not in the team")
		}
		c.member.DELETE("/v1/me/identities/" + identityID(t, c.member, "siwe")).Want(http.StatusNoContent)
		got := c.member.GET("/v1/session").Want(http.StatusOK)
		if got.Get("team_session") != nil || got.String("team_refusal.rule") != "required_providers" || got.Len("session.methods") != 1 {
			t.Errorf("%s", got.Body)
		}
		c.member.POST(c.path+"/sessions", nil).WantProblem(http.StatusForbidden, "policy_unsatisfied")
		c.member.GET(c.path+"/members").WantProblem(http.StatusForbidden, "policy_unsatisfied")
	})
}

func TestTwoUnlinksAtOnceLeaveOne(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		wallets := []apptest.Wallet{apptest.NewWallet(t), apptest.NewWallet(t)}
		var browsers []*apptest.Browser
		var ids []string
		b := a.Browser()
		b.Wallet(wallets[0], "sign_in").Want(http.StatusOK)
		b.Wallet(wallets[1], "link").Want(http.StatusOK)
		list := b.GET("/v1/me/identities").Want(http.StatusOK)
		for i, w := range wallets {
			c := a.Browser()
			// Each unlinks the identity that the other signed in with.
			c.Wallet(w, "sign_in").Want(http.StatusOK)
			browsers = append(browsers, c)
			ids = append(ids, list.String("data."+string(rune('0'+1-i))+".id"))
		}
		var wg sync.WaitGroup
		statuses := make([]int, len(browsers))
		for i, c := range browsers {
			wg.Go(func() { statuses[i] = c.DELETE("/v1/me/identities/" + ids[i]).Status })
		}
		wg.Wait()
		done := 0
		for _, status := range statuses {
			switch status {
			case http.StatusNoContent:
				done++
			case http.StatusConflict, http.StatusUnauthorized: // the last one, or ended with the other
			default:
				t.Errorf("statuses %v", statuses)
			}
		}
		if done != 1 {
			t.Errorf("%d unlinks succeeded, want 1: %v", done, statuses)
		}
	})
}

// Under `confirm` a new identity with a known address is linked once the owner
// has signed in for it in the same browser, has seen what asks, and agrees.
func TestLinkTicketIsShownAndAsked(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		ada := apptest.Person{Name: "Ada", Email: "ada@gmail.com"}
		w := apptest.NewWallet(t)
		owner := google(t, a, ada)
		owner.Wallet(w, "link").Want(http.StatusOK)
		id := me(owner)
		identities := func(b *apptest.Browser) int { return b.GET("/v1/me/identities").Want(http.StatusOK).Len("data") }
		requests := func(b *apptest.Browser) *apptest.Answer { return b.GET("/v1/me/link-requests").Want(http.StatusOK) }

		b := a.Browser()
		if to := b.Provider("github", "sign_in", ada); to.Query().Get("error") != "email_taken" || to.Query().Get("ticket") == "" {
			t.Fatalf("led to %s", to)
		}
		// A sign-in that was not begun for it, in a shared browser, shows nothing.
		b.Provider("google", "sign_in", ada)
		if requests(b).Len("data") != 0 || identities(b) != 2 {
			t.Error("a sign-in that was not begun for the ticket holds it")
		}
		b.SignInWith("google", "link_ticket=true", ada)
		asks := requests(b)
		if asks.Len("data") != 1 || asks.String("data.0.provider") != "github" || asks.String("data.0.email") != ada.Email || identities(b) != 2 {
			t.Fatalf("asks: %s", asks.Body)
		}
		path := "/v1/me/link-requests/" + asks.String("data.0.id")
		owner.POST(path+"/accept", nil).WantProblem(http.StatusNotFound, "not_found") // the same user in another browser
		a.Advance(11 * time.Minute)
		b.POST(path+"/accept", nil).WantProblem(http.StatusForbidden, "reauth_required")
		b.Provider("google", "step_up", ada)
		if got := b.POST(path+"/accept", nil).Want(http.StatusOK); got.String("provider") != "github" {
			t.Errorf("linked %s", got.Body)
		}
		b.POST(path+"/accept", nil).WantProblem(http.StatusNotFound, "not_found")
		if identities(b) != 3 || requests(b).Len("data") != 0 {
			t.Errorf("%d identities", identities(b))
		}
		again := a.Browser()
		again.Provider("github", "sign_in", ada)
		if me(again) != id {
			t.Error("github found another user")
		}
	}, "LATCHKEY_LINKING=confirm")
}

func TestLinkRequestIsDismissed(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		ada := apptest.Person{Name: "Ada", Email: "ada@gmail.com"}
		google(t, a, ada)
		b := a.Browser()
		b.Provider("github", "sign_in", ada)
		b.SignInWith("google", "link_ticket=true", ada)
		path := "/v1/me/link-requests/" + b.GET("/v1/me/link-requests").String("data.0.id")
		b.DELETE(path).Want(http.StatusNoContent)
		b.POST(path+"/accept", nil).WantProblem(http.StatusNotFound, "not_found")
		b.DELETE(path).WantProblem(http.StatusNotFound, "not_found")
		if n := b.GET("/v1/me/identities").Len("data"); n != 1 {
			t.Errorf("%d identities", n)
		}
	}, "LATCHKEY_LINKING=confirm")
}

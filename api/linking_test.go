package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

func google(t *testing.T, a *apptest.App, p apptest.Person) *apptest.Browser {
	t.Helper()
	b := a.Browser()
	if to := b.Provider("google", "sign_in", p); to.String() != "/account" {
		t.Fatalf("signing in led to %s", to)
	}
	return b
}

func me(b *apptest.Browser) string { return b.GET("/v1/me").Want(http.StatusOK).String("id") }

// An attacker starts linking, and lets the victim's browser finish: the attacker's
// sign-in method must not end up on the victim, nor the victim in the attacker's account.
func TestForcedLinking(t *testing.T) {
	t.Parallel()
	a := apptest.SQLite(t)
	eve := apptest.Person{Name: "Eve", Email: "eve@gmail.com"}
	victim := google(t, a, apptest.Person{Name: "Victim", Email: "victim@gmail.com"})
	attacker := google(t, a, eve)
	callbacks := map[string]string{}
	for _, purpose := range []string{"sign_in", "link", "step_up"} {
		callbacks[purpose] = attacker.Authorize("github", purpose, eve)
	}
	w := apptest.NewWallet(t)
	for _, purpose := range []string{"sign_in", "link", "step_up"} {
		body := signed(t, w, attacker.Challenge(w, purpose))
		a.Unchanged(t, func() {
			victim.GET(callbacks[purpose]).WantProblem(http.StatusBadRequest, "invalid_state")
			verify(victim, body).WantProblem(http.StatusUnauthorized, "invalid_proof")
			verify(victim.With("Origin", "https://evil.example"), body).WantProblem(http.StatusForbidden, "origin_not_allowed")
		})
	}
	if got := victim.GET("/v1/session").Want(http.StatusOK); got.String("user.display_name") != "Victim" {
		t.Errorf("the victim is now %s", got.Body)
	}
}

// Even where the proof and the session are in one browser, a proof does what it
// was asked for, and nothing else.
func TestPurposeDecidesWhatAProofDoes(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		b := google(t, a, apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
		ada, before := me(b), b.Cookie("latchkey")
		callback := b.Authorize("github", "sign_in", apptest.Person{Name: "Other", Email: "other@mail.example"})
		if to := b.Callback(callback); to.String() != "/account" {
			t.Fatalf("led to %s", to)
		}
		if me(b) == ada || a.Count("identities", "user_id = '%s'", ada) != 1 {
			t.Error("a sign-in was linked to the signed-in user")
		}
		old := a.Browser()
		old.Bearer = before
		old.GET("/v1/me").WantProblem(http.StatusUnauthorized, "unauthenticated") // its place is taken
		for _, bent := range []string{"merge", "LINK", "", "link,sign_in"} {
			b.GET("/v1/auth/github/start?purpose="+bent).WantProblem(http.StatusBadRequest, "invalid_request")
			b.POST("/v1/auth/github/start", map[string]any{"purpose": bent}).WantProblem(http.StatusBadRequest, "invalid_request")
		}
		// Whom to link to is not for the form to say.
		for _, body := range []map[string]any{
			{"purpose": "link", "user_id": ada}, {"purpose": "link", "session_id": ada}, {"purpose": "link", "target": ada},
		} {
			a.Unchanged(t, func() {
				b.POST("/v1/auth/siwe/challenge", body).WantProblem(http.StatusBadRequest, "invalid_request")
				b.POST("/v1/auth/google/start", body).WantProblem(http.StatusBadRequest, "invalid_request")
			})
		}
		other := me(b)
		if to := b.Provider("google", "link", apptest.Person{Name: "X", Email: "x@gmail.com"}); to.String() != "/account" {
			t.Fatalf("led to %s", to)
		}
		if a.Count("identities", "user_id = '%s'", ada) != 1 || a.Count("identities", "user_id = '%s'", other) != 2 {
			t.Error("the target of a link was taken from the request")
		}
	})
}

// Linking needs a recent proof; step_up gives one, and a new token.
func TestStaleSessionStepsUpThenLinks(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		ada := apptest.Person{Name: "Ada", Email: "ada@gmail.com"}
		b := google(t, a, ada)
		user := me(b)
		a.Advance(11 * time.Minute)
		me(b) // notes when the session was last seen, which is no part of what follows
		w := apptest.NewWallet(t)
		refused := a.Count("audit_events", "action = 'proof.refused'")
		b.Wallet(w, "link").WantProblem(http.StatusForbidden, "reauth_required")
		if to := b.Provider("github", "link", ada); to.Query().Get("error") != "reauth_required" {
			t.Errorf("led to %s", to)
		}
		if a.Count("identities", "true") != 1 || a.Count("audit_events", "action = 'proof.refused'") != refused+2 {
			t.Error("a stale session linked, or the refusal is not in the audit trail")
		}
		// Somebody else's proof, or an unknown one, does not make a session recently verified.
		for _, stranger := range []apptest.Person{{Name: "Eve", Email: "eve@gmail.com"}, {Name: "Max", Email: "max@gmail.com"}} {
			if stranger.Name == "Eve" {
				google(t, a, stranger)
			}
			if to := b.Provider("google", "step_up", stranger); to.Query().Get("error") != "identity_mismatch" {
				t.Errorf("%s led to %s", stranger.Name, to)
			}
		}
		b.Wallet(w, "step_up").WantProblem(http.StatusForbidden, "identity_mismatch")
		b.Wallet(w, "link").WantProblem(http.StatusForbidden, "reauth_required")

		stolen := a.Browser()
		stolen.Bearer = b.Cookie("latchkey")
		if to := b.Provider("google", "step_up", ada); to.String() != "/account" {
			t.Fatalf("step-up led to %s", to)
		}
		if b.Cookie("latchkey") == stolen.Bearer {
			t.Error("step_up kept the token")
		}
		stolen.GET("/v1/session").WantProblem(http.StatusUnauthorized, "unauthenticated")
		if got := b.Wallet(w, "link").Want(http.StatusOK); got.String("outcome") != "linked" || got.String("user.id") != user {
			t.Errorf("after step_up: %s", got.Body)
		}
		a.Advance(11 * time.Minute)
		if got := b.Wallet(w, "step_up").Want(http.StatusOK); got.String("outcome") != "stepped_up" {
			t.Errorf("step_up by the new wallet: %s", got.Body)
		}
		if got := b.GET("/v1/session").Want(http.StatusOK); got.Len("session.methods") != 2 {
			t.Errorf("methods: %s", got.Body)
		}
	})
}

// What belongs to another gives a ticket to who has proved both, and tells
// nothing of the other.
func TestTakenIdentityAndAddress(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		w := apptest.NewWallet(t)
		owner := google(t, a, apptest.Person{Name: "Olga Owner", Email: "olga@gmail.com"})
		owner.Wallet(w, "link").Want(http.StatusOK)
		olga := me(owner)
		b := google(t, a, apptest.Person{Name: "Eve", Email: "eve@gmail.com"})
		eve := me(b)
		answer := b.Wallet(w, "link").WantProblem(http.StatusConflict, "identity_taken")
		if answer.String("ticket") == "" || answer.String("ticket_kind") != "merge" {
			t.Errorf("no ticket: %s", answer.Body)
		}
		for _, secret := range []string{olga, "Olga", "olga", "gmail"} {
			if strings.Contains(string(answer.Body), secret) {
				t.Errorf("the owner is revealed: %s", answer.Body)
			}
		}
		to := b.Provider("github", "link", apptest.Person{Name: "Eve", Email: "olga@gmail.com"})
		if to.Query().Get("error") != "email_taken" || to.Query().Get("ticket") == "" || strings.Contains(to.String(), olga) {
			t.Errorf("led to %s", to)
		}
		if a.Count("identities", "user_id = '%s'", eve) != 1 || a.Count("identities", "user_id = '%s'", olga) != 2 {
			t.Error("something was linked")
		}
		for _, ticket := range []string{answer.String("ticket"), to.Query().Get("ticket")} {
			if a.Count("tickets", "CAST(token_hash AS text) LIKE '%%%s%%'", ticket) != 0 || strings.Contains(strings.Join(a.Snapshot()["tickets"], "\n"), ticket) {
				t.Error("a ticket is stored as it is")
			}
			if strings.Contains(a.Log.String(), ticket) {
				t.Error("a ticket is in the log")
			}
		}
		if a.Count("tickets", "kind = 'merge'") != 2 {
			t.Errorf("%d tickets", a.Count("tickets", "kind = 'merge'"))
		}
		// To who is not signed in a foreign wallet is just a sign-in.
		if got := a.Browser().Wallet(w, "sign_in").Want(http.StatusOK).String("user.id"); got != olga {
			t.Errorf("the wallet found %s", got)
		}
	})
}

func TestSeveralWaysInOfOneKind(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		b := google(t, a, apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
		user := me(b)
		wallets := []apptest.Wallet{apptest.NewWallet(t), apptest.NewWallet(t), apptest.NewWallet(t)}
		for _, w := range wallets {
			before := b.Cookie("latchkey")
			b.Wallet(w, "link").Want(http.StatusOK)
			if b.Cookie("latchkey") == before {
				t.Error("linking kept the token")
			}
		}
		second := apptest.Person{Name: "Ada at work", Email: "ada@work.example", HostedDomain: "work.example"}
		if to := b.Provider("google", "link", second); to.String() != "/account" {
			t.Fatalf("led to %s", to)
		}
		list := b.GET("/v1/me/identities").Want(http.StatusOK)
		primary := 0
		for i := range list.Len("data") {
			if list.Get("data."+string(rune('0'+i))+".wallet.primary") == true {
				primary++
			}
		}
		if list.Len("data") != 5 || primary != 1 {
			t.Errorf("%d identities, %d primary wallets: %s", list.Len("data"), primary, list.Body)
		}
		for _, w := range wallets {
			if got := a.Browser().Wallet(w, "sign_in").Want(http.StatusOK).String("user.id"); got != user {
				t.Errorf("a wallet found %s", got)
			}
		}
		if me(google(t, a, second)) != user {
			t.Error("the second Google account found another user")
		}
	})
}

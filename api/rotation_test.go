package api_test

import (
	"net/http"
	"strconv"
	"testing"

	"github.com/latchkey/latchkey/internal/app"
	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

const (
	oldSecret = "LATCHKEY_SECRET=the old secret, which is long enough"
	newSecret = "LATCHKEY_SECRET=the new secret, which is long enough"
)

func previously(secret string) string {
	return "LATCHKEY_SECRET_PREVIOUS=" + secret[len("LATCHKEY_SECRET="):]
}

// at is the same browser at another replica.
func at(b *apptest.Browser, a *apptest.App) *apptest.Browser {
	out := a.Browser()
	for _, name := range []string{"latchkey", "latchkey-flow"} {
		if value := b.Cookie(name); value != "" {
			out.SetCookie(name, value)
		}
	}
	return out
}

// Two replicas go through a rotation of the secret one after another. At every step
// what one of them has begun ends at the other.
func TestRotationOfTheSecret(t *testing.T) {
	t.Parallel()
	url := apptest.DatabaseURL(t, "postgres")
	first := apptest.StartAt(t, url, clients, oldSecret)
	apps, letters := []*apptest.App{first}, []apptest.Letter(nil)
	start := func(env ...string) *apptest.App {
		a := apptest.StartAt(t, url, append(env, clients, "LATCHKEY_PUBLIC_URL="+first.URL)...)
		apps = append(apps, a)
		return a
	}
	wallet := apptest.NewWallet(t)
	b := first.Browser()
	b.Wallet(wallet, "sign_in").Want(http.StatusOK)
	kept := offline(t, b, "")
	// A round trip from one replica to another, and a refresh token that is retried at
	// the first of them.
	round := func(step string, from, to *apptest.App) {
		t.Helper()
		asking := from.Browser()
		message := asking.Challenge(wallet, "sign_in").Want(http.StatusOK).String("message")
		done := at(asking, to)
		done.POST("/v1/auth/siwe/verify", object{"message": message, "signature": wallet.Sign(t, message)}).Want(http.StatusOK)
		raw := offline(t, done, "")
		next := refresh(from.Browser(), raw).Want(http.StatusOK)
		if retried := refresh(to.Browser(), raw).Want(http.StatusOK).String("refresh_token"); retried != next.String("refresh_token") {
			t.Errorf("%s: a retry gives another successor", step)
		}
		kept = refresh(to.Browser(), kept).Want(http.StatusOK).String("refresh_token")
		asking = from.Browser()
		callback := asking.Authorize("google", "sign_in", apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
		// Each replica has stand-ins of its own, so it is the provider that refuses, if
		// anything; the attempt is accepted.
		if got := at(asking, to).Callback(callback); got.Query().Get("error") == "invalid_state" {
			t.Errorf("%s: the attempt is not accepted: %s", step, got)
		}
		asking = from.Browser()
		address := "ada" + strconv.Itoa(len(letters)) + "@gmail.com"
		asking.POST("/v1/auth/email/start", object{"email": address, "purpose": "sign_in"}).Want(http.StatusAccepted)
		until(t, "a mail by any replica", func() bool {
			for _, a := range apps {
				if mail := a.Mail(t, address); len(mail) > 0 {
					letters = append(letters, mail[0])
					return true
				}
			}
			return false
		})
		at(asking, to).EmailCode(letters[len(letters)-1].Code(), address).Want(http.StatusOK)
	}
	both := func(step string, a, b *apptest.App) {
		t.Helper()
		round(step, a, b)
		round(step, b, a)
	}
	knowsNew := start(oldSecret, previously(newSecret))
	both("one knows the new one", first, knowsNew)
	first.StopWork() // it cannot open what is sealed from now on, and has the stand-ins
	swapped := start(newSecret, previously(oldSecret))
	both("one makes by the new one", knowsNew, swapped)
	if s, err := app.CheckSealed(t.Context(), swapped.Config, swapped.DB, swapped.Now); err != nil || s.Previous == 0 || s.Neither != 0 {
		t.Errorf("%+v, %v", s, err)
	}
	r, err := app.Reseal(t.Context(), swapped.Config, swapped.DB, swapped.Now)
	if err != nil || r.Keys == 0 || r.Unreadable != 0 {
		t.Errorf("%+v, %v", r, err)
	}
	both("sealed again", knowsNew, swapped)
	kept = refresh(swapped.Browser(), kept).Want(http.StatusOK).String("refresh_token")
	last := start(newSecret)
	if s, err := app.CheckSealed(t.Context(), last.Config, last.DB, last.Now); err != nil || s.Previous != 0 || s.Neither != 0 {
		t.Errorf("%+v, %v", s, err)
	}
	both("one has forgotten the old one", swapped, last)

	// After a leak the old one is worth nothing.
	leaked := start("LATCHKEY_SECRET=another secret, which is long enough")
	if s, err := app.CheckSealed(t.Context(), leaked.Config, leaked.DB, leaked.Now); err != nil || s.Neither == 0 {
		t.Errorf("%+v, %v", s, err)
	}
	if _, err := app.Reseal(t.Context(), leaked.Config, leaked.DB, leaked.Now); err == nil {
		t.Error("sealed again what does not open")
	}
	if got := refresh(leaked.Browser(), kept); got.Status == http.StatusOK {
		t.Error("a refresh token of a leaked secret works")
	}
}

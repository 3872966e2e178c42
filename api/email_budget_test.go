package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/method/email"
	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

const victim = "victim@example.com"

// eachLimited runs a test with limits on, behind a proxy, on each engine. The clock
// does not move.
func eachLimited(t *testing.T, test func(t *testing.T, a *apptest.App)) {
	t.Helper()
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		a.Freeze()
		test(t, a)
	}, "LATCHKEY_RATE_LIMITS=1", "LATCHKEY_TRUSTED_PROXIES=127.0.0.0/8,::1")
}

// askMail asks for mail to an address and returns the answer.
func askMail(b *apptest.Browser, address string) *apptest.Answer {
	return b.POST("/v1/auth/email/start", startBody(address))
}

// wrongCode is a code that the letter does not have.
func wrongCode(l apptest.Letter, i int) string {
	code := fmt.Sprintf("%06d", i)
	if code == l.Code() {
		return "999999"
	}
	return code
}

// signedInBefore is a browser of the victim that has signed in by mail, and out again.
func signedInBefore(a *apptest.App, ip string) (*apptest.Browser, string) {
	b := from(a.Browser(), ip)
	user := b.Email(victim, "sign_in").Want(http.StatusOK).String("user.id")
	b.Do(http.MethodDelete, "/v1/session", nil).Want(http.StatusNoContent)
	return b, user
}

// One network of strangers uses up its own part of what a mailbox gets, and the
// owner is sent mail at once, in whatever browser.
func TestOneNetworkCannotUseUpAMailbox(t *testing.T) {
	eachLimited(t, func(t *testing.T, a *apptest.App) {
		owner, id := signedInBefore(a, "203.0.113.1")
		for i := range 30 { // one subscriber has 2^64 addresses
			askMail(from(a.Browser(), fmt.Sprintf("2001:db8:0:1::%x", i+1)), victim).Want(http.StatusAccepted)
		}
		askMail(from(a.Browser(), "2001:db8:0:1:f::f"), victim).WantProblem(http.StatusTooManyRequests, "rate_limited")
		a.WaitMail(t, victim, 1+4+1)
		fresh := from(a.Browser(), "2001:db8:0:2::1")
		letter := fresh.StartEmail(victim, "sign_in")
		if got := fresh.EmailCode(letter.Code(), "").Want(http.StatusOK).String("user.id"); got != id {
			t.Errorf("signed in as %s", got)
		}
		// A neighbour of the strangers, past the limit of their network.
		known := from(owner, "2001:db8:0:1::abc")
		letter = known.StartEmail(victim, "sign_in")
		known.EmailToken(letter.Token()).Want(http.StatusOK)
		// For another address the same browser is a stranger.
		askMail(known, "other@example.com").WantProblem(http.StatusTooManyRequests, "rate_limited")
		if n := len(a.Mail(t, victim)); n != 1+4+1+2 {
			t.Errorf("%d letters, want 8", n)
		}
	})
}

// Strangers from any number of networks leave the mailbox with a bounded amount of
// mail, known browsers with a share of their own, and an unknown browser of the
// owner with a link after a wait.
func TestManyNetworksCannotUseUpAMailbox(t *testing.T) {
	eachLimited(t, func(t *testing.T, a *apptest.App) {
		owner, id := signedInBefore(a, "203.0.113.1")
		a.Advance(2 * time.Hour)
		had := len(a.Mail(t, victim))
		var strangers []*apptest.Browser
		for i := range 60 {
			b := from(a.Browser(), fmt.Sprintf("198.51.%d.7", i))
			strangers = append(strangers, b)
			askMail(b, victim).Want(http.StatusAccepted)
		}
		at := had + email.StrangerMails + 1
		a.WaitMail(t, victim, at)
		// The owner at a friend's.
		fresh, late := from(a.Browser(), "192.0.2.1"), from(a.Browser(), "192.0.2.2")
		expires := askMail(fresh, victim).Want(http.StatusAccepted).String("expires_at")
		if at, err := time.Parse(time.RFC3339, expires); err != nil || at.Sub(a.Now()) != email.MinWait+email.Lifetime {
			t.Errorf("it expires at %s", expires)
		}
		askMail(fresh, victim).Want(http.StatusAccepted)
		if n := a.Count("email_challenges", "mail_id IS NOT NULL"); n != 60-email.StrangerMails+1 {
			t.Errorf("%d challenges wait, want one of each browser", n)
		}
		// A known browser does not wait.
		letter := owner.StartEmail(victim, "sign_in")
		owner.EmailCode(letter.Code(), victim).Want(http.StatusOK)
		if n := len(a.Mail(t, victim)); n != at+1 {
			t.Fatalf("%d letters, want %d", n, at+1)
		}
		a.Advance(email.MinWait)
		shared := a.WaitMail(t, victim, at+2)
		if shared.Code() != "" || shared.Token() == "" {
			t.Fatalf("the shared mail:\n%s", shared.Text)
		}
		askMail(late, victim).Want(http.StatusAccepted) // for the next one
		a.Unchanged(t, func() {
			for _, b := range []*apptest.Browser{late, from(a.Browser(), "192.0.2.3"), strangers[0]} {
				b.EmailToken(shared.Token()).WantProblem(http.StatusUnauthorized, "invalid_proof")
			}
		}, "outbox")
		if got := fresh.EmailToken(shared.Token()).Want(http.StatusOK).String("user.id"); got != id {
			t.Errorf("signed in as %s", got)
		}
		fresh.EmailToken(shared.Token()).WantProblem(http.StatusUnauthorized, "proof_used")
		// It was everybody's, and has been used.
		strangers[59].EmailToken(shared.Token()).WantProblem(http.StatusUnauthorized, "proof_used")
		if n := a.Count("email_mails", "1 = 1"); n != 1+email.StrangerMails+1+1+2 {
			t.Errorf("%d mails", n)
		}
	})
}

// Known browsers have a share and no more, and then wait with the rest.
func TestAKnownBrowserCannotFloodEither(t *testing.T) {
	eachLimited(t, func(t *testing.T, a *apptest.App) {
		owner, _ := signedInBefore(a, "203.0.113.1")
		for i := range 60 {
			if askMail(from(owner, fmt.Sprintf("198.51.%d.7", i)), victim).Status == http.StatusTooManyRequests {
				owner.SetCookie("latchkey-flow", "") // it is not by that that it is known
			}
		}
		if known, all := a.Count("email_mails", "known"), a.Count("email_mails", "1 = 1"); known != email.KnownMails || all > email.KnownMails+email.StrangerMails+2 {
			t.Errorf("%d mails, %d of them to known browsers", all, known)
		}
		a.Advance(time.Hour)
		letter := owner.StartEmail(victim, "sign_in")
		owner.EmailCode(letter.Code(), "").Want(http.StatusOK)
	})
}

// A browser is known by what was proved in it: any sign-in to the account, and
// a cookie for another address makes no browser known.
func TestHowABrowserIsKnown(t *testing.T) {
	eachLimited(t, func(t *testing.T, a *apptest.App) {
		ada := apptest.Person{Name: "Ada", Email: "ada@gmail.com"}
		google := from(a.Browser(), "203.0.113.1")
		google.Provider("google", "sign_in", ada)
		wallet, eve := from(a.Browser(), "203.0.113.2"), from(a.Browser(), "203.0.113.3")
		wallet.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
		wallet.Email("wallet@example.com", "link").Want(http.StatusOK)
		eve.Email("eve@example.com", "sign_in").Want(http.StatusOK)
		bearer := from(a.Browser(), "203.0.113.4") // no cookie says so, but the session is the owner's
		letter := bearer.StartEmail("bearer@example.com", "sign_in")
		bearer.Bearer = bearer.POST("/v1/auth/email/verify", map[string]any{"token": letter.Token(), "delivery": "token"}).Want(http.StatusOK).String("token")
		bearer.SetCookie("latchkey-known", "")
		before := a.Count("email_challenges", "known")
		for i, x := range []struct {
			b       *apptest.Browser
			address string
			known   bool
		}{
			{google, "ada@gmail.com", true}, {google, "ADA@gmail.com", true}, {google, "eve@example.com", false},
			{wallet, "wallet@example.com", true}, {wallet, "ada@gmail.com", false},
			{eve, "eve@example.com", true}, {eve, "ada@gmail.com", false},
			{bearer, "bearer@example.com", true}, {bearer, "ada@gmail.com", false},
			{from(a.Browser(), "203.0.113.5"), "ada@gmail.com", false},
		} {
			askMail(x.b, x.address).Want(http.StatusAccepted)
			after := a.Count("email_challenges", "known")
			if got := after > before; got != x.known {
				t.Errorf("%d: known to %s: %t", i, x.address, got)
			}
			before = after
		}
		stolen := from(a.Browser(), "203.0.113.6")
		mine, theirs := eve.Cookie("latchkey-known"), google.Cookie("latchkey-known")
		if len(mine) < 24 || len(theirs) < 24 {
			t.Fatalf("known by %q and %q", mine, theirs)
		}
		stolen.SetCookie("latchkey-known", mine[:20]+theirs[20:]) // the ids end in the 22nd
		askMail(stolen, "ada@gmail.com").Want(http.StatusAccepted)
		if n := a.Count("email_challenges", "known"); n != before {
			t.Error("an entry of another browser counts")
		}
	})
}

// A wrong guess is charged to the challenge it was made at, which is the guesser's
// own, and never to what the owner was sent.
func TestStrangersCannotVoidACode(t *testing.T) {
	eachLimited(t, func(t *testing.T, a *apptest.App) {
		_, id := signedInBefore(a, "203.0.113.1")
		a.Advance(2 * time.Hour)
		fresh := from(a.Browser(), "192.0.2.1") // the owner, in an unknown browser
		mine := fresh.StartEmail(victim, "sign_in")
		for i := range 4 {
			stranger := from(a.Browser(), fmt.Sprintf("198.51.100.%d", i))
			theirs := stranger.StartEmail(victim, "sign_in")
			// The owner's own code is of no use to them, and a try at it is charged to no other.
			a.Unchanged(t, func() {
				a.Browser().EmailCode(mine.Code(), victim).WantProblem(http.StatusUnauthorized, "invalid_proof")
			}, "outbox")
			for j := range 5 {
				stranger.EmailCode(wrongCode(theirs, j), victim).WantProblem(http.StatusUnauthorized, "invalid_proof")
			}
			// The code is void after five, its link is not.
			stranger.EmailCode(theirs.Code(), victim).WantProblem(http.StatusUnauthorized, "invalid_proof")
		}
		if n := a.Count("email_challenges", "wrong_codes = 5"); n != 4 {
			t.Errorf("%d challenges have five wrong codes, want 4", n)
		}
		if got := fresh.EmailCode(mine.Code(), victim).Want(http.StatusOK).String("user.id"); got != id {
			t.Errorf("signed in as %s", got)
		}
	})
}

// All at once are not more guesses than one after the other.
func TestGuessesAtOneCode(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		b := a.Browser()
		letter := b.StartEmail(victim, "sign_in")
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() {
				b.In(t).EmailCode(wrongCode(letter, i), victim).WantProblem(http.StatusUnauthorized, "invalid_proof")
			})
		}
		wg.Wait()
		if a.Count("email_challenges", "wrong_codes = 5") != 1 {
			t.Error("not 5 wrong codes were counted")
		}
		b.EmailCode(letter.Code(), "").WantProblem(http.StatusUnauthorized, "invalid_proof")
		b.EmailToken(letter.Token()).Want(http.StatusOK)
	})
}

// guess makes n wrong guesses at once, each at a code of a mailbox of its own, and
// returns how many of them were compared.
func guess(t *testing.T, n int, browser func(i int) *apptest.Browser) int {
	t.Helper()
	var browsers []*apptest.Browser
	for i := range n {
		b := browser(i)
		address := fmt.Sprintf("%d-%s@example.com", i, identity.NewID())
		askMail(b, address).Want(http.StatusAccepted)
		b.App.Exec("UPDATE email_challenges SET code_hash = token_hash WHERE address = '%s'", address) // no code is right
		browsers = append(browsers, b)
	}
	var compared atomic.Int32
	var wg sync.WaitGroup
	for i, b := range browsers {
		wg.Go(func() {
			switch got := b.In(t).EmailCode(fmt.Sprintf("%06d", i), ""); got.Status {
			case http.StatusUnauthorized:
				compared.Add(1)
			case http.StatusTooManyRequests:
				if !strings.Contains(string(got.Body), "open the link") || got.Header.Get("Retry-After") == "" {
					t.Errorf("refused: %v %s", got.Header, got.Body)
				}
			default:
				t.Errorf("%d %s", got.Status, got.Body)
			}
		})
	}
	wg.Wait()
	return int(compared.Load())
}

// Guesses at many mailboxes are charged to the network they come from.
func TestGuessesOfOneNetworkStop(t *testing.T) {
	eachLimited(t, func(t *testing.T, a *apptest.App) {
		owner, _ := signedInBefore(a, "2001:db8:0:9::9")
		a.Advance(2 * time.Hour)
		if n := guess(t, 28, func(i int) *apptest.Browser { return from(a.Browser(), fmt.Sprintf("2001:db8:0:1::%x", i+1)) }); n != 20 {
			t.Errorf("%d guesses of one network were compared, want 20", n)
		}
		// A known browser in that network, and unknown ones elsewhere, go on.
		neighbour := from(owner, "2001:db8:0:1::abc")
		neighbour.EmailCode(neighbour.StartEmail(victim, "sign_in").Code(), "").Want(http.StatusOK)
		elsewhere := from(a.Browser(), "2001:db8:0:2::1")
		elsewhere.EmailCode(elsewhere.StartEmail("new@example.com", "sign_in").Code(), "").Want(http.StatusOK)
		// In the network the link works, and the code once time has passed.
		fresh := from(a.Browser(), "2001:db8:0:1::def")
		letter := fresh.StartEmail("fresh@example.com", "sign_in")
		fresh.EmailCode(letter.Code(), "").WantProblem(http.StatusTooManyRequests, "rate_limited")
		a.Advance(3 * time.Minute)
		fresh.EmailCode(letter.Code(), "").Want(http.StatusOK)
		fresh.EmailToken(letter.Token()).WantProblem(http.StatusUnauthorized, "proof_used")
	})
}

// Guesses from many networks at many mailboxes are charged to the deployment. Links
// work all the same, and known browsers have guesses of their own.
func TestGuessesOfManyNetworksStop(t *testing.T) {
	t.Parallel()
	a := limited(t, "0.2") // 24 wrong codes an hour, 4 of a network, 2 of a browser
	owner, _ := signedInBefore(a, "203.0.113.1")
	a.Advance(2 * time.Hour)
	if n := guess(t, 40, func(i int) *apptest.Browser { return from(a.Browser(), fmt.Sprintf("198.51.%d.7", i)) }); n != 24 {
		t.Errorf("%d guesses were compared, want 24", n)
	}
	letter := owner.StartEmail(victim, "sign_in")
	owner.EmailCode(wrongCode(letter, 1), "").WantProblem(http.StatusUnauthorized, "invalid_proof")
	owner.EmailCode(letter.Code(), "").Want(http.StatusOK)
	fresh := from(a.Browser(), "192.0.2.1")
	letter = fresh.StartEmail("fresh@example.com", "sign_in")
	fresh.EmailCode(letter.Code(), "").WantProblem(http.StatusTooManyRequests, "rate_limited")
	fresh.EmailToken(letter.Token()).Want(http.StatusOK)
	a.Advance(time.Hour)
	letter = fresh.StartEmail("fresh@example.com", "sign_in")
	fresh.EmailCode(letter.Code(), "").Want(http.StatusOK)
}

// A browser's guesses are its own, whatever it asks for and wherever it goes.
func TestGuessesOfOneBrowserStop(t *testing.T) {
	t.Parallel()
	a := limited(t, "1")
	b := a.Browser()
	stopped := 0
	for i := range 14 {
		b := from(b, fmt.Sprintf("198.51.%d.7", i))
		letter := b.StartEmail(fmt.Sprintf("%d@example.com", i), "sign_in")
		if b.EmailCode(wrongCode(letter, i), "").Status == http.StatusTooManyRequests {
			stopped++
		}
	}
	if stopped != 4 {
		t.Errorf("%d of 14 guesses were stopped, want 4", stopped)
	}
}

// A code that is right costs nothing, and neither does one where there is nothing
// to guess at: an office behind one address signs in by code all day.
func TestRightCodesCostNothing(t *testing.T) {
	t.Parallel()
	a := limited(t, "0.2") // 4 wrong codes of a network
	for i := range 12 {
		b := from(a.Browser(), "203.0.113.1")
		b.EmailCode("123456", "").WantProblem(http.StatusUnauthorized, "invalid_proof")
		letter := b.StartEmail(fmt.Sprintf("%d@example.com", i), "sign_in")
		b.EmailCode(letter.Code(), "").Want(http.StatusOK)
		a.Advance(2 * time.Minute)
	}
}

// The limits that no configuration takes off: the wrong codes of strangers at one
// mailbox in a day. Past them its mails have a link alone; what was sent works on.
func TestGuessesAtOneMailboxInADay(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		a.Freeze()
		owner, _ := signedInBefore(a, "203.0.113.1")
		a.Advance(2 * time.Hour)
		guessAll := func(challenges int) {
			t.Helper()
			for range challenges {
				stranger := a.Browser()
				letter := stranger.StartEmail(victim, "sign_in")
				for i := range email.MaxWrongCodes {
					stranger.EmailCode(wrongCode(letter, i), "").WantProblem(http.StatusUnauthorized, "invalid_proof")
				}
			}
		}
		for range 2 {
			guessAll(9)
			a.Advance(time.Hour)
		}
		sent := a.Browser()
		before := sent.StartEmail(victim, "sign_in")
		guessAll(2) // 20 challenges with 5 wrong codes each
		fresh := a.Browser()
		letter := fresh.StartEmail(victim, "sign_in")
		if letter.Code() != "" || !strings.Contains(letter.Text, "no code") {
			t.Errorf("the mail has a code:\n%s", letter.Text)
		}
		fresh.EmailCode("123456", "").WantProblem(http.StatusUnauthorized, "invalid_proof")
		fresh.EmailToken(letter.Token()).Want(http.StatusOK)
		sent.EmailCode(before.Code(), "").Want(http.StatusOK)
		owner.EmailCode(owner.StartEmail(victim, "sign_in").Code(), "").Want(http.StatusOK)
		a.Advance(25 * time.Hour)
		fresh = a.Browser()
		fresh.EmailCode(fresh.StartEmail(victim, "sign_in").Code(), "").Want(http.StatusOK)
	})
}

// A further address that is confirmed by mail is a sign-in method from then on. It
// is no proof that the user is who they were.
func TestConfirmingAnAddressGivesNoRecency(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		a.Freeze()
		b := a.Browser()
		b.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
		at := func() string {
			t.Helper()
			return b.GET("/v1/session").Want(http.StatusOK).String("session.authenticated_at")
		}
		before := at()
		a.Advance(9 * time.Minute)
		b.Email("further@example.com", "link").Want(http.StatusOK)
		if now := at(); now != before {
			t.Errorf("authenticated at %s, was %s", now, before)
		}
		b.Email("further@example.com", "link").Want(http.StatusOK) // once more
		if now := at(); now != before {
			t.Errorf("authenticated at %s after confirming again, was %s", now, before)
		}
		a.Advance(2 * time.Minute)
		b.Email("another@example.com", "link").WantProblem(http.StatusForbidden, "reauth_required")
		b.Email("further@example.com", "step_up").Want(http.StatusOK)
		if now := at(); now == before {
			t.Error("a step-up gives no recency")
		}
	})
}

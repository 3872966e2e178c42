package api_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

// A nonce works once, in the browser and from the origin that asked for it, for
// what it was asked for, for ten minutes.

const appOrigin = "https://app.example.com"

// signed is a message with its signature, ready to be sent.
func signed(t *testing.T, w apptest.Wallet, challenge *apptest.Answer) map[string]any {
	t.Helper()
	message := challenge.Want(http.StatusOK).String("message")
	return map[string]any{"message": message, "signature": w.Sign(t, message)}
}

func verify(b *apptest.Browser, body any) *apptest.Answer {
	return b.POST("/v1/auth/siwe/verify", body)
}

func TestReplayInParallelGivesOneSession(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		b, w := a.Browser(), apptest.NewWallet(t)
		body := signed(t, w, b.Challenge(w, "sign_in"))
		flow := b.Cookie("latchkey-flow")
		var wg sync.WaitGroup
		answers := make([]*apptest.Answer, 50)
		for i := range answers {
			// Each has the browser's flow cookie, as the attacker who copied
			// everything would.
			thief := a.Browser()
			thief.SetCookie("latchkey-flow", flow)
			wg.Go(func() { answers[i] = verify(thief, body) })
		}
		wg.Wait()
		won := 0
		for _, answer := range answers {
			if answer.Status == http.StatusOK {
				won++
				continue
			}
			answer.WantProblem(http.StatusUnauthorized, "proof_used")
		}
		if won != 1 || a.Count("sessions", "true") != 1 || a.Count("users", "true") != 1 {
			t.Errorf("%d of 50 won, %d sessions, %d users", won, a.Count("sessions", "true"), a.Count("users", "true"))
		}
		a.Unchanged(t, func() { verify(b, body).WantProblem(http.StatusUnauthorized, "proof_used") })
	})
}

func TestNonceIsBound(t *testing.T) {
	t.Parallel()
	a := apptest.SQLite(t, "LATCHKEY_ALLOWED_ORIGINS="+appOrigin+",https://other.example.com")
	foreign := apptest.SQLite(t, "LATCHKEY_SECRET=another secret that is long enough too", "LATCHKEY_PUBLIC_URL="+a.URL)
	w := apptest.NewWallet(t)
	member := func(t *testing.T) *apptest.Browser {
		b := a.Browser().In(t)
		b.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
		return b
	}
	for name, prepare := range map[string]func(t *testing.T) (*apptest.Browser, map[string]any){
		"to another browser": func(t *testing.T) (*apptest.Browser, map[string]any) {
			b := a.Browser().In(t)
			b.POST("/v1/auth/siwe/challenge", map[string]any{}).Want(http.StatusOK)
			return b, signed(t, w, a.Browser().In(t).Challenge(w, "sign_in"))
		},
		"to a browser without its flow": func(t *testing.T) (*apptest.Browser, map[string]any) {
			return a.Browser().In(t), signed(t, w, a.Browser().In(t).Challenge(w, "sign_in"))
		},
		"to a browser whose flow is forged": func(t *testing.T) (*apptest.Browser, map[string]any) {
			b := a.Browser().In(t)
			body := signed(t, w, b.Challenge(w, "sign_in"))
			b.SetCookie("latchkey-flow", strings.Repeat("A", 43))
			return b, body
		},
		"to the origin that asked": func(t *testing.T) (*apptest.Browser, map[string]any) {
			b := a.Browser().In(t)
			body := signed(t, w, b.With("Origin", appOrigin).Challenge(w, "sign_in"))
			return b.With("Origin", "https://other.example.com"), body
		},
		"to the session it was asked with": func(t *testing.T) (*apptest.Browser, map[string]any) {
			b := member(t)
			body := signed(t, w, b.Challenge(w, "link"))
			b.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK) // somebody else, in the same browser
			return b, body
		},
		"to a session that goes on": func(t *testing.T) (*apptest.Browser, map[string]any) {
			b := member(t)
			body := signed(t, w, b.Challenge(w, "link"))
			b.DELETE("/v1/session").Want(http.StatusNoContent)
			return b, body
		},
		"to the user's own session, not another of theirs": func(t *testing.T) (*apptest.Browser, map[string]any) {
			own := apptest.NewWallet(t)
			first, second := a.Browser().In(t), a.Browser().In(t)
			first.Wallet(own, "sign_in").Want(http.StatusOK)
			second.Wallet(own, "sign_in").Want(http.StatusOK)
			body := signed(t, w, first.Challenge(w, "link"))
			second.SetCookie("latchkey-flow", first.Cookie("latchkey-flow"))
			return second, body
		},
		"to this deployment": func(t *testing.T) (*apptest.Browser, map[string]any) {
			b, other := a.Browser().In(t), foreign.Browser().In(t)
			body := signed(t, w, other.Challenge(w, "sign_in"))
			b.SetCookie("latchkey-flow", other.Cookie("latchkey-flow"))
			return b, body
		},
	} {
		t.Run(name, func(t *testing.T) {
			b, body := prepare(t)
			a.Unchanged(t, func() {
				answer := verify(b, body)
				answer.Want(http.StatusUnauthorized)
				if code := answer.String("code"); code != "invalid_proof" {
					t.Errorf("code %q: %s", code, answer.Body)
				}
			})
		})
	}
}

func TestNonceExpires(t *testing.T) {
	t.Parallel()
	a := apptest.SQLite(t)
	a.Freeze()
	w, early, late := apptest.NewWallet(t), a.Browser(), a.Browser()
	inTime, tooLate := signed(t, w, early.Challenge(w, "sign_in")), late.Challenge(w, "sign_in").Want(http.StatusOK)
	expires, err := time.Parse(time.RFC3339, tooLate.String("expires_at"))
	if err != nil {
		t.Fatal(err)
	}
	a.Advance(expires.Add(-time.Microsecond).Sub(a.Now()))
	verify(early, inTime).Want(http.StatusOK)
	a.Advance(time.Microsecond)
	// The client leaves the message's own expiry out and gives it a new date: what
	// refuses is the nonce alone.
	text, _, _ := strings.Cut(tooLate.String("message"), "\nIssued At: ")
	text += "\nIssued At: " + a.Now().Format(time.RFC3339Nano)
	a.Unchanged(t, func() {
		verify(late, map[string]any{"message": text, "signature": w.Sign(t, text)}).WantProblem(http.StatusUnauthorized, "invalid_proof")
	})
}

// A purpose is part of the nonce: there is no way to say another one later.
func TestSignInNonceNeverLinks(t *testing.T) {
	t.Parallel()
	a := apptest.SQLite(t)
	b, w := a.Browser(), apptest.NewWallet(t)
	b.Provider("google", "sign_in", apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
	ada := b.GET("/v1/me").String("id")
	got := verify(b, signed(t, w, b.Challenge(w, "sign_in"))).Want(http.StatusOK)
	if got.String("outcome") != "created" || got.String("user.id") == ada {
		t.Errorf("signing in while signed in: %s", got.Body)
	}
	for _, purpose := range []string{"link", "step_up"} {
		a.Browser().Challenge(w, purpose).WantProblem(http.StatusUnauthorized, "unauthenticated")
	}
	for _, purpose := range []string{"merge", "admin", "", "sign_in ", "SIGN_IN"} {
		b.Challenge(w, purpose).WantProblem(http.StatusBadRequest, "invalid_request")
	}
}

func TestForeignOriginMayNotSignAVictimIn(t *testing.T) {
	t.Parallel()
	a := apptest.SQLite(t)
	attacker, w := a.Browser(), apptest.NewWallet(t)
	body := signed(t, w, attacker.Challenge(w, "sign_in"))
	for i, headers := range []map[string]string{
		{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"},
		{"Origin": "https://evil.example", "Content-Type": "text/plain"}, {"Origin": a.URL + ".evil.example"}, {"Origin": "http://localhost"},
		{"Origin": "https://" + a.Config.PublicURL.Host + "0"}, {"Origin": a.URL, "Sec-Fetch-Site": "cross-site", "Host": "x"},
	} {
		victim := a.Browser()
		victim.SetCookie("latchkey-flow", attacker.Cookie("latchkey-flow")) // as good as it gets for the attacker
		for name, value := range headers {
			victim = victim.With(name, value)
		}
		if headers["Host"] != "" {
			continue // our own page may sign in, however the browser classes it
		}
		a.Unchanged(t, func() {
			answer := verify(victim, body).WantProblem(http.StatusForbidden, "origin_not_allowed")
			if answer.Header.Get("Access-Control-Allow-Origin") != "" || len(answer.Header.Values("Set-Cookie")) > 0 {
				t.Errorf("case %d: %v", i, answer.Header)
			}
		})
	}
	verify(attacker.With("Origin", a.URL), body).Want(http.StatusOK)
}

func TestOneWalletInManySpellingsIsOneIdentity(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		w := apptest.NewWallet(t)
		hex := w.Address.Hex()[2:]
		users := map[string]bool{}
		for _, address := range []string{"0x" + hex, "0x" + strings.ToLower(hex), "0x" + strings.ToUpper(hex), "0X" + strings.ToLower(hex), "0X" + hex} {
			for _, chain := range []int{1, 10} {
				b := a.Browser()
				body := signed(t, w, b.POST("/v1/auth/siwe/challenge", map[string]any{"address": address, "chain_id": chain}))
				users[verify(b, body).Want(http.StatusOK).String("user.id")] = true
			}
		}
		if len(users) != 1 || a.Count("identities", "true") != 1 {
			t.Errorf("%d users, %d identities", len(users), a.Count("identities", "true"))
		}
		mixed := []byte(hex) // one letter in the other case: a checksum that does not hold
		i := bytes.IndexAny(mixed, "abcdefABCDEF")
		mixed[i] ^= 0x20
		for name, bad := range map[string]any{
			"wrong checksum": "0x" + string(mixed), "short": "0x1234", "long": "0x" + hex + "00", "no prefix": hex, "a name": "vitalik.eth",
			"line break": "0x" + hex + "\n", "injection": "0x" + hex + "\nURI: https://evil.example", "number": 1, "empty": "",
		} {
			answer := a.Browser().POST("/v1/auth/siwe/challenge", map[string]any{"address": bad}).WantProblem(http.StatusBadRequest, "invalid_request")
			if answer.String("field") != "address" {
				t.Errorf("%s: %s", name, answer.Body)
			}
		}
		for _, chain := range []any{0, -1, 5, "1", 1.5, 1e30, "0x1", nil, []int{1}} {
			a.Browser().POST("/v1/auth/siwe/challenge", map[string]any{"chain_id": chain}).WantProblem(http.StatusBadRequest, "invalid_request")
		}
	})
}

// Bodies are bounded before anything reads them, whether or not they say how
// long they are.
func TestHugeSignInBodiesAreRefusedQuickly(t *testing.T) {
	t.Parallel()
	a := apptest.SQLite(t)
	const size = 10 << 20
	huge := []byte(`{"message":"` + strings.Repeat("a", size) + `","signature":"` + strings.Repeat("0", size) + `"}`)
	head := "POST /v1/auth/siwe/verify HTTP/1.1\r\nHost: " + a.Config.PublicURL.Host + "\r\nContent-Type: application/json\r\n"
	chunked := fmt.Appendf(nil, "%x\r\n%s\r\n0\r\n\r\n", len(huge), huge)
	for name, request := range map[string][][]byte{
		"announced":            {fmt.Appendf(nil, "%sContent-Length: %d\r\n\r\n", head, len(huge))},
		"announced and sent":   {fmt.Appendf(nil, "%sContent-Length: %d\r\n\r\n", head, len(huge)), huge},
		"in chunks":            {[]byte(head + "Transfer-Encoding: chunked\r\n\r\n"), chunked},
		"announced as 8 EiB":   {fmt.Appendf(nil, "%sContent-Length: %d\r\n\r\n", head, int64(1)<<62)},
		"one byte over 64 KiB": {fmt.Appendf(nil, "%sContent-Length: %d\r\n\r\n", head, 64<<10+1)},
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			a.Unchanged(t, func() { a.Raw(t, request...).WantProblem(http.StatusRequestEntityTooLarge, "body_too_large") })
			if took := time.Since(start); took > 30*time.Second {
				t.Errorf("took %s", took)
			}
		})
	}
}

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
	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

func TestEmailLinkAndCodeWorkOnceTogether(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		b := a.Browser()
		letter := b.StartEmail("ada@example.com", "sign_in")
		var won atomic.Int32
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() {
				var got *apptest.Answer
				switch i % 3 {
				case 0:
					got = b.In(t).EmailToken(letter.Token())
				case 1:
					got = b.In(t).EmailCode(letter.Code(), "")
				default:
					got = b.In(t).EmailCode(letter.Code(), "ada@example.com")
				}
				if got.Status == http.StatusOK {
					won.Add(1)
				} else if got.Status != http.StatusUnauthorized {
					t.Errorf("%d %s", got.Status, got.Body)
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 || a.Count("sessions", "1 = 1") != 1 || a.Count("users", "1 = 1") != 1 {
			t.Fatalf("%d won, %d sessions", won.Load(), a.Count("sessions", "1 = 1"))
		}
		b.EmailToken(letter.Token()).Want(http.StatusUnauthorized)
		b.EmailCode(letter.Code(), "").Want(http.StatusUnauthorized)
	})
}

func TestEmailProofIsBound(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		ada, eve := a.Browser(), a.Browser()
		ada.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
		eve.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)

		t.Run("to the browser", func(t *testing.T) {
			b := a.Browser()
			letter := b.In(t).StartEmail("browser@example.com", "sign_in")
			a.Unchanged(t, func() {
				for _, other := range []*apptest.Browser{a.Browser(), eve} {
					other.In(t).EmailToken(letter.Token()).WantProblem(http.StatusUnauthorized, "invalid_proof")
					other.In(t).EmailCode(letter.Code(), "").WantProblem(http.StatusUnauthorized, "invalid_proof")
					other.In(t).EmailCode(letter.Code(), "browser@example.com").WantProblem(http.StatusUnauthorized, "invalid_proof")
				}
			}, "outbox")
			b.In(t).EmailToken(letter.Token()).Want(http.StatusOK)
		})
		t.Run("to the user and session", func(t *testing.T) {
			for _, purpose := range []string{"link", "step_up"} {
				a.Browser().In(t).POST("/v1/auth/email/start", map[string]any{"email": "x@example.com", "purpose": purpose}).
					WantProblem(http.StatusUnauthorized, "unauthenticated")
				letter := ada.In(t).StartEmail(purpose+"@example.com", purpose)
				out, other := a.Browser().In(t), a.Browser().In(t)
				for _, x := range []*apptest.Browser{out, other} { // the same browser, signed out or in as somebody else
					x.SetCookie("latchkey-flow", ada.Cookie("latchkey-flow"))
				}
				other.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
				a.Unchanged(t, func() {
					for _, x := range []*apptest.Browser{out, other, eve.In(t)} {
						x.EmailToken(letter.Token()).WantProblem(http.StatusUnauthorized, "invalid_proof")
						x.EmailCode(letter.Code(), purpose+"@example.com").WantProblem(http.StatusUnauthorized, "invalid_proof")
					}
				}, "outbox")
			}
			if n := a.Count("emails", "address LIKE 'link@%%'"); n != 0 {
				t.Error("an address was linked")
			}
		})
		t.Run("to its endpoint", func(t *testing.T) {
			letter := ada.In(t).StartEmail("endpoint@example.com", "sign_in")
			nonce := ada.In(t).POST("/v1/auth/siwe/challenge", map[string]any{}).Want(http.StatusOK).String("nonce")
			bearer := a.Browser().In(t)
			bearer.Bearer = letter.Token()
			a.Unchanged(t, func() {
				ada.In(t).EmailToken(nonce).WantProblem(http.StatusUnauthorized, "invalid_proof")
				ada.In(t).EmailToken(ada.Cookie("latchkey")).WantProblem(http.StatusUnauthorized, "invalid_proof")
				ada.In(t).EmailToken(ada.Cookie("latchkey-flow")).WantProblem(http.StatusUnauthorized, "invalid_proof")
				bearer.GET("/v1/session").WantProblem(http.StatusUnauthorized, "unauthenticated")
			}, "outbox")
		})
		t.Run("to one body", func(t *testing.T) {
			for _, body := range []map[string]any{
				{}, {"token": "a", "code": "123456"}, {"token": "a", "email": "a@example.com"}, {"email": "a@example.com"}, {"code": "12345"},
				{"code": "1234567"}, {"code": 123456}, {"token": ""}, {"token": []string{"a"}}, {"code": []string{"123456"}},
				{"code": "123456", "email": []string{"a@example.com"}}, {"token": "a", "purpose": "link"}, {"code": "123456", "email": "a@b@c.example"},
			} {
				ada.In(t).POST("/v1/auth/email/verify", body).Want(http.StatusBadRequest)
			}
		})
	})
}

func TestEmailTwoBrowsersVerifyOneAddress(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		ada, bob := a.Browser(), a.Browser()
		ada.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
		bob.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
		first, second := ada.StartEmail("shared@example.com", "link"), bob.StartEmail("shared@example.com", "link")
		var answers [2]*apptest.Answer
		var wg sync.WaitGroup
		wg.Go(func() { answers[0] = ada.EmailToken(first.Token()) })
		wg.Go(func() { answers[1] = bob.EmailToken(second.Token()) })
		wg.Wait()
		if answers[0].Status+answers[1].Status != http.StatusOK+http.StatusConflict || a.Count("emails", "address = 'shared@example.com'") != 1 {
			t.Fatalf("%s\n%s", answers[0].Body, answers[1].Body)
		}
	})
}

func TestEmailExpiresAtTheInstant(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		a.Freeze()
		b := a.Browser()
		early, late := b.StartEmail("early@example.com", "sign_in"), b.StartEmail("late@example.com", "sign_in")
		a.Advance(10*time.Minute - time.Microsecond)
		b.EmailToken(early.Token()).Want(http.StatusOK)
		a.Advance(time.Microsecond)
		a.Unchanged(t, func() {
			b.EmailToken(late.Token()).WantProblem(http.StatusUnauthorized, "invalid_proof")
			b.EmailCode(late.Code(), "").WantProblem(http.StatusUnauthorized, "invalid_proof")
			b.EmailCode(late.Code(), "late@example.com").WantProblem(http.StatusUnauthorized, "invalid_proof")
		}, "outbox")
	})
}

func TestEmailNewerReplacesOlder(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		b, other := a.Browser(), a.Browser()
		elsewhere := other.StartEmail("ada@example.com", "sign_in")
		older := b.StartEmail("ada@example.com", "sign_in")
		newer := b.StartEmail("ada@example.com", "sign_in")
		b.EmailToken(older.Token()).WantProblem(http.StatusUnauthorized, "invalid_proof")
		b.EmailCode(older.Code(), "").Want(http.StatusUnauthorized)
		b.EmailToken(newer.Token()).Want(http.StatusOK)
		other.EmailToken(elsewhere.Token()).Want(http.StatusOK)

		// A code is for the newest challenge of the browser for the address.
		first, second := b.StartEmail("one@example.com", "sign_in"), b.StartEmail("two@example.com", "sign_in")
		b.EmailCode(first.Code(), "").WantProblem(http.StatusUnauthorized, "invalid_proof")
		b.EmailCode(first.Code(), "two@example.com").WantProblem(http.StatusUnauthorized, "invalid_proof")
		b.EmailCode(first.Code(), "one@example.com").Want(http.StatusOK)
		b.EmailCode(second.Code(), "").Want(http.StatusOK)
	})
}

// What the database holds redeems nothing: neither the token nor the code can be
// distinguished from it, and the outbox is empty once the mail has left.
func TestEmailSecretsAreNotAtRest(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		letter := a.Browser().StartEmail("ada@example.com", "sign_in")
		if !apptest.Eventually(func() bool { return a.Count("outbox", "1 = 1") == 0 }) {
			t.Error("the outbox still holds the mail")
		}
		for table, rows := range a.Snapshot() {
			for _, row := range rows {
				for what, secret := range map[string]string{"token": letter.Token(), "code": letter.Code(), "hash of the code": string(identity.HashSecret(letter.Code()))} {
					if len(secret) > 6 && containsQuoted(row, secret) || what == "code" && containsWord(row, secret) {
						t.Errorf("%s has the %s: %s", table, what, row)
					}
				}
			}
		}
	})
}

func containsQuoted(row, secret string) bool {
	quoted := fmt.Sprintf("%q", secret)
	return strings.Contains(row, secret) || strings.Contains(row, quoted[1:len(quoted)-1])
}

// containsWord finds digits that are not a part of longer ones, such as times.
func containsWord(row, digits string) bool {
	for _, word := range strings.FieldsFunc(row, func(r rune) bool { return r < '0' || r > '9' }) {
		if word == digits {
			return true
		}
	}
	return false
}

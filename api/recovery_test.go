package api_test

import (
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

// codesOf creates recovery codes for the signed-in user.
func codesOf(t *testing.T, b *apptest.Browser) []string {
	t.Helper()
	answer := b.POST("/v1/me/recovery-codes", nil).Want(http.StatusCreated)
	var codes []string
	for _, c := range answer.Get("codes").([]any) {
		codes = append(codes, c.(string))
	}
	if len(codes) != 10 || answer.String("created_at") == "" {
		t.Fatalf("codes: %s", answer.Body)
	}
	return codes
}

func TestRecoveryCodes(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		b := a.Browser()
		me := b.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK).String("user.id")

		a.Exec("UPDATE users SET operator = true WHERE id = '%s'", me)
		if got := b.GET("/v1/me/recovery-codes").Want(http.StatusOK); got.Get("remaining") != float64(0) || got.Get("created_at") != nil {
			t.Fatalf("before: %s", got.Body)
		}
		first := codesOf(t, b)
		codes := codesOf(t, b)
		for _, code := range append(first, codes...) {
			if a.Count("recovery_codes", "CAST(code_hash AS text) LIKE '%%%s%%'", code) != 0 || strings.Contains(a.Log.String(), code) {
				t.Fatal("a code is stored or logged as it is")
			}
		}
		redeem := func(b *apptest.Browser, code string) *apptest.Answer {
			return b.POST("/v1/auth/recovery", map[string]any{"code": code})
		}
		lost := a.Browser()
		a.Unchanged(t, func() {
			for _, wrong := range []string{first[0], "0000-0000-0000-0000", "", "x", strings.Repeat("A", 64)} {
				redeem(lost, wrong).WantProblem(http.StatusUnauthorized, "invalid_proof")
			}
		})
		in := redeem(lost, strings.ToLower(strings.ReplaceAll(codes[0], "-", " "))).Want(http.StatusOK)
		if in.String("user.id") != me || in.String("session.methods.0") != "recovery" || in.String("outcome") != "signed_in" {
			t.Fatalf("recovered: %s", in.Body)
		}
		redeem(a.Browser(), codes[0]).WantProblem(http.StatusUnauthorized, "invalid_proof")

		// It may read, and add a sign-in method; nothing else.
		lost.GET("/v1/session").Want(http.StatusOK)
		lost.GET("/v1/me/identities").Want(http.StatusOK)
		a.Unchanged(t, func() {
			for _, refused := range []*apptest.Answer{
				lost.PATCH("/v1/me", map[string]any{"display_name": "x"}), lost.GET("/v1/teams"), lost.GET("/v1/me/sessions"),
				lost.POST("/v1/me/recovery-codes", nil), lost.GET("/v1/admin/users"), lost.POST("/v1/teams", map[string]any{"name": "x"}),
				lost.DELETE("/v1/me/identities/" + lost.GET("/v1/me/identities").String("data.0.id")), lost.DELETE("/v1/me/sessions?others=true"),
			} {
				refused.WantProblem(http.StatusForbidden, "recovery_restricted")
			}
		})
		a.Advance(20 * time.Minute) // stale, but there is nothing to step up by
		lost.Wallet(apptest.NewWallet(t), "link").Want(http.StatusOK)
		lost.GET("/v1/teams").Want(http.StatusOK)
		lost.GET("/v1/admin/users").Want(http.StatusOK)
		if got := lost.GET("/v1/me/recovery-codes"); got.Get("remaining") != float64(9) {
			t.Fatalf("left: %s", got.Body)
		}
		// Unused, the restricted session is over after an hour.
		late := a.Browser()
		redeem(late, codes[1]).Want(http.StatusOK)
		a.Advance(61 * time.Minute)
		late.GET("/v1/session").WantProblem(http.StatusUnauthorized, "unauthenticated")
		lost.GET("/v1/session").Want(http.StatusOK)
		lost.POST("/v1/me/recovery-codes", nil).WantProblem(http.StatusForbidden, "reauth_required")
		a.Disable(me)
		redeem(a.Browser(), codes[2]).WantProblem(http.StatusUnauthorized, "invalid_proof")
	})
}

func TestARecoveryCodeWorksOnce(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		b := a.Browser()
		b.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
		code := codesOf(t, b)[0]
		var in atomic.Int32
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				answer := a.Browser().POST("/v1/auth/recovery", map[string]any{"code": code, "delivery": "token"})
				if answer.Status == http.StatusOK {
					in.Add(1)
				}
			})
		}
		wg.Wait()
		if in.Load() != 1 || a.Count("sessions", "methods = 'recovery'") != 1 {
			t.Fatalf("%d signed in, %d sessions", in.Load(), a.Count("sessions", "methods = 'recovery'"))
		}
	})
}

// Codes do not count as sign-in methods for unlinking, and end with an account that
// is merged away; a person who used one and linked can merge.
func TestRecoveryCodesAndLinking(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		b, _, _ := twoAccounts(t, a)
		codes := codesOf(t, b)
		b.DELETE("/v1/me/identities/"+identityID(t, b, "google")).WantProblem(http.StatusConflict, "last_identity")

		lost := a.Browser()
		lost.POST("/v1/auth/recovery", map[string]any{"code": codes[0]}).Want(http.StatusOK)
		lost.Wallet(apptest.NewWallet(t), "link").Want(http.StatusOK)
		older := apptest.NewWallet(t)
		other := a.Browser()
		other.Wallet(older, "sign_in").Want(http.StatusOK)
		survivor := other.GET("/v1/me").String("id")
		ticket := lost.Wallet(older, "link").WantProblem(http.StatusConflict, "identity_taken").String("ticket")
		id := lost.POST("/v1/me/merges", map[string]any{"ticket": ticket, "survivor_id": survivor}).Want(http.StatusOK).String("id")
		lost.POST("/v1/me/merges/"+id+"/confirm", map[string]any{"survivor_id": survivor}).Want(http.StatusOK)
		if got := lost.GET("/v1/me").Want(http.StatusOK).String("id"); got != survivor {
			t.Fatalf("goes on as %s", got)
		}
		a.Browser().POST("/v1/auth/recovery", map[string]any{"code": codes[1]}).WantProblem(http.StatusUnauthorized, "invalid_proof")
	})
}

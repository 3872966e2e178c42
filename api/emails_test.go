package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/internal/apptest"
)

func addresses(b *apptest.Browser) string {
	list := b.GET("/v1/me/emails").Want(http.StatusOK)
	var out []string
	for i := range list.Len("data") {
		out = append(out, list.String("data."+string(rune('0'+i))+".address"))
	}
	return strings.Join(out, " ")
}

func TestRemoveAddress(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		ada := apptest.Person{Name: "Ada", Email: "ada@gmail.com"}
		b := google(t, a, ada)
		other := google(t, a, apptest.Person{Name: "Eve", Email: "eve@gmail.com"})
		other.DELETE("/v1/me/emails/ada@gmail.com").WantProblem(http.StatusNotFound, "not_found")
		b.DELETE("/v1/me/emails/nonsense").WantProblem(http.StatusNotFound, "not_found")
		a.Advance(11 * time.Minute)
		b.DELETE("/v1/me/emails/ada@gmail.com").WantProblem(http.StatusForbidden, "reauth_required")
		b.Provider("google", "step_up", ada)
		b.DELETE("/v1/me/emails/ada@gmail.com").Want(http.StatusNoContent)
		b.DELETE("/v1/me/emails/ada@gmail.com").WantProblem(http.StatusNotFound, "not_found")
		if got := b.GET("/v1/me"); addresses(b) != "" || got.String("primary_email") != "" {
			t.Errorf("still has %s: %s", addresses(b), got.Body)
		}
		again := google(t, a, ada)
		if me(again) != me(b) || addresses(again) != "" {
			t.Error("the next sign-in brought the address back")
		}
		again.Provider("google", "link", ada)
		if addresses(again) != "ada@gmail.com" {
			t.Error("linking again did not bring the address back")
		}
		if !apptest.Eventually(func() bool {
			mail := a.Mail(t, "ada@gmail.com")
			return len(mail) > 0 && strings.Contains(mail[len(mail)-1].Text, "no longer part of your account")
		}) {
			t.Error("the address got no last notice")
		}
	})
}

func TestOperatorRemovesAddress(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		ada := google(t, a, apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
		op := google(t, a, apptest.Person{Name: "Op", Email: "op@gmail.com"})
		path := "/v1/admin/users/" + me(ada) + "/emails/ada@gmail.com"
		op.DELETE(path).WantProblem(http.StatusForbidden, "operator_required")
		grantOperator(t, a, me(op))
		op = google(t, a, apptest.Person{Name: "Op", Email: "op@gmail.com"})
		op.DELETE(path + "?reason=asked%20to").Want(http.StatusNoContent)
		if addresses(ada) != "" || a.Count("audit_events", "action = 'email.removed' AND CAST(data AS text) LIKE '%%asked to%%'") != 1 {
			t.Error("the address is still there, or the reason is not kept")
		}
	})
}

// Someone whom another's claim stops continues without the address, and neither
// account gets the other's.
func TestContinueWithoutAddress(t *testing.T) {
	for _, policy := range []string{"auto", "confirm", "off"} {
		t.Run(policy, func(t *testing.T) {
			apptest.Each(t, func(t *testing.T, a *apptest.App) {
				owner := google(t, a, apptest.Person{Name: "Ada", Email: "ada@corp.example", HostedDomain: "corp.example", Subject: "1"})
				next := apptest.Person{Name: "Next", Email: "ada@corp.example", HostedDomain: "corp.example", Subject: "2"}
				b := a.Browser()
				if to := b.Provider("google", "sign_in", next); to.Query().Get("error") != "email_taken" {
					t.Fatalf("led to %s", to)
				}
				if to := b.SignInWith("google", "without_address=true", next); to.String() != "/account" {
					t.Fatalf("led to %s", to)
				}
				if me(b) == me(owner) || addresses(b) != "" || addresses(owner) != "ada@corp.example" {
					t.Errorf("the newcomer has %q, the owner %q", addresses(b), addresses(owner))
				}
				// From now on they are told of each other, without a name.
				again := a.Browser()
				again.Provider("google", "sign_in", next)
				found := again.GET("/v1/me").Want(http.StatusOK)
				if found.Len("possible_duplicates") != 1 || found.String("possible_duplicates.0.address") != "ada@corp.example" || strings.Contains(string(found.Body), me(owner)) {
					t.Errorf("told %s", found.Body)
				}
			}, "LATCHKEY_LINKING="+policy)
		})
	}
}

// An address that someone else has proven is contested until its owner says that
// it is theirs.
func TestContestedAddressIsSettled(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		ada := apptest.Person{Name: "Ada", Email: "ada@corp.example", HostedDomain: "corp.example", Subject: "1"}
		owner := google(t, a, ada)
		contested := func() bool { return strings.Contains(string(owner.GET("/v1/me/emails").Body), `"contested":true`) }
		stranger := a.Browser()
		stranger.Provider("google", "sign_in", apptest.Person{Name: "Next", Email: ada.Email, HostedDomain: "corp.example", Subject: "2"})
		if !contested() {
			t.Error("the address is not contested")
		}
		b := a.Browser()
		if to := b.Provider("github", "sign_in", ada); to.Query().Get("error") != "email_taken" {
			t.Errorf("a contested address was joined: %s", to)
		}
		owner.POST("/v1/me/emails/ada@corp.example/settle", nil).Want(http.StatusNoContent)
		if contested() {
			t.Error("the address is still contested")
		}
		if to := b.Provider("github", "sign_in", ada); to.String() != "/account" || me(b) != me(owner) {
			t.Errorf("led to %s", to)
		}
	})
}

package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/internal/testkit/apptest"
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
		a.WaitLetter(t, "ada@gmail.com", "no longer part of your account")
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
		kept := op.GET("/v1/admin/audit?action=email.removed").Want(http.StatusOK)
		if addresses(ada) != "" || kept.Len("data") != 1 || kept.String("data.0.data.operator_reason") != "asked to" {
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
				// From now on they see each other as duplicates, without a name.
				again := a.Browser()
				again.Provider("google", "sign_in", next)
				found := again.GET("/v1/me").Want(http.StatusOK)
				if found.Len("possible_duplicates") != 1 || found.String("possible_duplicates.0.address") != "ada@corp.example" || strings.Contains(string(found.Body), me(owner)) {
					t.Errorf("got %s", found.Body)
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

// Where the policy lets nothing ask, an operator does: the next refusal has a link
// ticket, and the owner of the account decides.
func TestOperatorGrantsLink(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		ada := apptest.Person{Name: "Ada", Email: "ada@gmail.com"}
		owner, op := google(t, a, ada), operator(t, a)
		id := me(owner)
		path := "/v1/admin/users/" + id
		b := a.Browser()
		if to := b.Provider("github", "sign_in", ada); to.Query().Get("error") != "email_taken" || to.Query().Get("ticket") != "" {
			t.Fatalf("led to %s", to)
		}
		refused := op.GET(path + "/refused-proofs").Want(http.StatusOK)
		if refused.Len("data") != 1 || refused.String("data.0.provider") != "github" || refused.String("data.0.address") != ada.Email {
			t.Fatalf("refused are %s", refused.Body)
		}
		body := object{"provider": "github", "subject": refused.String("data.0.subject"), "reason": "verified by phone"}
		_, key := newKey(t, op, "admin:read", "admin:write")
		key.GET(path + "/refused-proofs").Want(http.StatusOK)
		a.Unchanged(t, func() {
			owner.POST(path+"/link-grants", body).WantProblem(http.StatusForbidden, "operator_required")
			key.POST(path+"/link-grants", body).WantProblem(http.StatusForbidden, "forbidden")
			op.POST(path+"/link-grants", object{"provider": "github", "subject": body["subject"]}).WantProblem(http.StatusBadRequest, "invalid_request")
			op.POST(path+"/link-grants", object{"provider": "github", "subject": "another", "reason": "x"}).WantProblem(http.StatusConflict, "grant_refused")
			op.POST("/v1/admin/users/"+me(op)+"/link-grants", body).WantProblem(http.StatusConflict, "grant_refused")
		}, "api_keys")
		op.POST(path+"/link-grants", body).Want(http.StatusCreated)
		kept := op.GET("/v1/admin/audit?action=link.granted&user_id=" + id).Want(http.StatusOK)
		if kept.Len("data") != 1 || kept.String("data.0.data.operator_reason") != "verified by phone" {
			t.Error("the grant is not in the audit trail")
		}
		if to := b.Provider("github", "sign_in", ada); to.Query().Get("error") != "email_taken" || to.Query().Get("ticket") == "" {
			t.Fatalf("led to %s", to)
		}
		b.SignInWith("google", "link_ticket=true", ada)
		asked := b.GET("/v1/me/link-requests").Want(http.StatusOK)
		if asked.Len("data") != 1 || asked.String("data.0.email") != ada.Email || me(b) != id || a.Count("identities", "CAST(user_id AS text) = '%s'", id) != 1 {
			t.Fatalf("asked %s", asked.Body)
		}
		b.POST("/v1/me/link-requests/"+asked.String("data.0.id")+"/accept", nil).Want(http.StatusOK)
		if to := a.Browser().Provider("github", "sign_in", ada); to.String() != "/account" || a.Count("identities", "CAST(user_id AS text) = '%s'", id) != 2 {
			t.Errorf("led to %s", to)
		}
		a.WaitLetter(t, ada.Email, "lets this sign-in method ask")
	}, "LATCHKEY_LINKING=off")
}

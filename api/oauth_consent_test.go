package api_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity/client"
	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

func untrusted(c *client.Client) { c.Trusted, c.Name = false, "Grafana" }

// consent returns what the consent page is asked about.
func (o application) consent(b *apptest.Browser, path string) string {
	b.T.Helper()
	to := o.follow(b, path)
	if to.Path != "/consent" || to.Host != "" || to.Query().Get("request") == "" {
		b.T.Fatalf("no question: %s", to)
	}
	return to.Query().Get("request")
}

func (o application) decide(b *apptest.Browser, request, decision string) *apptest.Answer {
	b.T.Helper()
	return b.POST("/v1/consent", object{"request": request, "decision": decision})
}

// allow has the person agree and returns where that leads.
func (o application) allow(b *apptest.Browser, path string) *url.URL {
	b.T.Helper()
	return o.follow(b, o.decide(b, o.consent(b, path), "allow").Want(http.StatusOK).String("url"))
}

func TestConsent(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		ada, bob := google(t, a, apptest.Person{Name: "Ada", Email: "ada@gmail.com"}), google(t, a, apptest.Person{Name: "Bob", Email: "bob@gmail.com"})
		o := register(t, a, untrusted)
		if to := o.follow(ada, o.request("prompt", "none")); to.Query().Get("error") != "consent_required" {
			t.Errorf("none: %s", to)
		}
		asked := o.consent(ada, o.request("scope", "openid email"))
		q := ada.GET("/v1/consent?request=" + asked).Want(http.StatusOK)
		if q.String("client.name") != "Grafana" || q.String("redirect_host") != "app.example.net" || q.Len("scopes") != 2 || q.Get("team") != nil {
			t.Errorf("%s", q.Body)
		}
		// The question is for this person in this session, asked by a page of ours.
		bob.GET("/v1/consent?request="+asked).WantProblem(http.StatusBadRequest, "invalid_state")
		o.decide(bob, asked, "allow").WantProblem(http.StatusBadRequest, "invalid_state")
		o.decide(a.Browser(), asked, "allow").WantProblem(http.StatusUnauthorized, "unauthenticated")
		o.decide(ada.With("Origin", "https://app.example.net"), asked, "allow").WantProblem(http.StatusForbidden, "origin_not_allowed")
		o.decide(ada, asked[:len(asked)-2]+"AA", "allow").WantProblem(http.StatusBadRequest, "invalid_state")
		post(ada, "/v1/consent", url.Values{"request": {asked}, "decision": {"allow"}}, "Sec-Fetch-Site", "cross-site").WantProblem(http.StatusForbidden, "origin_not_allowed")
		// A value for one use is none for another.
		ada.GET("/oauth2/authorize?continue="+asked).WantProblem(http.StatusBadRequest, "invalid_state")
	})
}

func TestConsentIsRemembered(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		ada := google(t, a, apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
		o := register(t, a, untrusted)
		denied, err := url.Parse(o.decide(ada, o.consent(ada, o.request()), "deny").Want(http.StatusOK).String("url"))
		if err != nil || denied.Query().Get("error") != "access_denied" || denied.Query().Get("state") != "s" || denied.Query().Get("iss") != a.URL || !strings.HasPrefix(denied.String(), redirectURI) {
			t.Errorf("%v %v", denied, err)
		}
		o.consent(ada, o.request()) // a refusal is not remembered
		if to := o.allow(ada, o.request("scope", "openid profile email")); to.Query().Get("code") == "" {
			t.Fatalf("%s", to)
		}
		for name, request := range map[string]string{"the same": o.request("scope", "openid email"), "less": o.request("scope", "email"), "none": o.request("prompt", "none")} {
			if to := o.follow(ada, request); to.Query().Get("code") == "" {
				t.Errorf("%s: %s", name, to)
			}
		}
		o.consent(ada, o.request("scope", "openid wallets"))
		asked := o.consent(ada, o.request("prompt", "consent"))
		on := o.decide(ada, asked, "allow").Want(http.StatusOK).String("url")
		if to := o.follow(ada, on); to.Query().Get("code") == "" {
			t.Errorf("prompt=consent, agreed: %s", to)
		}
		a.Advance(61 * time.Minute)
		o.decide(ada, asked, "allow").WantProblem(http.StatusBadRequest, "invalid_state")

		// Revoking ends what was made by it.
		got := o.signIn(ada)
		grants := ada.GET("/v1/me/grants").Want(http.StatusOK)
		ada.DELETE("/v1/me/grants/" + grants.String("data.0.id")).Want(http.StatusNoContent)
		o.dead(t, "revoked", got.AccessToken, got.RefreshToken)
		o.consent(ada, o.request())

		// Nor does a code that was made by it work, though a trusted application asks for none.
		o.allow(ada, o.request("scope", "openid profile email"))
		code, verifier := o.code(ada)
		o.change(t, func(c *client.Client) { c.Trusted = true })
		grants = ada.GET("/v1/me/grants").Want(http.StatusOK)
		ada.DELETE("/v1/me/grants/" + grants.String("data.0.id")).Want(http.StatusNoContent)
		wantOAuth(t, o.exchange(t, code, verifier), http.StatusBadRequest, "invalid_grant", "invalid_grant")
		o.signIn(ada)
	})
}

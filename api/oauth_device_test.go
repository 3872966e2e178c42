package api_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity/client"
	"github.com/latchkey/latchkey/internal/app"
	"github.com/latchkey/latchkey/internal/testkit"
	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

// television registers a public application for devices alone.
func television(t *testing.T, a *apptest.App, edit ...func(*client.Client)) application {
	t.Helper()
	return register(t, a, append([]func(*client.Client){func(c *client.Client) {
		c.Name, c.Kind, c.Trusted, c.Grants = "Television", client.Public, false, client.Words{client.GrantDevice, client.GrantRefresh}
	}}, edit...)...)
}

// device asks for the codes of a device.
func (o application) device(t *testing.T, form ...string) *apptest.Answer {
	t.Helper()
	values := url.Values{"client_id": {o.ID}, "scope": {"openid email offline_access"}}
	if o.Secret != "" {
		values.Set("client_secret", o.Secret)
	}
	for i := 0; i+1 < len(form); i += 2 {
		values.Set(form[i], form[i+1])
	}
	return post(o.Browser().In(t), "/oauth2/device", values, "User-Agent", "Television/1.0")
}

func (o application) poll(t *testing.T, code string) *apptest.Answer {
	t.Helper()
	return o.token(t, "grant_type", client.GrantDevice, "device_code", code)
}

func (o application) wantPoll(t *testing.T, what, code, want string) {
	t.Helper()
	if got := o.poll(t, code).Want(http.StatusBadRequest); got.String("error") != want || got.Get("access_token") != nil {
		t.Errorf("%s: %s, want %s", what, got.Body, want)
	}
}

// gone checks that tokens of a public application do not work any more.
func (o application) gone(t *testing.T, access, refresh string) {
	t.Helper()
	wantOAuth(t, o.userinfo(t, access), http.StatusUnauthorized, "invalid_token", "unauthenticated")
	wantOAuth(t, o.refresh(t, refresh), http.StatusBadRequest, "invalid_grant", "invalid_grant")
}

func findDevice(b *apptest.Browser, code string) *apptest.Answer {
	b.T.Helper()
	return b.POST("/v1/device", object{"user_code": code})
}

func decideDevice(b *apptest.Browser, request, decision string) *apptest.Answer {
	b.T.Helper()
	return b.POST("/v1/device/decision", object{"request": request, "decision": decision})
}

// allowDevice has a person allow what the code is of.
func allowDevice(b *apptest.Browser, code string) {
	b.T.Helper()
	decideDevice(b, findDevice(b, code).Want(http.StatusOK).String("request"), "allow").Want(http.StatusNoContent)
}

func TestDeviceSignIn(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		ada := google(t, a, apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
		o, other := television(t, a), television(t, a)
		codes := o.device(t).Want(http.StatusOK)
		code, shown := codes.String("device_code"), codes.String("user_code")
		if codes.String("verification_uri") != a.URL+"/device" || codes.String("verification_uri_complete") != a.URL+"/device?user_code="+shown ||
			codes.Get("expires_in") != 600.0 || codes.Get("interval") != 5.0 || len(code) != 43 || len(shown) != 9 || codes.Header.Get("Cache-Control") != "no-store" ||
			strings.Trim(shown[:4]+shown[5:], "BCDFGHJKLMNPQRSTVWXZ") != "" {
			t.Errorf("%s", codes.Body)
		}
		for table, rows := range a.Snapshot() {
			for _, row := range rows {
				if strings.Contains(row, code) || strings.Contains(row, shown) || strings.Contains(row, strings.ReplaceAll(shown, "-", "")) {
					t.Errorf("a code is in %s", table)
				}
			}
		}
		o.wantPoll(t, "before it is decided", code, "authorization_pending")
		wantOAuth(t, other.poll(t, code), http.StatusBadRequest, "invalid_grant", "invalid_grant")

		// In any case, with whatever is between the letters.
		typed := " " + strings.ToLower(shown[:2]) + " " + shown[2:4] + "–" + strings.ToLower(shown[5:]) + "."
		q := findDevice(ada, typed).Want(http.StatusOK)
		if q.String("client.name") != "Television" || q.Len("scopes") != 3 || q.String("ip") != "127.0.0.1" || q.String("device") != "Television" || q.Get("team") != nil || q.Get("requested_at") == nil {
			t.Errorf("%s", q.Body)
		}
		a.Unchanged(t, func() { o.wantPoll(t, "seen, not decided", code, "slow_down") }, "device_requests")
		decideDevice(ada, q.String("request"), "allow").Want(http.StatusNoContent)
		got := o.token1(t, o.poll(t, code))
		_, claimed := o.idToken(t, got)
		if claimed["sub"] != me(ada) || got.RefreshToken == "" || o.userinfo(t, got.AccessToken).Want(http.StatusOK).String("email") != "ada@gmail.com" {
			t.Errorf("%v", claimed)
		}
		// It is a session like those of other applications, named for the device.
		if listed := ada.GET("/v1/me/sessions").Want(http.StatusOK); !strings.Contains(string(listed.Body), `"Television"`) || !strings.Contains(string(listed.Body), claimed["sid"].(string)) {
			t.Errorf("%s", listed.Body)
		}
		if grants := ada.GET("/v1/me/grants").Want(http.StatusOK); grants.Len("data") != 1 || grants.String("data.0.client.name") != "Television" || grants.Len("data.0.scopes") != 3 {
			t.Errorf("%s", grants.Body)
		}
		history := ada.GET("/v1/me/history").Want(http.StatusOK)
		for i, action := range []string{"application.signed_in", "device.approved", "grant.created"} {
			at := "data." + string(rune('1'+i)) // the latest is of the refresh token
			if history.String(at+".action") != action || history.String(at+".application") != "Television" {
				t.Errorf("%d is not %s: %s", i, action, history.Body)
			}
		}
		// The code once more, by another, and by itself.
		wantOAuth(t, other.poll(t, code), http.StatusBadRequest, "invalid_grant", "invalid_grant")
		o.userinfo(t, got.AccessToken).Want(http.StatusOK)
		findDevice(ada, shown).WantProblem(http.StatusNotFound, "user_code_unknown")
		o.wantPoll(t, "used", code, "invalid_grant")
		o.gone(t, got.AccessToken, got.RefreshToken)
		ada.GET("/v1/session").Want(http.StatusOK)
		a.Advance(time.Hour)
		o.wantPoll(t, "used long ago", code, "invalid_grant")
		// Swept, it is not known any more.
		if _, err := a.DB.Sweep(context.Background(), a.Now().Add(25*time.Hour), a.Now().Add(-time.Hour)); err != nil || a.Count("device_requests", "true") != 0 {
			t.Errorf("%d are left, %v", a.Count("device_requests", "true"), err)
		}
		o.wantPoll(t, "swept", code, "invalid_grant")
	})
}

// What is no request of a device of this client gives no codes.
func TestDeviceRequestsThatAreRefused(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		o, web, server := television(t, a), register(t, a), television(t, a, func(c *client.Client) { c.Kind = client.Confidential })
		a.Unchanged(t, func() {
			wantOAuth(t, web.device(t), http.StatusBadRequest, "unauthorized_client", "unauthorized_client")
			wantOAuth(t, web.poll(t, "x"), http.StatusBadRequest, "unauthorized_client", "unauthorized_client")
			wantOAuth(t, o.device(t, "client_id", "unknown"), http.StatusUnauthorized, "invalid_client", "invalid_client")
			wantOAuth(t, o.device(t, "client_secret", "mine"), http.StatusUnauthorized, "invalid_client", "invalid_client")
			wantOAuth(t, server.device(t, "client_secret", ""), http.StatusUnauthorized, "invalid_client", "invalid_client")
			wantOAuth(t, o.device(t, "scope", "admin"), http.StatusBadRequest, "invalid_scope", "invalid_scope")
			wantOAuth(t, o.device(t, "resource", "https://api.example.com"), http.StatusBadRequest, "invalid_target", "invalid_target")
			wantOAuth(t, o.device(t, "team", "mine"), http.StatusBadRequest, "invalid_request", "invalid_request")
			wantOAuth(t, o.poll(t, ""), http.StatusBadRequest, "invalid_request", "invalid_request")
			wantOAuth(t, o.poll(t, "\x00\xff"), http.StatusBadRequest, "invalid_grant", "invalid_grant")
			o.Browser().GET("/oauth2/device").Want(http.StatusMethodNotAllowed)
		})
		// A client that has only this grant has no other.
		wantOAuth(t, o.exchange(t, "x", strings.Repeat("x", 43)), http.StatusBadRequest, "unauthorized_client", "unauthorized_client")
		// Any origin may ask, and no cookie counts.
		got := post(a.Browser(), "/oauth2/device", url.Values{"client_id": {o.ID}}, "Origin", "https://tv.example").Want(http.StatusOK)
		if got.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%v", got.Header)
		}
		for _, path := range []string{"/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"} {
			meta := a.Browser().GET(path).Want(http.StatusOK)
			if meta.String("device_authorization_endpoint") != a.URL+"/oauth2/device" || !strings.Contains(string(meta.Body), `"`+client.GrantDevice+`"`) {
				t.Errorf("%s: %s", path, meta.Body)
			}
		}
		// A server says where the device is.
		op := google(t, a, apptest.Person{Email: "eve@gmail.com"})
		for said, want := range map[string]string{"203.0.113.9": "203.0.113.9", "nonsense\x00": "127.0.0.1", "": "127.0.0.1"} {
			if q := findDevice(op, server.device(t, "client_ip", said).Want(http.StatusOK).String("user_code")).Want(http.StatusOK); q.String("ip") != want {
				t.Errorf("%q: %s", said, q.Body)
			}
			if q := findDevice(op, o.device(t, "client_ip", said).Want(http.StatusOK).String("user_code")).Want(http.StatusOK); q.String("ip") != "127.0.0.1" {
				t.Errorf("%q of a public client: %s", said, q.Body)
			}
		}
	})
}

// The answers of the token endpoint while the person has not allowed it
// (RFC 8628, section 3.5).
func TestDevicePolls(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		a.Freeze()
		o := television(t, a)
		code := o.device(t).Want(http.StatusOK).String("device_code")
		for i, step := range []struct {
			wait time.Duration
			want string
		}{
			{0, "authorization_pending"},
			{5 * time.Second, "authorization_pending"},
			{3 * time.Second, "slow_down"}, // 10 from now on
			{5 * time.Second, "slow_down"}, // 15
			{15 * time.Second, "authorization_pending"},
			{10 * time.Second, "slow_down"}, // 20
			{19 * time.Second, "authorization_pending"},
		} {
			a.Advance(step.wait)
			if got := o.poll(t, code); got.String("error") != step.want {
				t.Errorf("%d: %s", i, got.Body)
			}
		}
		// As slow as it may get, and no slower.
		for range 20 {
			o.wantPoll(t, "in a hurry", code, "slow_down")
		}
		a.Advance(time.Minute)
		o.wantPoll(t, "after a minute", code, "authorization_pending")
		a.Advance(10 * time.Minute)
		a.Unchanged(t, func() { o.wantPoll(t, "expired", code, "expired_token") })

		// Denied, and never allowed after that.
		ada := google(t, a, apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
		codes := o.device(t).Want(http.StatusOK)
		request := findDevice(ada, codes.String("user_code")).Want(http.StatusOK).String("request")
		decideDevice(ada, request, "deny").Want(http.StatusNoContent)
		a.Unchanged(t, func() {
			o.wantPoll(t, "denied", codes.String("device_code"), "access_denied")
			decideDevice(ada, request, "allow").WantProblem(http.StatusBadRequest, "invalid_state")
		})
		if history := ada.GET("/v1/me/history").Want(http.StatusOK); history.String("data.0.action") != "device.denied" || history.String("data.0.application") != "Television" {
			t.Errorf("%s", history.Body)
		}
		// Allowed too late, and taken too late.
		codes = o.device(t).Want(http.StatusOK)
		late := o.device(t).Want(http.StatusOK)
		allowDevice(ada, late.String("user_code"))
		request = findDevice(ada, codes.String("user_code")).Want(http.StatusOK).String("request")
		a.Advance(10 * time.Minute)
		ada.GET("/v1/me").Want(http.StatusOK) // a use of the session, which is written
		a.Unchanged(t, func() {
			findDevice(ada, codes.String("user_code")).WantProblem(http.StatusNotFound, "user_code_unknown")
			decideDevice(ada, request, "deny").WantProblem(http.StatusBadRequest, "invalid_state")
			o.wantPoll(t, "allowed, and taken too late", late.String("device_code"), "expired_token")
		})
	})
}

// Only the person who was asked decides, with a click on a page of ours after a recent
// proof, of the deployment's own applications too.
func TestDeviceDecisions(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		ada, bob := google(t, a, apptest.Person{Name: "Ada", Email: "ada@gmail.com"}), google(t, a, apptest.Person{Name: "Bob", Email: "bob@gmail.com"})
		o := television(t, a, func(c *client.Client) { c.Trusted = true })
		codes := o.device(t).Want(http.StatusOK)
		shown, code := codes.String("user_code"), codes.String("device_code")
		findDevice(a.Browser(), shown).WantProblem(http.StatusUnauthorized, "unauthenticated")
		findDevice(ada.With("Origin", "https://tv.example"), shown).WantProblem(http.StatusForbidden, "origin_not_allowed")
		request := findDevice(ada, shown).Want(http.StatusOK).String("request")
		decideDevice(a.Browser(), request, "allow").WantProblem(http.StatusUnauthorized, "unauthenticated")
		decideDevice(bob, request, "allow").WantProblem(http.StatusBadRequest, "invalid_state")
		decideDevice(ada, request[:len(request)-2]+"AA", "allow").WantProblem(http.StatusBadRequest, "invalid_state")
		decideDevice(ada.With("Origin", "https://tv.example"), request, "allow").WantProblem(http.StatusForbidden, "origin_not_allowed")
		post(ada, "/v1/device/decision", url.Values{"request": {request}, "decision": {"allow"}}, "Sec-Fetch-Site", "cross-site").WantProblem(http.StatusForbidden, "origin_not_allowed")
		web := register(t, a, untrusted)
		decideDevice(ada, web.consent(ada, web.request()), "allow").WantProblem(http.StatusBadRequest, "invalid_state")
		web.decide(ada, request, "allow").WantProblem(http.StatusBadRequest, "invalid_state")
		o.wantPoll(t, "refused so far", code, "authorization_pending")

		a.Advance(9 * time.Minute)
		fresh := o.device(t).Want(http.StatusOK)
		a.Advance(2 * time.Minute)
		request = findDevice(ada, fresh.String("user_code")).Want(http.StatusOK).String("request")
		a.Unchanged(t, func() { decideDevice(ada, request, "allow").WantProblem(http.StatusForbidden, "reauth_required") })
		ada.Provider("google", "step_up", apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
		decideDevice(ada, request, "allow").Want(http.StatusNoContent)
		got := o.token1(t, o.poll(t, fresh.String("device_code")))
		if ada.GET("/v1/me/grants").Want(http.StatusOK).Len("data") != 0 {
			t.Error("a trusted application has a grant")
		}
		// Denying needs no proof.
		a.Advance(11 * time.Minute)
		fresh = o.device(t).Want(http.StatusOK)
		decideDevice(ada, findDevice(ada, fresh.String("user_code")).Want(http.StatusOK).String("request"), "deny").Want(http.StatusNoContent)
		o.userinfo(t, o.token1(t, o.refresh(t, got.RefreshToken)).AccessToken).Want(http.StatusOK)
	})
}

// What ends the ground of an approval ends the approval, and the session that it made.
func TestDeviceApprovalsEndWithTheirGround(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		op := operator(t, a)
		clients := app.Clients(a.Config, a.DB, a.Now)
		for name, end := range map[string]func(t *testing.T, b *apptest.Browser, o application){
			"suspended": func(_ *testing.T, b *apptest.Browser, _ application) {
				op.PATCH("/v1/admin/users/"+me(b), object{"status": "disabled"}).Want(http.StatusOK)
			},
			"merged": func(t *testing.T, b *apptest.Browser, _ application) {
				heir := google(t, a, apptest.Person{Name: "Heir", Email: "heir@gmail.com"})
				op.POST("/v1/admin/merges", object{"user_ids": []string{me(b), me(heir)}, "survivor_id": me(heir)}).Want(http.StatusOK)
			},
			"revoked": func(_ *testing.T, b *apptest.Browser, _ application) {
				b.DELETE("/v1/me/grants/" + b.GET("/v1/me/grants").Want(http.StatusOK).String("data.0.id")).Want(http.StatusNoContent)
			},
			"a client without the scope": func(t *testing.T, _ *apptest.Browser, o application) {
				o.change(t, func(c *client.Client) { c.Scopes = client.Words{"openid"} })
			},
			"a deleted client": func(t *testing.T, _ *apptest.Browser, o application) {
				if err := clients.Delete(t.Context(), nil, o.ID); err != nil {
					t.Fatal(err)
				}
			},
		} {
			t.Run(name, func(t *testing.T) {
				b := google(t, a, apptest.Person{Name: "Ada", Email: "ada." + strings.ReplaceAll(name, " ", ".") + "@gmail.com"})
				o := television(t, a)
				used, waiting := o.device(t).Want(http.StatusOK), o.device(t).Want(http.StatusOK)
				allowDevice(b, used.String("user_code"))
				allowDevice(b, waiting.String("user_code"))
				got := o.token1(t, o.poll(t, used.String("device_code")))
				end(t, b, o)
				if again := o.poll(t, waiting.String("device_code")); again.Status < 400 || again.Status >= 500 || again.Get("access_token") != nil || again.String("error") == "authorization_pending" {
					t.Errorf("the approval works: %d %s", again.Status, again.Body)
				}
				wantRefused := o.refresh(t, got.RefreshToken)
				if wantRefused.Status < 400 || wantRefused.Status >= 500 {
					t.Errorf("the session goes on: %s", wantRefused.Body)
				}
			})
		}
		// The browser that allowed it has signed out before the device came for it.
		b := google(t, a, apptest.Person{Name: "Bob", Email: "bob@gmail.com"})
		o := television(t, a)
		codes := o.device(t).Want(http.StatusOK)
		allowDevice(b, codes.String("user_code"))
		b.DELETE("/v1/session").Want(http.StatusNoContent)
		o.wantPoll(t, "signed out", codes.String("device_code"), "invalid_grant")
	})
}

func TestDeviceInATeam(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		c := newCrew(t, a, "Keys")
		id := strings.TrimPrefix(c.path, "/v1/teams/")
		o := television(t, a)
		codes := o.device(t, "team", id).Want(http.StatusOK)
		stranger := google(t, a, apptest.Person{Name: "Eve", Email: "eve@gmail.com"})
		findDevice(stranger, codes.String("user_code")).WantProblem(http.StatusForbidden, "access_denied")
		q := findDevice(c.member, codes.String("user_code")).Want(http.StatusOK)
		if q.String("team.id") != id || q.String("team.name") != "Keys" {
			t.Errorf("%s", q.Body)
		}
		decideDevice(c.member, q.String("request"), "allow").Want(http.StatusNoContent)
		_, claimed := o.idToken(t, o.token1(t, o.poll(t, codes.String("device_code"))))
		if claimed["team"] != id || claimed["role"] != "member" {
			t.Errorf("%v", claimed)
		}
		// The policy counts when a person is asked, when they allow it and when it is used.
		first, second := o.device(t, "team", id).Want(http.StatusOK), o.device(t, "team", id).Want(http.StatusOK)
		allowDevice(c.admin, first.String("user_code"))
		request := findDevice(c.admin, second.String("user_code")).Want(http.StatusOK).String("request")
		c.owner.Do(http.MethodPut, c.path+"/policy", object{"required_providers": []string{"siwe"}}).Want(http.StatusOK)
		o.wantPoll(t, "against the policy", first.String("device_code"), "invalid_grant")
		decideDevice(c.admin, request, "allow").WantProblem(http.StatusForbidden, "policy_unsatisfied")
		findDevice(c.admin, second.String("user_code")).WantProblem(http.StatusForbidden, "policy_unsatisfied")
	})
}

// Wrong codes are counted, by person and by network; right ones are not.
func TestDeviceGuesses(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		a.Freeze()
		ada, bob := google(t, a, apptest.Person{Name: "Ada", Email: "ada@gmail.com"}), google(t, a, apptest.Person{Name: "Bob", Email: "bob@gmail.com"})
		o := television(t, a)
		shown := o.device(t).Want(http.StatusOK).String("user_code")
		for range 12 {
			findDevice(ada, shown).Want(http.StatusOK)
		}
		for i := range 10 {
			wrong := []string{"BBBB-BBBB", "", "WDJB-MJH0", strings.Repeat("B", 9), "ÄÖÜß", "--------", "B", shown[:8], "wdjbmjht"}[max(0, i-1)]
			if wrong == "" {
				wrong = "BBBB-BBBC"
			}
			findDevice(ada, wrong).WantProblem(http.StatusNotFound, "user_code_unknown")
		}
		limited := findDevice(ada, shown).WantProblem(http.StatusTooManyRequests, "rate_limited")
		if limited.Header.Get("Retry-After") == "" {
			t.Errorf("%v", limited.Header)
		}
		// Another person is not hindered, nor this one in an hour.
		findDevice(bob, shown).Want(http.StatusOK)
		// Nor do many at once get further than one after the other.
		answers := make([]*apptest.Answer, 30)
		testkit.Together(len(answers), func(i int) { answers[i] = findDevice(bob, "BBBB-BBBB") })
		tried := 0
		for _, answer := range answers {
			if answer.Status == http.StatusNotFound {
				tried++
			}
		}
		if tried > 10 {
			t.Errorf("%d guesses of 10", tried)
		}
		a.Advance(time.Hour)
		findDevice(ada, o.device(t).Want(http.StatusOK).String("user_code")).Want(http.StatusOK)
	}, "LATCHKEY_RATE_LIMITS=1")
}

// Two people allow at once, while the device asks, and the device comes twice.
func TestDeviceRaces(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		people := []*apptest.Browser{}
		for _, name := range []string{"ada", "bob", "eve", "kim"} {
			people = append(people, google(t, a, apptest.Person{Name: name, Email: name + "@gmail.com"}))
		}
		o := television(t, a)
		for range 5 {
			codes := o.device(t).Want(http.StatusOK)
			code := codes.String("device_code")
			requests := make([]string, len(people))
			for i, b := range people {
				requests[i] = findDevice(b, codes.String("user_code")).Want(http.StatusOK).String("request")
			}
			events := a.Count("audit_events", "action = 'device.approved'")
			decisions, polls := make([]*apptest.Answer, len(people)), make([]*apptest.Answer, len(people))
			testkit.Together(2*len(people), func(i int) {
				if i%2 == 0 {
					decisions[i/2] = decideDevice(people[i/2], requests[i/2], "allow")
				} else {
					polls[i/2] = o.poll(t, code)
				}
			})
			winner := -1
			for i, d := range decisions {
				switch {
				case d.Status == http.StatusNoContent && winner < 0:
					winner = i
				case d.Status == http.StatusNoContent:
					t.Error("two allowed it")
				default:
					d.WantProblem(http.StatusBadRequest, "invalid_state")
				}
			}
			if winner < 0 || a.Count("audit_events", "action = 'device.approved'") != events+1 {
				t.Fatal("nobody allowed it, or there is not one event")
			}
			var got *apptest.Answer
			given := 0
			for _, p := range polls {
				switch {
				case p.Status == http.StatusOK:
					got, given = p, given+1
				case p.Status != http.StatusBadRequest:
					t.Errorf("%d %s", p.Status, p.Body)
				}
			}
			if given == 0 {
				got, given = o.poll(t, code).Want(http.StatusOK), 1
			}
			if _, claimed := o.idToken(t, o.token1(t, got)); given != 1 || claimed["sub"] != me(people[winner]) {
				t.Errorf("given %d times, to %v", given, claimed)
			}
		}
		codes := o.device(t).Want(http.StatusOK)
		allowDevice(people[0], codes.String("user_code"))
		polls := make([]*apptest.Answer, 8)
		testkit.Together(len(polls), func(i int) { polls[i] = o.poll(t, codes.String("device_code")) })
		given := 0
		for _, p := range polls {
			if p.Status == http.StatusOK {
				given++
				o.gone(t, p.String("access_token"), p.String("refresh_token"))
			}
		}
		if given != 1 {
			t.Errorf("%d of %d uses worked", given, len(polls))
		}
	})
}

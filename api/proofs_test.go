package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

// legacy is a backend of the application that vouches for people.
type legacy struct {
	*apptest.Browser
	keyID string
}

func newLegacy(t *testing.T, op *apptest.Browser, name string, domains ...string) legacy {
	t.Helper()
	made := op.POST("/v1/admin/api-keys", object{
		"name": name, "scopes": []string{"proofs:write"}, "proves": "backend:" + name, "email_domains": append([]string{}, domains...),
	}).Want(http.StatusCreated)
	return legacy{machineOf(t, op.App, made), made.String("key.id")}
}

// flow begins an attempt in a browser.
func flow(b *apptest.Browser, purpose string) string {
	b.T.Helper()
	return b.POST("/v1/auth/ticket/start", object{"purpose": purpose}).Want(http.StatusOK).String("flow")
}

func says(flow, purpose, subject string, more ...any) object {
	o := object{"flow": flow, "purpose": purpose, "provider": "backend:legacy", "subject": subject}
	for i := 0; i+1 < len(more); i += 2 {
		o[more[i].(string)] = more[i+1]
	}
	return o
}

// ticket has the backend vouch for a person in a browser.
func (l legacy) ticket(b *apptest.Browser, purpose, subject string, more ...any) string {
	b.T.Helper()
	return l.POST("/v1/proofs", says(flow(b, purpose), purpose, subject, more...)).Want(http.StatusCreated).String("ticket")
}

func redeem(b *apptest.Browser, ticket string) *apptest.Answer {
	b.T.Helper()
	return b.POST("/v1/auth/ticket/verify", object{"ticket": ticket})
}

func (l legacy) prove(b *apptest.Browser, purpose, subject string, more ...any) *apptest.Answer {
	b.T.Helper()
	return redeem(b, l.ticket(b, purpose, subject, more...))
}

func TestABackendVouches(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		op := operator(t, a)
		backend := newLegacy(t, op, "legacy", "acme.com")
		_, service := newKey(t, op, "introspect")

		ada := a.Browser()
		made := backend.prove(ada, "sign_in", "42", "email", "Ada@acme.com", "email_verified", true, "display_name", "Ada").Want(http.StatusOK)
		if made.String("outcome") != "created" || made.String("user.display_name") != "Ada" || made.String("user.primary_email") != "ada@acme.com" ||
			made.String("session.methods.0") != "backend:legacy" {
			t.Errorf("%s", made.Body)
		}
		id := made.String("user.id")
		if got := introspect(service, ada.Cookie("latchkey")); got.String("amr.0") != "backend:legacy" || got.String("sub") != id {
			t.Errorf("%s", got.Body)
		}
		// Again, in another browser; the address is not said this time, and stays.
		again := a.Browser()
		if got := backend.prove(again, "sign_in", "42").Want(http.StatusOK); got.String("outcome") != "signed_in" || got.String("user.id") != id || got.String("user.primary_email") != "ada@acme.com" {
			t.Errorf("%s", got.Body)
		}
		// Recently verified again, and a second backend's account is linked.
		a.Advance(11 * time.Minute)
		second := newLegacy(t, step(op), "second")
		if got := backend.prove(ada, "step_up", "42").Want(http.StatusOK); got.String("outcome") != "stepped_up" {
			t.Errorf("%s", got.Body)
		}
		linked := second.POST("/v1/proofs", object{"flow": flow(ada, "link"), "purpose": "link", "provider": "backend:second", "subject": "42"}).Want(http.StatusCreated)
		if got := redeem(ada, linked.String("ticket")).Want(http.StatusOK); got.String("outcome") != "linked" || got.String("user.id") != id {
			t.Errorf("%s", got.Body)
		}
		// As a token, for clients that keep it themselves.
		raw := a.Browser()
		if got := raw.POST("/v1/auth/ticket/verify", object{"ticket": backend.ticket(raw, "sign_in", "42"), "delivery": "token"}).Want(http.StatusOK); got.String("token") == "" || raw.Cookie("latchkey") != "" {
			t.Errorf("%s", got.Body)
		}
		vouched := 0
		for _, e := range listed(t, op, "/v1/admin/audit?action=proof.vouched", 100, nil) {
			if e.text("action") == "proof.vouched" && e["actor"] != nil {
				vouched++
			}
		}
		if vouched != 5 {
			t.Errorf("%d statements of backends in the audit trail, want 5", vouched)
		}
		if body := string(op.GET("/v1/admin/audit?limit=100").Want(http.StatusOK).Body); strings.Contains(body, linked.String("ticket")) {
			t.Error("a ticket is in the audit trail")
		}
	})
}

// step verifies an operator of the tests again.
func step(op *apptest.Browser) *apptest.Browser {
	op.T.Helper()
	op.Provider("google", "step_up", apptest.Person{Email: "operator@gmail.com"})
	return op
}

// What is not exactly the ticket of this browser, session, origin, purpose and moment
// gives nothing, and changes nothing.
func TestATicketIsBound(t *testing.T) {
	const other = "http://127.0.0.1:9"
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		a.Freeze()
		op := operator(t, a)
		backend := newLegacy(t, op, "legacy")
		ada := a.Browser()
		backend.prove(ada, "sign_in", "ada").Want(http.StatusOK)
		elsewhere := a.Browser()
		flow(elsewhere, "sign_in") // it has a flow cookie, too

		invalid := func(what string, answer func() *apptest.Answer) {
			t.Helper()
			a.Unchanged(t, func() {
				if got := answer(); got.Status != http.StatusUnauthorized || got.String("code") != "invalid_proof" || strings.Contains(string(got.Body), "session") && got.Get("session") != nil {
					t.Errorf("%s: %d %s", what, got.Status, got.Body)
				}
			}, "sessions") // the victim's is used
		}
		victim := a.Browser()
		ticket := backend.ticket(victim, "sign_in", "victim")
		invalid("another browser", func() *apptest.Answer { return redeem(elsewhere, ticket) })
		invalid("no browser", func() *apptest.Answer { return redeem(a.Browser(), ticket) })
		invalid("another origin", func() *apptest.Answer { return redeem(victim.With("Origin", other), ticket) })
		redeem(victim.With("Origin", "https://evil.example"), ticket).WantProblem(http.StatusForbidden, "origin_not_allowed")
		for what, text := range map[string]string{
			"made up": "AAAA", "cut": ticket[:len(ticket)-4], "changed": "AAAA" + ticket[4:], "no base64": "%%%", "the flow itself": flow(victim, "sign_in"),
		} {
			invalid(what, func() *apptest.Answer { return redeem(victim, text) })
		}
		link := backend.ticket(ada, "link", "another")
		invalid("a link of another session", func() *apptest.Answer {
			same := a.Browser()
			same.SetCookie("latchkey-flow", ada.Cookie("latchkey-flow"))
			return redeem(same, link)
		})

		// Two tickets of one flow: one works, once.
		begun := flow(victim, "sign_in")
		one := backend.POST("/v1/proofs", says(begun, "sign_in", "one")).Want(http.StatusCreated).String("ticket")
		two := backend.POST("/v1/proofs", says(begun, "sign_in", "two")).Want(http.StatusCreated).String("ticket")
		redeem(victim, one).Want(http.StatusOK)
		redeem(victim, one).WantProblem(http.StatusUnauthorized, "proof_used")
		redeem(victim, two).WantProblem(http.StatusUnauthorized, "proof_used")

		late := backend.ticket(victim, "sign_in", "victim")
		a.Advance(59 * time.Second)
		redeem(victim, late).Want(http.StatusOK)
		late = backend.ticket(victim, "sign_in", "victim")
		a.Advance(time.Minute)
		invalid("too late", func() *apptest.Answer { return redeem(victim, late) })

		// A key that was revoked meanwhile does not vouch.
		revoked := backend.ticket(victim, "sign_in", "victim")
		step(op).DELETE("/v1/admin/api-keys/" + backend.keyID).Want(http.StatusNoContent)
		invalid("a revoked key", func() *apptest.Answer { return redeem(victim, revoked) })
		backend.POST("/v1/proofs", says(begun, "sign_in", "one")).Want(http.StatusUnauthorized)
	}, "LATCHKEY_ALLOWED_ORIGINS="+other)
}

// What a key says is taken only as far as it may say it.
func TestWhatABackendMaySay(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		op := operator(t, a)
		backend, b := newLegacy(t, op, "legacy"), a.Browser()
		begun := flow(b, "sign_in")
		backend.POST("/v1/proofs", says(begun, "sign_in", "1")).Want(http.StatusCreated) // that the key is used is noted
		_, plain := newKey(t, op, "users:write")
		plain.POST("/v1/proofs", says(begun, "sign_in", "1")).WantProblem(http.StatusForbidden, "insufficient_scope")
		b.POST("/v1/proofs", says(begun, "sign_in", "1")).Want(http.StatusUnauthorized)
		google(t, a, apptest.Person{Email: "ada@gmail.com"}).POST("/v1/proofs", says(begun, "sign_in", "1")).Want(http.StatusUnauthorized)
		b.POST("/v1/auth/ticket/start", object{"purpose": "link"}).WantProblem(http.StatusUnauthorized, "unauthenticated")
		b.POST("/v1/auth/ticket/start", object{"purpose": "merge"}).WantProblem(http.StatusBadRequest, "invalid_request")
		for what, row := range map[string]struct {
			body   object
			status int
			code   string
		}{
			"another provider":      {says(begun, "sign_in", "1", "provider", "google"), 403, "forbidden"},
			"another backend":       {says(begun, "sign_in", "1", "provider", "backend:other"), 403, "forbidden"},
			"another purpose":       {says(begun, "step_up", "1"), 400, "invalid_state"},
			"a made-up flow":        {says("AAAA", "sign_in", "1"), 400, "invalid_state"},
			"a wallet's nonce":      {says(b.POST("/v1/auth/siwe/challenge", object{}).Want(200).String("nonce"), "sign_in", "1"), 400, "invalid_state"},
			"no subject":            {says(begun, "sign_in", ""), 400, "invalid_request"},
			"a subject with a line": {says(begun, "sign_in", "a\nb"), 400, "invalid_request"},
			"a subject with space":  {says(begun, "sign_in", " a"), 400, "invalid_request"},
			"an erased subject":     {says(begun, "sign_in", "erased:x"), 400, "invalid_request"},
			"a verified nothing":    {says(begun, "sign_in", "1", "email_verified", true), 400, "invalid_request"},
			"two addresses":         {says(begun, "sign_in", "1", "email", "a@acme.com,b@acme.com"), 400, "invalid_email"},
			"a list of addresses":   {says(begun, "sign_in", "1", "email", []string{"a@acme.com"}), 400, "invalid_request"},
			"verified as text":      {says(begun, "sign_in", "1", "email", "a@acme.com", "email_verified", "true"), 400, "invalid_request"},
			"a user":                {says(begun, "sign_in", "1", "user_id", me(op)), 400, "invalid_request"},
		} {
			t.Run(what, func(t *testing.T) {
				a.Unchanged(t, func() { backend.In(t).POST("/v1/proofs", row.body).WantProblem(row.status, row.code) })
			})
		}
		for what, body := range map[string]object{
			"no provider":          {"scopes": []string{"proofs:write"}},
			"a provider of others": {"scopes": []string{"proofs:write"}, "proves": "google"},
			"no name":              {"scopes": []string{"proofs:write"}, "proves": "backend:"},
			"capitals":             {"scopes": []string{"proofs:write"}, "proves": "backend:Legacy"},
			"without the scope":    {"scopes": []string{"introspect"}, "proves": "backend:x"},
			"public mail":          {"scopes": []string{"proofs:write"}, "proves": "backend:x", "email_domains": []string{"GMail.com"}},
			"a public suffix":      {"scopes": []string{"proofs:write"}, "proves": "backend:x", "email_domains": []string{"co.uk"}},
			"no domain":            {"scopes": []string{"proofs:write"}, "proves": "backend:x", "email_domains": []string{"a@acme.com"}},
		} {
			body["name"] = "x"
			a.Unchanged(t, func() {
				if got := op.POST("/v1/admin/api-keys", body); got.Status != http.StatusBadRequest {
					t.Errorf("a key with %s: %d %s", what, got.Status, got.Body)
				}
			})
		}
		// The provider is one key's and its successors'.
		mine := object{"name": "x", "scopes": []string{"proofs:write"}, "proves": "backend:legacy"}
		op.POST("/v1/admin/api-keys", mine).WantProblem(http.StatusConflict, "provider_taken")
		next := op.POST("/v1/admin/api-keys/"+backend.keyID+"/rotate", object{"overlap_seconds": 0}).Want(http.StatusCreated)
		if next.String("key.proves") != "backend:legacy" {
			t.Errorf("the successor: %s", next.Body)
		}
		op.POST("/v1/admin/api-keys", mine).WantProblem(http.StatusConflict, "provider_taken")
		op.DELETE("/v1/admin/api-keys/" + next.String("key.id")).Want(http.StatusNoContent)
		op.POST("/v1/admin/api-keys", mine).Want(http.StatusCreated)
	})
}

// A backend opens no account but by its own identities, and by addresses that it may
// vouch for where the policy lets an address join.
func TestWhomABackendOpens(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		op := operator(t, a)
		backend := newLegacy(t, op, "legacy", "acme.com", "gone.example")
		owner := func(address string) (*apptest.Browser, string) {
			b := a.Browser()
			b.Email(address, "sign_in").Want(http.StatusOK)
			return b, me(b)
		}
		_, inside := owner("in@acme.com")
		_, outside := owner("out@other.com")
		boss, bossID := owner("boss@acme.com")
		grantOperator(t, a, bossID)

		if got := backend.prove(a.Browser(), "sign_in", "in", "email", "in@acme.com", "email_verified", true).Want(http.StatusOK); got.String("user.id") != inside {
			t.Errorf("an address it may vouch for: %s", got.Body)
		}
		for what, statement := range map[string][]any{
			"unverified":     {"email", "in@acme.com"},
			"another domain": {"email", "out@other.com", "email_verified", true},
			"a subdomain":    {"email", "in@mail.acme.com", "email_verified", true},
		} {
			got := backend.prove(a.Browser(), "sign_in", what, statement...).Want(http.StatusOK)
			if id := got.String("user.id"); got.String("outcome") != "created" || id == inside || id == outside || got.Get("user.primary_email") != nil {
				t.Errorf("%s: %s", what, got.Body)
			}
		}
		// An operator: not by an address, not by a link, not by an identity from before.
		refused := backend.prove(a.Browser(), "sign_in", "boss", "email", "boss@acme.com", "email_verified", true)
		if refused.WantProblem(http.StatusConflict, "email_taken"); refused.Get("ticket") != nil {
			t.Errorf("an operator's address gives a ticket: %s", refused.Body)
		}
		for _, purpose := range []string{"link", "step_up"} {
			backend.prove(boss, purpose, "boss").WantProblem(http.StatusForbidden, "forbidden")
		}
		eve := a.Browser()
		eveID := backend.prove(eve, "sign_in", "eve").Want(http.StatusOK).String("user.id")
		if got := backend.prove(eve, "link", "boss", "email", "boss@acme.com", "email_verified", true); got.Status != http.StatusConflict || got.Get("ticket") != nil {
			t.Errorf("linking with an operator's address: %d %s", got.Status, got.Body)
		}
		grantOperator(t, a, eveID)
		backend.prove(a.Browser(), "sign_in", "eve").WantProblem(http.StatusForbidden, "forbidden")
		if got := backend.prove(google(t, a, apptest.Person{Email: "mallory@gmail.com"}), "link", "eve"); got.Status != http.StatusConflict || got.Get("ticket") != nil {
			t.Errorf("an operator's identity gives a merge ticket: %d %s", got.Status, got.Body)
		}
		// Who is suspended stays out.
		bob := a.Browser()
		bobID := backend.prove(bob, "sign_in", "bob").Want(http.StatusOK).String("user.id")
		a.Disable(bobID)
		backend.prove(a.Browser(), "sign_in", "bob").WantProblem(http.StatusForbidden, "user_disabled")
	}, "LATCHKEY_LINKING=auto", "LATCHKEY_EMAIL_LINKING=auto")
}

// What a revoked key has vouched for ends if the operator says so, and a link ticket of
// its proof ends with it.
func TestSessionsOfAKey(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		op := operator(t, a)
		first, second := newLegacy(t, op, "legacy", "acme.com"), newLegacy(t, op, "second")
		ada, other := a.Browser(), a.Browser()
		first.prove(ada, "sign_in", "ada").Want(http.StatusOK)
		ticket := second.POST("/v1/proofs", object{"flow": flow(other, "sign_in"), "purpose": "sign_in", "provider": "backend:second", "subject": "o"}).Want(http.StatusCreated).String("ticket")
		redeem(other, ticket).Want(http.StatusOK)
		stepped := google(t, a, apptest.Person{Email: "stepped@gmail.com"})
		first.prove(stepped, "link", "stepped").Want(http.StatusOK)

		if got := op.GET("/v1/admin/sessions?api_key_id=" + first.keyID).Want(http.StatusOK); got.Len("data") != 2 {
			t.Errorf("%d sessions of the key: %s", got.Len("data"), got.Body)
		}
		// An address with an owner gives a link ticket, which a revoked key takes along.
		asking, owner := a.Browser(), apptest.Person{Name: "Owner", Email: "owner@acme.com", HostedDomain: "acme.com"}
		google(t, a, owner)
		first.prove(asking, "sign_in", "owner", "email", "owner@acme.com", "email_verified", true).WantProblem(http.StatusConflict, "email_taken")
		asking.SignInWith("google", "link_ticket=true", owner)
		requests := asking.GET("/v1/me/link-requests").Want(http.StatusOK)

		op.DELETE("/v1/admin/api-keys/" + first.keyID + "?end_sessions=true").Want(http.StatusNoContent)
		ada.GET("/v1/session").Want(http.StatusUnauthorized)
		stepped.GET("/v1/session").Want(http.StatusUnauthorized)
		other.GET("/v1/session").Want(http.StatusOK)
		op.GET("/v1/session").Want(http.StatusOK)
		asking.POST("/v1/me/link-requests/"+requests.String("data.0.id")+"/accept", nil).WantProblem(http.StatusUnauthorized, "invalid_proof")
		if got := asking.GET("/v1/me/identities").Want(http.StatusOK); got.Len("data") != 1 {
			t.Errorf("linked: %s", got.Body)
		}
		// Without the key its identities are no sign-in method to be left with.
		last := a.Browser()
		last.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
		linked := second.POST("/v1/proofs", object{"flow": flow(last, "link"), "purpose": "link", "provider": "backend:second", "subject": "l"}).Want(http.StatusCreated).String("ticket")
		redeem(last, linked).Want(http.StatusOK)
		wallet := last.GET("/v1/me/identities").Want(http.StatusOK).String("data.0.id")
		op.DELETE("/v1/admin/api-keys/" + second.keyID).Want(http.StatusNoContent)
		last.DELETE("/v1/me/identities/"+wallet).WantProblem(http.StatusConflict, "last_identity")
	}, "LATCHKEY_LINKING=confirm")
}

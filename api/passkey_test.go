package api_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/latchkey/latchkey/internal/testkit/apptest"
	"github.com/latchkey/latchkey/internal/testkit/passkeytest"
)

// passkeyOf links a new passkey to the user who is signed in.
func passkeyOf(t *testing.T, b *apptest.Browser) *passkeytest.Passkey {
	t.Helper()
	p := passkeytest.New(t)
	b.Passkey(p, "link", nil).Want(http.StatusOK)
	return p
}

// passkeyIdentity is the id of the identity of a passkey.
func passkeyIdentity(t *testing.T, b *apptest.Browser, p *passkeytest.Passkey) string {
	t.Helper()
	id := ""
	for _, i := range b.GET("/v1/me/identities").Want(http.StatusOK).Get("data").([]any) {
		if i := i.(map[string]any); i["subject"] == base64.RawURLEncoding.EncodeToString(p.ID) {
			id = i["id"].(string)
		}
	}
	return id
}

func TestPasskeys(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		w := apptest.NewWallet(t)
		ada := a.Browser().With("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36")
		ada.Wallet(w, "sign_in").Want(http.StatusOK)
		id := me(ada)

		// Linking: the first is named by its device, another by its owner.
		options := ada.PasskeyChallenge("link")
		user := options["user"].(map[string]any)
		if handle, err := base64.RawURLEncoding.DecodeString(user["id"].(string)); err != nil || len(handle) != 32 || options["attestation"] != "none" || len(options["challenge"].(string)) < 64 {
			t.Errorf("asks for %v", options)
		}
		first := passkeytest.New(t)
		linked := ada.VerifyPasskey(first.Create(t, options, a.URL, nil)).Want(http.StatusOK)
		if linked.String("outcome") != "linked" || linked.String("user.id") != id {
			t.Fatalf("linked: %s", linked.Body)
		}
		options = ada.PasskeyChallenge("link")
		if excluded, _ := options["excludeCredentials"].([]any); len(excluded) != 1 || options["user"].(map[string]any)["id"] != user["id"] {
			t.Errorf("asks again for %v", options)
		}
		second := passkeytest.New(t)
		second.Flags, second.Still = second.Flags|passkeytest.BackupEligible|passkeytest.BackedUp, true
		ada.POST("/v1/auth/passkey/verify", object{"label": "Phone", "credential": second.Create(t, options, a.URL, nil)}).Want(http.StatusOK)
		list := ada.GET("/v1/me/identities").Want(http.StatusOK)
		if list.Len("data") != 3 || list.String("data.1.provider") != "passkey" || list.String("data.1.label") != "Chrome on Linux" || list.Get("data.1.passkey.backed_up") != false ||
			list.String("data.2.label") != "Phone" || list.Get("data.2.passkey.backed_up") != true || list.Get("data.2.passkey.backup_eligible") != true {
			t.Errorf("listed: %s", list.Body)
		}
		if a.Count("passkeys", "transports = 'hybrid internal'") != 2 {
			t.Error("a client's own words for transports were kept, or none were")
		}
		ada.PATCH("/v1/me/identities/"+passkeyIdentity(t, ada, second), object{"label": "Old phone"}).Want(http.StatusOK)

		// Signing in, without a name, in a browser that has nothing.
		other := a.Browser()
		in := other.Passkey(second, "sign_in", nil).Want(http.StatusOK)
		if in.String("outcome") != "signed_in" || in.String("user.id") != id || in.String("session.methods.0") != "passkey" {
			t.Fatalf("signed in: %s", in.Body)
		}
		amr := claims(t, other, other.POST("/v1/token", nil).Want(http.StatusOK).String("access_token"))["amr"]
		if got, _ := json.Marshal(amr); string(got) != `["passkey","hwk","user"]` {
			t.Errorf("amr is %s", got)
		}

		// Step-up: only with a person who was verified, by any passkey of theirs.
		a.Advance(time.Hour)
		ada.POST("/v1/auth/passkey/challenge", object{"purpose": "link"}).WantProblem(http.StatusForbidden, "reauth_required")
		step := ada.PasskeyChallenge("step_up")
		if allowed, _ := step["allowCredentials"].([]any); len(allowed) != 2 || step["userVerification"] != "required" {
			t.Errorf("step-up asks for %v", step)
		}
		ada.VerifyPasskey(first.Get(t, step, a.URL, func(p *passkeytest.Answer) { p.Flags = passkeytest.UserPresent })).WantProblem(http.StatusUnauthorized, "invalid_proof")
		up := ada.VerifyPasskey(first.Get(t, step, a.URL, func(p *passkeytest.Answer) { p.Handle = nil })).Want(http.StatusOK) // asked for by its id
		if up.String("outcome") != "stepped_up" {
			t.Errorf("stepped up: %s", up.Body)
		}

		// A team can require them.
		team := ada.POST("/v1/teams", object{"name": "Keys"}).Want(http.StatusCreated).String("id")
		ada.Do(http.MethodPut, "/v1/teams/"+team+"/policy", object{"required_providers": []string{"passkey"}}).Want(http.StatusOK)
		byWallet := a.Browser()
		byWallet.Wallet(w, "sign_in").Want(http.StatusOK) // the other methods recover
		if refused := byWallet.POST("/v1/teams/"+team+"/sessions", nil).WantProblem(http.StatusForbidden, "policy_unsatisfied"); refused.String("missing.0") != "passkey" {
			t.Errorf("refused: %s", refused.Body)
		}
		byWallet.Passkey(first, "step_up", nil).Want(http.StatusOK)
		byWallet.POST("/v1/teams/"+team+"/sessions", nil).Want(http.StatusCreated)

		// Its counter goes back: reported, and let in.
		first.Count = 1
		copied := a.Browser()
		copied.Passkey(first, "sign_in", nil).Want(http.StatusOK)
		if a.Count("audit_events", "action = 'passkey.clone_suspected' AND user_id = '%s'", id) != 1 || ada.GET("/v1/me/identities").String("data.1.passkey.clone_suspected_at") == "" {
			t.Errorf("a counter that went back is not reported: %s", ada.GET("/v1/me/identities").Body)
		}
		copied.Passkey(first, "sign_in", nil).Want(http.StatusOK)
		if a.Count("audit_events", "action = 'passkey.clone_suspected'") != 1 {
			t.Error("the next counter is reported, too")
		}

		// The export has what the person sees; the last method stays.
		if export := ada.GET("/v1/me/export").Want(http.StatusOK); export.Get("identities.2.passkey.backed_up") != true {
			t.Errorf("export: %s", export.Body)
		}
		other.Passkey(second, "step_up", nil).Want(http.StatusOK)
		for _, i := range []string{"0", "1"} {
			other.DELETE("/v1/me/identities/" + list.String("data."+i+".id")).Want(http.StatusNoContent)
		}
		last := a.Browser()
		last.Passkey(second, "sign_in", nil).Want(http.StatusOK)
		last.DELETE("/v1/me/identities/"+passkeyIdentity(t, last, second)).WantProblem(http.StatusConflict, "last_identity")
		gone := a.Browser()
		if refused := gone.Passkey(first, "sign_in", nil).WantProblem(http.StatusUnauthorized, "invalid_proof"); refused.String("field") != "id" || a.Count("users", "true") != 1 {
			t.Errorf("a passkey that was removed: %s", refused.Body)
		}

		// Who leaves can come back by it.
		last.Do(http.MethodDelete, "/v1/me", object{"teams": object{team: object{"delete": true}}}).Want(http.StatusAccepted)
		back := a.Browser()
		if got := back.Passkey(second, "sign_in", nil).Want(http.StatusOK).String("outcome"); got != "deletion_pending" {
			t.Errorf("while they can come back: %s", got)
		}
	})
}

// Merges move passkeys like any sign-in method, and give them back.
func TestPasskeysMerge(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		old := a.Browser()
		old.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
		survivor, theirs := me(old), passkeyOf(t, old)
		b := google(t, a, apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
		source, own := me(b), passkeyOf(t, b)

		// A passkey of the other account is shown, not created.
		existing := func() map[string]any {
			options, _ := b.POST("/v1/auth/passkey/challenge", object{"purpose": "link", "existing": true}).Want(http.StatusOK).Get("options").(map[string]any)
			return options
		}
		refused := b.VerifyPasskey(theirs.Get(t, existing(), a.URL, nil)).WantProblem(http.StatusConflict, "identity_taken")
		preview := b.POST("/v1/me/merges", object{"ticket": refused.String("ticket")}).Want(http.StatusOK)
		path := "/v1/me/merges/" + preview.String("id")
		b.POST(path+"/confirm", object{"fingerprint": preview.String("fingerprint")}).Want(http.StatusOK)
		if me(b) != survivor {
			t.Fatalf("%s survives, not %s", me(b), survivor)
		}
		for _, p := range []*passkeytest.Passkey{theirs, own} { // with the handles they were made with
			if got := a.Browser().Passkey(p, "sign_in", nil).Want(http.StatusOK).String("user.id"); got != survivor {
				t.Errorf("signed in as %s", got)
			}
		}
		// One that is linked meanwhile is the survivor's, under a handle of their own.
		later := passkeyOf(t, b)
		if string(later.Handle) == string(own.Handle) {
			t.Error("a handle of the user who was merged is given out again")
		}
		b.Passkey(theirs, "step_up", nil).Want(http.StatusOK)
		b.POST(path+"/undo", nil).Want(http.StatusOK)
		for p, want := range map[*passkeytest.Passkey]string{theirs: survivor, own: source, later: survivor} {
			if got := a.Browser().Passkey(p, "sign_in", nil).Want(http.StatusOK).String("user.id"); got != want {
				t.Errorf("after the undo: signed in as %s, not %s", got, want)
			}
		}
		// Its own again is kept; a passkey goes with its user, and another's stay.
		b = a.Browser()
		b.Passkey(own, "sign_in", nil).Want(http.StatusOK)
		b.VerifyPasskey(own.Get(t, existing(), a.URL, nil)).Want(http.StatusOK)
		b.DELETE("/v1/me").Want(http.StatusAccepted)
		b.Passkey(own, "sign_in", nil).WantProblem(http.StatusUnauthorized, "invalid_proof")
		if a.Count("passkeys", "true") != 2 || a.Count("passkey_handles", "true") != 1 {
			t.Errorf("%d passkeys and %d handles are left", a.Count("passkeys", "true"), a.Count("passkey_handles", "true"))
		}
	}, "LATCHKEY_DELETION_GRACE_DAYS=0")
}

// With LATCHKEY_PASSKEY_USER_VERIFICATION=required a key without a PIN opens nothing, and so
// satisfies no policy of a team.
func TestPasskeysThatVerify(t *testing.T) {
	t.Parallel()
	a := apptest.SQLite(t, "LATCHKEY_PASSKEY_USER_VERIFICATION=required")
	ada := a.Browser()
	ada.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
	present := func(p *passkeytest.Answer) { p.Flags = passkeytest.UserPresent }
	ada.Passkey(passkeytest.New(t), "link", present).WantProblem(http.StatusUnauthorized, "invalid_proof")
	if a.Count("passkeys", "true") != 0 {
		t.Error("a key without verification was added")
	}
	p := passkeyOf(t, ada)
	team := ada.POST("/v1/teams", object{"name": "Keys"}).Want(http.StatusCreated).String("id")
	ada.Do(http.MethodPut, "/v1/teams/"+team+"/policy", object{"required_providers": []string{"passkey"}}).Want(http.StatusOK)

	other := a.Browser()
	if asked := other.PasskeyChallenge("sign_in"); asked["userVerification"] != "required" {
		t.Errorf("asks for %v", asked)
	}
	other.Passkey(p, "sign_in", present).WantProblem(http.StatusUnauthorized, "invalid_proof")
	other.GET("/v1/me").WantProblem(http.StatusUnauthorized, "unauthenticated")
	ada.Passkey(p, "step_up", present).WantProblem(http.StatusUnauthorized, "invalid_proof")
	other.Passkey(p, "sign_in", nil).Want(http.StatusOK)
	other.POST("/v1/teams/"+team+"/sessions", nil).Want(http.StatusCreated)
}

func TestPasskeyReplayInParallelGivesOneSession(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		ada := a.Browser()
		ada.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
		p, b := passkeyOf(t, ada), a.Browser()
		credential := p.Get(t, b.PasskeyChallenge("sign_in"), a.URL, nil)
		flow, before := b.Cookie("latchkey-flow"), a.Count("sessions", "true")
		var wg sync.WaitGroup
		answers := make([]*apptest.Answer, 20)
		for i := range answers {
			thief := a.Browser() // with everything that could be copied
			thief.SetCookie("latchkey-flow", flow)
			wg.Go(func() { answers[i] = thief.VerifyPasskey(credential) })
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
		if won != 1 || a.Count("sessions", "true") != before+1 || a.Count("audit_events", "action = 'passkey.clone_suspected'") != 0 {
			t.Errorf("%d of %d won", won, len(answers))
		}
		// What creates one works once, too.
		made := passkeytest.New(t).Create(t, ada.PasskeyChallenge("link"), a.URL, nil)
		ada.VerifyPasskey(made).Want(http.StatusOK)
		a.Unchanged(t, func() { ada.VerifyPasskey(made).WantProblem(http.StatusUnauthorized, "proof_used") })
	})
}

func TestHostilePasskeys(t *testing.T) {
	t.Parallel()
	a := apptest.SQLite(t, "LATCHKEY_ALLOWED_ORIGINS="+appOrigin+",https://other.example.com", "LATCHKEY_PASSKEY_ORIGINS="+appOrigin)
	ada, eve := a.Browser(), a.Browser()
	ada.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
	eve.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
	of, hers := passkeyOf(t, ada), passkeyOf(t, eve)
	if origins := a.Browser().GET("/.well-known/webauthn").Want(http.StatusOK); origins.Len("origins") != 2 || origins.String("origins.0") != a.URL || origins.String("origins.1") != appOrigin {
		t.Errorf("related origins: %s", origins.Body)
	}
	a.Browser().With("Origin", "https://other.example.com").POST("/v1/auth/passkey/challenge", object{}).WantProblem(http.StatusBadRequest, "invalid_request")
	a.Browser().With("Origin", appOrigin).Passkey(of, "sign_in", nil).Want(http.StatusOK) // a related origin

	type wrong = func(p *passkeytest.Answer)
	client := func(name string, value any) wrong { return func(p *passkeytest.Answer) { p.Client[name] = value } }
	response := func(name string, value any) wrong {
		return func(p *passkeytest.Answer) {
			p.Whole = func(whole map[string]any) { whole["response"].(map[string]any)[name] = value }
		}
	}
	whole := func(name string, value any) wrong {
		return func(p *passkeytest.Answer) { p.Whole = func(whole map[string]any) { whole[name] = value } }
	}
	both := map[string]wrong{
		"another origin":            client("origin", "https://evil.example"),
		"the origin in capitals":    client("origin", strings.ToUpper(a.URL)),
		"the origin with a slash":   client("origin", a.URL+"/"),
		"another allowed origin":    client("origin", appOrigin),
		"no origin":                 client("origin", nil),
		"in a frame of another":     client("crossOrigin", true),
		"with a top origin":         client("topOrigin", "https://evil.example"),
		"no challenge":              client("challenge", ""),
		"a made-up challenge":       client("challenge", base64.RawURLEncoding.EncodeToString([]byte(strings.Repeat("A", 76)))),
		"a challenge that is a map": client("challenge", object{}),
		"a longer challenge":        func(p *passkeytest.Answer) { p.Client["challenge"] = p.Client["challenge"].(string) + "QQ" },
		"another type":              client("type", "payment.get"),
		"no type":                   client("type", nil),
		"another RP ID":             func(p *passkeytest.Answer) { p.RPID = "evil.example" },
		"the RP ID in capitals":     func(p *passkeytest.Answer) { p.RPID = "LOCALHOST" },
		"no user present":           func(p *passkeytest.Answer) { p.Flags &^= passkeytest.UserPresent },
		"backed up but not able to": func(p *passkeytest.Answer) { p.Flags |= passkeytest.BackedUp },
		"no client data":            response("clientDataJSON", ""),
		"client data of no JSON":    response("clientDataJSON", "AAAA"),
		"client data in base64":     response("clientDataJSON", "+/+/"),
		"client data that is a map": response("clientDataJSON", object{}),
		"a password":                whole("type", "password"),
		"no type of credential":     whole("type", nil),
		"another id than rawId":     whole("id", "AAAA"),
		"no id":                     whole("id", ""),
		"an id of line breaks":      whole("id", "\n\n"),
		"an id that is a list":      whole("id", []string{"a"}),
		"a response that is a list": whole("response", []string{}),
		"no response":               whole("response", nil),
		"extensions that are text":  whole("clientExtensionResults", "none"),
	}
	assertions := map[string]wrong{
		"unsigned":                    func(p *passkeytest.Answer) { p.Signature = func([]byte) []byte { return nil } },
		"a signature of zeros":        func(p *passkeytest.Answer) { p.Signature = func(s []byte) []byte { return make([]byte, len(s)) } },
		"a signature with a tail":     func(p *passkeytest.Answer) { p.Signature = func(s []byte) []byte { return append(s, 0) } },
		"signed by another":           func(p *passkeytest.Answer) { p.Key = hers.Key },
		"the handle of another":       func(p *passkeytest.Answer) { p.Handle = hers.Handle },
		"no handle":                   func(p *passkeytest.Answer) { p.Handle = nil },
		"another's id":                func(p *passkeytest.Answer) { p.ID = hers.ID },
		"another's id and handle":     func(p *passkeytest.Answer) { p.ID, p.Handle = hers.ID, hers.Handle },
		"a creation":                  client("type", "webauthn.create"),
		"able to be backed up now":    func(p *passkeytest.Answer) { p.Flags |= passkeytest.BackupEligible },
		"an attestation, too":         response("attestationObject", "AAAA"),
		"no authenticator data":       response("authenticatorData", ""),
		"short authenticator data":    response("authenticatorData", "AAAA"),
		"a signature that is a list":  response("signature", []int{1}),
		"a handle that is a number":   response("userHandle", 1),
		"more flags than there is of": func(p *passkeytest.Answer) { p.Flags |= 0x80 },
	}
	creations := map[string]wrong{
		"an assertion":               client("type", "webauthn.get"),
		"no attestation":             response("attestationObject", nil),
		"an empty attestation":       response("attestationObject", ""),
		"an attestation of zeros":    response("attestationObject", base64.RawURLEncoding.EncodeToString(make([]byte, 400))),
		"another's id":               func(p *passkeytest.Answer) { p.ID = of.ID },
		"the id of a removed handle": func(p *passkeytest.Answer) { p.ID = nil },
		"an id of 2000 bytes":        func(p *passkeytest.Answer) { p.ID = make([]byte, 2000) },
		"extensions without any":     func(p *passkeytest.Answer) { p.Flags |= 0x80 },
	}
	for name, change := range both {
		assertions[name], creations[name] = change, change
	}
	refused := func(t *testing.T, answer *apptest.Answer) {
		t.Helper()
		if code := answer.String("code"); code != "invalid_proof" && code != "invalid_message" && code != "invalid_request" {
			t.Errorf("%d %s", answer.Status, answer.Body)
		}
	}
	for name, change := range assertions {
		t.Run("assertion, "+name, func(t *testing.T) {
			b := a.Browser().In(t)
			a.Unchanged(t, func() { refused(t, b.Passkey(of, "sign_in", change)) })
		})
	}
	for name, change := range creations {
		t.Run("creation, "+name, func(t *testing.T) {
			a.Unchanged(t, func() { refused(t, eve.In(t).Passkey(passkeytest.New(t), "link", change)) })
		})
	}

	t.Run("a creation does not sign in", func(t *testing.T) {
		b := a.Browser().In(t)
		options := b.PasskeyChallenge("sign_in")
		options["user"], options["rp"] = object{"id": "AAAA"}, object{"id": "localhost"}
		a.Unchanged(t, func() { refused(t, b.VerifyPasskey(passkeytest.New(t).Create(t, options, a.URL, nil))) })
	})
	t.Run("an attestation that was not asked for is left unread", func(t *testing.T) {
		b := a.Browser().In(t)
		b.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
		b.Passkey(passkeytest.New(t), "link", func(p *passkeytest.Answer) {
			p.Format, p.Statement = "tpm", object{"x5c": []string{"no certificate"}}
		}).Want(http.StatusOK)
	})
	t.Run("an unknown passkey creates nobody", func(t *testing.T) {
		p := passkeytest.New(t)
		p.Handle = of.Handle
		a.Unchanged(t, func() { refused(t, a.Browser().In(t).Passkey(p, "sign_in", nil)) })
	})
	t.Run("step-up by another's", func(t *testing.T) {
		a.Unchanged(t, func() {
			eve.In(t).Passkey(of, "step_up", nil).WantProblem(http.StatusForbidden, "identity_mismatch")
		}, "audit_events", "burned_secrets", "audit_keys", "audit_parts", "feed")
	})
	for name, prepare := range map[string]func(b *apptest.Browser) (*apptest.Browser, map[string]any){
		"to the browser": func(b *apptest.Browser) (*apptest.Browser, map[string]any) {
			b.PasskeyChallenge("sign_in")
			return b, a.Browser().In(b.T).PasskeyChallenge("sign_in")
		},
		"to a browser with its flow": func(b *apptest.Browser) (*apptest.Browser, map[string]any) {
			return a.Browser().In(b.T), b.PasskeyChallenge("sign_in")
		},
		"to the origin": func(b *apptest.Browser) (*apptest.Browser, map[string]any) {
			return b.With("Origin", appOrigin), b.PasskeyChallenge("sign_in")
		},
		"to its time": func(b *apptest.Browser) (*apptest.Browser, map[string]any) {
			options := b.PasskeyChallenge("sign_in")
			a.Advance(10 * time.Minute)
			return b, options
		},
	} {
		t.Run("a challenge is bound "+name, func(t *testing.T) {
			b, options := prepare(a.Browser().In(t))
			page := a.URL
			if o := b.Header.Get("Origin"); o != "" {
				page = o
			}
			credential := of.Get(t, options, page, nil)
			a.Unchanged(t, func() { b.VerifyPasskey(credential).WantProblem(http.StatusUnauthorized, "invalid_proof") })
		})
	}
	t.Run("of another kind of proof", func(t *testing.T) {
		b := a.Browser().In(t)
		nonce := b.POST("/v1/auth/siwe/challenge", object{}).Want(http.StatusOK).String("nonce")
		credential := of.Get(t, map[string]any{"challenge": base64.RawURLEncoding.EncodeToString([]byte(nonce)), "rpId": "localhost"}, a.URL, nil)
		a.Unchanged(t, func() { refused(t, b.VerifyPasskey(credential)) })
	})
	t.Run("10 MB", func(t *testing.T) {
		a.Unchanged(t, func() {
			eve.In(t).VerifyPasskey(object{"response": object{"attestationObject": strings.Repeat("A", 10<<20)}}).WantProblem(http.StatusRequestEntityTooLarge, "body_too_large")
		})
	})
}

func TestNoPasskeysAtAnAddress(t *testing.T) {
	t.Parallel()
	a := apptest.SQLite(t, "LATCHKEY_PUBLIC_URL=http://127.0.0.1:8080")
	if providers := a.Browser().GET("/v1/auth/providers").Want(http.StatusOK); strings.Contains(string(providers.Body), "passkey") {
		t.Errorf("offered: %s", providers.Body)
	}
	a.Browser().POST("/v1/auth/passkey/challenge", object{}).WantProblem(http.StatusBadRequest, "invalid_request")
}

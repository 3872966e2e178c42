package api_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/idna"

	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

// startBody is the body of a start for signing in.
func startBody(address any) map[string]any { return map[string]any{"email": address} }

func TestEmailIsAWayIn(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		b := a.Browser()
		providers := b.GET("/v1/auth/providers").Want(http.StatusOK)
		if !strings.Contains(string(providers.Body), `{"kind":"email","name":"email"}`) {
			t.Fatalf("providers: %s", providers.Body)
		}
		first := b.Email("Ada@Example.com", "sign_in").Want(http.StatusOK)
		if first.String("outcome") != "created" || first.String("user.primary_email") != "ada@example.com" || first.Get("token") != nil {
			t.Fatalf("first: %s", first.Body)
		}
		if who := b.GET("/v1/session").Want(http.StatusOK); who.String("user.id") != first.String("user.id") || who.String("session.methods.0") != "email" {
			t.Fatalf("session: %s", who.Body)
		}
		phone := a.Browser() // takes a token
		letter := phone.StartEmail("ada@example.com", "sign_in")
		again := phone.POST("/v1/auth/email/verify", map[string]any{
			"code": letter.Code(), "email": "ADA@example.com", "delivery": "token",
		}).Want(http.StatusOK)
		if again.String("outcome") != "signed_in" || again.String("user.id") != first.String("user.id") || phone.Cookie("latchkey") != "" {
			t.Fatalf("by code: %s", again.Body)
		}
		phone.Bearer = again.String("token")
		phone.GET("/v1/session").Want(http.StatusOK)

		t.Run("a further address, and step-up by it", func(t *testing.T) {
			linked := b.In(t).Email("ada@work.example", "link").Want(http.StatusOK)
			if linked.String("outcome") != "linked" || linked.String("user.primary_email") != "ada@example.com" {
				t.Fatalf("linked: %s", linked.Body)
			}
			if n := a.Count("emails", "user_id = '%s'", first.String("user.id")); n != 2 {
				t.Fatalf("%d addresses, want 2", n)
			}
			a.Advance(time.Hour)
			b.In(t).Email("third@work.example", "link").WantProblem(http.StatusForbidden, "reauth_required")
			if up := b.In(t).Email("ada@work.example", "step_up").Want(http.StatusOK); up.String("outcome") != "stepped_up" {
				t.Fatalf("step-up: %s", up.Body)
			}
			b.In(t).Email("third@work.example", "link").Want(http.StatusOK)
			b.In(t).Email("stranger@work.example", "step_up").WantProblem(http.StatusForbidden, "identity_mismatch")
		})
		for _, secret := range []string{letter.Token(), letter.Code(), again.String("token")} {
			if strings.Contains(a.Log.String(), secret) {
				t.Errorf("the log has %q", secret)
			}
		}
	})
}

func TestEmailFindsWhoOwnsTheAddress(t *testing.T) {
	for policy, want := range map[string]string{"auto": "", "confirm": "email_taken", "off": "email_taken"} {
		t.Run(policy, func(t *testing.T) {
			apptest.Each(t, func(t *testing.T, a *apptest.App) {
				owner := a.Browser()
				owner.Provider("google", "sign_in", apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
				me := owner.GET("/v1/me").Want(http.StatusOK).String("id")
				b := a.Browser()
				got := b.Email("ada@gmail.com", "sign_in")
				if want == "" {
					if got.Want(http.StatusOK).String("user.id") != me {
						t.Fatalf("joined %s", got.Body)
					}
					return
				}
				got.WantProblem(http.StatusConflict, want)
				if has := got.String("ticket") != ""; has != (policy == "confirm") {
					t.Fatalf("ticket: %s", got.Body)
				}
				if policy == "confirm" { // an older method links it
					b.SignInWith("google", "link_ticket=true", apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
					b.POST("/v1/me/link-requests/"+b.GET("/v1/me/link-requests").String("data.0.id")+"/accept", nil).Want(http.StatusOK)
					if ids := b.GET("/v1/me/identities").Want(http.StatusOK); ids.Len("data") != 2 {
						t.Fatalf("identities: %s", ids.Body)
					}
				}
			}, "LATCHKEY_LINKING="+policy)
		})
	}
}

func TestEmailTakesOneAddressInOneForm(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		b := a.Browser()
		a.Unchanged(t, func() {
			for _, address := range []any{
				"", "ada", "@example.com", "ada@", "a@b@example.com", "a@example.com,b@example.com", "a@example.com b@example.com",
				"a@example.com;b@example.com", `"a b"@example.com`, "<a@example.com>", "Ada <a@example.com>", "a@example.com\r\nBcc: b@example.com",
				"a@example.com\n", " a@example.com", "a@example", "a@[127.0.0.1]", "a(x)@example.com", ".a@example.com", "a..b@example.com",
				"ada@example.com.", "İda@example.com", "\u212Aay@example.com", "аda@example.com", "a@exa mple.com", "a@-example.com", "a@xn--a.com",
				strings.Repeat("a", 65) + "@example.com", "a@" + strings.Repeat("b.", 200) + "com",
				[]string{"a@example.com"}, []string{"a@example.com", "b@example.com"}, map[string]any{"a": "b"}, 7, nil, true,
			} {
				got := b.POST("/v1/auth/email/start", startBody(address)).Want(http.StatusBadRequest)
				if got.String("field") != "email" {
					t.Errorf("%v: %s", address, got.Body)
				}
			}
		})
		// Two spellings are one address, look-alikes, plus and dots are not.
		users := map[string]string{} // by canonical address
		for _, x := range []struct{ typed, canonical string }{
			{"Ada.L+x@BÜCHER.example", "ada.l+x@xn--bcher-kva.example"},
			{"ADA.l+X@xn--bcher-kva.EXAMPLE", "ada.l+x@xn--bcher-kva.example"},
			{"adal+x@bücher.example", "adal+x@xn--bcher-kva.example"},
			{"ada.l@bücher.example", "ada.l@xn--bcher-kva.example"},
			{"ada.l+x@bucher.example", "ada.l+x@bucher.example"},
			{"ada.l+x@buсher.example", punycode("ada.l+x@buсher.example")}, // a Cyrillic es
		} {
			had := len(a.Mail(t, x.canonical))
			b.POST("/v1/auth/email/start", startBody(x.typed)).Want(http.StatusAccepted)
			got := b.EmailToken(a.WaitMail(t, x.canonical, had+1).Token()).Want(http.StatusOK)
			if got.String("user.primary_email") != x.canonical {
				t.Errorf("%s became %s", x.typed, got.Body)
			}
			if have, seen := users[x.canonical]; seen && have != got.String("user.id") {
				t.Errorf("%s is two people", x.canonical)
			}
			users[x.canonical] = got.String("user.id")
		}
		if people := slices.Compact(slices.Sorted(maps.Values(users))); len(people) != len(users) || len(people) != 5 {
			t.Errorf("%d people of %d addresses", len(people), len(users))
		}
	})
}

func punycode(address string) string {
	local, domain, _ := strings.Cut(address, "@")
	ascii, err := idna.ToASCII(domain)
	if err != nil {
		panic(err)
	}
	return local + "@" + ascii
}

func TestEmailLinksArePublicAndInertToScanners(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		b := a.Browser()
		evil := b.With("X-Forwarded-Host", "evil.example").With("X-Forwarded-Proto", "https").
			With("Forwarded", "host=evil.example").With("X-Original-Host", "evil.example")
		evil.POST("/v1/auth/email/start", map[string]any{"email": "ada@example.com", "return_to": "/teams?x=1"}).Want(http.StatusAccepted)
		letter := a.WaitMail(t, "ada@example.com", 1)
		if want := a.URL + "/sign-in?return_to=%2Fteams%3Fx%3D1#email_token="; !strings.HasPrefix(letter.Link(), want) {
			t.Fatalf("link %s, want %s...", letter.Link(), want)
		}
		if all := letter.Subject + letter.Text + letter.HTML; strings.Contains(all, "evil") {
			t.Fatalf("the mail says evil: %s", all)
		}
		a.Unchanged(t, func() {
			for _, who := range []*apptest.Browser{b, a.Browser()} {
				for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodOptions} {
					who.Do(method, letter.Link(), nil)
					who.Do(method, "/sign-in?email_token="+letter.Token(), nil)
					who.Do(method, "/v1/auth/email/verify?token="+letter.Token(), nil)
					who.Do(method, "/v1/auth/email/start?email=eve@example.com", nil)
				}
			}
		}, "outbox")
		b.EmailToken(letter.Token()).Want(http.StatusOK)
		for _, to := range []string{"//evil.example", `/\evil.example`, "https://evil.example", "javascript:x"} {
			b.POST("/v1/auth/email/start", map[string]any{"email": "a@example.com", "return_to": to}).WantProblem(http.StatusBadRequest, "invalid_return_to")
		}
	})
}

// Host is the client's to choose where a proxy passes it on.
func TestEmailLinksDoNotFollowHost(t *testing.T) {
	t.Parallel()
	post := apptest.NewPost(t, "", "", "")
	a := apptest.SQLite(t, append(post.Env(), "LATCHKEY_PUBLIC_URL=https://id.example.com")...)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.URL+"/v1/auth/email/start", strings.NewReader(`{"email":"ada@example.com"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "evil.example"
	req.Header.Set("Content-Type", "application/json")
	a.Browser().Send(req).Want(http.StatusAccepted)
	if !apptest.Eventually(func() bool { return len(post.Mail()) == 1 }) {
		t.Fatal("no mail arrived")
	}
	if mail := decoded(post.Mail()[0].Data); !strings.Contains(mail, "https://id.example.com/sign-in#email_token=") || strings.Contains(mail, "evil") {
		t.Errorf("the mail:\n%s", mail)
	}
}

func TestEmailAnswersAlike(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		a.Browser().Email("known@example.com", "sign_in").Want(http.StatusOK)
		rows := func(s apptest.Snapshot) string {
			var out []string
			for _, table := range slices.Sorted(maps.Keys(s)) {
				out = append(out, fmt.Sprint(table, len(s[table])))
			}
			return strings.Join(out, " ")
		}
		var answers, written []string
		ask := func(address string) {
			answer := a.Browser().POST("/v1/auth/email/start", startBody(address)).Want(http.StatusAccepted)
			names := slices.Sorted(maps.Keys(answer.Header))
			if answer.String("expires_at") == "" {
				t.Fatalf("answer: %s", answer.Body)
			}
			answers = append(answers, fmt.Sprint(answer.Status, names, len(answer.Header.Get("Set-Cookie")), strings.Count(string(answer.Body), ":")))
		}
		before := a.Snapshot("outbox")
		ask("known@example.com")
		middle := a.Snapshot("outbox")
		ask("unknown@example.com")
		after := a.Snapshot("outbox")
		for _, diff := range []string{before.Diff(middle), middle.Diff(after)} {
			written = append(written, fmt.Sprint(strings.Count(diff, "\n")))
		}
		if written[0] != written[1] || rows(before) == rows(middle) {
			t.Errorf("rows written: %v", written)
		}
		// Past what strangers may send at once the answers are the same.
		for range 12 {
			ask("known@example.com")
			ask("unknown@example.com")
		}
		if slices.Sort(answers); answers[0] != answers[len(answers)-1] {
			t.Errorf("answers differ: %q", answers)
		}
	})
}

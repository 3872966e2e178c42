package api_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/internal/testkit/apptest"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

// slept is how long the worker may take to look once more.
const slept = 1500 * time.Millisecond

// A person invited by e-mail gets a mail, follows it, signs in and accepts.
func TestInvitationByMail(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		c := newCrew(t, a, "Night")
		made := c.admin.POST(c.path+"/invitations", object{"email": "Ada@Example.com", "role": "member"}).Want(http.StatusCreated)
		if made.String("mail") != "queued" {
			t.Errorf("%s", made.Body)
		}
		letter := a.WaitMail(t, "ada@example.com", 1)
		link, err := url.Parse(letter.Link())
		if err != nil || !strings.HasPrefix(letter.Link(), a.URL+"/account") || !strings.Contains(letter.Text, "\nNight\n") {
			t.Fatalf("%s", letter.Text)
		}
		if strings.Contains(letter.Text, made.String("id")) || strings.Contains(letter.Text, "@") {
			t.Errorf("it tells more than it must:\n%s", letter.Text)
		}
		// The link is a page, and grants nothing.
		stranger := a.Browser()
		stranger.GET(link.RequestURI())
		stranger.GET("/v1/me/invitations").WantProblem(http.StatusUnauthorized, "unauthenticated")

		ada := a.Browser()
		ada.Email("ada@example.com", "sign_in").Want(http.StatusOK)
		received := ada.GET("/v1/me/invitations").Want(http.StatusOK)
		ada.POST("/v1/me/invitations/"+received.String("data.0.id")+"/accept", nil).Want(http.StatusOK)
		if got := c.owner.GET(c.path + "/audit?action=invitation.created").Want(http.StatusOK); got.String("data.0.data.mail") != "queued" {
			t.Errorf("%s", got.Body)
		}

		// A wallet has no mailbox, and a refused invitation sends no mail.
		byWallet := c.owner.POST(c.path+"/invitations", object{"wallet": apptest.NewWallet(t).Address.Hex(), "role": "member"}).Want(http.StatusCreated)
		if byWallet.Get("mail") != nil {
			t.Errorf("%s", byWallet.Body)
		}
		c.owner.POST(c.path+"/invitations", object{"email": "bea@example.com", "role": "member"}).Want(http.StatusCreated)
		c.owner.POST(c.path+"/invitations", object{"email": "bea@example.com", "role": "member"}).WantProblem(http.StatusConflict, "already_invited")
		c.member.POST(c.path+"/invitations", object{"email": "cem@example.com", "role": "member"}).WantProblem(http.StatusForbidden, "forbidden")
		c.admin.POST(c.path+"/invitations", object{"email": "cem@example.com", "role": "owner"}).WantProblem(http.StatusForbidden, "forbidden")
		a.WaitMail(t, "bea@example.com", 1)
		if n := len(a.Mail(t, "cem@example.com")); n != 0 || !apptest.Eventually(func() bool { return a.Count("outbox", "1 = 1") == 0 }) {
			t.Errorf("%d letters to cem", n)
		}
	})
}

// An invitation that is cancelled before the mail server takes the mail is not sent,
// nor one that has expired by then; what waits contains no address.
func TestAnInvitationTakenBackIsNotMailed(t *testing.T) {
	t.Parallel()
	for _, engine := range storagetest.Engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			gone := apptest.NewPost(t, "", "", "") // learns a free port
			env := append(gone.Env(), "LATCHKEY_PUBLIC_URL=https://id.example.com")
			gone.Close()
			a := apptest.Start(t, engine, env...)
			owner := a.Browser()
			owner.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
			path := "/v1/teams/" + owner.POST("/v1/teams", object{"name": "Keys"}).Want(http.StatusCreated).String("id") + "/invitations"
			invite := func(address string) string {
				return owner.POST(path, object{"email": address, "role": "member"}).Want(http.StatusCreated).String("id")
			}
			back := invite("back@example.com")
			if !apptest.Eventually(func() bool { return strings.Contains(a.Log.String(), "task failed") }) {
				t.Fatal("the mail server was never missed")
			}
			stays := invite("stays@example.com")
			for _, row := range a.Snapshot()["outbox"] {
				if strings.Contains(row, "@example.com") || strings.Contains(row, stays) {
					t.Errorf("the outbox is readable: %s", row)
				}
			}
			owner.DELETE(path + "/" + back).Want(http.StatusNoContent)
			post := apptest.NewPost(t, gone.Addr, "", "")
			a.Advance(time.Minute)
			if !apptest.Eventually(func() bool { return len(post.Mail()) > 0 && a.Count("outbox", "1 = 1") == 0 }) {
				t.Fatalf("nothing arrived\n%s", a.Log)
			}
			time.Sleep(slept)
			mail := post.Mail()
			if len(mail) != 1 || mail[0].To[0] != "stays@example.com" || !strings.Contains(decoded(mail[0].Data), "https://id.example.com/account?invited") {
				t.Errorf("%+v", mail)
			}
		})
	}
}

func TestInvitingWithoutMail(t *testing.T) {
	t.Parallel()
	a := apptest.SQLite(t, "LATCHKEY_PUBLIC_URL=https://id.example.com")
	owner := a.Browser()
	owner.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
	path := "/v1/teams/" + owner.POST("/v1/teams", object{"name": "Keys"}).Want(http.StatusCreated).String("id") + "/invitations"
	if got := owner.POST(path, object{"email": "ada@example.com", "role": "member"}).Want(http.StatusCreated); got.String("mail") != "off" {
		t.Errorf("%s", got.Body)
	}
	if n := a.Count("outbox", "1 = 1"); n != 0 {
		t.Errorf("%d tasks", n)
	}
}

// A name that came into the database by another way than the API is inert, too,
// and so is one that the API takes.
func TestHostileTeamNamesInMail(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		owner := a.Browser()
		owner.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
		for n, name := range []string{
			"Win at https://evil.example/x now", strings.Repeat("ab ", 33) + "x", "evil.example <b>x</b>", "eve@evil.example", "אבג evil。example",
			"x\r\nBcc: eve@example.com\r\n\r\nhi", strings.Repeat("https://evil.example ", 10), "\u202elive\u202c",
		} {
			id := owner.POST("/v1/teams", object{"name": "Keys"}).Want(http.StatusCreated).String("id")
			if renamed := owner.PATCH("/v1/teams/"+id, object{"name": name}); renamed.Status != http.StatusOK {
				renamed.Want(http.StatusBadRequest)
				a.Exec("UPDATE teams SET name = '%s' WHERE id = '%s'", name, id)
			}
			address := string(rune('a'+n)) + "@victim.example"
			owner.POST("/v1/teams/"+id+"/invitations", object{"email": address, "role": "member"}).Want(http.StatusCreated)
			letter := a.WaitMail(t, address, 1)
			if strings.Count(letter.Text, "://") != 1 || !strings.HasPrefix(letter.Link(), a.URL) || strings.Contains(letter.Text, "evil.") ||
				strings.ContainsAny(letter.Text, "@。\u202e\r") || strings.ContainsAny(letter.Subject, "\r\n") || strings.Contains(letter.HTML, "<b>") {
				t.Errorf("%q: %s\n%s", name, letter.Subject, letter.Text)
			}
		}
	})
}

// The call is counted with those that have mail sent, by client address; past
// the limits of a day people are invited, and not written to.
func TestInvitationsAreNoMailCannon(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		address := "victim@example.com"
		for n := range 7 {
			owner := a.Browser()
			owner.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
			id := owner.POST("/v1/teams", object{"name": "Keys"}).Want(http.StatusCreated).String("id")
			made := owner.POST("/v1/teams/"+id+"/invitations", object{"email": address, "role": "member"}).Want(http.StatusCreated)
			if want := map[bool]string{true: "queued", false: "limited"}[n < 5]; made.String("mail") != want || !strings.Contains(made.Header.Get("RateLimit-Policy"), `"mail"`) {
				t.Errorf("invitation %d: %s, %s", n+1, made.Body, made.Header.Get("RateLimit-Policy"))
			}
		}
		if !apptest.Eventually(func() bool { return a.Count("outbox", "1 = 1") == 0 }) || len(a.Mail(t, address)) != 5 {
			t.Errorf("%d letters", len(a.Mail(t, address)))
		}
		victim := a.Browser()
		victim.Email(address, "sign_in").Want(http.StatusOK)
		if got := victim.GET("/v1/me/invitations").Want(http.StatusOK); got.Len("data") != 7 {
			t.Errorf("%s", got.Body)
		}
	})
}

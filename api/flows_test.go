package api_test

import (
	"net/http"
	"testing"

	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

// The three flows that define the product, end to end on both engines.

func TestSignInWithAWallet(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		wallet := apptest.NewWallet(t)
		b := a.Browser()
		first := b.Wallet(wallet, "sign_in").Want(http.StatusOK)
		if first.String("outcome") != "created" || first.String("token") != "" {
			t.Fatalf("first sign-in: %s", first.Body)
		}
		who := b.GET("/v1/session").Want(http.StatusOK)
		if who.String("user.id") != first.String("user.id") || who.String("session.id") != first.String("session.id") {
			t.Fatalf("session: %s", who.Body)
		}
		second := a.Browser().Wallet(wallet, "sign_in").Want(http.StatusOK)
		if second.String("outcome") != "signed_in" || second.String("user.id") != first.String("user.id") {
			t.Fatalf("second sign-in: %s", second.Body)
		}
		ids := b.GET("/v1/me/identities").Want(http.StatusOK)
		if ids.Len("data") != 1 || ids.String("data.0.subject") != "eip155:"+wallet.Address.Hex() ||
			ids.Get("data.0.wallet.primary") != true || ids.String("data.0.wallet.kind") != "eoa" {
			t.Fatalf("identities: %s", ids.Body)
		}
		b.DELETE("/v1/session").Want(http.StatusNoContent)
		b.GET("/v1/session").WantProblem(http.StatusUnauthorized, "unauthenticated")
	})
}

func TestLinkAWalletToAnOAuthAccountAndTheReverse(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		ada := apptest.Person{Name: "Ada", Email: "ada@gmail.com"}
		b := a.Browser()
		if to := b.Provider("google", "sign_in", ada); to.String() != "/account" {
			t.Fatalf("sign-in led to %s", to)
		}
		me := b.GET("/v1/me").Want(http.StatusOK)
		if me.String("primary_email") != "ada@gmail.com" || me.String("display_name") != "Ada" {
			t.Fatalf("me: %s", me.Body)
		}
		wallet := apptest.NewWallet(t)
		linked := b.Wallet(wallet, "link").Want(http.StatusOK)
		if linked.String("outcome") != "linked" || linked.String("user.id") != me.String("id") {
			t.Fatalf("link: %s", linked.Body)
		}
		// The wallet alone finds the same person; GitHub links to a wallet session.
		c := a.Browser()
		if got := c.Wallet(wallet, "sign_in").Want(http.StatusOK).String("user.id"); got != me.String("id") {
			t.Fatalf("wallet found %s, want %s", got, me.String("id"))
		}
		if to := c.Provider("github", "link", apptest.Person{Name: "ada", Email: "ada@work.example"}); to.String() != "/account" {
			t.Fatalf("link led to %s", to)
		}
		ids := c.GET("/v1/me/identities").Want(http.StatusOK)
		if ids.Len("data") != 3 {
			t.Fatalf("identities: %s", ids.Body)
		}
		// Same verified address from another provider: the same person, by policy auto.
		d := a.Browser()
		d.Provider("google", "sign_in", apptest.Person{Name: "Ada", Email: "ada@work.example", HostedDomain: "work.example"})
		if got := d.GET("/v1/me").Want(http.StatusOK).String("id"); got != me.String("id") {
			t.Fatalf("google at work found %s, want %s", got, me.String("id"))
		}
	})
}

func TestManageTeamSessions(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		owner, member := a.Browser(), a.Browser()
		owner.Provider("google", "sign_in", apptest.Person{Name: "Olga", Email: "olga@gmail.com"})
		member.Provider("github", "sign_in", apptest.Person{Name: "Max", Email: "max@mail.example"})
		team := owner.POST("/v1/teams", map[string]any{"name": "Keys"}).Want(http.StatusCreated).String("id")
		path := "/v1/teams/" + team

		owner.POST(path+"/invitations", map[string]any{"email": "Max@Mail.example", "role": "member"}).Want(http.StatusCreated)
		inv := member.GET("/v1/me/invitations").Want(http.StatusOK)
		if inv.Len("data") != 1 || inv.String("data.0.team_name") != "Keys" {
			t.Fatalf("invitations: %s", inv.Body)
		}
		member.POST("/v1/me/invitations/"+inv.String("data.0.id")+"/accept", nil).Want(http.StatusOK)
		entered := member.POST(path+"/sessions", nil).Want(http.StatusCreated)
		if got := member.GET("/v1/session").Want(http.StatusOK); got.String("team_session.team_id") != team || got.String("team_session.role") != "member" {
			t.Fatalf("session: %s", got.Body)
		}
		member.GET(path+"/sessions").WantProblem(http.StatusForbidden, "forbidden")

		list := owner.GET(path + "/sessions?status=active").Want(http.StatusOK)
		if list.Len("data") != 1 || list.String("data.0.id") != entered.String("id") || list.String("data.0.user.display_name") != "Max" ||
			list.String("data.0.methods.0") != "github" {
			t.Fatalf("team sessions: %s", list.Body)
		}
		owner.DELETE(path + "/sessions/" + entered.String("id")).Want(http.StatusNoContent)
		if got := member.GET("/v1/session").Want(http.StatusOK); got.Get("team_session") != nil {
			t.Fatalf("revoked team session is still there: %s", got.Body)
		}
		if got := owner.GET(path + "/sessions?status=revoked").Want(http.StatusOK); got.Len("data") != 1 {
			t.Fatalf("revoked: %s", got.Body)
		}

		member.POST(path+"/sessions", nil).Want(http.StatusCreated)
		max := member.GET("/v1/me").String("id")
		owner.DELETE(path + "/members/" + max).Want(http.StatusNoContent)
		if got := member.GET("/v1/session").Want(http.StatusOK); got.Get("team_session") != nil {
			t.Fatalf("removed member still has a team session: %s", got.Body)
		}
		member.GET(path).WantProblem(http.StatusNotFound, "not_found")
		member.POST(path+"/sessions", nil).WantProblem(http.StatusNotFound, "not_found")
		owner.DELETE(path+"/members/"+owner.GET("/v1/me").String("id")).WantProblem(http.StatusConflict, "last_owner")
	})
}

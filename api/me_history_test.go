package api_test

import (
	"net/http"
	"slices"
	"strconv"
	"testing"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

func TestMyHistory(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		owner := a.Browser()
		owner.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
		b := a.Browser()
		b.Provider("google", "sign_in", apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
		me := b.GET("/v1/me").String("id")
		team := owner.POST("/v1/teams", map[string]any{"name": "Keys"}).Want(http.StatusCreated).String("id")
		owner.POST("/v1/teams/"+team+"/invitations", map[string]any{"email": "ada@gmail.com", "role": "member"}).Want(http.StatusCreated)
		invitation := b.GET("/v1/me/invitations").String("data.0.id")
		b.POST("/v1/me/invitations/"+invitation+"/accept", nil).Want(http.StatusOK)
		owner.DELETE("/v1/teams/" + team + "/members/" + me).Want(http.StatusNoContent)
		for action, ip := range map[string]string{"operator.granted": "", "proof.refused": "203.0.113.9"} { // by the command line, and without a user
			a.Exec("INSERT INTO audit_events (id, at, action, user_id, ip, user_agent, data) "+
				"SELECT '%s', at, '%s', user_id, '%s', '', '{}' FROM audit_events WHERE action = 'user.created' AND user_id = '%s'",
				identity.NewID(), action, ip, me)
		}

		by := map[string]string{}
		var seen []string
		for cursor := ""; ; {
			list := b.GET("/v1/me/history?limit=2" + cursor).Want(http.StatusOK)
			for i := range list.Len("data") {
				at := "data." + strconv.Itoa(i)
				seen = append(seen, list.String(at+".id"))
				by[list.String(at+".action")] = list.String(at + ".by")
				if known := list.Get(at+".ip") != nil; known != (list.String(at+".by") == "self" || list.String(at+".by") == "nobody") {
					t.Errorf("shows from where, or not: %s", list.Body)
				}
			}
			if list.Get("next_cursor") == nil {
				break
			}
			cursor = "&cursor=" + list.String("next_cursor")
		}
		for action, want := range map[string]string{"invitation.accepted": "self", "member.removed": "other", "operator.granted": "service", "proof.refused": "nobody"} {
			if by[action] != want {
				t.Errorf("%s by %q, want %q", action, by[action], want)
			}
		}
		if by["session.created"] != "self" && by["session.created"] != "nobody" {
			t.Errorf("signed in by %q", by["session.created"])
		}
		if slices.Sort(seen); len(slices.Compact(seen)) != len(seen) || by["user.created"] == "" {
			t.Errorf("pages: %v, %v", seen, by)
		}
		if by["team.created"] != "" || by["invitation.created"] != "" {
			t.Errorf("what another did to others: %v", by)
		}
		a.Browser().GET("/v1/me/history").WantProblem(http.StatusUnauthorized, "unauthenticated")
	})
}

func TestMyEmails(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		b := a.Browser()
		b.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
		if none := b.GET("/v1/me/emails").Want(http.StatusOK); none.Len("data") != 0 {
			t.Fatalf("none: %s", none.Body)
		}
		b.Provider("google", "link", apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
		b.Provider("github", "link", apptest.Person{Name: "ada", Email: "ada@work.example"})
		other := a.Browser()
		other.Provider("google", "sign_in", apptest.Person{Name: "Bob", Email: "bob@gmail.com"})
		list := b.GET("/v1/me/emails").Want(http.StatusOK)
		if list.Len("data") != 2 || list.String("data.0.address") != "ada@gmail.com" || list.Get("data.0.primary") != true ||
			list.String("data.0.source") != "google" || list.String("data.1.address") != "ada@work.example" || list.Get("data.1.primary") != false {
			t.Fatalf("two: %s", list.Body)
		}
		a.Browser().GET("/v1/me/emails").WantProblem(http.StatusUnauthorized, "unauthenticated")
	})
}

func TestMyMerges(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		b, _, ticket := twoAccounts(t, a)
		source := b.GET("/v1/me").String("id")
		id := b.POST("/v1/me/merges", map[string]any{"ticket": ticket}).Want(http.StatusOK).String("id")
		if none := b.GET("/v1/me/merges").Want(http.StatusOK); none.Len("data") != 0 {
			t.Fatalf("before: %s", none.Body)
		}
		survivor := b.POST("/v1/me/merges/"+id+"/confirm", map[string]any{}).Want(http.StatusOK).String("user.id")
		list := b.GET("/v1/me/merges").Want(http.StatusOK)
		if list.Len("data") != 1 || list.String("data.0.id") != id || list.String("data.0.source_id") != source ||
			list.String("data.0.survivor_id") != survivor || list.Get("data.0.undone_at") != nil {
			t.Fatalf("after: %s", list.Body)
		}
		// The survivor's history is that of both.
		history := b.GET("/v1/me/history?limit=100").Want(http.StatusOK)
		created := 0
		for i := range history.Len("data") {
			if at := "data." + strconv.Itoa(i); history.String(at+".action") == "user.created" {
				created++
			}
		}
		if created != 2 {
			t.Errorf("%d accounts made: %s", created, history.Body)
		}
		stranger := a.Browser()
		stranger.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
		if none := stranger.GET("/v1/me/merges").Want(http.StatusOK); none.Len("data") != 0 {
			t.Errorf("a stranger's: %s", none.Body)
		}
	})
}

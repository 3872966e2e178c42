package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

// Changes to an account are mailed to the addresses it had before.
func TestNotices(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		b := a.Browser()
		b.Header.Set("User-Agent", "Mozilla/5.0 <b>Firefox</b>")
		b.Provider("google", "sign_in", apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
		wallet := apptest.NewWallet(t)
		b.Wallet(wallet, "link").Want(http.StatusOK)
		letter := a.WaitMail(t, "ada@gmail.com", 1)
		if !strings.Contains(letter.Text, wallet.Address.Hex()) || !strings.Contains(letter.Text, "127.0.0.1") ||
			!strings.Contains(letter.Text, a.Config.PublicURL.String()+"/account") || strings.Contains(letter.HTML, "<b>Firefox</b>") {
			t.Fatalf("letter: %+v", letter)
		}
		// A second address: mailed to the first one, which was there before, in the language
		// that the person reads.
		b.Header.Set("Accept-Language", "de-AT,de;q=0.9,en;q=0.8")
		b.Provider("github", "link", apptest.Person{Name: "ada", Email: "ada@work.example"})
		a.WaitLetter(t, "ada@gmail.com", "hinzugefügt", "github (ada@work.example)", "Von: ")
		b.Header.Del("Accept-Language")
		b.Do(http.MethodPut, "/v1/me/identities/"+identityID(t, b, "github")+"/primary", nil).Want(http.StatusOK)
		a.WaitLetter(t, "ada@gmail.com", "primary address")
		b.DELETE("/v1/me/identities/" + identityID(t, b, "siwe")).Want(http.StatusNoContent)
		for _, address := range []string{"ada@gmail.com", "ada@work.example"} {
			a.WaitLetter(t, address, "removed", wallet.Address.Hex())
		}
	})
}

// A merge is mailed to the addresses of both accounts, with what was gained.
func TestMergeIsToldToBoth(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		old := a.Browser()
		old.Provider("github", "sign_in", apptest.Person{Name: "Old Ada", Email: "old@ada.example"})
		wallet := apptest.NewWallet(t)
		old.Wallet(wallet, "link").Want(http.StatusOK)
		b := a.Browser()
		b.Provider("google", "sign_in", apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
		b.POST("/v1/teams", map[string]any{"name": "Keys"}).Want(http.StatusCreated)
		ticket := b.Wallet(wallet, "link").WantProblem(http.StatusConflict, "identity_taken").String("ticket")
		id := b.POST("/v1/me/merges", map[string]any{"ticket": ticket}).Want(http.StatusOK).String("id")
		b.POST("/v1/me/merges/"+id+"/confirm", map[string]any{}).Want(http.StatusOK)
		for _, address := range []string{"ada@gmail.com", "old@ada.example"} {
			a.WaitLetter(t, address, "were merged", "owner of the team Keys")
		}
	})
}

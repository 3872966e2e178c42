package api_test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

// twoAccounts signs one person in twice: by a wallet in one browser, first, and
// by Google in another. It returns the browser that holds Google's session, the
// wallet of the other account, and a merge ticket.
func twoAccounts(t *testing.T, a *apptest.App) (b *apptest.Browser, w apptest.Wallet, ticket string) {
	t.Helper()
	w = apptest.NewWallet(t)
	old := a.Browser()
	old.Wallet(w, "sign_in").Want(http.StatusOK)
	old.PATCH("/v1/me", map[string]any{"display_name": "Old Ada", "metadata": map[string]any{"plan": "pro", "theme": "dark"}}).Want(http.StatusOK)

	b = a.Browser()
	b.Provider("google", "sign_in", apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
	b.PATCH("/v1/me", map[string]any{"metadata": map[string]any{"plan": "free", "beta": true}}).Want(http.StatusOK)
	refused := b.Wallet(w, "link").WantProblem(http.StatusConflict, "identity_taken")
	if refused.String("ticket_kind") != "merge" {
		t.Fatalf("refusal: %s", refused.Body)
	}
	return b, w, refused.String("ticket")
}

func TestMergePreviewConfirmUndo(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		b, wallet, ticket := twoAccounts(t, a)
		source := b.GET("/v1/me").String("id")
		other := a.Browser() // a second device of the source, which ends
		other.Provider("google", "sign_in", apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
		team := b.POST("/v1/teams", map[string]any{"name": "Keys"}).Want(http.StatusCreated).String("id")
		b.POST("/v1/teams/"+team+"/sessions", nil).Want(http.StatusCreated)

		var preview *apptest.Answer
		a.Unchanged(t, func() {
			preview = b.POST("/v1/me/merges", map[string]any{"ticket": ticket}).Want(http.StatusOK)
		})
		if preview.String("state") != "proposed" || preview.String("source.id") != source || preview.Len("moves.identities") != 1 ||
			preview.String("moves.emails.0") != "ada@gmail.com" || preview.String("moves.teams.0.team_name") != "Keys" ||
			preview.Get("moves.sessions_ended") != float64(2) || preview.String("gains.0.kind") != "membership" {
			t.Fatalf("preview: %s", preview.Body)
		}
		if preview.Len("conflicts") != 2 || preview.String("conflicts.0.field") != "display_name" || preview.String("conflicts.1.field") != "metadata.plan" {
			t.Fatalf("conflicts: %s", preview.Body)
		}
		path := "/v1/me/merges/" + preview.String("id")
		b.GET(path).Want(http.StatusOK)

		merged := b.POST(path+"/confirm", map[string]any{
			"fingerprint": preview.String("fingerprint"), "choices": map[string]any{"display_name": "source"},
		})
		merged.WantProblem(http.StatusConflict, "merge_changed") // another choice is another preview
		preview = b.POST("/v1/me/merges", map[string]any{"ticket": ticket, "choices": map[string]any{"display_name": "source"}}).Want(http.StatusOK)
		merged = b.POST(path+"/confirm", map[string]any{
			"fingerprint": preview.String("fingerprint"), "choices": map[string]any{"display_name": "source"},
		}).Want(http.StatusOK)
		survivor := merged.String("user.id")
		if survivor == source || merged.String("user.display_name") != "Ada" || merged.String("user.primary_email") != "ada@gmail.com" ||
			merged.String("user.metadata.plan") != "pro" || merged.Get("user.metadata.beta") != true {
			t.Fatalf("merged: %s", merged.Body)
		}
		// This browser goes on as the survivor; the source's other device is out.
		if got := b.GET("/v1/session").Want(http.StatusOK); got.String("user.id") != survivor {
			t.Fatalf("session: %s", got.Body)
		}
		other.GET("/v1/session").WantProblem(http.StatusUnauthorized, "unauthenticated")
		if n := b.GET("/v1/me/identities").Len("data"); n != 2 {
			t.Fatalf("%d identities", n)
		}
		b.GET("/v1/teams/" + team).Want(http.StatusOK)
		b.POST("/v1/me/merges", map[string]any{"ticket": ticket}).WantProblem(http.StatusUnauthorized, "ticket_invalid")
		b.POST(path+"/confirm", map[string]any{}).WantProblem(http.StatusUnauthorized, "ticket_invalid")

		// Both sign-in methods find the survivor; an operator finds them by the old id.
		again := a.Browser()
		again.Provider("google", "sign_in", apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
		if got := again.GET("/v1/me").String("id"); got != survivor {
			t.Fatalf("google found %s", got)
		}
		a.Exec("UPDATE users SET operator = true WHERE id = '%s'", survivor)
		found := again.GET("/v1/admin/users/" + source).Want(http.StatusOK)
		if found.String("id") != survivor || found.String("merged_from.0") != source {
			t.Fatalf("by the old id: %s", found.Body)
		}

		a.Advance(11 * time.Minute)
		b.POST(path+"/undo", nil).WantProblem(http.StatusForbidden, "reauth_required")
		keeper := a.Browser()
		keeper.Wallet(wallet, "sign_in").Want(http.StatusOK)
		undone := keeper.POST(path+"/undo", nil).Want(http.StatusOK)
		if undone.String("state") != "undone" {
			t.Fatalf("undone: %s", undone.Body)
		}
		keeper.POST(path+"/undo", nil).WantProblem(http.StatusConflict, "merge_refused")
		b.GET("/v1/session").WantProblem(http.StatusUnauthorized, "unauthenticated") // it signed in with Google
		apart := a.Browser()
		apart.Provider("google", "sign_in", apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
		me := apart.GET("/v1/me").Want(http.StatusOK)
		if me.String("id") != source || me.String("primary_email") != "ada@gmail.com" || me.String("metadata.plan") != "free" {
			t.Fatalf("after undo: %s", me.Body)
		}
		apart.GET("/v1/teams/" + team).Want(http.StatusOK)
		keeper.GET("/v1/teams/"+team).WantProblem(http.StatusNotFound, "not_found")
		if got := keeper.GET("/v1/me"); got.String("display_name") != "Old Ada" || got.Get("primary_email") != nil || got.Get("metadata.beta") != nil {
			t.Fatalf("the survivor after undo: %s", got.Body)
		}
	})
}

func TestMergeTicketIsBound(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		b, wallet, ticket := twoAccounts(t, a)
		id := b.POST("/v1/me/merges", map[string]any{"ticket": ticket}).Want(http.StatusOK).String("id")
		thief := a.Browser()
		thief.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
		thief.POST("/v1/me/merges", map[string]any{"ticket": ticket}).WantProblem(http.StatusUnauthorized, "ticket_invalid")
		thief.GET("/v1/me/merges/"+id).WantProblem(http.StatusNotFound, "not_found")
		thief.POST("/v1/me/merges/"+id+"/confirm", map[string]any{}).WantProblem(http.StatusUnauthorized, "ticket_invalid")
		// The same person in another session is not proven for both there.
		elsewhere := a.Browser()
		elsewhere.Wallet(wallet, "sign_in").Want(http.StatusOK)
		elsewhere.POST("/v1/me/merges/"+id+"/confirm", map[string]any{}).WantProblem(http.StatusUnauthorized, "ticket_invalid")
		a.Advance(10*time.Minute + time.Second)
		b.POST("/v1/me/merges/"+id+"/confirm", map[string]any{}).WantProblem(http.StatusForbidden, "reauth_required")
		a.Advance(5 * time.Minute)
		b.POST("/v1/me/merges", map[string]any{"ticket": ticket}).WantProblem(http.StatusUnauthorized, "ticket_invalid")
	})
}

func TestMergeRaisesARoleOnlyAsShown(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		b, wallet, ticket := twoAccounts(t, a)
		old := a.Browser()
		old.Wallet(wallet, "sign_in").Want(http.StatusOK)
		team := b.POST("/v1/teams", map[string]any{"name": "Keys"}).Want(http.StatusCreated).String("id")
		b.POST("/v1/teams/"+team+"/invitations", map[string]any{"wallet": wallet.Address.Hex(), "role": "member"}).Want(http.StatusCreated)
		inv := old.GET("/v1/me/invitations").String("data.0.id")
		old.POST("/v1/me/invitations/"+inv+"/accept", nil).Want(http.StatusOK)

		preview := b.POST("/v1/me/merges", map[string]any{"ticket": ticket}).Want(http.StatusOK)
		if preview.String("moves.teams.0.becomes") != "owner" || preview.String("gains.0.kind") != "role" {
			t.Fatalf("preview: %s", preview.Body)
		}
		path := "/v1/me/merges/" + preview.String("id")
		b.POST(path+"/confirm", map[string]any{}).WantProblem(http.StatusConflict, "merge_changed")
		b.POST(path+"/confirm", map[string]any{"fingerprint": preview.String("fingerprint")}).Want(http.StatusOK)
		if got := old.GET("/v1/teams/" + team).Want(http.StatusOK).String("role"); got != "owner" {
			t.Fatalf("role %s", got)
		}
		b.POST(path+"/undo", nil).Want(http.StatusOK)
		if got := old.GET("/v1/teams/" + team).Want(http.StatusOK).String("role"); got != "member" {
			t.Fatalf("role after undo %s", got)
		}
	})
}

func TestUndoNamesWhatHasMovedOn(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		b, wallet, ticket := twoAccounts(t, a)
		id := b.POST("/v1/me/merges", map[string]any{"ticket": ticket}).Want(http.StatusOK).String("id")
		b.POST("/v1/me/merges/"+id+"/confirm", map[string]any{}).Want(http.StatusOK)
		b.DELETE("/v1/me/identities/" + identityID(t, b, "google")).Want(http.StatusNoContent)
		keeper := a.Browser()
		keeper.Wallet(wallet, "sign_in").Want(http.StatusOK)
		a.Unchanged(t, func() {
			refused := keeper.POST("/v1/me/merges/"+id+"/undo", nil).WantProblem(http.StatusConflict, "merge_moved_on")
			if detail := refused.String("detail"); !strings.HasPrefix(detail, "since the merge, the sign-in method google (") || !strings.HasSuffix(detail, ") was unlinked; the address ada@gmail.com was removed") {
				t.Errorf("detail: %s", detail)
			}
		}, "outbox") // the notices of before leave meanwhile
		a.Advance(31 * 24 * time.Hour)
		late := a.Browser()
		late.Wallet(wallet, "sign_in").Want(http.StatusOK)
		late.POST("/v1/me/merges/"+id+"/undo", nil).WantProblem(http.StatusConflict, "merge_refused")
	})
}

// A into B and B into A at once: one wins, there is no circle and no deadlock.
func TestOppositeMergesAtOnce(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		wallets := []apptest.Wallet{apptest.NewWallet(t), apptest.NewWallet(t)}
		var browsers []*apptest.Browser
		var users, ids []string
		for _, w := range wallets {
			b := a.Browser()
			users = append(users, b.Wallet(w, "sign_in").Want(http.StatusOK).String("user.id"))
			browsers = append(browsers, b)
		}
		for i, b := range browsers {
			ticket := b.Wallet(wallets[1-i], "link").WantProblem(http.StatusConflict, "identity_taken").String("ticket")
			ids = append(ids, b.POST("/v1/me/merges", map[string]any{"ticket": ticket}).Want(http.StatusOK).String("id"))
		}
		statuses := make([]int, 2)
		var wg sync.WaitGroup
		for i, b := range browsers {
			wg.Go(func() {
				statuses[i] = b.POST("/v1/me/merges/"+ids[i]+"/confirm", map[string]any{"survivor_id": users[i]}).Status
			})
		}
		wg.Wait()
		slices.Sort(statuses)
		if statuses[0] != http.StatusOK || statuses[1] != http.StatusUnauthorized && statuses[1] != http.StatusConflict {
			t.Errorf("statuses %v, want one 200 and one 401 or 409", statuses)
		}
	})
}

func TestOperatorsMergeAndUndo(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		b, wallet, _ := twoAccounts(t, a)
		old := a.Browser()
		old.Wallet(wallet, "sign_in").Want(http.StatusOK)
		ids := []string{b.GET("/v1/me").String("id"), old.GET("/v1/me").String("id")}
		operator := a.Browser()
		me := operator.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK).String("user.id")
		operator.POST("/v1/admin/merges", map[string]any{"user_ids": ids}).WantProblem(http.StatusForbidden, "operator_required")
		a.Exec("UPDATE users SET operator = true WHERE id = '%s'", me)

		var preview *apptest.Answer
		a.Unchanged(t, func() {
			preview = operator.POST("/v1/admin/merges", map[string]any{"user_ids": ids, "dry_run": true}).Want(http.StatusOK)
			operator.POST("/v1/admin/merges", map[string]any{"user_ids": []string{ids[0], ids[0]}}).WantProblem(http.StatusBadRequest, "invalid_request")
			operator.POST("/v1/admin/merges", map[string]any{"user_ids": ids, "fingerprint": "old"}).WantProblem(http.StatusConflict, "merge_changed")
			operator.POST("/v1/admin/merges", map[string]any{"user_ids": ids, "survivor_id": me}).WantProblem(http.StatusBadRequest, "invalid_request")
		})
		merged := operator.POST("/v1/admin/merges", map[string]any{"user_ids": ids, "fingerprint": preview.String("fingerprint")}).Want(http.StatusOK)
		if merged.String("state") != "confirmed" || merged.String("survivor.id") != ids[1] {
			t.Fatalf("merged: %s", merged.Body)
		}
		b.GET("/v1/session").WantProblem(http.StatusUnauthorized, "unauthenticated")
		list := operator.GET("/v1/admin/merges?user_id=" + ids[0]).Want(http.StatusOK)
		if list.Len("data") != 1 || list.String("data.0.actor_id") != me || list.String("data.0.actor.kind") != "user" ||
			list.String("data.0.source.id") != ids[0] || list.String("data.0.source.display_name") != "Ada" || list.String("data.0.source.primary_email") != "ada@gmail.com" ||
			list.String("data.0.survivor.id") != ids[1] || list.String("data.0.survivor.display_name") != "Old Ada" || list.String("data.0.survivor.primary_email") != "ada@gmail.com" {
			t.Fatalf("merges: %s", list.Body)
		}
		operator.POST("/v1/admin/merges/"+merged.String("id")+"/undo", nil).Want(http.StatusOK)
		again := a.Browser()
		again.Provider("google", "sign_in", apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
		if got := again.GET("/v1/me").String("id"); got != ids[0] {
			t.Fatalf("after undo google finds %s, want %s", got, ids[0])
		}
	})
}

// An operator's account is merged on the command line only: neither by an API key
// nor in the panel, nor by a person who proved both accounts.
func TestOperatorsAreNotMergedOverHTTP(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		op, other := operator(t, a), google(t, a, apptest.Person{Name: "Other", Email: "other@gmail.com"})
		grantOperator(t, a, me(other))
		_, key := newKey(t, op, "admin:write")
		key.GET("/v1/admin/users").Want(http.StatusOK) // its first use is noted
		w := apptest.NewWallet(t)
		stranger := a.Browser()
		stranger.Wallet(w, "sign_in").Want(http.StatusOK)
		noteDuplicate(t, a, me(stranger), me(other))
		ticket := other.Wallet(w, "link").WantProblem(http.StatusConflict, "identity_taken").String("ticket")
		a.Unchanged(t, func() {
			for _, b := range []*apptest.Browser{op, key} {
				for _, survivor := range []string{me(stranger), me(other)} {
					for _, dryRun := range []bool{true, false} {
						b.POST("/v1/admin/merges", map[string]any{
							"user_ids": []string{me(other), me(stranger)}, "survivor_id": survivor, "dry_run": dryRun,
						}).WantProblem(http.StatusForbidden, "operator_merge")
					}
				}
			}
			refused := other.POST("/v1/me/merges", map[string]any{"ticket": ticket}).WantProblem(http.StatusForbidden, "operator_merge")
			if !strings.Contains(refused.String("detail"), "latchkey merge") {
				t.Errorf("the refusal does not name the command: %s", refused.Body)
			}
			key.PATCH("/v1/admin/users/"+me(other), map[string]any{"status": "disabled"}).WantProblem(http.StatusForbidden, "forbidden")
		})
		id := me(other)
		op.PATCH("/v1/admin/users/"+id, map[string]any{"status": "disabled"}).Want(http.StatusOK)
		a.Unchanged(t, func() { // nor does it bring one back
			key.PATCH("/v1/admin/users/"+id, map[string]any{"status": "active"}).WantProblem(http.StatusForbidden, "forbidden")
		})
	})
}

// The survivor of a chain of merges sees each of them, and undoes them
// back last one first.
func TestUndoInAChainOfMerges(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		// Wallets alone: without an address there is no mail that leaves meanwhile.
		wallet, other := apptest.NewWallet(t), apptest.NewWallet(t)
		middle := a.Browser().Wallet(wallet, "sign_in").Want(http.StatusOK).String("user.id")
		b := a.Browser()
		source := b.Wallet(other, "sign_in").Want(http.StatusOK).String("user.id")
		ticket := b.Wallet(wallet, "link").WantProblem(http.StatusConflict, "identity_taken").String("ticket")
		first := b.POST("/v1/me/merges", map[string]any{"ticket": ticket}).Want(http.StatusOK).String("id")
		b.POST("/v1/me/merges/"+first+"/confirm", map[string]any{}).Want(http.StatusOK).String("user.id")

		last := a.Browser()
		survivor := last.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK).String("user.id")
		ticket = last.Wallet(wallet, "link").WantProblem(http.StatusConflict, "identity_taken").String("ticket")
		wish := map[string]any{"ticket": ticket, "survivor_id": survivor}
		second := last.POST("/v1/me/merges", wish).Want(http.StatusOK).String("id")
		last.POST("/v1/me/merges/"+second+"/confirm", map[string]any{"survivor_id": survivor}).Want(http.StatusOK)

		operator, stranger := a.Browser(), a.Browser()
		me := operator.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK).String("user.id")
		stranger.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
		a.Exec("UPDATE users SET operator = true WHERE id = '%s'", me)
		if got := last.GET("/v1/me/merges/" + first).Want(http.StatusOK); got.String("source.id") != source || got.String("survivor.id") != middle {
			t.Errorf("the first merge: %s", got.Body)
		}
		a.Unchanged(t, func() {
			stranger.GET("/v1/me/merges/"+first).WantProblem(http.StatusNotFound, "not_found")
			stranger.POST("/v1/me/merges/"+first+"/undo", nil).WantProblem(http.StatusNotFound, "not_found")
			for _, refused := range []*apptest.Answer{
				last.POST("/v1/me/merges/"+first+"/undo", nil).WantProblem(http.StatusConflict, "merge_moved_on"),
				operator.POST("/v1/admin/merges/"+first+"/undo", nil).WantProblem(http.StatusConflict, "merge_moved_on"),
			} {
				if !strings.Contains(refused.String("detail"), second) {
					t.Errorf("the refusal does not name the later merge: %s", refused.Body)
				}
			}
		})

		last.POST("/v1/me/merges/"+second+"/undo", nil).Want(http.StatusOK)
		a.Unchanged(t, func() { // it is no longer theirs
			last.POST("/v1/me/merges/"+first+"/undo", nil).WantProblem(http.StatusNotFound, "not_found")
		})
		again := a.Browser()
		if got := again.Wallet(wallet, "sign_in").Want(http.StatusOK).String("user.id"); got != middle {
			t.Fatalf("the wallet finds %s, want %s", got, middle)
		}
		again.POST("/v1/me/merges/"+first+"/undo", nil).Want(http.StatusOK)
		apart := a.Browser()
		if got := apart.Wallet(other, "sign_in").Want(http.StatusOK).String("user.id"); got != source {
			t.Fatalf("the other wallet finds %s, want %s", got, source)
		}
	})
}

// A team session ends with the session that it is in, also where an undo ended
// that one and its user stays in the team.
func TestUndoEndsTeamSessions(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		b, wallet, ticket := twoAccounts(t, a)
		keeper := a.Browser()
		keeper.Wallet(wallet, "sign_in").Want(http.StatusOK)
		team := keeper.POST("/v1/teams", map[string]any{"name": "Keys"}).Want(http.StatusCreated).String("id")
		id := b.POST("/v1/me/merges", map[string]any{"ticket": ticket}).Want(http.StatusOK).String("id")
		b.POST("/v1/me/merges/"+id+"/confirm", map[string]any{}).Want(http.StatusOK)
		b.POST("/v1/teams/"+team+"/sessions", nil).Want(http.StatusCreated)
		keeper.POST("/v1/teams/"+team+"/sessions", nil).Want(http.StatusCreated)
		keeper.POST("/v1/me/merges/"+id+"/undo", nil).Want(http.StatusOK)

		b.GET("/v1/session").WantProblem(http.StatusUnauthorized, "unauthenticated") // it signed in with Google
		for status, want := range map[string]int{"active": 1, "revoked": 1} {
			if got := keeper.GET("/v1/teams/" + team + "/sessions?status=" + status).Want(http.StatusOK).Len("data"); got != want {
				t.Errorf("%d %s team sessions, want %d", got, status, want)
			}
		}
	})
}

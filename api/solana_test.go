package api_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/latchkey/latchkey/internal/testkit/apptest"
	"github.com/latchkey/latchkey/internal/testkit/solanatest"
)

const onSolana = "LATCHKEY_SOLANA_NETWORKS=mainnet,devnet"

// A Solana account is an identity like any other, for everything that identities go
// through.
func TestSolana(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		w, ada := solanatest.New(t), a.Browser()
		c := ada.SolanaChallenge(w, "sign_in").Want(http.StatusOK)
		if in := c.Get("input").(map[string]any); in["chainId"] != "solana:mainnet" || in["address"] != w.Address || in["uri"] != a.URL || !strings.Contains(c.String("message"), in["nonce"].(string)) {
			t.Fatalf("asked for %s", c.Body)
		}
		body := object{"message": c.String("message"), "signature": w.Sign(c.String("message"))}
		a.Unchanged(t, func() { // the attacker's own, in the browser of the victim
			a.Browser().POST("/v1/auth/solana/verify", body).WantProblem(http.StatusUnauthorized, "invalid_proof")
			ada.With("Origin", "https://evil.example").POST("/v1/auth/solana/verify", body).WantProblem(http.StatusForbidden, "origin_not_allowed")
		})
		var wg sync.WaitGroup
		answers := make([]*apptest.Answer, 20)
		for i := range answers {
			one := a.Browser()
			one.SetCookie("latchkey-flow", ada.Cookie("latchkey-flow"))
			wg.Go(func() { answers[i] = one.POST("/v1/auth/solana/verify", body) })
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
		if won != 1 || a.Count("sessions", "true") != 1 {
			t.Fatalf("%d of %d won", won, len(answers))
		}

		in := ada.Solana(w, "sign_in").Want(http.StatusOK)
		id := in.String("user.id")
		if in.String("outcome") != "signed_in" || a.Count("users", "true") != 1 {
			t.Fatalf("signed in: %s", in.Body)
		}
		list := ada.GET("/v1/me/identities").Want(http.StatusOK)
		if list.String("data.0.provider") != "solana" || list.String("data.0.subject") != "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp:"+w.Address ||
			list.String("data.0.solana.address") != w.Address || list.String("data.0.solana.network") != "mainnet" {
			t.Errorf("listed: %s", list.Body)
		}

		// Linking, by a recent session only; one account of each network.
		a.Advance(time.Hour)
		second := solanatest.New(t)
		ada.Solana(second, "link").WantProblem(http.StatusForbidden, "reauth_required")
		if up := ada.Solana(w, "step_up").Want(http.StatusOK); up.String("outcome") != "stepped_up" {
			t.Errorf("stepped up: %s", up.Body)
		}
		if linked := ada.Solana(second, "link").Want(http.StatusOK); linked.String("outcome") != "linked" || linked.String("user.id") != id {
			t.Errorf("linked: %s", linked.Body)
		}
		dev := ada.POST("/v1/auth/solana/challenge", object{"address": w.Address, "network": "devnet", "purpose": "link"}).Want(http.StatusOK).String("message")
		ada.POST("/v1/auth/solana/verify", object{"message": dev, "signature": w.Sign(dev)}).Want(http.StatusOK)
		ada.Wallet(apptest.NewWallet(t), "link").Want(http.StatusOK)
		if n := a.Count("identities", "user_id = '%s'", id); n != 4 {
			t.Errorf("%d identities", n)
		}

		// Of another user: a merge, and its undo.
		theirs, other := solanatest.New(t), a.Browser()
		source := other.Solana(theirs, "sign_in").Want(http.StatusOK).String("user.id")
		taken := ada.Solana(theirs, "link").WantProblem(http.StatusConflict, "identity_taken")
		preview := ada.POST("/v1/me/merges", object{"ticket": taken.String("ticket")}).Want(http.StatusOK)
		if preview.String("source.primary_wallet") != theirs.Address && preview.String("survivor.primary_wallet") != theirs.Address {
			t.Errorf("who it is about is not shown: %s", preview.Body)
		}
		path := "/v1/me/merges/" + preview.String("id")
		ada.POST(path+"/confirm", object{"fingerprint": preview.String("fingerprint")}).Want(http.StatusOK)
		if got := a.Browser().Solana(theirs, "sign_in").Want(http.StatusOK).String("user.id"); got != me(ada) {
			t.Errorf("after the merge: signed in as %s", got)
		}
		ada.Solana(w, "step_up").Want(http.StatusOK)
		ada.POST(path+"/undo", nil).Want(http.StatusOK)
		if got := a.Browser().Solana(theirs, "sign_in").Want(http.StatusOK).String("user.id"); got != source {
			t.Errorf("after the undo: signed in as %s, not %s", got, source)
		}

		// A policy, the history, unlinking, and the last method.
		team := ada.POST("/v1/teams", object{"name": "Keys"}).Want(http.StatusCreated).String("id")
		ada.Do(http.MethodPut, "/v1/teams/"+team+"/policy", object{"required_providers": []string{"solana"}}).Want(http.StatusOK)
		ada.POST("/v1/teams/"+team+"/sessions", nil).Want(http.StatusCreated)
		if history := ada.GET("/v1/me/history").Want(http.StatusOK); !strings.Contains(string(history.Body), `"solana"`) {
			t.Errorf("history: %s", history.Body)
		}
		ids := ada.GET("/v1/me/identities").Want(http.StatusOK)
		last := a.Browser()
		last.Solana(second, "sign_in").Want(http.StatusOK)
		kept := ""
		for _, i := range ids.Get("data").([]any) {
			i := i.(map[string]any)
			if strings.HasSuffix(i["subject"].(string), second.Address) {
				kept = i["id"].(string)
				continue
			}
			last.DELETE("/v1/me/identities/" + i["id"].(string)).Want(http.StatusNoContent)
		}
		last.DELETE("/v1/me/identities/"+kept).WantProblem(http.StatusConflict, "last_identity")
		a.Browser().Solana(w, "sign_in").Want(http.StatusOK)
		if a.Count("users", "true") != 3 {
			t.Error("an account that was unlinked still opens its former user")
		}
	}, onSolana)
}

// Without networks there is no such method, and the pages are not offered one.
func TestSolanaIsOff(t *testing.T) {
	t.Parallel()
	a := apptest.SQLite(t)
	w := solanatest.New(t)
	a.Browser().SolanaChallenge(w, "sign_in").WantProblem(http.StatusNotFound, "provider_not_configured")
	a.Browser().POST("/v1/auth/solana/verify", object{"message": "text", "signature": "1"}).WantProblem(http.StatusNotFound, "provider_not_configured")
	if list := a.Browser().GET("/v1/auth/providers"); strings.Contains(string(list.Body), "solana") {
		t.Errorf("offered: %s", list.Body)
	}
}

// What the domain of a deployment allows: a wallet has no address. Signing up is for
// Solana wallets alone.
func TestSolanaRules(t *testing.T) {
	t.Parallel()
	closed := apptest.SQLite(t, onSolana, "LATCHKEY_ALLOWED_EMAIL_DOMAINS=acme.com")
	closed.Browser().Solana(solanatest.New(t), "sign_in").WantProblem(http.StatusForbidden, "domain_not_allowed")
	open := apptest.SQLite(t, onSolana, "LATCHKEY_ALLOWED_EMAIL_DOMAINS=acme.com", "LATCHKEY_SOLANA_ALLOWED_EMAIL_DOMAINS=any",
		"LATCHKEY_SIWE_STATEMENT=I accept the terms.", "LATCHKEY_SIWE_TERMS_VERSION=3")
	w, b := solanatest.New(t), open.Browser()
	b.Solana(w, "sign_in").Want(http.StatusOK)
	if list := b.GET("/v1/me/identities"); list.String("data.0.solana.terms_version") != "3" || open.Count("audit_events", "data LIKE '%%terms_version%%'") == 0 {
		t.Errorf("terms: %s", list.Body)
	}
	listed := open.Browser().GET("/v1/auth/providers")
	if !strings.Contains(string(listed.Body), `"kind":"solana","name":"solana","networks":["mainnet","devnet"]`) {
		t.Errorf("offered: %s", listed.Body)
	}
	for name, body := range map[string]object{
		"another network": {"network": "localnet"}, "no address": {"address": ""}, "an Ethereum address": {"address": "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2"},
		"a long address": {"address": strings.Repeat("1", 45)}, "a purpose": {"purpose": "merge"}, "a number": {"address": 1}, "an unknown field": {"chain_id": 1},
	} {
		if got := open.Browser().POST("/v1/auth/solana/challenge", body); got.Status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", name, got.Status, got.Body)
		}
	}
	if got := open.Browser().POST("/v1/auth/solana/challenge", object{"network": "testnet"}).WantProblem(http.StatusBadRequest, "invalid_request"); got.String("field") != "network" ||
		!strings.Contains(got.String("detail"), "mainnet or devnet") {
		t.Errorf("which networks there are is not said: %s", got.Body)
	}
}

package api_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

// chainRPC is an endpoint of a chain on which every address has code, and the
// code accepts whatever is put before it while accepts is true. The EVM itself
// is tested in package siwe.
func chainRPC(t *testing.T, chainID string, accepts *atomic.Bool) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var call struct {
			ID     json.RawMessage `json:"id"`
			Method string          `json:"method"`
		}
		if err := json.NewDecoder(r.Body).Decode(&call); err != nil {
			t.Error(err)
		}
		result := `"0x"`
		switch {
		case call.Method == "eth_chainId":
			result = `"` + chainID + `"`
		case call.Method == "eth_getCode":
			result = `"0x6001"`
		case call.Method == "eth_call" && accepts.Load():
			result = `"0x1626ba7e` + strings.Repeat("0", 56) + `"`
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"jsonrpc":"2.0","id":` + string(call.ID) + `,"result":` + result + `}`))
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// contractSignIn signs in as a contract at an address on a chain, with a
// signature that no key has made.
func contractSignIn(t *testing.T, b *apptest.Browser, address common.Address, chain int) *apptest.Answer {
	t.Helper()
	message := b.POST("/v1/auth/siwe/challenge", map[string]any{"address": address.Hex(), "chain_id": chain}).
		Want(http.StatusOK).String("message")
	return b.POST("/v1/auth/siwe/verify", map[string]any{"message": message, "signature": "0x" + strings.Repeat("ab", 100)})
}

func TestContractWallets(t *testing.T) {
	t.Parallel()
	var accepts atomic.Bool
	accepts.Store(true)
	a := apptest.SQLite(t, "LATCHKEY_ETHEREUM_RPC=1="+chainRPC(t, "0x1", &accepts)+",10="+chainRPC(t, "0xa", &accepts), "LATCHKEY_SIWE_CHALLENGE_MINUTES=120")
	address := common.HexToAddress("0x00000000000000000000000000000000000c0de1")

	b := a.Browser()
	first := contractSignIn(t, b, address, 1).Want(http.StatusOK)
	ids := b.GET("/v1/me/identities").Want(http.StatusOK)
	if ids.String("data.0.subject") != "eip155:1:"+address.Hex() || ids.String("data.0.wallet.kind") != "contract" {
		t.Fatalf("identities: %s", ids.Body)
	}
	// The contract at this address on another chain may be another person's.
	if other := contractSignIn(t, a.Browser(), address, 10).Want(http.StatusOK); other.String("user.id") == first.String("user.id") {
		t.Fatal("one user for two chains")
	}
	if again := contractSignIn(t, a.Browser(), address, 1).Want(http.StatusOK); again.String("user.id") != first.String("user.id") {
		t.Fatal("another user at the second sign-in")
	}
	// Owners who approve on the chain leave the signature empty, and need their time.
	d := a.Browser()
	message := d.POST("/v1/auth/siwe/challenge", map[string]any{"address": address.Hex(), "chain_id": 1}).Want(http.StatusOK).String("message")
	a.Advance(100 * time.Minute)
	empty := map[string]any{"message": message, "signature": "0x"}
	accepts.Store(false) // they revoked it, and approve again
	d.POST("/v1/auth/siwe/verify", empty).WantProblem(http.StatusUnauthorized, "invalid_proof")
	accepts.Store(true)
	if approved := d.POST("/v1/auth/siwe/verify", empty).Want(http.StatusOK); approved.String("user.id") != first.String("user.id") {
		t.Fatal("another user by an approval")
	}
	d.POST("/v1/auth/siwe/verify", empty).WantProblem(http.StatusUnauthorized, "proof_used")
	if listed := a.Browser().GET("/v1/auth/providers").Want(http.StatusOK); !strings.Contains(string(listed.Body), `"chains":[{"contracts":true,"id":1,"name":"Ethereum"},{"contracts":true,"id":10,"name":"OP Mainnet"}]`) {
		t.Errorf("chains: %s", listed.Body)
	}
	accepts.Store(false) // the owner was removed
	contractSignIn(t, a.Browser(), address, 1).WantProblem(http.StatusUnauthorized, "invalid_proof")
	ready := a.Browser().GET("/readyz").Want(http.StatusOK)
	if ready.String("checks.ethereum_rpc_1") != "ok" {
		t.Fatalf("ready: %s", ready.Body)
	}
}

// The RPC down, or of another chain, stops contract wallets only.
func TestContractWalletsWithoutTheirChain(t *testing.T) {
	t.Parallel()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	var accepts atomic.Bool
	accepts.Store(true)
	address := common.HexToAddress("0x00000000000000000000000000000000000c0de1")
	for name, endpoint := range map[string]string{"down": gone.URL, "another chain": chainRPC(t, "0x2105", &accepts)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := apptest.SQLite(t, "LATCHKEY_ETHEREUM_RPC=1="+endpoint)
			refused := contractSignIn(t, a.Browser(), address, 1).WantProblem(http.StatusServiceUnavailable, "unavailable")
			if refused.Header.Get("Retry-After") == "" || refused.Get("retry_after") == nil {
				t.Fatalf("no hint when to try again: %s", refused.Body)
			}
			a.Browser().Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
			ready := a.Browser().GET("/readyz").Want(http.StatusOK)
			if !strings.HasPrefix(ready.String("checks.ethereum_rpc_1"), "down") {
				t.Fatalf("ready: %s", ready.Body)
			}
		})
	}
	t.Run("none configured", func(t *testing.T) {
		t.Parallel()
		a := apptest.SQLite(t)
		if got := contractSignIn(t, a.Browser(), address, 1); got.Status < 400 || got.Status >= 500 {
			t.Fatalf("%d %s", got.Status, got.Body)
		}
	})
}

func TestStatementTermsAndResources(t *testing.T) {
	t.Parallel()
	a := apptest.SQLite(t, "LATCHKEY_SIWE_STATEMENT=I accept the terms.", "LATCHKEY_SIWE_TERMS_VERSION=2026-01",
		"LATCHKEY_SIWE_RESOURCES=https://example.com/terms")
	b, wallet := a.Browser(), apptest.NewWallet(t)
	message := b.Challenge(wallet, "sign_in").Want(http.StatusOK).String("message")
	if !strings.Contains(message, "\n\nI accept the terms.\n\n") || !strings.HasSuffix(message, "\nResources:\n- https://example.com/terms") {
		t.Fatalf("message: %q", message)
	}
	b.Wallet(wallet, "sign_in").Want(http.StatusOK)
	if got := b.GET("/v1/me/identities").Want(http.StatusOK); got.String("data.0.wallet.terms_version") != "2026-01" {
		t.Fatalf("identities: %s", got.Body)
	}
	// A message built without the statement does not agree to the terms.
	c, other := a.Browser(), apptest.NewWallet(t)
	bare := strings.Replace(c.Challenge(other, "sign_in").String("message"), "I accept the terms.\n", "", 1)
	c.POST("/v1/auth/siwe/verify", map[string]any{"message": bare, "signature": other.Sign(t, bare)}).Want(http.StatusOK)
	if got := c.GET("/v1/me/identities").Want(http.StatusOK); got.Get("data.0.wallet.terms_version") != nil {
		t.Fatalf("identities: %s", got.Body)
	}
}

func TestPrimaryAndLabel(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		b := a.Browser()
		b.Provider("google", "sign_in", apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
		b.Wallet(apptest.NewWallet(t), "link").Want(http.StatusOK)
		b.Wallet(apptest.NewWallet(t), "link").Want(http.StatusOK)
		b.Provider("github", "link", apptest.Person{Name: "ada", Email: "ada@work.example"})
		ids := b.GET("/v1/me/identities").Want(http.StatusOK)
		if ids.Get("data.1.wallet.primary") != true || ids.Get("data.2.wallet.primary") != false {
			t.Fatalf("identities: %s", ids.Body)
		}
		path := func(i string) string { return "/v1/me/identities/" + ids.String("data."+i+".id") }
		if got := b.Do(http.MethodPut, path("2")+"/primary", nil).Want(http.StatusOK); got.Get("wallet.primary") != true {
			t.Fatalf("primary: %s", got.Body)
		}
		if got := b.GET("/v1/me/identities"); got.Get("data.1.wallet.primary") != false || got.Get("data.2.wallet.primary") != true {
			t.Fatalf("identities: %s", got.Body)
		}
		b.Do(http.MethodPut, path("3")+"/primary", nil).Want(http.StatusOK)
		if got := b.GET("/v1/me").String("primary_email"); got != "ada@work.example" {
			t.Fatalf("primary address %s", got)
		}
		if got := b.PATCH(path("1"), map[string]any{"label": " Ledger "}).Want(http.StatusOK).String("label"); got != "Ledger" {
			t.Fatalf("label %q", got)
		}
		b.PATCH(path("1"), map[string]any{"label": "a\nb"}).WantProblem(http.StatusBadRequest, "invalid_request")
		stranger := a.Browser()
		stranger.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
		stranger.PATCH(path("1"), map[string]any{"label": "mine"}).WantProblem(http.StatusNotFound, "not_found")
		stranger.Do(http.MethodPut, path("2")+"/primary", nil).WantProblem(http.StatusNotFound, "not_found")
		// An address that is shown but not vouched for is not the user's.
		stranger.Provider("google", "link", apptest.Person{Name: "S", Email: "s@elsewhere.example", Unverified: true})
		stranger.Do(http.MethodPut, "/v1/me/identities/"+identityID(t, stranger, "google")+"/primary", nil).
			WantProblem(http.StatusConflict, "no_verified_address")
	})
}

package api_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

// namesRPC is an endpoint of mainnet on which names resolve to accounts. The EVM
// itself, and contracts that lie, are tested in package ens.
type namesRPC struct {
	*httptest.Server

	mu    sync.Mutex
	names map[common.Hash]common.Address
	down  bool
	asked int
}

func (n *namesRPC) set(change func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	change()
}

func newNamesRPC(t *testing.T) *namesRPC {
	t.Helper()
	n := &namesRPC{names: map[common.Hash]common.Address{}}
	n.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var call struct {
			ID     json.RawMessage   `json:"id"`
			Params []json.RawMessage `json:"params"`
		}
		var to struct {
			To    common.Address `json:"to"`
			Input hexutil.Bytes  `json:"input"`
		}
		n.mu.Lock()
		defer n.mu.Unlock()
		n.asked++
		if n.down {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		if err := json.NewDecoder(r.Body).Decode(&call); err != nil {
			t.Error(err)
		}
		result := `"0x1"` // the chain id
		if len(call.Params) > 0 {
			if err := json.Unmarshal(call.Params[0], &to); err != nil || len(to.Input) < 36 {
				t.Errorf("%s: %v", call.Params, err)
				return
			}
			// The registry names one resolver for all, which knows the accounts.
			var answer common.Hash
			if owner, ok := n.names[common.Hash(to.Input[4:36])]; ok {
				answer = common.BytesToHash(owner[:])
				if to.To == common.HexToAddress("0x00000000000C2E074eC69A0dFb2997BA6C7d2e1e") {
					answer = common.HexToHash("0xc0ffee0000")
				}
			}
			result = `"` + answer.Hex() + `"`
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"jsonrpc":"2.0","id":` + string(call.ID) + `,"result":` + result + `}`))
	}))
	t.Cleanup(n.Close)
	return n
}

// own makes a name resolve to an account.
func (n *namesRPC) own(name string, a common.Address) {
	var node common.Hash
	labels := strings.Split(name, ".")
	for i := len(labels) - 1; i >= 0; i-- {
		node = crypto.Keccak256Hash(node[:], crypto.Keccak256([]byte(labels[i])))
	}
	n.set(func() { n.names[node] = a })
}

func TestUsersByENSName(t *testing.T) {
	rpc := newNamesRPC(t)
	alice, nobody := apptest.NewWallet(t), apptest.NewWallet(t)
	rpc.own("alice.eth", alice.Address)
	rpc.own("nobody.eth", nobody.Address)
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		op := google(t, a, apptest.Person{Name: "Op", Email: "op@gmail.com"})
		b := a.Browser()
		b.Wallet(alice, "sign_in").Want(http.StatusOK)
		find := func(query string) *apptest.Answer { return op.GET("/v1/admin/users?" + query) }
		find("ens_name=alice.eth").WantProblem(http.StatusForbidden, "operator_required")
		grantOperator(t, a, me(op))

		for _, query := range []string{"ens_name=alice.eth", "ens_name=ALICE.eth", "ens_name=alice.eth&wallet=" + alice.Address.Hex()} {
			if got := find(query).Want(http.StatusOK); got.Len("data") != 1 || got.String("data.0.id") != me(b) {
				t.Errorf("%s: %s", query, got.Body)
			}
		}
		for _, query := range []string{
			"ens_name=bob.eth", "ens_name=nobody.eth", "ens_name=alice.eth&wallet=" + nobody.Address.Hex(), "ens_name=alice.eth&email=op@gmail.com",
		} {
			if got := find(query).Want(http.StatusOK); got.Len("data") != 0 || got.Get("next_cursor") != nil {
				t.Errorf("%s: %s", query, got.Body)
			}
		}
		for _, name := range []string{"alice", "álice.eth", "\u212aate.eth", "alice.eth\n", "a lice.eth", "👻.eth", ".eth"} {
			if got := find("ens_name="+url.QueryEscape(name)).WantProblem(http.StatusBadRequest, "invalid_request"); got.String("field") != "ens_name" {
				t.Errorf("%q: %s", name, got.Body)
			}
		}
		find("ens_name=").WantProblem(http.StatusBadRequest, "invalid_request")
		if kinds := op.GET("/v1/auth/providers").Want(http.StatusOK); !strings.Contains(string(kinds.Body), `"ens_names":true`) {
			t.Errorf("not listed: %s", kinds.Body)
		}
	}, "LATCHKEY_ETHEREUM_RPC=1="+rpc.URL)
}

// An endpoint that does not answer is never reported as an empty result.
func TestUsersByENSNameWithoutTheChain(t *testing.T) {
	t.Parallel()
	operator := func(t *testing.T, env ...string) *apptest.Browser {
		a := apptest.SQLite(t, env...)
		b := google(t, a, apptest.Person{Name: "Op", Email: "op@gmail.com"})
		grantOperator(t, a, me(b))
		return b
	}
	t.Run("none configured", func(t *testing.T) {
		t.Parallel()
		for _, env := range [][]string{nil, {"LATCHKEY_ETHEREUM_RPC=10=http://127.0.0.1:1"}} {
			op := operator(t, env...)
			refused := op.GET("/v1/admin/users?ens_name=alice.eth").WantProblem(http.StatusBadRequest, "invalid_request")
			if refused.String("field") != "ens_name" || !strings.Contains(refused.String("detail"), "LATCHKEY_ETHEREUM_RPC") {
				t.Errorf("%s", refused.Body)
			}
			if list := op.GET("/v1/auth/providers").Want(http.StatusOK); strings.Contains(string(list.Body), "ens_names") {
				t.Errorf("promised: %s", list.Body)
			}
		}
	})
	t.Run("down", func(t *testing.T) {
		t.Parallel()
		rpc, alice := newNamesRPC(t), apptest.NewWallet(t)
		rpc.own("alice.eth", alice.Address)
		op := operator(t, "LATCHKEY_ETHEREUM_RPC=1="+rpc.URL+"/secret-key")
		rpc.set(func() { rpc.down = true })
		refused := op.GET("/v1/admin/users?ens_name=alice.eth").WantProblem(http.StatusServiceUnavailable, "unavailable")
		if refused.Header.Get("Retry-After") == "" || strings.Contains(string(refused.Body), "secret-key") || strings.Contains(refused.String("detail"), "database") {
			t.Errorf("%v %s", refused.Header, refused.Body)
		}
		// The rest of the page does not need the chain.
		op.GET("/v1/admin/users?wallet=" + alice.Address.Hex()).Want(http.StatusOK)
		rpc.set(func() { rpc.down = false })
		op.GET("/v1/admin/users?ens_name=alice.eth").Want(http.StatusOK)
	})
	t.Run("only for operators", func(t *testing.T) {
		t.Parallel()
		rpc := newNamesRPC(t)
		a := apptest.SQLite(t, "LATCHKEY_ETHEREUM_RPC=1="+rpc.URL)
		eve := google(t, a, apptest.Person{Name: "Eve", Email: "eve@gmail.com"})
		eve.GET("/v1/admin/users?ens_name=alice.eth").WantProblem(http.StatusForbidden, "operator_required")
		rpc.set(func() {
			if rpc.asked != 0 {
				t.Errorf("the chain was asked %d times", rpc.asked)
			}
		})
	})
}

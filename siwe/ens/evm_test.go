package ens_test

import (
	"context"
	"encoding/json"
	"errors"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/state"
	"github.com/ethereum/go-ethereum/core/tracing"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/core/vm/runtime"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/params"
	"github.com/ethereum/go-ethereum/rpc"
)

const apiKey = "s3cr3t-api-key" // in every URL

var registry = common.HexToAddress("0x00000000000C2E074eC69A0dFb2997BA6C7d2e1e")

// mainnet is a chain in this process: go-ethereum's own EVM, state and JSON-RPC
// server, with a registry of names.
type mainnet struct {
	id    uint64
	mu    sync.Mutex
	state *state.StateDB
	count byte
	asked atomic.Int64
}

func newMainnet(t testing.TB, id uint64) *mainnet {
	t.Helper()
	s, err := state.New(types.EmptyRootHash, state.NewDatabaseForTesting())
	ok(t, err)
	m := &mainnet{id: id, state: s}
	m.put(t, registry, "Registry")
	return m
}

// put puts a contract of testdata at an address.
func (m *mainnet) put(t testing.TB, at common.Address, name string) {
	t.Helper()
	code, err := loadCode()
	ok(t, err)
	if len(code[name]) == 0 {
		t.Fatalf("testdata has no %s", name)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.state.SetCode(at, code[name], tracing.CodeChangeUnspecified)
	m.finalise()
}

func (m *mainnet) deploy(t testing.TB, name string) common.Address {
	m.count++
	at := common.Address{0xc0, 18: m.count}
	m.put(t, at, name)
	return at
}

func (m *mainnet) finalise() {
	m.state.Finalise(params.MergedTestChainConfig.Rules(new(big.Int), true, 0))
}

func (m *mainnet) config(s *state.StateDB, gas uint64) *runtime.Config {
	chain := *params.MergedTestChainConfig
	chain.ChainID = new(big.Int).SetUint64(m.id)
	return &runtime.Config{ChainConfig: &chain, GasLimit: gas, State: s}
}

// send is a transaction: a call that stays.
func (m *mainnet) send(t testing.TB, to common.Address, signature string, args ...any) {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	_, _, err := runtime.Call(to, calldata(t, signature, args...), m.config(m.state, 30_000_000))
	ok(t, err)
	m.finalise()
}

// url serves the chain as a node does.
func (m *mainnet) url(t testing.TB) string {
	t.Helper()
	server := rpc.NewServer()
	ok(t, server.RegisterName("eth", &ethAPI{m}))
	t.Cleanup(server.Stop)
	return serve(t, server)
}

func serve(t testing.TB, h http.Handler) string {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL + "/v2/" + apiKey + "?key=" + apiKey
}

type ethAPI struct{ m *mainnet }

func (a *ethAPI) ChainId() hexutil.Uint64 { // the name is the method's on the wire
	a.m.asked.Add(1)
	return hexutil.Uint64(a.m.id)
}

type callArgs struct {
	To    common.Address `json:"to"`
	Input hexutil.Bytes  `json:"input"`
	Gas   hexutil.Uint64 `json:"gas"`
}

func (a *ethAPI) Call(_ context.Context, args callArgs, _ string) (hexutil.Bytes, error) {
	a.m.asked.Add(1)
	if args.Gas == 0 || args.Gas > 1_000_000 {
		return nil, errors.New("the call's gas is not capped")
	}
	a.m.mu.Lock()
	s := a.m.state.Copy() // an eth_call leaves nothing behind
	a.m.mu.Unlock()
	out, _, err := runtime.Call(args.To, args.Input, a.m.config(s, uint64(args.Gas)))
	if errors.Is(err, vm.ErrExecutionReverted) {
		return nil, revertError{out}
	}
	return out, err
}

// revertError is what Geth sends for a revert.
type revertError struct{ data []byte }

func (revertError) Error() string    { return "execution reverted" }
func (revertError) ErrorCode() int   { return 3 }
func (e revertError) ErrorData() any { return hexutil.Encode(e.data) }

var loadCode = sync.OnceValues(func() (map[string]hexutil.Bytes, error) {
	raw, err := os.ReadFile("testdata/deployed.json")
	if err != nil {
		return nil, err
	}
	var file struct {
		Deployed map[string]hexutil.Bytes `json:"deployed"`
	}
	return file.Deployed, json.Unmarshal(raw, &file)
})

// calldata is abi.encodeWithSignature.
func calldata(t testing.TB, signature string, args ...any) []byte {
	t.Helper()
	types := strings.TrimSuffix(signature[strings.IndexByte(signature, '(')+1:], ")")
	return append(crypto.Keccak256([]byte(signature))[:4:4], encode(t, types, args...)...)
}

// encode is abi.encode.
func encode(t testing.TB, types string, args ...any) []byte {
	t.Helper()
	var arguments abi.Arguments
	for name := range strings.SplitSeq(types, ",") {
		typ, err := abi.NewType(name, "", nil)
		ok(t, err)
		arguments = append(arguments, abi.Argument{Type: typ})
	}
	out, err := arguments.Pack(args...)
	ok(t, err)
	return out
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("unexpected error: %v", err)
	}
}

func equal[T comparable](t testing.TB, want, got T) {
	t.Helper()
	if want != got {
		t.Fatalf("want %#v\n got %#v", want, got)
	}
}

package siwe_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math/big"
	"net/http"
	"os"
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

// evm is a chain in this process: go-ethereum's own EVM and state, served by
// go-ethereum's own JSON-RPC server.
type evm struct {
	id     uint64
	mu     sync.Mutex
	state  *state.StateDB
	nextID byte
	calls  atomic.Int64 // of eth_call
	asked  atomic.Int64 // of anything
}

func newEVM(t testing.TB, id uint64) *evm {
	t.Helper()
	s, err := state.New(types.EmptyRootHash, state.NewDatabaseForTesting())
	ok(t, err)
	return &evm{id: id, state: s}
}

func (e *evm) finalise() {
	e.state.Finalise(params.MergedTestChainConfig.Rules(new(big.Int), true, 0))
}

func (e *evm) config(s *state.StateDB, from common.Address, gas uint64) *runtime.Config {
	chain := *params.MergedTestChainConfig
	chain.ChainID = new(big.Int).SetUint64(e.id)
	return &runtime.Config{ChainConfig: &chain, Origin: from, GasLimit: gas, State: s}
}

// deploy makes a contract of testdata with its constructor's arguments.
func (e *evm) deploy(t testing.TB, name string, args ...any) common.Address {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.nextID++
	_, at, _, err := runtime.Create(initCode(t, name, args...), e.config(e.state, common.Address{0xde, e.nextID}, 10_000_000))
	ok(t, err)
	e.finalise()
	return at
}

// send is a transaction: a call that stays.
func (e *evm) send(t testing.TB, from, to common.Address, data []byte) {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	_, _, err := runtime.Call(to, data, e.config(e.state, from, 10_000_000))
	ok(t, err)
	e.finalise()
}

// read is a call whose answer the test itself looks at.
func (e *evm) read(t testing.TB, to common.Address, data []byte) []byte {
	t.Helper()
	out, err := e.execute(callArgs{To: &to, Input: data, Gas: 10_000_000})
	ok(t, err)
	return out
}

// codeOf is the code at an address.
func (e *evm) codeOf(t testing.TB, a common.Address) []byte {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	return bytes.Clone(e.state.GetCode(a))
}

// setCode puts code at an address, as an EIP-7702 authorisation does.
func (e *evm) setCode(a common.Address, code []byte) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.state.SetCode(a, code, tracing.CodeChangeUnspecified)
	e.finalise()
}

func (e *evm) execute(args callArgs) (out []byte, err error) {
	e.mu.Lock()
	s := e.state.Copy() // an eth_call leaves nothing behind
	e.mu.Unlock()
	for _, a := range args.AuthorizationList {
		// As a node does (EIP-7702): one that does not hold is passed over.
		authority, err := a.Authority()
		chain := a.ChainID.Uint64()
		if err != nil || chain != 0 && chain != e.id || s.GetNonce(authority) != a.Nonce {
			continue
		}
		s.SetNonce(authority, a.Nonce+1, tracing.NonceChangeAuthorization)
		s.SetCode(authority, types.AddressToDelegation(a.Address), tracing.CodeChangeAuthorization)
	}
	if args.To == nil {
		out, _, _, err = runtime.Create(args.Input, e.config(s, args.From, uint64(args.Gas)))
	} else {
		out, _, err = runtime.Call(*args.To, args.Input, e.config(s, args.From, uint64(args.Gas)))
	}
	return out, err
}

// rpcHandler serves the chain as a node does.
func (e *evm) rpcHandler(t testing.TB) http.Handler {
	t.Helper()
	server := rpc.NewServer()
	ok(t, server.RegisterName("eth", &ethAPI{e}))
	t.Cleanup(server.Stop)
	return server
}

type ethAPI struct{ e *evm }

func (a *ethAPI) ChainId() hexutil.Uint64 { // the name is the method's on the wire
	a.e.asked.Add(1)
	return hexutil.Uint64(a.e.id)
}

func (a *ethAPI) GetCode(account common.Address, _ string) hexutil.Bytes {
	a.e.asked.Add(1)
	a.e.mu.Lock()
	defer a.e.mu.Unlock()
	return a.e.state.GetCode(account)
}

type callArgs struct {
	From  common.Address  `json:"from"`
	To    *common.Address `json:"to"`
	Input hexutil.Bytes   `json:"input"`
	Gas   hexutil.Uint64  `json:"gas"`

	AuthorizationList []types.SetCodeAuthorization `json:"authorizationList"`
}

func (a *ethAPI) Call(_ context.Context, args callArgs, _ string) (hexutil.Bytes, error) {
	a.e.asked.Add(1)
	a.e.calls.Add(1)
	if args.Gas == 0 || uint64(args.Gas) > params.MaxTxGas {
		return nil, errors.New("the call's gas is not capped")
	}
	out, err := a.e.execute(args)
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

var loadBytecode = sync.OnceValues(func() (map[string]hexutil.Bytes, error) {
	raw, err := os.ReadFile("testdata/contracts/bytecode.json")
	if err != nil {
		return nil, err
	}
	var file struct {
		Bytecode map[string]hexutil.Bytes `json:"bytecode"`
	}
	return file.Bytecode, json.Unmarshal(raw, &file)
})

// initCode is what makes a contract of testdata, its arguments behind.
func initCode(t testing.TB, name string, args ...any) []byte {
	t.Helper()
	bytecode, err := loadBytecode()
	ok(t, err)
	if len(bytecode[name]) == 0 {
		t.Fatalf("testdata/contracts has no %s", name)
	}
	return append(append([]byte(nil), bytecode[name]...), encode(t, args...)...)
}

// encode is abi.encode of Go values.
func encode(t testing.TB, args ...any) []byte {
	t.Helper()
	var types abi.Arguments
	for _, a := range args {
		var typ string
		switch a.(type) {
		case common.Address:
			typ = "address"
		case []common.Address:
			typ = "address[]"
		case *big.Int:
			typ = "uint256"
		case common.Hash, [32]byte:
			typ = "bytes32"
		case []byte:
			typ = "bytes"
		default:
			t.Fatalf("no ABI type for %T", a)
		}
		parsed, err := abi.NewType(typ, "", nil)
		ok(t, err)
		types = append(types, abi.Argument{Type: parsed})
	}
	out, err := types.Pack(args...)
	ok(t, err)
	return out
}

// calldata is abi.encodeWithSignature.
func calldata(t testing.TB, signature string, args ...any) []byte {
	t.Helper()
	return append(crypto.Keccak256([]byte(signature))[:4:4], encode(t, args...)...)
}

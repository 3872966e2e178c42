package siwe

import (
	"bytes"
	"context"
	"math/big"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/holiman/uint256"
)

// delegationSuffix ends an ERC-8010 signature (draft of 2025-08): signature, context, the
// context's length in 32 bytes, suffix.
var delegationSuffix = bytes.Repeat([]byte{0x80, 0x10}, 16)

// The context is (authorization, address init_to, bytes init_data). The draft encodes the
// authorization as bytes; what wallets send (ox, viem) has its six words in its place.
var (
	authorizationWords = []string{"uint256", "address", "uint256", "uint8", "uint256", "uint256"}
	plainContext       = arguments(append(authorizationWords[:6:6], "address", "bytes")...)
	draftContext       = arguments("bytes", "address", "bytes")
	authorizationInput = arguments(authorizationWords...)
)

// delegation is what an account has authorized, but not yet put on the chain.
type delegation struct {
	authorization types.SetCodeAuthorization
	to            common.Address // init_to
	data          []byte         // init_data, empty for none
}

// unwrapDelegation decodes an ERC-8010 signature without its suffix. The authorization
// must be the account's own, for this chain or for all.
func unwrapDelegation(inner []byte, chainID uint64, account common.Address) (*delegation, []byte, error) {
	if len(inner) < 32 {
		return nil, nil, errNotERC8010()
	}
	rest, length := inner[:len(inner)-32], new(big.Int).SetBytes(inner[len(inner)-32:])
	if !length.IsInt64() || length.Int64() > int64(len(rest)) {
		return nil, nil, errNotERC8010()
	}
	context := rest[len(rest)-int(length.Int64()):]
	signature := rest[:len(rest)-len(context)]
	readable := false
	for _, read := range []func([]byte) (*delegation, bool){readPlain, readDraft} {
		d, ok := read(context)
		if !ok {
			continue
		}
		readable = true
		if by, err := d.authorization.Authority(); err != nil || by != account {
			continue
		}
		if chain := d.authorization.ChainID; !chain.IsZero() && (!chain.IsUint64() || chain.Uint64() != chainID) {
			return nil, nil, rejected(FieldSignature, "has an authorization for another chain")
		}
		return d, signature, nil
	}
	if readable {
		return nil, nil, rejected(FieldSignature, "has an authorization that the account did not sign")
	}
	return nil, nil, errNotERC8010()
}

// withoutDelegation returns the signature inside an ERC-8010 signature, and any other as
// it is: the account's own key may have made it, before or without a delegation.
func withoutDelegation(sig []byte) []byte {
	inner, wrapped := bytes.CutSuffix(sig, delegationSuffix)
	if !wrapped || len(inner) < eoaSignatureBytes+32 {
		return sig
	}
	return inner[:eoaSignatureBytes]
}

func errNotERC8010() *Error {
	return malformed(FieldSignature, "is not an ERC-8010 signature, though it ends like one")
}

func readPlain(context []byte) (*delegation, bool) {
	values, err := plainContext.Unpack(context)
	if err != nil || len(values) != 8 {
		return nil, false
	}
	authorization, ok := authorizationOf(values[:6])
	return &delegation{authorization: authorization, to: values[6].(common.Address), data: values[7].([]byte)}, ok
}

func readDraft(context []byte) (*delegation, bool) {
	values, err := draftContext.Unpack(context)
	if err != nil || len(values) != 3 {
		return nil, false
	}
	words, err := authorizationInput.Unpack(values[0].([]byte))
	if err != nil || len(words) != 6 {
		return nil, false
	}
	authorization, ok := authorizationOf(words)
	return &delegation{authorization: authorization, to: values[1].(common.Address), data: values[2].([]byte)}, ok
}

// authorizationOf takes values of the types of authorizationWords.
func authorizationOf(v []any) (types.SetCodeAuthorization, bool) {
	nonce := v[2].(*big.Int)
	a := types.SetCodeAuthorization{Address: v[1].(common.Address), Nonce: nonce.Uint64(), V: v[3].(uint8)}
	for at, to := range map[int]*uint256.Int{0: &a.ChainID, 4: &a.R, 5: &a.S} {
		to.SetFromBig(v[at].(*big.Int)) // the ABI bounds it to 256 bits
	}
	return a, nonce.IsUint64()
}

// multicall3 makes several calls in one. It is at the same address on nearly every chain.
var multicall3 = common.HexToAddress("0xcA11bde05977b3631167028862bE2a173976CA11")

type multicall struct {
	Target       common.Address
	AllowFailure bool
	CallData     []byte
}

var aggregate3 = func() abi.Method {
	tuples := func(components ...abi.ArgumentMarshaling) abi.Arguments {
		typ, err := abi.NewType("tuple[]", "", components)
		if err != nil {
			panic(err) // of a constant
		}
		return abi.Arguments{{Type: typ}}
	}
	in := tuples(abi.ArgumentMarshaling{Name: "target", Type: "address"}, abi.ArgumentMarshaling{Name: "allowFailure", Type: "bool"}, abi.ArgumentMarshaling{Name: "callData", Type: "bytes"})
	out := tuples(abi.ArgumentMarshaling{Name: "success", Type: "bool"}, abi.ArgumentMarshaling{Name: "returnData", Type: "bytes"})
	return abi.NewMethod("aggregate3", "aggregate3", abi.Function, "payable", false, true, in, out)
}()

// putERC8010 delegates the account and asks it, in the node's memory only. A node applies
// an authorization only if its nonce is the account's, so that one which was used or
// replaced gives the account no code, and no answer. Where the delegate has to be
// initialized first, both calls are one.
func (q question) putERC8010(ctx context.Context, b Backend, call []byte) error {
	message := ethereum.CallMsg{To: &q.account, Data: call, Gas: q.gas, AuthorizationList: []types.SetCodeAuthorization{q.delegation.authorization}}
	if len(q.delegation.data) == 0 {
		return judge(b.CallContract(ctx, message, nil))
	}
	input, err := aggregate3.Inputs.Pack([]multicall{{Target: q.delegation.to, CallData: q.delegation.data}, {Target: q.account, CallData: call}})
	if err != nil {
		return err
	}
	message.To, message.Data = &multicall3, append(bytes.Clone(aggregate3.ID), input...)
	answer, err := b.CallContract(ctx, message, nil)
	if err != nil {
		return judge(nil, err)
	}
	values, err := aggregate3.Outputs.Unpack(answer)
	if err != nil || len(values) != 1 {
		return rejected(FieldSignature, "was not accepted: its delegate could not be initialized on this chain")
	}
	results := *abi.ConvertType(values[0], new([]struct {
		Success    bool
		ReturnData []byte
	})).(*[]struct {
		Success    bool
		ReturnData []byte
	})
	if len(results) != 2 || !results[1].Success {
		return rejected(FieldSignature, "was not accepted: its delegate failed when asked")
	}
	return judge(results[1].ReturnData, nil)
}

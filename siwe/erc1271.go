package siwe

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/hex"
	"errors"
	"strings"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/rpc"
)

// magicValue is ERC-1271's bytes4 as the ABI returns it: left-aligned, padded
// with zeros. It is also the selector of isValidSignature(bytes32,bytes).
var magicValue = append([]byte{0x16, 0x26, 0xba, 0x7e}, make([]byte, 28)...)

// wrapSuffix ends an ERC-6492 signature.
var wrapSuffix = bytes.Repeat([]byte{0x64, 0x92}, 16)

// validatorHex is CounterfactualValidator, compiled from testdata/contracts.
//
//go:embed counterfactual_validator.hex
var validatorHex string

var validator = common.FromHex(strings.TrimSpace(validatorHex))

var (
	hashAndSignature = arguments("bytes32", "bytes")
	wrapped6492      = arguments("address", "bytes", "bytes")
	validatorInput   = arguments("address", "address", "bytes", "bytes")
)

func arguments(types ...string) (args abi.Arguments) {
	for _, t := range types {
		typ, err := abi.NewType(t, "", nil)
		if err != nil {
			panic(err) // of a constant
		}
		args = append(args, abi.Argument{Type: typ})
	}
	return args
}

// deployment is how the wallet of an ERC-6492 signature is to be deployed.
type deployment struct {
	factory  common.Address
	calldata []byte
}

// question is what a chain is asked: is this a signature of the account?
type question struct {
	account    common.Address
	hash       common.Hash
	signature  []byte // without the ERC-6492 or ERC-8010 wrapping
	deployment *deployment
	delegation *delegation
	gas        uint64
}

func cutMagic(sig []byte) (inner []byte, wrapped bool) { return bytes.CutSuffix(sig, wrapSuffix) }

// unwrap decodes an ERC-6492 signature without its suffix:
// abi.encode(address factory, bytes factoryCalldata, bytes signature).
func unwrap(inner []byte) (*deployment, []byte, error) {
	values, err := wrapped6492.Unpack(inner)
	if err != nil || len(values) != 3 {
		return nil, nil, malformed(FieldSignature, "is not an ERC-6492 signature, though it ends like one")
	}
	// The types are those of the ABI above.
	return &deployment{factory: values[0].(common.Address), calldata: values[1].([]byte)}, values[2].([]byte), nil
}

// put asks one backend. nil means yes, a *Error is the chain's final no, and any
// other error means that this backend gave no answer.
func (q question) put(ctx context.Context, b Backend) error {
	code, err := b.CodeAt(ctx, q.account, nil)
	if err != nil {
		return err
	}
	call, err := hashAndSignature.Pack(q.hash, q.signature)
	if err != nil {
		return err
	}
	call = append(bytes.Clone(magicValue[:4]), call...)
	switch {
	case len(code) > 0:
		return q.putERC1271(ctx, b, call)
	case q.deployment != nil:
		return q.putERC6492(ctx, b, call)
	case q.delegation != nil:
		return q.putERC8010(ctx, b, call)
	}
	return errNotSignedByKey(q.signature, "there is no contract at the address")
}

func (q question) putERC1271(ctx context.Context, b Backend, call []byte) error {
	return judge(b.CallContract(ctx, ethereum.CallMsg{To: &q.account, Data: call, Gas: q.gas}, nil))
}

// judge reads what isValidSignature returned.
func judge(answer []byte, err error) error {
	if err != nil {
		if executionFailed(err) {
			return &Error{Field: FieldSignature, Kind: Rejected, Reason: "was not accepted: the contract wallet failed when asked", Err: describe(err)}
		}
		return err
	}
	if !bytes.Equal(answer, magicValue) {
		return rejected(FieldSignature, "was not accepted by the contract wallet")
	}
	return nil
}

// putERC6492 deploys the wallet and asks it, in the node's memory only: by an
// eth_call that creates a contract whose init code is the validator.
func (q question) putERC6492(ctx context.Context, b Backend, call []byte) error {
	input, err := validatorInput.Pack(q.account, q.deployment.factory, q.deployment.calldata, call)
	if err != nil {
		return err
	}
	answer, err := b.CallContract(ctx, ethereum.CallMsg{Data: append(bytes.Clone(validator), input...), Gas: q.gas}, nil)
	if err != nil {
		if executionFailed(err) {
			return &Error{Field: FieldSignature, Kind: Rejected, Reason: "was not accepted: its deployment failed", Err: describe(err)}
		}
		return err
	}
	if len(answer) != 32 || !bytes.Equal(answer[:31], make([]byte, 31)) || answer[31] == 0 || answer[31] > 5 {
		return errors.New("the answer to eth_call is not the validator's: 0x" + hex.EncodeToString(answer[:min(len(answer), 32)]))
	}
	switch answer[31] {
	case 1:
		return nil
	case 2:
		return rejected(FieldSignature, "was not accepted: the wallet's factory failed")
	case 3:
		return rejected(FieldSignature, "was not accepted: the factory does not deploy the address")
	case 4:
		return rejected(FieldSignature, "was not accepted: the contract wallet, once deployed, failed when asked")
	}
	return rejected(FieldSignature, "was not accepted by the contract wallet, once deployed")
}

// executionFailed reports whether the contract made an eth_call fail, which is a
// final no, as opposed to a node that could not make the call. Geth's code for a
// revert is 3. For other failures, each kind of node has its own words.
func executionFailed(err error) bool {
	if errors.Is(err, errResponseTooLarge) {
		return true // only gas bounds what a contract returns
	}
	var e rpc.Error
	if !errors.As(err, &e) {
		return false
	}
	if e.ErrorCode() == 3 || e.ErrorCode() == -32015 {
		return true
	}
	message := strings.ToLower(e.Error())
	for _, words := range []string{
		"revert", "out of gas", "out-of-gas", "outofgas", "invalid opcode", "bad instruction", "invalid jump", "bad jump",
		"stack underflow", "stack overflow", "stack limit", "write protection", "return data out of bounds",
		"gas uint64 overflow", "vm execution error", "evm error", "execution aborted",
	} {
		if strings.Contains(message, words) {
			return true
		}
	}
	return false
}

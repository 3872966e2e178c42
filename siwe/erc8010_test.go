package siwe_test

import (
	"bytes"
	"crypto/ecdsa"
	"math/big"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/holiman/uint256"

	"github.com/latchkey/latchkey/siwe"
)

var delegationSuffix = bytes.Repeat([]byte{0x80, 0x10}, 16)

// authorize is an account's signature under EIP-7702.
func authorize(t testing.TB, k *ecdsa.PrivateKey, chain uint64, to common.Address, nonce uint64) types.SetCodeAuthorization {
	t.Helper()
	a, err := types.SignSetCode(k, types.SetCodeAuthorization{ChainID: *uint256.NewInt(chain), Address: to, Nonce: nonce})
	ok(t, err)
	return a
}

// wrapDelegation makes an ERC-8010 signature, as wallets do or as the draft has it.
func wrapDelegation(t testing.TB, a types.SetCodeAuthorization, to common.Address, data, inner []byte, draft bool) []byte {
	t.Helper()
	words := []any{a.ChainID.ToBig(), a.Address, new(big.Int).SetUint64(a.Nonce), big.NewInt(int64(a.V)), a.R.ToBig(), a.S.ToBig()}
	context := encode(t, append(words, to, data)...)
	if draft {
		context = encode(t, encode(t, words...), to, data)
	}
	length := common.BigToHash(big.NewInt(int64(len(context))))
	return bytes.Join([][]byte{inner, context, length[:], delegationSuffix}, nil)
}

func TestDelegationThatIsNotOnTheChainYet(t *testing.T) {
	w := newWallets(t)
	k, address := key(t, 1)
	session, sessionAddress := key(t, 2)
	stranger, strangerAddress := key(t, 3)
	w.setCode(common.HexToAddress("0xcA11bde05977b3631167028862bE2a173976CA11"), w.codeOf(t, w.deploy(t, "Multicall")))
	fixed, open := w.deploy(t, "SessionDelegate", sessionAddress), w.deploy(t, "SessionDelegate", common.Address{})
	message := text(t, address)
	inner := personalSign(t, session, message)
	plain := authorize(t, k, simChain, fixed, 0)
	letIn := func(by *ecdsa.PrivateKey, whom common.Address) []byte {
		signature, err := crypto.Sign(crypto.Keccak256(encode(t, whom)), by)
		ok(t, err)
		signature[64] += 27
		return calldata(t, "initialize(address,bytes)", whom, signature)
	}
	initialized := authorize(t, k, 0, open, 0) // for all chains

	for name, signature := range map[string][]byte{
		"as wallets write it":       wrapDelegation(t, plain, address, nil, inner, false),
		"as the draft has it":       wrapDelegation(t, plain, common.Address{}, nil, inner, true),
		"initialized":               wrapDelegation(t, initialized, address, letIn(k, sessionAddress), inner, false),
		"initialized, in the draft": wrapDelegation(t, initialized, address, letIn(k, sessionAddress), inner, true),
	} {
		t.Run(name, func(t *testing.T) {
			account, err := w.verify(t, address, signature)
			ok(t, err)
			equal(t, siwe.Account{Address: address, ChainID: simChain, Kind: siwe.Contract}, account)
		})
	}
	t.Run("the account's own key, wrapped, is the account", func(t *testing.T) {
		account, err := w.verify(t, address, wrapDelegation(t, plain, address, nil, personalSign(t, k, message), false))
		ok(t, err)
		equal(t, siwe.EOA, account.Kind)
	})
	const malformed, rejected = siwe.Malformed, siwe.Rejected
	forged := plain
	forged.Address = open
	for name, c := range map[string]struct {
		signature []byte
		kind      siwe.ErrorKind
	}{
		"an authorization of another":    {wrapDelegation(t, authorize(t, stranger, simChain, fixed, 0), address, nil, inner, false), rejected},
		"an authorization for another":   {wrapDelegation(t, forged, address, nil, inner, false), rejected},
		"of another chain":               {wrapDelegation(t, authorize(t, k, 1, fixed, 0), address, nil, inner, false), rejected},
		"with a nonce to come":           {wrapDelegation(t, authorize(t, k, simChain, fixed, 1), address, nil, inner, false), rejected},
		"signed by a stranger":           {wrapDelegation(t, plain, address, nil, personalSign(t, stranger, message), false), rejected},
		"of another text":                {wrapDelegation(t, plain, address, nil, personalSign(t, session, message+" "), false), rejected},
		"no inner signature":             {wrapDelegation(t, plain, address, nil, nil, false), rejected},
		"let in by a stranger":           {wrapDelegation(t, initialized, address, letIn(stranger, strangerAddress), personalSign(t, stranger, message), false), rejected},
		"not initialized":                {wrapDelegation(t, initialized, address, nil, inner, false), rejected},
		"the suffix alone":               {delegationSuffix, malformed},
		"no context":                     {append(make([]byte, 32), delegationSuffix...), malformed},
		"a context longer than there is": {append(bytes.Repeat([]byte{0xff}, 32), delegationSuffix...), malformed},
		"a context of zeros":             {bytes.Join([][]byte{inner, make([]byte, 320), common.BigToHash(big.NewInt(320)).Bytes(), delegationSuffix}, nil), rejected},
		"a context of ones":              {bytes.Join([][]byte{inner, bytes.Repeat([]byte{0xff}, 320), common.BigToHash(big.NewInt(320)).Bytes(), delegationSuffix}, nil), malformed},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.verify(t, address, c.signature)
			refused(t, err, siwe.FieldSignature, c.kind)
		})
	}
	t.Run("judged by its live code once it has some", func(t *testing.T) {
		w.delegate(address, w.deploy(t, "SessionDelegate", strangerAddress))
		_, err := w.verify(t, address, wrapDelegation(t, plain, address, nil, inner, false))
		refused(t, err, siwe.FieldSignature, siwe.Rejected)
		_, err = w.verify(t, address, wrapDelegation(t, plain, address, nil, personalSign(t, stranger, message), false))
		ok(t, err)
	})
}

package siwe_test

import (
	"bytes"
	"math/big"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/latchkey/latchkey/siwe"
)

var wrapSuffix = bytes.Repeat([]byte{0x64, 0x92}, 16)

// wrap makes an ERC-6492 signature.
func wrap(t testing.TB, factory common.Address, factoryCalldata, inner []byte) []byte {
	t.Helper()
	return append(encode(t, factory, factoryCalldata, inner), wrapSuffix...)
}

// counterfactual is a wallet that could be deployed.
type counterfactual struct {
	factory, address common.Address
	deployment       []byte
}

func (w *wallets) plan(t testing.TB, name string, args ...any) counterfactual {
	t.Helper()
	return planAt(t, w.deploy(t, "Factory"), name, args...)
}

func planAt(t testing.TB, factory common.Address, name string, args ...any) counterfactual {
	t.Helper()
	code, salt := initCode(t, name, args...), common.Hash{42}
	return counterfactual{
		factory: factory, address: crypto.CreateAddress2(factory, salt, crypto.Keccak256(code)),
		deployment: calldata(t, "deploy(bytes,bytes32)", code, salt),
	}
}

func TestCounterfactualWallet(t *testing.T) {
	w := newWallets(t)
	k, owner := key(t, 1)
	p := w.plan(t, "NaiveWallet", owner)
	inner := personalSign(t, k, text(t, p.address))
	sig := wrap(t, p.factory, p.deployment, inner)

	account, err := w.verify(t, p.address, sig)
	ok(t, err)
	equal(t, "eip155:1337:"+p.address.Hex(), account.Subject())
	equal(t, int64(1), w.calls.Load())
	// Nothing has happened on the chain.
	equal(t, make([]byte, 32), w.read(t, p.factory, calldata(t, "deployed()")))
	_, err = w.verify(t, p.address, inner)
	refused(t, err, siwe.FieldSignature, siwe.Rejected)

	t.Run("still good once it is deployed", func(t *testing.T) {
		w.send(t, owner, p.factory, p.deployment)
		for _, s := range [][]byte{sig, inner} {
			deployed, err := w.verify(t, p.address, s)
			ok(t, err)
			equal(t, account, deployed)
		}
	})
	t.Run("judged by its live code once the owner has changed", func(t *testing.T) {
		_, successor := key(t, 2)
		w.send(t, owner, p.address, calldata(t, "setOwner(address)", successor))
		for _, s := range [][]byte{sig, inner} {
			_, err := w.verify(t, p.address, s)
			refused(t, err, siwe.FieldSignature, siwe.Rejected)
		}
	})
}

func TestCounterfactualRefusals(t *testing.T) {
	w := newWallets(t)
	k, owner := key(t, 1)
	stranger, _ := key(t, 2)
	p := w.plan(t, "NaiveWallet", owner)
	other := w.plan(t, "NaiveWallet", common.Address{9})
	yes := w.deploy(t, "Answer", append(common.FromHex("0x1626ba7e"), make([]byte, 28)...))
	burner, counter := w.deploy(t, "GasBurner"), w.deploy(t, "Counter")
	signed := personalSign(t, k, text(t, p.address))

	for name, sig := range map[string][]byte{
		"inner signature is a stranger's":       wrap(t, p.factory, p.deployment, personalSign(t, stranger, text(t, p.address))),
		"inner signature is of another message": wrap(t, p.factory, p.deployment, personalSign(t, k, "hello")),
		"inner signature is empty":              wrap(t, p.factory, p.deployment, nil),
		"inner signature is wrapped as well":    wrap(t, p.factory, p.deployment, wrap(t, p.factory, p.deployment, signed)),
		"factory deploys another wallet":        wrap(t, other.factory, other.deployment, signed),
		"factory with another salt": wrap(t, p.factory,
			calldata(t, "deploy(bytes,bytes32)", initCode(t, "NaiveWallet", owner), common.Hash{43}), signed),
		"factory with another wallet's code": wrap(t, p.factory,
			calldata(t, "deploy(bytes,bytes32)", initCode(t, "Answer", bytes.Repeat([]byte{1}, 32)), common.Hash{42}), signed),
		"factory reverts":              wrap(t, p.factory, calldata(t, "fail(bytes)", []byte{1}), signed),
		"factory burns its gas":        wrap(t, p.factory, calldata(t, "burn()"), signed),
		"factory is a gas burner":      wrap(t, burner, nil, signed),
		"factory does something else":  wrap(t, counter, nil, signed),
		"factory says the magic value": wrap(t, yes, nil, signed),
		"factory has no code":          wrap(t, common.Address{7}, p.deployment, signed),
		"factory is a precompile":      wrap(t, common.BigToAddress(big.NewInt(4)), append(common.FromHex("0x1626ba7e"), make([]byte, 28)...), signed),
		"factory is the wallet":        wrap(t, p.address, nil, signed),
		"not wrapped":                  signed,
		"factory is zero":              wrap(t, common.Address{}, nil, signed),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.verify(t, p.address, sig)
			refused(t, err, siwe.FieldSignature, siwe.Rejected)
		})
	}
	equal(t, make([]byte, 32), w.read(t, counter, calldata(t, "count()")))

	for name, sig := range map[string][]byte{
		"the suffix alone":     wrapSuffix,
		"too short":            append(make([]byte, 31), wrapSuffix...),
		"huge offsets":         append(bytes.Repeat([]byte{0xff}, 96), wrapSuffix...),
		"cut in its signature": append(encode(t, p.factory, p.deployment, signed)[:200], wrapSuffix...),
	} {
		t.Run("malformed: "+name, func(t *testing.T) {
			_, err := w.verify(t, p.address, sig)
			refused(t, err, siwe.FieldSignature, siwe.Malformed)
		})
	}
}

// A wallet that has code is never preceded by a call of the signer's choice:
// here one that would make the signer its owner, were it allowed to come first.
func TestDeployedWalletIsNotPrepared(t *testing.T) {
	w := newWallets(t)
	_, owner := key(t, 1)
	k, successor := key(t, 2)
	wallet := w.deploy(t, "RecoverableWallet", owner, successor)
	prepare := calldata(t, "finishRecovery()")
	sig := wrap(t, wallet, prepare, personalSign(t, k, text(t, wallet)))
	_, err := w.verify(t, wallet, sig)
	refused(t, err, siwe.FieldSignature, siwe.Rejected)

	w.send(t, common.Address{1}, wallet, prepare) // once it has really happened, it counts
	_, err = w.verify(t, wallet, sig)
	ok(t, err)
}

// What a wallet answers right after its deployment is held to the same bytes as
// what a deployed one answers.
func TestCounterfactualAnswers(t *testing.T) {
	w := newWallets(t)
	factory := w.deploy(t, "Factory")
	magic := common.FromHex("0x1626ba7e")
	padded := append(bytes.Clone(magic), make([]byte, 28)...)
	for name, p := range map[string]counterfactual{
		"magic alone":             planAt(t, factory, "Answer", magic),
		"one byte long":           planAt(t, factory, "Answer", append(bytes.Clone(padded), 0)),
		"padding not zero":        planAt(t, factory, "Answer", append(bytes.Clone(padded[:31]), 1)),
		"echo":                    planAt(t, factory, "Echo", big.NewInt(32)),
		"burns gas":               planAt(t, factory, "GasBurner"),
		"huge return":             planAt(t, factory, "HugeReturn", big.NewInt(1<<20)),
		"reverts with the magic":  planAt(t, factory, "MagicRevert"),
		"changes state when read": planAt(t, factory, "Counter"),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.verify(t, p.address, wrap(t, p.factory, p.deployment, []byte{1}))
			refused(t, err, siwe.FieldSignature, siwe.Rejected)
		})
	}
	exact := planAt(t, factory, "Answer", padded)
	_, err := w.verify(t, exact.address, wrap(t, exact.factory, exact.deployment, []byte{1}))
	ok(t, err)
}

package siwe_test

import (
	"bytes"
	"crypto/ecdsa"
	"math/big"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/accounts"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/latchkey/latchkey/siwe"
)

const simChain = 1337

// wallets is a chain, its RPC over HTTP, and a verifier that uses it.
type wallets struct {
	*evm
	contracts *siwe.Contracts
	url       string
}

func newWallets(t testing.TB) *wallets {
	t.Helper()
	// Generous, so that a busy machine does not fail the test.
	opts := siwe.ContractsOptions{CallTimeout: 20 * time.Second, Timeout: 60 * time.Second}
	chain := newEVM(t, simChain)
	server := httptest.NewServer(chain.rpcHandler(t))
	t.Cleanup(server.Close)
	contracts, err := siwe.NewContracts(map[uint64][]string{simChain: {server.URL}}, opts)
	ok(t, err)
	return &wallets{evm: chain, contracts: contracts, url: server.URL}
}

func (w *wallets) expectation() siwe.Expectation {
	exp := expectation()
	exp.Contracts = w.contracts
	return exp
}

// text is a message of a wallet on the test's chain.
func text(t testing.TB, account common.Address) string {
	m := message(account)
	m.ChainID = simChain
	return build(t, m)
}

func (w *wallets) verify(t testing.TB, account common.Address, sig []byte) (siwe.Account, error) {
	t.Helper()
	a, _, err := siwe.Verify(t.Context(), text(t, account), hexutil.Encode(sig), w.expectation())
	return a, err
}

func hashOf(text string) common.Hash { return common.BytesToHash(accounts.TextHash([]byte(text))) }

// ownersSign is what the owners of an OwnersWallet sign, in ascending order of
// their addresses.
func (w *wallets) ownersSign(t testing.TB, wallet common.Address, hash common.Hash, owners ...*ecdsa.PrivateKey) []byte {
	t.Helper()
	own := w.read(t, wallet, calldata(t, "messageHash(bytes32)", hash))
	var sig []byte
	for _, o := range owners {
		s, err := crypto.Sign(own, o)
		ok(t, err)
		s[64] += 27
		sig = append(sig, s...)
	}
	return sig
}

// sortedOwners are throwaway keys in the order of their addresses.
func sortedOwners(t testing.TB, n int) (keys []*ecdsa.PrivateKey, addresses []common.Address) {
	t.Helper()
	for i := range n {
		k, a := key(t, byte(100+i))
		at := len(addresses)
		for at > 0 && bytes.Compare(addresses[at-1][:], a[:]) > 0 {
			at--
		}
		keys = append(keys[:at], append([]*ecdsa.PrivateKey{k}, keys[at:]...)...)
		addresses = append(addresses[:at], append([]common.Address{a}, addresses[at:]...)...)
	}
	return keys, addresses
}

func TestOwnersWallet(t *testing.T) {
	w := newWallets(t)
	keys, owners := sortedOwners(t, 3)
	wallet := w.deploy(t, "OwnersWallet", owners, big.NewInt(2))
	hash := hashOf(text(t, wallet))

	account, err := w.verify(t, wallet, w.ownersSign(t, wallet, hash, keys[0], keys[2]))
	ok(t, err)
	equal(t, siwe.Account{Address: wallet, ChainID: simChain, Kind: siwe.Contract}, account)
	equal(t, "eip155:1337:"+wallet.Hex(), account.Subject())

	for name, sig := range map[string][]byte{
		"too few owners":     w.ownersSign(t, wallet, hash, keys[0]),
		"one owner twice":    w.ownersSign(t, wallet, hash, keys[0], keys[0]),
		"wrong order":        w.ownersSign(t, wallet, hash, keys[2], keys[0]),
		"another message":    w.ownersSign(t, wallet, common.Hash{1}, keys[0], keys[2]),
		"the bare hash":      append(personalSign(t, keys[0], text(t, wallet)), personalSign(t, keys[2], text(t, wallet))...),
		"bytes of no owner":  bytes.Repeat([]byte{7}, 130),
		"a single byte":      {1},
		"as long as allowed": bytes.Repeat([]byte{7}, siwe.MaxSignatureBytes),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.verify(t, wallet, sig)
			refused(t, err, siwe.FieldSignature, siwe.Rejected)
		})
	}
	_, err = w.verify(t, wallet, bytes.Repeat([]byte{7}, siwe.MaxSignatureBytes+1))
	refused(t, err, siwe.FieldSignature, siwe.Malformed)
}

func TestOwnerRemovedIsRefused(t *testing.T) {
	w := newWallets(t)
	keys, owners := sortedOwners(t, 2)
	_, successor := key(t, 200)
	wallet := w.deploy(t, "OwnersWallet", owners, big.NewInt(1))
	sig := w.ownersSign(t, wallet, hashOf(text(t, wallet)), keys[1])
	_, err := w.verify(t, wallet, sig)
	ok(t, err)

	w.send(t, owners[0], wallet, calldata(t, "swapOwner(address,address)", owners[1], successor))
	_, err = w.verify(t, wallet, sig)
	refused(t, err, siwe.FieldSignature, siwe.Rejected)
}

// Wallets that check their owner's signature over the bare hash accept what the
// owner signed for any of them. The message, which names one account, keeps them
// apart. A wallet like a Safe does so by itself too.
func TestSiblingsOfOneOwner(t *testing.T) {
	w := newWallets(t)
	k, owner := key(t, 1)
	mine, sibling := w.deploy(t, "NaiveWallet", owner), w.deploy(t, "NaiveWallet", owner)
	sig := personalSign(t, k, text(t, mine))

	account, err := w.verify(t, mine, sig)
	ok(t, err)
	equal(t, mine, account.Address)
	_, err = w.verify(t, sibling, sig) // the same message, but for the address in it
	refused(t, err, siwe.FieldSignature, siwe.Rejected)
	_, err = w.verify(t, owner, sig) // the owner's own account
	refused(t, err, siwe.FieldSignature, siwe.Rejected)

	hash := hashOf(text(t, mine))
	ok(t, w.contracts.VerifyContract(t.Context(), simChain, sibling, hash, sig)) // so the hash alone proves nothing
	keys, owners := sortedOwners(t, 1)
	mine, sibling = w.deploy(t, "OwnersWallet", owners, big.NewInt(1)), w.deploy(t, "OwnersWallet", owners, big.NewInt(1))
	err = w.contracts.VerifyContract(t.Context(), simChain, sibling, hash, w.ownersSign(t, mine, hash, keys[0]))
	refused(t, err, siwe.FieldSignature, siwe.Rejected)
}

func TestContractsThatAreNoWallets(t *testing.T) {
	w := newWallets(t)
	magic := common.FromHex("0x1626ba7e")
	padded := append(bytes.Clone(magic), make([]byte, 28)...)
	answer := func(b []byte) common.Address { return w.deploy(t, "Answer", b) }
	// What is refused is refused for its answer: the exact one is accepted.
	_, err := w.verify(t, answer(padded), []byte{1})
	ok(t, err)

	for name, account := range map[string]common.Address{
		"echo":                      w.deploy(t, "Echo", big.NewInt(1<<20)),
		"echo of 32 bytes":          w.deploy(t, "Echo", big.NewInt(32)),
		"echo of 4 bytes":           w.deploy(t, "Echo", big.NewInt(4)),
		"no answer":                 answer(nil),
		"magic alone":               answer(magic),
		"one byte short":            answer(padded[:31]),
		"one byte long":             answer(append(bytes.Clone(padded), 0)),
		"two words":                 answer(append(bytes.Clone(padded), padded...)),
		"right-aligned":             answer(append(make([]byte, 28), magic...)),
		"padding not zero":          answer(append(bytes.Clone(magic), bytes.Repeat([]byte{1}, 28)...)),
		"last byte not zero":        answer(append(bytes.Clone(padded[:31]), 1)),
		"all ones":                  answer(bytes.Repeat([]byte{0xff}, 32)),
		"true":                      answer(append(make([]byte, 31), 1)),
		"burns gas":                 w.deploy(t, "GasBurner"),
		"invalid opcode":            w.deploy(t, "Invalid"),
		"reverts with the magic":    w.deploy(t, "MagicRevert"),
		"returns 100 KiB":           w.deploy(t, "HugeReturn", big.NewInt(100<<10)),
		"returns 1 MiB":             w.deploy(t, "HugeReturn", big.NewInt(1<<20)),
		"returns more than its gas": w.deploy(t, "HugeReturn", big.NewInt(1<<30)),
		"no code":                   common.HexToAddress("0x00000000000000000000000000000000DeaDBeef"),
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			_, err := w.verify(t, account, bytes.Repeat([]byte{1}, 65))
			refused(t, err, siwe.FieldSignature, siwe.Rejected)
			if took := time.Since(start); took > 10*time.Second {
				t.Errorf("took %s", took)
			}
		})
	}
	for _, h := range w.contracts.Health(t.Context()) {
		equal(t, true, h.Available()) // none of this is the endpoint's fault
	}
}

func TestReservedAddressesAreRefused(t *testing.T) {
	w := newWallets(t)
	for _, n := range []int64{0, 1, 2, 4, 9, 0x11, 0x100, 0xffff} {
		before := w.asked.Load()
		_, err := w.verify(t, common.BigToAddress(big.NewInt(n)), bytes.Repeat([]byte{1}, 65))
		refused(t, err, siwe.FieldAddress, siwe.Rejected)
		equal(t, before, w.asked.Load())
	}
}

// delegate puts an EIP-7702 delegation at an account.
func (w *wallets) delegate(account, to common.Address) {
	w.setCode(account, append([]byte{0xef, 0x01, 0x00}, to[:]...))
}

func TestDelegatedAccountSignsWithItsKey(t *testing.T) {
	w := newWallets(t)
	k, address := key(t, 3)
	w.delegate(address, w.deploy(t, "Counter")) // which accepts everything

	account, err := w.verify(t, address, personalSign(t, k, text(t, address)))
	ok(t, err)
	equal(t, siwe.Account{Address: address, ChainID: simChain, Kind: siwe.EOA}, account)
	equal(t, "eip155:"+address.Hex(), account.Subject())
	equal(t, int64(0), w.asked.Load()) // a key needs no chain
}

func TestDelegatedAccountSignsThroughItsDelegate(t *testing.T) {
	w := newWallets(t)
	_, address := key(t, 3)
	session, sessionAddress := key(t, 4)
	other, otherAddress := key(t, 5)
	_, nobody := key(t, 6)
	w.delegate(address, w.deploy(t, "NaiveWallet", nobody))
	// The delegate's code runs on the account's own storage, where no owner is set yet.
	w.send(t, common.Address{}, address, calldata(t, "setOwner(address)", sessionAddress))
	sig, otherSig := personalSign(t, session, text(t, address)), personalSign(t, other, text(t, address))

	account, err := w.verify(t, address, sig)
	ok(t, err)
	equal(t, siwe.Account{Address: address, ChainID: simChain, Kind: siwe.Contract}, account)
	equal(t, "eip155:1337:"+address.Hex(), account.Subject()) // never the identity of the key
	_, err = w.verify(t, address, wrap(t, common.Address{1}, []byte{1}, sig))
	ok(t, err) // it has code, so nothing is deployed and the code decides

	for name, bad := range map[string][]byte{
		"another key":          otherSig,
		"another key, wrapped": wrap(t, common.Address{1}, nil, otherSig),
		"of another text":      personalSign(t, session, text(t, otherAddress)),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.verify(t, address, bad)
			refused(t, err, siwe.FieldSignature, siwe.Rejected)
		})
	}

	down := w.expectation()
	down.Contracts, err = siwe.NewContracts(map[uint64][]string{simChain: {closedURL(t)}}, siwe.ContractsOptions{})
	ok(t, err)
	_, _, err = siwe.Verify(t.Context(), text(t, address), hexutil.Encode(sig), down)
	refused(t, err, siwe.FieldSignature, siwe.Unavailable)

	// The code is asked as it is now.
	w.send(t, sessionAddress, address, calldata(t, "setOwner(address)", otherAddress))
	_, err = w.verify(t, address, sig)
	refused(t, err, siwe.FieldSignature, siwe.Rejected)
	_, err = w.verify(t, address, otherSig)
	ok(t, err)
	w.delegate(address, nobody) // which has no code
	_, err = w.verify(t, address, otherSig)
	refused(t, err, siwe.FieldSignature, siwe.Rejected)
	w.setCode(address, nil)
	_, err = w.verify(t, address, otherSig)
	refused(t, err, siwe.FieldSignature, siwe.Rejected)
}

// Where there is no contract to ask, only a key's signature is well-formed.
func TestSignaturesWithoutAContract(t *testing.T) {
	w := newWallets(t)
	_, nobody := key(t, 5)
	unsupported, none := w.expectation(), w.expectation()
	unsupported.Contracts = siwe.NewContractsWithBackends(nil, siwe.ContractsOptions{})
	none.Contracts = (*siwe.Contracts)(nil)
	for _, exp := range []siwe.Expectation{w.expectation(), unsupported, none} {
		for size, kind := range map[int]siwe.ErrorKind{1: siwe.Malformed, 64: siwe.Malformed, 65: siwe.Rejected, 66: siwe.Malformed, 130: siwe.Malformed} {
			_, _, err := siwe.Verify(t.Context(), text(t, nobody), hexutil.Encode(bytes.Repeat([]byte{1}, size)), exp)
			refused(t, err, siwe.FieldSignature, kind)
		}
	}
}

func TestVerificationLeavesNoTrace(t *testing.T) {
	w := newWallets(t)
	counter := w.deploy(t, "Counter")
	_, err := w.verify(t, counter, []byte{1})
	ok(t, err)
	equal(t, make([]byte, 32), w.read(t, counter, calldata(t, "count()")))
}

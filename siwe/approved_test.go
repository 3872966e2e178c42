package siwe_test

import (
	"math/big"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"

	"github.com/latchkey/latchkey/siwe"
)

// A wallet whose owners approve on the chain refers to that by an empty signature.
func TestApprovedOnTheChain(t *testing.T) {
	w := newWallets(t)
	k, owner := key(t, 1)
	wallet := w.deploy(t, "ApprovingWallet", owner)
	message := text(t, wallet)
	approve := func(of string, yes byte) {
		w.send(t, owner, wallet, calldata(t, "approve(bytes32,bool)", hashOf(of), common.Hash{31: yes}))
	}
	_, err := w.verify(t, wallet, nil)
	refused(t, err, siwe.FieldSignature, siwe.Rejected) // not yet
	approve(message, 1)
	account, err := w.verify(t, wallet, nil)
	ok(t, err)
	equal(t, "eip155:1337:"+wallet.Hex(), account.Subject())
	_, err = w.verify(t, wallet, personalSign(t, k, message)) // and as before
	ok(t, err)

	sibling := w.deploy(t, "ApprovingWallet", owner)
	_, err = w.verify(t, sibling, nil) // which has approved nothing
	refused(t, err, siwe.FieldSignature, siwe.Rejected)
	other := message + "\nResources:\n- https://app.example.com"
	_, _, err = siwe.Verify(t.Context(), other, "0x", w.expectation())
	refused(t, err, siwe.FieldSignature, siwe.Rejected)

	approve(message, 0) // revoked between the challenge and the verification
	_, err = w.verify(t, wallet, nil)
	refused(t, err, siwe.FieldSignature, siwe.Rejected)
}

func TestEmptySignatureNeedsAContract(t *testing.T) {
	w := newWallets(t)
	_, address := key(t, 1)
	_, err := w.verify(t, address, nil) // an account without code
	refused(t, err, siwe.FieldSignature, siwe.Malformed)
	_, err = w.verify(t, w.deploy(t, "Echo", big.NewInt(32)), nil) // which returns what it is asked
	refused(t, err, siwe.FieldSignature, siwe.Rejected)
	_, err = w.verify(t, w.deploy(t, "OwnersWallet", []common.Address{address}, big.NewInt(1)), nil)
	refused(t, err, siwe.FieldSignature, siwe.Rejected)

	exp := w.expectation() // the chain is away: only such a wallet waits
	down, err := siwe.NewContracts(map[uint64][]string{simChain: {closedURL(t)}}, siwe.ContractsOptions{})
	ok(t, err)
	exp.Contracts = down
	_, _, err = siwe.Verify(t.Context(), text(t, address), "0x", exp)
	refused(t, err, siwe.FieldSignature, siwe.Unavailable)
	exp.Contracts = nil
	_, _, err = siwe.Verify(t.Context(), text(t, address), "0x", exp)
	refused(t, err, siwe.FieldSignature, siwe.Malformed)
	k, own := key(t, 2)
	exp.Contracts = down
	_, _, err = siwe.Verify(t.Context(), text(t, own), hexutil.Encode(personalSign(t, k, text(t, own))), exp)
	ok(t, err)
}

func TestChainNames(t *testing.T) {
	for id, want := range map[uint64]string{1: "Ethereum", 8453: "Base", 31337: "chain 31337", 0: "chain 0"} {
		equal(t, want, siwe.ChainName(id))
	}
	k, address := key(t, 1)
	m := message(address)
	m.ChainID = 5
	for want, chains := range map[string][]uint64{
		"is not an accepted chain: sign in on no chain":                                 nil,
		"is not an accepted chain: sign in on Ethereum (1)":                             {1},
		"is not an accepted chain: sign in on Ethereum (1), Base (8453) or chain 31337": {1, 8453, 31337},
		"is not an accepted chain: sign in on chain 77 or Polygon (137)":                {77, 137},
	} {
		exp := expectation()
		exp.Chains = chains
		_, _, err := siwe.Verify(t.Context(), build(t, m), signHex(t, k, build(t, m)), exp)
		equal(t, want, refused(t, err, siwe.FieldChainID, siwe.Rejected).Reason)
	}
}

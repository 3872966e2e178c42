package siwe

import (
	"strconv"

	"github.com/ethereum/go-ethereum/common"
)

// Kind is how an account proves itself.
type Kind string

// The kinds of account.
const (
	// EOA: an externally owned account, proven by its key. An account that has
	// delegated its code (EIP-7702) is one of these.
	EOA Kind = "eoa"
	// Contract: a contract wallet, proven by its code (ERC-1271, ERC-6492).
	Contract Kind = "contract"
)

// Account is who signed.
type Account struct {
	Address common.Address
	ChainID uint64 // EIP-155, the message's
	Kind    Kind
}

// Subject returns the one key under which the account is stored and compared.
// An externally owned account is the same person on every chain:
// "eip155:0xChecksummed". A contract is not, another chain may have another's
// at that address: "eip155:<chain>:0xChecksummed". Addresses are in EIP-55 form.
func (a Account) Subject() string {
	if a.Kind == Contract {
		return "eip155:" + strconv.FormatUint(a.ChainID, 10) + ":" + a.Address.Hex()
	}
	return "eip155:" + a.Address.Hex()
}

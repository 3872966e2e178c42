package siwe

import (
	"strconv"

	"github.com/ethereum/go-ethereum/common"
)

// Kind is how an account proves itself.
type Kind string

// The kinds of account.
const (
	// EOA: an externally owned account, proven by its key. So is an account that
	// has delegated to code (EIP-7702), when its key signed.
	EOA Kind = "eoa"
	// Contract: a contract wallet, proven by its code (ERC-1271, ERC-6492). So is
	// an account that has delegated to code, when only that code accepted the
	// signature.
	Contract Kind = "contract"
)

// Account is the account that signed.
type Account struct {
	Address common.Address
	ChainID uint64 // EIP-155, the message's
	Kind    Kind
}

// Subject returns the one key under which the account is stored and compared.
// An externally owned account has the same holder on every chain:
// "eip155:0xChecksummed". A contract may not: another chain may have another
// contract at that address: "eip155:<chain>:0xChecksummed". Addresses are in
// EIP-55 form.
//
// An account that has delegated to code can have both subjects, and they are
// two identities. What the code accepts holds on one chain only, and the holder
// of the key can replace the code at any time; so a signature that only the
// code accepts is never taken for the key's.
func (a Account) Subject() string {
	if a.Kind == Contract {
		return "eip155:" + strconv.FormatUint(a.ChainID, 10) + ":" + a.Address.Hex()
	}
	return "eip155:" + a.Address.Hex()
}

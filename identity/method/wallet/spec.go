package wallet

import (
	"strconv"
	"strings"

	"github.com/ethereum/go-ethereum/common"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/method"
	"github.com/latchkey/latchkey/siwe"
)

// Spec offers Ethereum wallets.
var Spec = method.Spec{
	Kind:        method.ByWallet,
	Name:        identity.ProviderSIWE,
	ImportNames: []string{"ethereum", "web3", "wallet"},
}

// Imported reads an account as other systems write it: 0x..., 0x...:1, eip155:1:0x... or
// web3:ethereum:0x.... They check signatures by recovering the key, so it is an
// externally owned account. chain is where it signed in, or 0.
func Imported(id string, chain int64) (subject string, w identity.Wallet, ok bool) {
	var address string
	for _, part := range strings.Split(id, ":") {
		switch {
		case strings.HasPrefix(part, "0x") && common.IsHexAddress(part) && address == "":
			address = part
		case part == "eip155", part == "web3", part == "ethereum":
		case isChain(part) && chain == 0:
			chain, _ = strconv.ParseInt(part, 10, 64)
		case isChain(part):
		default:
			return "", identity.Wallet{}, false // another kind of chain, or no address at all
		}
	}
	parsed, refused := ParseAddress(address)
	if refused != nil || parsed == (common.Address{}) {
		return "", identity.Wallet{}, false
	}
	account := siwe.Account{Address: parsed, Kind: siwe.EOA}
	return account.Subject(), identity.Wallet{Address: parsed.Hex(), ChainID: max(chain, 1), Kind: string(siwe.EOA)}, true
}

func isChain(s string) bool {
	n, err := strconv.ParseUint(s, 10, 63)
	return err == nil && n > 0 && strconv.FormatUint(n, 10) == s
}

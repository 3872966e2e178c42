package solana

import (
	"strings"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/method"
)

// Spec offers Solana wallets.
var Spec = method.Spec{Kind: method.BySolana, Name: identity.ProviderSolana, ImportNames: []string{"siws", "phantom"}}

// Imported reads an account as other systems write it: the address alone,
// web3:solana:ADDRESS or CAIP-10. Without a network it is of the main one.
func Imported(id string) (subject string, ok bool) {
	network := networks[0]
	if n, address, caip := Account(id); caip {
		network, id = n, address
	}
	address := strings.TrimPrefix(strings.TrimPrefix(id, "web3:"), chainPrefix)
	if checkAddress(address) != nil {
		return "", false
	}
	return network.Subject(address), true
}

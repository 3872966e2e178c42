package importer

import (
	"strconv"
	"strings"

	"github.com/ethereum/go-ethereum/common"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/method"
	"github.com/latchkey/latchkey/identity/method/wallet"
	"github.com/latchkey/latchkey/internal/methods"
)

// way is an account as an identity has it.
type way struct {
	provider string
	subject  string
	wallet   *identity.Wallet
}

// readAccount maps an account, or returns the reason why it cannot be an identity here. The subject of an
// e-mail account is the person's address, which the account does not decide.
func readAccount(a Account) (way, string) {
	spec, listed := methods.Imported(a.Provider)
	switch {
	case !listed:
		return way{}, "identity of a provider that Latchkey does not have: " + strconv.QuoteToASCII(clip(a.Provider))
	case spec.Kind == method.ByEmail:
		return way{provider: spec.Name}, ""
	case spec.Kind == method.ByWallet:
		subject, w, ok := wallet.Imported(a.Subject, a.ChainID)
		if !ok {
			return way{}, "wallet that is not an Ethereum account"
		}
		return way{provider: spec.Name, subject: subject, wallet: &w}, ""
	case spec.Subject != nil && !spec.Subject(a.Subject), !printable(a.Subject):
		return way{}, "identity with an account id that " + spec.Name + " does not give"
	}
	return way{provider: spec.Name, subject: a.Subject}, ""
}

func clip(s string) string {
	const most = 40
	if len(s) > most {
		return s[:most] + "..."
	}
	return s
}

func printable(s string) bool {
	return s != "" && len(s) <= maxSubject && !strings.ContainsFunc(s, func(c rune) bool { return c <= ' ' || c >= 0x7f })
}

// placeholder reports whether an address was made up for a wallet: Better Auth
// gives a user without one 0x...@the site.
func placeholder(address string) bool {
	local, _, _ := strings.Cut(address, "@")
	return strings.HasPrefix(local, "0x") && common.IsHexAddress(local)
}

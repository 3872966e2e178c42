package importer

import (
	"strconv"
	"strings"

	"github.com/ethereum/go-ethereum/common"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/internal/methods"
	"github.com/latchkey/latchkey/siwe"
)

// way is an account as an identity has it.
type way struct {
	provider string
	subject  string
	wallet   *identity.Wallet
}

// providers are the names sources give to what Latchkey knows, besides those in
// the list of methods.
var providers = map[string]string{
	"ethereum": identity.ProviderSIWE, "siwe": identity.ProviderSIWE, "web3": identity.ProviderSIWE, "wallet": identity.ProviderSIWE,
	"email": identity.ProviderEmail, "credential": identity.ProviderEmail, "credentials": identity.ProviderEmail,
	"magic-link": identity.ProviderEmail, "email-otp": identity.ProviderEmail, "nodemailer": identity.ProviderEmail, "resend": identity.ProviderEmail,
}

// readAccount maps an account, or returns the reason why it cannot be an identity here. The subject of an
// e-mail account is the person's address, which the account does not decide.
func readAccount(a Account) (way, string) {
	provider, known := providers[strings.ToLower(strings.TrimSpace(a.Provider))]
	redirect, listed := methods.Imported(a.Provider)
	if listed {
		provider = redirect.Name
	}
	switch {
	case !known && !listed:
		return way{}, "identity of a provider that Latchkey does not have: " + strconv.QuoteToASCII(clip(a.Provider))
	case provider == identity.ProviderEmail:
		return way{provider: provider}, ""
	case provider == identity.ProviderSIWE:
		w, ok := wallet(a)
		if !ok {
			return way{}, "wallet that is not an Ethereum account"
		}
		return w, ""
	case redirect.Subject != nil && !redirect.Subject(a.Subject), !printable(a.Subject):
		return way{}, "identity with an account id that " + provider + " does not give"
	}
	return way{provider: provider, subject: a.Subject}, ""
}

func clip(s string) string {
	const most = 40
	if len(s) > most {
		return s[:most] + "..."
	}
	return s
}

func number(s string) bool {
	n, err := strconv.ParseUint(s, 10, 63)
	return err == nil && n > 0 && strconv.FormatUint(n, 10) == s
}

func printable(s string) bool {
	return s != "" && len(s) <= maxSubject && !strings.ContainsFunc(s, func(c rune) bool { return c <= ' ' || c >= 0x7f })
}

// wallet finds the address in 0x..., 0x...:1, eip155:1:0x... and
// web3:ethereum:0x..., which is how sources write it. They check signatures
// by recovering the key, so it is an externally owned account.
func wallet(a Account) (way, bool) {
	var address string
	chain := a.ChainID
	for _, part := range strings.Split(a.Subject, ":") {
		switch {
		case strings.HasPrefix(part, "0x") && common.IsHexAddress(part) && address == "":
			address = part
		case part == "eip155", part == "web3", part == "ethereum":
		case number(part) && chain == 0:
			chain, _ = strconv.ParseInt(part, 10, 64)
		case number(part):
		default:
			return way{}, false // another kind of chain, or no address at all
		}
	}
	account := siwe.Account{Address: common.HexToAddress(address), Kind: siwe.EOA}
	// Letters in both cases are a checksum (EIP-55): a wrong one is a wrong address.
	digits := strings.TrimPrefix(address, "0x")
	mixed := strings.ToLower(digits) != digits && strings.ToUpper(digits) != digits
	if address == "" || account.Address == (common.Address{}) || mixed && account.Address.Hex() != address {
		return way{}, false
	}
	if chain < 1 {
		chain = 1
	}
	return way{
		provider: identity.ProviderSIWE, subject: account.Subject(),
		wallet: &identity.Wallet{Address: account.Address.Hex(), ChainID: chain, Kind: string(siwe.EOA)},
	}, true
}

// placeholder reports whether an address was made up for a wallet: Better Auth
// gives a user without one 0x...@the site.
func placeholder(address string) bool {
	local, _, _ := strings.Cut(address, "@")
	return strings.HasPrefix(local, "0x") && common.IsHexAddress(local)
}

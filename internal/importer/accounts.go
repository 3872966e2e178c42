package importer

import (
	"strconv"
	"strings"

	"github.com/ethereum/go-ethereum/common"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/method"
	"github.com/latchkey/latchkey/identity/method/solana"
	"github.com/latchkey/latchkey/identity/method/wallet"
	"github.com/latchkey/latchkey/internal/methods"
)

// key is (provider, subject) of an identity.
type key [2]string

// linkedAccount is an account as an identity has it.
type linkedAccount struct {
	Account
	provider string
	subject  string // of an e-mail identity the canonical address, or "" for the primary one
	wallet   *identity.Wallet
	shown    string // Email, canonical, or ""
}

func (a linkedAccount) key() key { return key{a.provider, a.subject} }

// read maps an account, or returns why it cannot be an identity here.
func (p Providers) read(a Account) (linkedAccount, string) {
	out := linkedAccount{Account: a}
	if shown, err := identity.CanonicalEmail(a.Email); err == nil && !placeholder(shown) {
		out.shown = shown
	}
	name := strings.ToLower(strings.TrimSpace(a.Provider))
	spec, listed := methods.Imported(name)
	if to, mapped := p[name]; mapped {
		if spec, listed = methods.Get(to); !listed {
			spec = method.Spec{Kind: method.ByRedirect, Name: to}
		}
		listed = true
	}
	out.provider = spec.Name
	switch {
	case !listed:
		return out, "account of a provider that Latchkey does not have: " + strconv.QuoteToASCII(clip(a.Provider))
	case spec.Kind == method.ByEmail:
		out.subject = out.shown
		return out, ""
	case spec.Kind == method.BySolana, spec.Kind == method.ByWallet && strings.Contains(a.Subject, "solana:"):
		subject, ok := solana.Imported(a.Subject)
		if !ok {
			return out, "wallet that is not a Solana account"
		}
		out.provider, out.subject = identity.ProviderSolana, subject
		return out, ""
	case spec.Kind == method.ByWallet:
		subject, w, ok := wallet.Imported(a.Subject, a.ChainID)
		if !ok {
			return out, "wallet that is not an Ethereum account"
		}
		out.subject, out.wallet = subject, &w
		return out, ""
	case spec.Kind == method.ByPasskey:
		return out, "passkey, which only the service that it was made for can use"
	case rounded(a.Subject):
		return out, "account id that a spreadsheet has rounded"
	case spec.Subject != nil && !spec.Subject(a.Subject), !printable(a.Subject):
		return out, "account id that " + spec.Name + " does not give"
	}
	out.subject = a.Subject
	return out, ""
}

func printable(s string) bool {
	return s != "" && len(s) <= maxSubject && !strings.ContainsFunc(s, func(c rune) bool { return c <= ' ' || c >= 0x7f })
}

// placeholder reports whether an address was made up: Better Auth gives a user who
// has only a wallet 0x...@the site, and others use names that can never exist.
func placeholder(address string) bool {
	local, domain, _ := strings.Cut(address, "@")
	return strings.HasPrefix(local, "0x") && common.IsHexAddress(local) || strings.HasSuffix(domain, ".invalid")
}

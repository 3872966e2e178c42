package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/latchkey/latchkey/identity/method/solana"
)

// SolanaNetworks are networks by name, each once.
type SolanaNetworks []solana.Network

func parseSolanaNetworks(raw string) (SolanaNetworks, error) {
	var out SolanaNetworks
	for name := range strings.SplitSeq(raw, ",") {
		n, ok := solana.NetworkNamed(strings.TrimSpace(name))
		switch {
		case !ok:
			return nil, fmt.Errorf("has %.60q, which is no network here; give %s, comma separated", name, strings.Join(solana.NetworkNames(), ", "))
		case slices.Contains(out, n):
			return nil, fmt.Errorf("has %s twice", n.Name)
		}
		out = append(out, n)
	}
	return out, nil
}

// checkSolana checks what only the texts of Solana wallets can be spoiled by.
func (c *Config) checkSolana(problems *problems) {
	if len(c.SolanaAllowedDomains) > 0 {
		problems.add("LATCHKEY_SOLANA_ALLOWED_EMAIL_DOMAINS", "has a domain, but wallets have no address; give any to let them create accounts, or remove it")
	}
	if len(c.SolanaNetworks) > 0 && strings.HasPrefix(c.SIWEStatement, "URI: ") {
		problems.add("LATCHKEY_SIWE_STATEMENT", "begins with %q, which in the texts that Solana wallets sign begins the next field", "URI: ")
	}
}

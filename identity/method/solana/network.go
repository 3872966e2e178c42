package solana

import (
	"slices"
	"strings"
)

// Network is a Solana network. Its accounts are identities of their own: a key is the
// same on all of them, but an account that is used for tests is treated with less care.
type Network struct {
	Name string // as the Wallet Standard has it after "solana:", such as mainnet
	// Genesis is the network's CAIP-2 reference: the first 32 characters of the hash of
	// its first block.
	Genesis string
}

// networks are those that have a lasting genesis. A local validator has another with
// each ledger.
var networks = []Network{
	{"mainnet", "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp"},
	{"devnet", "EtWTRABZaYq6iMfeYKouRu166VU2xqa1"},
	{"testnet", "4uhcVJyU9pJkvQyS88uRDiswHXSCkY3z"},
}

// NetworkNamed returns the network of a name: mainnet, devnet or testnet.
func NetworkNamed(name string) (Network, bool) {
	return findNetwork(networks, func(n Network) bool { return n.Name == name })
}

// NetworkNames returns the names that NetworkNamed takes.
func NetworkNames() []string { return namesOf(networks) }

// ChainID returns the network as the Wallet Standard writes it, such as solana:mainnet.
func (n Network) ChainID() string { return chainPrefix + n.Name }

const chainPrefix = "solana:"

// is reports whether the chain id of a message names the network. The Wallet Standard
// has mainnet and solana:mainnet, and CAIP-2 has solana and the genesis.
func (n Network) is(chain string) bool {
	name := strings.TrimPrefix(chain, chainPrefix)
	return name == n.Name || name == n.Genesis
}

func findNetwork(all []Network, is func(Network) bool) (Network, bool) {
	i := slices.IndexFunc(all, is)
	if i < 0 {
		return Network{}, false
	}
	return all[i], true
}

func namesOf(all []Network) []string {
	out := make([]string, len(all))
	for i, n := range all {
		out[i] = n.Name
	}
	return out
}

// Subject returns the account of an address on the network (CAIP-10).
func (n Network) Subject(address string) string { return chainPrefix + n.Genesis + ":" + address }

// Account reads a subject. It returns false for one that is not of a network here.
func Account(subject string) (n Network, address string, ok bool) {
	genesis, address, ok := strings.Cut(strings.TrimPrefix(subject, chainPrefix), ":")
	if n, ok2 := findNetwork(networks, func(n Network) bool { return n.Genesis == genesis }); ok && ok2 {
		return n, address, strings.HasPrefix(subject, chainPrefix)
	}
	return Network{}, "", false
}

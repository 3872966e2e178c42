package siwe

import (
	"strconv"
	"strings"
)

// chainNames are chains (EIP-155) as people know them.
var chainNames = map[uint64]string{
	1: "Ethereum", 10: "OP Mainnet", 56: "BNB Smart Chain", 100: "Gnosis", 130: "Unichain", 137: "Polygon", 146: "Sonic",
	324: "ZKsync Era", 480: "World Chain", 1868: "Soneium", 5000: "Mantle", 8453: "Base", 42161: "Arbitrum One", 42220: "Celo",
	43114: "Avalanche", 57073: "Ink", 59144: "Linea", 81457: "Blast", 534352: "Scroll", 7777777: "Zora",
	17000: "Holesky", 560048: "Hoodi", 84532: "Base Sepolia", 421614: "Arbitrum Sepolia", 11155111: "Sepolia", 11155420: "OP Sepolia",
}

// ChainName returns what people call a chain, by its EIP-155 id: "Ethereum", or
// "chain 31337" for one without a known name.
func ChainName(id uint64) string {
	if name, ok := chainNames[id]; ok {
		return name
	}
	return "chain " + strconv.FormatUint(id, 10)
}

// ChainList names chains in a sentence: "Ethereum (1), Base (8453) or chain 31337".
func ChainList(ids []uint64) string {
	names := make([]string, len(ids))
	for i, id := range ids {
		if names[i] = ChainName(id); chainNames[id] != "" {
			names[i] += " (" + strconv.FormatUint(id, 10) + ")"
		}
	}
	switch n := len(names); n {
	case 0:
		return "no chain"
	case 1:
		return names[0]
	default:
		return strings.Join(names[:n-1], ", ") + " or " + names[n-1]
	}
}

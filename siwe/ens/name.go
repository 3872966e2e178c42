package ens

import (
	"encoding/hex"
	"regexp"
	"strings"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
)

const maxNameBytes = 255 // DNS's limit, which wallets and registrars use too

// label is what ENSIP-15 calls an ASCII label, which is its own normal form:
// letters in lower case, digits, dollar and hyphen, underscores at the start.
var label = regexp.MustCompile(`^_*[a-z0-9$-]*$`)

// addressLike matches names that look like an address, which would be that of
// another account.
var addressLike = regexp.MustCompile(`^0x[0-9a-f]{40}$`)

// isDisplayable reports whether a name is normalised and can be shown.
func isDisplayable(name string) bool {
	if len(name) > maxNameBytes {
		return false
	}
	labels := strings.Split(name, ".")
	for _, l := range labels {
		if l == "" || !label.MatchString(l) || addressLike.MatchString(l) {
			return false
		}
		// Hyphens here mark Punycode (xn--), which encodes another script.
		if len(l) >= 4 && l[2:4] == "--" {
			return false
		}
	}
	// A top-level domain can have a resolver too, but "admin" does not read as the
	// name of an account.
	return len(labels) > 1
}

// namehash returns the node of a normalised name (EIP-137).
func namehash(name string) (node common.Hash) {
	labels := strings.Split(name, ".")
	for i := len(labels) - 1; i >= 0; i-- {
		node = crypto.Keccak256Hash(node[:], crypto.Keccak256([]byte(labels[i])))
	}
	return node
}

// reverseNode returns the node of an account's reverse record (EIP-181).
func reverseNode(a common.Address) common.Hash {
	return namehash(hex.EncodeToString(a[:]) + ".addr.reverse")
}

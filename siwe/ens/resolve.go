package ens

import (
	"context"
	"errors"
	"strings"

	"github.com/ethereum/go-ethereum/common"
)

// The refusals of [Resolver.Resolve]. Any other error means that no endpoint
// answered.
var (
	// ErrName means that the text is not a name, or is one that cannot be
	// distinguished from others without tables of Unicode.
	ErrName = errors.New("ens: only names of two or more labels of ASCII letters, digits, hyphens, dollars and leading underscores are resolved")
	// ErrNoEndpoint means that the resolver has no endpoint.
	ErrNoEndpoint = errors.New("ens: there is no endpoint of mainnet")
)

// Resolve asks the chain for the address of a name (EIP-137). The case of letters
// does not matter. The zero address means that there is no such name, or that it
// has no address on the chain (see the package's documentation).
//
// It waits for the endpoints, and remembers nothing, because names change hands.
func (r *Resolver) Resolve(ctx context.Context, name string) (common.Address, error) {
	name, ok := normalise(name)
	if !ok {
		return common.Address{}, ErrName
	}
	if r.isEmpty() {
		return common.Address{}, ErrNoEndpoint
	}
	return ask(ctx, r, func(ctx context.Context, e *endpoint) (common.Address, error) {
		_, owner, err := e.owner(ctx, namehash(name))
		return owner, err
	})
}

// normalise is ENSIP-15 for ASCII. Other characters are refused before the case
// is changed: U+212A is a k in lower case.
func normalise(name string) (string, bool) {
	for i := range len(name) {
		if name[i] >= 0x80 {
			return "", false
		}
	}
	name = strings.ToLower(name)
	return name, isDisplayable(name)
}

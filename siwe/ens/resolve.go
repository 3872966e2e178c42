package ens

import (
	"context"
	"errors"
	"strings"

	"github.com/ethereum/go-ethereum/common"
)

// Refusals of [Resolver.Resolve]. Any other error says that no endpoint could
// tell.
var (
	// ErrName is about what is no name, or one that would need tables of Unicode
	// to be told from others.
	ErrName = errors.New("ens: only names of two or more labels of ASCII letters, digits, hyphens, dollars and leading underscores are resolved")
	// ErrNoEndpoint is about a resolver that has nobody to ask.
	ErrNoEndpoint = errors.New("ens: there is no endpoint of mainnet")
)

// Resolve asks the chain whose address a name is (EIP-137), in any case of its
// letters. The zero address means nobody's: there is no such name, it has no
// address, or none on the chain (see the package's documentation).
//
// It takes as long as the endpoints do, and remembers nothing: a name changes
// hands.
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

// normalise is ENSIP-15 for what is ASCII. Anything else is refused before case
// is looked at: U+212A is a k in lower case.
func normalise(name string) (string, bool) {
	for i := range len(name) {
		if name[i] >= 0x80 {
			return "", false
		}
	}
	name = strings.ToLower(name)
	return name, isDisplayable(name)
}

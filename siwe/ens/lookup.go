package ens

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
)

// registry is ENS's on mainnet. It is immutable.
var registry = common.HexToAddress("0x00000000000C2E074eC69A0dFb2997BA6C7d2e1e")

var (
	resolverOf = selector("resolver(bytes32)")
	nameOf     = selector("name(bytes32)")
	addrOf     = selector("addr(bytes32)")
	textOf     = selector("text(bytes32,string)")

	text        = arguments("string")
	nodeAndText = arguments("bytes32", "string")
)

func selector(signature string) []byte { return crypto.Keccak256([]byte(signature))[:4:4] }

func arguments(types ...string) (args abi.Arguments) {
	for _, t := range types {
		typ, err := abi.NewType(t, "", nil)
		if err != nil {
			panic(err) // of a constant
		}
		args = append(args, abi.Argument{Type: typ})
	}
	return args
}

// Lookup asks the chain, one endpoint after the other until one answers. An
// account without a name, or without one that can be shown, is not an error.
//
// It waits for the endpoints. [Resolver.Cached] does not.
func (r *Resolver) Lookup(ctx context.Context, address common.Address) (Profile, error) {
	// Names without an address resolve to the zero address, which has no owner.
	if r.isEmpty() || address == (common.Address{}) {
		return Profile{}, nil
	}
	return ask(ctx, r, func(ctx context.Context, e *endpoint) (Profile, error) { return e.profile(ctx, address) })
}

// ask asks one endpoint after the other until one answers.
func ask[T any](ctx context.Context, r *Resolver, question func(context.Context, *endpoint) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, r.opts.Timeout)
	defer cancel()
	var failures error
	for _, e := range r.order() {
		answer, err := attempt(ctx, r.opts, e, question)
		if err == nil {
			return answer, nil
		}
		failures = errors.Join(failures, e.describe(err))
		if ctx.Err() != nil {
			break
		}
	}
	var none T
	return none, fmt.Errorf("ens: no endpoint answered: %w", failures)
}

// order returns the endpoints, those that failed recently last, so that not every
// lookup waits for one that is down.
func (r *Resolver) order() []*endpoint {
	var good, bad []*endpoint
	since := r.opts.Now().Add(-retryAfter)
	for _, e := range r.endpoints {
		if at := e.failedAt.Load(); at != nil && at.After(since) {
			bad = append(bad, e)
		} else {
			good = append(good, e)
		}
	}
	return append(good, bad...)
}

func attempt[T any](parent context.Context, opts Options, e *endpoint, question func(context.Context, *endpoint) (T, error)) (answer T, err error) {
	ctx, cancel := context.WithTimeout(parent, opts.AttemptTimeout)
	defer cancel()
	if err = e.checkChain(ctx); err == nil {
		answer, err = question(ctx, e)
	}
	if err == nil {
		e.failedAt.Store(nil)
	} else if parent.Err() == nil { // else the caller cancelled
		e.failedAt.Store(new(opts.Now()))
	}
	return answer, err
}

// profile looks an account up at one endpoint. An error means that the endpoint
// gave no answer.
func (e *endpoint) profile(ctx context.Context, address common.Address) (Profile, error) {
	reverse := reverseNode(address)
	resolver, err := e.resolver(ctx, reverse)
	if err != nil || resolver == (common.Address{}) {
		return Profile{}, err
	}
	answer, err := e.view(ctx, resolver, append(nameOf, reverse[:]...))
	if err != nil {
		return Profile{}, err
	}
	name := decodeText(answer)
	if !isDisplayable(name) {
		return Profile{}, nil
	}

	// Any account can claim any name, so the name must point back to it.
	node := namehash(name)
	resolver, owner, err := e.owner(ctx, node)
	if err != nil || owner != address {
		return Profile{}, err
	}

	question, err := nodeAndText.Pack(node, "avatar")
	if err != nil {
		return Profile{}, err
	}
	if answer, err = e.view(ctx, resolver, append(textOf, question...)); err != nil {
		return Profile{}, err
	}
	return Profile{Name: name, AvatarURL: avatarURL(decodeText(answer))}, nil
}

// owner returns the address of a name and the resolver that says so, or zero if
// the name has no address.
func (e *endpoint) owner(ctx context.Context, node common.Hash) (resolver, owner common.Address, err error) {
	if resolver, err = e.resolver(ctx, node); err != nil || resolver == (common.Address{}) {
		return resolver, owner, err
	}
	answer, err := e.view(ctx, resolver, append(addrOf, node[:]...))
	owner, _ = decodeAddress(answer)
	return resolver, owner, err
}

// resolver asks the registry, which always answers. If it does not, the node is
// not one of mainnet or is not ready, and its answer does not mean "no name".
func (e *endpoint) resolver(ctx context.Context, node common.Hash) (common.Address, error) {
	answer, err := e.call(ctx, registry, append(resolverOf, node[:]...))
	if err != nil {
		return common.Address{}, err
	}
	a, ok := decodeAddress(answer)
	if !ok {
		return common.Address{}, errNoRegistry
	}
	if isReserved(a) {
		return common.Address{}, nil
	}
	return a, nil
}

// isReserved reports whether an address is one of those at which chains keep
// precompiles. They are not resolvers, and their failures look like the node's.
func isReserved(a common.Address) bool {
	return bytes.Equal(a[:common.AddressLength-2], make([]byte, common.AddressLength-2))
}

func decodeAddress(answer []byte) (common.Address, bool) {
	const padding = common.HashLength - common.AddressLength
	if len(answer) != common.HashLength || !bytes.Equal(answer[:padding], make([]byte, padding)) {
		return common.Address{}, false
	}
	return common.Address(answer[padding:]), true
}

// decodeText returns "" for data that is not the ABI's form of one string.
func decodeText(answer []byte) string {
	values, err := text.Unpack(answer)
	if err != nil || len(values) != 1 {
		return ""
	}
	s, _ := values[0].(string)
	return s
}

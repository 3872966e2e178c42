package siwe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/ethclient"
	"github.com/ethereum/go-ethereum/rpc"
)

// ContractsOptions bounds what a verification may cost. Zero means the default.
type ContractsOptions struct {
	Timeout          time.Duration // of one verification, over all endpoints; 8 seconds
	CallTimeout      time.Duration // of one endpoint's attempt; 3 seconds
	Gas              uint64        // of one eth_call; 10 million
	MaxResponseBytes int64         // of one RPC response, decompressed; 1 MiB
	MaxConcurrent    int           // verifications of one chain at a time; 32
	Transport        http.RoundTripper
	Now              func() time.Time // for the health of endpoints; time.Now
}

func (o ContractsOptions) withDefaults() ContractsOptions {
	if o.Timeout <= 0 {
		o.Timeout = 8 * time.Second
	}
	if o.CallTimeout <= 0 {
		o.CallTimeout = 3 * time.Second
	}
	if o.Gas == 0 {
		// A passkey checked in Solidity takes 0.4 million, a Safe's deployment
		// 0.3. Below 2^24, the most that a transaction may have (EIP-7825).
		o.Gas = 10_000_000
	}
	if o.MaxResponseBytes <= 0 {
		o.MaxResponseBytes = 1 << 20
	}
	if o.MaxConcurrent <= 0 {
		o.MaxConcurrent = 32
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// Contracts verifies contract wallets by asking the chain they are on. It
// trusts its RPC endpoints: their operators decide which signatures are valid.
// It is safe for concurrent use. A nil *Contracts supports no chain.
type Contracts struct {
	chains map[uint64]*chain
	opts   ContractsOptions
}

// NewContracts returns a verifier that asks JSON-RPC endpoints, given by their
// HTTP(S) URLs for each EIP-155 chain id, in order of preference. It does not
// connect yet. Errors name the chain and never the URL, which usually has a key.
func NewContracts(rpcURLs map[uint64][]string, opts ContractsOptions) (*Contracts, error) {
	opts = opts.withDefaults()
	client := &http.Client{
		Transport: &boundedTransport{base: opts.Transport, max: opts.MaxResponseBytes},
		// Redirects are not followed: an endpoint must not choose other hosts.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	c := &Contracts{chains: map[uint64]*chain{}, opts: opts}
	for id, urls := range rpcURLs {
		ch := newChain(id, opts)
		for i, raw := range urls {
			u, err := url.Parse(raw)
			if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
				return nil, fmt.Errorf("siwe: RPC endpoint %d of chain %d is not an HTTP URL", i+1, id)
			}
			conn, err := rpc.DialOptions(context.Background(), raw, rpc.WithHTTPClient(client))
			if err != nil {
				return nil, fmt.Errorf("siwe: RPC endpoint %d of chain %d cannot be used", i+1, id)
			}
			ch.endpoints = append(ch.endpoints, &endpoint{name: u.Host, backend: ethclient.NewClient(conn)})
		}
		if id == 0 || len(ch.endpoints) == 0 {
			return nil, fmt.Errorf("siwe: chain %d has no RPC endpoint, or is not a chain", id)
		}
		c.chains[id] = ch
	}
	return c, nil
}

// NewContractsWithBackends is like [NewContracts] but uses existing connections,
// such as an in-process chain.
func NewContractsWithBackends(backends map[uint64][]Backend, opts ContractsOptions) *Contracts {
	opts = opts.withDefaults()
	c := &Contracts{chains: map[uint64]*chain{}, opts: opts}
	for id, bs := range backends {
		c.chains[id] = newChain(id, opts)
		for i, b := range bs {
			c.chains[id].endpoints = append(c.chains[id].endpoints, &endpoint{name: fmt.Sprintf("backend-%d", i+1), backend: b})
		}
	}
	return c
}

// VerifyContract implements [ContractVerifier]. The error is a *[Error]:
// Rejected when the chain has answered that this is not a signature of the
// account, Unavailable when no endpoint of the chain answered.
//
// A wallet that has code is judged by its current code alone (ERC-1271), even if
// the signature comes with a deployment. ERC-6492 also allows a call of the
// signer's choice before the question, but a former owner could use that to
// prepare the answer. A wallet without code needs an ERC-6492 signature, or an
// ERC-8010 signature that brings its delegation (EIP-7702).
//
// An empty signature asks whether the wallet's owners approved the hash on the chain,
// as those of a Safe do. It is only of use where the wallet has code.
func (c *Contracts) VerifyContract(ctx context.Context, chainID uint64, account common.Address, hash common.Hash, signature []byte) error {
	if c == nil || c.chains[chainID] == nil {
		return errNotSignedByKey(signature, "contract wallets of this chain are not supported here")
	}
	if len(signature) > MaxSignatureBytes {
		return malformed(FieldSignature, "is longer than 16 KiB")
	}
	if isReserved(account) {
		return rejected(FieldAddress, "is not one that can sign")
	}
	q := question{account: account, hash: hash, signature: signature, gas: c.opts.Gas}
	if inner, wrapped := cutMagic(signature); wrapped {
		var err error
		if q.deployment, q.signature, err = unwrap(inner); err != nil {
			return err
		}
	} else if inner, wrapped := bytes.CutSuffix(signature, delegationSuffix); wrapped {
		var err error
		if q.delegation, q.signature, err = unwrapDelegation(inner, chainID, account); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, c.opts.Timeout)
	defer cancel()
	return c.chains[chainID].ask(ctx, q)
}

// isReserved reports whether an address is zero or one of those at which chains
// keep precompiles. They have no key, and what they return is not a verdict on a
// signature.
func isReserved(a common.Address) bool {
	for _, b := range a[:common.AddressLength-2] {
		if b != 0 {
			return false
		}
	}
	return true
}

func unavailable(cause error) *Error {
	if cause == nil {
		cause = errors.New("no RPC endpoint is configured")
	}
	return &Error{
		Field: FieldSignature, Kind: Unavailable, RetryAfter: retryAfter, Err: cause,
		Reason: "could not be checked: no RPC endpoint of the chain answered",
	}
}

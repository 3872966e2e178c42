package siwe

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
)

// Backend is a connection to a chain. *ethclient.Client implements it, and so
// does the client of go-ethereum's simulated chain. A nil block is the latest.
type Backend interface {
	ChainID(ctx context.Context) (*big.Int, error)
	CodeAt(ctx context.Context, account common.Address, block *big.Int) ([]byte, error)
	CallContract(ctx context.Context, call ethereum.CallMsg, block *big.Int) ([]byte, error)
}

type chain struct {
	id        uint64
	endpoints []*endpoint
	slots     chan struct{} // taken while verifying
	timeout   time.Duration // of one endpoint's attempt
	now       func() time.Time
}

func newChain(id uint64, opts ContractsOptions) *chain {
	return &chain{id: id, slots: make(chan struct{}, opts.MaxConcurrent), timeout: opts.CallTimeout, now: opts.Now}
}

// endpoint is one connection and its health.
type endpoint struct {
	name    string // the URL's host: paths and queries hold keys
	backend Backend

	mu      sync.Mutex
	chainOK bool      // its chain id has been checked
	probed  time.Time // when a probe for its health last began
	contact time.Time // when it last answered or failed; zero if never asked
	failure error     // of the last contact; nil if it answered
}

// ask asks one endpoint after the other until one gives an answer.
func (c *chain) ask(ctx context.Context, q question) error {
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return unavailable(errors.New("too many verifications at once"))
	}
	var failures error
	for _, e := range c.order() {
		err := e.put(ctx, c, q)
		var final *Error
		if err == nil || errors.As(err, &final) {
			return err
		}
		failures = errors.Join(failures, fmt.Errorf("%s: %w", e.name, err))
		if ctx.Err() != nil {
			break
		}
	}
	return unavailable(failures)
}

// order returns the endpoints, those that failed recently last. None is left
// out: if all of them failed, they are tried all the same.
func (c *chain) order() []*endpoint {
	var good, bad []*endpoint
	for _, e := range c.endpoints {
		if e.failedSince(c.now().Add(-retryAfter)) {
			bad = append(bad, e)
		} else {
			good = append(good, e)
		}
	}
	return append(good, bad...)
}

func (e *endpoint) failedSince(t time.Time) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.failure != nil && e.contact.After(t)
}

// put makes one attempt. The error is a *Error if the chain has answered.
// Otherwise it is safe to log: it does not have the endpoint's URL.
func (e *endpoint) put(parent context.Context, c *chain, q question) error {
	ctx, cancel := context.WithTimeout(parent, c.timeout)
	defer cancel()
	err := e.checkChain(ctx, c.id)
	if err == nil {
		err = q.put(ctx, e.backend)
	}
	var final *Error
	if err == nil || errors.As(err, &final) {
		e.record(c.now(), nil)
		return err
	}
	err = describe(err)
	if parent.Err() == nil { // else the caller cancelled
		e.record(c.now(), err)
	}
	return err
}

func (e *endpoint) record(at time.Time, failure error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.contact, e.failure = at, failure
}

// checkChain asks an endpoint for its chain id until the answer is right once.
// With a wrong URL, contracts of another chain would answer for this one's.
func (e *endpoint) checkChain(ctx context.Context, want uint64) error {
	e.mu.Lock()
	ok := e.chainOK
	e.mu.Unlock()
	if ok {
		return nil
	}
	return e.probe(ctx, want)
}

func (e *endpoint) probe(ctx context.Context, want uint64) error {
	id, err := e.backend.ChainID(ctx)
	if err != nil {
		return err
	}
	ok := id.IsUint64() && id.Uint64() == want
	e.mu.Lock()
	e.chainOK = ok
	e.mu.Unlock()
	if !ok {
		return errWrongChain
	}
	return nil
}

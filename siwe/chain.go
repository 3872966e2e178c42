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

// Backend is what is asked of a connection to a chain. *ethclient.Client is
// one, and so is the client of go-ethereum's simulated chain. A nil block is the
// latest.
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

// endpoint is one connection and what is known of it.
type endpoint struct {
	name    string // the URL's host: paths and queries hold keys
	backend Backend

	mu      sync.Mutex
	chainOK bool      // its chain id was seen to be right
	probed  time.Time // when a probe for its health last began
	contact time.Time // when it last answered or failed to; zero if never asked
	failure error     // of the last contact; nil if it answered
}

// ask puts a question to one endpoint after the other until one can tell.
func (c *chain) ask(ctx context.Context, q question) error {
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return unavailable(errors.New("too many verifications at a time"))
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

// order puts endpoints that have failed just now behind the others. None is
// left out: if all have failed, trying is all there is.
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

// put makes one attempt. The error is a *Error if the chain has answered, else
// it is fit to be logged: without the endpoint's URL.
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
	if parent.Err() == nil { // else it was the caller who gave up
		e.record(c.now(), err)
	}
	return err
}

func (e *endpoint) record(at time.Time, failure error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.contact, e.failure = at, failure
}

// checkChain asks an endpoint for its chain id until it was once right: a
// mistaken URL would have contracts of another chain speak for this one's.
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

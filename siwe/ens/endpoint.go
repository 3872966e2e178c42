package ens

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/ethclient"
	"github.com/ethereum/go-ethereum/rpc"
)

// endpoint is a connection to a node of mainnet.
type endpoint struct {
	name     string // the URL's host: paths and queries hold keys
	client   *ethclient.Client
	gas      uint64
	chainOK  atomic.Bool
	failedAt atomic.Pointer[time.Time] // nil if it has answered since
}

func dial(raw string, client *http.Client, gas uint64) (*endpoint, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, errors.New("is not an HTTP URL")
	}
	conn, err := rpc.DialOptions(context.Background(), raw, rpc.WithHTTPClient(client))
	if err != nil {
		return nil, errors.New("cannot be used") // the error holds the URL
	}
	return &endpoint{name: u.Host, client: ethclient.NewClient(conn), gas: gas}, nil
}

// boundedTransport fails a response body that is longer than max bytes. It wraps
// the transport that decompresses, so the decompressed size counts.
type boundedTransport struct {
	base http.RoundTripper
	max  int64
}

func (t boundedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.base.RoundTrip(r)
	if err == nil {
		resp.Body = http.MaxBytesReader(nil, resp.Body, t.max)
	}
	return resp, err
}

var (
	errWrongChain = errors.New("the endpoint serves another chain")
	errNoRegistry = errors.New("the endpoint does not know the ENS registry")
)

// checkChain asks for the chain id until the answer is right once: on another
// chain, anyone can have put another registry at the address of the real one.
func (e *endpoint) checkChain(ctx context.Context) error {
	if e.chainOK.Load() {
		return nil
	}
	id, err := e.client.ChainID(ctx)
	if err != nil {
		return err
	}
	if !id.IsUint64() || id.Uint64() != 1 {
		return errWrongChain
	}
	e.chainOK.Store(true)
	return nil
}

func (e *endpoint) call(ctx context.Context, to common.Address, data []byte) ([]byte, error) {
	return e.client.CallContract(ctx, ethereum.CallMsg{To: &to, Data: data, Gas: e.gas}, nil)
}

// view calls a contract that anyone can have written. If the contract fails there
// is no answer and no error: errors are the endpoint's.
func (e *endpoint) view(ctx context.Context, to common.Address, data []byte) ([]byte, error) {
	answer, err := e.call(ctx, to, data)
	if err != nil && executionFailed(err) {
		return nil, nil
	}
	return answer, err
}

// executionFailed reports whether a contract made a call fail, as opposed to a
// node that could not make the call. Geth's code for a revert is 3. For other
// failures, each kind of node has its own words. A mistake costs a repeated lookup
// and never makes a name.
func executionFailed(err error) bool {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return true // only gas bounds what a contract returns
	}
	var e rpc.Error
	if !errors.As(err, &e) {
		return false
	}
	if e.ErrorCode() == 3 || e.ErrorCode() == -32015 {
		return true
	}
	message := strings.ToLower(e.Error())
	for _, words := range []string{
		"revert", "out of gas", "outofgas", "gas uint64 overflow", "invalid opcode", "bad instruction", "invalid jump",
		"bad jump", "stack underflow", "stack overflow", "stack limit", "write protection", "return data out of bounds",
		"evm error", "vm execution error", "execution aborted",
	} {
		if strings.Contains(message, words) {
			return true
		}
	}
	return false
}

// describe returns an error in a form that is safe to log: without the endpoint's
// URL, which has a key, and without the words of a node or a contract.
func (e *endpoint) describe(err error) error {
	var (
		status   rpc.HTTPError
		node     rpc.Error
		tooLarge *http.MaxBytesError
		request  *url.Error
	)
	switch {
	case errors.As(err, &status):
		err = errors.New("HTTP status " + strconv.Itoa(status.StatusCode))
	case errors.As(err, &node):
		err = errors.New("JSON-RPC error " + strconv.Itoa(node.ErrorCode()))
	case errors.As(err, &tooLarge):
		err = errors.New("the response is too large")
	case errors.Is(err, context.DeadlineExceeded):
		err = context.DeadlineExceeded
	case errors.As(err, &request):
		err = request.Err
	case !errors.Is(err, errWrongChain) && !errors.Is(err, errNoRegistry) && !errors.Is(err, context.Canceled):
		err = errors.New("the response is not JSON-RPC")
	}
	return fmt.Errorf("%s: %w", e.name, err)
}

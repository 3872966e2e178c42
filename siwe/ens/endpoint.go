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

// boundedTransport ends a response body behind max bytes. It wraps the transport
// that decompresses, so it is the decompressed size that counts.
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

// checkChain asks for the chain id until it was once right: on another chain,
// anybody may have put a registry of their own at the address of the real one.
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

// view calls a contract that anybody may have written. If that fails there is no
// answer, which is not an error: those are the endpoint's.
func (e *endpoint) view(ctx context.Context, to common.Address, data []byte) ([]byte, error) {
	answer, err := e.call(ctx, to, data)
	if err != nil && executionFailed(err) {
		return nil, nil
	}
	return answer, err
}

// executionFailed tells what a contract has made fail from what a node could not
// do. Geth's code for a revert is 3; for the rest each kind of node has its own
// words. A mistake costs a repeated lookup, it never makes a name.
func executionFailed(err error) bool {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return true // what a contract returns is bounded by its gas alone
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

// describe returns what of an error may be logged: neither the endpoint's URL,
// which holds a key, nor what a node or a contract had to say.
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

package siwe

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/ethereum/go-ethereum/rpc"
)

var (
	errResponseTooLarge = errors.New("the response is too large")
	errWrongChain       = errors.New("the endpoint serves another chain")
)

// boundedTransport fails a response body that is longer than max bytes. It wraps
// the transport that decompresses, so the decompressed size counts.
type boundedTransport struct {
	base http.RoundTripper
	max  int64
}

func (t *boundedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	base := t.base
	if base == nil {
		base = http.DefaultTransport
	}
	resp, err := base.RoundTrip(r)
	if err == nil {
		resp.Body = &boundedBody{ReadCloser: resp.Body, left: t.max}
	}
	return resp, err
}

type boundedBody struct {
	io.ReadCloser
	left int64
}

func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		// A body of exactly max bytes counts as too large too.
		return 0, errResponseTooLarge
	}
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

// describe returns an RPC's error in a form that is safe to log. The URL of an
// endpoint has a key and a response body can have anything, so neither is in it.
// The node's own message is cut and quoted.
func describe(err error) error {
	var status rpc.HTTPError
	if errors.As(err, &status) {
		return errors.New("HTTP status " + strconv.Itoa(status.StatusCode))
	}
	var node rpc.Error
	if errors.As(err, &node) {
		message := node.Error()
		return errors.New("error " + strconv.Itoa(node.ErrorCode()) + ": " + strconv.QuoteToASCII(message[:min(len(message), 100)]))
	}
	for _, known := range []error{errResponseTooLarge, errWrongChain, context.DeadlineExceeded, context.Canceled} {
		if errors.Is(err, known) {
			return known
		}
	}
	var request *url.Error
	if errors.As(err, &request) {
		return request.Err
	}
	return errors.New("the response is not JSON-RPC")
}

package oauth

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// remote is one provider's side of the network.
type remote struct {
	name    string
	client  *http.Client
	timeout time.Duration // of everything one call of Provider does
}

func newRemote(name string, timeout time.Duration, configured ...*url.URL) remote {
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	return remote{name: name, client: NewHTTPClient(timeout, configured...), timeout: timeout}
}

// Response is a response read to its end.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// get sends a GET and reads the response. The error is a *identity.Error; a
// status other than 200 is no error yet.
func (r remote) get(ctx context.Context, url string, header http.Header) (*Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, Failed(r.name, "%w", err)
	}
	for name, values := range header {
		req.Header[name] = values
	}
	return r.do(req)
}

func (r remote) do(req *http.Request) (*Response, error) {
	req.Header.Set("User-Agent", userAgent)
	if req.Header.Get("Accept") == "" {
		req.Header.Set("Accept", "application/json")
	}
	res, err := r.client.Do(req)
	if err != nil {
		return nil, transportError(r.name, err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, transportError(r.name, fmt.Errorf("reading %s: %w", req.URL.Redacted(), err))
	}
	return &Response{Status: res.StatusCode, Header: res.Header, Body: body}, nil
}

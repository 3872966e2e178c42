package apptest

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// Raw writes bytes to the service as they are, for requests no HTTP client
// would send, and reads the answer. It is nil when the connection was closed
// without one. The service may answer and close before it has read everything.
func (a *App) Raw(t *testing.T, request ...[]byte) *Answer {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", a.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	go func() {
		for _, part := range request {
			if _, err := conn.Write(part); err != nil {
				return // it has heard enough
			}
		}
	}()
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
			t.Fatalf("neither an answer nor the end of the connection: %v", err)
		}
		return nil
	}
	defer func() { _ = res.Body.Close() }()
	body, _ := io.ReadAll(res.Body) // what arrived before the connection broke
	return &Answer{t: t, what: "raw request", Status: res.StatusCode, Header: res.Header, Body: body}
}

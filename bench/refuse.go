package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"syscall"
	"time"
)

const (
	hugeBody   = 10 << 20
	refusals   = 100
	refusalAim = 5 * time.Millisecond
)

// measureRefuse sends bodies of 10 MB, with their length and without, and counts
// the CPU time that the service spends on answering 413.
func measureRefuse(ctx context.Context, m *machine, t *table) error {
	defer m.stop()
	url, err := m.database(ctx)
	if err != nil {
		return err
	}
	service, err := m.service(ctx, m.binaries[0], url)
	if err != nil {
		return err
	}
	body := append([]byte(`{"message":"`), bytes.Repeat([]byte("a"), hugeBody)...)
	body = append(body, `","signature":"0x"}`...)
	head := "POST " + verifyPath + " HTTP/1.1\r\nHost: " + service.address + "\r\nContent-Type: application/json\r\n"
	announced := append([]byte(head+"Content-Length: "+strconv.Itoa(len(body))+"\r\n\r\n"), body...)
	chunked := []byte(head + "Transfer-Encoding: chunked\r\n\r\n")
	for part := range slices.Chunk(body, 32<<10) {
		chunked = fmt.Appendf(chunked, "%x\r\n%s\r\n", len(part), part)
	}
	chunked = append(chunked, "0\r\n\r\n"...)

	for _, c := range []struct {
		how     string
		request []byte
	}{{"announced", announced}, {"chunked", chunked}} {
		if err := refused(service.address, c.request); err != nil { // warms up
			return err
		}
		before, err := cpuTime(service.pid())
		if err != nil {
			return err
		}
		for range refusals {
			if err := errors.Join(refused(service.address, c.request), ctx.Err()); err != nil {
				return err
			}
		}
		after, err := cpuTime(service.pid())
		if err != nil {
			return err
		}
		t.atMost(1, (after-before).Seconds()/refusals/refusalAim.Seconds(), "CPU to refuse a 10 MB body, "+c.how+" / 5 ms", "mean of %d", refusals)
	}
	return nil
}

// refused sends all that the server takes, on a connection of its own: it closes
// one whose body it did not read.
func refused(address string, request []byte) error {
	c, err := dial(address)
	if err != nil {
		return err
	}
	defer c.close()
	sent := make(chan error, 1)
	go func() { _, err := c.conn.Write(request); sent <- err }()
	a, err := c.read()
	c.close()
	// The rest of the body meets a closed connection, on either side.
	if werr := <-sent; werr != nil && !errors.Is(werr, syscall.EPIPE) && !errors.Is(werr, syscall.ECONNRESET) && !errors.Is(werr, net.ErrClosed) {
		return werr
	}
	return orWant(err, a, 413)
}

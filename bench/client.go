package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httputil"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// The load generator shares two cores with the server it measures, so it does
// as little as can be: requests are bytes made beforehand, and of an answer it
// reads the status, the length and, where asked, the cookies.

const browser = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"

// get, post and del make requests as a browser on the service's own origin sends them.
func get(address, path, cookie string) []byte {
	return []byte("GET " + path + " HTTP/1.1\r\nHost: " + address + browserHeaders(cookie) + "\r\n")
}

func post(address, path, cookie string, body []byte) []byte {
	return append([]byte("POST "+path+" HTTP/1.1\r\nHost: "+address+"\r\nOrigin: http://"+address+
		"\r\nContent-Type: application/json\r\nContent-Length: "+strconv.Itoa(len(body))+browserHeaders(cookie)+"\r\n"), body...)
}

func del(address, path, cookie string) []byte {
	return []byte("DELETE " + path + " HTTP/1.1\r\nHost: " + address + "\r\nOrigin: http://" + address + browserHeaders(cookie) + "\r\n")
}

func browserHeaders(cookie string) string {
	s := "\r\nUser-Agent: " + browser + "\r\nAccept: */*\r\nAccept-Language: en\r\nSec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors\r\n"
	if cookie != "" {
		s += "Cookie: " + cookie + "\r\n"
	}
	return s
}

type client struct {
	conn net.Conn
	r    *bufio.Reader
	body []byte // of the answer read last
}

type answer struct {
	status   int
	body     []byte // valid until the next request
	cookies  []string
	location string // of a redirect
}

func dial(address string) (*client, error) {
	conn, err := net.Dial("tcp", address) //nolint:noctx // loopback, and the servers have timeouts
	if err != nil {
		return nil, err
	}
	return &client{conn: conn, r: bufio.NewReaderSize(conn, 16<<10)}, nil
}

func (c *client) close() { _ = c.conn.Close() }

func (c *client) do(request []byte) (answer, error) {
	if _, err := c.conn.Write(request); err != nil {
		return answer{}, err
	}
	return c.read()
}

var (
	contentLength = []byte("Content-Length: ")
	setCookie     = []byte("Set-Cookie: ")
	location      = []byte("Location: ")
	chunked       = []byte("Transfer-Encoding: chunked")
)

func (c *client) read() (answer, error) {
	line, err := c.r.ReadSlice('\n')
	if err != nil {
		return answer{}, err
	}
	var a answer
	if len(line) < 12 {
		return a, fmt.Errorf("no HTTP answer: %q", line)
	}
	if a.status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return a, fmt.Errorf("no HTTP answer: %q", line)
	}
	length, inChunks := -1, false
	for {
		if line, err = c.r.ReadSlice('\n'); err != nil {
			return a, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		if v, ok := bytes.CutPrefix(line, contentLength); ok {
			length, _ = strconv.Atoi(string(v))
		} else if bytes.Equal(line, chunked) {
			inChunks = true
		} else if v, ok := bytes.CutPrefix(line, setCookie); ok {
			pair, _, _ := strings.Cut(string(v), ";")
			a.cookies = append(a.cookies, pair)
		} else if v, ok := bytes.CutPrefix(line, location); ok {
			a.location = string(v)
		}
	}
	switch {
	case a.status == 204:
		length = 0
	case inChunks:
		a.body, err = io.ReadAll(httputil.NewChunkedReader(c.r))
		if err == nil {
			_, err = c.r.Discard(2) // the end of the trailer, of which there is none
		}
		return a, err
	}
	if length < 0 {
		return a, errors.New("answer without Content-Length")
	}
	if cap(c.body) < length {
		c.body = make([]byte, length)
	}
	a.body = c.body[:length]
	_, err = io.ReadFull(c.r, a.body)
	return a, err
}

// want turns an answer of another status into an error.
func (a answer) want(status int) error {
	if a.status != status {
		return fmt.Errorf("status %d, want %d: %s", a.status, status, a.body)
	}
	return nil
}

// load is a set of open connections to one server.
type load []*client

func newLoad(address string, connections int) (load, error) {
	l := make(load, connections)
	for i := range l {
		var err error
		if l[i], err = dial(address); err != nil {
			return nil, err
		}
	}
	return l, nil
}

func (l load) close() {
	for _, c := range l {
		c.close()
	}
}

// each gives every connection its goroutine until all have ended.
func (l load) each(work func(i int, c *client) error) error {
	errs := make([]error, len(l))
	var wg sync.WaitGroup
	for i, c := range l {
		wg.Go(func() { errs[i] = work(i, c) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// spread does the jobs 0 to n-1, each once, on whichever connection is free.
func (l load) spread(n int, job func(i int, c *client) error) error {
	var next atomic.Int64
	return l.each(func(_ int, c *client) error {
		for {
			i := int(next.Add(1)) - 1
			if i >= n {
				return nil
			}
			if err := job(i, c); err != nil {
				next.Store(int64(n)) // the others need not go on
				return err
			}
		}
	})
}

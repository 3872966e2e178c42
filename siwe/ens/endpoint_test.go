package ens_test

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/latchkey/latchkey/siwe/ens"
)

func respond(status int, body string) http.HandlerFunc {
	return func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/json")
		rw.WriteHeader(status)
		_, _ = io.WriteString(rw, body)
	}
}

// reply answers each JSON-RPC call with the given result or error member, but
// for the chain id if it is to be right.
func reply(member string, chainID bool) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		var call struct {
			ID     json.RawMessage `json:"id"`
			Method string          `json:"method"`
		}
		_ = json.NewDecoder(r.Body).Decode(&call)
		answer := member
		if chainID && call.Method == "eth_chainId" {
			answer = `"result":"0x1"`
		}
		rw.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(rw, `{"jsonrpc":"2.0","id":`+string(call.ID)+`,`+answer+`}`)
	}
}

// faults are endpoints that give no answer, by what is wrong with them; good is
// one that answers.
func faults(t testing.TB, good string) map[string]string {
	hang := func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}
	endless := func(rw http.ResponseWriter, _ *http.Request) {
		_, err := io.WriteString(rw, `{"jsonrpc":"2.0","id":1,"result":"0x`)
		for err == nil {
			_, err = io.WriteString(rw, strings.Repeat("0", 1<<16))
		}
	}
	bomb := func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(rw)
		_, _ = io.WriteString(z, `{"jsonrpc":"2.0","id":1,"result":"0x`+strings.Repeat("0", 4<<20)+`"}`)
		_ = z.Close()
	}
	elsewhere := func(rw http.ResponseWriter, r *http.Request) {
		http.Redirect(rw, r, good, http.StatusTemporaryRedirect)
	}
	other := newMainnet(t, 1)
	other.put(t, registry, "Resolver") // reverts when asked for a resolver
	polygon := newMainnet(t, 137)
	polygon.claim(t, alice, "alice.eth")
	polygon.own(t, alice, "alice.eth", "")
	return map[string]string{
		"down":                 "http://127.0.0.1:1/" + apiKey,
		"another chain":        polygon.url(t),
		"no registry":          serve(t, reply(`"result":"0x"`, true)),
		"another's registry":   other.url(t),
		"HTML":                 serve(t, respond(200, "<html>"+apiKey+"</html>")),
		"empty":                serve(t, respond(200, "")),
		"null":                 serve(t, respond(200, "null")),
		"a batch":              serve(t, respond(200, "[]")),
		"401":                  serve(t, respond(401, apiKey)),
		"429":                  serve(t, respond(429, apiKey)),
		"500, long":            serve(t, respond(500, strings.Repeat(apiKey, 1<<16))),
		"redirects":            serve(t, http.HandlerFunc(elsewhere)),
		"hangs":                serve(t, http.HandlerFunc(hang)),
		"endless":              serve(t, http.HandlerFunc(endless)),
		"decompresses":         serve(t, http.HandlerFunc(bomb)),
		"limit exceeded":       serve(t, reply(`"error":{"code":-32005,"message":"`+apiKey+`"}`, true)),
		"null result":          serve(t, reply(`"result":null`, true)),
		"result of wrong type": serve(t, reply(`"result":{}`, true)),
		"not hexadecimal":      serve(t, reply(`"result":"0xzz"`, true)),
		"negative chain":       serve(t, reply(`"result":"-0x1"`, false)),
		"huge chain":           serve(t, reply(`"result":"0x10000000000000001"`, false)),
	}
}

func TestFaultyEndpoints(t *testing.T) {
	m := newMainnet(t, 1)
	m.claim(t, alice, "alice.eth")
	m.own(t, alice, "alice.eth", "")
	good := m.url(t)
	opts := ens.Options{AttemptTimeout: 2 * time.Second, Timeout: 20 * time.Second}
	for name, bad := range faults(t, good) {
		t.Run(name, func(t *testing.T) {
			p, err := newResolver(t, opts, bad).Lookup(t.Context(), alice)
			if err == nil || p != (ens.Profile{}) || strings.Contains(err.Error(), apiKey) {
				t.Errorf("%v, %v", p, err)
			}
			if name == "endless" && !strings.Contains(err.Error(), "too large") {
				t.Errorf("%v", err) // it was read until the time was up
			}
			equal(t, "alice.eth", lookup(t, newResolver(t, opts, bad, good), alice).Name)
		})
	}
}

// An endpoint that fails while a name is being verified must not make one.
func TestFailureAtEachCall(t *testing.T) {
	m := newMainnet(t, 1)
	m.claim(t, alice, "alice.eth")
	m.own(t, alice, "alice.eth", "")
	var calls, fails atomic.Int64
	transport := roundTripper(func(r *http.Request) (*http.Response, error) {
		if calls.Add(1) == fails.Load() {
			return nil, http.ErrHandlerTimeout
		}
		return http.DefaultTransport.RoundTrip(r)
	})
	for n := range int64(7) {
		calls.Store(0)
		fails.Store(n)
		p, err := newResolver(t, ens.Options{Transport: transport}, m.url(t)).Lookup(t.Context(), alice)
		equal(t, n > 0, err != nil)
		equal(t, n == 0, p.Name == "alice.eth")
	}
}

func TestFailedEndpointIsTriedLast(t *testing.T) {
	m := newMainnet(t, 1)
	var asked atomic.Int64
	bad := serve(t, http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		rw.WriteHeader(http.StatusBadGateway)
	}))
	var c clock
	r := newResolver(t, ens.Options{Now: c.now}, bad, m.url(t))
	for range 3 {
		lookup(t, r, alice)
	}
	equal(t, 1, asked.Load())
	c.advance(30 * time.Second)
	lookup(t, r, alice)
	equal(t, 2, asked.Load())
}

func TestCallerGivesUp(t *testing.T) {
	r := newResolver(t, ens.Options{Transport: make(gate)}, newMainnet(t, 1).url(t))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := r.Lookup(ctx, alice); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

func TestURLs(t *testing.T) {
	for _, raw := range []string{"", apiKey, "/" + apiKey, "ws://example.com/" + apiKey, "https:///" + apiKey, "file:///" + apiKey, "https://example.com/\x00" + apiKey, "http://[" + apiKey} {
		_, err := ens.New([]string{"https://mainnet.example.com", raw}, ens.Options{})
		if err == nil || strings.Contains(err.Error(), apiKey) || !strings.Contains(err.Error(), "endpoint 2") {
			t.Errorf("%q: %v", raw, err)
		}
	}
}

package siwe_test

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"

	"github.com/latchkey/latchkey/siwe"
)

const apiKey = "s3cr3t-api-key" // in every URL below

// serve starts an endpoint and returns its URL, with a key in it.
func serve(t testing.TB, h http.Handler) string {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL + "/v2/" + apiKey + "?key=" + apiKey
}

func respond(status int, body string) http.HandlerFunc {
	return func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/json")
		rw.WriteHeader(status)
		_, _ = io.WriteString(rw, body)
	}
}

// reply answers each JSON-RPC call with the given result or error member.
func reply(member string) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		var call struct {
			ID json.RawMessage `json:"id"`
		}
		_ = json.NewDecoder(r.Body).Decode(&call)
		rw.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(rw, `{"jsonrpc":"2.0","id":`+string(call.ID)+`,`+member+`}`)
	}
}

func closedURL(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ok(t, err)
	defer func() { _ = l.Close() }()
	return "http://" + l.Addr().String() + "/" + apiKey
}

// faults are endpoints that give no answer, by what is wrong with them.
func faults(t testing.TB) map[string]string {
	hang := func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}
	endless := func(rw http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(rw, `{"jsonrpc":"2.0","id":1,"result":"0x`)
		for {
			if _, err := io.WriteString(rw, strings.Repeat("0", 1<<16)); err != nil {
				return
			}
		}
	}
	bomb := func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(rw)
		_, _ = io.WriteString(z, `{"jsonrpc":"2.0","id":1,"result":"0x`+strings.Repeat("0", 64<<20)+`"}`)
		_ = z.Close()
	}
	elsewhere := func(rw http.ResponseWriter, r *http.Request) {
		http.Redirect(rw, r, "http://127.0.0.1:1/"+apiKey, http.StatusTemporaryRedirect)
	}
	return map[string]string{
		"down":              closedURL(t),
		"wrong chain":       serve(t, newEVM(t, 1).rpcHandler(t)),
		"HTML":              serve(t, respond(200, "<html>"+apiKey+"</html>")),
		"empty":             serve(t, respond(200, "")),
		"not JSON-RPC":      serve(t, respond(200, `{"hello":"world"}`)),
		"null":              serve(t, respond(200, "null")),
		"a batch":           serve(t, respond(200, "[]")),
		"401":               serve(t, respond(401, apiKey)),
		"429":               serve(t, respond(429, `{"error":"`+apiKey+`"}`)),
		"500, endless":      serve(t, respond(500, strings.Repeat(apiKey, 1<<18))),
		"redirects":         serve(t, http.HandlerFunc(elsewhere)),
		"hangs":             serve(t, http.HandlerFunc(hang)),
		"endless":           serve(t, http.HandlerFunc(endless)),
		"decompresses":      serve(t, http.HandlerFunc(bomb)),
		"limit exceeded":    serve(t, reply(`"error":{"code":-32005,"message":"daily request count exceeded"}`)),
		"method not found":  serve(t, reply(`"error":{"code":-32601,"message":"the method does not exist"}`)),
		"null result":       serve(t, reply(`"result":null`)),
		"result of no type": serve(t, reply(`"result":{}`)),
		"negative chain":    serve(t, reply(`"result":"-0x539"`)),
		"huge chain":        serve(t, reply(`"result":"0x10000000000000539"`)),
	}
}

func TestFaultyEndpoints(t *testing.T) {
	chain := newEVM(t, simChain)
	k, owner := key(t, 1)
	wallet := chain.deploy(t, "NaiveWallet", owner)
	good := serve(t, chain.rpcHandler(t))
	opts := siwe.ContractsOptions{CallTimeout: 400 * time.Millisecond, Timeout: 4 * time.Second}
	patient := siwe.ContractsOptions{CallTimeout: 2 * time.Second, Timeout: 20 * time.Second} // a busy machine is not what is tested
	for name, bad := range faults(t) {
		t.Run(name, func(t *testing.T) {
			verify := func(signature string, contracts *siwe.Contracts) error {
				exp := expectation()
				exp.Contracts = contracts
				_, _, err := siwe.Verify(t.Context(), text(t, wallet), signature, exp)
				return err
			}
			alone, err := siwe.NewContracts(map[uint64][]string{simChain: {bad}}, opts)
			ok(t, err)
			start := time.Now()
			e := refused(t, verify(signHex(t, k, text(t, wallet)), alone), siwe.FieldSignature, siwe.Unavailable)
			if took := time.Since(start); took > 20*time.Second || e.RetryAfter <= 0 {
				t.Errorf("took %s, retry after %s", took, e.RetryAfter)
			}
			health := alone.Health(t.Context())
			equal(t, false, health[0].Available())
			for _, said := range []string{e.Error(), health[0].Endpoints[0].Reason} {
				if strings.Contains(said, apiKey) || said == "" {
					t.Errorf("says %q", said)
				}
			}
			// An externally owned account signs in as before.
			exp := expectation()
			exp.Contracts = alone
			_, _, err = siwe.Verify(t.Context(), text(t, owner), signHex(t, k, text(t, owner)), exp)
			ok(t, err)
			// With a good endpoint as the second one, a yes stays a yes and a no a no.
			both, err := siwe.NewContracts(map[uint64][]string{simChain: {bad, good}}, patient)
			ok(t, err)
			ok(t, verify(signHex(t, k, text(t, wallet)), both))
			stranger, _ := key(t, 9)
			refused(t, verify(signHex(t, stranger, text(t, wallet)), both), siwe.FieldSignature, siwe.Rejected)
			equal(t, true, both.Health(t.Context())[0].Available())
		})
	}
}

func TestChainWithoutEndpointIsRefused(t *testing.T) {
	k, _ := key(t, 1)
	exp := expectation()
	exp.Contracts = newWallets(t).contracts
	m := message(common.Address{0xaa}) // on chain 1, which has none
	_, _, err := siwe.Verify(t.Context(), build(t, m), signHex(t, k, build(t, m)), exp)
	refused(t, err, siwe.FieldSignature, siwe.Rejected) // not Unavailable: trying again is no use
}

func TestNewContractsRefusesBadURLs(t *testing.T) {
	for name, urls := range map[string]map[uint64][]string{
		"no URL": {1: nil}, "chain 0": {0: {"https://rpc.example.com"}}, "no host": {1: {"https:///" + apiKey}},
		"another scheme": {1: {"file:///" + apiKey}}, "websocket": {1: {"wss://rpc.example.com/" + apiKey}},
		"no scheme": {1: {"rpc.example.com/" + apiKey}}, "not a URL": {1: {"https://\x00" + apiKey}}, "empty": {1: {""}},
	} {
		_, err := siwe.NewContracts(urls, siwe.ContractsOptions{})
		if err == nil || strings.Contains(err.Error(), apiKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// fakeBackend counts calls and gives fixed answers.
type fakeBackend struct {
	mu     sync.Mutex
	chain  uint64
	asked  map[string]int
	code   []byte
	answer func(context.Context) ([]byte, error)
}

func (b *fakeBackend) count(method string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.asked == nil {
		b.asked = map[string]int{}
	}
	b.asked[method]++
}

func (b *fakeBackend) ChainID(context.Context) (*big.Int, error) {
	b.count("chain")
	b.mu.Lock()
	defer b.mu.Unlock()
	return new(big.Int).SetUint64(b.chain), nil
}

func (b *fakeBackend) CodeAt(context.Context, common.Address, *big.Int) ([]byte, error) {
	b.count("code")
	return b.code, nil
}

func (b *fakeBackend) CallContract(ctx context.Context, call ethereum.CallMsg, _ *big.Int) ([]byte, error) {
	b.count("call")
	if call.Gas == 0 {
		panic("no gas limit")
	}
	return b.answer(ctx)
}

func yes(context.Context) ([]byte, error) {
	return hexutil.MustDecode("0x1626ba7e" + strings.Repeat("0", 56)), nil
}

func TestChainIDIsAskedOnceItWasRight(t *testing.T) {
	b := &fakeBackend{chain: 7, code: []byte{1}, answer: yes}
	now := time.Unix(0, 0)
	c := siwe.NewContractsWithBackends(map[uint64][]siwe.Backend{1: {b}}, siwe.ContractsOptions{Now: func() time.Time { return now }})
	verify := func() error {
		return c.VerifyContract(t.Context(), 1, common.Address{1}, common.Hash{}, []byte{1})
	}
	for range 3 {
		refused(t, verify(), siwe.FieldSignature, siwe.Unavailable)
	}
	equal(t, map[string]int{"chain": 3}, b.asked)
	b.chain = 1 // the operator has corrected it
	for range 3 {
		ok(t, verify())
	}
	equal(t, map[string]int{"chain": 4, "code": 3, "call": 3}, b.asked)

	equal(t, siwe.EndpointHealth{Name: "backend-1", Available: true, CheckedAt: now}, c.Health(t.Context())[0].Endpoints[0])
	equal(t, 4, b.asked["chain"]) // there was contact just now
	now = now.Add(time.Minute)
	b.chain = 8
	equal(t, false, c.Health(t.Context())[0].Available())
	refused(t, verify(), siwe.FieldSignature, siwe.Unavailable)
}

func TestFailedEndpointIsAskedLastForAWhile(t *testing.T) {
	bad := &fakeBackend{chain: 2, code: []byte{1}, answer: yes}
	good := &fakeBackend{chain: 1, code: []byte{1}, answer: yes}
	now := time.Unix(1000, 0)
	c := siwe.NewContractsWithBackends(map[uint64][]siwe.Backend{1: {bad, good}}, siwe.ContractsOptions{Now: func() time.Time { return now }})
	for range 5 {
		ok(t, c.VerifyContract(t.Context(), 1, common.Address{1}, common.Hash{}, []byte{1}))
	}
	equal(t, 1, bad.asked["chain"])
	now = now.Add(time.Minute)
	ok(t, c.VerifyContract(t.Context(), 1, common.Address{1}, common.Hash{}, []byte{1}))
	equal(t, 2, bad.asked["chain"])
}

func TestVerificationsAtATimeAreBounded(t *testing.T) {
	var running, most atomic.Int64
	b := &fakeBackend{chain: 1, code: []byte{1}, answer: func(ctx context.Context) ([]byte, error) {
		n := running.Add(1)
		defer running.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		<-ctx.Done()
		return nil, ctx.Err()
	}}
	c := siwe.NewContractsWithBackends(map[uint64][]siwe.Backend{1: {b}}, siwe.ContractsOptions{MaxConcurrent: 2, Timeout: 100 * time.Millisecond})
	errs := make(chan error, 8)
	for range cap(errs) {
		go func() {
			errs <- c.VerifyContract(t.Context(), 1, common.Address{1}, common.Hash{}, []byte{1})
		}()
	}
	for range cap(errs) { // those that wait end in time too
		refused(t, <-errs, siwe.FieldSignature, siwe.Unavailable)
	}
	equal(t, int64(2), most.Load())
	b.answer = yes
	ok(t, c.VerifyContract(t.Context(), 1, common.Address{1}, common.Hash{}, []byte{1})) // the slots are free again
}

func TestCancelledCallIsNotAFault(t *testing.T) {
	b := &fakeBackend{chain: 1, code: []byte{1}, answer: func(ctx context.Context) ([]byte, error) { <-ctx.Done(); return nil, ctx.Err() }}
	c := siwe.NewContractsWithBackends(map[uint64][]siwe.Backend{1: {b}}, siwe.ContractsOptions{})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	err := c.VerifyContract(ctx, 1, common.Address{1}, common.Hash{}, []byte{1})
	refused(t, err, siwe.FieldSignature, siwe.Unavailable)
	equal(t, true, c.Health(t.Context())[0].Available())
}

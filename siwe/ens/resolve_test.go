package ens_test

import (
	"context"
	"errors"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"github.com/latchkey/latchkey/siwe/ens"
)

func resolve(t testing.TB, r *ens.Resolver, name string) common.Address {
	t.Helper()
	a, err := r.Resolve(t.Context(), name)
	ok(t, err)
	return a
}

func TestResolve(t *testing.T) {
	m := newMainnet(t, 1)
	r := newResolver(t, ens.Options{}, m.url(t))
	none := common.Address{}
	equal(t, none, resolve(t, r, "alice.eth")) // there is no such name

	// The account need not call itself by the name.
	resolver := m.own(t, alice, "alice.eth", "")
	for _, spelt := range []string{"alice.eth", "Alice.eth", "ALICE.ETH"} {
		equal(t, alice, resolve(t, r, spelt))
	}
	equal(t, none, resolve(t, r, "bob.alice.eth"))
	equal(t, none, resolve(t, r, "alice.com"))

	mallory := common.Address{0x66}
	m.claim(t, mallory, "alice.eth")
	equal(t, alice, resolve(t, r, "alice.eth")) // what mallory says counts for nothing
	m.send(t, resolver, "setAddr(bytes32,address)", node("alice.eth"), mallory)
	equal(t, mallory, resolve(t, r, "alice.eth")) // sold, and nothing is remembered
	m.send(t, resolver, "setAddr(bytes32,address)", node("alice.eth"), none)
	equal(t, none, resolve(t, r, "alice.eth"))
	m.send(t, registry, "setResolver(bytes32,address)", node("alice.eth"), none)
	equal(t, none, resolve(t, r, "alice.eth"))
}

func TestWhatIsNotResolved(t *testing.T) {
	m := newMainnet(t, 1)
	r := newResolver(t, ens.Options{}, m.url(t))
	for _, name := range []string{
		"", ".", "alice", "alice.", ".eth", "a..eth", "a b.eth", " alice.eth", "alice.eth\n", "alice@x.eth", "a_b.eth", "a/b.eth", "ali\x00ce.eth",
		"\u212aate.eth", "al\u0130ce.eth", "аlice.eth", "álice.eth", "👻.eth", "ali\xffce.eth", "alice。eth", "ali\u200bce.eth",
		"xn--alice-xya.eth", "0x" + strings.Repeat("AB", 20) + ".eth", strings.Repeat("a", 252) + ".eth",
	} {
		m.own(t, alice, strings.ToLower(name), "")
		if a, err := r.Resolve(t.Context(), name); !errors.Is(err, ens.ErrName) || a != (common.Address{}) {
			t.Errorf("%.40q: %s, %v", name, a, err)
		}
	}
	equal(t, 0, m.asked.Load())

	var none *ens.Resolver
	for _, r := range []*ens.Resolver{none, newResolver(t, ens.Options{})} {
		_, err := r.Resolve(t.Context(), "alice.eth")
		equal(t, true, errors.Is(err, ens.ErrNoEndpoint))
		_, err = r.Resolve(t.Context(), "álice.eth")
		equal(t, true, errors.Is(err, ens.ErrName))
	}
}

// An endpoint that gives no answer is never taken for a name without an address.
func TestResolveByFaultyEndpoints(t *testing.T) {
	m := newMainnet(t, 1)
	m.own(t, alice, "alice.eth", "")
	good := m.url(t)
	opts := ens.Options{AttemptTimeout: 2 * time.Second, Timeout: 20 * time.Second}
	for name, bad := range faults(t, good) {
		t.Run(name, func(t *testing.T) {
			a, err := newResolver(t, opts, bad).Resolve(t.Context(), "alice.eth")
			if err == nil || errors.Is(err, ens.ErrName) || errors.Is(err, ens.ErrNoEndpoint) || a != (common.Address{}) || strings.Contains(err.Error(), apiKey) {
				t.Errorf("%s, %v", a, err)
			}
			equal(t, alice, resolve(t, newResolver(t, opts, bad, good), "alice.eth"))
		})
	}
	// Between the call of the registry and that of the resolver, too.
	for fails := range int64(3) {
		var calls int64
		transport := roundTripper(func(r *http.Request) (*http.Response, error) {
			if calls++; calls == fails+1 {
				return nil, http.ErrHandlerTimeout
			}
			return http.DefaultTransport.RoundTrip(r)
		})
		if a, err := newResolver(t, ens.Options{Transport: transport}, good).Resolve(t.Context(), "alice.eth"); err == nil {
			t.Errorf("call %d failed: %s", fails+1, a)
		}
	}
}

func TestResolveEndsWithItsTime(t *testing.T) {
	url := newMainnet(t, 1).url(t)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	_, err := newResolver(t, ens.Options{Transport: make(gate)}, url).Resolve(ctx, "alice.eth")
	equal(t, true, errors.Is(err, context.DeadlineExceeded))
	_, err = newResolver(t, ens.Options{Transport: make(gate), Timeout: 10 * time.Millisecond}, url).Resolve(t.Context(), "alice.eth")
	equal(t, true, errors.Is(err, context.DeadlineExceeded))
}

func TestResolveByHostileContracts(t *testing.T) {
	m := newMainnet(t, 1)
	r := newResolver(t, ens.Options{}, m.url(t))
	puppet := m.deploy(t, "Puppet")
	m.send(t, registry, "setResolver(bytes32,address)", node("alice.eth"), puppet)
	answer := encode(t, "address", alice)
	for label, does := range map[string]struct {
		act  uint8
		data []byte
		size int64
		want common.Address
	}{
		"tells":           {act: actReturn, data: answer, want: alice},
		"reverts":         {act: actRevert, data: answer},
		"asks a gateway":  {act: actOffchainLookup, data: []byte("https://gateway.example/")},
		"burns gas":       {act: actLoop},
		"writes":          {act: actWrite},
		"huge return":     {act: actReturnZeros, size: 400_000},
		"returns nothing": {act: actReturn},
		"more before":     {act: actReturn, data: append([]byte{1}, answer[1:]...)},
		"more behind":     {act: actReturn, data: append(answer[:32:32], 0)},
		"as bytes":        {act: actReturn, data: encode(t, "bytes", alice[:])},
		"a large number":  {act: actReturn, data: common.LeftPadBytes(new(big.Int).Lsh(big.NewInt(1), 200).Bytes(), 32)},
	} {
		m.teach(t, puppet, "addr(bytes32)", does.act, does.data, does.size)
		if got := resolve(t, r, "alice.eth"); got != does.want {
			t.Errorf("%s: %s", label, got)
		}
	}
	for i := range byte(0x14) { // precompiles
		m.send(t, registry, "setResolver(bytes32,address)", node("alice.eth"), common.Address{19: i})
		equal(t, common.Address{}, resolve(t, r, "alice.eth"))
	}
}

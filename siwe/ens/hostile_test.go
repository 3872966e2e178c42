package ens_test

import (
	"bytes"
	"math"
	"math/big"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/latchkey/latchkey/siwe/ens"
)

// What a Puppet can do.
const (
	actReturn uint8 = iota
	actRevert
	actLoop
	actReturnZeros
	actRevertZeros
	actInvalidOpcode
	actOffchainLookup
	actWrite
)

func (m *mainnet) teach(t testing.TB, puppet common.Address, function string, act uint8, data []byte, size int64) {
	t.Helper()
	m.send(t, puppet, "teach(bytes4,uint8,bytes,uint256)", [4]byte(crypto.Keccak256([]byte(function))), act, data, big.NewInt(size))
}

func TestHostileContracts(t *testing.T) {
	var contacted atomic.Int64
	gateway := serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { contacted.Add(1) }))
	word := func(n uint64) []byte { return common.LeftPadBytes(new(big.Int).SetUint64(n).Bytes(), 32) }
	huge := bytes.Repeat([]byte{0xff}, 32)
	type act struct {
		act  uint8
		data []byte
		size int64
	}
	acts := map[string]act{
		"reverts":                  {act: actRevert},
		"reverts with words":       {act: actRevert, data: calldata(t, "Error(string)", "no")},
		"asks a gateway":           {act: actOffchainLookup, data: []byte(gateway + "/{sender}/{data}")},
		"burns gas":                {act: actLoop},
		"writes":                   {act: actWrite},
		"invalid opcode":           {act: actInvalidOpcode},
		"huge return":              {act: actReturnZeros, size: 400_000},
		"return of all memory":     {act: actReturnZeros, size: math.MaxInt64},
		"huge revert":              {act: actRevertZeros, size: 400_000},
		"returns nothing":          {act: actReturn},
		"returns a byte":           {act: actReturn, data: []byte{1}},
		"returns 31 bytes":         {act: actReturn, data: make([]byte, 31)},
		"returns 33 bytes":         {act: actReturn, data: make([]byte, 33)},
		"returns zeros":            {act: actReturnZeros, size: 256},
		"a number":                 {act: actReturn, data: word(42)},
		"all ones":                 {act: actReturn, data: huge},
		"offset of all ones":       {act: actReturn, data: append(huge[:32:32], huge...)},
		"offset at the end":        {act: actReturn, data: word(32)},
		"offset near 2^63":         {act: actReturn, data: append(word(math.MaxInt64), word(1)...)},
		"length of all ones":       {act: actReturn, data: append(word(32), huge...)},
		"length near 2^63":         {act: actReturn, data: append(word(32), word(math.MaxInt64)...)},
		"length one too long":      {act: actReturn, data: append(append(word(32), word(33)...), word(0)...)},
		"offset into itself":       {act: actReturn, data: word(0)},
		"an array of strings":      {act: actReturn, data: encode(t, "string[]", []string{"alice.eth"})},
		"bytes32":                  {act: actReturn, data: common.RightPadBytes([]byte("alice.eth"), 32)},
		"another's address":        {act: actReturn, data: encode(t, "address", common.Address{1})},
		"address with more before": {act: actReturn, data: append(bytes.Repeat([]byte{1}, 12), alice[:]...)},
		"address with more behind": {act: actReturn, data: append(encode(t, "address", alice), 0)},
		"address as bytes":         {act: actReturn, data: encode(t, "bytes", alice[:])},
		"address, unpadded":        {act: actReturn, data: alice[:]},
		"address, right-padded":    {act: actReturn, data: common.RightPadBytes(alice[:], 32)},
	}
	name, answer := encode(t, "string", "alice.eth"), encode(t, "address", alice)
	for label, a := range acts {
		t.Run(label, func(t *testing.T) {
			for _, function := range []string{"name(bytes32)", "addr(bytes32)", "text(bytes32,string)"} {
				m := newMainnet(t, 1)
				puppet := m.deploy(t, "Puppet")
				m.send(t, registry, "setResolver(bytes32,address)", reverse(alice), puppet)
				m.send(t, registry, "setResolver(bytes32,address)", node("alice.eth"), puppet)
				m.teach(t, puppet, "name(bytes32)", actReturn, name, 0)
				m.teach(t, puppet, "addr(bytes32)", actReturn, answer, 0)
				m.teach(t, puppet, "text(bytes32,string)", actReturn, encode(t, "string", "https://example.com/a"), 0)
				m.teach(t, puppet, function, a.act, a.data, a.size)
				var want ens.Profile
				if function == "text(bytes32,string)" {
					want.Name = "alice.eth"
				}
				equal(t, want, lookup(t, newResolver(t, ens.Options{}, m.url(t)), alice))
			}
		})
	}
	equal(t, 0, contacted.Load())
}

// Precompiles and accounts without code can be set as resolvers like any other.
func TestResolversThatAreNoContracts(t *testing.T) {
	m := newMainnet(t, 1)
	r := newResolver(t, ens.Options{}, m.url(t))
	for i := range byte(0x14) {
		m.send(t, registry, "setResolver(bytes32,address)", reverse(alice), common.Address{19: i})
		equal(t, ens.Profile{}, lookup(t, r, alice))
		m.claim(t, alice, "alice.eth")
		m.send(t, registry, "setResolver(bytes32,address)", node("alice.eth"), common.Address{19: i})
		equal(t, ens.Profile{}, lookup(t, r, alice))
	}
	m.send(t, registry, "setResolver(bytes32,address)", node("alice.eth"), registry)
	equal(t, ens.Profile{}, lookup(t, r, alice))
}

// The gas is what bounds a node's work, and it is enough for honest records.
func TestGasSufficesForLongRecords(t *testing.T) {
	m := newMainnet(t, 1)
	r := newResolver(t, ens.Options{}, m.url(t))
	name := string(bytes.Repeat([]byte{'a'}, 251)) + ".eth"
	avatar := "https://example.com/" + string(bytes.Repeat([]byte{'a'}, 1004))
	m.claim(t, alice, name)
	m.own(t, alice, name, avatar)
	equal(t, ens.Profile{Name: name, AvatarURL: avatar}, lookup(t, r, alice))
	m.own(t, alice, name, avatar+string(bytes.Repeat([]byte{'a'}, 20_000)))
	equal(t, ens.Profile{Name: name}, lookup(t, r, alice))
}

package siwe_test

import (
	"bytes"
	"crypto/ecdsa"
	"errors"
	"log/slog"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"
	siwego "github.com/spruceid/siwe-go"

	"github.com/latchkey/latchkey/siwe"
)

// watchSiweGo returns an expectation that counts what siwe-go is asked, and
// checks that it is asked about the bytes received.
func watchSiweGo(t *testing.T, exp siwe.Expectation, raw string, asked *int) siwe.Expectation {
	return exp.WithSiweGo(func(m *siwego.Message, signature string) (*ecdsa.PublicKey, error) {
		*asked++
		equal(t, raw, m.String())
		return m.VerifyEIP191(signature)
	})
}

func TestSiweGoVerifiesRealClients(t *testing.T) {
	exp := expectation()
	exp.Chains = []uint64{1, 8453}
	for _, c := range loadClients(t).Captures {
		t.Run(c.Name, func(t *testing.T) {
			asked := 0
			_, m, err := siwe.Verify(t.Context(), c.Message, c.Signature, watchSiweGo(t, exp, c.Message, &asked))
			ok(t, err)
			want := 1
			if m.Scheme != "" || m.HasStatement && m.Statement == "" || m.Resources != nil && len(m.Resources) == 0 {
				want = 0
			}
			equal(t, want, asked)
		})
	}
}

func TestSiweGoIsAskedWhatItCanWrite(t *testing.T) {
	k, address := key(t, 1)
	for name, c := range map[string]struct {
		change func(*siwe.Message)
		asked  int
	}{
		"a statement":  {func(*siwe.Message) {}, 1},
		"no statement": {func(m *siwe.Message) { m.Statement = "" }, 1},
		"all fields": {func(m *siwe.Message) {
			m.NotBefore, m.ExpirationTime, m.RequestID = ptr(now), ptr(now.Add(time.Hour)), ptr("a%20b")
		}, 1},
		"resources": {func(m *siwe.Message) {
			m.Resources = []string{"https://app.example.com/a?b=%20#c", "ipfs://x", "urn:a:b"}
		}, 1},
		"a fraction of a second": {func(m *siwe.Message) { m.IssuedAt = now.Add(-time.Microsecond) }, 1},
		"a scheme":               {func(m *siwe.Message) { m.Scheme = "https" }, 0},
		"an empty statement":     {func(m *siwe.Message) { m.Statement, m.HasStatement = "", true }, 0},
		"a blank statement":      {func(m *siwe.Message) { m.Statement = " " }, 0},
		"an empty request id":    {func(m *siwe.Message) { m.RequestID = ptr("") }, 0},
		"no resource in a list":  {func(m *siwe.Message) { m.Resources = []string{} }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			m := message(address)
			c.change(&m)
			text := build(t, m)
			asked := 0
			_, _, err := siwe.Verify(t.Context(), text, signHex(t, k, text), watchSiweGo(t, expectation(), text, &asked))
			ok(t, err)
			equal(t, c.asked, asked)
			stranger, _ := key(t, 2)
			_, _, err = siwe.Verify(t.Context(), text, signHex(t, stranger, text), expectation())
			refused(t, err, siwe.FieldSignature, siwe.Rejected)
		})
	}
}

// siwe-go panics on a signature of less than 65 bytes, takes a recovery byte of
// 54 for 0, and takes a high s.
func TestSiweGoIsNotAskedAboutOddSignatures(t *testing.T) {
	k, address := key(t, 1)
	text := build(t, message(address))
	sig := personalSign(t, k, text)
	with := func(change func([]byte)) []byte {
		c := bytes.Clone(sig)
		change(c)
		return c
	}
	for name, odd := range map[string][]byte{
		"1 byte":           {1},
		"64 bytes":         sig[:64],
		"66 bytes":         append(bytes.Clone(sig), 0),
		"recovery byte 2":  with(func(b []byte) { b[64] = 2 }),
		"recovery byte 54": with(func(b []byte) { b[64] += 27 }),
		"r is 0":           with(func(b []byte) { clear(b[:32]) }),
		"high s": with(func(b []byte) {
			new(big.Int).Sub(crypto.S256().Params().N, new(big.Int).SetBytes(b[32:64])).FillBytes(b[32:64])
			b[64] = 27 + 28 - b[64]
		}),
	} {
		t.Run(name, func(t *testing.T) {
			asked := 0
			_, _, err := siwe.Verify(t.Context(), text, hexutil.Encode(odd), watchSiweGo(t, expectation(), text, &asked))
			equal(t, true, err != nil)
			equal(t, 0, asked)
		})
	}
}

func TestDisagreementWithSiweGoIsRefused(t *testing.T) {
	k, address := key(t, 1)
	stranger, _ := key(t, 2)
	text := build(t, message(address))
	accepts := func(key *ecdsa.PublicKey) func(*siwego.Message, string) (*ecdsa.PublicKey, error) {
		return func(*siwego.Message, string) (*ecdsa.PublicKey, error) { return key, nil }
	}
	refuses := func(*siwego.Message, string) (*ecdsa.PublicKey, error) { return nil, errors.New("no") }
	for name, c := range map[string]struct {
		signer  *ecdsa.PrivateKey
		siweGo  func(*siwego.Message, string) (*ecdsa.PublicKey, error)
		accepts string
	}{
		"it refuses what the key signed":      {k, refuses, "siwe_go_accepts=false"},
		"it accepts what another key signed":  {stranger, accepts(&stranger.PublicKey), "siwe_go_accepts=true"},
		"it accepts and does not say the key": {stranger, accepts(nil), "siwe_go_accepts=true"},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			exp := expectation().WithSiweGo(c.siweGo)
			exp.Logger = slog.New(slog.NewTextHandler(&log, nil))
			exp.Contracts = verifierFunc(func() error { t.Error("the chain was asked"); return nil })
			account, m, err := siwe.Verify(t.Context(), text, signHex(t, c.signer, text), exp)
			e := refused(t, err, siwe.FieldSignature, siwe.Rejected)
			equal(t, true, errors.Is(e, siwe.ErrDisagreement))
			equal(t, siwe.Account{}, account)
			equal(t, true, m == nil)
			for _, want := range []string{"level=ERROR", c.accepts, address.Hex(), hashOf(text).Hex()} {
				if !strings.Contains(log.String(), want) {
					t.Errorf("the log lacks %q: %s", want, log.String())
				}
			}
			if nonce := message(address).Nonce; strings.Contains(log.String(), nonce) {
				t.Errorf("the log has the nonce: %s", log.String())
			}

			exp.Logger = nil // must not be needed
			_, _, err = siwe.Verify(t.Context(), text, signHex(t, c.signer, text), exp)
			equal(t, true, errors.Is(err, siwe.ErrDisagreement))
		})
	}
}

// A no of both is a question for the chain.
func TestSiweGoRefusesAndTheWalletAccepts(t *testing.T) {
	_, address := key(t, 1)
	stranger, _ := key(t, 2)
	text := build(t, message(address))
	asked := 0
	exp := watchSiweGo(t, expectation(), text, &asked)
	exp.Contracts = verifierFunc(func() error { return nil })
	account, _, err := siwe.Verify(t.Context(), text, signHex(t, stranger, text), exp)
	ok(t, err)
	equal(t, siwe.Contract, account.Kind)
	equal(t, 1, asked)
}

func TestCheckTemplate(t *testing.T) {
	base := siwe.Message{Domain: "app.example.com", URI: "https://app.example.com", ChainID: 1}
	longest := base // with a nonce and times of the greatest length
	longest.Nonce = strings.Repeat("a", 80)
	longest.IssuedAt = now.Add(1)
	longest.ExpirationTime = ptr(now.Add(1))
	room := siwe.MaxMessageBytes - len(build(t, longest)) - len("\n")
	for name, c := range map[string]struct {
		change func(*siwe.Message)
		field  string // "" where it is accepted
	}{
		"nothing more":        {func(*siwe.Message) {}, ""},
		"statement":           {func(m *siwe.Message) { m.Statement = "I accept: https://app.example.com/tos. \u00dcber 12 \u20ac" }, ""},
		"resources":           {func(m *siwe.Message) { m.Resources = []string{"https://app.example.com/tos?v=3", "ipfs://x/"} }, ""},
		"loopback":            {func(m *siwe.Message) { m.Domain, m.URI = "localhost:8080", "http://localhost:8080" }, ""},
		"address of a host":   {func(m *siwe.Message) { m.Domain, m.URI = "[::1]:8080", "http://[::1]:8080" }, ""},
		"statement of blanks": {func(m *siwe.Message) { m.Statement = "  " }, siwe.FieldMessage},
		"statement of lines":  {func(m *siwe.Message) { m.Statement = "a\nb" }, siwe.FieldStatement},
		"resource, no URI":    {func(m *siwe.Message) { m.Resources = []string{"terms"} }, siwe.FieldResources},
		"resource rewritten":  {func(m *siwe.Message) { m.Resources = []string{"HTTPS://app.example.com"} }, siwe.FieldMessage},
		"empty list":          {func(m *siwe.Message) { m.Resources = []string{} }, siwe.FieldMessage},
		"no chain":            {func(m *siwe.Message) { m.ChainID = 0 }, siwe.FieldChainID},
		"as long as allowed":  {func(m *siwe.Message) { m.Statement = strings.Repeat("a", room) }, ""},
		"too long":            {func(m *siwe.Message) { m.Statement = strings.Repeat("a", room+1) }, siwe.FieldMessage},
	} {
		t.Run(name, func(t *testing.T) {
			m := base
			c.change(&m)
			err := siwe.CheckTemplate(m)
			if c.field == "" {
				ok(t, err)
				return
			}
			refused(t, err, c.field, siwe.Malformed)
		})
	}
}

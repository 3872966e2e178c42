package siwe_test

import (
	"context"
	"errors"
	"testing"
	"unicode/utf8"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	siwego "github.com/spruceid/siwe-go"

	"github.com/latchkey/latchkey/siwe"
)

// FuzzParse: a text is refused, with a typed error, or it is written again as
// the same bytes and built again as the same message.
func FuzzParse(f *testing.F) {
	f.Add(full)
	for _, c := range loadClients(f).Captures {
		f.Add(c.Message)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		m, err := siwe.Parse(raw)
		if err != nil {
			var e *siwe.Error
			if !errors.As(err, &e) || e.Kind != siwe.Malformed || e.Field == "" || m != nil {
				t.Fatalf("untyped: %v", err)
			}
			return
		}
		if m.String() != raw || !utf8.ValidString(raw) || len(raw) > siwe.MaxMessageBytes {
			t.Fatalf("%q became %q", raw, m)
		}
		// A zero time is in the grammar, but Build takes it for a forgotten one.
		if built, err := siwe.Build(*m); err == nil && built != raw {
			t.Fatalf("%q was built as %q", raw, built)
		}
		agreesWithSiweGo(t, raw, m)
	})
}

// agreesWithSiweGo holds our reading against another parser's. It accepts less
// (a statement or list that is there but empty, a scheme), so only what both
// accept is compared.
func agreesWithSiweGo(t *testing.T, raw string, m *siwe.Message) {
	t.Helper()
	other, err := siwego.ParseMessage(raw)
	if err != nil || m.Scheme != "" {
		return
	}
	uri := other.GetURI()
	if other.GetDomain() != m.Domain || other.GetAddress() != m.Address || uri.String() != m.URI || other.GetNonce() != m.Nonce ||
		uint64(max(other.GetChainID(), 0)) != m.ChainID ||
		len(other.GetResources()) != len(m.Resources) || (other.GetExpirationTime() == nil) != (m.ExpirationTime == nil) ||
		(other.GetNotBefore() == nil) != (m.NotBefore == nil) {
		t.Fatalf("%q: siwe-go reads %+v, we read %+v", raw, other, m)
	}
	if s := other.GetStatement(); m.Statement != "" && (s == nil || *s != m.Statement) {
		t.Fatalf("%q: siwe-go reads the statement %v, we read %q", raw, s, m.Statement)
	}
}

// FuzzVerify: whatever is sent, the verifier returns, and accepts nothing but
// what the key has signed.
func FuzzVerify(f *testing.F) {
	k, address := key(f, 1)
	text := build(f, message(address))
	f.Add(text, signHex(f, k, text))
	f.Add(text, "0x")
	f.Add(text, hexutil.Encode(wrap(f, common.Address{1}, []byte{1}, []byte{2})))
	for _, c := range loadClients(f).Captures {
		f.Add(c.Message, c.Signature)
	}
	known := map[string]bool{text: true}
	for _, c := range loadClients(f).Captures {
		known[c.Message] = true
	}
	contracts := siwe.NewContractsWithBackends(map[uint64][]siwe.Backend{
		1: {&fakeBackend{chain: 1, answer: yes}}, 1337: {&fakeBackend{chain: 1337, code: []byte{1}, answer: no}},
	}, siwe.ContractsOptions{})
	f.Fuzz(func(t *testing.T, raw, signature string) {
		exp := expectation()
		for _, exp.Contracts = range []siwe.ContractVerifier{nil, contracts} {
			account, m, err := siwe.Verify(t.Context(), raw, signature, exp)
			var e *siwe.Error
			if err != nil && (!errors.As(err, &e) || m != nil || account != siwe.Account{}) {
				t.Fatalf("untyped: %v", err)
			}
			if errors.Is(err, siwe.ErrDisagreement) {
				t.Fatalf("siwe-go and we disagree about %q, %q", raw, signature)
			}
			if err == nil && (!known[raw] && account.Kind == siwe.EOA || m.String() != raw) {
				t.Fatalf("accepted %q, %q", raw, signature)
			}
		}
	})
}

func no(context.Context) ([]byte, error) { return make([]byte, 32), nil }

package siwe_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/ethereum/go-ethereum/common/hexutil"

	"github.com/ethereum/go-ethereum/common"

	"github.com/latchkey/latchkey/siwe"
)

// clients are messages that real libraries have made and signed.
type clients struct {
	Captures []struct {
		Name, Message, Signature string
		Address                  common.Address
		Hash                     common.Hash
	}
	ERC6492 struct {
		Factory                             common.Address
		FactoryCalldata, Signature, Wrapped hexutil.Bytes
	}
}

func loadClients(t testing.TB) (c clients) {
	t.Helper()
	raw, err := os.ReadFile("testdata/clients/clients.json")
	ok(t, err)
	ok(t, json.Unmarshal(raw, &c))
	return c
}

func TestRealClients(t *testing.T) {
	exp := expectation()
	exp.Chains = []uint64{1, 8453}
	for _, c := range loadClients(t).Captures {
		t.Run(c.Name, func(t *testing.T) {
			account, m, err := siwe.Verify(t.Context(), c.Message, c.Signature, exp)
			ok(t, err)
			equal(t, siwe.Account{Address: c.Address, ChainID: m.ChainID, Kind: siwe.EOA}, account)
			equal(t, c.Message, m.String())
			equal(t, c.Hash, hashOf(c.Message))

			// Written in our own spelling of the times it is the same message.
			fresh := siwe.Message{
				Scheme: m.Scheme, Domain: m.Domain, Address: m.Address, Statement: m.Statement, HasStatement: m.HasStatement,
				URI: m.URI, ChainID: m.ChainID, Nonce: m.Nonce, IssuedAt: m.IssuedAt, ExpirationTime: m.ExpirationTime,
				NotBefore: m.NotBefore, RequestID: m.RequestID, Resources: m.Resources,
			}
			_, err = siwe.Build(fresh)
			ok(t, err)

			// One changed byte anywhere in the message is refused.
			for i := range len(c.Message) {
				changed := []byte(c.Message)
				changed[i] ^= 1
				if _, _, err := siwe.Verify(t.Context(), string(changed), c.Signature, exp); err == nil {
					t.Fatalf("accepted with byte %d changed: %q", i, changed)
				}
			}
		})
	}
}

func TestViemWrapsAsWeDo(t *testing.T) {
	c := loadClients(t).ERC6492
	equal(t, []byte(c.Wrapped), wrap(t, c.Factory, c.FactoryCalldata, c.Signature))
}

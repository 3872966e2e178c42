package siwe_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/ethereum/go-ethereum/accounts"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/latchkey/latchkey/siwe"
)

// The whole round: a nonce for a browser, a message around it, the wallet's
// signature, and what the server makes of it.
func Example() {
	at := time.Date(2026, 3, 14, 15, 9, 26, 0, time.UTC)
	nonce := rand.Text()
	issued := map[string]bool{nonce: true} // in a service: for this browser and purpose, with an expiry

	wallet, err := crypto.ToECDSA(crypto.Keccak256([]byte("a throwaway key")))
	if err != nil {
		panic(err)
	}
	text, err := siwe.Build(siwe.Message{
		Domain: "app.example.com", URI: "https://app.example.com", ChainID: 1, Nonce: nonce, IssuedAt: at,
		Address: crypto.PubkeyToAddress(wallet.PublicKey), Statement: "Sign in to the example.",
	})
	if err != nil {
		panic(err)
	}
	signature, err := crypto.Sign(accounts.TextHash([]byte(text)), wallet) // in the wallet
	if err != nil {
		panic(err)
	}

	later := at.Add(time.Minute)
	account, message, err := siwe.Verify(context.Background(), text, hexutil.Encode(signature), siwe.Expectation{
		Domain: "app.example.com", Origin: "https://app.example.com", Chains: []uint64{1}, Now: later,
		Nonce: func(nonce string) error {
			if !issued[nonce] {
				return errors.New("not issued here")
			}
			delete(issued, nonce) // it works once
			return nil
		},
	})
	if err != nil {
		panic(err)
	}
	fmt.Println(account.Kind, account.Subject())
	fmt.Println(message.Statement)
	// Output:
	// eoa eip155:0x1a88C9bEEB976B14ABd3860f8e7BaA52334aA4F5
	// Sign in to the example.
}

func ExampleBuild() {
	m := siwe.Message{
		Domain: "app.example.com", URI: "https://app.example.com/login", ChainID: 1, Nonce: "abcdefgh12345678",
		Address:   common.HexToAddress("0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2"),
		Statement: "Sign in to the example.", IssuedAt: time.Date(2026, 3, 14, 15, 9, 26, 0, time.UTC),
	}
	text, err := siwe.Build(m)
	fmt.Println(text, err)

	m.Statement = "Welcome\nURI: https://evil.example"
	_, err = siwe.Build(m)
	fmt.Println(err)
	// Output:
	// app.example.com wants you to sign in with your Ethereum account:
	// 0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2
	//
	// Sign in to the example.
	//
	// URI: https://app.example.com/login
	// Version: 1
	// Chain ID: 1
	// Nonce: abcdefgh12345678
	// Issued At: 2026-03-14T15:09:26Z <nil>
	// siwe: statement: must be one line of printable characters
}

// A refusal says which field it is about and what kind of refusal it is.
func ExampleError() {
	_, _, err := siwe.Verify(context.Background(), "not a message", "0x00", siwe.Expectation{})
	var refusal *siwe.Error
	if errors.As(err, &refusal) {
		switch refusal.Kind {
		case siwe.Malformed: // 400
			fmt.Println("bad request:", refusal.Field)
		case siwe.Rejected: // 401
			fmt.Println("not proven:", refusal.Field)
		case siwe.Unavailable: // 503
			fmt.Println("try again in", refusal.RetryAfter)
		}
	}
	// Output: bad request: domain
}

// Contract wallets are verified on their chain. Without an answer from it they
// are refused for now; accounts with a key sign in all the same.
func ExampleNewContracts() {
	contracts, err := siwe.NewContracts(map[uint64][]string{
		1:    {"https://eth.example.com/key", "https://backup.example.com"},
		8453: {"https://base.example.com/key"},
	}, siwe.ContractsOptions{CallTimeout: 2 * time.Second})
	if err != nil {
		panic(err)
	}
	expectation := siwe.Expectation{Contracts: contracts} // and the rest
	fmt.Println(expectation.Contracts != nil)
	// Output: true
}

func ExampleAccount_Subject() {
	address := common.HexToAddress("0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2")
	fmt.Println(siwe.Account{Address: address, ChainID: 8453, Kind: siwe.EOA}.Subject())
	fmt.Println(siwe.Account{Address: address, ChainID: 8453, Kind: siwe.Contract}.Subject())
	// Output:
	// eip155:0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2
	// eip155:8453:0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2
}
